package sip

import (
	"bytes"
	"strconv"
)

// Most of what reaches an open SIP port is not a call: scanners, broken devices,
// noise. screen looks at the bytes once, without making anything of them, and
// tells what deserves to be parsed. What is clearly a request and clearly wrong
// gets the status that RFC 3261 asks for; everything else gets silence, because
// an answer would only tell a scanner that somebody is there. An answer is never
// longer than the request, so the port cannot be used to flood third parties.

const (
	maxMessage = 32000 // octets; phones stay below 4000
	maxHeaders = 128
)

type verdict uint8

const (
	parse  verdict = iota
	ignore         // drop in silence
	refuse         // answer with status
)

// essential holds the header lines that every answer repeats.
type essential struct {
	vias                   [][]byte // values
	from, to, callID, cseq []byte
	contentLength          int // -1: none
	maxForwards            []byte
}

// screen judges one message that came as one datagram or was cut from a stream.
func screen(p []byte) (v verdict, status int, head essential, message []byte) {
	for len(p) >= 2 && p[0] == '\r' && p[1] == '\n' {
		p = p[2:]
	}
	if len(p) == 0 {
		return ignore, 0, head, nil
	}
	line, rest, ok := cutLine(p)
	if !ok || brokenLines(p) {
		return ignore, 0, head, nil
	}
	if bytes.HasPrefix(line, []byte("SIP/2.0 ")) {
		return screenResponse(line, rest, p)
	}
	method, uri, version, ok := requestLine(line)
	if !ok {
		return ignore, 0, head, nil
	}
	if len(p) > maxMessage {
		headers(rest, &head)
		return refuseWith(513, method, head)
	}
	body, status := headers(rest, &head)
	switch {
	case status != 0:
	case !bytes.Equal(version, []byte("SIP/2.0")):
		status = 505
	case !knownScheme(uri):
		status = 416
	case !cseqMatches(head.cseq, method):
		status = 400
	case head.contentLength > len(body):
		status = 400
	}
	if status != 0 {
		return refuseWith(status, method, head)
	}
	if head.contentLength >= 0 {
		p = p[:len(p)-len(body)+head.contentLength]
	}
	return parse, 0, head, p
}

// brokenLines reports whether the headers of p hold a line feed or a carriage
// return on its own, or a zero: an answer that repeats such a header would carry
// lines that somebody else wrote.
func brokenLines(p []byte) bool {
	for i, c := range p {
		switch c {
		case 0:
			return true
		case '\r':
			if i+1 == len(p) || p[i+1] != '\n' {
				return true
			}
		case '\n':
			if i == 0 || p[i-1] != '\r' {
				return true
			}
			if bytes.HasPrefix(p[i+1:], []byte("\r\n")) {
				return false // the body begins
			}
		}
	}
	return false
}

// refuseWith answers a request if it can be answered: ACK never is, and without
// the headers that an answer repeats nobody could match it.
func refuseWith(status int, method []byte, head essential) (verdict, int, essential, []byte) {
	complete := len(head.vias) > 0 && head.from != nil && head.to != nil && head.callID != nil && head.cseq != nil
	if !complete || string(method) == "ACK" {
		return ignore, 0, head, nil
	}
	return refuse, status, head, nil
}

func screenResponse(line, rest, whole []byte) (verdict, int, essential, []byte) {
	var head essential
	body, status := headers(rest, &head)
	if len(line) < 11 || status != 0 || len(whole) > maxMessage || head.contentLength > len(body) {
		return ignore, 0, head, nil
	}
	if n, err := strconv.Atoi(string(line[8:11])); err != nil || n < 100 || n > 699 || (len(line) > 11 && line[11] != ' ') {
		return ignore, 0, head, nil
	}
	if len(line) == 11 { // no reason phrase and not even its space
		return ignore, 0, head, nil
	}
	if head.contentLength >= 0 {
		whole = whole[:len(whole)-len(body)+head.contentLength]
	}
	return parse, 0, head, whole
}

// requestLine splits "METHOD URI SIP/x.y".
func requestLine(line []byte) (method, uri, version []byte, ok bool) {
	method, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(method) == 0 || len(method) > 32 || !isToken(method) {
		return nil, nil, nil, false
	}
	uri, version, ok = bytes.Cut(rest, []byte(" "))
	if !ok || len(uri) == 0 || !bytes.HasPrefix(version, []byte("SIP/")) || bytes.IndexByte(version, ' ') >= 0 {
		return nil, nil, nil, false
	}
	return method, uri, version, true
}

