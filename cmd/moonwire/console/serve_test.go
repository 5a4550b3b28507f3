package console

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/moonwire/moonwire/core/sip"
)

// listen serves consoles on a socket of the test's own.
func listen(t *testing.T, s *Server) func() net.Conn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	web := &http.Server{Handler: s.Handler(ctx)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(l)
	}()
	t.Cleanup(func() {
		cancel()
		_ = web.Close()
		<-done
	})
	return func() net.Conn {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
}

// TestStreams subscribes two consoles to different things.
func TestStreams(t *testing.T) {
	s := &Server{Log: &Log{}, Wire: &Wire{}}
	dial := listen(t, s)
	type line struct{ kind, text string }
	lines := make(chan line, 100)
	a, err := Attach(dial(), func(kind, text string) { lines <- line{kind, text} })
	if err != nil {
		t.Fatal(err)
	}
	b, err := Attach(dial(), func(kind, text string) { t.Errorf("%s %s", kind, text) })
	if err != nil {
		t.Fatal(err)
	}
	run := func(c *Client, line string) Answer {
		t.Helper()
		answer, err := c.Run(context.Background(), line, false, false)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	run(b, "set log debug")
	if answer := run(a, "log on"); answer.Code != 0 || !strings.Contains(answer.Text, "debug and above") {
		t.Errorf("%+v", answer)
	}
	fmt.Fprintln(s.Log, "level=INFO msg=hello")
	if l := <-lines; l != (line{"log", "level=INFO msg=hello\n"}) {
		t.Errorf("%+v", l)
	}
	run(a, "log off")
	fmt.Fprintln(s.Log, "level=INFO msg=unseen")
	run(a, "sip debug ip 192.0.2.1")
	packet := sip.Packet{Octets: []byte("OPTIONS sip:x SIP/2.0\r\nX: \x1b[31m\r\n\r\n"), Transport: "udp"}
	s.Wire.Show(packet)
	packet.Remote = addrPort("192.0.2.1:5060")
	s.Wire.Show(packet)
	if l := <-lines; l.kind != "sip" || !strings.Contains(l.text, "received from udp:192.0.2.1:5060") || strings.Contains(l.text, "\x1b") {
		t.Errorf("%+v", l)
	}
	_ = a.Close()
	<-a.ended
	for s.Wire.packets.wanted() { // the server notices by itself
		runtime.Gosched()
	}
}

// TestSlowConsole leaves a console unread while the log goes on: nobody waits,
// and the console learns how much it has missed.
func TestSlowConsole(t *testing.T) {
	s := &Server{Log: &Log{}, Wire: &Wire{}}
	conn := listen(t, s)()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nUpgrade: %s\r\n\r\n", Path, upgradeName)
	in := bufio.NewReader(conn)
	for line := "x"; strings.TrimSpace(line) != ""; {
		line, _ = in.ReadString('\n')
	}
	fmt.Fprintln(conn, `{"id":1,"run":"log on"}`)
	for !s.Log.lines.wanted() {
		runtime.Gosched()
	}
	const sent = 50_000
	text := strings.Repeat("x", 200)
	for range sent {
		fmt.Fprintln(s.Log, text)
	}
	// More come when there is room again; the first of them brings the count.
	seen, lost := 0, 0
	decoder := json.NewDecoder(in)
	for seen+lost < sent {
		var f frame
		if err := decoder.Decode(&f); err != nil {
			t.Fatal(err)
		}
		switch f.Stream {
		case "log":
			seen++
		case "lost":
			n := 0
			fmt.Sscan(f.Text, &n)
			lost += n
		}
		if seen%100 == 0 {
			fmt.Fprintln(s.Log, text)
		}
	}
	if lost == 0 {
		t.Errorf("%d of %d are lost, %d were seen", lost, sent, seen)
	}
}

func TestHandlerRefuses(t *testing.T) {
	s := &Server{Log: &Log{}, Wire: &Wire{}}
	conn := listen(t, s)()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\n\r\n", Path)
	if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || answer.StatusCode != http.StatusBadRequest {
		t.Errorf("%v %v", answer, err)
	}
	dial := listen(t, s)
	c, err := Attach(dial(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for line, code := range map[string]int{"nonsense": 2, "quit": 0, "iax2 show peers": 1, `say "`: 2, "calls": 1} {
		a, err := c.Run(context.Background(), line, true, false)
		if err != nil || a.Code != code || code != 0 && a.Error == "" {
			t.Errorf("%s: %+v %v", line, a, err)
		}
	}
}

func addrPort(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }
