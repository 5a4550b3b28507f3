package api

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/moonwire/moonwire/core/route"
	"github.com/moonwire/moonwire/core/sip"
	"github.com/moonwire/moonwire/lua/host"
)

// Site is what the scripts of one version declared. It is plain data once the
// version is complete, and never changes afterwards.
type Site struct {
	SIP     sip.Config
	Limits  Limits
	Grants  Grants
	Routes  *route.Table
	Secrets []string // names given to secret, in order
	Tests   []Test   // of a test file
	Records []RecordSink
	Keeping Keeping

	RequireTests bool                // tests must pass before edited scripts are put into service
	Mailboxes    map[string]*Mailbox // by address; nil where there are none

	hooks    map[string][]hook
	timers   []periodic
	watches  []watch
	contexts map[string]bool   // true: declared; false: only mentioned
	opened   map[string]string // where each was declared first
	mentions map[string]string
	taken    map[string]string // what is declared once → where
	waiting  map[string]string // curried declarations without their second half → where
}

// Limits keep a site within bounds. Zero means no limit.
type Limits struct {
	Calls          int           // at once
	CallsPerSecond float64       // new ones, with bursts of as many
	CallDuration   time.Duration // longest call
}

// hook is a function that runs at an event.
type hook struct {
	ref    host.Ref
	source string
}

// periodic is a timer.every.
type periodic struct {
	every  time.Duration
	ref    host.Ref
	source string
}

// watch is a store.watch.
type watch struct {
	family string
	ref    host.Ref
	source string
}

// destination is what a number leads to.
type destination struct {
	ref     host.Ref
	name    string
	context string
	pattern string
	source  string
}

func newSite() *Site {
	return &Site{
		Routes:   route.NewTable(),
		hooks:    map[string][]hook{},
		contexts: map[string]bool{},
		opened:   map[string]string{},
		mentions: map[string]string{},
		taken:    map[string]string{},
		waiting:  map[string]string{},
	}
}

// pending notes a declaration that still lacks its settings; the function
// returned says that they came.
func (s *Site) pending(what, source string) (done func()) {
	s.waiting[what] = source
	return func() { delete(s.waiting, what) }
}

// once refuses to declare the same thing twice.
func (s *Site) once(what, source string) error {
	if before, ok := s.taken[what]; ok {
		return fmt.Errorf("%s is declared already, at %s", what, before)
	}
	s.taken[what] = source
	return nil
}

// MissingContext says that a phone, a trunk or an include leads to a context
// that nothing opens.
type MissingContext struct {
	Context string
	Source  string // "file:line"
	known   []string
}

func (e *MissingContext) Error() string { return e.Source + ": " + e.Message() }

// Message is the error without its place.
func (e *MissingContext) Message() string {
	return fmt.Sprintf("there is no context %q%s", e.Context, didYouMean(e.Context, e.known))
}

// Opened is where a context was first declared, as "file:line".
func (s *Site) Opened(context string) string { return s.opened[context] }

// Handler is the function that serves an extension of s.Routes.
func (s *Site) Handler(e *route.Extension) host.Ref {
	if d, ok := e.Target.(*destination); ok {
		return d.ref
	}
	return host.Ref{}
}

// mention notes that something leads to a context, which must exist in the end.
func (s *Site) mention(context, source string) {
	if _, ok := s.mentions[context]; !ok && context != "" {
		s.mentions[context] = source
	}
}

// complete checks what can only be checked at the end, and freezes the routes.
func (s *Site) complete() error {
	var problems []error
	for what, source := range s.waiting {
		problems = append(problems, fmt.Errorf("%s: %s has no settings: write %s { … }", source, what, what))
	}
	for context, source := range s.mentions {
		if !s.contexts[context] {
			problems = append(problems, &MissingContext{Context: context, Source: source, known: s.Contexts()})
		}
	}
	if err := s.Routes.Freeze(); err != nil {
		problems = append(problems, err)
	}
	sort.Slice(problems, func(i, j int) bool { return problems[i].Error() < problems[j].Error() })
	return errors.Join(problems...)
}

// Contexts are the names of the declared contexts, sorted.
func (s *Site) Contexts() []string {
	var list []string
	for name, declared := range s.contexts {
		if declared {
			list = append(list, name)
		}
	}
	sort.Strings(list)
	return list
}
