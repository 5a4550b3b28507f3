package sip

import (
	"fmt"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/sip/registrar"
)

// A phone lights its lamp when it is told that messages wait for it (RFC 3842).
// It is told at each change, and when it registers, without having asked: most
// phones take that, and those that do not refuse it, which does no harm.

// Waiting is how many messages a mailbox has. Urgent ones are among the new.
type Waiting struct{ New, Urgent, Old int }

// summary is the body of a NOTIFY (RFC 3842, 3.5).
func (w Waiting) summary(account string) []byte {
	waits := "no"
	if w.New > 0 {
		waits = "yes"
	}
	return fmt.Appendf(nil, "Messages-Waiting: %s\r\nMessage-Account: %s\r\nVoice-Message: %d/%d (%d/0)\r\n", waits, account, w.New, w.Old, w.Urgent)
}

// MailboxChanged tells the phones of a mailbox how many messages they have now.
// Any goroutine; it returns at once.
func (e *Endpoint) MailboxChanged(mailbox string) {
	if e.waiting == nil {
		return
	}
	s := e.settings.Load()
	for name, p := range s.phones {
		if p.Mailbox == mailbox {
			e.clock.AfterFunc(0, func() {
				defer e.survive("message waiting")
				e.tellWaiting(p, e.registrar.Lookup(name))
			})
		}
	}
}

// registered tells a phone that has just registered.
func (e *Endpoint) registered(phone string, bindings []registrar.Binding) {
	if p := e.settings.Load().phones[phone]; e.waiting != nil && p != nil && p.Mailbox != "" {
		e.tellWaiting(p, bindings)
	}
}

// tellWaiting asks how many messages there are and tells the phone at all of its
// contacts. One at a time, so that what is told last is what is so.
func (e *Endpoint) tellWaiting(p *Phone, bindings []registrar.Binding) {
	e.waitingLock.Lock()
	defer e.waitingLock.Unlock()
	if len(bindings) == 0 {
		return
	}
	w, ok := e.waiting(p.Mailbox)
	if !ok {
		return
	}
	for _, b := range bindings {
		to := e.bindingHop(p, b)
		r := e.newRequest("NOTIFY", to, b.Contact)
		r.routes = b.Path
		r.fields = []field{{"Event", "message-summary"}, {"Subscription-State", "active"}}
		r.contentType = "application/simple-message-summary"
		r.body = w.summary("sip:" + p.Name + "@" + e.sentBy(to))
		r.about = about{peer: p.Name, callID: r.callID}
		if _, err := e.transactions.start(r, func(*sipgo.Response, error) {}); err != nil {
			e.log.Debug("a phone is not told of its messages", "phone", p.Name, "error", err)
		}
	}
}
