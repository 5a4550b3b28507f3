package api

import (
	"errors"
	"path"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/mailbox"
)

// mailboxFields are the settings of a mailbox, under the names that Asterisk's
// voicemail.conf gives them.
var mailboxFields = []Field{
	{Name: "pin", Type: text(), Default: "", Summary: "digits that open it, until its owner changes them by phone; none are asked for where it is empty, and other characters no keypad can enter"},
	{Name: "name", Type: text(), Default: "", Summary: "whose it is"},
	{Name: "email", Type: text(), Default: "", Summary: "where its owner gets mail"},
	{Name: "pager", Type: text(), Default: "", Summary: "where its owner gets short mail"},
	{Name: "zone", Type: text(), Default: "", Summary: `time zone in which times are said: "Europe/Paris"; the machine's where left out`},
	{Name: "language", Type: naming(NamesLanguage), Default: "", Summary: "of what its owner hears; that of the call where left out"},
	{Name: "maxmsg", Type: count(), Default: 100, Summary: "messages in a folder"},
	{Name: "maxsecs", Type: seconds(), Unit: "s", Default: 300, Summary: "longest message"},
	{Name: "minsecs", Type: seconds(), Unit: "s", Default: 1, Summary: "what is shorter is dropped"},
	{Name: "maxsilence", Type: seconds(), Unit: "s", Default: 10, Summary: "ends a message, and is cut off; 0 is never"},
	{Name: "maxlogins", Type: count(), Default: 3, Summary: "wrong PINs before the call ends"},
	{Name: "review", Type: truth(), Default: false, Summary: "callers may hear their message, record it again, or mark it urgent"},
	{Name: "saycid", Type: truth(), Default: false, Summary: "the caller's number is said before each message"},
	{Name: "envelope", Type: truth(), Default: true, Summary: "date and time are said before each message"},
	{Name: "operator", Type: truth(), Default: false, Summary: "callers may press 0 for the extension `o`"},
	{Name: "callback", Type: truth(), Default: false, Summary: "its owner may call back who left a message"},
	{Name: "nextaftercmd", Type: truth(), Default: false, Summary: "the next message is played after one is deleted or saved"},
	{Name: "attach", Type: truth(), Default: false, Summary: "mail carries the message"},
	{Name: "delete", Type: truth(), Default: false, Summary: "a message that was mailed is not kept"},
}

var mailboxClass = &Class{
	Name:    "mailbox",
	Summary: "A mailbox of the site, and its messages.",
	Fields: append([]Field{
		{Name: "address", Type: text(), Summary: `"1101@finance"`},
		{Name: "number", Type: text(), Summary: `"1101"`},
		{Name: "context", Type: text(), Summary: `"finance"`},
		{Name: "locked", Type: truth(), Summary: "a PIN is asked for"},
	}, mailboxFields[1:]...),
}

var messageType = record(
	Field{Name: "id", Type: text(), Summary: "stays the same wherever the message goes"},
	Field{Name: "folder", Type: text(), Summary: `"INBOX", "Old", "Work", "Family", "Friends" or "Urgent"`},
	Field{Name: "path", Type: text(), Summary: "of its sound, for `call:play`; nil where it has none"},
	Field{Name: "caller_number", Type: text(), Summary: `"" where it is not known`},
	Field{Name: "caller_name", Type: text(), Summary: `"" where it is not known`},
	Field{Name: "time", Type: number(), Unit: "s", Summary: "since 1970, when it was left"},
	Field{Name: "duration", Type: number(), Unit: "s", Summary: "of the sound"},
	Field{Name: "urgent", Type: truth(), Summary: "marked so by the caller"},
	Field{Name: "forwarded_by", Type: text(), Summary: "mailbox that it comes from, nil where it was left here"},
)

