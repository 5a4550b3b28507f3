package check

import (
	"testing"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/api"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/lua/lib"
)

// FuzzScripts looks at scripts of any kind: whatever compiles must be read without
// failing, and what is said of it must have a rule and a place that is there.
func FuzzScripts(f *testing.F) {
	for _, e := range api.Table() {
		f.Add(e.Example)
	}
	for _, text := range []string{
		"local a = a a = a .. a local function f() return f() end f():g().h[f] = f",
		"local x, y, z = ... x = y y = z z = x if x.status == 'a' then end",
		"local call = call:dial(call) call = call.peer call:play{call, [call] = call, x = {call}}",
		"return function(call) return call:enter('1', 'x'), require(call), require 'x' end",
		"sip.phone '1' { sip.phone } -- check: ignore , x, y z",
		"#!/usr/bin/lua\r\nfor i = 1, -2 do goto e end ::e::",
		"context 'a':extension('_[', function() end) context('a'):include 'a'",
	} {
		f.Add(text)
	}
	h, err := host.New(host.Options{Lib: lib.FS, Library: api.New(api.Services{Log: quiet}), Log: quiet, Limits: host.Limits{Prepared: 1}})
	if err != nil {
		f.Fatal(err)
	}
	look, err := h.Look()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, finding := range h.Analyse("scripts/dialplan.lua", text) {
			if finding.Rule == host.RuleSyntax {
				return
			}
		}
		read, err := readFile("scripts/dialplan.lua", text)
		if err != nil {
			t.Fatal(err)
		}
		l := newList(Options{Prompts: fakePrompts{"en/welcome"}})
		l.host, l.look = h, look
		l.written(read)
		l.used = map[string]bool{read.name: true}
		l.lookUp()
		for _, finding := range l.finished() {
			if ruleNamed(finding.Rule) == nil || finding.Message == "" || finding.Line < 0 || finding.Column > len(finding.Source)+1 {
				t.Errorf("%+v", finding)
			}
			_ = finding.Report()
		}
		made := closure{fn: &lua.LFunction{Proto: &lua.FunctionProto{}}, file: read}
		for e := range read.bodies {
			made.body(&deeds{}, e)
		}
	})
}
