package registrar

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/clock"
)

var start = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// memoryStore is a Store that can be told to fail.
type memoryStore struct {
	mu     sync.Mutex
	values map[string][]byte
	life   map[string]time.Duration
	fail   error
}

func newMemoryStore() *memoryStore {
	return &memoryStore{values: map[string][]byte{}, life: map[string]time.Duration{}}
}

func (m *memoryStore) Put(_ context.Context, aor string, value []byte, life time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		m.values[aor], m.life[aor] = value, life
	}
	return m.fail
}

func (m *memoryStore) Delete(_ context.Context, aor string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		delete(m.values, aor)
	}
	return m.fail
}

func (m *memoryStore) Load(_ context.Context, each func(string, []byte) error) error {
	if m.fail != nil {
		return m.fail
	}
	for aor, value := range m.values {
		if err := each(aor, value); err != nil {
			return err
		}
	}
	return nil
}

// bench is a registrar on virtual time with all that it tells.
type bench struct {
	*Registrar
	t      testing.TB
	clock  *clock.Virtual
	store  *memoryStore
	events []string
	cseq   uint32
}

func newBench(t testing.TB) *bench {
	return openBench(t, clock.NewVirtual(start), newMemoryStore())
}

func openBench(t testing.TB, v *clock.Virtual, store *memoryStore) *bench {
	t.Helper()
	b := &bench{t: t, clock: v, store: store}
	r, err := New(t.Context(), Options{Clock: v, Store: store, Notify: func(e Event) {
		b.events = append(b.events, e.Kind.String()+" "+e.Binding.Contact)
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.Registrar = r
	t.Cleanup(r.Close)
	return b
}

// request is a REGISTER of 1001, each with a Call-ID of its own contact.
func (b *bench) request(contact string) Request {
	b.cseq++
	contacts, star, err := ParseContacts([]string{contact})
	if err != nil {
		b.t.Fatal(err)
	}
	return Request{
		AOR: "1001", Contacts: contacts, Star: star, Expires: NoExpires, CallID: "a", CSeq: b.cseq,
		Received: netip.MustParseAddrPort("192.0.2.1:5060"), Transport: "udp", UserAgent: "Phone/1",
	}
}

func (b *bench) register(contact string) error {
	_, err := b.Register(b.t.Context(), b.request(contact))
	return err
}

func (b *bench) must(contact string) {
	b.t.Helper()
	if err := b.register(contact); err != nil {
		b.t.Fatalf("%s: %v", contact, err)
	}
}

func (b *bench) expect(contacts ...string) {
	b.t.Helper()
	var got []string
	for _, binding := range b.Lookup("1001") {
		got = append(got, binding.Contact)
	}
	if !slices.Equal(got, contacts) {
		b.t.Errorf("bindings are %q, want %q", got, contacts)
	}
}

func (b *bench) told(events ...string) {
	b.t.Helper()
	if !slices.Equal(b.events, events) {
		b.t.Errorf("told %q, want %q", b.events, events)
	}
	b.events = nil
}

func TestRegisterRefreshUnregister(t *testing.T) {
	b := newBench(t)
	b.must("<sip:1001@10.0.0.1>;expires=120")
	b.told("registered sip:1001@10.0.0.1")
	b.clock.Advance(time.Minute)
	b.must("sip:1001@10.0.0.1;expires=120")
	b.told("refreshed sip:1001@10.0.0.1")
	got := b.Lookup("1001")[0]
	if !got.Since.Equal(start) || !got.Refreshed.Equal(start.Add(time.Minute)) || !got.Expires.Equal(start.Add(3*time.Minute)) {
		t.Errorf("times are %+v", got)
	}
	if want := "<sip:1001@10.0.0.1>;expires=120"; got.ContactValue(b.clock.Now()) != want {
		t.Errorf("contact is %s, want %s", got.ContactValue(b.clock.Now()), want)
	}
	b.must("<sip:1001@10.0.0.1>;expires=0")
	b.told("unregistered sip:1001@10.0.0.1")
	b.must("<sip:1001@10.0.0.1>;expires=0")
	b.told()
	b.expect()
	if len(b.store.values) != 0 || len(b.records) != 0 || len(b.queue) != 0 {
		t.Error("something is left behind")
	}
}

func TestLookupSortsByPreferenceThenFreshness(t *testing.T) {
	b := newBench(t)
	for _, contact := range []string{"<sip:a@h>;q=0.5", "<sip:b@h>", "<sip:c@h>;q=0.5", "<sip:d@h>;q=0"} {
		b.must(contact)
		b.clock.Advance(time.Second)
	}
	b.expect("sip:b@h", "sip:c@h", "sip:a@h", "sip:d@h")
}

func TestExpiryNeedsNoTraffic(t *testing.T) {
	b := newBench(t)
	b.must("<sip:a@h>;expires=60")
	b.must("<sip:b@h>;expires=120")
	b.clock.Advance(60*time.Second - 1)
	b.expect("sip:b@h", "sip:a@h")
	b.events = nil
	b.clock.Advance(1)
	b.told("expired sip:a@h")
	b.expect("sip:b@h")
	b.must("<sip:b@h>;expires=120")
	b.clock.Advance(119 * time.Second)
	b.expect("sip:b@h")
	b.clock.Advance(time.Second)
	b.told("refreshed sip:b@h", "expired sip:b@h")
	if len(b.store.values) != 0 || len(b.All()) != 0 {
		t.Error("something is left behind")
	}
	if at, ok := b.clock.Next(); ok {
		t.Errorf("a timer is left, for %v", at)
	}
}

func TestExpiresIsBoundedBothWays(t *testing.T) {
	for _, test := range []struct {
		contact string
		header  time.Duration
		limits  Limits
		want    time.Duration
		brief   time.Duration
	}{
		{contact: "<sip:a@h>", header: NoExpires, want: time.Hour},
		{contact: "<sip:a@h>", header: 600 * time.Second, want: 600 * time.Second},
		{contact: "<sip:a@h>;expires=300", header: 600 * time.Second, want: 300 * time.Second},
		{contact: "<sip:a@h>;expires=bad", header: 600 * time.Second, want: time.Hour},
		{contact: "<sip:a@h>;expires=4294967295", header: NoExpires, want: time.Hour},
		{contact: "<sip:a@h>;expires=59", header: NoExpires, brief: time.Minute},
		{contact: "<sip:a@h>;expires=3600", header: NoExpires, limits: Limits{Min: 2 * time.Hour}, want: 2 * time.Hour},
		{contact: "<sip:a@h>", header: NoExpires, limits: Limits{Max: 90 * time.Second}, want: 90 * time.Second},
	} {
		b := newBench(t)
		q := b.request(test.contact)
		q.Expires, q.Limits = test.header, test.limits
		got, err := b.Register(t.Context(), q)
		var brief *TooBrief
		if errors.As(err, &brief) {
			if brief.Min != test.brief {
				t.Errorf("%+v: too brief, at least %v", test, brief.Min)
			}
			continue
		}
		if err != nil || len(got) != 1 || got[0].Expires.Sub(start) != test.want {
			t.Errorf("%+v: got %v, %v", test, got, err)
		}
	}
}

func TestOneBadContactRefusesTheWholeRequest(t *testing.T) {
	b := newBench(t)
	b.must("<sip:a@h>")
	b.events = nil
	for _, contact := range []string{"<sip:b@h>, <sip:a@h>;expires=5", "<sip:a@h>;expires=0, <sip:b@h>;expires=5"} {
		if err := b.register(contact); err == nil {
			t.Errorf("%s was accepted", contact)
		}
	}
	b.told()
	b.expect("sip:a@h")
}

func TestOlderRequestsOfTheSameCallAreRefused(t *testing.T) {
	b := newBench(t)
	b.cseq = 10
	b.must("<sip:a@h>")
	for _, contact := range []string{"<sip:a@h>", "<sip:a@h>;expires=0", "*"} {
		for _, cseq := range []uint32{10, 11} {
			q := b.request(contact)
			q.CSeq, q.Star = cseq, contact == "*"
			if q.Star {
				q.Expires = 0
			}
			if _, err := b.Register(t.Context(), q); !errors.Is(err, ErrOutOfOrder) {
				t.Errorf("%s with CSeq %d: %v", contact, cseq, err)
			}
		}
	}
	q := b.request("<sip:a@h>")
	q.CallID, q.CSeq = "after a reboot", 1
	if _, err := b.Register(t.Context(), q); err != nil {
		t.Error(err)
	}
}

func TestStarRemovesAll(t *testing.T) {
	b := newBench(t)
	b.must("<sip:a@h>, <sip:b@h>")
	q := b.request("*")
	if _, err := b.Register(t.Context(), q); !errors.Is(err, ErrMalformed) {
		t.Errorf("* without Expires: 0: %v", err)
	}
	q.Expires = 0
	got, err := b.Register(t.Context(), q)
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	b.expect()
}

func TestANewContactDisplacesTheOldest(t *testing.T) {
	b := newBench(t)
	for _, user := range []string{"a", "b", "c"} {
		b.must("<sip:" + user + "@h>")
		b.clock.Advance(time.Second)
	}
	b.must("<sip:a@h>")
	b.events = nil
	q := b.request("<sip:d@h>")
	q.Limits.MaxContacts = 3
	if _, err := b.Register(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	b.told("registered sip:d@h", "displaced sip:b@h")
	q = b.request("<sip:1@h>, <sip:2@h>, <sip:3@h>, <sip:4@h>")
	q.Limits.MaxContacts = 3
	if _, err := b.Register(t.Context(), q); !errors.Is(err, ErrTooMany) {
		t.Errorf("got %v", err)
	}
	b.expect("sip:d@h", "sip:a@h", "sip:c@h")
}

func TestADeviceReplacesItsOwnContact(t *testing.T) {
	b := newBench(t)
	const device = `;+sip.instance="<urn:uuid:1>"`
	b.must("<sip:a@h:1>" + device)
	b.must("<sip:a@h:2>" + device)
	b.expect("sip:a@h:2")
	b.must("<sip:a@h:3>" + device + ";reg-id=1")
	b.must("<sip:a@h:3>" + device + ";reg-id=2")
	b.must("<sip:a@h:4>" + device + ";reg-id=2")
	b.expect("sip:a@h:4", "sip:a@h:3", "sip:a@h:2")
	b.must("<sip:b@h:1>;+sip.instance=\"<urn:uuid:2>\", <sip:b@h:2>;+sip.instance=\"<urn:uuid:2>\"")
	if n := len(b.Lookup("1001")); n != 5 {
		t.Errorf("two contacts of one device in one request: %d bindings", n)
	}
}

func TestReachability(t *testing.T) {
	b := newBench(t)
	b.must("<sip:a@h>")
	id := b.Lookup("1001")[0].ID
	b.events = nil
	for _, up := range []bool{true, true, false, false, true} {
		b.SetReachable("1001", id, up, 5*time.Millisecond)
	}
	b.told("reachable sip:a@h", "unreachable sip:a@h", "reachable sip:a@h")
	b.SetReachable("1001", id+1, false, 0)
	b.SetReachable("1002", id, false, 0)
	b.must("<sip:a@h>")
	if got := b.Lookup("1001")[0]; got.Reachable != Up || got.RoundTrip != 5*time.Millisecond || got.ID != id {
		t.Errorf("a refresh from the same place: %+v", got)
	}
	q := b.request("<sip:a@h>")
	q.Received = netip.MustParseAddrPort("192.0.2.1:6000")
	if _, err := b.Register(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if got := b.Lookup("1001")[0]; got.Reachable != Unknown || got.ID != id {
		t.Errorf("a refresh from another place: %+v", got)
	}
}

func TestRemoveByHand(t *testing.T) {
	b := newBench(t)
	b.must("<sip:a@h>")
	b.must("<sip:b@h>")
	b.events = nil
	id := b.Lookup("1001")[0].ID
	if err := b.Remove(t.Context(), "1001", id); err != nil {
		t.Fatal(err)
	}
	b.expect("sip:a@h")
	if err := b.Remove(t.Context(), "1001"); err != nil {
		t.Fatal(err)
	}
	b.told("unregistered sip:b@h", "unregistered sip:a@h")
}

func TestARestartKeepsWhatIsAlive(t *testing.T) {
	b := newBench(t)
	q := b.request(`<sip:a@h>;q=0.3;expires=300;+sip.instance="<urn:uuid:1>";reg-id=7`)
	q.Path = []string{"<sip:edge.example.org;lr>"}
	if _, err := b.Register(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	b.must("<sip:b@h>;expires=60")
	before := b.Lookup("1001")
	if b.store.life["1001"] != 300*time.Second {
		t.Errorf("stored for %v", b.store.life["1001"])
	}
	b.Close()
	b.store.values["broken"] = []byte("{")
	b.clock.Advance(time.Minute)

	again := openBench(t, b.clock, b.store)
	again.expect("sip:a@h")
	got := again.Lookup("1001")[0]
	got.ID = before[1].ID
	if fmt.Sprint(got) != fmt.Sprint(before[1]) {
		t.Errorf("got  %+v\nwant %+v", got, before[1])
	}
	b.clock.Advance(4 * time.Minute)
	again.told("expired sip:a@h")
	b.told("registered sip:a@h", "registered sip:b@h")
}

func TestWhatCannotBeStoredDidNotHappen(t *testing.T) {
	b := newBench(t)
	b.must("<sip:a@h>")
	b.events = nil
	full := errors.New("disk is full")
	b.store.fail = full
	for _, contact := range []string{"<sip:b@h>", "<sip:a@h>;expires=0"} {
		if err := b.register(contact); !errors.Is(err, ErrStorage) || !errors.Is(err, full) {
			t.Errorf("%s: %v", contact, err)
		}
	}
	b.expect("sip:a@h")
	b.told()
	b.clock.Advance(time.Hour)
	b.told("expired sip:a@h")
	if _, err := New(t.Context(), Options{Store: b.store, Clock: b.clock}); !errors.Is(err, full) {
		t.Errorf("loading: %v", err)
	}
}

// Many phones register, expire and are looked up at the same time.
func TestParallelUse(t *testing.T) {
	v := clock.NewVirtual(start)
	var mu sync.Mutex
	balance := 0
	r, err := New(t.Context(), Options{Clock: v, Store: newMemoryStore(), Notify: func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e.Kind {
		case Registered:
			balance++
		case Unregistered, Expired, Displaced:
			balance--
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 200 {
				aor := fmt.Sprint(i % 5)
				contact := Contact{URI: fmt.Sprintf("sip:%d@h", i%7), Expires: 60 * time.Second, Q: 1000}
				if i%11 == 0 {
					contact.Expires = 0
				}
				_, err := r.Register(t.Context(), Request{
					AOR: aor, Contacts: []Contact{contact}, Expires: NoExpires, CallID: fmt.Sprint(worker, i), CSeq: 1,
				})
				if err != nil {
					t.Error(err)
				}
				for _, b := range r.Lookup(aor) {
					r.SetReachable(aor, b.ID, i%2 == 0, 0)
				}
				if worker == 0 {
					v.Advance(time.Second)
				}
				r.All()
			}
		})
	}
	group.Wait()
	if n := len(r.All()); n != balance {
		t.Errorf("%d bindings, %d by what was told", n, balance)
	}
	v.Advance(2 * time.Minute)
	if len(r.All()) != 0 || balance != 0 || len(r.records) != 0 || len(r.queue) != 0 {
		t.Errorf("something is left: %d bindings, balance %d, %d records, %d in the queue", len(r.All()), balance, len(r.records), len(r.queue))
	}
}

func BenchmarkRegisterRefresh(b *testing.B) {
	r, _ := New(b.Context(), Options{Clock: clock.NewVirtual(start)})
	contacts := []Contact{{URI: "sip:1001@192.0.2.1:5060", Expires: 600 * time.Second, Q: 1000}}
	aors := make([]string, 10000)
	for i := range aors {
		aors[i] = fmt.Sprint(i)
	}
	b.ReportAllocs()
	var n uint32
	for b.Loop() {
		n++
		q := Request{AOR: aors[int(n)%len(aors)], Contacts: contacts, Expires: NoExpires, CallID: "a", CSeq: n}
		if _, err := r.Register(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	r, _ := New(b.Context(), Options{Clock: clock.NewVirtual(start)})
	contacts := []Contact{{URI: "sip:a@h", Expires: -1, Q: 1000}, {URI: "sip:b@h", Expires: -1, Q: 500}}
	if _, err := r.Register(b.Context(), Request{AOR: "1001", Contacts: contacts, Expires: NoExpires, CallID: "a", CSeq: 1}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(r.Lookup("1001")) != 2 {
			b.Fatal("lost")
		}
	}
}

func ExampleBinding_ContactValue() {
	b := Binding{Contact: "sip:1001@192.0.2.1:5060", Q: 500, Instance: "<urn:uuid:1>", RegID: 1, Expires: start.Add(time.Minute)}
	fmt.Println(strings.ReplaceAll(b.ContactValue(start), ";", "\n;"))
	// Output:
	// <sip:1001@192.0.2.1:5060>
	// ;expires=60
	// ;q=0.5
	// ;+sip.instance="<urn:uuid:1>"
	// ;reg-id=1
}
