package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/host"
)

// ErrBroken says that who typed a line does not want to wait for it any more.
var ErrBroken = errors.New("interrupted")

// ErrPromptClosed says that a Prompt was closed.
var ErrPromptClosed = errors.New("the prompt is closed")

// Prompt runs lines of Lua that somebody types, beside the calls, with all that
// scripts can do and the limits that they have. It is a task that waits for
// lines; what a line began goes on between them. Globals are kept until Close.
// Its methods may be called from any goroutine.
type Prompt struct {
	task   *task
	prompt *host.Prompt
	closed bool       // of the task's goroutine
	lines  sync.Mutex // one line at a time

	mu     sync.Mutex
	number int // of the line that runs, 0 between lines
	count  int
}

// Values are what a line came to, already apart from the Lua state.
type Values struct {
	Text string // as a person reads it, "" where there is none
	JSON []byte // the same as JSON: null, a value, or an array of several
}

// NewPrompt begins one on the version of the scripts that serves now. It must be
// closed.
func (api *API) NewPrompt() (*Prompt, error) {
	version := api.host.Current()
	if version == nil {
		return nil, host.ErrNoVersion
	}
	t := newTask(api, version.Declarations().(*Site), version, api.services.Log.With("prompt", version.Number()))
	state, err := api.host.Begin(version, t)
	if err != nil {
		return nil, err
	}
	t.state = state
	p := &Prompt{task: t, prompt: state.Prompt("console")}
	t.clock.Hold()
	go p.serve()
	return p, nil
}

// Version is the number of the scripts' version that the prompt runs on.
func (p *Prompt) Version() int { return p.task.version.Number() }

// serve is the life of the prompt, on its goroutine, which holds the clock.
func (p *Prompt) serve() {
	t := p.task
	defer t.clock.Release()
	defer t.state.Close()
	defer t.close()
	defer t.survive("a prompt", t.release)
	for !p.closed {
		t.next()
	}
	t.cleanUp()
}

// Close ends the prompt and what its lines left behind.
func (p *Prompt) Close() {
	p.interrupt(0)
	p.task.post(func() { p.closed = true })
}

// Run runs a line and returns what it came to; when ctx ends first, the line is
// broken off. Errors are those of the line: see host.Report.
func (p *Prompt) Run(ctx context.Context, line string) (v Values, err error) {
	p.lines.Lock()
	defer p.lines.Unlock()
	done := make(chan struct{})
	number := p.begin(func() {
		defer close(done)
		defer p.task.survive("a line of a prompt", func() { err = host.ErrInternal })
		v, err = p.line(line)
	})
	if number == 0 {
		return v, ErrPromptClosed
	}
	stop := context.AfterFunc(ctx, func() { p.interrupt(number) })
	defer stop()
	<-done
	p.mu.Lock()
	p.number = 0
	p.mu.Unlock()
	return v, err
}

// begin has f run as the next line and returns its number, 0 after Close.
func (p *Prompt) begin(f func()) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.task.post(f) {
		return 0
	}
	p.count++
	p.number = p.count
	return p.number
}

// interrupt breaks the line of that number off, or with 0 any.
func (p *Prompt) interrupt(number int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.number != 0 && (number == 0 || p.number == number) {
		p.task.state.Interrupt(ErrBroken)
		p.task.post(func() {}) // wakes it where it waits
	}
}

func (p *Prompt) line(line string) (Values, error) {
	results, err := p.prompt.Run(line)
	if err != nil {
		return Values{}, err
	}
	return p.values(results), nil
}

// values copies results out of Lua.
func (p *Prompt) values(results []lua.LValue) Values {
	var texts []string
	encoded := []byte("[")
	for i, v := range results {
		w := valueWriter{state: p.task.state}
		w.value(v, 0)
		texts = append(texts, w.String())
		if i > 0 {
			encoded = append(encoded, ',')
		}
		one, err := encodeJSON(nil, v, 0)
		if err != nil {
			one = appendQuoted(nil, w.String())
		}
		encoded = append(encoded, one...)
	}
	switch len(results) {
	case 0:
		return Values{JSON: []byte("null")}
	case 1:
		encoded = encoded[1:]
	default:
		encoded = append(encoded, ']')
	}
	return Values{Text: strings.Join(texts, "\t"), JSON: encoded}
}

// What a value shows at most.
const (
	shownDepth = 6
	shownItems = 200    // of one table
	shownBytes = 64_000 // of one value
	shownWidth = 72     // columns, of a table on one line
)

