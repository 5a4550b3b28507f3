package suite

import (
	"context"
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/simulate"
)

// usualPatience is how much virtual time an assertion lets pass before it fails.
const usualPatience = 30 * time.Second

// bench is what one test works on. It belongs to the goroutine of the test.
type bench struct {
	ctx     context.Context
	options simulate.Options
	network *network
	world   *simulate.World // nil until the test needs it
	parties map[string]*party
	claimed map[*simulate.Leg]bool
	first   *simulate.Call // whose story shows what a failing test did
	known   uint64         // failures of scripts up to this one are expected
	early   int            // and so many that have no order
}

// benchOf is the bench of the test that calls.
func benchOf(a *api.Args) *bench {
	b, _ := a.State.Data().(*bench)
	if b == nil {
		a.Fail("can only be used within the function of a test")
	}
	return b
}

// open makes the world when it is first needed.
func (b *bench) open(a *api.Args) *simulate.World {
	if b.world == nil {
		w, err := simulate.New(b.ctx, b.options)
		if err != nil {
			a.L.RaiseError("the site cannot be loaded: %s", err.Error())
		}
		b.world = w
	}
	return b.world
}

// until lets time pass until cond, and reports whether that came in time.
func (b *bench) until(a *api.Args, most time.Duration, cond func() bool) bool {
	w := b.open(a)
	err := w.Run(w.Now().Add(most), cond)
	a.State.Refuel()
	if err != nil {
		a.L.RaiseError("%s", err.Error())
	}
	return cond()
}

// settle lets everything happen that happens now.
func (b *bench) settle(a *api.Args) { b.until(a, 0, never) }

func never() bool { return false }

// close ends the world and says what was wrong that the test did not expect.
func (b *bench) close() error {
	if b.world == nil {
		return nil
	}
	b.world.Close()
	for _, f := range b.world.Failures() {
		if f.Order > b.known || f.Order == 0 {
			if f.Order == 0 && b.early > 0 {
				b.early--
				continue
			}
			return fmt.Errorf("a script failed: %s", f.Message)
		}
	}
	return nil
}

// timeline is what happened, for people.
func (b *bench) timeline(margin string) string {
	if b.first == nil {
		return ""
	}
	events, _ := b.first.Story()
	var text strings.Builder
	_ = simulate.WriteText(&text, events, simulate.Style{Margin: margin}) // a Builder takes everything
	return text.String()
}

// patience is how long an assertion waits: argument i in seconds, or the usual.
func patience(a *api.Args, i int) time.Duration {
	if a.Has(i) {
		return a.Seconds(i)
	}
	return usualPatience
}

// fail ends the test with a message, at the line that called.
func fail(a *api.Args, format string, args ...any) int {
	a.L.RaiseError(format, args...)
	return 0
}

// tester is the object t.
type tester struct{ b *bench }

func (t *tester) Class() string                              { return "t" }
func (t *tester) Title() string                              { return "of this test" }
func (t *tester) Get(*lua.LState, string) (lua.LValue, bool) { return nil, false }
