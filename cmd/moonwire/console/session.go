package console

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/sip"
	"github.com/moonwire/moonwire/core/store"
	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
)

// Server is what commands work with. All fields must be set.
type Server struct {
	API   *api.API
	Host  *host.Host
	SIP   *sip.Endpoint
	Store Store
	Trace *trace.Recorder
	Log   *Log
	Wire  *Wire
	// Private says why a family of the store is nobody's business, nil otherwise.
	Private func(family string) error
	// Reload reads the scripts again, or goes back to version to; it returns the
	// version that serves then.
	Reload func(ctx context.Context, to int) (version int, err error)
	// Stop ends the server, now or when the calls in progress have ended. It
	// returns at once.
	Stop    func(now bool)
	Version string
	Began   time.Time
	Now     func() time.Time
}

// Store is what commands need of the shared store.
type Store interface {
	Get(ctx context.Context, family, key string) ([]byte, error)
	Put(ctx context.Context, family, key string, value []byte, o store.PutOptions) error
	Delete(ctx context.Context, family, key string) error
	DeleteTree(ctx context.Context, family, root string) (int, error)
	List(ctx context.Context, family, prefix string) ([]store.Entry, error)
	Families(ctx context.Context) ([]string, error)
}

// Session is one console, as the server sees it. Commands of a session run one
// after another.
type Session struct {
	*Server
	out        *outbox
	completing []string // finished words of the line that is completed

	mu     sync.Mutex // of what follows
	prompt *api.Prompt
	log    func() // ends the subscription, nil where there is none
	wire   func()
}

// close ends all that the session began.
func (s *Session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, end := range []*func(){&s.log, &s.wire} {
		if *end != nil {
			(*end)()
			*end = nil
		}
	}
	if s.prompt != nil {
		s.prompt.Close()
		s.prompt = nil
	}
}

// replace puts a new subscription in the place of one that there may be.
func (s *Session) replace(old *func(), begin func() func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *old != nil {
		(*old)()
		*old = nil
	}
	if begin != nil {
		*old = begin()
	}
}

// site is what the version that serves declares.
func (s *Session) site() *api.Site { return s.Host.Current().Declarations().(*api.Site) }

// lua runs a line of the Lua prompt.
func (s *Session) lua(ctx context.Context, code string) (Result, error) {
	if code == "" {
		return Result{}, usage("> takes an expression or a statement of Lua, such as > #calls()")
	}
	prompt, news, err := s.promptOf()
	if err != nil {
		return Result{}, err
	}
	v, err := prompt.Run(ctx, code)
	switch {
	case errors.Is(err, api.ErrBroken):
		return Result{}, errors.New("interrupted")
	case err != nil:
		return Result{}, errors.New(news + host.Report(err))
	}
	if strings.HasPrefix(code, "local ") && v.Text == "" {
		news += "-- a local ends with its line; without local it is kept\n"
	}
	return Result{Text: news + v.Text, Value: v.JSON}, nil
}

// promptOf is the session's prompt, on the version that serves; news says when
// that is another than before, and what was kept is gone.
func (s *Session) promptOf() (p *api.Prompt, news string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if current := s.Host.Current(); s.prompt != nil && current != nil && s.prompt.Version() != current.Number() {
		s.prompt.Close()
		s.prompt = nil
		news = "-- the scripts have changed; the prompt begins anew\n"
	}
	if s.prompt == nil {
		if s.prompt, err = s.API.NewPrompt(); err != nil {
			return nil, "", err
		}
	}
	return s.prompt, news, nil
}

// luaString writes text as a string of Lua.
func luaString(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			b.WriteString(`\` + string([]byte{'0' + c/100, '0' + c/10%10, '0' + c%10}))
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
