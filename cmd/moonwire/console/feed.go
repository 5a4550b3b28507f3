package console

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/moonwire/moonwire/core/sip"
)

// feed hands lines to those who want them, and is next to free while nobody
// does. Its methods may be called from any goroutine.
type feed[T any] struct {
	mu    sync.Mutex
	takes map[int]func(T)
	next  int
	count atomic.Int32
}

// subscribe has take called with all that comes, until end is called. take must
// return at once.
func (f *feed[T]) subscribe(take func(T)) (end func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.takes == nil {
		f.takes = map[int]func(T){}
	}
	f.next++
	id := f.next
	f.takes[id] = take
	f.count.Add(1)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.takes[id] != nil {
			delete(f.takes, id)
			f.count.Add(-1)
		}
	}
}

func (f *feed[T]) wanted() bool { return f.count.Load() > 0 }

func (f *feed[T]) send(v T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, take := range f.takes {
		take(v)
	}
}

// Log is where the server's log passes by: consoles can read along and change
// its level. It is an io.Writer of whole lines. The zero value is at level info.
type Log struct {
	Level slog.LevelVar
	lines feed[string]
}

// Write shows p to the consoles that want it. It never fails and never waits.
func (l *Log) Write(p []byte) (int, error) {
	if l.lines.wanted() {
		l.lines.send(string(p))
	}
	return len(p), nil
}

// Wire is where SIP messages pass by. The zero value can be used.
type Wire struct{ packets feed[sip.Packet] }

// Show shows a message to the consoles that trace. It is a sip.Options.OnMessage.
func (w *Wire) Show(p sip.Packet) {
	if w.packets.wanted() {
		w.packets.send(p)
	}
}

// packetFilter says which messages a console wants.
type packetFilter struct {
	peer    string
	address netip.Addr
}

// newPacketFilter reads "", a peer's name, or an address.
func newPacketFilter(who string) packetFilter {
	if a, err := netip.ParseAddr(strings.TrimSpace(who)); err == nil {
		return packetFilter{address: a.Unmap()}
	}
	if a, err := netip.ParseAddrPort(who); err == nil {
		return packetFilter{address: a.Addr().Unmap()}
	}
	return packetFilter{peer: who}
}

// wants reports whether p belongs to what is traced. What comes before a peer
// has proven who it is, is known by the user that it names.
func (f packetFilter) wants(p sip.Packet) bool {
	switch {
	case f.address.IsValid():
		return p.Remote.Addr().Unmap() == f.address
	case f.peer != "":
		return p.Peer == f.peer || p.Peer == "" && names(p.Octets, f.peer)
	}
	return true
}

// names reports whether an address of the message's head has this user.
func names(octets []byte, user string) bool {
	head, _, _ := strings.Cut(string(octets), "\r\n\r\n")
	return strings.Contains(head, "sip:"+user+"@") || strings.Contains(head, "sips:"+user+"@")
}

// packetText is a message as a console shows it.
func packetText(p sip.Packet) string {
	way := "received from"
	if p.Sent {
		way = "sent to"
	}
	again, whose := "", ""
	if p.Again {
		again = " again"
	}
	if p.Peer != "" || p.Leg != "" {
		whose = " (" + strings.TrimSpace(p.Peer+" "+p.Leg) + ")"
	}
	return fmt.Sprintf("--- %s %s%s %s:%s%s ---\n%s\n", p.At.Format("15:04:05.000"), way, again, p.Transport, p.Remote, whose,
		strings.TrimRight(printable(string(p.Octets)), "\n"))
}
