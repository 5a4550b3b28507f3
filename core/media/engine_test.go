package media

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

func virtualWorker(t testing.TB) (*clock.Virtual, *Worker) {
	t.Helper()
	v := clock.NewVirtual(time.Date(2026, 3, 4, 18, 30, 0, 0, time.UTC))
	e, err := NewEngine(Options{Clock: v, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return v, e.Worker()
}

func TestScheduleKeepsItsPeriod(t *testing.T) {
	v, w := virtualWorker(t)
	start := v.Now()
	var at []time.Duration
	var s *Schedule
	w.Post(func() {
		s = w.Every(20*time.Millisecond, TickerFunc(func(now time.Time) { at = append(at, now.Sub(start)) }))
	})
	v.Advance(time.Second)
	w.Post(func() { s.Stop() })
	v.Advance(time.Second)
	if len(at) != 50 {
		t.Fatalf("%d ticks in a second, want 50", len(at))
	}
	for i := 1; i < len(at); i++ {
		if d := at[i] - at[i-1]; d != 20*time.Millisecond {
			t.Errorf("tick %d came %v after the one before", i, d)
		}
	}
	if _, pending := v.Next(); pending {
		t.Error("an empty wheel keeps an alarm")
	}
}

func TestSchedulesSpreadOverTheFrame(t *testing.T) {
	v, w := virtualWorker(t)
	at := map[int]int{}
	start := v.Now()
	w.Post(func() {
		for range 100 {
			w.Every(20*time.Millisecond, TickerFunc(func(now time.Time) { at[int(now.Sub(start).Milliseconds())%20]++ }))
		}
	})
	v.Advance(20 * time.Millisecond)
	for phase := range 20 {
		if at[phase] != 5 {
			t.Errorf("phase %d has %d of 100 schedules, want 5", phase, at[phase])
		}
	}
}

func TestScheduleMadeLaterIsNotLate(t *testing.T) {
	v, w := virtualWorker(t)
	start := v.Now()
	w.Post(func() { w.Every(100*time.Millisecond, TickerFunc(func(time.Time) {})) })
	v.Advance(50 * time.Millisecond)
	var first time.Duration
	w.Post(func() {
		w.Every(10*time.Millisecond, TickerFunc(func(now time.Time) {
			if first == 0 {
				first = now.Sub(start)
			}
		}))
	})
	v.Advance(20 * time.Millisecond)
	if first <= 50*time.Millisecond || first > 60*time.Millisecond {
		t.Errorf("first tick at %v, want within one period of 50ms", first)
	}
}

func TestPanicInATickEndsOnlyThatSchedule(t *testing.T) {
	v, w := virtualWorker(t)
	good := 0
	w.Post(func() {
		w.Every(20*time.Millisecond, TickerFunc(func(time.Time) { panic("broken") }))
		w.Every(20*time.Millisecond, TickerFunc(func(time.Time) { good++ }))
	})
	v.Advance(time.Second)
	if good != 50 {
		t.Errorf("the other schedule ticked %d times, want 50", good)
	}
}

func TestSkipKeepsPhases(t *testing.T) {
	_, w := virtualWorker(t)
	ticks := 0
	w.Every(20*time.Millisecond, TickerFunc(func(time.Time) { ticks++ }))
	w.advance(40)
	before := ticks
	w.advance(5000)
	if late := ticks - before; late > 3 {
		t.Errorf("%d ticks at once after a pause of five seconds", late)
	}
}

type receiverFunc func(s *Socket, packet []byte, from netip.AddrPort)

func (f receiverFunc) Receive(s *Socket, packet []byte, from netip.AddrPort) { f(s, packet, from) }

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

func TestSocketsCarryDatagrams(t *testing.T) {
	for _, local := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(local, func(t *testing.T) {
			e, err := NewEngine(Options{Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			addr := netip.MustParseAddrPort(local)
			got := make(chan string, 1)
			a, err := e.Worker().Listen(addr, receiverFunc(func(s *Socket, packet []byte, from netip.AddrPort) {
				_ = s.Send(append(packet, " back"...), from)
			}))
			if err != nil {
				t.Fatal(err)
			}
			b, err := e.Worker().Listen(addr, receiverFunc(func(_ *Socket, packet []byte, from netip.AddrPort) {
				got <- string(packet) + " from " + from.String()
			}))
			if err != nil {
				t.Fatal(err)
			}
			b.Worker().Post(func() { _ = b.Send([]byte("there and"), a.LocalAddr()) })
			if s, want := <-got, "there and back from "+a.LocalAddr().String(); s != want {
				t.Errorf("got %q, want %q", s, want)
			}
			a.Close()
			a.Close()
			b.Close()
		})
	}
}

func TestReceiverPanicIsSurvived(t *testing.T) {
	e, err := NewEngine(Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	got := make(chan int)
	n := 0
	s, err := e.Worker().Listen(loopback, receiverFunc(func(_ *Socket, _ []byte, _ netip.AddrPort) {
		if n++; n == 1 {
			panic("broken")
		}
		got <- n
	}))
	if err != nil {
		t.Fatal(err)
	}
	s.Worker().Post(func() {
		_ = s.Send([]byte("one"), s.LocalAddr())
		_ = s.Send([]byte("two"), s.LocalAddr())
	})
	if n := <-got; n != 2 {
		t.Errorf("packet %d arrived", n)
	}
}

func TestListenOnABusyPortFails(t *testing.T) {
	e, err := NewEngine(Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	nothing := receiverFunc(func(*Socket, []byte, netip.AddrPort) {})
	s, err := e.Worker().Listen(loopback, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Worker().Listen(s.LocalAddr(), nothing); err == nil {
		t.Error("a second socket got the same port")
	}
}

func TestPostFromManyGoroutines(t *testing.T) {
	e, err := NewEngine(Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	w, n := e.Worker(), 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				w.Post(func() { n++ })
			}
		})
	}
	all.Wait()
	w.Do(func() {})
	e.Close()
	if n != 8000 {
		t.Errorf("%d of 8000 commands ran", n)
	}
	if w.Post(func() {}) {
		t.Error("a closed engine took a command")
	}
}
