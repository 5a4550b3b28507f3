package api

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

const largestFile = 8 << 20 // bytes that fs reads and writes at once

var pathField = Field{Name: "path", Type: text(), Required: true, Summary: "absolute, within a granted folder"}

var fsEntries = []*Entry{
	{On: "fs", Name: "read", Phase: Running, Summary: "Reads a file within a granted folder.",
		Params: []Field{pathField},
		Results: []Field{
			{Name: "content", Type: either(text(), Type{Kinds: kindNil}), Summary: "nil where it cannot be read; at most 8 MiB"},
			{Name: "reason", Type: text(), Summary: "why not"},
		},
		Example: `grant { read = "/srv/lists" }
context "internal":extension("690", function(call)
  local list, reason = fs.read "/srv/lists/vip.txt"
  if not list then log.warn("no list: %s", reason) end
end)`,
		Func: (*Args).fsRead},
	{On: "fs", Name: "write", Phase: Running, Summary: "Writes a file within a granted folder, whole or not at all.",
		Params:  []Field{pathField, {Name: "content", Type: text(), Required: true, Summary: "at most 8 MiB"}},
		Results: doneResults,
		Example: `grant { write = "/srv/out" }
context "internal":extension("691", function(call) fs.write("/srv/out/" .. call.id .. ".txt", call.caller.number) end)`,
		Func: (*Args).fsWrite},
	{On: "fs", Name: "append", Phase: Running, Summary: "Adds to the end of a file within a granted folder.",
		Params:  []Field{pathField, {Name: "content", Type: text(), Required: true, Summary: "at most 8 MiB"}},
		Results: doneResults,
		Example: `grant { write = "/srv/out" }
on("call.ended", function(record) fs.append("/srv/out/calls.csv", record.id .. "," .. record.duration .. "\n") end)`,
		Func: (*Args).fsAppend},
	{On: "fs", Name: "list", Phase: Running, Summary: "Lists a granted folder.",
		Params: []Field{pathField},
		Results: []Field{
			{Name: "names", Type: either(listOf(text()), Type{Kinds: kindNil}), Summary: "sorted; folders end with a slash"},
			{Name: "reason", Type: text(), Summary: "why not"},
		},
		Example: `grant { read = "/srv/lists" }
context "internal":extension("692", function() for _, name in ipairs(fs.list "/srv/lists" or {}) do log.info(name) end end)`,
		Func: (*Args).fsList},
	{On: "fs", Name: "remove", Phase: Running, Summary: "Removes a file, or an empty folder, within a granted folder.",
		Params: []Field{pathField}, Results: doneResults,
		Example: `grant { write = "/srv/out" }
context "internal":extension("693", function() fs.remove "/srv/out/old.txt" end)`,
		Func: (*Args).fsRemove},
	{On: "fs", Name: "exists", Phase: Running, Summary: "Tells whether there is a file within a granted folder.",
		Params:  []Field{pathField},
		Results: []Field{{Name: "there", Type: truth(), Summary: "false also where it is not granted"}},
		Example: `grant { read = "/srv/lists" }
context "internal":extension("694", function(call) if fs.exists "/srv/lists/closed" then call:busy() end end)`,
		Func: (*Args).fsExists},
	{On: "fs", Name: "stat", Phase: Running, Summary: "Tells the size and age of a file within a granted folder.",
		Params: []Field{pathField},
		Results: []Field{
			{Name: "facts", Summary: "nil where there is none", Type: either(Type{Kinds: kindNil}, record(
				Field{Name: "size", Type: number(), Unit: "bytes", Summary: "of the file"},
				Field{Name: "modified", Type: number(), Unit: "s", Summary: "since 1970"},
				Field{Name: "folder", Type: truth(), Summary: "whether it is a folder"},
			))},
			{Name: "reason", Type: text(), Summary: "why not"},
		},
		Example: `grant { read = "/srv/lists" }
context "internal":extension("695", function()
  local facts = fs.stat "/srv/lists/vip.txt"
  if facts then log.info("%d bytes", facts.size) end
end)`,
		Func: (*Args).fsStat},
}

// within runs f on the granted folder that a path lies in; the script waits. The
// folder is a root: neither ".." nor a symbolic link leads out of it.
func (a *Args) within(write bool, f func(root *os.Root, name string) error) (err error) {
	a.blocking(func() { err = a.inFolder(write, f) })
	return err
}

func (a *Args) inFolder(write bool, f func(root *os.Root, name string) error) error {
	p := a.String(0)
	if !filepath.IsAbs(p) {
		return fmt.Errorf("%q is not an absolute path", p)
	}
	folder, rest, ok := a.grants().folder(p, write)
	if !ok {
		capability := "read"
		if write {
			capability = "write"
		}
		a.refused(capability + " " + p)
		return errors.New(a.grants().refusal(p+" is in no folder that is granted", fmt.Sprintf("%s = %q", capability, filepath.Dir(p))))
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return f(root, rest)
}

func (a *Args) fsRead() int {
	var content []byte
	err := a.within(false, func(root *os.Root, name string) error {
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		content, err = io.ReadAll(io.LimitReader(f, largestFile+1))
		if err == nil && len(content) > largestFile {
			err = fmt.Errorf("%s is larger than 8 MiB", name)
		}
		return err
	})
	if err != nil {
		return a.Refuse(err.Error())
	}
	return a.Return(lua.LString(content))
}

var errTooLarge = errors.New("more than 8 MiB")

func (a *Args) fsWrite() int {
	content := a.String(1)
	return a.outcome(a.within(true, func(root *os.Root, name string) error {
		if len(content) > largestFile {
			return errTooLarge
		}
		draft := name + "." + strconv.FormatUint(a.api.randomNumber(), 36) + ".tmp"
		if err := writeAll(root, draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, content, true); err != nil {
			_ = root.Remove(draft)
			return err
		}
		return root.Rename(draft, name)
	}))
}

func (a *Args) fsAppend() int {
	content := a.String(1)
	return a.outcome(a.within(true, func(root *os.Root, name string) error {
		if len(content) > largestFile {
			return errTooLarge
		}
		return writeAll(root, name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, content, false)
	}))
}

func writeAll(root *os.Root, name string, flags int, content string, sync bool) error {
	f, err := root.OpenFile(name, flags, 0o640)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, content)
	if err == nil && sync {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (a *Args) fsList() int {
	var names []string
	err := a.within(false, func(root *os.Root, name string) error {
		entries, err := fs.ReadDir(root.FS(), filepath.ToSlash(name))
		for _, e := range entries {
			n := e.Name()
			if e.IsDir() {
				n += "/"
			}
			names = append(names, n)
		}
		return err
	})
	if err != nil {
		return a.Refuse(err.Error())
	}
	return a.Return(toLua(a.L, names))
}

func (a *Args) fsRemove() int {
	return a.outcome(a.within(true, func(root *os.Root, name string) error { return root.Remove(name) }))
}

func (a *Args) fsExists() int {
	err := a.within(false, func(root *os.Root, name string) error {
		_, err := root.Stat(name)
		return err
	})
	return a.Return(lua.LBool(err == nil))
}

func (a *Args) fsStat() int {
	var info fs.FileInfo
	err := a.within(false, func(root *os.Root, name string) (err error) {
		info, err = root.Stat(name)
		return err
	})
	if err != nil {
		return a.Refuse(err.Error())
	}
	t := a.L.CreateTable(0, 3)
	t.RawSetString("size", lua.LNumber(info.Size()))
	t.RawSetString("modified", fromTime(info.ModTime()))
	t.RawSetString("folder", lua.LBool(info.IsDir()))
	return a.Return(t)
}
