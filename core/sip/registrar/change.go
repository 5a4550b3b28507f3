package registrar

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Limits of registrations; zero fields take the default in the comment.
type Limits struct {
	MaxContacts int           // of one address-of-record; 5
	Min         time.Duration // shorter expiries are refused; 60 s
	Max         time.Duration // longer expiries are shortened; 1 h
}

const defaultExpires = time.Hour

// briefest is the expiry from which on a registrar may not call it too brief
// (RFC 3261, section 10.3, step 7).
const briefest = time.Hour

func (l Limits) complete() Limits {
	if l.MaxContacts <= 0 {
		l.MaxContacts = 5
	}
	if l.Min <= 0 {
		l.Min = time.Minute
	}
	if l.Max <= 0 {
		l.Max = time.Hour
	}
	l.Max = max(l.Max, l.Min)
	return l
}

// NoExpires is Request.Expires where there is no Expires header.
const NoExpires time.Duration = -1

// Request is a REGISTER whose sender has been authenticated.
type Request struct {
	AOR      string
	Contacts []Contact // none asks for the present bindings
	Star     bool      // Contact: *
	Expires  time.Duration
	CallID   string
	CSeq     uint32

	Path      []string       // values of Path headers, topmost first
	Received  netip.AddrPort // where the request came from
	Transport string         // "udp", "tcp", "tls", "ws", "wss"
	UserAgent string
	Limits    Limits
}

// change is a new set of bindings in the making.
type change struct {
	aor     string
	now     time.Time
	nextID  func() uint64
	next    []Binding
	events  []Event
	touched []uint64 // IDs that this request made or renewed
	durable bool     // something changed that a restart must not undo
}

// newChange begins with those of the old bindings that are still alive.
func newChange(aor string, old []Binding, now time.Time, nextID func() uint64) *change {
	c := &change{aor: aor, now: now, nextID: nextID, next: slices.Clone(old)}
	c.remove(Expired, func(b Binding) bool { return !now.Before(b.Expires) })
	return c
}

func (c *change) tell(kind EventKind, b Binding) {
	c.events = append(c.events, Event{Kind: kind, Binding: b, At: c.now})
}

// remove takes out the bindings that which names, for the reason kind.
func (c *change) remove(kind EventKind, which func(Binding) bool) {
	c.next = slices.DeleteFunc(c.next, func(b Binding) bool {
		gone := which(b)
		if gone {
			c.tell(kind, b)
			c.durable = true
		}
		return gone
	})
}

// register is RFC 3261, section 10.3, steps 6 and 7.
func (c *change) register(q Request, now time.Time) error {
	if q.Star {
		return c.removeAll(q)
	}
	limits := q.Limits.complete()
	for _, contact := range q.Contacts {
		expires, err := limits.expires(contact, q.Expires)
		if err != nil {
			return err
		}
		if err := c.bind(q, contact, expires); err != nil {
			return err
		}
	}
	return c.fit(limits.MaxContacts)
}

func (c *change) removeAll(q Request) error {
	if len(q.Contacts) > 0 || q.Expires != 0 {
		return fmt.Errorf("%w: Contact * needs Expires: 0 and stands alone", ErrMalformed)
	}
	for _, b := range c.next {
		if b.CallID == q.CallID && q.CSeq <= b.CSeq {
			return fmt.Errorf("%w: CSeq %d after %d", ErrOutOfOrder, q.CSeq, b.CSeq)
		}
	}
	c.remove(Unregistered, func(Binding) bool { return true })
	return nil
}

// expires is how long a contact is to be kept; 0 removes it.
func (l Limits) expires(contact Contact, header time.Duration) (time.Duration, error) {
	e := contact.Expires
	if e < 0 {
		e = header
	}
	switch {
	case e < 0:
		return min(max(defaultExpires, l.Min), l.Max), nil
	case e == 0:
		return 0, nil
	case e < l.Min && e < briefest:
		return 0, &TooBrief{Min: l.Min}
	}
	return min(max(e, l.Min), l.Max), nil
}

// bind adds, renews or removes one contact.
func (c *change) bind(q Request, contact Contact, expires time.Duration) error {
	if _, err := parseURI(contact.URI); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !printable(contact.Instance) {
		return fmt.Errorf("%w: control character in +sip.instance", ErrMalformed)
	}
	i := find(c.next, contact, c.isTouched)
	if i < 0 {
		if expires > 0 {
			b := Binding{ID: c.nextID(), AOR: q.AOR, Since: c.now}
			c.next = append(c.next, b)
			c.renew(len(c.next)-1, q, contact, expires)
			c.tell(Registered, c.next[len(c.next)-1])
		}
		return nil
	}
	if b := c.next[i]; b.CallID == q.CallID && q.CSeq <= b.CSeq && !c.isTouched(b) {
		return fmt.Errorf("%w: CSeq %d after %d", ErrOutOfOrder, q.CSeq, b.CSeq)
	}
	if id := c.next[i].ID; expires == 0 {
		c.remove(Unregistered, func(b Binding) bool { return b.ID == id })
		return nil
	}
	c.renew(i, q, contact, expires)
	c.tell(Refreshed, c.next[i])
	return nil
}

// renew writes what the request says into a binding. What qualifying found
// stays true only as long as the phone stays where it was.
func (c *change) renew(i int, q Request, contact Contact, expires time.Duration) {
	b := &c.next[i]
	if b.Contact != contact.URI || b.Received != q.Received || b.Transport != q.Transport {
		b.Reachable, b.RoundTrip = Unknown, 0
	}
	b.Contact, b.Q, b.Instance, b.RegID = contact.URI, contact.Q, contact.Instance, contact.RegID
	b.Path, b.Received, b.Transport, b.UserAgent = q.Path, q.Received, q.Transport, q.UserAgent
	b.CallID, b.CSeq = q.CallID, q.CSeq
	b.Refreshed, b.Expires = c.now, c.now.Add(expires)
	c.touched = append(c.touched, b.ID)
	c.durable = true
}

func (c *change) isTouched(b Binding) bool { return slices.Contains(c.touched, b.ID) }

// fit brings the bindings down to the number allowed by giving up those that
// were refreshed longest ago. Refusing the newcomer instead would lock a phone
// out for up to an hour each time its router forgets a port, since the contacts
// that fill the list are then its own dead ones; and whoever can displace a
// phone in this way holds its password anyway.
func (c *change) fit(limit int) error {
	if len(c.touched) > limit {
		return fmt.Errorf("%w: %d contacts, %d allowed", ErrTooMany, len(c.touched), limit)
	}
	for len(c.next) > limit {
		oldest := -1
		for i, b := range c.next {
			if !c.isTouched(b) && (oldest < 0 || b.Refreshed.Before(c.next[oldest].Refreshed)) {
				oldest = i
			}
		}
		id := c.next[oldest].ID
		c.remove(Displaced, func(b Binding) bool { return b.ID == id })
	}
	return nil
}

// reachable notes whether a binding answered.
func (c *change) reachable(id uint64, up bool, roundTrip time.Duration) {
	i := slices.IndexFunc(c.next, func(b Binding) bool { return b.ID == id })
	if i < 0 {
		return
	}
	b := &c.next[i]
	before := b.Reachable
	if up {
		b.Reachable, b.RoundTrip = Up, roundTrip
	} else {
		b.Reachable = Down
	}
	if b.Reachable != before {
		c.tell(map[Reachability]EventKind{Up: Reachable, Down: Unreachable}[b.Reachable], *b)
	}
}
