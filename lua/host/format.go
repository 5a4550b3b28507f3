package host

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// stringFormat is string.format with C's verbs, as the language defines it.
// Widths and precisions have at most two digits, so the result is never much
// longer than its parts.
func stringFormat(L *lua.LState) int {
	format := L.CheckString(1)
	s := FromLua(L)
	var b strings.Builder
	argument := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		if i++; i < len(format) && format[i] == '%' {
			b.WriteByte('%')
			continue
		}
		spec, verb := formatSpec(L, format[i:])
		i += len(spec)
		if argument++; argument > L.GetTop() {
			L.ArgError(argument, "no value for %"+spec+string(verb))
		}
		text := formatValue(L, argument, spec, verb)
		s.CheckLength(L, b.Len()+len(text))
		b.WriteString(text)
	}
	L.Push(lua.LString(b.String()))
	return 1
}

// formatSpec splits flags, width and precision from the verb that follows them.
func formatSpec(L *lua.LState, text string) (spec string, verb byte) {
	i := 0
	for i < len(text) && strings.IndexByte("-+ #0", text[i]) >= 0 {
		i++
	}
	flags := i
	digits := func() {
		for n := 0; i < len(text) && isDigit(text[i]); n++ {
			if n == 2 {
				L.RaiseError("a width or precision in a format has at most two digits")
			}
			i++
		}
	}
	digits()
	if i < len(text) && text[i] == '.' {
		i++
		digits()
	}
	if flags > 5 || i >= len(text) {
		L.RaiseError("the format ends after %%%s", clip(text[:i]))
	}
	return text[:i], text[i]
}

func formatValue(L *lua.LState, n int, spec string, verb byte) string {
	switch verb {
	case 'd', 'i', 'u':
		return fmt.Sprintf("%"+spec+"d", integerArgument(L, n))
	case 'x', 'X', 'o':
		return fmt.Sprintf("%"+spec+string(verb), uint64(integerArgument(L, n)))
	case 'c':
		return fmt.Sprintf("%"+spec+"s", string([]byte{byte(integerArgument(L, n))}))
	case 'e', 'E', 'f', 'F', 'g', 'G':
		return formatFloat(spec, verb, float64(numberArgument(L, n)))
	case 's':
		text := L.ToStringMeta(L.Get(n)).String()
		if spec == "" {
			return text
		}
		return fmt.Sprintf("%"+strings.Trim(spec, "+ #0")+"s", text)
	case 'q':
		return quoted(L.CheckString(n))
	}
	L.RaiseError("a format knows no %%%s%s", spec, strconv.QuoteRune(rune(verb)))
	return ""
}

func formatFloat(spec string, verb byte, value float64) string {
	switch {
	case math.IsNaN(value):
		return fmt.Sprintf("%"+width(spec)+"s", "nan")
	case math.IsInf(value, 0):
		return fmt.Sprintf("%"+width(spec)+"s", strings.ToLower(strings.TrimPrefix(fmt.Sprint(value), "+")))
	}
	if (verb == 'g' || verb == 'G') && !strings.Contains(spec, ".") {
		spec += ".6"
	}
	return fmt.Sprintf("%"+spec+string(verb), value)
}

// width is spec without what only numbers have.
func width(spec string) string {
	spec, _, _ = strings.Cut(spec, ".")
	if left := strings.HasPrefix(spec, "-"); left {
		return "-" + strings.TrimLeft(spec, "-+ #0")
	}
	return strings.TrimLeft(spec, "-+ #0")
}

func numberArgument(L *lua.LState, n int) lua.LNumber {
	if text, ok := L.Get(n).(lua.LString); ok {
		if number, ok := parseNumber(strings.TrimSpace(string(text))).(lua.LNumber); ok {
			return number
		}
	}
	return L.CheckNumber(n)
}

func integerArgument(L *lua.LState, n int) int64 { return int64(numberArgument(L, n)) }

// quoted is text as Lua would write it.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; c {
		case '"', '\\', '\n':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\r':
			b.WriteString(`\r`)
		case 0:
			b.WriteString(`\000`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
