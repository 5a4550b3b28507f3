package host

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Prompt runs what a person types, one piece of text after another, in a State
// of its own. Globals stay from one piece to the next; locals end with theirs.
// What a piece goes too far with ends that piece and not the State, so that a
// person can type on after an endless loop. It belongs to the State's goroutine.
type Prompt struct {
	state   *State
	name    string
	globals *lua.LTable
}

// Prompt begins one in s; name stands for the file in messages.
func (s *State) Prompt(name string) *Prompt {
	p := &Prompt{state: s, name: name}
	p.clear()
	return p
}

func (p *Prompt) clear() {
	p.globals = p.state.host.template.environment()
	p.state.typed = p.globals
}

// Run runs text with a budget of its own. An expression gives its values,
// anything else runs as statements; arguments are what "..." stands for. Errors
// are *ScriptError.
func (p *Prompt) Run(text string, arguments ...lua.LValue) ([]lua.LValue, error) {
	p.resume()
	file, err := p.compile(text)
	if err != nil {
		return nil, err
	}
	s := p.state
	s.Refuel()
	results, err := s.Invoke(file.function(s.main, p.globals, s.host.template.guards), arguments...)
	return results, p.placed(file, err)
}

// answering is put before what is typed, to make a program of an expression.
const answering = "return "

// compile takes text for an expression first, since most of what is typed is one.
func (p *Prompt) compile(text string) (*script, error) {
	file, err := compile(newSource(p.name, answering+text), false, false)
	if err != nil {
		if file, err = compile(newSource(p.name, text), false, false); err != nil {
			return nil, err
		}
	}
	return file, p.check(file)
}

// check finds names that mean nothing before anything runs. Unlike in files, a
// global may be assigned without being declared.
func (p *Prompt) check(file *script) error {
	a := analysis{script: file, known: p.state.host.template.known, said: map[string]bool{}}
	for _, u := range file.resolved.uses {
		if u.write {
			if _, taken := a.known[u.name]; taken {
				a.use(u)
			}
			file.resolved.defined[u.name] = u.line
			continue
		}
		if p.globals.RawGetString(u.name) == lua.LNil {
			a.use(u)
		}
	}
	for _, f := range a.findings {
		if f.Warning {
			continue
		}
		if rest, ok := strings.CutPrefix(f.Source, answering); ok && f.Line == 1 {
			f.Source, f.Column = rest, max(0, f.Column-len(answering))
		}
		return f
	}
	return nil
}

// placed completes an error with its place in what was typed.
func (p *Prompt) placed(file *script, err error) error {
	var e *ScriptError
	if !errors.As(err, &e) || e.File != "" && e.File != p.name {
		return err
	}
	for {
		rest, ok := strings.CutPrefix(e.Message, p.name+":")
		number, message, found := strings.Cut(rest, ":")
		line, wrong := strconv.Atoi(number)
		if !ok || !found || wrong != nil {
			break
		}
		e.File, e.Line, e.Message = p.name, line, strings.TrimSpace(message)
	}
	if plain, ok := plainWords[e.Message]; ok {
		e.Message = plain
	}
	e.Source = strings.TrimPrefix(file.line(e.Line), answering)
	e.Traceback = slices.DeleteFunc(e.Traceback, func(f Frame) bool { return f.File == p.name && f.Function == "main" })
	return err
}

// resume takes back what stopped the piece before. Where that was memory, the
// globals that held it are gone.
func (p *Prompt) resume() {
	switch cause := p.state.meter.Err(); {
	case cause == nil, errors.Is(cause, ErrClosed):
		return
	case errors.Is(cause, ErrMemory), errors.Is(cause, ErrCrowded):
		p.clear()
		p.state.memory.reset(p.state.memory.limit)
	}
	p.state.meter.resume()
}
