package sip

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/sip/registrar"
)

// storeTimeout bounds how long a registration may wait for the disk.
const storeTimeout = 10 * time.Second

// register answers REGISTER (RFC 3261, 10.3). What is stored has to reach the
// disk first, so a request that changes something leaves the reading goroutine.
func (e *Endpoint) register(req *sipgo.Request, tx *serverTx, f flow) {
	s := e.settings.Load()
	phone, refusal := e.proven(req, f, s)
	if refusal != nil {
		e.turnDown(tx, req, *refusal)
		return
	}
	tx.of(about{peer: phone.Name, callID: string(*req.CallID())})
	if aor := user(&req.To().Address); aor != phone.Name {
		e.log.Warn("a phone tried to register another's name", "event", "auth_failed", "phone", phone.Name, "name", aor, "source", f.remote.String())
		e.reply(tx, req, answer{status: 403})
		return
	}
	contacts, star, err := registrar.ParseContacts(values(req, "contact"))
	if err != nil {
		e.reply(tx, req, answer{status: 400, reason: "Bad Contact"})
		return
	}
	expires := registrar.NoExpires
	if text := value(req, "expires"); text != "" {
		if d, ok := seconds(text); ok {
			expires = d
		}
	}
	q := registrar.Request{
		AOR: phone.Name, Contacts: contacts, Star: star, Expires: expires,
		CallID: string(*req.CallID()), CSeq: req.CSeq().SeqNo,
		Path: values(req, "path"), Received: f.remote, Transport: f.network.String(), UserAgent: value(req, "user-agent"),
		Limits: registrar.Limits{MaxContacts: phone.MaxContacts, Min: phone.MinExpires, Max: phone.MaxExpires},
	}
	e.clock.Hold()
	go func() {
		defer e.clock.Release()
		defer e.survive("REGISTER")
		e.store(req, tx, q)
	}()
}

func (e *Endpoint) store(req *sipgo.Request, tx *serverTx, q registrar.Request) {
	ctx, cancel := context.WithTimeout(e.life, storeTimeout)
	defer cancel()
	bindings, err := e.registrar.Register(ctx, q)
	if err != nil {
		e.reply(tx, req, e.notRegistered(err, q))
		return
	}
	now := e.clock.Now()
	a := answer{status: 200}
	for _, b := range bindings {
		a.fields = append(a.fields, field{"Contact", b.ContactValue(now)})
	}
	for _, path := range q.Path {
		a.fields = append(a.fields, field{"Path", path})
	}
	a.fields = append(a.fields, field{"Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05") + " GMT"})
	e.reply(tx, req, a)
	e.watch(q.AOR)
	e.registered(q.AOR, bindings)
}

// notRegistered is the answer to a registration that failed.
func (e *Endpoint) notRegistered(err error, q registrar.Request) answer {
	var brief *registrar.TooBrief
	switch {
	case errors.As(err, &brief):
		return answer{status: 423, fields: []field{{"Min-Expires", strconv.Itoa(int(brief.Min / time.Second))}}}
	case errors.Is(err, registrar.ErrMalformed):
		return answer{status: 400}
	case errors.Is(err, registrar.ErrTooMany):
		return answer{status: 403, reason: "Too Many Contacts"}
	case errors.Is(err, registrar.ErrOutOfOrder):
		return answer{status: 500, reason: "Out Of Order"}
	}
	e.log.Error("registration not stored", "phone", q.AOR, "error", err)
	return answer{status: 500, fields: []field{{"Retry-After", "5"}}}
}

// bindingChanged passes the registrar's events on.
func (e *Endpoint) bindingChanged(c registrar.Event) {
	b := c.Binding
	level := slog.LevelInfo
	switch c.Kind {
	case registrar.Refreshed:
		level = slog.LevelDebug
	case registrar.Unreachable:
		level = slog.LevelWarn
	}
	e.log.Log(e.life, level, "phone "+c.Kind.String(), "phone", b.AOR, "contact", b.Contact, "address", b.Received.String())
	if c.Kind != registrar.Refreshed {
		e.onEvent(Event{Kind: c.Kind.String(), Peer: b.AOR, Address: b.Received.String()})
	}
}
