package api

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	lua "github.com/yuin/gopher-lua"
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
	logger := a.api.services.Log
	if t := a.task(); t != nil {
		logger = t.log
	}
	if !logger.Enabled(context.Background(), level) {
		return 0
	}
	logger.Log(context.Background(), level, a.formatted(), "script", a.Source())
	return 0
}

// formatted is string.format, but takes any value for %s and never raises.
func (a *Args) formatted() string {
	format := display(a.L, a.L.Get(1))
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
		number, isNumber := v.(lua.LNumber)
		switch {
		case strings.IndexByte("dxXoc", verb) >= 0 && isNumber:
			values = append(values, int64(number))
		case strings.IndexByte("eEfgG", verb) >= 0 && isNumber:
			values = append(values, float64(number))
		default:
			values = append(values, display(a.L, v))
		}
	})
	return fmt.Sprintf(format, values...)
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
			if _, ok := k.(lua.LNumber); ok {
				parts = append(parts, v.String())
			} else {
				parts = append(parts, k.String()+"="+v.String())
			}
		}
	})
	return "{" + strings.Join(parts, ", ") + "}"
}
