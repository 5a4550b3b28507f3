package api

import (
	"log/slog"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/trace"
)

// sayFields are what can be said; the grammar of each language is a module of
// the library, say.en and so on.
var sayKinds = []Field{
	{Name: "digits", Type: either(text(), number()), Summary: "one after another; * and # too"},
	{Name: "number", Type: number(), Summary: "as a quantity: 342, -7, 2.5"},
	{Name: "ordinal", Type: count(), Summary: "as a place: 3 is third"},
	{Name: "letters", Type: text(), Summary: "spelt"},
	{Name: "date", Type: number(), Unit: "s", Summary: "day of the week, month, day and year of a time"},
	{Name: "time", Type: number(), Unit: "s", Summary: "hour and minute of a time"},
	{Name: "datetime", Type: number(), Unit: "s", Summary: "both"},
	{Name: "duration", Type: seconds(), Unit: "s", Summary: "in hours, minutes and seconds"},
	{Name: "money", Type: number(), Summary: "an amount, to the cent: 12.5"},
}

var sayEntries = []*Entry{
	{On: "call", Name: "say", Phase: Running, Summary: "Says numbers, letters, dates, times and amounts of money.",
		Detail: "The words are put together from prompts by the grammar of the call's language, which is the library module `say.` and the language; a site can bring its own.",
		Params: []Field{{Name: "what", Required: true, Summary: "one of the kinds, and options", Type: record(append(append([]Field{}, sayKinds...),
			Field{Name: "zone", Type: text(), Summary: `time zone of dates and times, such as "Europe/Paris"`},
			Field{Name: "currency", Type: text(), Default: "USD", Summary: `of money: "EUR"; in English USD, CAD, AUD, NZD, EUR, GBP, CHF and JPY have names, others are spelt`},
			Field{Name: "interrupt", Type: either(text(), truth()), Default: false, Summary: "true, or the keys that end it"},
			Field{Name: "language", Type: naming(NamesLanguage), Summary: "the call's where left out"},
		)...)}},
		Results: playResult, Statuses: playStatuses,
		Example: `context "internal":extension("650", function(call)
  call:say { number = 342 }
  call:say { digits = "1001", interrupt = true }
  call:say { money = 12.5, currency = "EUR" }
  call:say { datetime = time.now(), zone = "Europe/Paris" }
end)`,
		Func: (*Args).say},
}

func (a *Args) say() int {
	c := a.Call()
	o := a.Options(0)
	kinds, kind := 0, ""
	for _, k := range sayKinds {
		if o.Has(k.Name) {
			kind = k.Name
			kinds++
			kind = k.Name
		}
	}
	if kinds != 1 {
		a.Fail("say one thing: digits, number, ordinal, letters, date, time, datetime, duration or money")
	}
	a.note(c, trace.Say, slog.String("as", kind), slog.String("value", o.Value(kind).String()))
	language := o.String("language")
	if language == "" {
		language = c.language
	}
	names := a.few(stringList(a.grammar(language, o.t)), "prompts")
	if len(names) == 0 {
		return a.Result("played")
	}
	source, missing := c.sound(names, language, 0)
	if source == nil {
		return a.Result("missing", "tried", missing)
	}
	return a.playSource(c, source, interruptSet(o.Value("interrupt")), 0, missing)
}

// grammar has the library module say list the prompts for what is to be said.
func (a *Args) grammar(language string, what *lua.LTable) lua.LValue {
	L := a.L
	if err := L.CallByParam(lua.P{Fn: L.GetGlobal("require"), NRet: 1}, lua.LString("say")); err != nil {
		a.State.Fail(L, err)
	}
	prompts := L.GetField(L.Get(-1), "prompts")
	L.Pop(1)
	L.Push(prompts)
	L.Push(lua.LString(language))
	L.Push(what)
	L.Call(2, 1)
	list := L.Get(-1)
	L.Pop(1)
	return list
}
