package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"
)

const (
	largestAnswer = 4 << 20 // bytes, where a script sets no other limit
	mostAnswer    = 8 << 20 // bytes, that it can set
	postsBytes    = 64 << 20
	postsWaiting  = 1000 // of post_async
	postsAtOnce   = 4
)

var httpFields = []Field{
	{Name: "headers", Type: mapOf(text()), Summary: "of the request"},
	{Name: "timeout", Type: seconds(), Unit: "s", Default: 10, Summary: "for the whole exchange"},
	{Name: "limit", Type: count(), Unit: "bytes", Default: largestAnswer, Summary: "longest answer, at most 8 MiB"},
	{Name: "redirects", Type: count(), Default: 5, Summary: "how many to follow; each must be granted"},
	{Name: "user", Type: text(), Summary: "of basic authentication"},
	{Name: "password", Type: text(), Summary: "of basic authentication"},
}

var httpStatuses = []Word{
	{"ok", "an answer with a code from 200 to 299"},
	{"refused", "an answer with another code"},
	{"timeout", "no answer in time"},
	{"too_large", "an answer longer than the limit"},
	{"denied", "the host is not granted; reason says what to add"},
	{"failed", "no connection; reason says why"},
}

var httpResult = []Field{{Name: "answer", Summary: "the outcome", Type: record(
	Field{Name: "status", Type: words("ok", "refused", "timeout", "too_large", "denied", "failed"), Summary: "the outcome in one word"},
	Field{Name: "code", Type: number(), Summary: "of HTTP"},
	Field{Name: "body", Type: text(), Summary: "of the answer"},
	Field{Name: "headers", Type: mapOf(text()), Summary: "of the answer, names in small letters"},
	Field{Name: "reason", Type: text(), Summary: "in words, where it failed"},
)}}

var (
	urlField  = Field{Name: "url", Type: text(), Required: true, Summary: "http or https, of a granted host"}
	bodyField = Field{Name: "body", Type: either(text(), mapOf(anything())), Summary: "text, or a table that is sent as JSON"}
)

var httpEntries = []*Entry{
	{On: "http", Name: "get", Phase: Running, Summary: "Fetches a page; the call waits, others do not.",
		Params:  []Field{urlField, {Name: "options", Type: record(httpFields...), Summary: "how"}},
		Results: httpResult, Statuses: httpStatuses,
		Example: `grant { http = "crm.example.org" }
context "internal":extension("710", function(call)
  local answer = http.get("https://crm.example.org/name?number=" .. url.encode(call.caller.number), { timeout = 2 })
  if answer.status == "ok" then call.caller.name = answer.body end
end)`,
		Func: func(a *Args) int { return a.request("GET", a.String(0), "", a.Options(1)) }},
	{On: "http", Name: "post", Phase: Running, Summary: "Sends to a page; the call waits, others do not.",
		Params:  []Field{urlField, bodyField, {Name: "options", Type: record(httpFields...), Summary: "how"}},
		Results: httpResult, Statuses: httpStatuses,
		Example: `grant { http = "crm.example.org" }
context "internal":extension("711", function(call)
  http.post("https://crm.example.org/calls", { from = call.caller.number })
end)`,
		Func: func(a *Args) int { return a.request("POST", a.String(0), a.body(1), a.Options(2)) }},
	{On: "http", Name: "request", Phase: Running, Summary: "Any HTTP request.",
		Params: []Field{
			{Name: "method", Type: words("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"), Required: true, Summary: "what to do"},
			urlField, bodyField, {Name: "options", Type: record(httpFields...), Summary: "how"}},
		Results: httpResult, Statuses: httpStatuses,
		Example: `grant { http = "crm.example.org" }
context "internal":extension("712", function(call)
  http.request("DELETE", "https://crm.example.org/calls/7")
end)`,
		Func: func(a *Args) int { return a.request(a.String(0), a.String(1), a.body(2), a.Options(3)) }},
	{On: "http", Name: "post_async", Phase: Running, Summary: "Sends to a page without waiting for the answer.",
		Detail:  "Requests wait in line, a few are under way at once; when the line is full or a request fails, that is logged.",
		Params:  []Field{urlField, bodyField, {Name: "options", Type: record(httpFields...), Summary: "how"}},
		Results: doneResults,
		Example: `grant { http = "crm.example.org" }
on("call.ended", function(record) http.post_async("https://crm.example.org/calls", record) end)`,
		Func: (*Args).postAsync},
}

func newTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		ForceAttemptHTTP2:     true,
		ResponseHeaderTimeout: 60 * time.Second,
	}
}

// body is argument i as text; a table becomes JSON.
func (a *Args) body(i int) string {
	t, ok := a.Value(i).(*lua.LTable)
	if !ok {
		return a.String(i)
	}
	b, err := encodeJSON(nil, t, 0)
	if err != nil {
		a.Fail("body: %s", err)
	}
	return string(b)
}

// exchange is one request and what came of it.
type exchange struct {
	request   *http.Request
	timeout   time.Duration
	limit     int64
	redirects int
	grants    *Grants

	status, reason string
	code           int
	body           []byte
	headers        http.Header
}

var errNotGranted = errors.New("not granted")

// exchange prepares a request; a reason says that it is not allowed.
func (a *Args) exchange(method, address, body string, isJSON bool, o Options) (x *exchange, reason string) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		a.Fail("%q is not an http or https URL", address)
	}
	x = &exchange{timeout: o.Seconds("timeout"), limit: int64(min(o.Number("limit"), mostAnswer)), redirects: o.Int("redirects"), grants: a.grants()}
	if !x.grants.allowsHost(u.Hostname(), u.Port()) {
		a.refused(method + " " + u.Redacted())
		return nil, x.grants.refusal("http to "+u.Hostname()+" is not granted", fmt.Sprintf("http = %q", u.Hostname()))
	}
	x.request, err = http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		a.Fail("%s", err)
	}
	if body == "" {
		x.request.Body, x.request.ContentLength = http.NoBody, 0
	} else if isJSON {
		x.request.Header.Set("Content-Type", "application/json")
	}
	x.request.Header.Set("User-Agent", "moonwire")
	if h, ok := o.Value("headers").(*lua.LTable); ok {
		h.ForEach(func(k, v lua.LValue) { x.request.Header.Set(k.String(), v.String()) })
	}
	if user := o.String("user"); user != "" {
		x.request.SetBasicAuth(user, o.String("password"))
	}
	return x, ""
}

