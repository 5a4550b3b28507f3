package bench

import (
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	phases       = 20 // 1 ms slots of a 20 ms frame, over which the legs are spread
	rtpHeader    = 12
	rtpPayload   = 160 // 20 ms of G.711; of G.722 too
	frameSamples = 160
	round        = 2 * time.Millisecond
)

// farm is the media side of many calls: one RTP socket for each leg.
//
// It measures what arrives and, if asked, sends a packet every 20 ms on each
// leg whose far end is known. Arrival is stamped by the kernel where it can
// be, so the farm may look at its sockets as seldom as every 2 ms without
// spoiling a figure, and leaves the machine to the server being measured.
type farm struct {
	legs   []*leg
	poller *poller
	group  sync.WaitGroup
	stop   atomic.Bool

	mu        sync.Mutex // of the legs' counters and of what follows
	deviation *histogram
	latency   *histogram
	since     time.Time
	late      time.Duration // how late the farm itself was at worst
}

// leg is one RTP stream each way.
type leg struct {
	socket *socket
	rtcp   *socket // only keeps the port from answering with errors
	aimed  atomic.Bool
	packet [rtpHeader + rtpPayload]byte
	sent   uint64

	// The last packet received.
	started   bool
	ssrc      uint32
	seq       uint16
	timestamp uint32
	arrival   time.Duration

	received, lost, reordered, bytes uint64
	worst                            time.Duration
	jitter                           float64 // RFC 3550, 6.4.1, in ns
}

// newFarm opens the sockets of n legs: from port base on, or wherever there is
// room where base is 0.
func newFarm(local netip.Addr, base uint16, n int, payloadType uint8, send bool) (*farm, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	f := &farm{poller: p, deviation: newHistogram(), latency: newHistogram(), since: time.Now()}
	for i := range n {
		port := uint16(0)
		if base != 0 {
			port = base + uint16(2*i)
		}
		l := &leg{}
		if l.socket, l.rtcp, err = openPair(local, port); err == nil {
			f.legs = append(f.legs, l)
			l.prepare(i, payloadType)
			err = errors.Join(l.socket.stampArrivals(), p.add(l.socket))
		}
		if err != nil {
			f.close()
			return nil, err
		}
	}
	f.group.Go(f.receive)
	if send {
		f.group.Go(f.send)
	}
	return f, nil
}

// openPair opens an even port for RTP and the next one for RTCP.
func openPair(local netip.Addr, port uint16) (rtp, rtcp *socket, err error) {
	for range 200 {
		if rtp, err = openSocket(netip.AddrPortFrom(local, port)); err != nil {
			return nil, nil, err
		}
		if rtp.port()%2 == 0 {
			if rtcp, err = openSocket(netip.AddrPortFrom(local, rtp.port()+1)); err == nil {
				return rtp, rtcp, nil
			}
		}
		rtp.close()
		if port != 0 {
			break
		}
	}
	return nil, nil, err
}

func (l *leg) prepare(number int, payloadType uint8) {
	l.packet[0] = 2 << 6
	l.packet[1] = payloadType
	binary.BigEndian.PutUint32(l.packet[8:], uint32(0x1000+number))
	for i := rtpHeader; i < len(l.packet); i++ {
		l.packet[i] = 0x90 + byte(i*37)&0x3f
	}
}

func (f *farm) close() {
	f.stop.Store(true)
	f.group.Wait()
	for _, l := range f.legs {
		l.socket.close()
		l.rtcp.close()
	}
	f.poller.close()
}

// port is where leg i wants its packets.
func (f *farm) port(i int) uint16 { return f.legs[i].socket.port() }

// aim tells leg i its far end, and begins to send where the farm sends. It
// may be told again; only the first counts, as nobody moves in a bench.
func (f *farm) aim(i int, remote netip.AddrPort) {
	if l := f.legs[i]; !l.aimed.Load() {
		l.socket.aim(remote)
		l.aimed.Store(true)
	}
}

func (f *farm) receive() {
	handle := func(i int, packet []byte, at time.Duration) { f.take(f.legs[i], packet, at) }
	for !f.stop.Load() {
		if f.poller.wait(50 * time.Millisecond) {
			f.mu.Lock()
			f.poller.deliver(handle)
			f.mu.Unlock()
		}
		time.Sleep(round)
	}
}

// take counts one packet that arrived at a time of the wall clock.
func (f *farm) take(l *leg, b []byte, at time.Duration) {
	if len(b) < rtpHeader || b[0]>>6 != 2 {
		return
	}
	seq, timestamp := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:])
	ssrc, marked := binary.BigEndian.Uint32(b[8:]), b[1]&0x80 != 0
	l.received++
	l.bytes += uint64(len(b))
	if l.started && ssrc == l.ssrc {
		step := int16(seq - l.seq)
		if step <= 0 {
			l.reordered++
			return
		}
		l.lost += uint64(step - 1)
		if ticks := int32(timestamp - l.timestamp); step == 1 && !marked && ticks > 0 && ticks < 8000 {
			f.pace(l, at-l.arrival-time.Duration(ticks)*time.Second/8000)
		}
	}
	l.started, l.ssrc, l.seq, l.timestamp, l.arrival = true, ssrc, seq, timestamp, at
	if sent, ok := readStamp(b[rtpHeader:]); ok {
		f.latency.add(at - sent)
	}
}

