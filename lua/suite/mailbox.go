package suite

import (
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/mailbox"
	"github.com/moonwire/moonwire/core/media/file"
	"github.com/moonwire/moonwire/lua/api"
)

var mailboxClass = &api.Class{Name: "testmailbox", Summary: "A mailbox of the site.",
	Fields: []api.Field{
		{Name: "new", Type: api.CountType(), Summary: "messages that were not listened to, urgent ones too"},
		{Name: "old", Type: api.CountType(), Summary: "messages that were"},
	}}

var mailboxEntries = []*api.Entry{
	{On: "t", Name: "mailbox", Phase: api.Running, Summary: "A mailbox of the site.",
		Params:  []api.Field{{Name: "address", Type: api.TextType(), Required: true, Summary: "as in mailbox"}},
		Results: []api.Field{{Name: "mailbox", Type: api.ObjectType("testmailbox"), Summary: "says what is in it"}},
		Example: example(`t:mailbox("1001@internal"):has(0)`),
		Func:    openMailbox},
	{On: "testmailbox", Name: "has", Phase: api.Running, Summary: "Asserts how many messages there are; waits for them.",
		Params: []api.Field{
			{Name: "new", Type: api.CountType(), Required: true, Summary: "not listened to, urgent ones too"},
			{Name: "old", Type: api.CountType(), Summary: "listened to; any number where left out"}, withinField},
		Results: []api.Field{{Name: "mailbox", Type: api.ObjectType("testmailbox"), Summary: "the same"}},
		Example: example(`t:mailbox("1001@internal"):has(0, 0)`),
		Func:    mailboxHas},
	{On: "testmailbox", Name: "messages", Phase: api.Running, Summary: "The messages of a folder, in order.",
		Params: []api.Field{{Name: "folder", Type: api.WordsType(mailbox.Folders...), Default: mailbox.Inbox, Summary: "which"}},
		Results: []api.Field{{Name: "messages", Summary: "what is known of each", Type: api.ListType(api.RecordType(
			api.Field{Name: "caller_number", Type: api.TextType(), Summary: "who left it"},
			api.Field{Name: "caller_name", Type: api.TextType(), Summary: "who left it"},
			api.Field{Name: "duration", Type: api.NumberType(), Unit: "s", Summary: "of the sound"},
			api.Field{Name: "urgent", Type: api.TruthType(), Summary: "marked so"},
			api.Field{Name: "path", Type: api.TextType(), Summary: "of the sound, as in hears"},
		))}},
		Example: example(`t:equal(#t:mailbox("1001@internal"):messages(), 0)`),
		Func:    mailboxMessages},
	{On: "testmailbox", Name: "receives", Phase: api.Running, Summary: "Puts a message into the mailbox.",
		Params: []api.Field{{Name: "message", Summary: "what is known of it", Type: api.RecordType(
			api.Field{Name: "seconds", Type: api.SecondsType(), Unit: "s", Default: 3, Summary: "how long it is"},
			api.Field{Name: "from", Type: api.TextType(), Default: "1002", Summary: "the caller's number"},
			api.Field{Name: "name", Type: api.TextType(), Default: "", Summary: "the caller's name"},
			api.Field{Name: "ago", Type: api.SecondsType(), Unit: "s", Default: 0, Summary: "how long ago it was left"},
			api.Field{Name: "urgent", Type: api.TruthType(), Default: false, Summary: "marked so"},
		)}},
		Results: []api.Field{{Name: "mailbox", Type: api.ObjectType("testmailbox"), Summary: "the same"}},
		Example: example(`t:mailbox("1001@internal"):receives({ seconds = 5 }):has(1)`),
		Func:    mailboxReceives},
	{On: "testmailbox", Name: "greets", Phase: api.Running, Summary: "Records a greeting.",
		Params: []api.Field{{Name: "kind", Type: api.WordsType("unavail", "busy", "greet", "temp"), Required: true, Summary: "which"},
			{Name: "seconds", Type: api.SecondsType(), Unit: "s", Default: 2, Summary: "how long it is"}},
		Results: []api.Field{{Name: "mailbox", Type: api.ObjectType("testmailbox"), Summary: "the same"}},
		Example: example(`t:mailbox("1001@internal"):greets "busy"`),
		Func:    mailboxGreets},
}

