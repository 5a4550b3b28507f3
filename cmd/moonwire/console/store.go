package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/moonwire/moonwire/core/store"
)

var (
	familyArg = Arg{Name: "FAMILY", Complete: (*Session).families}
	keyArg    = Arg{Name: "KEY", Complete: (*Session).keys}
)

var storeCommands = []*Command{
	{Words: "store get", Args: []Arg{familyArg, keyArg}, Summary: "read a value that calls share", Run: storeGet},
	{Words: "store put", Args: []Arg{familyArg, keyArg, {Name: "VALUE"}, {Name: "TTL", Optional: true}}, Summary: "keep a value, for as long as 90s or 24h if a time is given", Run: storePut},
	{Words: "store delete", Args: []Arg{familyArg, keyArg}, Summary: "forget a value", Run: storeDelete},
	{Words: "store deltree", Args: []Arg{familyArg, {Name: "KEY", Optional: true, Complete: (*Session).keys}}, Summary: "forget a family, or a key and all below it", Run: storeDeleteTree},
	{Words: "store show", Args: []Arg{{Name: "FAMILY", Optional: true, Complete: (*Session).families}, {Name: "KEY", Optional: true, Complete: (*Session).keys}}, Summary: "list what is kept", Run: storeShow},
}

func (s *Session) families() []string {
	list, _ := s.Store.Families(context.Background())
	return slices.DeleteFunc(list, func(f string) bool { return s.Private(f) != nil })
}

// keys are those of the family that was typed before.
func (s *Session) keys() (list []string) {
	n := len(s.completing)
	if n == 0 || s.Private(s.completing[n-1]) != nil {
		return nil
	}
	entries, _ := s.Store.List(context.Background(), s.completing[n-1], "")
	for _, e := range entries {
		list = append(list, e.Key)
	}
	return list
}

func storeGet(r *Run) (Result, error) {
	if err := r.Private(r.arg(0)); err != nil {
		return Result{}, err
	}
	value, err := r.Store.Get(r, r.arg(0), r.arg(1))
	if errors.Is(err, store.ErrNotFound) {
		return Result{}, fmt.Errorf("there is no %s/%s", r.arg(0), r.arg(1))
	}
	if err != nil {
		return Result{}, err
	}
	t := &Table{Columns: columns("family", "key", "value"), One: true}
	t.add(r.arg(0), r.arg(1), string(value))
	return Result{Table: t, Text: printable(string(value)) + "\n"}, nil
}

func storePut(r *Run) (Result, error) {
	if err := r.Private(r.arg(0)); err != nil {
		return Result{}, err
	}
	var o store.PutOptions
	if r.arg(3) != "" {
		ttl, err := time.ParseDuration(r.arg(3))
		if err != nil || ttl <= 0 {
			return Result{}, usage("%q is not a time such as 90s, 15m or 24h", r.arg(3))
		}
		o.TTL = ttl
	}
	if err := r.Store.Put(r, r.arg(0), r.arg(1), []byte(r.arg(2)), o); err != nil {
		return Result{}, err
	}
	return Result{Text: fmt.Sprintf("kept %s/%s", r.arg(0), r.arg(1))}, nil
}

func storeDelete(r *Run) (Result, error) {
	if err := r.Private(r.arg(0)); err != nil {
		return Result{}, err
	}
	if _, err := r.Store.Get(r, r.arg(0), r.arg(1)); err != nil {
		return Result{}, fmt.Errorf("there is no %s/%s", r.arg(0), r.arg(1))
	}
	if err := r.Store.Delete(r, r.arg(0), r.arg(1)); err != nil {
		return Result{}, err
	}
	return Result{Text: fmt.Sprintf("forgot %s/%s", r.arg(0), r.arg(1))}, nil
}

func storeDeleteTree(r *Run) (Result, error) {
	if err := r.Private(r.arg(0)); err != nil {
		return Result{}, err
	}
	n, err := r.Store.DeleteTree(r, r.arg(0), r.arg(1))
	if err != nil {
		return Result{}, err
	}
	if n == 0 {
		return Result{}, fmt.Errorf("there is nothing below %s/%s", r.arg(0), r.arg(1))
	}
	return Result{Text: "forgot " + count(n, "value")}, nil
}

// mostEntries is how many entries are listed.
const mostEntries = 10_000

// storeShow lists entries; those of the server's own families are left out.
func storeShow(r *Run) (Result, error) {
	families := []string{r.arg(0)}
	if r.arg(0) == "" {
		families = r.families()
	} else if err := r.Private(r.arg(0)); err != nil {
		return Result{}, err
	}
	t := &Table{Columns: columns("family", "key", "value", "expires"), Empty: "nothing is kept"}
	for _, family := range families {
		entries, err := r.Store.List(r, family, r.arg(1))
		if err != nil {
			return Result{}, err
		}
		for _, e := range entries {
			if len(t.Rows) == mostEntries {
				t.Foot = fmt.Sprintf("the first %d; name a family and the beginning of a key to see others", mostEntries)
				return Result{Table: t}, nil
			}
			t.add(e.Family, e.Key, string(e.Value), e.Expires)
		}
	}
	t.Foot = count(len(t.Rows), "value")
	return Result{Table: t}, nil
}
