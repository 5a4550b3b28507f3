package interop

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

// dialog is one call of a wire, as the wire sees it.
type dialog struct {
	*wire
	id     string // Call-ID and our tag
	target string
	theirs string // tag
	seq    int
}

// talks calls a number and waits until it is answered; what is said is sent to
// and heard on sound.
func talks(w *wire, s *server, user, number string, sound *net.UDPConn, headers ...string) *dialog {
	w.t.Helper()
	d := &dialog{wire: w, id: fmt.Sprintf("%s-%d", w.callID, wires.Add(1)), target: "sip:" + number + "@" + s.sip["udp"], seq: 1}
	w.callID = d.id
	w.send(w.request("INVITE", d.target, user, 1, headers, description(sound, "sendrecv")))
	return d.answered()
}

func (d *dialog) answered() *dialog {
	d.t.Helper()
	ok := d.about("SIP/2.0 200", d.id)
	d.theirs = between(header(ok, "To"), "tag=", "")
	d.say("ACK", "")
	return d
}

// about is the next message that begins so and has this Call-ID.
func (w *wire) about(start, id string) string {
	w.t.Helper()
	for {
		if m := w.await(start); header(m, "Call-ID") == id {
			return m
		}
	}
}

// say sends a request within the dialog.
func (d *dialog) say(method, headers string) {
	if method != "ACK" {
		d.seq++
	}
	d.callID = d.id
	m := d.request(method, d.target, "tester", d.seq, nil, "")
	to := "To: <" + d.target + ">"
	m = strings.Replace(m, to, to+";tag="+d.theirs, 1)
	d.send(strings.Replace(m, "Max-Forwards", headers+"Max-Forwards", 1))
}

// agrees answers a request with 200.
func (w *wire) agrees(request string) {
	var b strings.Builder
	b.WriteString("SIP/2.0 200 OK\r\n")
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		b.WriteString(name + ": " + header(request, name) + "\r\n")
	}
	w.send(b.String() + "Content-Length: 0\r\n\r\n")
}

func header(message, name string) string { return between(message, "\r\n"+name+": ", "\r\n") }

// between is what stands after one text and before another, "" for the end.
func between(s, after, before string) string {
	_, s, _ = strings.Cut(s, after)
	if before != "" {
		s, _, _ = strings.Cut(s, before)
	}
	return s
}

func description(sound *net.UDPConn, direction string) string {
	port := sound.LocalAddr().(*net.UDPAddr).Port
	return strings.ReplaceAll(strings.NewReplacer("[local_ip]", "127.0.0.1", "[auto_media_port]", fmt.Sprint(port), "sendrecv", direction).Replace(offer), "\n", "\r\n") + "\r\n"
}