// box is a mailbox of a test.
type box struct {
	b    *bench
	kept *mailbox.Box
}

// Class implements api.Object.
func (m *box) Class() string { return "testmailbox" }

// Title implements api.Object.
func (m *box) Title() string { return m.kept.Address() }

// Get implements api.Object.
func (m *box) Get(_ *lua.LState, name string) (lua.LValue, bool) {
	counts, err := m.kept.Counts()
	switch {
	case err != nil:
		return nil, false
	case name == "new":
		return lua.LNumber(counts.New + counts.Urgent), true
	case name == "old":
		return lua.LNumber(counts.Old), true
	}
	return nil, false
}

func openMailbox(a *api.Args) int {
	b := benchOf(a)
	w := b.open(a)
	declared := w.Site().Mailboxes
	number, context, err := mailbox.Split(a.String(0))
	if address := number + "@" + context; err == nil && declared[address] != nil {
		kept, err := w.Mailboxes().Box(address)
		if err != nil {
			return fail(a, "%s", err)
		}
		return a.Return(a.Wrap(&box{b, kept}))
	}
	var known []string
	for address := range declared {
		known = append(known, address)
	}
	slices.Sort(known)
	return fail(a, "the site has no mailbox %q; it has %s", a.String(0), strings.Join(known, ", "))
}

func mailboxHas(a *api.Args) int {
	m := a.Self().(*box)
	var counts mailbox.Counts
	var err error
	right := func() bool {
		counts, err = m.kept.Counts()
		return err == nil && counts.New+counts.Urgent == a.Int(0) && (!a.Has(1) || counts.Old == a.Int(1))
	}
	switch {
	case m.b.until(a, patience(a, 2), right):
		return a.Return(a.L.Get(1))
	case err != nil:
		return fail(a, "%s", err)
	}
	return fail(a, "mailbox %s has %d new and %d old messages", m.Title(), counts.New+counts.Urgent, counts.Old)
}

func mailboxMessages(a *api.Args) int {
	m := a.Self().(*box)
	m.b.settle(a)
	list, err := m.kept.Messages(a.String(0))
	if err != nil {
		return fail(a, "%s", err)
	}
	t := a.L.NewTable()
	for _, message := range list {
		name, number := message.Caller()
		row := a.L.NewTable()
		row.RawSetString("caller_name", lua.LString(name))
		row.RawSetString("caller_number", lua.LString(number))
		row.RawSetString("duration", a.Make(message.Duration))
		row.RawSetString("urgent", lua.LBool(message.Urgent()))
		row.RawSetString("path", a.Make(message.Sound))
		t.Append(row)
	}
	return a.Return(t)
}

// draft makes a draft that hums.
func (m *box) draft(a *api.Args, length time.Duration) string {
	draft, err := m.kept.Draft(".wav")
	if err == nil {
		var w *file.Writer
		if w, err = file.Create(m.b.world.Mailboxes().Root(), draft, file.WriterOptions{}); err == nil {
			pcm := make([]int16, int(length.Seconds()*float64(w.Rate())))
			for i := range pcm {
				pcm[i] = int16(i % 20 * 100)
			}
			if err = w.Write(pcm); err == nil {
				err = w.Close()
			}
		}
	}
	if err != nil {
		fail(a, "%s", err)
	}
	return draft
}

func mailboxReceives(a *api.Args) int {
	m, o := a.Self().(*box), a.Options(0)
	message := mailbox.Message{
		CallerID: mailbox.CallerID(o.String("name"), o.String("from")),
		Time:     m.b.world.Now().Add(-o.Seconds("ago")),
	}
	if o.Bool("urgent") {
		message.Flag = "Urgent"
	}
	if _, err := m.kept.Deliver(mailbox.Delivery{Draft: m.draft(a, o.Seconds("seconds")), Message: message}); err != nil {
		return fail(a, "%s", err)
	}
	m.b.settle(a)
	return a.Return(a.L.Get(1))
}

func mailboxGreets(a *api.Args) int {
	m := a.Self().(*box)
	if err := m.kept.KeepGreeting(mailbox.Greeting(a.String(0)), m.draft(a, a.Seconds(1))); err != nil {
		return fail(a, "%s", err)
	}
	return a.Return(a.L.Get(1))
}
