package sip

import (
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
)

// identify changes the identity that the far end sees, from the next message on
// that can carry one.
func (l *leg) identify(p call.Party) error {
	l.info.Called = p
	if !l.peer.trusted() {
		return nil
	}
	l.extra = identity(p, l.endpoint.sentBy(l.dialog.flow))
	if l.state == call.Answered && strings.Contains(l.allowed, "UPDATE") && l.change == nil {
		r := l.request("UPDATE")
		r.fields = l.extra
		l.start(r, nil)
	}
	return nil
}

// identity asserts who we say is calling (RFC 3325), to peers that trust us.
func identity(p call.Party, domain string) []field {
	if p.Number == "" {
		return nil
	}
	fields := []field{{"P-Asserted-Identity", quoteName(p.Name) + "<sip:" + escapeUser(p.Number) + "@" + domain + ">"}}
	if p.Presentation == call.Withheld {
		fields = append(fields, field{"Privacy", "id"})
	}
	return fields
}

// party is who a message says is calling. An asserted identity counts only
// where the peer is trusted (RFC 3325); Privacy hides the number from then on.
func party(req *sipgo.Request, trusted bool) call.Party {
	from := req.From()
	p := call.Party{Number: user(&from.Address), Name: strings.Trim(from.DisplayName, `"`)}
	if trusted {
		for _, name := range [...]string{"p-asserted-identity", "remote-party-id"} {
			if a, err := parseAddress(value(req, name)); err == nil {
				p.Number = user(&a.uri)
				if a.name != "" {
					p.Name = a.name
				}
				break
			}
		}
	}
	privacy := strings.ToLower(value(req, "privacy"))
	switch {
	case strings.Contains(privacy, "id") || strings.Contains(privacy, "user") || strings.Contains(privacy, "header"):
		p.Presentation = call.Withheld
	case strings.EqualFold(p.Number, "anonymous") && (!trusted || strings.HasSuffix(from.Address.Host, ".invalid")):
		p = call.Party{Presentation: call.Withheld}
	case p.Number == "":
		p.Presentation = call.Unavailable
	}
	return p
}
