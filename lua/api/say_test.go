package api

import (
	"strings"
	"testing"
)

// What English says, with the prompts' folders left out: "3" for digits/3.
func TestEnglish(t *testing.T) {
	tests := []struct{ what, want string }{
		{`number = 0`, "0"},
		{`number = 13`, "13"},
		{`number = 20`, "20"},
		{`number = 21`, "20 1"},
		{`number = 100`, "1 hundred"},
		{`number = 110`, "1 hundred 10"},
		{`number = 999`, "9 hundred 90 9"},
		{`number = 1000`, "1 thousand"},
		{`number = 12345`, "12 thousand 3 hundred 40 5"},
		{`number = 1000001`, "1 million 1"},
		{`number = 2e9`, "2 billion"},
		{`number = -7`, "minus 7"},
		{`number = 2.5`, "2 point 5"},
		{`number = 0.05`, "0 point 0 5"},
		{`number = 1e12`, "1 0 0 0 0 0 0 0 0 0 0 0 0"},
		{`digits = "1*#0"`, "1 star pound 0"},
		{`digits = 1001`, "1 0 0 1"},
		{`ordinal = 1`, "h-1"},
		{`ordinal = 12`, "h-12"},
		{`ordinal = 20`, "h-20"},
		{`ordinal = 23`, "20 h-3"},
		{`ordinal = 100`, "1 h-hundred"},
		{`ordinal = 121`, "1 hundred 20 h-1"},
		{`ordinal = 2000`, "2 h-thousand"},
		{`letters = "Ab-1@x.y"`, "letters/a letters/b letters/dash 1 letters/at letters/x letters/dot letters/y"},
		{`date = time.of{year=2026, month=3, day=4}`, "day-3 mon-2 h-4 20 20 6"},
		{`date = time.of{year=2005, month=12, day=31}`, "day-6 mon-11 30 h-1 2 thousand 5"},
		{`date = time.of{year=1905, month=1, day=1}`, "day-0 mon-0 h-1 19 oh 5"},
		{`date = time.of{year=1900, month=1, day=1}`, "day-1 mon-0 h-1 19 hundred"},
		{`date = time.of{year=2000, month=1, day=1}`, "day-6 mon-0 h-1 2 thousand"},
		{`time = time.of{year=2026, month=3, day=4, hour=0, min=0}`, "12 oclock a-m"},
		{`time = time.of{year=2026, month=3, day=4, hour=9, min=5}`, "9 oh 5 a-m"},
		{`time = time.of{year=2026, month=3, day=4, hour=18, min=30}`, "6 30 p-m"},
		{`time = 0, zone = "Europe/Paris"`, "1 oclock a-m"},
		{`datetime = time.of{year=2026, month=3, day=4, hour=12, min=21}`, "day-3 mon-2 h-4 20 20 6 at 12 20 1 p-m"},
		{`duration = 0`, "0 seconds"},
		{`duration = 61`, "1 minute 1 second"},
		{`duration = 7325`, "2 hours 2 minutes 5 seconds"},
		{`duration = 90000`, "1 day 1 hour"},
		{`money = 0`, "0 dollars"},
		{`money = 1`, "1 dollar"},
		{`money = 12.5`, "12 dollars and 50 cents"},
		{`money = -3.01`, "minus 3 dollars and 1 cent"},
		{`money = 0.999`, "1 dollar"},
		{`money = -0.001`, "0 dollars"},
		{`money = 19.99, currency = "eur"`, "19 euros and 90 9 cents"},
		{`money = 0.01, currency = "GBP"`, "1 penny"},
		{`money = 1200.2, currency = "GBP"`, "1 thousand 2 hundred pounds and 20 pence"},
		{`money = 1.05, currency = "CHF"`, "1 franc and 5 centimes"},
		{`money = 1499.6, currency = "JPY"`, "1 thousand 5 hundred yen"},
		{`money = 2.5, currency = "CZK"`, "2 point 5 letters/c letters/z letters/k"},
		{`money = 1e13`, "1 0 0 0 0 0 0 0 0 0 0 0 0 0 dollars"},
	}
	var script strings.Builder
	for _, test := range tests {
		script.WriteString("call:say{" + test.what + ", language = 'en-GB'} call:play 'next'\n")
	}
	w := serving(t, script.String())
	w.calls()
	w.noErrors()
	said := strings.Split(strings.NewReplacer("digits/", "", "currency/", "").Replace(w.played()), "next")
	for i, test := range tests {
		if got := strings.TrimSpace(said[i]); got != test.want {
			t.Errorf("say{%s}: %q, want %q", test.what, got, test.want)
		}
	}
}

// A site can bring a grammar of its own.
func TestOwnGrammar(t *testing.T) {
	w := newWorld(t, "say/xx.lua", `return { number = function(n) return { "xx-" .. n } end }`,
		"d.lua", `context "internal":extension("600", function(call) call:say { number = 5, language = "xx" } end)`)
	w.calls()
	if got := w.played(); got != "xx-5" {
		t.Errorf("heard %q\n%s", got, w.log)
	}
}
