package registrar

import "time"

// Event is a change of one binding.
type Event struct {
	Kind    EventKind
	Binding Binding // as it is now, or last was
	At      time.Time
}

// EventKind is what happened to a binding.
type EventKind uint8

const (
	Registered   EventKind = iota // new
	Refreshed                     // renewed in time
	Unregistered                  // removed by its phone, or by hand
	Expired                       // not renewed in time
	Displaced                     // gave way to a newer contact
	Reachable                     // began to answer
	Unreachable                   // ceased to answer
)

// String is the word that scripts see.
func (k EventKind) String() string {
	return [...]string{"registered", "refreshed", "unregistered", "expired", "displaced", "reachable", "unreachable"}[k]
}
