package sip

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"github.com/moonwire/moonwire/core/call"
)

var errHeader = errors.New("malformed header")

// compact names of headers that sipgo leaves unparsed (RFC 3261, 7.3.3, and the
// RFCs that define them).
var compact = map[string]string{
	"supported": "k", "session-expires": "x", "refer-to": "r", "referred-by": "b", "event": "o",
	"subject": "s", "content-type": "c", "contact": "m", "via": "v", "from": "f", "to": "t",
	"call-id": "i", "content-length": "l", "allow-events": "u",
}

// values are the values of all headers of a name, written in lower case, in order.
func values(m sipgo.Message, name string) []string {
	var list []string
	for _, n := range [...]string{name, compact[name]} {
		if n == "" {
			continue
		}
		for _, h := range m.GetHeaders(n) {
			list = append(list, h.Value())
		}
	}
	return list
}

// value is the first value of a header, "" where there is none.
func value(m sipgo.Message, name string) string {
	if h := m.GetHeaders(name); len(h) > 0 {
		return h[0].Value()
	}
	if short := compact[name]; short != "" {
		if h := m.GetHeaders(short); len(h) > 0 {
			return h[0].Value()
		}
	}
	return ""
}

// tokens splits comma-separated header values.
func tokens(list []string) []string {
	var out []string
	for _, v := range list {
		for t := range strings.SplitSeq(v, ",") {
			if t = strings.TrimSpace(t); t != "" {
				out = append(out, t)
			}
		}
	}
	return out
}

// lists reports whether a header of m has an option tag.
func lists(m sipgo.Message, name, tag string) bool {
	for _, t := range tokens(values(m, name)) {
		if strings.EqualFold(t, tag) {
			return true
		}
	}
	return false
}

// unsupported are the option tags of Require that we do not know.
func unsupported(m sipgo.Message) []string {
	var unknown []string
	for _, t := range tokens(values(m, "require")) {
		if !slices.Contains(supportedTags, strings.ToLower(t)) {
			unknown = append(unknown, t)
		}
	}
	return unknown
}

var supportedTags = tokens([]string{supported})