var deliveryFields = []Field{
	{Name: "caller_number", Type: text(), Default: "", Summary: "who speaks"},
	{Name: "caller_name", Type: text(), Default: "", Summary: "who speaks"},
	{Name: "extension", Type: text(), Default: "", Summary: "that was dialled"},
	{Name: "context", Type: text(), Default: "", Summary: "where it was dialled"},
	{Name: "channel", Type: text(), Default: "", Summary: "the line, as in `SIP/1101-00000004`"},
	{Name: "time", Type: number(), Unit: "s", Summary: "when it was said; now where left out"},
	{Name: "urgent", Type: truth(), Default: false, Summary: "goes to the folder Urgent"},
	{Name: "trim", Type: seconds(), Unit: "s", Default: 0, Summary: "silence at the end, which is cut off"},
	{Name: "heard", Type: truth(), Default: false, Summary: "nothing is delivered where nobody can be heard"},
	{Name: "least", Type: seconds(), Unit: "s", Default: 0, Summary: "what is shorter then is not delivered"},
}

var (
	messageResults = []Field{
		{Name: "message", Type: either(messageType, Type{Kinds: kindNil}), Summary: "nil where it failed"},
		{Name: "reason", Type: text(), Summary: `why it failed: "full", "empty", "missing", or more words`},
	}
	idField       = Field{Name: "id", Type: text(), Required: true, Summary: "of the message"}
	folderWords   = words(mailbox.Folders...)
	greetingWords = words("unavail", "busy", "greet", "temp")
)

