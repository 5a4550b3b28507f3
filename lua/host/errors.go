package host

import (
	"errors"
	"fmt"
	"strings"
)

// What ends a script that goes too far. A *ScriptError wraps one of these; a
// script cannot catch them.
var (
	// ErrTooLong says that a script computed for too long between two blocking calls.
	ErrTooLong = errors.New("the script ran too long without waiting for anything: an endless loop?")
	// ErrMemory says that a script's values outgrew Limits.Memory.
	ErrMemory = errors.New("the script holds too much memory")
	// ErrCrowded says that the scripts of all calls outgrew Limits.Total, and that
	// this one held much of it.
	ErrCrowded = errors.New("the scripts of all calls together hold too much memory, this one among the most")
	// ErrClosed says that the state has been closed.
	ErrClosed = errors.New("the script's call is over")
	// ErrInternal says that a function of the library, not the script, is at fault.
	ErrInternal = errors.New("internal error")
)

// ErrNoVersion says that no Version has been loaded yet, or none of that number
// is kept.
var ErrNoVersion = errors.New("no such version of the scripts")

// ScriptError is something wrong in or caused by a script, with the place.
type ScriptError struct {
	File      string  `json:"file,omitempty"`   // relative to the site: "scripts/dialplan.lua"
	Line      int     `json:"line,omitempty"`   // from 1; 0 where not known
	Column    int     `json:"column,omitempty"` // in bytes, from 1; 0 where not known
	Source    string  `json:"source,omitempty"` // text of the line
	Message   string  `json:"message"`          // in plain words
	Traceback []Frame `json:"traceback,omitempty"`
	Warning   bool    `json:"warning,omitempty"` // does not keep a Version from being served
	Rule      string  `json:"rule,omitempty"`    // one of the Rule constants; "" for what running showed

	cause error
}

// What a look at the source alone can show to be wrong.
const (
	RuleSyntax     = "syntax"       // the file does not compile
	RuleUndeclared = "undeclared"   // a global name that nothing declares
	RuleReserved   = "reserved"     // a name of the library is assigned
	RuleShared     = "shared"       // a library module changes what all calls share
	RuleName       = "unknown-name" // a module of the library has no such member
)

// Frame is one level of the calls that led to an error, innermost first.
type Frame struct {
	File     string `json:"file,omitempty"` // "" for functions of the library
	Line     int    `json:"line,omitempty"`
	Function string `json:"function"`
}

// Error is the place and the message in one line.
func (e *ScriptError) Error() string {
	if e.File == "" {
		return e.Message
	}
	return e.place() + ": " + e.Message
}

// place is "scripts/dialplan.lua:12", as far as it is known.
func (e *ScriptError) place() string {
	if e.Line == 0 {
		return e.File
	}
	return fmt.Sprintf("%s:%d", e.File, e.Line)
}

// Unwrap is the Go error behind the script's failure, if there is one: what
// Interrupt or Fail was given, or one of the Err values of this package.
func (e *ScriptError) Unwrap() error { return e.cause }

// Report shows the error with its source line, a caret where the column is
// known, and the traceback; several lines without a final newline.
func (e *ScriptError) Report() string {
	var b strings.Builder
	b.WriteString(e.Error())
	if e.Source != "" {
		margin := fmt.Sprintf("%5d | ", e.Line)
		fmt.Fprintf(&b, "\n%s%s", margin, strings.ReplaceAll(e.Source, "\t", " "))
		if e.Column > 0 && e.Column <= len(e.Source)+1 {
			fmt.Fprintf(&b, "\n%s^", strings.Repeat(" ", len(margin)+len([]rune(e.Source[:e.Column-1]))))
		}
	}
	for _, f := range e.Traceback {
		if f.File == "" {
			fmt.Fprintf(&b, "\n      in %s", f.Function)
			continue
		}
		fmt.Fprintf(&b, "\n      %s:%d in %s", f.File, f.Line, f.Function)
	}
	return b.String()
}

// ScriptErrors is everything found wrong with one Version.
type ScriptErrors []*ScriptError

// Error lists the errors, one a line.
func (e ScriptErrors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Report lists the errors with their sources.
func (e ScriptErrors) Report() string {
	reports := make([]string, len(e))
	for i, one := range e {
		reports[i] = one.Report()
	}
	return strings.Join(reports, "\n")
}

// Unwrap makes errors.As find a *ScriptError.
func (e ScriptErrors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// Report is the fullest description of err that there is: the reports of script
// errors, otherwise the error's own text.
func Report(err error) string {
	var reporter interface{ Report() string }
	if errors.As(err, &reporter) {
		return reporter.Report()
	}
	return err.Error()
}
