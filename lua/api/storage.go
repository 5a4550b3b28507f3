package api

import (
	"context"
	"errors"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/store"
)

var (
	familyField = Field{Name: "family", Type: text(), Required: true, Summary: "a group of keys"}
	keyField    = Field{Name: "key", Type: text(), Required: true, Summary: "any text"}
	doneResults = []Field{
		{Name: "done", Type: truth(), Summary: "false where it failed"},
		{Name: "reason", Type: text(), Summary: "why it failed"},
	}
)

var storeEntries = []*Entry{
	{On: "store", Name: "get", Phase: Running, Summary: "Reads a value that calls share.",
		Params: []Field{familyField, keyField, {Name: "default", Type: anything(), Summary: "given where there is none"}},
		Results: []Field{
			{Name: "value", Type: either(text(), Type{Kinds: kindNil}), Summary: "nil where there is none"},
			{Name: "reason", Type: text(), Summary: "why reading failed"},
		},
		Example: `context "internal":extension("680", function(call)
  local name = store.get("cidname", call.caller.number)
  if name then call.caller.name = name end
end)`,
		Func: (*Args).storeGet},
	{On: "store", Name: "put", Phase: Running, Summary: "Keeps a value that calls share.",
		Detail: "Comes back when the value is safe on the disk. Values are text; numbers and booleans become text, tables need json.encode.",
		Params: []Field{familyField, keyField,
			{Name: "value", Type: either(text(), number(), truth()), Required: true, Summary: "what to keep"},
			{Name: "options", Summary: "how long", Type: record(Field{Name: "ttl", Type: seconds(), Unit: "s", Default: 0, Summary: "forget it after so long; 0 is never"})},
		},
		Results: doneResults,
		Example: `context "internal":extension("681", function(call)
  store.put("lastcall", call.extension, call.caller.number, { ttl = 86400 })
end)`,
		Func: (*Args).storePut},
	{On: "store", Name: "delete", Phase: Running, Summary: "Forgets a value.",
		Params: []Field{familyField, keyField}, Results: doneResults,
		Example: `context "internal":extension("682", function(call) store.delete("lastcall", call.extension) end)`,
		Func:    (*Args).storeDelete},
	{On: "store", Name: "delete_tree", Phase: Running, Summary: "Forgets a key and all keys below it, or a whole family.",
		Params: []Field{familyField, {Name: "root", Type: text(), Summary: "this key and those that begin with it and a slash; all keys where left out"}},
		Results: []Field{
			{Name: "count", Type: either(count(), Type{Kinds: kindNil}), Summary: "how many there were"},
			{Name: "reason", Type: text(), Summary: "why it failed"},
		},
		Example: `context "internal":extension("685", function(call) store.delete_tree("lastcall", call.extension) end)`,
		Func:    (*Args).storeDeleteTree},
	{On: "store", Name: "keys", Phase: Running, Summary: "Lists the keys of a family.",
		Params: []Field{familyField, {Name: "prefix", Type: text(), Summary: "only those that begin so"}},
		Results: []Field{
			{Name: "keys", Type: either(listOf(text()), Type{Kinds: kindNil}), Summary: "in order"},
			{Name: "reason", Type: text(), Summary: "why listing failed"},
		},
		Example: `context "internal":extension("683", function(call)
  for _, key in ipairs(store.keys "lastcall") do log.info("%s", key) end
end)`,
		Func: (*Args).storeKeys},
	{On: "store", Name: "add", Phase: Running, Summary: "Counts: adds to a number, however many calls do so at once.",
		Params: []Field{familyField, keyField, {Name: "delta", Type: whole(), Default: 1, Summary: "what to add"}},
		Results: []Field{
			{Name: "sum", Type: either(number(), Type{Kinds: kindNil}), Summary: "the new number"},
			{Name: "reason", Type: text(), Summary: "why it failed"},
		},
		Example: `context "internal":extension("684", function(call) call:say { number = store.add("visits", "684") } end)`,
		Func:    (*Args).storeAdd},
	{On: "store", Name: "watch", Phase: Loading, Summary: "Runs a function beside the calls whenever a value of a family changes.",
		Params: []Field{familyField,
			{Name: "fn", Type: function("fun(change: table)"), Required: true, Summary: "gets `family`, `key`, and `value`, which is nil when it was deleted"}},
		Example: `store.watch("config", function(change) log.info("%s is now %s", change.key, change.value) end)`,
		Func:    (*Args).storeWatch},
}