var mailboxEntries = []*Entry{
	{Name: "mailbox", Phase: Loading, Curried: true, Summary: "Declares a mailbox.",
		Detail: "Messages lie in `voicemail/CONTEXT/BOX` below the server's recordings, in Asterisk's layout. The module `voicemail` lets callers leave messages and owners hear them.",
		Params: []Field{
			{Name: "address", Type: text(), Required: true, Summary: `number and context: "1101@finance"; the context is "default" where left out`},
			{Name: "settings", Required: true, Type: record(mailboxFields...), Summary: "whose it is, and what it may hold"},
		},
		Example: `mailbox "1101@finance" { pin = "1234", name = "Front desk", email = "desk@example.org", zone = "Europe/Paris" }`,
		Func:    (*Args).declareMailbox},
	{On: "mailboxes", Name: "find", Phase: Running, Summary: "Finds a mailbox.",
		Params: []Field{{Name: "address", Type: text(), Required: true, Summary: `"1101@finance"`}},
		Results: []Field{
			{Name: "mailbox", Type: either(object("mailbox"), Type{Kinds: kindNil}), Summary: "nil where none is declared"},
		},
		Example: `mailbox "1101@finance" { pin = "1234" }
context "internal":extension("660", function(call)
  local box = mailboxes.find "1101@finance"
  call:say { number = box:counts().new }
end)`,
		Func: (*Args).findMailbox},
	{On: "mailboxes", Name: "list", Phase: Running, Summary: "Lists the addresses of the mailboxes.",
		Params:  []Field{{Name: "context", Type: text(), Summary: "only those of this context"}},
		Results: []Field{{Name: "addresses", Type: listOf(text()), Summary: "sorted"}},
		Example: `context "internal":extension("661", function()
  for _, address in ipairs(mailboxes.list "finance") do log.info(address) end
end)`,
		Func: (*Args).listMailboxes},

	mailboxEntry(Entry{Name: "counts", Summary: "Counts the messages.",
		Results: []Field{{Name: "counts", Summary: "how many there are", Type: record(
			Field{Name: "new", Type: count(), Summary: "not listened to; urgent ones are not among them"},
			Field{Name: "urgent", Type: count(), Summary: "not listened to and urgent"},
			Field{Name: "old", Type: count(), Summary: "listened to"},
		)}}, Func: (*Args).mailboxCounts}, `log.info("%d new", box:counts().new)`),
	mailboxEntry(Entry{Name: "messages", Summary: "Lists the messages of a folder.",
		Params:  []Field{{Name: "folder", Type: folderWords, Default: mailbox.Inbox, Summary: "which"}},
		Results: []Field{{Name: "messages", Type: listOf(messageType), Summary: "the oldest first"}},
		Func:    (*Args).mailboxMessages}, `for _, message in ipairs(box:messages "Old") do call:play(message.path) end`),
	mailboxEntry(Entry{Name: "find", Summary: "Finds a message, wherever it is now.",
		Params: []Field{idField}, Results: messageResults, Func: (*Args).mailboxFind},
		`local first = box:messages()[1]
  if first then call:play(box:find(first.id).path) end`),
	mailboxEntry(Entry{Name: "draft", Summary: "Gives a path to record a message or a greeting to.",
		Detail:  "What is recorded there is nothing yet: `deliver` makes a message of it, `keep_greeting` a greeting. Forgotten drafts go when the server starts.",
		Results: []Field{{Name: "path", Type: either(text(), Type{Kinds: kindNil}), Summary: "for `call:record`"}, {Name: "reason", Type: text(), Summary: "why there is none"}},
		Func:    (*Args).mailboxDraft}, `call:record { path = box:draft(), max = 60, beep = true }`),
	mailboxEntry(Entry{Name: "deliver", Summary: "Makes a message of a draft, whole or not at all.",
		Detail:  "It comes back when the message is on the disk. It may be called after the caller has hung up.",
		Params:  []Field{{Name: "path", Type: text(), Required: true, Summary: "that `draft` gave"}, {Name: "facts", Type: record(deliveryFields...), Summary: "what is known of it"}},
		Results: messageResults, Func: (*Args).mailboxDeliver},
		`local path = box:draft()
  call:record { path = path, max = 60, beep = true }
  box:deliver(path, { caller_number = call.caller.number })`),
	mailboxEntry(Entry{Name: "discard", Summary: "Removes a draft.",
		Params: []Field{{Name: "path", Type: text(), Required: true, Summary: "that `draft` gave"}}, Results: doneResults, Func: (*Args).mailboxDiscard},
		`box:discard(box:draft())`),
	mailboxEntry(Entry{Name: "move", Summary: "Puts a message into another folder.",
		Params:  []Field{idField, {Name: "folder", Type: folderWords, Required: true, Summary: "which"}},
		Results: doneResults, Func: (*Args).mailboxMove},
		`for _, message in ipairs(box:messages()) do box:move(message.id, "Old") end`),
	mailboxEntry(Entry{Name: "remove", Summary: "Removes a message for good.",
		Params: []Field{idField}, Results: doneResults, Func: (*Args).mailboxRemove},
		`for _, message in ipairs(box:messages "Old") do box:remove(message.id) end`),
	mailboxEntry(Entry{Name: "forward", Summary: "Puts a copy of a message into another mailbox.",
		Params: []Field{idField,
			{Name: "to", Type: object("mailbox"), Required: true, Summary: "the other mailbox"},
			{Name: "comment", Type: text(), Summary: "draft of this mailbox, which the copy begins with; it stays"}},
		Results: messageResults, Func: (*Args).mailboxForward},
		`local first = box:messages()[1]
  if first then box:forward(first.id, mailboxes.find "1101@finance") end`),
	mailboxEntry(Entry{Name: "greeting", Summary: "The recording of a greeting.",
		Params:  []Field{{Name: "kind", Type: greetingWords, Required: true, Summary: "greet is the owner's name, temp stands in for all others"}},
		Results: []Field{{Name: "path", Type: either(text(), Type{Kinds: kindNil}), Summary: "for `call:play`; nil where there is none"}},
		Func:    (*Args).mailboxGreeting}, `call:play(box:greeting "unavail" or "vm-nobodyavail")`),
	mailboxEntry(Entry{Name: "keep_greeting", Summary: "Makes a draft a greeting.",
		Params: []Field{{Name: "kind", Type: greetingWords, Required: true, Summary: "as in greeting"},
			{Name: "path", Type: text(), Required: true, Summary: "that `draft` gave"}},
		Results: doneResults, Func: (*Args).mailboxKeepGreeting},
		`local path = box:draft()
  call:record { path = path, beep = true }
  box:keep_greeting("busy", path)`),
	mailboxEntry(Entry{Name: "remove_greeting", Summary: "Removes a greeting.",
		Params: []Field{{Name: "kind", Type: greetingWords, Required: true, Summary: "as in greeting"}}, Results: doneResults,
		Func: (*Args).mailboxRemoveGreeting}, `box:remove_greeting "temp"`),
	mailboxEntry(Entry{Name: "check_pin", Summary: "Reports whether a PIN opens the mailbox.",
		Detail:  "A PIN that was chosen by phone counts in place of the declared one. One that Asterisk kept as it is, in `secret.conf`, is kept hashed from then on.",
		Params:  []Field{{Name: "pin", Type: text(), Required: true, Summary: "digits"}},
		Results: []Field{{Name: "right", Type: truth(), Summary: "it does"}},
		Func:    (*Args).mailboxCheckPIN}, `log.info("%s", box:check_pin "1234")`),
	mailboxEntry(Entry{Name: "set_pin", Summary: "Changes the PIN; only its hash is kept.",
		Params: []Field{{Name: "pin", Type: text(), Required: true, Summary: "digits"}}, Results: doneResults,
		Func: (*Args).mailboxSetPIN}, `box:set_pin "4711"`),
	mailboxEntry(Entry{Name: "begin", Summary: "Keeps the messages' paths as they are while somebody listens.",
		Detail: "What a message that goes leaves free is filled when nobody listens any more: at the end of each call that began, or at `finish`.",
		Func:   (*Args).mailboxBegin}, `box:begin()
  box:finish()`),
	mailboxEntry(Entry{Name: "finish", Summary: "Ends what `begin` began.", Func: (*Args).mailboxFinish}, `box:finish()`),
}