// parameter is the value of ";name=value" in what follows the first semicolon.
func parameter(text, name string) (string, bool) {
	_, rest, _ := strings.Cut(text, ";")
	for part := range strings.SplitSeq(rest, ";") {
		key, v, _ := strings.Cut(part, "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.Trim(strings.TrimSpace(v), `"`), true
		}
	}
	return "", false
}

// sessionExpires is a Session-Expires header (RFC 4028, 4).
type sessionExpires struct {
	interval  time.Duration
	refresher string // "uac", "uas" or ""
}

func parseSessionExpires(text string) (sessionExpires, error) {
	head, _, _ := strings.Cut(text, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(head), 10, 31)
	if err != nil {
		return sessionExpires{}, fmt.Errorf("%w: Session-Expires %q", errHeader, text)
	}
	refresher, _ := parameter(text, "refresher")
	refresher = strings.ToLower(refresher)
	if refresher != "uac" && refresher != "uas" {
		refresher = ""
	}
	return sessionExpires{time.Duration(n) * time.Second, refresher}, nil
}

func (s sessionExpires) String() string {
	text := strconv.FormatInt(int64(s.interval/time.Second), 10)
	if s.refresher != "" {
		text += ";refresher=" + s.refresher
	}
	return text
}

// seconds reads a header that is a number of seconds, with or without parameters.
func seconds(text string) (time.Duration, bool) {
	head, _, _ := strings.Cut(text, ";")
	head, _, _ = strings.Cut(head, "(") // Retry-After may carry a comment
	n, err := strconv.ParseUint(strings.TrimSpace(head), 10, 31)
	return time.Duration(n) * time.Second, err == nil
}

// rack is a RAck header (RFC 3262, 7.2).
type rack struct {
	reliable uint32
	seq      uint32
	method   string
}

func parseRAck(text string) (rack, error) {
	f := strings.Fields(text)
	if len(f) != 3 {
		return rack{}, fmt.Errorf("%w: RAck %q", errHeader, text)
	}
	reliable, err1 := strconv.ParseUint(f[0], 10, 32)
	seq, err2 := strconv.ParseUint(f[1], 10, 32)
	if err1 != nil || err2 != nil {
		return rack{}, fmt.Errorf("%w: RAck %q", errHeader, text)
	}
	return rack{uint32(reliable), uint32(seq), f[2]}, nil
}

// replaces is a Replaces header (RFC 3891, 6.1).
type replaces struct {
	callID, toTag, fromTag string
	earlyOnly              bool
}

func parseReplaces(text string) (replaces, error) {
	id, rest, _ := strings.Cut(text, ";")
	r := replaces{callID: strings.TrimSpace(id)}
	to, from := 0, 0
	for part := range strings.SplitSeq(rest, ";") {
		key, v, _ := strings.Cut(part, "=")
		switch v = strings.TrimSpace(v); strings.ToLower(strings.TrimSpace(key)) {
		case "to-tag":
			r.toTag = v
			to++
		case "from-tag":
			r.fromTag = v
			from++
		case "early-only":
			r.earlyOnly = true
		}
	}
	if r.callID == "" || strings.ContainsAny(r.callID, ", \t") || to != 1 || from != 1 || !isToken([]byte(r.toTag)) || !isToken([]byte(r.fromTag)) {
		return replaces{}, fmt.Errorf("%w: Replaces %q", errHeader, text)
	}
	return r, nil
}

func (r replaces) String() string {
	s := r.callID + ";to-tag=" + r.toTag + ";from-tag=" + r.fromTag
	if r.earlyOnly {
		s += ";early-only"
	}
	return s
}

// parseReason finds a Q.850 cause and its words among Reason headers (RFC 3326).
// Where there is only a SIP status the cause follows from it.
func parseReason(list []string) (cause call.Cause, text string) {
	for _, v := range list {
		protocol, _, _ := strings.Cut(v, ";")
		number, _ := parameter(v, "cause")
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 {
			continue
		}
		words, _ := parameter(v, "text")
		switch strings.ToUpper(strings.TrimSpace(protocol)) {
		case "Q.850":
			if n > 0 && n < 128 {
				return call.Cause(n), words
			}
		case "SIP":
			if cause == call.CauseNone {
				if cause, text = call.CauseOf(n), words; n == 200 {
					cause = call.CauseRejectedElsewhere
				}
			}
		}
	}
	return cause, text
}

// reason is the Reason header for a cause.
func reason(c call.Cause) field {
	return field{"Reason", `Q.850;cause=` + strconv.Itoa(int(c)) + `;text="` + c.String() + `"`}
}

// maxInfo bounds the INFO bodies that are worth reading, in octets.
const maxInfo = 512

// infoDigit reads DTMF in an INFO body: application/dtmf-relay has "Signal=5"
// and "Duration=160" (ms) on lines of their own, application/dtmf the key alone.
func infoDigit(contentType string, body []byte) (key byte, length time.Duration, ok bool) {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if len(body) > maxInfo {
		return 0, 0, false
	}
	text := string(body)
	if kind == "application/dtmf" {
		key, ok = digitKey(text)
		return key, 0, ok
	}
	if kind != "application/dtmf-relay" {
		return 0, 0, false
	}
	for line := range strings.Lines(text) {
		name, v, _ := strings.Cut(line, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "signal":
			key, ok = digitKey(v)
		case "duration":
			if n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 16); err == nil {
				length = time.Duration(n) * time.Millisecond
			}
		}
	}
	return key, length, ok
}

// digitKey reads a key as devices write it: itself, or 10 and 11 for * and #.
func digitKey(text string) (byte, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	switch text {
	case "10":
		return '*', true
	case "11":
		return '#', true
	}
	if len(text) != 1 || !strings.Contains("0123456789*#ABCD", text) {
		return 0, false
	}
	return text[0], true
}

// address is what a From, To or identity header says.
type address struct {
	name string
	uri  sipgo.Uri
	tag  string
}

// parseAddress reads a name-addr or addr-spec.
func parseAddress(text string) (address, error) {
	var a address
	var params sipgo.HeaderParams
	name, err := sipgo.ParseAddressValue(text, &a.uri, &params)
	if err != nil {
		return address{}, fmt.Errorf("%w: %q: %w", errHeader, text, err)
	}
	a.name = strings.Trim(name, `"`)
	a.tag, _ = params.Get("tag")
	return a, nil
}

// user is the number or name that a URI leads to; tel URIs have one too.
func user(u *sipgo.Uri) string {
	if u.Scheme == "tel" {
		number, _, _ := strings.Cut(u.Raw(), ";")
		return strings.NewReplacer("-", "", ".", "", "(", "", ")", "").Replace(number)
	}
	name, _, _ := strings.Cut(u.User, ";") // parameters of a telephone-subscriber
	return unescape(name)
}

// unescape undoes the %XX of a URI; broken ones stay as they are.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// escapeUser writes a user part (RFC 3261, 25.1: unreserved and user-unreserved).
func escapeUser(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("-_.!~*'()&=+$,;?/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// quoteName writes a display name with its space, nothing for an empty one.
func quoteName(name string) string {
	if name == "" {
		return ""
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", " ", "\n", " ").Replace(name) + `" `
}
