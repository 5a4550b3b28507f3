package records

import (
	"strings"
	"time"
)

// Filter says which records are wanted; what is zero does not matter.
type Filter struct {
	Since, Until time.Time // of the beginning: Since counts, Until does not
	Caller       string    // number or part of the name
	To           string    // that was dialled, or the target
	Status       Status
}

// Match reports whether r is wanted. Numbers match as a whole, or up to a *, as in
// "0033*".
func (f *Filter) Match(r *Record) bool {
	switch {
	case !f.Since.IsZero() && r.Began.Before(f.Since):
		return false
	case !f.Until.IsZero() && !r.Began.Before(f.Until):
		return false
	case f.Status != "" && r.Status != f.Status:
		return false
	case f.Caller != "" && !like(f.Caller, r.Caller) && !strings.Contains(strings.ToLower(r.Name), strings.ToLower(f.Caller)):
		return false
	case f.To != "" && !like(f.To, r.Extension) && !like(f.To, r.Target):
		return false
	}
	return true
}

func like(pattern, text string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(text, prefix)
	}
	return pattern == text
}
