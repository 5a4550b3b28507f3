package sip

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/moonwire/moonwire/core/sip/naptr"
)

// zone is a small world of names.
var zone = records{
	naptr: map[string][]naptr.Record{
		"chooses.example": {
			{Order: 10, Preference: 10, Flags: "S", Service: "sips+d2t", Replacement: "_sips._tcp.chooses.example"},
			{Order: 10, Preference: 20, Flags: "s", Service: "SIP+D2T", Replacement: "_sip._tcp.elsewhere.example"},
			{Order: 20, Preference: 10, Flags: "s", Service: "SIP+D2U", Replacement: "_sip._udp.chooses.example"},
			{Order: 30, Preference: 10, Flags: "s", Service: "SIP+D2S", Replacement: "_sip._sctp.chooses.example"},
			{Order: 40, Preference: 10, Flags: "u", Service: "E2U+sip", Regexp: "!^.*$!sip:x@y!"},
		},
		"useless.example": {{Order: 1, Flags: "s", Service: "SIP+D2S", Replacement: "_sip._sctp.useless.example"}},
	},
	srv: map[string][]*net.SRV{
		"_sips._tcp.chooses.example":  {{Target: "a.example.", Port: 5071}},
		"_sip._tcp.elsewhere.example": {{Target: "b.example.", Port: 5070}, {Target: "a.example.", Port: 5070}},
		"_sip._udp.chooses.example":   {{Target: "a.example.", Port: 5060}},
		"_sip._tcp.streams.example":   {{Target: ".", Port: 0}, {Target: "b.example.", Port: 5080}},
		"_sip._udp.useless.example":   {{Target: "b.example.", Port: 5090}},
		"_sips._tcp.secure.example":   {{Target: "a.example.", Port: 5061}},
		"_sip._udp.secure.example":    {{Target: "a.example.", Port: 5060}},
	},
	hosts: map[string][]netip.Addr{
		"a.example": {netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")}, "b.example": {netip.MustParseAddr("192.0.2.2")},
		"chooses.example": {netip.MustParseAddr("192.0.2.9")}, "pbx": {netip.MustParseAddr("192.0.2.5")},
	},
}

// TestWhereToSend finds servers as RFC 3263, 4 says.
func TestWhereToSend(t *testing.T) {
	w := newTheatre(t)
	w.e.resolver = zone
	four := netip.MustParseAddrPort("192.0.2.100:5060")
	all := []*socket{{network: udp, bound: four}, {network: tcp, bound: four}, {network: tlsNetwork, bound: four}}
	for _, test := range []struct {
		uri     string
		sockets int
		want    string
	}{
		// The domain's own order, in which it may also name other domains.
		{"sip:x@chooses.example", 3, "tls:192.0.2.1:5071 tls:[2001:db8::1]:5071 tcp:192.0.2.2:5070 tcp:192.0.2.1:5070 tcp:[2001:db8::1]:5070 udp:192.0.2.1:5060 udp:[2001:db8::1]:5060"},
		{"sip:x@chooses.example", 1, "udp:192.0.2.1:5060 udp:[2001:db8::1]:5060"}, // what we cannot speak is left out
		{"sip:x@chooses.example;transport=udp", 3, "udp:192.0.2.1:5060 udp:[2001:db8::1]:5060"},
		{"sip:x@chooses.example:5099", 3, "udp:192.0.2.9:5099"},
		{"sip:x@192.0.2.7", 3, "udp:192.0.2.7:5060"},
		{"sip:x@useless.example", 3, "udp:192.0.2.2:5090"}, // no NAPTR record that helps
		{"sip:x@streams.example", 3, "tcp:192.0.2.2:5080"}, // no NAPTR records at all
		{"sips:x@secure.example", 3, "tls:192.0.2.1:5061 tls:[2001:db8::1]:5061"},
		{"sip:x@b.example", 3, "udp:192.0.2.2:5060"},
		{"sip:x@pbx", 3, "udp:192.0.2.5:5060"},
		{"sip:x@nowhere.example", 3, "look up nowhere.example"},
	} {
		w.e.transport.sockets = all[:test.sockets]
		d, err := w.e.direct(test.uri)
		if err != nil {
			t.Fatal(err)
		}
		list, err := d.lookup(context.Background())
		var got []string
		for _, h := range list {
			got = append(got, h.flow.String())
			if h.flow.network == tlsNetwork && !strings.Contains(test.uri, h.host) {
				t.Errorf("%s: has to prove that it is %s", test.uri, h.host)
			}
		}
		if err != nil {
			got = []string{err.Error()}
		}
		if s := strings.Join(got, " "); !strings.HasPrefix(s, test.want) || err == nil && s != test.want {
			t.Errorf("%s: %s", test.uri, s)
		}
	}
}

// A trunk's transport is the domain's choice only where the configuration has none.
func TestWhereTrunksAre(t *testing.T) {
	w := newTheatre(t)
	w.e.resolver = zone
	four := netip.MustParseAddrPort("192.0.2.100:5060")
	w.e.transport.sockets = []*socket{{network: udp, bound: four}, {network: tcp, bound: four}}
	for transport, want := range map[string]string{"": "tcp:192.0.2.2:5070", "udp": "udp:192.0.2.1:5060"} {
		list, err := w.e.trunkHops(context.Background(), &Trunk{Host: "chooses.example", Transport: transport})
		if err != nil || list[0].flow.String() != want {
			t.Errorf("%q: %v, %v", transport, list, err)
		}
	}
}