// stored runs f on the store; the script waits. f returns what the story of the
// call shows of its outcome.
func (a *Args) stored(f func(ctx context.Context, s Store) (shown string, err error)) (err error) {
	s := a.api.services.Store
	if s == nil {
		s = noStore{}
	}
	began := a.api.services.Clock.Now()
	shown := ""
	a.blocking(func() { shown, err = f(context.Background(), s) })
	a.noteStore(a.api.services.Clock.Now().Sub(began), shown, err)
	return err
}

// key reads the family and the key, which must not be empty.
func (a *Args) key() (family, key string) {
	family, key = a.String(0), a.String(1)
	if family == "" || key == "" {
		a.Fail("family and key must not be empty")
	}
	return family, key
}

func (a *Args) storeGet() int {
	family, key := a.key()
	var value []byte
	err := a.stored(func(ctx context.Context, s Store) (shown string, err error) {
		value, err = s.Get(ctx, family, key)
		return glimpse(value), err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return a.Return(a.Value(2))
	case err != nil:
		return a.Refuse(err.Error())
	}
	return a.Return(lua.LString(value))
}

// glimpse is the beginning of a value, for the story of the call.
func glimpse(value []byte) string { return string(value[:min(len(value), longestArgs)]) }

// outcome is true, or false and a reason.
func (a *Args) outcome(err error) int {
	if err != nil {
		return a.Return(lua.LFalse, lua.LString(err.Error()))
	}
	return a.Return(lua.LTrue)
}

func (a *Args) storePut() int {
	family, key := a.key()
	value, o := []byte(a.Value(2).String()), store.PutOptions{TTL: a.Options(3).Seconds("ttl")}
	return a.outcome(a.stored(func(ctx context.Context, s Store) (string, error) {
		return glimpse(value), s.Put(ctx, family, key, value, o)
	}))
}

func (a *Args) storeDelete() int {
	family, key := a.key()
	err := a.stored(func(ctx context.Context, s Store) (string, error) { return "", s.Delete(ctx, family, key) })
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return a.outcome(err)
}

func (a *Args) storeDeleteTree() int {
	var n int
	err := a.stored(func(ctx context.Context, s Store) (shown string, err error) {
		n, err = s.DeleteTree(ctx, a.String(0), a.String(1))
		return strconv.Itoa(n), err
	})
	if err != nil {
		return a.Refuse(err.Error())
	}
	return a.Return(lua.LNumber(n))
}

func (a *Args) storeKeys() int {
	var keys []string
	err := a.stored(func(ctx context.Context, s Store) (shown string, err error) {
		keys, err = s.Keys(ctx, a.String(0), a.String(1))
		return strconv.Itoa(len(keys)) + " keys", err
	})
	if err != nil {
		return a.Refuse(err.Error())
	}
	a.State.Reserve(a.L, 64*len(keys))
	return a.Return(toLua(a.L, keys))
}

func (a *Args) storeAdd() int {
	family, key := a.key()
	var sum int64
	err := a.stored(func(ctx context.Context, s Store) (shown string, err error) {
		sum, err = s.Add(ctx, family, key, int64(a.Number(2)))
		return strconv.FormatInt(sum, 10), err
	})
	if err != nil {
		return a.Refuse(err.Error())
	}
	return a.Return(lua.LNumber(sum))
}

func (a *Args) storeWatch() int {
	ref := a.State.Declare(a.L, "store.watch", a.String(0), a.Function(1))
	if site := a.site(); site != nil {
		if strings.TrimSpace(a.String(0)) == "" {
			a.Fail("family must not be empty")
		}
		site.watches = append(site.watches, watch{a.String(0), ref, a.Source()})
	}
	return 0
}