// mailboxEntry completes an entry of the class mailbox; body uses call and box.
func mailboxEntry(e Entry, body string) *Entry {
	e.On, e.Phase = "mailbox", Running
	e.Example = `mailbox "1101@finance" { pin = "1234" }
context "internal":extension("660", function(call)
  local box = mailboxes.find "1101@finance"
  ` + body + `
end)`
	if !strings.Contains(body, "call:") {
		e.Example = strings.Replace(e.Example, "function(call)", "function()", 1)
	}
	return &e
}

// Mailbox is a declaration.
type Mailbox struct {
	Address  string // with its context
	Settings map[string]any
	Source   string
}

func (a *Args) declareMailbox() int {
	number, context, err := mailbox.Split(a.String(0))
	if err != nil {
		a.Fail("%s", err)
	}
	address := number + "@" + context
	site := a.declare("mailbox " + address)
	if site == nil {
		return 0
	}
	o := a.Options(1)
	settings := map[string]any{}
	for _, f := range mailboxFields {
		switch {
		case f.Type.Only() == "boolean":
			settings[f.Name] = o.Bool(f.Name)
		case f.Type.Only() == "number":
			settings[f.Name] = o.Number(f.Name)
		default:
			settings[f.Name] = o.String(f.Name)
		}
	}
	if _, err := a.api.zone(o.String("zone")); err != nil {
		a.Fail("%s", err)
	}
	if site.Mailboxes == nil {
		site.Mailboxes = map[string]*Mailbox{}
	}
	site.Mailboxes[address] = &Mailbox{Address: address, Settings: settings, Source: a.Source()}
	return 0
}

// box is a mailbox as scripts hold it.
type box struct {
	*mailbox.Box
	declared *Mailbox
	sessions int // of this task
}

func (b *box) class() string { return "mailbox" }
func (b *box) title() string { return b.Address() }
func (b *box) set(string, lua.LValue) {
}

func (b *box) get(_ *lua.LState, name string) (lua.LValue, bool) {
	number, context, _ := strings.Cut(b.Address(), "@")
	switch name {
	case "address":
		return lua.LString(b.Address()), true
	case "number":
		return lua.LString(number), true
	case "context":
		return lua.LString(context), true
	case "locked":
		kept, err := b.PIN()
		return lua.LBool(err != nil || kept != "" || b.declared.text("pin") != ""), true
	case "pin":
		return nil, false
	}
	switch v := b.declared.Settings[name].(type) {
	case string:
		return lua.LString(v), true
	case float64:
		return lua.LNumber(v), true
	case bool:
		return lua.LBool(v), true
	}
	return nil, false
}

func (m *Mailbox) text(name string) string {
	s, _ := m.Settings[name].(string)
	return s
}

func (m *Mailbox) most() int {
	n, _ := m.Settings["maxmsg"].(float64)
	return int(n)
}

// Mailboxes is the store of messages; nil where the server keeps none.
func (api *API) Mailboxes() *mailbox.Store { return api.services.Mailboxes }

// openMailbox makes the object of a declared mailbox, nil where there is none.
func (a *Args) openMailbox(address string) *box {
	t, kept := a.task(), a.api.services.Mailboxes
	number, context, err := mailbox.Split(address)
	if err != nil || t == nil || t.site == nil || kept == nil {
		return nil
	}
	declared := t.site.Mailboxes[number+"@"+context]
	if declared == nil {
		return nil
	}
	b, err := kept.Box(declared.Address)
	if err != nil {
		return nil
	}
	return &box{Box: b, declared: declared}
}

