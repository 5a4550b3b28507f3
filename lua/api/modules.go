package api

// moduleEntries describe the functions of library modules that are written in
// Lua, as far as those need it who look at scripts without running them. What
// is left out of a description is not looked at.
var moduleEntries = []*Entry{
	{On: "ivr", Name: "menu", Params: []Field{{Name: "menu", Required: true, Type: Type{
		Kinds: kindTable, Values: &Type{Kinds: kindAny},
		Fields: []Field{
			{Name: "name", Type: text()},
			{Name: "greeting", Type: oneOrMore(naming(NamesPrompt))},
			{Name: "timeout", Type: number()},
			{Name: "attempts", Type: number()},
			{Name: "digit_timeout", Type: number()},
			{Name: "language", Type: naming(NamesLanguage)},
		}}}}},
	{On: "ivr", Name: "say", Params: []Field{{Name: "prompts", Type: oneOrMore(naming(NamesPrompt)), Required: true}}},
	{On: "ivr", Name: "dial", Params: []Field{
		{Name: "targets", Type: oneOrMore(naming(NamesTarget)), Required: true},
		{Name: "options", Type: record(dialFields...)},
	}},
	{On: "ivr", Name: "hangup", Params: []Field{
		{Name: "prompts", Type: oneOrMore(naming(NamesPrompt))},
		{Name: "cause", Type: either(text(), whole(), record(hangupFields...))},
	}},
}

// InModule finds the description of a function of a library module.
func InModule(module, name string) (*Entry, bool) {
	for _, e := range moduleEntries {
		if e.On == module && e.Name == name {
			return e, true
		}
	}
	return nil, false
}
