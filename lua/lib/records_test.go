package lib_test

import (
	"maps"
	"testing"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/lua/api"
)

// What a dialplan sets for the record of its call is in it.
func TestRecordOfADialplan(t *testing.T) {
	var got []api.Record
	w := newWorld(t, monday, map[string]string{"dialplan.lua": `
local asterisk = require "asterisk"
asterisk.extension("t", "1", function() return {
  { 1, "Set", "CDR(userfield)=a b" }, { 2, "Set", "CDR(project)=moon" }, { 3, "Set", "CHANNEL(accountcode)=sales" },
  { 4, "SetAMAFlags", "billing" }, { 5, "NoOp", "last" }, { 6, "Hangup" },
} end)
`}, func(s *api.Services) { s.Ended = func(r api.Record) { got = append(got, r) } })
	w.starts(call.Info{Context: "t", Extension: "1"})
	w.clock.Settle()
	if len(got) != 1 {
		t.Fatalf("%d records\n%s", len(got), w.log.String())
	}
	want := map[string]string{"userfield": "a b", "project": "moon", "accountcode": "sales", "amaflags": "billing"}
	if r := got[0]; !maps.Equal(r.Fields, want) || r.LastApp != "Hangup" {
		t.Errorf("%v, last %s(%s)", r.Fields, r.LastApp, r.Data)
	}
}
