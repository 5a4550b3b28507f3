package api

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/moonwire/moonwire/core/call/fake"
	"github.com/moonwire/moonwire/core/records"
)

// record is that of the world's only call.
func (w *world) record() Record {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.records) != 1 {
		w.t.Fatalf("%d records", len(w.records))
	}
	return w.records[0]
}

func TestRecordOfACall(t *testing.T) {
	w := serving(t, `
call.fields.project = "moon"
call.fields.attempt = 2
call.fields.table = {}
call:dial("sip/busy")
call:dial("sip/a")`)
	w.sip.On("busy", fake.Busy())
	w.sip.On("a", fake.AnswersAfter(3*time.Second), fake.HangsUpAfter(60*time.Second))
	began := w.clock.Now()
	w.calls()
	r := w.record().Record
	r.Media, r.Far = records.Media{}, nil
	want := records.Record{
		Unique: records.UniqueOf(began, "c1"), ID: "c1", Caller: "1001", Name: "Front desk", Extension: "600", Context: "internal",
		Target: "sip/a", Party: r.Party, LastApp: "dial", Data: "sip/a", Peers: 2,
		Began: began, Rang: began, Answered: began.Add(3 * time.Second), Ended: began.Add(63 * time.Second),
		Status: records.Answered, Cause: "normal clearing", CauseCode: 16, HungUpBy: "us", How: "returned", Version: 1,
		Fields: map[string]string{"project": "moon", "attempt": "2"},
	}
	if r.Party == "" || !reflect.DeepEqual(r, want) {
		t.Errorf("%+v\nwant\n%+v", r, want)
	}
	if r.Duration() != 63*time.Second || r.Talk() != time.Minute {
		t.Errorf("%v, %v", r.Duration(), r.Talk())
	}
}

func TestStatusOfARecord(t *testing.T) {
	for body, want := range map[string]records.Status{
		`call:answer()`:                  records.Answered,
		`call:busy()`:                    records.Busy,
		`call:congestion()`:              records.Congestion,
		`call:dial "sip/busy"`:           records.Busy,
		`call:dial "sip/nobody"`:         records.Unavailable,
		`error "no"`:                     records.Failed,
		`call:answer() error "no"`:       records.Answered,
		`call:ring() call:wait(60)`:      records.NoAnswer,
		`call:hangup { cause = "busy" }`: records.Busy,
	} {
		w := serving(t, body)
		w.sip.On("busy", fake.Busy())
		w.calls(fake.GivesUpAfter(30 * time.Second))
		if got := w.record().Status; got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func TestRecordOfACallThatNobodyServes(t *testing.T) {
	w := serving(t, `call:answer()`)
	var refused []Record
	w.api.services.TurnedAway = func(r Record) { refused = append(refused, r) }
	w.callsTo("999")
	if len(refused) != 1 || refused[0].Status != records.Refused || refused[0].Extension != "999" || refused[0].CauseCode != 1 || refused[0].Unique == "" {
		t.Errorf("%+v", refused)
	}
}

func TestHooksSeeTheRecord(t *testing.T) {
	w := newWorld(t, "dialplan.lua", `
context "internal":extension("600", function(call) call.fields.project = "moon" call:answer() call:wait(2) end)
on("call.ended", function(r)
  log.info("%s %s %s %.0f %s %s", r.status, r.fields.project, tostring(r.answered), r.talk_time, r.caller.number, r.unique)
end)`)
	w.calls()
	w.logged("answered moon true 2 1001 ")
	w.noErrors()
}

func TestSinksAreDeclared(t *testing.T) {
	w := newWorld(t, "config.lua", `
records.csv { columns = { "start", "src", "project" }, header = true }
records.csv { name = "second", path = "/srv/calls.csv", utc = true }
records.postgres { dsn = "host=db", table = "calls.cdr" }
records.keep { days = 7, size = 1e6 }
context "internal":extension("600", function(call) end)`)
	site := w.host.Current().Declarations().(*Site)
	want := []RecordSink{
		{Kind: "csv", Name: "csv", Path: "records/Master.csv", Columns: "start,src,project", Header: true, Source: "config.lua:2"},
		{Kind: "csv", Name: "second", Path: "/srv/calls.csv", UTC: true, Source: "config.lua:3"},
		{Kind: "postgres", Name: "postgres", DSN: "host=db", Table: "calls.cdr", Source: "config.lua:4"},
	}
	for i, s := range site.Records {
		s.Source = strings.TrimPrefix(s.Source, "scripts/")
		if i >= len(want) || s != want[i] {
			t.Errorf("sink %d is %+v", i, s)
		}
	}
	if site.Keeping != (Keeping{Size: 1_000_000, Age: 7 * 24 * time.Hour}) {
		t.Errorf("%+v", site.Keeping)
	}
	for body, complaint := range map[string]string{
		`records.csv {} records.csv {}`:              "the sink csv of call records (name = \"…\" tells several apart) is declared already",
		`records.csv { name = "a/b" }`:               "a name is of letters, digits, - and _",
		`records.postgres {}`:                        "dsn is required",
		`records.keep { size = 10 }`:                 "size is 64 KB or more",
		`records.keep { days = 1 } records.keep { }`: "records.keep is declared already",
	} {
		if _, err := tryWorld(t, "config.lua", body); err == nil || !strings.Contains(err.Error(), complaint) {
			t.Errorf("%s: %v, want %s", body, err, complaint)
		}
	}
}
