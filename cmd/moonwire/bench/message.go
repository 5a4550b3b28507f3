package bench

import (
	"net/netip"
	"strconv"
	"strings"
)

// message is as much of a SIP message as a load generator has to know. Its
// strings share the memory of the datagram's copy.
type message struct {
	status      int    // of a response, 0 for a request
	method      string // of a request, or from a response's CSeq
	uri         string // of a request
	vias        []string
	from, to    string
	callID      string
	cseq        uint32
	contact     string // URI
	recordRoute []string
	challenges  []string // of WWW-Authenticate and Proxy-Authenticate
	body        string
}

// parseMessage reads a datagram. It believes the datagram's length and not
// Content-Length, and passes over every header that it does not know.
func parseMessage(datagram []byte) (m message, ok bool) {
	head, body, found := strings.Cut(string(datagram), "\r\n\r\n")
	if !found {
		return m, false
	}
	m.body = body
	if strings.Contains(head, "\r\n ") || strings.Contains(head, "\r\n\t") {
		head = strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(head)
	}
	line, rest, _ := strings.Cut(head, "\r\n")
	if !m.start(line) {
		return m, false
	}
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, found := strings.Cut(line, ":")
		if !found {
			return m, false
		}
		m.header(strings.TrimRight(name, " \t"), strings.TrimSpace(value))
	}
	return m, m.callID != "" && m.cseq != 0 && len(m.vias) > 0 && m.method != ""
}

// start reads the request line or status line.
func (m *message) start(line string) bool {
	if status, found := strings.CutPrefix(line, "SIP/2.0 "); found {
		code, _, _ := strings.Cut(status, " ")
		n, err := strconv.Atoi(code)
		m.status = n
		return err == nil && n >= 100 && n < 700
	}
	method, rest, _ := strings.Cut(line, " ")
	uri, version, _ := strings.Cut(rest, " ")
	m.method, m.uri = method, uri
	return version == "SIP/2.0" && uri != ""
}

func (m *message) header(name, value string) {
	switch strings.ToLower(name) {
	case "via", "v":
		m.vias = append(m.vias, value)
	case "from", "f":
		m.from = value
	case "to", "t":
		m.to = value
	case "call-id", "i":
		m.callID = value
	case "cseq":
		number, method, _ := strings.Cut(value, " ")
		n, _ := strconv.ParseUint(number, 10, 32)
		m.cseq = uint32(n)
		if m.status != 0 {
			m.method = strings.TrimSpace(method)
		}
	case "contact", "m":
		m.contact = address(value)
	case "record-route":
		for route := range strings.SplitSeq(value, ",") {
			m.recordRoute = append(m.recordRoute, strings.TrimSpace(route))
		}
	case "www-authenticate", "proxy-authenticate":
		m.challenges = append(m.challenges, value)
	}
}

// address is the URI of a Contact, From or To.
func address(value string) string {
	if _, rest, found := strings.Cut(value, "<"); found {
		uri, _, _ := strings.Cut(rest, ">")
		return uri
	}
	uri, _, _ := strings.Cut(value, ";")
	return uri
}

// mediaAddress is where a session description wants its audio. It is not
// valid where there is none.
func mediaAddress(sdp string) netip.AddrPort {
	var ip netip.Addr
	var port uint64
	for line := range strings.SplitSeq(sdp, "\n") {
		line = strings.TrimSuffix(line, "\r")
		switch {
		case strings.HasPrefix(line, "c=IN IP"):
			if fields := strings.Fields(line); len(fields) == 3 && (port != 0 || !ip.IsValid()) {
				ip, _ = netip.ParseAddr(fields[2])
			}
		case strings.HasPrefix(line, "m="):
			if port != 0 {
				return netip.AddrPortFrom(ip, uint16(port))
			}
			if fields := strings.Fields(line); len(fields) > 3 && fields[0] == "m=audio" {
				port, _ = strconv.ParseUint(fields[1], 10, 16)
			}
		}
	}
	if port == 0 || !ip.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip, uint16(port))
}

// sdp describes one audio stream at an address.
func sdp(ip netip.Addr, port uint16, c Codec) string {
	family := "IP4"
	if ip.Is6() {
		family = "IP6"
	}
	where, payload := family+" "+ip.String(), strconv.Itoa(int(c.PayloadType))
	return "v=0\r\no=bench 1 1 IN " + where + "\r\ns=-\r\nc=IN " + where + "\r\nt=0 0\r\n" +
		"m=audio " + strconv.Itoa(int(port)) + " RTP/AVP " + payload + " 101\r\n" +
		"a=rtpmap:" + payload + " " + c.Name + "/8000\r\n" +
		"a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n"
}

// writer builds a message.
type writer struct{ b []byte }

func (w *writer) line(parts ...string) {
	for _, p := range parts {
		w.b = append(w.b, p...)
	}
	w.b = append(w.b, "\r\n"...)
}

// end adds the body; type and length are written where there is one.
func (w *writer) end(body string) []byte {
	if body != "" {
		w.line("Content-Type: application/sdp")
	}
	w.line("Content-Length: ", strconv.Itoa(len(body)))
	w.line()
	return append(w.b, body...)
}

// response answers a request. tag is added to To where it has none; contact
// and body may be "".
func (m message) response(b []byte, status, tag, contact, body string) []byte {
	w := writer{b[:0]}
	w.line("SIP/2.0 ", status)
	for _, via := range m.vias {
		w.line("Via: ", via)
	}
	for _, route := range m.recordRoute {
		w.line("Record-Route: ", route)
	}
	w.line("From: ", m.from)
	if tag != "" && !strings.Contains(m.to, ";tag=") {
		w.line("To: ", m.to, ";tag=", tag)
	} else {
		w.line("To: ", m.to)
	}
	w.line("Call-ID: ", m.callID)
	w.line("CSeq: ", strconv.FormatUint(uint64(m.cseq), 10), " ", m.method)
	if contact != "" {
		w.line("Contact: <", contact, ">")
	}
	return w.end(body)
}
