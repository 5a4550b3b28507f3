package api

import (
	"strconv"
	"strings"

	"github.com/moonwire/moonwire/lua/host"
)

// calls are the names that scripts give to calls by custom; a method of one is
// taken for a method of the object call.
var callNames = map[string]bool{"call": true, "peer": true, "leg": true, "caller_leg": true}

// CheckCall compares a call in a script's source with the table and says what
// is wrong with it, "" for nothing that can be seen without running it.
func CheckCall(site host.CallSite) string {
	e, complaint := entryOf(site)
	if e == nil {
		return complaint
	}
	for i := range e.Params {
		p := &e.Params[i]
		if p.Variadic {
			break
		}
		if i >= len(site.Arguments) {
			if p.Required && !site.Open && !e.Curried {
				return e.Label() + ": " + p.Name + " is required (" + p.Type.String() + ")"
			}
			break
		}
		if complaint := p.complain(site.Arguments[i]); complaint != "" {
			return e.Label() + ": " + complaint
		}
	}
	return ""
}

// entryOf finds what is called. Both results are empty for functions that are
// not the library's.
func entryOf(site host.CallSite) (e *Entry, complaint string) {
	if object, method, ok := strings.Cut(site.Path, ":"); ok {
		if !callNames[object[strings.LastIndexByte(object, '.')+1:]] {
			return nil, ""
		}
		if e, ok := Lookup("call", method); ok {
			return e, ""
		}
		return nil, "a call has no '" + method + "'" + didYouMean(method, names("call"))
	}
	if !site.Global {
		return nil, ""
	}
	module, name, ok := strings.Cut(site.Path, ".")
	if !ok {
		module, name = "", site.Path
	}
	e, _ = Lookup(module, name)
	return e, "" // unknown globals and members are found by the host
}

// complain says what is wrong with an argument as it is written.
func (p *Field) complain(a host.Argument) string {
	t := p.Type
	if t.Kinds&kindAny != 0 || a.Type == "" {
		return ""
	}
	ok := true
	switch a.Type {
	case "nil":
		ok = !p.Required || t.Kinds&kindNil != 0
	case "boolean":
		ok = t.Kinds&kindBool != 0
	case "function":
		ok = t.Kinds&kindFunction != 0
	case "number":
		n, err := strconv.ParseFloat(a.Value, 64)
		if err == nil && t.Kinds&kindNumber != 0 {
			return t.complainNumber(p.Name, n)
		}
		ok = t.Kinds&(kindString|kindNumber) != 0
	case "string":
		if t.Kinds&kindString != 0 && a.Value != "" {
			return t.complainWord(p.Name, a.Value)
		}
		_, err := strconv.ParseFloat(a.Value, 64)
		ok = t.Kinds&kindString != 0 || t.Kinds&kindNumber != 0 && err == nil
	case "table":
		if ok = t.Kinds&kindTable != 0; ok {
			return p.complainKeys(a.Keys)
		}
	}
	if ok {
		return ""
	}
	return p.Name + " must be " + t.String() + ", got a " + a.Type
}

func (p *Field) complainKeys(keys []string) string {
	if len(p.Type.Fields) == 0 || p.Type.Values != nil {
		return ""
	}
	var known []string
	for _, f := range p.Type.Fields {
		known = append(known, f.Name)
	}
	for _, k := range keys {
		if p.Type.field(k) == nil {
			return "option '" + k + "' unknown" + didYouMean(k, known)
		}
	}
	return ""
}