// headers reads header lines up to the empty one and returns what follows.
// status is what the first mistake deserves, 0 where there is none.
func headers(p []byte, head *essential) (body []byte, status int) {
	head.contentLength = -1
	bad := func() {
		if status == 0 {
			status = 400
		}
	}
	for n := 0; ; n++ {
		line, rest, ok := cutLine(p)
		if !ok || n > maxHeaders {
			bad()
			return nil, status
		}
		p = rest
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue // folded; the parser unfolds
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || bytes.IndexByte(line, 0) >= 0 {
			bad()
			continue
		}
		name, value := bytes.TrimRight(line[:colon], " \t"), bytes.Trim(line[colon+1:], " \t")
		if !isToken(name) {
			bad()
			continue
		}
		if !head.take(name, value) {
			bad()
		}
	}
	if len(head.vias) == 0 || head.from == nil || head.to == nil || head.callID == nil || head.cseq == nil {
		bad()
	}
	return p, status
}

// take notes a header that matters; false says that it is wrong.
func (h *essential) take(name, value []byte) bool {
	once := func(into *[]byte) bool {
		if *into != nil || len(value) == 0 {
			return false
		}
		*into = value
		return true
	}
	switch {
	case is(name, "via", 'v'):
		if len(value) == 0 {
			return false
		}
		h.vias = append(h.vias, value)
	case is(name, "from", 'f'):
		return once(&h.from)
	case is(name, "to", 't'):
		return once(&h.to)
	case is(name, "call-id", 'i'):
		return once(&h.callID)
	case is(name, "cseq", 0):
		return once(&h.cseq)
	case is(name, "max-forwards", 0):
		n, err := strconv.ParseUint(string(value), 10, 32)
		return err == nil && n <= 255 && once(&h.maxForwards)
	case is(name, "content-length", 'l'):
		n, err := strconv.ParseUint(string(value), 10, 31)
		if err != nil || h.contentLength >= 0 && h.contentLength != int(n) {
			return false
		}
		h.contentLength = int(n)
	}
	return true
}

func is(name []byte, long string, short byte) bool {
	if len(name) == 1 {
		return short != 0 && name[0]|0x20 == short
	}
	if len(name) != len(long) {
		return false
	}
	for i := range name {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != long[i] {
			return false
		}
	}
	return true
}

func cutLine(p []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(p, '\r')
	if i < 0 || i+1 >= len(p) || p[i+1] != '\n' {
		return nil, nil, false
	}
	return p[:i], p[i+2:], true
}

func knownScheme(uri []byte) bool {
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if len(uri) > len(scheme) && bytes.EqualFold(uri[:len(scheme)], []byte(scheme)) {
			return true
		}
	}
	return false
}

// cseqMatches reports whether "number METHOD" names the method and fits 31 bits
// (RFC 3261, 8.1.1.5).
func cseqMatches(cseq, method []byte) bool {
	number, name, ok := bytes.Cut(cseq, []byte(" "))
	if !ok || !bytes.Equal(bytes.Trim(name, " \t"), method) {
		return false
	}
	_, err := strconv.ParseUint(string(number), 10, 31)
	return err == nil
}

// isToken is RFC 3261, 25.1.
func isToken(p []byte) bool {
	for _, c := range p {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case bytes.IndexByte([]byte("-.!%*_+`'~"), c) >= 0:
		default:
			return false
		}
	}
	return len(p) > 0
}

// refusal writes the stateless answer that screen asked for.
func (h *essential) refusal(status int) []byte {
	w := newBuilder(512)
	w.WriteString("SIP/2.0 " + strconv.Itoa(status) + " " + phrase(status) + "\r\n")
	for _, via := range h.vias {
		w.line("Via", string(via))
	}
	w.line("From", string(h.from))
	to := string(h.to)
	if !bytes.Contains(bytes.ToLower(h.to), []byte(";tag=")) {
		to += ";tag=refused"
	}
	w.line("To", to)
	w.line("Call-ID", string(h.callID))
	w.line("CSeq", string(h.cseq))
	return w.end("", nil)
}