// pace notes by how much a packet came earlier or later than its time.
func (f *farm) pace(l *leg, off time.Duration) {
	off = max(off, -off)
	f.deviation.add(off)
	l.worst = max(l.worst, off)
	l.jitter += (float64(off) - l.jitter) / 16
}

func (f *farm) send() {
	pace(&f.stop, func(slot int) {
		for i := slot; i < len(f.legs); i += phases {
			if l := f.legs[i]; l.aimed.Load() {
				l.transmit()
			}
		}
	}, func(late time.Duration) {
		f.mu.Lock()
		f.late = max(f.late, late)
		f.mu.Unlock()
	})
}

// transmit sends the leg's next packet. One goroutine only.
func (l *leg) transmit() {
	b := l.packet[:]
	l.sent++
	binary.BigEndian.PutUint16(b[2:], uint16(l.sent))
	binary.BigEndian.PutUint32(b[4:], uint32(l.sent*frameSamples))
	b[1] &^= 0x80
	if l.sent == 1 {
		b[1] |= 0x80
	}
	writeStamp(b[rtpHeader:], wallClock())
	l.socket.send(b)
}

// reset begins a new measurement.
func (f *farm) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deviation.reset()
	f.latency.reset()
	f.since, f.late = time.Now(), 0
	for _, l := range f.legs {
		l.received, l.lost, l.reordered, l.bytes, l.worst = 0, 0, 0, 0, 0
	}
}

// Media is what the media of one side of the calls came to. Deviation is by
// how much a packet missed its time of arrival, measured from the one before
// it; latency is one way, from the call of send to the receiving kernel.
type Media struct {
	Legs       int     `json:"legs_active"`
	PerLeg     float64 `json:"rx_per_leg_s"` // packets a second
	Fewest     float64 `json:"min_leg_rx_s"` // of the leg that received least
	Lost       uint64  `json:"lost"`
	LossPct    float64 `json:"loss_pct"`
	Reordered  uint64  `json:"ooo"`
	Deviation  Spread  `json:"deviation"`
	Jitter     float64 `json:"jitter3550_ms"`
	Latency    Spread  `json:"latency"`
	PacketSize float64 `json:"bytes_per_packet"` // RTP header and payload
	OwnLate    float64 `json:"gen_late_max_ms"`  // of the load generator itself
}

func (f *farm) report() *Media {
	f.mu.Lock()
	defer f.mu.Unlock()
	seconds := time.Since(f.since).Seconds()
	m := &Media{Deviation: f.deviation.spread(), Latency: f.latency.spread(), OwnLate: ms(f.late)}
	var received, octets, fewest uint64 = 0, 0, math.MaxUint64
	var jitter float64
	for _, l := range f.legs {
		if l.received == 0 {
			continue
		}
		m.Legs++
		received += l.received
		octets += l.bytes
		fewest = min(fewest, l.received)
		m.Lost += l.lost
		m.Reordered += l.reordered
		jitter += l.jitter
	}
	if received > 0 {
		m.PerLeg = rounded(float64(received)/seconds/float64(m.Legs), 3)
		m.Fewest = rounded(float64(fewest)/seconds, 3)
		m.LossPct = rounded(100*float64(m.Lost)/float64(received+m.Lost), 4)
		m.Jitter = rounded(jitter/float64(m.Legs)/1e6, 3)
		m.PacketSize = rounded(float64(octets)/float64(received), 1)
	}
	return m
}

func rounded(x float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(x*scale) / scale
}

// stampMark begins a payload that carries its time of sending. The values of
// mark and digits survive a passage through linear samples in G.711 µ-law.
var stampMark = []byte{0x11, 0x1d, 0x13, 0x1b}

// stampLength is the mark and the 16 half octets of a time in ns.
const stampLength = 4 + 16

func writeStamp(b []byte, t time.Duration) {
	copy(b, stampMark)
	for i := range 16 {
		b[4+i] = 0x10 | byte(t>>(60-4*i))&15
	}
}

func readStamp(b []byte) (t time.Duration, ok bool) {
	if len(b) < stampLength || !slices.Equal(b[:4], stampMark) {
		return 0, false
	}
	for _, digit := range b[4:stampLength] {
		if digit&0xf0 != 0x10 {
			return 0, false
		}
		t = t<<4 | time.Duration(digit&15)
	}
	return t, true
}

// wallClock is the time since 1970, as kernel stamps count it.
func wallClock() time.Duration { return time.Duration(time.Now().UnixNano()) }
