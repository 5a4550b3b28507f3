package naptr

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"
)

var sample = []Record{
	{20, 10, "s", "SIP+D2U", "", "_sip._udp.example.org"},
	{10, 20, "s", "SIP+D2T", "", "_sip._tcp.example.org"},
	{10, 10, "s", "SIPS+D2T", "!a!b!", "_sips._tcp.example.org"},
}

var sorted = []Record{sample[2], sample[1], sample[0]}

// respond writes what a name server would say to q; flags are those of the
// second half of the header's flags.
func respond(q []byte, truncated bool, code byte, list ...Record) []byte {
	p := append([]byte(nil), q...)
	p[2], p[3] = 0x81, 0x80|code
	if truncated {
		p[2] |= 2
		list = nil
	}
	p[7] = byte(len(list))
	for _, r := range list {
		var data []byte
		data = binary.BigEndian.AppendUint16(data, r.Order)
		data = binary.BigEndian.AppendUint16(data, r.Preference)
		for _, s := range []string{r.Flags, r.Service, r.Regexp} {
			data = append(append(data, byte(len(s))), s...)
		}
		for label := range strings.SplitSeq(r.Replacement, ".") {
			data = append(append(data, byte(len(label))), label...)
		}
		data = append(data, 0)
		p = append(p, 0xc0, header, 0, typeNAPTR, 0, classIN, 0, 0, 0, 60, byte(len(data)>>8), byte(len(data)))
		p = append(p, data...)
	}
	return p
}

func TestAnswer(t *testing.T) {
	q, err := question(77, "example.org.")
	if err != nil {
		t.Fatal(err)
	}
	other, _ := question(77, "example.net")
	late, _ := question(78, "example.org")
	good := respond(q, false, 0, sample...)
	loop := append(append([]byte(nil), good[:len(q)]...), 0xc0, byte(len(q)), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	for _, test := range []struct {
		name      string
		p         []byte
		list      []Record
		truncated bool
		err       error
	}{
		{"three, sorted", good, sorted, false, nil},
		{"none", respond(q, false, 0), nil, false, ErrNone},
		{"no such name", respond(q, false, 3), nil, false, ErrNone},
		{"cut", respond(q, true, 0), nil, true, nil},
		{"another name", respond(other, false, 0, sample...), nil, false, errForeign},
		{"another number", respond(late, false, 0, sample...), nil, false, errForeign},
		{"no response", q, nil, false, errForeign},
		{"short", good[:40], nil, false, errMalformed},
		{"shorter", good[:5], nil, false, errMalformed},
		{"a name without end", loop, nil, false, errMalformed},
	} {
		list, truncated, err := answer(test.p, q)
		if !reflect.DeepEqual(list, test.list) || truncated != test.truncated || !errors.Is(err, test.err) {
			t.Errorf("%s: %+v, %v, %v", test.name, list, truncated, err)
		}
	}
	if _, _, err := answer(respond(q, false, 2), q); err == nil || errors.Is(err, ErrNone) {
		t.Error("a failing server says that there are none:", err)
	}
	for _, name := range []string{"", "a..b", strings.Repeat("a", 64) + ".org", strings.Repeat("a.", 200) + "b"} {
		if _, err := question(1, name); err == nil {
			t.Errorf("%q was asked for", name)
		}
	}
}

// server answers each question with what say makes of it; nil is silence.
func server(say func(network string, q []byte) []byte) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, network, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			buffer := make([]byte, 512)
			n, err := theirs.Read(buffer)
			if err != nil {
				return
			}
			q := buffer[:n]
			if network == "tcp" {
				q = q[2:]
			}
			p := say(network, q)
			if p == nil {
				io.Copy(io.Discard, theirs)
				return
			}
			if network == "tcp" {
				p = append([]byte{byte(len(p) >> 8), byte(len(p))}, p...)
			} else {
				theirs.Write([]byte("noise that is no answer"))
			}
			theirs.Write(p)
		}()
		return ours, nil
	}
}

func TestLookup(t *testing.T) {
	asked := 0
	for _, test := range []struct {
		name string
		say  func(string, []byte) []byte
		list []Record
		ok   bool
	}{
		{"over UDP", func(_ string, q []byte) []byte { return respond(q, false, 0, sample...) }, sorted, true},
		{"over TCP", func(network string, q []byte) []byte { return respond(q, network == "udp", 0, sample...) }, sorted, true},
		{"the second time", func(_ string, q []byte) []byte {
			if asked++; asked == 1 {
				return respond(q, false, 2)
			}
			return respond(q, false, 0, sample...)
		}, sorted, true},
		{"none", func(_ string, q []byte) []byte { return respond(q, false, 3) }, nil, false},
		{"silence", func(string, []byte) []byte { return nil }, nil, false},
	} {
		c := Client{Servers: []string{"a:53", "b:53"}, Timeout: 20 * time.Millisecond, Attempts: 1, Dial: server(test.say)}
		list, err := c.Lookup(t.Context(), "example.org")
		if !reflect.DeepEqual(list, test.list) || (err == nil) != test.ok {
			t.Errorf("%s: %+v, %v", test.name, list, err)
		}
	}
	refused := errors.New("refused")
	c := Client{Servers: []string{"a:53"}, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, refused }}
	if _, err := c.Lookup(t.Context(), "example.org"); !errors.Is(err, refused) {
		t.Error(err)
	}
}

func TestResolvConf(t *testing.T) {
	var c Client
	c.read(strings.NewReader("# comment\nsearch example.org\nnameserver 192.0.2.1\nnameserver 2001:db8::1\noptions ndots:2 timeout:3 attempts:4 timeout:x\n\nnameserver\n"))
	want := Client{Servers: []string{"192.0.2.1:53", "[2001:db8::1]:53"}, Timeout: 3 * time.Second, Attempts: 4}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("read %+v", c)
	}
	if o := new(Client).options(); len(o.Servers) == 0 || o.Timeout <= 0 || o.Attempts <= 0 || o.Dial == nil || o.Rand == nil {
		t.Errorf("options %+v", o)
	}
}

func FuzzAnswer(f *testing.F) {
	q, _ := question(77, "example.org")
	f.Add(respond(q, false, 0, sample...))
	f.Add(respond(q, true, 0))
	f.Add(append(respond(q, false, 0), 0xc0, 12, 0, 35, 0, 1))
	f.Fuzz(func(t *testing.T, p []byte) {
		list, truncated, err := answer(p, q)
		if err != nil && (list != nil || truncated) {
			t.Errorf("%v with %v", err, list)
		}
	})
}