func soundSocket(t *testing.T) *net.UDPConn {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// says sends RTP with this octet in every sample until done is closed.
func says(from *net.UDPConn, offered string, octet byte, done <-chan struct{}) {
	port := between(offered, "m=audio ", " ")
	to, err := net.ResolveUDPAddr("udp", "127.0.0.1:"+port)
	if err != nil {
		return
	}
	packet := make([]byte, 172)
	packet[0] = 0x80
	packet[11] = octet
	for i := range packet[12:] {
		packet[12+i] = octet
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := uint16(1); ; n++ {
		packet[2], packet[3] = byte(n>>8), byte(n)
		at := uint32(n) * 160
		packet[4], packet[5], packet[6], packet[7] = byte(at>>24), byte(at>>16), byte(at>>8), byte(at)
		_, _ = from.WriteToUDP(packet, to)
		select {
		case <-tick.C:
		case <-done:
			return
		}
	}
}

// hears waits for a packet of sound that is made of this octet.
func hears(t *testing.T, on *net.UDPConn, octet byte) {
	t.Helper()
	_ = on.SetReadDeadline(time.Now().Add(patience))
	var p [1500]byte
	for {
		n, err := on.Read(p[:])
		if err != nil {
			t.Fatalf("%#x was never heard", octet)
		}
		if n == 172 && p[1]&0x7f == 0 && p[100] == octet {
			return
		}
	}
}

const transferSite = `
sip.trunk "bob" { host = "127.0.0.1:%d", context = "lab" }
sip.trunk "carol" { host = "127.0.0.1:%d", context = "lab" }
local lab = context "lab"
lab:extension("bob", function(call)
  local r = call:dial("sip/1@bob")
  log.info("bob's call ended by %%s", r.ended_by)
end)
lab:extension("carol", function(call) call:dial("sip/1@carol") end)
`

// called takes the INVITE of the server and answers it.
func called(t *testing.T, w *wire, sound *net.UDPConn, direction string) string {
	t.Helper()
	invite := w.await("INVITE")
	sdp := description(sound, direction)
	var b strings.Builder
	b.WriteString("SIP/2.0 200 OK\r\n")
	for _, name := range []string{"Via", "From", "Call-ID", "CSeq"} {
		b.WriteString(name + ": " + header(invite, name) + "\r\n")
	}
	fmt.Fprintf(&b, "To: %s;tag=b\r\nContact: <sip:1@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		header(invite, "To"), w.conn.LocalAddr(), len(sdp), sdp)
	w.send(b.String())
	w.await("ACK")
	return invite
}

// transferLab is a server with two trunks, Bob and Carol, and the two themselves.
func transferLab(t *testing.T) (s *server, alice, bob, carol *wire) {
	trunk := func() (net.PacketConn, int) {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return c, c.LocalAddr().(*net.UDPAddr).Port
	}
	b, bobPort := trunk()
	c, carolPort := trunk()
	b.Close()
	c.Close()
	s = start(t, site{"config.lua": fmt.Sprintf(transferSite, bobPort, carolPort)})
	at := func(port int) *wire {
		remote, err := net.ResolveUDPAddr("udp", s.sip["udp"])
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}, remote)
		if err != nil {
			t.Fatal(err)
		}
		return newWire(t, conn, "udp")
	}
	return s, at(0), at(bobPort), at(carolPort)
}

// TestAttendedTransfer has Alice talk to Bob and to Carol, and connect the two:
// they hear each other, she is told and gets her BYEs, and when one hangs up the
// other's call is over too.
func TestAttendedTransfer(t *testing.T) {
	t.Parallel()
	s, alice, bob, carol := transferLab(t)
	aliceSound, bobSound, carolSound := soundSocket(t), soundSocket(t), soundSocket(t)
	invites := make(chan string, 2)
	go func() { invites <- called(t, bob, bobSound, "sendrecv") }()
	one := talks(alice, s, "tester", "bob", aliceSound)
	toBob := <-invites
	go func() { invites <- called(t, carol, carolSound, "sendrecv") }()
	two := talks(alice, s, "tester", "carol", aliceSound)
	toCarol := <-invites

	one.say("REFER", fmt.Sprintf("Refer-To: <sip:carol@%s?Replaces=%s>\r\n", s.sip["udp"],
		url.QueryEscape(two.id+";to-tag="+two.theirs+";from-tag="+two.id)))
	alice.about("SIP/2.0 202", one.id)
	byes := map[string]bool{}
	status := ""
	for status == "" || len(byes) < 2 {
		switch m := alice.receive(patience); {
		case m == "":
			t.Fatalf("told %q, byes %v", status, byes)
		case strings.HasPrefix(m, "NOTIFY"):
			if strings.Contains(m, "\r\nSubscription-State: terminated") {
				status = between(m, "\r\n\r\nSIP/2.0 ", "\r\n")
			}
			alice.agrees(m)
		case strings.HasPrefix(m, "BYE"):
			byes[header(m, "Call-ID")] = true
			alice.agrees(m)
		}
	}
	if status != "200 OK" {
		t.Errorf("told %q", status)
	}

	done := make(chan struct{})
	defer close(done)
	go says(bobSound, toBob, 0x2a, done)
	go says(carolSound, toCarol, 0x6b, done)
	hears(t, carolSound, 0x2a)
	hears(t, bobSound, 0x6b)

	bye := "BYE " + between(header(toBob, "Contact"), "<", ">") + " SIP/2.0\r\nVia: SIP/2.0/UDP " + bob.conn.LocalAddr().String() +
		";rport;branch=z9hG4bK-the-end\r\nFrom: " + header(toBob, "To") + ";tag=b\r\nTo: " + header(toBob, "From") +
		"\r\nCall-ID: " + header(toBob, "Call-ID") + "\r\nCSeq: 9 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
	bob.send(bye)
	bob.await("SIP/2.0 200")
	carol.agrees(carol.await("BYE"))
	s.awaitLog("bob's call ended by called")
	s.awaitCalls(0)
}

// TestReplaces has Dave take Alice's place with an INVITE of his own: Bob hears
// him and not her.
func TestReplaces(t *testing.T) {
	t.Parallel()
	s, alice, bob, dave := transferLab(t)
	aliceSound, bobSound, daveSound := soundSocket(t), soundSocket(t), soundSocket(t)
	invites := make(chan string, 1)
	go func() { invites <- called(t, bob, bobSound, "sendrecv") }()
	one := talks(alice, s, "tester", "bob", aliceSound)
	toBob := <-invites
	two := &dialog{wire: dave, id: dave.callID, target: "sip:x@" + s.sip["udp"], seq: 1}
	dave.send(dave.request("INVITE", two.target, "dave", 1,
		[]string{"Require: replaces", "Replaces: " + one.id + ";to-tag=" + one.theirs + ";from-tag=" + one.id}, description(daveSound, "sendrecv")))
	accepted := dave.await("SIP/2.0 200")
	two.theirs = between(header(accepted, "To"), "tag=", "")
	two.say("ACK", "")
	alice.agrees(alice.await("BYE"))

	done := make(chan struct{})
	defer close(done)
	go says(bobSound, toBob, 0x2a, done)
	go says(daveSound, accepted, 0x6b, done)
	hears(t, daveSound, 0x2a)
	hears(t, bobSound, 0x6b)
	s.awaitCalls(1)
	two.say("BYE", "")
	dave.await("SIP/2.0 200")
	bob.agrees(bob.await("BYE"))
	s.awaitLog("call ended")
	s.awaitCalls(0)
}
