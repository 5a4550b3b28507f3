package api

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/route"
)

const mostFound = 200 // extensions that one look-up lists

var callerOption = Field{Name: "options", Summary: "for whom", Type: record(
	Field{Name: "caller", Type: text(), Summary: "the caller's number; that of the call where left out"},
)}

var lookupEntries = []*Entry{
	{
		On: "dialplan", Name: "find", Phase: Running,
		Summary: "Lists the extensions that fit a number.",
		Detail: "They come in the order in which they would be tried: the first is the one that serves the number, the others are what it hides. " +
			"`serve` takes a call and does what the extension does, then comes back.",
		Params: []Field{
			{Name: "context", Type: naming(NamesAnyContext), Required: true, Summary: "where the number is looked up"},
			{Name: "number", Type: text(), Required: true, Summary: "the number"},
			callerOption,
		},
		Results: []Field{{Name: "extensions", Summary: "the best first; empty where nothing fits", Type: listOf(record(
			Field{Name: "context", Type: text(), Summary: "where the extension stands, which may be an included context"},
			Field{Name: "pattern", Type: text(), Summary: "as it was written"},
			Field{Name: "caller", Type: text(), Summary: "what the caller's number must be"},
			Field{Name: "name", Type: text(), Summary: "that was given to it"},
			Field{Name: "source", Type: text(), Summary: "file and line"},
			Field{Name: "serve", Type: function("fun(call: call)"), Summary: "does what the extension does"},
		))}},
		Example: `context "internal":extension("613", function(call)
  for _, extension in ipairs(dialplan.find("internal", "600")) do
    log.info("%s of %s, %s", extension.pattern, extension.context, extension.source)
  end
end)`,
		Func: (*Args).find,
	},
	{
		On: "dialplan", Name: "probe", Phase: Running,
		Summary: "Tells what digits that are being dialled have come to.",
		Params: []Field{
			{Name: "context", Type: naming(NamesAnyContext), Required: true, Summary: "where they are looked up"},
			{Name: "digits", Type: text(), Required: true, Summary: "what was dialled so far"},
			callerOption,
		},
		Results: []Field{
			{Name: "found", Type: truth(), Summary: "the digits are a number"},
			{Name: "more", Type: truth(), Summary: "further digits could make another number"},
		},
		Example: `context "internal":extension("614", function(call)
  local digits = call:read { max = 1 } or ""
  local found, more = dialplan.probe("internal", digits)
  if found and not more then call:enter(digits) end
end)`,
		Func: (*Args).probe,
	},
	{
		On: "dialplan", Name: "has", Phase: Running,
		Summary: "Tells whether there is a context of a name.",
		Params:  []Field{{Name: "context", Type: naming(NamesAnyContext), Required: true, Summary: "its name"}},
		Results: []Field{{Name: "there", Type: truth(), Summary: "whether it was declared"}},
		Example: `context "internal":extension("615", function(call)
  if dialplan.has "night" then call:enter("s", "night") end
end)`,
		Func: (*Args).hasContext,
	},
}

// callerNumber is whom a look-up is for.
func (a *Args) callerNumber(t *task) string {
	if o := a.Options(2); o.Has("caller") {
		return o.String("caller")
	}
	if t.call != nil {
		return t.call.caller.Number
	}
	return ""
}

func (a *Args) find() int {
	t := a.working()
	list := a.L.NewTable()
	t.site.Routes.Each(a.String(0), a.String(1), a.callerNumber(t), t.clock.Now(), func(m route.Match) bool {
		list.Append(a.found(m))
		return list.Len() < mostFound
	})
	a.State.Reserve(a.L, 600*list.Len())
	return a.Return(list)
}

// found is one extension as scripts see it.
func (a *Args) found(m route.Match) *lua.LTable {
	t := a.L.CreateTable(0, 6)
	t.RawSetString("context", lua.LString(m.Context))
	t.RawSetString("pattern", lua.LString(m.Extension.Pattern))
	t.RawSetString("caller", lua.LString(m.Extension.CallerID))
	t.RawSetString("source", lua.LString(m.Extension.Source))
	target := m.Extension.Target.(*destination)
	t.RawSetString("name", lua.LString(target.name))
	t.RawSetString("serve", a.L.NewFunction(func(L *lua.LState) int {
		b := &Args{L: L, State: a.State, api: a.api, entry: a.entry, base: 1}
		results, err := b.State.Call(target.ref, L.Get(1))
		if err != nil {
			b.rethrow(err)
		}
		for _, v := range results {
			L.Push(v)
		}
		return len(results)
	}))
	return t
}

func (a *Args) probe() int {
	t := a.working()
	p := t.site.Routes.Probe(a.String(0), a.String(1), a.callerNumber(t), t.clock.Now())
	return a.Return(lua.LBool(p.Found), lua.LBool(p.More))
}

func (a *Args) hasContext() int {
	return a.Return(lua.LBool(a.working().site.Routes.Has(a.String(0))))
}
