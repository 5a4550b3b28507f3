package rtp

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media"
	"github.com/moonwire/moonwire/core/sdp"
	"github.com/moonwire/moonwire/core/trace"
)

// Options configures a Session. The callbacks run on the worker, must not block
// and may be nil.
type Options struct {
	Clock clock.Clock  // nil = the worker's
	Log   *slog.Logger // nil = slog.Default()
	Rand  io.Reader    // of SSRC, first numbers and intervals; nil = crypto/rand

	// OnDigit gets each key of the far end once: telephone-events (RFC 4733)
	// where they are agreed, else tones in the audio.
	OnDigit func(call.Digit)
	// DigitAtEnd reports telephone-events when the key is released, with its
	// duration, rather than when it is pressed. Tones are always reported so.
	DigitAtEnd bool
	// Inband sends digits as tones and hears them as tones, even where
	// telephone-event is agreed.
	Inband bool
	// NoTones never listens for tones, as where keys come by SIP INFO.
	NoTones bool

	// OnSilence is told once when nothing was received for Silence, though the
	// far end should send; then again only after it has sent something. 0 = never.
	OnSilence func(silence time.Duration)
	Silence   time.Duration

	// OnFormat is told when the far end changed to another codec that was agreed
	// too, and the session with it.
	OnFormat func(call.Format)

	// Tape, where not nil, keeps the headers of packets; at the end its leg is told
	// how the media fared.
	Tape *trace.Tape

	// Asymmetric sends to the address in SDP and nowhere else, even if packets
	// come from another.
	Asymmetric bool
}

// socket is what a session needs of a *media.Socket.
type socket interface {
	Send(packet []byte, to netip.AddrPort) error
	LocalAddr() netip.AddrPort
	Close()
}

// seed is the randomness of one session.
type seed [48]byte

// Session is the media of one leg: a call.Port and call.Pusher. Configure,
// SendDigits, Stats, LocalPort, LocalAddr and Close may be called from any
// goroutine, everything else on the worker only.
type Session struct {
	worker  *media.Worker
	options Options
	random  *mathrand.Rand
	release func() // gives the ports back

	rtp, rtcp socket
	local     netip.AddrPort
	ended     atomic.Bool // Close was called
	closed    bool        // and the worker has carried it out
	sending   bool        // direction and target allow it
	sendType  uint8

	agreed sdp.Agreement
	format call.Format
	choice int              // index into agreed.Also of the codec in use, plus one; 0 = the first
	types  [128]payloadKind // what may be received
	target netip.AddrPort

	// receiving
	sources    sources
	reception  reception
	header     rtp.Header
	frame      call.Frame
	sink       func(*call.Frame)
	buffer     *media.JitterBuffer // nil until somebody reads
	lastChoice int                 // codec of the latest packets
	choiceRun  int                 // how many of them there were
	keys       keys

	// sending
	out    outgoing
	relay  relay
	digits digits
	packet []byte // where frames are put together that cannot be sent in place

	opening opening
	reports reports
	silence silence
	count   counters
}

