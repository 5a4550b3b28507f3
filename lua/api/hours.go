package api

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// hours is a set of alternatives of when something applies.
type hours struct {
	zone   *time.Location
	ranges []hourRange
}

// hourRange holds while all of its parts hold; sets are bit sets.
type hourRange struct {
	from, to int    // minutes of the day, both included; from > to goes over midnight
	weekdays uint8  // bit 0 is Sunday
	days     uint32 // of the month, bit 1 is the first
	months   uint16 // bit 1 is January
}

var (
	weekdayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	monthNames   = []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
)

// parseHours reads time specifications: fields separated by commas or spaces,
// each a time of day, days of the week, days of the month or months. A field
// is known by its form, so the order is free; "*" stands for any.
func parseHours(specs []string, zone *time.Location) (*hours, error) {
	h := &hours{zone: zone}
	for _, spec := range specs {
		r := hourRange{to: 24*60 - 1, weekdays: 1<<7 - 1, days: 1<<32 - 2, months: 1<<13 - 2}
		fields := strings.FieldsFunc(strings.ToLower(spec), func(c rune) bool { return c == ',' || c == ' ' || c == '|' })
		for _, field := range fields {
			if err := r.narrow(field); err != nil {
				return nil, fmt.Errorf("%q: %w", spec, err)
			}
		}
		h.ranges = append(h.ranges, r)
	}
	return h, nil
}

// narrow applies one field.
func (r *hourRange) narrow(field string) error {
	if field == "*" {
		return nil
	}
	var weekdays, days, months uint64
	for _, part := range strings.Split(field, "&") {
		first, last, ranged := strings.Cut(part, "-")
		if !ranged {
			last = first
		}
		if strings.Contains(first, ":") {
			return r.between(first, last)
		}
		if set, ok := nameRange(first, last, weekdayNames); ok {
			weekdays |= set
		} else if set, ok := nameRange(first, last, monthNames); ok {
			months |= set
		} else if set, ok := numberRange(first, last, 31); ok {
			days |= set
		} else {
			return fmt.Errorf("%q is neither a time (09:00-17:59), a day of the week (mon-fri), a day of the month (1-15) nor a month (jan-mar)", field)
		}
	}
	switch {
	case weekdays != 0:
		r.weekdays = uint8(weekdays)
	case months != 0:
		r.months = uint16(months)
	default:
		r.days = uint32(days)
	}
	return nil
}

func (r *hourRange) between(first, last string) error {
	from, err := minuteOfDay(first)
	if err != nil {
		return err
	}
	to, err := minuteOfDay(last)
	if err != nil {
		return err
	}
	r.from, r.to = from, to
	return nil
}

func minuteOfDay(s string) (int, error) {
	hour, minute, _ := strings.Cut(s, ":")
	h, err1 := strconv.Atoi(hour)
	m, err2 := strconv.Atoi(minute)
	if err1 != nil || err2 != nil || h < 0 || h > 24 || m < 0 || m > 59 || h*60+m > 24*60 {
		return 0, fmt.Errorf("%q is not a time of day", s)
	}
	return min(h*60+m, 24*60-1), nil
}

// nameRange is the bit set from first to last in names, around the end where
// last comes before first.
func nameRange(first, last string, names []string) (uint64, bool) {
	a, b := nameIndex(first, names), nameIndex(last, names)
	if a < 0 || b < 0 {
		return 0, false
	}
	var set uint64
	for i := a; ; i = (i + 1) % len(names) {
		if names[i] != "" {
			set |= 1 << i
		}
		if i == b {
			return set, true
		}
	}
}

func nameIndex(s string, names []string) int {
	for i, n := range names {
		if n != "" && strings.HasPrefix(s, n) {
			return i
		}
	}
	return -1
}

func numberRange(first, last string, most int) (uint64, bool) {
	a, err1 := strconv.Atoi(first)
	b, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil || a < 1 || b < 1 || a > most || b > most {
		return 0, false
	}
	var set uint64
	for i := a; ; i = i%most + 1 {
		set |= 1 << i
		if i == b {
			return set, true
		}
	}
}

// contains reports whether any alternative holds at t. Any goroutine.
func (h *hours) contains(t time.Time) bool {
	t = t.In(h.zone)
	minute := t.Hour()*60 + t.Minute()
	for _, r := range h.ranges {
		inDay := r.from <= minute && minute <= r.to
		if r.from > r.to {
			inDay = minute >= r.from || minute <= r.to
		}
		if inDay && r.weekdays>>t.Weekday()&1 == 1 && r.days>>t.Day()&1 == 1 && r.months>>t.Month()&1 == 1 {
			return true
		}
	}
	return false
}
