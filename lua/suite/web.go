package suite

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/simulate"
)

var webClass = &api.Class{Name: "web", Summary: "A place on the network that scripts send requests to."}

// network takes the requests of one test. Any goroutine.
type network struct {
	mu    sync.Mutex
	sites []*web
}

// web is the places that a pattern matches.
type web struct {
	network *network
	pattern string
	status  int
	body    string
	headers map[string]string
	fails   string
	asked   []request
}

type request struct{ method, url, body string }

// Class implements api.Object.
func (w *web) Class() string { return "web" }

// Title implements api.Object.
func (w *web) Title() string { return w.pattern }

// Get implements api.Object.
func (w *web) Get(*lua.LState, string) (lua.LValue, bool) { return nil, false }

// RoundTrip implements http.RoundTripper.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
		body = string(b)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := len(n.sites) - 1; i >= 0; i-- {
		w := n.sites[i]
		if !w.takes(r.Method, r.URL.String()) {
			continue
		}
		w.asked = append(w.asked, request{r.Method, r.URL.String(), body})
		return w.answer(r)
	}
	return nil, fmt.Errorf("no t:http of the test answers %s %s", r.Method, r.URL)
}

func (w *web) takes(method, url string) bool {
	pattern := w.pattern
	if m, rest, ok := strings.Cut(pattern, " "); ok {
		if m != method {
			return false
		}
		pattern = rest
	}
	return simulate.Matches(pattern, url)
}

func (w *web) answer(r *http.Request) (*http.Response, error) {
	if w.fails != "" {
		return nil, errors.New(w.fails)
	}
	header := http.Header{}
	for name, value := range w.headers {
		header.Set(name, value)
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(w.body)), ContentLength: int64(len(w.body)), Request: r,
	}, nil
}

func openWeb(a *api.Args) int {
	b := benchOf(a)
	b.network.mu.Lock()
	defer b.network.mu.Unlock()
	for _, w := range b.network.sites {
		if w.pattern == a.String(0) {
			return a.Return(a.Wrap(w))
		}
	}
	w := &web{network: b.network, pattern: a.String(0), status: http.StatusOK}
	b.network.sites = append(b.network.sites, w)
	return a.Return(a.Wrap(w))
}

func webReturns(a *api.Args) int {
	w, o := a.Self().(*web), a.Options(0)
	w.network.mu.Lock()
	defer w.network.mu.Unlock()
	w.status, w.body, w.fails, w.headers = o.Int("status"), o.String("body"), o.String("fails"), map[string]string{}
	if t, ok := o.Value("headers").(*lua.LTable); ok {
		t.ForEach(func(k, v lua.LValue) { w.headers[k.String()] = v.String() })
	}
	return a.Return(a.L.Get(1))
}

func webRequests(a *api.Args) int {
	w := a.Self().(*web)
	benchOf(a).settle(a)
	w.network.mu.Lock()
	defer w.network.mu.Unlock()
	list := a.L.NewTable()
	for _, r := range w.asked {
		t := a.L.NewTable()
		t.RawSetString("method", lua.LString(r.method))
		t.RawSetString("url", lua.LString(r.url))
		t.RawSetString("body", lua.LString(r.body))
		list.Append(t)
	}
	return a.Return(list)
}