func newSession(w *media.Worker, o Options, random seed) *Session {
	if o.Clock == nil {
		o.Clock = w.Clock()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	number := binary.BigEndian.Uint64
	s := &Session{
		worker: w, options: o,
		random: mathrand.New(mathrand.NewPCG(number(random[8:]), number(random[16:]))),
	}
	s.out = outgoing{
		ssrc:    binary.BigEndian.Uint32(random[24:]),
		highest: binary.BigEndian.Uint16(random[28:]) & 0x7fff, // far from the first wrap, RFC 3711, 3.3.1
		edge:    binary.BigEndian.Uint32(random[30:]),
		clock:   8000,
	}
	s.reports.name = base64.RawURLEncoding.EncodeToString(random[34:46]) // 96 bits, RFC 7022, 4.2
	s.digits.session = s
	return s
}

// listen binds RTP to local and RTCP to the port above.
func (s *Session) listen(local netip.AddrPort) error {
	data, err := s.worker.Listen(local, receiver(s.receive))
	if err != nil {
		return fmt.Errorf("rtp: %w", err)
	}
	control, err := s.worker.Listen(netip.AddrPortFrom(local.Addr(), local.Port()+1), receiver(s.receiveControl))
	if err != nil {
		data.Close()
		return fmt.Errorf("rtcp: %w", err)
	}
	s.rtp, s.rtcp, s.local = data, control, data.LocalAddr()
	s.options.Tape.Open(s.local, s.worker.Do)
	return nil
}

// receiver lets a function take the datagrams of a socket.
type receiver func(packet []byte, from netip.AddrPort)

func (r receiver) Receive(_ *media.Socket, packet []byte, from netip.AddrPort) { r(packet, from) }

// LocalPort is the port of RTP; RTCP has the one above.
func (s *Session) LocalPort() int { return int(s.local.Port()) }

// LocalAddr is the address that RTP is bound to.
func (s *Session) LocalAddr() netip.AddrPort { return s.local }

// Worker is the worker that serves the session.
func (s *Session) Worker() *media.Worker { return s.worker }

// Format is the audio agreed, zero until Configure.
func (s *Session) Format() call.Format { return s.format }

// Configure puts an agreement into force, the first or a later one; it returns
// before it has taken effect.
func (s *Session) Configure(a sdp.Agreement) {
	s.worker.Post(func() { s.configure(a) })
}

func (s *Session) configure(a sdp.Agreement) {
	if s.closed {
		return
	}
	now := s.worker.Now()
	if s.format.IsZero() || !s.agreed.Direction.Receives() || s.agreed.OnHold || s.agreed.Format != a.Format {
		s.silence.heard(now)
	}
	s.agreed = a
	s.choice, s.lastChoice, s.choiceRun = 0, 0, 0
	s.sources.signal(a.Remote)
	s.fillTypes()
	s.adopt(a.Format, a.SendType)
	was, silent := s.target, !s.sending
	s.aim()
	if s.sending && (silent || s.target != was) {
		s.openPath()
	}
	s.startReports()
	s.watchSilence(now)
	s.digits.start()
}

// adopt makes f the format of both directions.
func (s *Session) adopt(f call.Format, sendType uint8) {
	if f != s.format && s.buffer != nil {
		s.buffer.SetFormat(f)
	}
	if clock := f.Codec.ClockRate(); clock > 0 && clock != s.out.clock {
		s.out.passing.active = false
		s.out.clock = clock
	}
	s.format, s.sendType = f, sendType
	s.attend()
}

// aim decides where to send, and whether.
func (s *Session) aim() {
	target := s.sources.target(!s.options.Asymmetric)
	s.sending = !s.format.IsZero() && s.agreed.Direction.Sends() && target.IsValid()
	if target != s.target {
		s.target = target
		s.count.remote.Store(&target)
		s.count.learned.Store(target != s.sources.signalled)
	}
}

// Push hands each frame to sink as it arrives; nil goes back to ReadFrame.
func (s *Session) Push(sink func(*call.Frame)) {
	if sink == nil && s.sink != nil && s.buffer != nil {
		s.buffer.Reset()
	}
	s.sink = sink
}

// ReadFrame delivers the frame that is due; see call.Port. It is called once
// each ptime. The buffer that evens out arrivals is made with the first call.
func (s *Session) ReadFrame(f *call.Frame) error {
	if s.closed {
		return call.ErrHungUp
	}
	if s.format.IsZero() {
		return call.ErrNoFrame
	}
	if s.buffer == nil {
		s.buffer = media.NewJitterBuffer(media.JitterOptions{Format: s.format})
	}
	return s.buffer.Get(f, s.worker.Now())
}

// Close says good-bye to the far end, frees the ports and ends all digits. It
// may be called more than once and from any goroutine; it returns before that
// is done.
func (s *Session) Close() error {
	if s.ended.Swap(true) {
		return nil
	}
	if !s.worker.Post(s.close) {
		s.closeSockets()
		s.free()
	}
	return nil
}

func (s *Session) close() {
	s.bye(s.worker.Now())
	s.publish()
	s.story()
	s.closed, s.sending = true, false
	s.opening.stop()
	s.reports.stop()
	s.silence.stop()
	s.keys.stop()
	s.digits.abandon()
	s.sink = nil
	s.closeSockets()
	// The sockets are closed by commands that were posted just now; the ports are
	// free after these.
	if !s.worker.Post(s.free) {
		s.free()
	}
}

func (s *Session) closeSockets() {
	s.rtp.Close()
	s.rtcp.Close()
}

func (s *Session) free() {
	if s.release != nil {
		s.release()
	}
}

// Interface guards.
var (
	_ call.Port   = (*Session)(nil)
	_ call.Pusher = (*Session)(nil)
)
