package api

import (
	lua "github.com/yuin/gopher-lua"
)

var agiEntries = []*Entry{
	{On: "call", Name: "agi", Phase: Running, Summary: "Lets an AGI program, as written for Asterisk, serve the call.",
		Detail: "The program is one of the site's folder agi-bin, of a granted folder, or a path; or `agi://host:port/script` (FastAGI), or `hagi://domain/script`, whose servers are found by SRV records. " +
			"Programs must be granted, and hosts as `tcp`. `lookup.lua` is the site's module agi-bin/lookup.lua and runs in process, as a function does. " +
			"Variables are those of a translated dialplan, or call.vars. When the call ends the program gets SIGHUP and may go on without the line until it ends; the script does not come back then. " +
			"After the end of the call, in `on_hangup`, it serves as DeadAGI does. The library module `agi` holds the commands, and a site can bring its own.",
		Params: []Field{
			{Name: "target", Type: either(text(), function("fun(agi: any, ...: any)"), listAnd(text(),
				Field{Name: "audio", Type: truth(), Default: false, Summary: "EAGI: the program hears the call on its descriptor 3"},
			)), Required: true, Summary: `the program: "lookup.agi", "agi://127.0.0.1:4573/route"; a function; or a list with the program, its arguments and options`},
			{Name: "arguments", Type: either(text(), number()), Variadic: true, Summary: "for the program"},
		},
		Results: []Field{{Name: "result", Summary: "the outcome", Type: record(
			Field{Name: "status", Type: words("done", "failed", "timeout", "missing", "refused"), Summary: "the outcome in one word"},
			Field{Name: "code", Type: number(), Summary: "that the program ended with"},
			Field{Name: "reason", Type: text(), Summary: "in words, where it failed"},
			Field{Name: "context", Type: text(), Summary: "that it set: where it wants the call to go on"},
			Field{Name: "extension", Type: text(), Summary: "that it set"},
			Field{Name: "priority", Type: text(), Summary: "that it set"},
		)}},
		Statuses: []Word{
			{"done", "it ended well"},
			{"failed", "it ended with an error code, or could not be run or reached; reason says more"},
			{"timeout", "it was silent for longer than granted and was killed"},
			{"missing", "there is no such program"},
			{"refused", "it is not granted, or as many run as are granted at once; reason says which"},
		},
		Example: `grant { programs = "agi-bin/*", tcp = "127.0.0.1:4573" }
context "internal":extension("728", function(call)
  call.vars.language = "en"
  call:agi("lookup.agi", call.caller.number)
  call:agi "agi://127.0.0.1:4573/route"
end)`,
		Func: (*Args).agi},
}

// agi has the library module agi serve the call. Unlike others, it works after
// the end of the call too.
func (a *Args) agi() int {
	a.working()
	L := a.L
	arguments := L.NewTable()
	for i := a.base + 1; i <= L.GetTop(); i++ {
		arguments.Append(L.Get(i))
	}
	self, target := L.Get(1), a.Value(0)
	if err := L.CallByParam(lua.P{Fn: L.GetGlobal("require"), NRet: 1}, lua.LString("agi")); err != nil {
		a.State.Fail(L, err)
	}
	run := L.GetField(L.Get(-1), "run")
	L.Pop(1)
	L.Push(run)
	L.Push(self)
	L.Push(target)
	L.Push(arguments)
	L.Call(3, 1)
	return 1
}
