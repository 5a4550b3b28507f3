package sip

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
)

// transfer is what became of a REFER, ours or theirs (RFC 3515).
type transfer struct {
	id     uint32 // CSeq of the REFER, names its subscription
	theirs bool
}

// referred takes a REFER: the far end wants us to call someone else. The script
// decides about that; where the far end has called him already, the two calls
// are connected here (see replaces.go). Until then and at the end we tell how it
// goes with NOTIFY.
func (l *leg) referred(req *sipgo.Request, tx *serverTx) {
	targets := values(req, "refer-to")
	if len(targets) != 1 {
		l.respond(tx, req, answer{status: 400, reason: "One Refer-To"})
		return
	}
	to, err := parseAddress(targets[0])
	if err != nil || to.uri.Host == "" && to.uri.Raw() == "" {
		l.respond(tx, req, answer{status: 400, reason: "Bad Refer-To"})
		return
	}
	if l.state != call.Answered {
		l.respond(tx, req, answer{status: 500, fields: []field{{"Retry-After", "1"}}})
		return
	}
	event := call.TransferAsked{To: user(&to.uri), Context: l.peer.context}
	if event.To == "" || !l.endpoint.ours(&to.uri) {
		plain := to.uri
		plain.Headers = nil
		event.To = plain.String()
	}
	text, attended := headerOf(&to.uri, "replaces")
	var replaces replaces
	if attended {
		if replaces, err = parseReplaces(text); err != nil {
			l.respond(tx, req, answer{status: 400, reason: "Bad Replaces"})
			return
		}
	}
	silent := strings.EqualFold(value(req, "refer-sub"), "false")
	a := answer{status: 202, contact: l.dialog.contact}
	if silent {
		a.fields = []field{{"Refer-Sub", "false"}}
	} else {
		l.transfer = &transfer{id: req.CSeq().SeqNo, theirs: true}
	}
	l.respond(tx, req, a)
	l.log.Info("transfer asked", "to", event.To, "replaces", replaces.callID)
	if !silent {
		l.notify(100, false)
	}
	if attended {
		l.attended(&to.uri, replaces)
		return
	}
	l.events.Post(event)
}

// headerOf is a header inside a URI, unescaped.
func headerOf(u *sipgo.Uri, name string) (string, bool) {
	for _, kv := range u.Headers {
		if strings.EqualFold(kv.K, name) {
			v, err := url.PathUnescape(kv.V)
			if err != nil {
				v = "" // there, and malformed
			}
			return v, true
		}
	}
	return "", false
}

// notify tells the far end how its transfer goes, as the status line of a call
// that it cannot see (RFC 3515, 2.4.5).
func (l *leg) notify(status int, last bool) {
	t := l.transfer
	if t == nil || !t.theirs {
		return
	}
	r := l.request("NOTIFY")
	state := "active;expires=60"
	if last {
		state = "terminated;reason=noresource"
		l.transfer = nil
	}
	r.fields = []field{{"Event", "refer;id=" + strconv.FormatUint(uint64(t.id), 10)}, {"Subscription-State", state}}
	r.contentType = "message/sipfrag;version=2.0"
	r.body = []byte("SIP/2.0 " + strconv.Itoa(status) + " " + phrase(status) + "\r\n")
	l.start(r, nil)
}

// notified takes a NOTIFY: how the far end fares with our transfer.
func (l *leg) notified(req *sipgo.Request, tx *serverTx) {
	event, _, _ := strings.Cut(value(req, "event"), ";")
	if strings.TrimSpace(event) != "refer" {
		l.respond(tx, req, answer{status: 489, fields: []field{{"Allow-Events", allowedEvents}}})
		return
	}
	l.respond(tx, req, answer{status: 200})
	status, ok := fragment(req.Body())
	if !ok {
		return
	}
	l.log.Info("transfer progress", "status", status)
	if status >= 200 && status < 300 && l.transfer != nil && !l.transfer.theirs {
		// The far end talks to its new party; our part is over.
		l.transfer = nil
		l.bye(reason(call.CauseNormal))
		l.end(call.HungUp{Cause: call.CauseNormal, Reason: "transferred", ByUs: true})
	}
	if status >= 300 {
		l.transfer = nil
	}
}

// fragment is the status in a message/sipfrag body.
func fragment(body []byte) (int, bool) {
	line, _, _ := strings.Cut(string(body[:min(len(body), 256)]), "\r\n")
	f := strings.Fields(line)
	if len(f) < 2 || f[0] != "SIP/2.0" {
		return 0, false
	}
	n, err := strconv.Atoi(f[1])
	return n, err == nil && n >= 100 && n <= 699
}

// transferTo sends a REFER. The leg ends when the far end reports success.
func (l *leg) transferTo(to string) error {
	uri, err := l.endpoint.referTarget(to, l.dialog.flow)
	if err != nil {
		return err
	}
	r := l.request("REFER")
	l.transfer = &transfer{id: r.seq}
	r.fields = []field{{"Refer-To", "<" + uri + ">"}, {"Referred-By", stripTag(l.dialog.local)}}
	l.start(r, func(res *sipgo.Response) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.state != call.Ended && (res == nil || res.StatusCode >= 300) {
			status := 408
			if res != nil {
				status = res.StatusCode
			}
			l.transfer = nil
			l.log.Warn("transfer refused", "status", status)
		}
	})
	return nil
}

func stripTag(s string) string {
	head, _, _ := strings.Cut(s, ";tag=")
	return head
}

// referTarget is the URI that a number or address stands for, seen from a peer.
func (e *Endpoint) referTarget(to string, f flow) (string, error) {
	to = strings.TrimSpace(to)
	if to == "" || strings.ContainsAny(to, "<>\r\n\t \"") {
		return "", fmt.Errorf("%q is not an address", to)
	}
	if scheme, _, ok := strings.Cut(to, ":"); ok && (scheme == "sip" || scheme == "sips" || scheme == "tel") {
		if _, err := parseAddress(to); err != nil {
			return "", err
		}
		return to, nil
	}
	if strings.Contains(to, "@") {
		return "sip:" + to, nil
	}
	return "sip:" + escapeUser(to) + "@" + e.sentBy(f), nil
}

// ours reports whether a URI names this server.
func (e *Endpoint) ours(u *sipgo.Uri) bool {
	if host, _, err := splitHost(e.settings.Load().Advertise); err == nil && host != "" && strings.EqualFold(host, u.Host) {
		return true
	}
	if strings.EqualFold(u.Host, e.settings.Load().Realm) {
		return true
	}
	a, ok := literal(u, udp)
	if !ok {
		return u.Scheme == "tel"
	}
	for _, s := range e.transport.addresses() {
		if s.bound.Addr() == a.Addr() || s.bound.Addr().IsUnspecified() && e.locals.toward(a.Addr()) == a.Addr() {
			return true
		}
	}
	return false
}
