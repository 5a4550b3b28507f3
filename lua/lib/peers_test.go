package lib_test

import (
	"slices"
	"testing"

	"github.com/moonwire/moonwire/core/call"
)

// What a phone brings along is there before its first step, and of other lines
// there is nothing.
func TestPeers(t *testing.T) {
	site, err := translated(t, map[string]string{
		"sip.conf":        "[101]\nhost=dynamic\nsecret=x\ncontext=t\naccountcode=sales\nsetvar=__DEPARTMENT=north\nsetvar=CHANNEL(musicclass)=jazz\n",
		"extensions.conf": "[t]\nexten => 1,1,NoOp(${CHANNEL(accountcode)} ${DEPARTMENT} ${CHANNEL(musicclass)})\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, monday, site)
	for _, test := range []struct{ id, endpoint, peer, want string }{
		{"c1", "sip", "101", "t,1,1 NoOp(sales north jazz)"},
		{"c2", "sip", "102", "t,1,1 NoOp(  )"},
		{"c3", "local", "101", "t,1,1 NoOp(  )"},
	} {
		w.starts(call.Info{ID: test.id, Endpoint: test.endpoint, Peer: test.peer, Context: "t", Extension: "1"})
		steps, _, _ := w.story(test.id)
		if !slices.Contains(steps, test.want) {
			t.Errorf("%s/%s: steps %q, want %q\n%s", test.endpoint, test.peer, steps, test.want, w.log.String())
		}
	}
}
