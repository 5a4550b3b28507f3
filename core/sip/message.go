package sip

import (
	"strconv"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// field is one header line that we write.
type field struct{ name, value string }

// allow is the Allow header of everything that we send.
const allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, UPDATE, PRACK, INFO, REFER, NOTIFY"

// supported lists the option tags that a Require may name.
const supported = "100rel, timer, replaces, path"

const (
	allowedBodies  = "application/sdp, application/dtmf-relay, application/dtmf"
	allowedEvents  = "refer"
	magicCookie    = "z9hG4bK"
	maxForwards    = 70
	userAgentLabel = "moonwire"
)

// builder writes a message. It is an io.StringWriter so that sipgo's headers
// can write themselves into it.
type builder struct{ b []byte }

func newBuilder(room int) *builder { return &builder{make([]byte, 0, room)} }

// WriteString appends s; it never fails.
func (w *builder) WriteString(s string) (int, error) {
	w.b = append(w.b, s...)
	return len(s), nil
}

// line writes one header. Line ends in the value would let a script's text
// become headers of their own, so they are turned into spaces.
func (w *builder) line(name, value string) {
	w.b = append(w.b, name...)
	w.b = append(w.b, ": "...)
	if strings.ContainsAny(value, "\r\n\x00") {
		value = strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(value)
	}
	w.b = append(w.b, value...)
	w.b = append(w.b, "\r\n"...)
}

// header copies a header of a received message.
func (w *builder) header(h sipgo.Header) {
	h.StringWrite(w)
	w.b = append(w.b, "\r\n"...)
}

// end closes the headers and adds the body.
func (w *builder) end(contentType string, body []byte) []byte {
	if len(body) > 0 {
		w.line("Content-Type", contentType)
	}
	w.b = append(w.b, "Content-Length: "...)
	w.b = strconv.AppendInt(w.b, int64(len(body)), 10)
	w.b = append(w.b, "\r\n\r\n"...)
	w.b = append(w.b, body...)
	return w.b
}

// answer is a response that we send.
type answer struct {
	status      int
	reason      string // "" = the usual phrase
	tag         string // ours, put on To where the request has none
	contact     string
	fields      []field
	contentType string
	body        []byte
}

// render writes a to req (RFC 3261, 8.2.6). Via was completed on receipt.
func (a *answer) render(req *sipgo.Request, agent string) []byte {
	w := newBuilder(768 + len(a.body))
	reason := a.reason
	if reason == "" {
		reason = phrase(a.status)
	}
	w.WriteString("SIP/2.0 ")
	w.b = strconv.AppendInt(w.b, int64(a.status), 10)
	w.WriteString(" ")
	w.WriteString(strings.NewReplacer("\r", " ", "\n", " ").Replace(reason))
	w.WriteString("\r\n")
	dialogForming := a.contact != "" && a.status > 100 && a.status < 300
	for _, h := range req.Headers() {
		switch h := h.(type) {
		case *sipgo.ViaHeader, *sipgo.FromHeader, *sipgo.CallIDHeader, *sipgo.CSeqHeader:
			w.header(h)
		case *sipgo.ToHeader:
			w.header(h)
			if _, has := h.Params.Get("tag"); !has && a.status > 100 {
				w.b = append(w.b[:len(w.b)-2], ";tag="...)
				w.WriteString(a.tag)
				w.WriteString("\r\n")
			}
		case *sipgo.RecordRouteHeader:
			if dialogForming {
				w.header(h)
			}
		default:
			if a.status == 100 && strings.EqualFold(h.Name(), "Timestamp") {
				w.header(h)
			}
		}
	}
	if a.contact != "" {
		w.line("Contact", a.contact)
	}
	for _, f := range a.fields {
		w.line(f.name, f.value)
	}
	if agent != "" {
		w.line("Server", agent)
	}
	return w.end(a.contentType, a.body)
}

// request is a request that we send. It stays with its transaction, which makes
// the ACK of a refusal and the CANCEL from it (RFC 3261, 9.1 and 17.1.1.3).
type request struct {
	method      string
	uri         string
	flow        flow
	via         string // sent-by of the top Via
	branch      string
	from, to    string
	callID      string
	seq         uint32
	routes      []string
	contact     string
	fields      []field
	agent       string
	contentType string
	body        []byte
	about       about
	user        string // that a challenge is answered for; "" = none is
	password    string
}

func (r *request) render() []byte {
	w := newBuilder(1024 + len(r.body))
	w.WriteString(r.method)
	w.WriteString(" ")
	w.WriteString(r.uri)
	w.WriteString(" SIP/2.0\r\nVia: SIP/2.0/")
	w.WriteString(r.flow.network.label())
	w.WriteString(" ")
	w.WriteString(r.via)
	w.WriteString(";rport;branch=")
	w.WriteString(r.branch)
	w.WriteString("\r\n")
	for _, route := range r.routes {
		w.line("Route", route)
	}
	w.line("Max-Forwards", strconv.Itoa(maxForwards))
	w.line("From", r.from)
	w.line("To", r.to)
	w.line("Call-ID", r.callID)
	w.line("CSeq", strconv.FormatUint(uint64(r.seq), 10)+" "+r.method)
	if r.contact != "" {
		w.line("Contact", r.contact)
	}
	for _, f := range r.fields {
		w.line(f.name, f.value)
	}
	if r.agent != "" {
		w.line("User-Agent", r.agent)
	}
	return w.end(r.contentType, r.body)
}

// hop is the part that CANCEL and the ACK of a refusal share with the INVITE.
func (r *request) hop(method, to string) *request {
	return &request{
		method: method, uri: r.uri, flow: r.flow, via: r.via, branch: r.branch,
		from: r.from, to: to, callID: r.callID, seq: r.seq, routes: r.routes, agent: r.agent, about: r.about,
	}
}

// phrase is the usual reason phrase of a status.
func phrase(status int) string {
	if p, ok := phrases[status]; ok {
		return p
	}
	switch status / 100 {
	case 1:
		return "Session Progress"
	case 2:
		return "OK"
	case 3:
		return "Redirect"
	case 4:
		return "Client Failure"
	case 5:
		return "Server Failure"
	}
	return "Global Failure"
}

var phrases = map[int]string{
	100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
	200: "OK", 202: "Accepted", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily",
	400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone",
	413: "Request Entity Too Large", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
	420: "Bad Extension", 421: "Extension Required", 422: "Session Interval Too Small", 423: "Interval Too Brief",
	480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected",
	483: "Too Many Hops", 484: "Address Incomplete", 486: "Busy Here", 487: "Request Terminated",
	488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending", 500: "Server Internal Error",
	501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Server Time-out",
	505: "Version Not Supported", 513: "Message Too Large", 580: "Precondition Failure",
	600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
}