// valueWriter writes a value as Lua would be written, tables over several lines
// where they are long.
type valueWriter struct {
	strings.Builder
	state *host.State
	open  []*lua.LTable // that are being written
}

func (w *valueWriter) value(v lua.LValue, depth int) {
	switch v := v.(type) {
	case lua.LString:
		w.WriteString(quoted(string(v)))
	case lua.LNumber:
		w.number(float64(v))
	case *lua.LTable:
		w.table(v, depth)
	case *lua.LUserData:
		if o, ok := v.Value.(objectValue); ok {
			w.WriteString("<" + strings.TrimSpace(o.class()+" "+o.title()) + ">")
			return
		}
		w.WriteString("<userdata>")
	case *lua.LFunction:
		w.WriteString("<function>")
	case *lua.LNilType, lua.LBool:
		w.WriteString(v.String())
	default:
		w.WriteString("<" + v.Type().String() + ">")
	}
}

func (w *valueWriter) number(n float64) {
	if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
		w.WriteString(strconv.FormatInt(int64(n), 10))
		return
	}
	w.WriteString(strconv.FormatFloat(n, 'g', 14, 64))
}

func (w *valueWriter) table(t *lua.LTable, depth int) {
	real := w.state.Fields(t)
	switch {
	case depth >= shownDepth || w.Len() > shownBytes:
		w.WriteString("{…}")
		return
	case w.holds(real):
		w.WriteString("{…itself…}")
		return
	}
	w.open = append(w.open, real)
	defer func() { w.open = w.open[:len(w.open)-1] }()
	items := w.items(real, depth)
	length := 2 * len(items)
	long := false
	for _, item := range items {
		length += utf8.RuneCountInString(item)
		long = long || strings.Contains(item, "\n")
	}
	switch {
	case len(items) == 0:
		w.WriteString("{}")
	case !long && length+2*depth <= shownWidth:
		w.WriteString("{ " + strings.Join(items, ", ") + " }")
	default:
		indent := strings.Repeat("  ", depth)
		w.WriteString("{\n")
		for _, item := range items {
			w.WriteString(indent + "  " + item + ",\n")
		}
		w.WriteString(indent + "}")
	}
}

// items are the fields of a table, the list part first, names sorted.
func (w *valueWriter) items(t *lua.LTable, depth int) []string {
	var items, named []string
	total, left := 0, shownBytes-w.Len()
	item := func(prefix string, v lua.LValue) string {
		inner := valueWriter{state: w.state, open: w.open}
		inner.value(v, depth+1)
		left -= inner.Len()
		return prefix + inner.String()
	}
	length := t.Len()
	for i := 1; i <= length; i++ {
		if total++; total <= shownItems && left > 0 {
			items = append(items, item("", t.RawGetInt(i)))
		}
	}
	t.ForEach(func(k, v lua.LValue) {
		if n, ok := k.(lua.LNumber); ok && n >= 1 && n <= lua.LNumber(length) && n == lua.LNumber(math.Trunc(float64(n))) {
			return
		}
		if total++; total <= shownItems && left > 0 {
			named = append(named, item(keyText(k)+" = ", v))
		}
	})
	sort.Strings(named)
	items = append(items, named...)
	if more := total - len(items); more > 0 {
		items = append(items, "… "+strconv.Itoa(more)+" more")
	}
	return items
}

func (w *valueWriter) holds(t *lua.LTable) bool {
	for _, o := range w.open {
		if o == t {
			return true
		}
	}
	return false
}

// keyText is a key as a table constructor names it.
func keyText(k lua.LValue) string {
	s, ok := k.(lua.LString)
	switch {
	case !ok:
		return "[" + k.String() + "]"
	case isName(string(s)):
		return string(s)
	}
	return "[" + quoted(string(s)) + "]"
}

func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// quoted is a text in quotes, safe for a terminal.
func quoted(s string) string {
	if len(s) > shownBytes {
		s = s[:shownBytes] + "…"
	}
	return strconv.Quote(s)
}

// Cells are the values as Go values: nil, bool, float64, string; what is more
// than that as JSON decodes it.
func (v Values) Cells() ([]any, error) {
	text := v.JSON
	if len(text) == 0 || text[0] != '[' {
		text = slices.Concat([]byte{'['}, text, []byte{']'})
	}
	var cells []any
	err := json.Unmarshal(text, &cells)
	return cells, err
}
