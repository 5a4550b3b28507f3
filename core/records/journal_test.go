package records_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/records"
	"github.com/moonwire/moonwire/core/records/recordstest"
)

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

func open(t *testing.T, o records.Options) *records.Journal {
	t.Helper()
	if o.Log == nil {
		o.Log = silent
	}
	j, err := records.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func appendSamples(t *testing.T, j *records.Journal, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		r := recordstest.Sample(n)
		if err := j.Append(&r); err != nil {
			t.Fatal(err)
		}
	}
}

func walk(t *testing.T, dir string) (list []records.Record) {
	t.Helper()
	if err := records.Walk(dir, func(r *records.Record) bool { list = append(list, *r); return true }); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestJournalKeepsRecords(t *testing.T) {
	dir := t.TempDir()
	j := open(t, records.Options{Dir: dir})
	appendSamples(t, j, 0, 3)
	if got := walk(t, dir); len(got) != 3 { // before any sync: the system has them
		t.Fatalf("%d records", len(got))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, records.Options{Dir: dir})
	appendSamples(t, j, 3, 5)
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
	got := walk(t, dir)
	if len(got) != 5 {
		t.Fatalf("%d records", len(got))
	}
	for n, r := range got {
		if want := recordstest.Sample(n); !reflect.DeepEqual(r, want) {
			t.Errorf("record %d\n%+v\nwant\n%+v", n, r, want)
		}
	}
	r := recordstest.Sample(9)
	_ = j.Close()
	if err := j.Append(&r); !errors.Is(err, records.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestTornEnd cuts the journal at every octet of its last line: what was whole
// stays, and it goes on behind it.
func TestTornEnd(t *testing.T) {
	dir := t.TempDir()
	j := open(t, records.Options{Dir: dir})
	appendSamples(t, j, 0, 2)
	_ = j.Close()
	path := filepath.Join(dir, fmt.Sprintf("%020d.journal", 0))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.IndexByte(string(whole), '\n') + 1
	for cut := first; cut < len(whole); cut += 7 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j := open(t, records.Options{Dir: dir})
		appendSamples(t, j, 5, 6)
		_ = j.Close()
		got := walk(t, dir)
		if len(got) != 2 || got[0].ID != "sip-1-0" || got[1].ID != "sip-1-5" {
			t.Fatalf("cut at %d: %d records", cut, len(got))
		}
	}
}

func TestDamagedLineCostsNoOther(t *testing.T) {
	dir := t.TempDir()
	j := open(t, records.Options{Dir: dir})
	appendSamples(t, j, 0, 3)
	_ = j.Close()
	path := filepath.Join(dir, fmt.Sprintf("%020d.journal", 0))
	text, _ := os.ReadFile(path)
	at := strings.IndexByte(string(text), '\n') + 100
	text[at] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	got := walk(t, dir)
	if len(got) != 2 || got[0].ID != "sip-1-0" || got[1].ID != "sip-1-2" {
		t.Errorf("%+v", got)
	}
}

func TestTextsFromOutsideAreTidied(t *testing.T) {
	dir := t.TempDir()
	j := open(t, records.Options{Dir: dir})
	r := recordstest.Sample(0)
	r.Name, r.Fields = "a\x00b\xffc", map[string]string{"long": strings.Repeat("x", 100_000), "nul\x00": "v"}
	if err := j.Append(&r); err != nil {
		t.Fatal(err)
	}
	got := walk(t, dir)[0]
	if got.Name != "ab�c" || len(got.Fields["long"]) > 5000 || got.Fields["nul"] != "v" {
		t.Errorf("%q, %d, %q", got.Name, len(got.Fields["long"]), got.Fields["nul"])
	}
}

// A fullDisk takes so many octets and no more until there is room again.
type fullDisk struct {
	mu   sync.Mutex
	room int
}

func (d *fullDisk) create(path string) (records.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	return fullFile{f, d}, err
}

func (d *fullDisk) free(octets int) {
	d.mu.Lock()
	d.room = octets
	d.mu.Unlock()
}

type fullFile struct {
	*os.File
	disk *fullDisk
}

func (f fullFile) WriteAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	n := min(len(b), f.disk.room)
	f.disk.room -= n
	if _, err := f.File.WriteAt(b[:n], at); err != nil {
		return 0, err
	}
	if n < len(b) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func TestFullDisk(t *testing.T) {
	dir, disk := t.TempDir(), &fullDisk{room: 1500}
	j := open(t, records.Options{Dir: dir, Create: disk.create})
	appendSamples(t, j, 0, 20) // the second is written in part
	if s := j.Stats(); !s.Failing || s.Waiting == 0 || s.Appended != 20 {
		t.Fatalf("%+v", s)
	}
	if err := j.Flush(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Flush: %v", err)
	}
	disk.free(1 << 20)
	if err := j.Close(); err != nil { // tries once more
		t.Fatal(err)
	}
	if got := walk(t, dir); len(got) != 20 {
		t.Errorf("%d records of 20", len(got))
	}
}

func TestRecordsWaitInBoundedMemory(t *testing.T) {
	j := open(t, records.Options{Dir: t.TempDir(), Create: (&fullDisk{}).create})
	r := recordstest.Sample(0)
	r.Fields = map[string]string{}
	for i := range 90 {
		r.Fields[fmt.Sprint(i)] = strings.Repeat("x", 300)
	}
	var err error
	for n := 0; err == nil && n < 10_000; n++ {
		err = j.Append(&r)
	}
	if s := j.Stats(); !errors.Is(err, records.ErrFull) || s.Lost != 1 || s.Waiting > 16<<20 {
		t.Errorf("%v, %+v", err, s)
	}
	if err := j.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Close: %v", err)
	}
}

// TestJournalIsBounded fills a journal while a sink takes nothing.
func TestJournalIsBounded(t *testing.T) {
	dir := t.TempDir()
	var log lines
	j := open(t, records.Options{Dir: dir, Size: 256 << 10, Log: slog.New(slog.NewTextHandler(&log, nil))})
	d, err := j.Deliver("away", &fakeSink{away: true})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 1000; n += 20 {
		appendSamples(t, j, n, n+20)
		if err := j.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	within(t, "the journal to shrink", func() bool { return j.Stats().Octets <= 300<<10 })
	left := walk(t, dir)
	s := j.Stats()
	if len(left)+int(s.Lost) != 1000 || left[len(left)-1].ID != "sip-1-999" {
		t.Errorf("%d records are left, %d are counted as lost", len(left), s.Lost)
	}
	for _, text := range []string{"pile up", "are lost", "sink=away"} {
		if !log.has(text) {
			t.Errorf("the log does not say %q", text)
		}
	}
	if d.Status().Pending > 300<<10 {
		t.Errorf("%+v", d.Status())
	}
	d.Stop()
}

// lines is a log that is read while it is written.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), text)
}

// within waits for something that another goroutine brings about.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	j, err := records.Open(records.Options{Dir: b.TempDir(), Log: silent})
	if err != nil {
		b.Fatal(err)
	}
	r := recordstest.Sample(0)
	b.ReportAllocs()
	for b.Loop() {
		if err := j.Append(&r); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
}
