package api

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/trace"
)

var logEntries = []*Entry{
	logEntry("debug", slog.LevelDebug, "Writes a line that is only wanted when looking for a mistake."),
	logEntry("info", slog.LevelInfo, "Writes a line about something that happened."),
	logEntry("warn", slog.LevelWarn, "Writes a line about something that should not be so."),
	logEntry("error", slog.LevelError, "Writes a line about something that failed."),
}

func logEntry(name string, level slog.Level, summary string) *Entry {
	return &Entry{
		On: "log", Name: name, Phase: Both, Summary: summary,
		Detail: "The line carries the call's id and the script's file and line. `%s` takes any value, `%d` a number, `%q` a value in quotes.",
		Params: []Field{
			{Name: "format", Type: either(text(), anything()), Required: true, Summary: "the text, with % marks as in string.format"},
			{Name: "values", Type: anything(), Variadic: true, Summary: "for the marks"},
		},
		Example: `log.` + name + `("%s calls %s", "1001", "600")`,
		Func:    func(a *Args) int { return a.log(level) },
	}
}

func (a *Args) log(level slog.Level) int {
	text := ""
	if l := a.story(); l != nil {
		text = a.formatted()
		file, line := a.State.Where(a.L)
		l.Note(trace.Log, file, line, slog.String("level", a.entry.Name), slog.String("text", cut(text, longestNote)))
	}
	logger := a.api.services.Log
	if t := a.task(); t != nil {
		logger = t.log
	}
	if !logger.Enabled(context.Background(), level) {
		return 0
	}
	if text == "" {
		text = a.formatted()
	}
	logger.Log(context.Background(), level, text, "script", a.Source())
	a.State.Spend(a.L, logWork)
	return 0
}

const longestNote = 500 // bytes of a line that the story of a call keeps

// logWork is what a line costs, in instructions' worth, lest a loop fills the disk.
const logWork = 1000

// formatted is string.format, but takes any value for %s and never raises.
func (a *Args) formatted() string {
	format := cut(display(a.L, a.L.Get(1)), longestFormat)
	n := a.L.GetTop() - 1
	if n == 0 {
		return format
	}
	values := make([]any, 0, n)
	next := 2
	verbs(format, func(verb byte) {
		if next > n+1 {
			return
		}
		v := a.L.Get(next)
		next++
		number, isNumber := asNumeral(v)
		switch {
		case strings.IndexByte("dxXoc", verb) >= 0 && isNumber:
			values = append(values, int64(number))
		case strings.IndexByte("eEfgG", verb) >= 0 && isNumber:
			values = append(values, number)
		default:
			values = append(values, cut(display(a.L, v), longestValue))
		}
	})
	if wide.MatchString(format) {
		return format // the width of a mark has two digits at most, as in string.format
	}
	return cut(fmt.Sprintf(format, values...), longestLine)
}

// What a line of the log holds at most, in bytes. Values and marks are bounded,
// and so is what is made of them on the way.
const (
	longestFormat = 4 << 10
	longestValue  = 4 << 10
	longestLine   = 32 << 10
)

var wide = regexp.MustCompile(`%[-+# 0]*(\d{3}|\d*\.\d{3})`)

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// asNumeral is a number, or a text that is one, as Lua's own functions take it.
func asNumeral(v lua.LValue) (float64, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v), true
	case lua.LString:
		n, err := strconv.ParseFloat(strings.TrimSpace(string(v[:min(len(v), 64)])), 64)
		return n, err == nil && len(v) <= 64
	}
	return 0, false
}

// verbs calls f with the letter of each % mark.
func verbs(format string, f func(byte)) {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		for i++; i < len(format) && strings.IndexByte("+-# 0123456789.", format[i]) >= 0; i++ {
		}
		if i < len(format) && format[i] != '%' {
			f(format[i])
		}
	}
}

// display is a value for people to read: as tostring, but tables are spread
// out one level.
func display(L *lua.LState, v lua.LValue) string {
	t, ok := v.(*lua.LTable)
	if !ok {
		return L.ToStringMeta(v).String()
	}
	var parts []string
	t.ForEach(func(k, v lua.LValue) {
		if len(parts) < 20 {
			text := cut(v.String(), longestValue)
			if _, ok := k.(lua.LNumber); !ok {
				text = cut(k.String(), longestValue) + "=" + text
			}
			parts = append(parts, text)
		}
	})
	return "{" + strings.Join(parts, ", ") + "}"
}