func (a *Args) findMailbox() int {
	b := a.openMailbox(a.String(0))
	if b == nil {
		return a.Return(lua.LNil)
	}
	return a.Return(a.api.wrap(a.L, b))
}

func (a *Args) listMailboxes() int {
	var list []string
	if t := a.task(); t != nil && t.site != nil {
		for address := range t.site.Mailboxes {
			if _, context, _ := strings.Cut(address, "@"); !a.Has(0) || context == a.String(0) {
				list = append(list, address)
			}
		}
	}
	slices.Sort(list)
	return a.Return(toLua(a.L, list))
}

// box is the mailbox that a method was called on.
func (a *Args) box() *box { return a.L.Get(1).(*lua.LUserData).Value.(*box) }

func (a *Args) mailboxCounts() int {
	b := a.box()
	var counts mailbox.Counts
	var err error
	a.blocking(func() { counts, err = b.Counts() })
	if err != nil {
		a.Fail("%s", err)
	}
	t := a.L.CreateTable(0, 3)
	t.RawSetString("new", lua.LNumber(counts.New))
	t.RawSetString("urgent", lua.LNumber(counts.Urgent))
	t.RawSetString("old", lua.LNumber(counts.Old))
	return a.Return(t)
}

// message is a message as scripts see it.
func (a *Args) message(m *mailbox.Message) *lua.LTable {
	name, number := m.Caller()
	t := a.L.CreateTable(0, 9)
	for key, value := range map[string]lua.LValue{
		"id": lua.LString(m.ID), "folder": lua.LString(m.Folder), "path": toLua(a.L, m.Sound),
		"caller_number": lua.LString(number), "caller_name": lua.LString(name), "time": fromTime(m.Time),
		"duration": toLua(a.L, m.Duration), "urgent": lua.LBool(m.Urgent()), "forwarded_by": toLua(a.L, m.ForwardedBy),
	} {
		t.RawSetString(key, value)
	}
	return t
}

func (a *Args) mailboxMessages() int {
	b, folder := a.box(), a.String(0)
	var list []mailbox.Message
	var err error
	a.blocking(func() { list, err = b.Messages(folder) })
	if err != nil {
		a.Fail("%s", err)
	}
	a.State.Reserve(a.L, 400*len(list))
	t := a.L.CreateTable(len(list), 0)
	for i := range list {
		t.Append(a.message(&list[i]))
	}
	return a.Return(t)
}

// delivered is a message, or nil and why there is none.
func (a *Args) delivered(m mailbox.Message, err error) int {
	if err != nil {
		return a.Refuse(whyNot(err))
	}
	return a.Return(a.message(&m))
}

// whyNot is what scripts are told of an error of mailboxes: a word where they
// can do something about it.
func whyNot(err error) string {
	for _, one := range []struct {
		err  error
		word string
	}{{mailbox.ErrFull, "full"}, {mailbox.ErrEmpty, "empty"}, {mailbox.ErrMissing, "missing"}} {
		if errors.Is(err, one.err) {
			return one.word
		}
	}
	return inWords(err)
}

// did is true, or false and why not.
func (a *Args) did(f func() error) int {
	var err error
	a.blocking(func() { err = f() })
	if err != nil {
		return a.Return(lua.LFalse, lua.LString(whyNot(err)))
	}
	return a.Return(lua.LTrue)
}

func (a *Args) mailboxFind() int {
	b := a.box()
	var m mailbox.Message
	var err error
	a.blocking(func() { m, err = b.Find(a.String(0)) })
	return a.delivered(m, err)
}

func (a *Args) mailboxDraft() int {
	b := a.box()
	var name string
	var err error
	a.blocking(func() { name, err = b.Draft(".wav") })
	if err != nil {
		return a.Refuse(inWords(err))
	}
	return a.Return(lua.LString(name))
}

