package api

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"

	lua "github.com/yuin/gopher-lua"
)

var helperEntries = []*Entry{
	{On: "random", Name: "integer", Phase: Running, Summary: "A whole number by chance.",
		Params:  []Field{{Name: "low", Type: whole(), Required: true, Summary: "the least"}, {Name: "high", Type: whole(), Required: true, Summary: "the greatest"}},
		Results: []Field{{Name: "number", Type: whole(), Summary: "from low to high"}},
		Example: `context "internal":extension("700", function(call) call:say { number = random.integer(1, 6) } end)`,
		Func:    (*Args).randomInteger},
	{On: "random", Name: "pick", Phase: Running, Summary: "One of a list by chance.",
		Params:  []Field{{Name: "list", Type: listOf(anything()), Required: true, Summary: "not empty"}},
		Results: []Field{{Name: "item", Type: anything(), Summary: "nil where the list is empty"}},
		Example: `context "internal":extension("701", function(call) call:play(random.pick { "welcome", "vm-goodbye" }) end)`,
		Func:    (*Args).randomPick},
	transform("base64", "encode", "Writes bytes as base64.", `log.info(base64.encode "user:password")`,
		func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }),
	transform("base64", "decode", "Reads base64.", `local bytes, reason = base64.decode "aGVsbG8="`,
		func(s string) (string, error) {
			b, err := base64.StdEncoding.DecodeString(s)
			return string(b), err
		}),
	transform("hash", "md5", "The MD5 sum of a text, in hexadecimal.", `log.info(hash.md5 "text")`,
		func(s string) (string, error) { b := md5.Sum([]byte(s)); return hex.EncodeToString(b[:]), nil }),
	transform("hash", "sha1", "The SHA-1 sum of a text, in hexadecimal.", `log.info(hash.sha1 "text")`,
		func(s string) (string, error) { b := sha1.Sum([]byte(s)); return hex.EncodeToString(b[:]), nil }),
	transform("hash", "sha256", "The SHA-256 sum of a text, in hexadecimal.", `log.info(hash.sha256 "text")`,
		func(s string) (string, error) { b := sha256.Sum256([]byte(s)); return hex.EncodeToString(b[:]), nil }),
	{On: "hash", Name: "hmac", Phase: Both, Summary: "The HMAC-SHA-256 of a text, in hexadecimal.",
		Params:  []Field{{Name: "key", Type: text(), Required: true, Summary: "the secret"}, {Name: "text", Type: text(), Required: true, Summary: "what is signed"}},
		Results: []Field{{Name: "sum", Type: text(), Summary: "64 characters"}},
		Example: `log.info(hash.hmac("key", "text"))`,
		Func: func(a *Args) int {
			m := hmac.New(sha256.New, []byte(a.String(0)))
			m.Write([]byte(a.String(1)))
			return a.Return(lua.LString(hex.EncodeToString(m.Sum(nil))))
		}},
	transform("url", "encode", "Makes a text safe within a URL.", `log.info(url.encode "Front desk & co")`,
		func(s string) (string, error) { return url.QueryEscape(s), nil }),
	transform("url", "decode", "Reads what url.encode wrote.", `local text, reason = url.decode "Front+desk"`, url.QueryUnescape),
	{On: "url", Name: "query", Phase: Both, Summary: "Writes the query part of a URL.",
		Params:  []Field{{Name: "values", Type: mapOf(either(text(), number(), truth())), Required: true, Summary: "by name"}},
		Results: []Field{{Name: "text", Type: text(), Summary: "without the question mark, sorted by name"}},
		Example: `log.info("https://crm.example.org/call?" .. url.query { number = "1001", name = "Front desk" })`,
		Func:    (*Args).urlQuery},
}

// transform is an entry that makes one text of another.
func transform(on, name, summary, example string, f func(string) (string, error)) *Entry {
	return &Entry{
		On: on, Name: name, Phase: Both, Summary: summary, Example: example,
		Params: []Field{{Name: "text", Type: text(), Required: true, Summary: "any bytes"}},
		Results: []Field{
			{Name: "result", Type: either(text(), Type{Kinds: kindNil}), Summary: "nil where the text is not valid"},
			{Name: "reason", Type: text(), Summary: "what is wrong with it"},
		},
		Func: func(a *Args) int {
			result, err := f(a.String(0))
			if err != nil {
				return a.Refuse(err.Error())
			}
			return a.Return(lua.LString(result))
		},
	}
}

// randomNumber is any number, from the source that the services gave.
func (api *API) randomNumber() uint64 {
	api.randomLock.Lock()
	defer api.randomLock.Unlock()
	return api.random.Uint64()
}

func (a *Args) randomInteger() int {
	low, high := int64(a.Number(0)), int64(a.Number(1))
	if high < low {
		a.Fail("high is less than low")
	}
	return a.Return(lua.LNumber(low + int64(a.api.randomNumber()%uint64(high-low+1))))
}

func (a *Args) randomPick() int {
	list := a.L.Get(1).(*lua.LTable)
	if list.Len() == 0 {
		return a.Return(lua.LNil)
	}
	return a.Return(list.RawGetInt(1 + int(a.api.randomNumber()%uint64(list.Len()))))
}

func (a *Args) urlQuery() int {
	values := url.Values{}
	a.L.Get(1).(*lua.LTable).ForEach(func(k, v lua.LValue) {
		values.Set(k.String(), v.String())
	})
	return a.Return(lua.LString(values.Encode()))
}
