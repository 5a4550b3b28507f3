package api

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Times in scripts are seconds since 1970 in UTC, with a fraction.

var zoneField = Field{Name: "zone", Type: text(), Summary: `such as "Europe/Paris" or "UTC"; the machine's where left out`}

var dateFields = []Field{
	{Name: "year", Type: whole(), Required: true, Summary: "such as 2026"},
	{Name: "month", Type: whole(), Required: true, Summary: "1 to 12"},
	{Name: "day", Type: whole(), Required: true, Summary: "1 to 31"},
	{Name: "hour", Type: whole(), Summary: "0 to 23"},
	{Name: "min", Type: whole(), Summary: "0 to 59"},
	{Name: "sec", Type: number(), Summary: "0 to 59"},
	{Name: "wday", Type: whole(), Summary: "day of the week, 1 is Sunday"},
	{Name: "yday", Type: whole(), Summary: "day of the year, from 1"},
	{Name: "zone", Type: text(), Summary: "short name of the zone"},
}

var timeEntries = []*Entry{
	{
		On: "time", Name: "now", Phase: Both,
		Summary: "The present time.",
		Results: []Field{{Name: "seconds", Type: number(), Unit: "s", Summary: "since 1970, with a fraction"}},
		Example: `local began = time.now()
log.info("%.1f s", time.now() - began)`,
		Func: func(a *Args) int { return a.Return(fromTime(a.api.services.Clock.Now())) },
	},
	{
		On: "time", Name: "date", Phase: Both,
		Summary: "The parts of a time.",
		Params: []Field{
			{Name: "seconds", Type: number(), Unit: "s", Summary: "since 1970; now where left out"},
			zoneField,
		},
		Results: []Field{{Name: "date", Type: record(dateFields...), Summary: "its parts"}},
		Example: `if time.date().hour < 12 then log.info "good morning" end`,
		Func:    (*Args).timeDate,
	},
	{
		On: "time", Name: "of", Phase: Both,
		Summary: "The time of a date.",
		Params: []Field{
			{Name: "date", Type: record(dateFields...), Required: true, Summary: "year, month and day, and what is known beside"},
			zoneField,
		},
		Results: []Field{{Name: "seconds", Type: number(), Unit: "s", Summary: "since 1970"}},
		Example: `local christmas = time.of({ year = 2026, month = 12, day = 25 }, "Europe/Paris")`,
		Func:    (*Args).timeOf,
	},
	{
		On: "time", Name: "format", Phase: Both,
		Summary: "Writes a time as text.",
		Params: []Field{
			{Name: "seconds", Type: number(), Unit: "s", Summary: "since 1970; now where left out"},
			{Name: "format", Type: text(), Default: "%Y-%m-%d %H:%M:%S", Summary: "marks of strftime: %Y %m %d %H %M %S %y %j %a %A %b %B %e %I %l %p %Z %z %s %F %T %D %R %u %w %n %t %%"},
			zoneField,
		},
		Results: []Field{{Name: "text", Type: text(), Summary: "the text"}},
		Example: `log.info(time.format(time.now(), "%d/%m/%y %H:%M"))`,
		Func:    (*Args).timeFormat,
	},
	{
		On: "time", Name: "parse", Phase: Both,
		Summary: "Reads a time from text.",
		Params: []Field{
			{Name: "text", Type: text(), Required: true, Summary: "what to read"},
			{Name: "format", Type: text(), Default: "%Y-%m-%d %H:%M:%S", Summary: "the marks %Y %m %d %H %M %S %y %j %a %A %b %B %e %I %p %z %Z %F %T %D %R of strftime"},
			zoneField,
		},
		Results: []Field{
			{Name: "seconds", Type: either(number(), Type{Kinds: kindNil}), Unit: "s", Summary: "since 1970; nil where the text is not so"},
			{Name: "reason", Type: text(), Summary: "what is wrong with it"},
		},
		Example: `local t, reason = time.parse("2026-03-04 18:30", "%Y-%m-%d %H:%M", "UTC")`,
		Func:    (*Args).timeParse,
	},
}

func fromTime(t time.Time) lua.LNumber { return lua.LNumber(float64(t.UnixMicro()) / 1e6) }

func toTime(seconds float64) time.Time { return time.UnixMicro(int64(seconds * 1e6)) }

// zone finds a time zone; "" is the machine's.
func (api *API) zone(name string) (*time.Location, error) {
	if name == "" {
		return api.services.Zone, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("there is no time zone %q", name)
	}
	return zone, nil
}

func (a *Args) zone(i int) *time.Location {
	zone, err := a.api.zone(a.String(i))
	if err != nil {
		a.Fail("%s", err)
	}
	return zone
}

// moment is argument 0 as a time, now where it was left out.
func (a *Args) moment() time.Time {
	if a.Has(0) {
		return toTime(a.Number(0))
	}
	return a.api.services.Clock.Now()
}

func (a *Args) timeDate() int {
	t := a.moment().In(a.zone(1))
	zone, _ := t.Zone()
	d := a.L.CreateTable(0, 9)
	for name, n := range map[string]int{
		"year": t.Year(), "month": int(t.Month()), "day": t.Day(), "hour": t.Hour(), "min": t.Minute(),
		"sec": t.Second(), "wday": int(t.Weekday()) + 1, "yday": t.YearDay(),
	} {
		d.RawSetString(name, lua.LNumber(n))
	}
	d.RawSetString("zone", lua.LString(zone))
	return a.Return(d)
}

func (a *Args) timeOf() int {
	o := a.Options(0)
	seconds := o.Number("sec")
	t := time.Date(o.Int("year"), time.Month(o.Int("month")), o.Int("day"), o.Int("hour"), o.Int("min"), 0, 0, a.zone(1))
	return a.Return(fromTime(t.Add(time.Duration(seconds * float64(time.Second)))))
}

func (a *Args) timeFormat() int {
	return a.Return(lua.LString(strftime(a.String(1), a.moment().In(a.zone(2)))))
}

func (a *Args) timeParse() int {
	layout, err := goLayout(a.String(1))
	if err != nil {
		a.Fail("%s", err)
	}
	t, err := time.ParseInLocation(layout, a.String(0), a.zone(2))
	if err != nil {
		return a.Refuse(fmt.Sprintf("%q is not a time of the form %q", a.String(0), a.String(1)))
	}
	return a.Return(fromTime(t))
}

// marks are the conversions of strftime that time.Format knows.
var marks = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'j': "002",
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'e': "_2", 'I': "03", 'p': "PM",
	'Z': "MST", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'R': "15:04",
}

// strftime writes t by the marks of C's function of that name.
func strftime(format string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch c := format[i]; c {
		case 's':
			b.WriteString(strconv.FormatInt(t.Unix(), 10))
		case 'u':
			b.WriteString(strconv.Itoa((int(t.Weekday())+6)%7 + 1))
		case 'w':
			b.WriteString(strconv.Itoa(int(t.Weekday())))
		case 'l':
			b.WriteString(fmt.Sprintf("%2d", (t.Hour()+11)%12+1))
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case '%':
			b.WriteByte('%')
		default:
			if layout, ok := marks[c]; ok {
				b.WriteString(t.Format(layout))
			} else {
				b.WriteString(format[i-1 : i+1])
			}
		}
	}
	return b.String()
}

// goLayout turns marks into the layout of time.Parse.
func goLayout(format string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		layout, ok := marks[format[i]]
		if !ok {
			return "", fmt.Errorf("the mark %%%c cannot be read", format[i])
		}
		b.WriteString(layout)
	}
	return b.String(), nil
}