func (a *Args) mailboxDeliver() int {
	b, o := a.box(), a.Options(1)
	m := mailbox.Message{
		CallerID: mailbox.CallerID(o.String("caller_name"), o.String("caller_number")),
		Context:  o.String("context"), Extension: o.String("extension"), Channel: o.String("channel"),
		Time: a.api.services.Clock.Now(),
	}
	if o.Has("time") {
		m.Time = toTime(o.Number("time"))
	}
	if o.Bool("urgent") {
		m.Flag = "Urgent"
	}
	d := mailbox.Delivery{Draft: path.Clean(a.String(0)), Message: m, Most: b.declared.most(), Trim: o.Seconds("trim"), Least: o.Seconds("least"), Heard: o.Bool("heard")}
	var err error
	a.blocking(func() { m, err = b.Deliver(d) })
	return a.delivered(m, err)
}

func (a *Args) mailboxDiscard() int {
	b := a.box()
	return a.did(func() error { return b.Discard(path.Clean(a.String(0))) })
}

func (a *Args) mailboxMove() int {
	b := a.box()
	return a.did(func() error { return b.Move(a.String(0), a.String(1), b.declared.most()) })
}

func (a *Args) mailboxRemove() int {
	b := a.box()
	return a.did(func() error { return b.Remove(a.String(0)) })
}

func (a *Args) mailboxForward() int {
	b, to := a.box(), a.Value(1).(*lua.LUserData).Value.(*box)
	comment := a.String(2)
	if comment != "" {
		comment = path.Clean(comment)
	}
	var m mailbox.Message
	var err error
	a.blocking(func() { m, err = b.Forward(a.String(0), to.Box, comment, to.declared.most()) })
	return a.delivered(m, err)
}

func (a *Args) mailboxGreeting() int {
	b := a.box()
	var name string
	a.blocking(func() { name = b.Greeting(mailbox.Greeting(a.String(0))) })
	return a.Return(toLua(a.L, name))
}

func (a *Args) mailboxKeepGreeting() int {
	b := a.box()
	return a.did(func() error { return b.KeepGreeting(mailbox.Greeting(a.String(0)), path.Clean(a.String(1))) })
}

func (a *Args) mailboxRemoveGreeting() int {
	b := a.box()
	return a.did(func() error { return b.RemoveGreeting(mailbox.Greeting(a.String(0))) })
}

func (a *Args) mailboxCheckPIN() int {
	b := a.box()
	var right bool
	var err error
	a.blocking(func() { right, err = b.CheckPIN(a.String(0), b.declared.text("pin")) })
	if err != nil {
		a.api.services.Log.Error("a PIN cannot be checked", "mailbox", b.Address(), "error", err)
	}
	return a.Return(lua.LBool(right))
}

func (a *Args) mailboxSetPIN() int {
	b := a.box()
	return a.did(func() error { return b.SetPIN(a.String(0)) })
}

func (a *Args) mailboxBegin() int {
	b := a.box()
	b.Begin()
	b.sessions++
	a.State.Cleanup(func() {
		if b.sessions > 0 {
			b.sessions--
			if err := b.End(); err != nil {
				a.api.services.Log.Error("messages cannot be put in order", "mailbox", b.Address(), "error", err)
			}
		}
	})
	return 0
}

func (a *Args) mailboxFinish() int {
	b := a.box()
	if b.sessions == 0 {
		return 0
	}
	b.sessions--
	a.blocking(func() {
		if err := b.End(); err != nil {
			a.api.services.Log.Error("messages cannot be put in order", "mailbox", b.Address(), "error", err)
		}
	})
	return 0
}

// mailboxChanged runs the hooks of "voicemail.changed". Any goroutine.
func (api *API) mailboxChanged(c mailbox.Change) {
	if api.host == nil || api.host.Current() == nil {
		return
	}
	v := api.host.Current()
	site := v.Declarations().(*Site)
	api.background.run(v, site, "voicemail.changed", site.hooks["voicemail.changed"], func(L *lua.LState) lua.LValue {
		t := L.CreateTable(0, 4)
		t.RawSetString("mailbox", lua.LString(c.Address))
		t.RawSetString("new", lua.LNumber(c.Counts.New))
		t.RawSetString("urgent", lua.LNumber(c.Counts.Urgent))
		t.RawSetString("old", lua.LNumber(c.Counts.Old))
		return t
	})
}

// chance is the API's source of chance as bytes.
type chance struct{ api *API }

func (c chance) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c.api.randomNumber() >> 32)
	}
	return len(p), nil
}