func (a *Args) request(method, address, body string, o Options) int {
	t := a.working()
	x, reason := a.exchange(method, address, body, strings.HasPrefix(body, "{") || strings.HasPrefix(body, "["), o)
	if x == nil {
		return a.Result("denied", "reason", reason)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := false
	began := t.clock.Now()
	over := t.alarm(x.timeout, nil)
	defer over.stop()
	t.clock.Hold()
	go func() {
		defer t.clock.Release()
		x.run(ctx, a.api.services.HTTP)
		t.post(func() { done = true })
	}()
	a.wait(t, func() bool { return done || over.fired })
	if !done {
		a.noteHTTP(method, address, "timeout", 0, t.clock.Now().Sub(began))
		return a.Result("timeout", "reason", x.late())
	}
	a.noteHTTP(method, address, x.status, x.code, t.clock.Now().Sub(began))
	return a.answer(x)
}

func (a *Args) answer(x *exchange) int {
	if x.code == 0 {
		return a.Result(x.status, "reason", x.reason)
	}
	a.State.Reserve(a.L, len(x.body))
	headers := a.L.CreateTable(0, len(x.headers))
	for name, values := range x.headers {
		headers.RawSetString(strings.ToLower(name), lua.LString(strings.Join(values, ", ")))
	}
	return a.Result(x.status, "code", x.code, "body", lua.LString(x.body), "headers", headers, "reason", x.reason)
}

// run carries out the exchange. It blocks; any goroutine.
func (x *exchange) run(ctx context.Context, transport http.RoundTripper) {
	client := http.Client{Transport: transport, CheckRedirect: func(to *http.Request, via []*http.Request) error {
		if len(via) > x.redirects {
			return fmt.Errorf("more than %d redirects", x.redirects)
		}
		if !x.grants.allowsHost(to.URL.Hostname(), to.URL.Port()) {
			return fmt.Errorf("redirect to %s: %w", to.URL.Hostname(), errNotGranted)
		}
		return nil
	}}
	response, err := client.Do(x.request.WithContext(ctx))
	if err != nil {
		x.fail(ctx, err)
		return
	}
	defer response.Body.Close()
	var body bytes.Buffer
	n, err := io.Copy(&body, io.LimitReader(response.Body, x.limit+1))
	switch {
	case err != nil:
		x.fail(ctx, err)
		return
	case n > x.limit:
		x.status, x.reason = "too_large", fmt.Sprintf("the answer is longer than %d bytes", x.limit)
		return
	}
	x.status, x.code, x.body, x.headers = "ok", response.StatusCode, body.Bytes(), response.Header
	if x.code < 200 || x.code > 299 {
		x.status, x.reason = "refused", response.Status
	}
}

// fail says why there is no answer. ctx ends when the time is over.
func (x *exchange) fail(ctx context.Context, err error) {
	x.status, x.reason = "failed", err.Error()
	switch {
	case errors.Is(err, errNotGranted):
		x.status = "denied"
	case ctx.Err() != nil:
		x.status, x.reason = "timeout", x.late()
	}
}

func (x *exchange) late() string { return fmt.Sprintf("no answer within %v", x.timeout) }

// posts is the line of requests that nobody waits for. Workers exist only while
// there is work.
type posts struct {
	api     *API
	mu      sync.Mutex
	waiting []*exchange
	bytes   int64 // of the bodies that wait
	workers int
}

func (p *posts) add(x *exchange) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) >= postsWaiting || p.bytes+x.request.ContentLength > postsBytes {
		return false
	}
	p.bytes += x.request.ContentLength
	p.api.services.Clock.Hold()
	p.api.activity.begin()
	p.waiting = append(p.waiting, x)
	if p.workers < postsAtOnce {
		p.workers++
		go p.work()
	}
	return true
}

func (p *posts) work() {
	for {
		p.mu.Lock()
		if len(p.waiting) == 0 {
			p.waiting = nil
			p.workers--
			p.mu.Unlock()
			return
		}
		x := p.waiting[0]
		p.waiting = p.waiting[1:]
		p.bytes -= x.request.ContentLength
		p.mu.Unlock()
		p.carry(x)
		p.api.activity.end()
		p.api.services.Clock.Release()
	}
}

func (p *posts) carry(x *exchange) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	over := p.api.services.Clock.AfterFunc(x.timeout, cancel)
	defer over.Stop()
	x.run(ctx, p.api.services.HTTP)
	if x.status != "ok" {
		p.api.services.Log.Warn("http request in the background", "url", x.request.URL.Redacted(), "status", x.status, "reason", x.reason)
	}
}

func (a *Args) postAsync() int {
	body := a.body(1)
	_, isTable := a.Value(1).(*lua.LTable)
	x, reason := a.exchange("POST", a.String(0), body, isTable, a.Options(2))
	if x == nil {
		return a.Return(lua.LFalse, lua.LString(reason))
	}
	if !a.api.posts.add(x) {
		a.api.services.Log.Warn("too many http requests wait in the background", "url", a.String(0))
		return a.Return(lua.LFalse, lua.LString("too many requests wait"))
	}
	return a.Return(lua.LTrue)
}
