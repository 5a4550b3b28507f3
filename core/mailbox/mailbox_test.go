package mailbox

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
	"github.com/moonwire/moonwire/core/media/file"
)

var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// spool is a store in a folder of its own.
func spool(t testing.TB) (*Store, string) {
	t.Helper()
	folder := t.TempDir()
	return reopen(t, folder), folder
}

func reopen(t testing.TB, folder string) *Store {
	t.Helper()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return New(root, Options{Clock: clock.NewVirtual(monday), Log: slog.New(slog.DiscardHandler)})
}

func open(t testing.TB, s *Store, address string) *Box {
	t.Helper()
	b, err := s.Box(address)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// record makes a draft of so many seconds.
func record(t testing.TB, b *Box, seconds float64) string {
	t.Helper()
	draft, err := recordDraft(b, seconds)
	if err != nil {
		t.Fatal(err)
	}
	return draft
}

func recordDraft(b *Box, seconds float64) (string, error) {
	draft, err := b.Draft(".wav")
	if err != nil {
		return "", err
	}
	w, err := file.Create(b.store.root, draft, file.WriterOptions{Atomic: true})
	if err != nil {
		return "", err
	}
	pcm := make([]int16, int(seconds*8000))
	for i := range pcm {
		pcm[i] = int16(i % 40 * 100)
	}
	if err := w.Write(pcm); err != nil {
		return "", err
	}
	return draft, w.Close()
}

func deliver(t testing.TB, b *Box, m Message) Message {
	t.Helper()
	m, err := b.Deliver(Delivery{Draft: record(t, b, 1), Message: m})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// names lists a folder of the spool.
func names(t testing.TB, parts ...string) []string {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(parts...))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var all []string
	for _, e := range list {
		all = append(all, e.Name())
	}
	return all
}

// The text is what Asterisk's administrators look for.
func TestText(t *testing.T) {
	s, folder := spool(t)
	b := open(t, s, "1102@finance")
	m, err := b.Deliver(Delivery{Draft: record(t, b, 4), Message: Message{
		CallerID: CallerID("Front desk", "1101"), Context: "finance", Extension: "1102", Channel: "SIP/1101-00000004", Priority: 2,
	}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "voicemail/finance/1102/INBOX/msg0000.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := `;
; Message Information file
;
[message]
origmailbox=1102
context=finance
macrocontext=
exten=1102
rdnis=unknown
priority=2
callerchan=SIP/1101-00000004
callerid="Front desk" <1101>
origdate=Mon Mar  2 10:00:00 AM UTC 2026
origtime=1772445600
category=
msg_id=` + m.ID + `
flag=
duration=4
`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if name, number := m.Caller(); name != "Front desk" || number != "1101" {
		t.Errorf("caller is %q %q", name, number)
	}
	if m.Sound != "voicemail/finance/1102/INBOX/msg0000.wav" {
		t.Errorf("sound is %s", m.Sound)
	}
	if list := names(t, folder, "voicemail/finance/1102/tmp"); len(list) != 0 {
		t.Errorf("left in tmp: %v", list)
	}
}

func TestCallerCannotForgeFields(t *testing.T) {
	m := Message{CallerID: "x\nflag=Urgent\r\nduration=9", ID: "1", Address: "1"}
	got, err := ParseMessage(m.text())
	if err != nil {
		t.Fatal(err)
	}
	if got.Urgent() || got.Duration != 0 {
		t.Errorf("a caller made it %+v", got)
	}
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "@x", "../a@b", "a/b", "a@..", "a b", "a@b/c", strings.Repeat("1", 100), "1\n2"} {
		if _, _, err := Split(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if box, context, err := Split("1101"); err != nil || box != "1101" || context != "default" {
		t.Error(box, context, err)
	}
}

// Twenty callers at once get twenty numbers without gaps.
func TestCallersAtOnce(t *testing.T) {
	s, folder := spool(t)
	b := open(t, s, "1101@finance")
	var changes []Change
	s.Watch(func(c Change) { changes = append(changes, c) }) // of one mailbox, one at a time
	const callers = 20
	var all sync.WaitGroup
	for i := range callers {
		draft := record(t, b, 0.1)
		all.Go(func() {
			if _, err := b.Deliver(Delivery{Draft: draft, Message: Message{CallerID: fmt.Sprint(i)}}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var want []string
	for i := range callers {
		want = append(want, fmt.Sprintf("msg%04d.txt", i), fmt.Sprintf("msg%04d.wav", i))
	}
	if got := names(t, folder, "voicemail/finance/1101/INBOX"); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if len(changes) != callers || changes[callers-1].Counts.New != callers {
		t.Errorf("changes: %v", changes)
	}
	seen := map[string]bool{}
	list, err := b.Messages(Inbox)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		seen[m.CallerID] = true
	}
	if len(seen) != callers {
		t.Errorf("%d callers are heard of", len(seen))
	}
}

func TestMoveAndRemove(t *testing.T) {
	s, folder := spool(t)
	b := open(t, s, "1101@finance")
	one, two, three := deliver(t, b, Message{CallerID: "1"}), deliver(t, b, Message{CallerID: "2"}), deliver(t, b, Message{CallerID: "3"})
	b.Begin()
	if err := b.Move(one.ID, Old, 0); err != nil {
		t.Fatal(err)
	}
	if m, err := b.Find(two.ID); err != nil || m.Number != 1 {
		t.Errorf("while somebody listens the second is %d, %v", m.Number, err)
	}
	if err := b.End(); err != nil {
		t.Fatal(err)
	}
	if m, err := b.Find(two.ID); err != nil || m.Number != 0 {
		t.Errorf("afterwards the second is %d, %v", m.Number, err)
	}
	if err := b.Remove(two.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Find(two.ID); !errors.Is(err, ErrMissing) {
		t.Errorf("a message that was removed: %v", err)
	}
	if err := b.Remove(two.ID); !errors.Is(err, ErrMissing) {
		t.Errorf("removed again: %v", err)
	}
	if m, _ := b.Find(three.ID); m.Number != 0 || m.Folder != Inbox {
		t.Errorf("the third is %s %d", m.Folder, m.Number)
	}
	if m, _ := b.Find(one.ID); m.Number != 0 || m.Folder != Old || m.Sound != "voicemail/finance/1101/Old/msg0000.wav" {
		t.Errorf("the first is %+v", m)
	}
	if c, _ := b.Counts(); c != (Counts{New: 1, Old: 1}) {
		t.Errorf("counts %+v", c)
	}
	if list := names(t, folder, "voicemail/finance/1101/tmp"); len(list) != 0 {
		t.Errorf("left in tmp: %v", list)
	}
	if err := b.Move(one.ID, "../x", 0); err == nil {
		t.Error("any folder is taken")
	}
}

func TestFull(t *testing.T) {
	s, _ := spool(t)
	b := open(t, s, "1")
	for i := range 3 {
		_, err := b.Deliver(Delivery{Draft: record(t, b, 0.1), Most: 2})
		if (err != nil) != (i == 2) || err != nil && !errors.Is(err, ErrFull) {
			t.Errorf("message %d: %v", i, err)
		}
	}
}

func TestTrim(t *testing.T) {
	s, _ := spool(t)
	b := open(t, s, "1")
	m, err := b.Deliver(Delivery{Draft: record(t, b, 5), Trim: 2 * time.Second})
	if err != nil || m.Duration != 3*time.Second {
		t.Errorf("%s, %v", m.Duration, err)
	}
	r, err := file.Open(s.root.FS(), m.Sound)
	if err != nil || r.Info().Length != 3*time.Second {
		t.Errorf("the file lasts %v, %v", r.Info().Length, err)
	}
	r.Close()
	if _, err := b.Deliver(Delivery{Draft: record(t, b, 3), Trim: 2 * time.Second, Least: 2 * time.Second}); !errors.Is(err, ErrEmpty) {
		t.Errorf("too little: %v", err)
	}
}

func TestForward(t *testing.T) {
	s, _ := spool(t)
	from, to := open(t, s, "1"), open(t, s, "2")
	m := deliver(t, from, Message{CallerID: CallerID("Alice", "0611")})
	plain, err := from.Forward(m.ID, to, "", 0)
	if err != nil || plain.CallerID != m.CallerID || plain.ForwardedBy != "1@default" || plain.Duration != time.Second || plain.ID == m.ID {
		t.Errorf("%+v, %v", plain, err)
	}
	commented, err := from.Forward(m.ID, to, record(t, from, 2), 0)
	if err != nil || commented.Duration != 3500*time.Millisecond {
		t.Errorf("with a comment it lasts %s, %v", commented.Duration, err)
	}
	if _, err := from.Forward(m.ID, to, "", 2); !errors.Is(err, ErrFull) {
		t.Errorf("to a full mailbox: %v", err)
	}
	if err := from.Remove(m.ID); err != nil {
		t.Fatal(err)
	}
	if copies, _ := to.Messages(Inbox); len(copies) != 2 || copies[0].Sound == "" {
		t.Errorf("copies: %v", copies)
	}
}

func TestGreetings(t *testing.T) {
	s, folder := spool(t)
	b := open(t, s, "1")
	if got := b.Greeting(Busy); got != "" {
		t.Errorf("there is %s", got)
	}
	if err := os.MkdirAll(filepath.Join(folder, "voicemail/default/1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "voicemail/default/1/busy.gsm"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := b.Greeting(Busy); got != "voicemail/default/1/busy.gsm" {
		t.Errorf("the one of Asterisk is %q", got)
	}
	if err := b.KeepGreeting(Busy, record(t, b, 1)); err != nil {
		t.Fatal(err)
	}
	if got := names(t, folder, "voicemail/default/1"); !slices.Equal(got, []string{"busy.wav", "tmp"}) {
		t.Errorf("there are %v", got)
	}
	if err := b.RemoveGreeting(Busy); err != nil || b.Greeting(Busy) != "" {
		t.Errorf("it is still there, %v", err)
	}
	if err := b.KeepGreeting(Busy, "voicemail/default/2/tmp/draft-1.wav"); err == nil {
		t.Error("the draft of another mailbox is taken")
	}
}

// A spool of Asterisk's is used as it is.
func TestAsteriskSpool(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/asterisk")); err != nil {
		t.Fatal(err)
	}
	b := open(t, reopen(t, folder), "1202@compta")
	list, err := b.Messages(Inbox)
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	m := list[0]
	if name, number := m.Caller(); name != "Alice" || number != "1201" || m.Duration != 7*time.Second || m.Time.Unix() != 1263212345 ||
		m.Channel != "SIP/1201-00000004" || m.Sound != "voicemail/compta/1202/INBOX/msg0000.gsm" || m.ID == "" {
		t.Errorf("%+v", m)
	}
	if list[1].Sound != "voicemail/compta/1202/INBOX/msg0001.WAV" {
		t.Errorf("%+v", list[1])
	}
	if err := b.Move(m.ID, Old, 0); err != nil {
		t.Fatal(err)
	}
	if got := names(t, folder, "voicemail/compta/1202/Old"); !slices.Equal(got, []string{"msg0000.gsm", "msg0000.txt"}) {
		t.Errorf("Old holds %v", got)
	}
	if got := names(t, folder, "voicemail/compta/1202/INBOX"); !slices.Equal(got, []string{"msg0000.WAV", "msg0000.txt"}) {
		t.Errorf("INBOX holds %v", got)
	}
	if again, err := b.Find(m.ID); err != nil || again.Folder != Old {
		t.Errorf("it is not known any more: %v", err)
	}
	if got := names(t, folder, "voicemail/compta/1202/tmp"); !slices.Equal(got, []string{"AM6kWX.txt"}) {
		t.Errorf("tmp holds %v", got)
	}
}

func TestPIN(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/asterisk")); err != nil {
		t.Fatal(err)
	}
	b := open(t, reopen(t, folder), "1202@compta")
	secret := filepath.Join(folder, "voicemail/compta/1202/secret.conf")
	check := func(pin string, want bool) {
		t.Helper()
		if got, err := b.CheckPIN(pin, "1234"); got != want || err != nil {
			t.Errorf("%q: %v, %v", pin, got, err)
		}
	}
	check("1234", false)
	check("", false)
	if text, _ := os.ReadFile(secret); !bytes.Contains(text, []byte("4242")) {
		t.Error("a wrong PIN changed the file")
	}
	check("4242", true)
	if text, _ := os.ReadFile(secret); bytes.Contains(text, []byte("4242")) || !bytes.Contains(text, []byte("password=pbkdf2-sha256$")) {
		t.Errorf("it is still kept as it is: %s", text)
	}
	check("4242", true)
	check("4243", false)
	check(strings.Repeat("4", 1000), false)
	if err := b.SetPIN("12x"); err == nil {
		t.Error("letters are taken")
	}
	other := open(t, b.store, "7")
	if right, _ := other.CheckPIN("1234", "1234"); !right {
		t.Error("the configured PIN does not open")
	}
	hash, err := b.store.HashPIN("99")
	if err != nil || !MatchPIN(hash, "99") || MatchPIN(hash, "98") {
		t.Error("a configured hash does not work", err)
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte("[message]\norigmailbox=1\nduration=3\n"))
	f.Add([]byte(";\n[message]\ncallerid=\"A\" <1>\norigtime=1\nmsg_id=x\nflag=Urgent\n[other]\nduration=9"))
	f.Add([]byte("duration=3"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseMessage(text)
		if err != nil {
			return
		}
		again, err := ParseMessage(m.text())
		if err != nil {
			t.Fatalf("%q became %q, which cannot be read: %v", text, m.text(), err)
		}
		if again.Duration != m.Duration || again.ID != oneLine(m.ID) && strings.TrimSpace(oneLine(m.ID)) != again.ID {
			t.Errorf("%+v became %+v", m, again)
		}
		m.Caller()
	})
}
