package suite

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/moonwire/moonwire/lua/host"
)

// WriteText writes the outcome for people: a line for each file, or with all set
// for each test, and everything about what failed.
func (r *Report) WriteText(out io.Writer, all bool) error {
	w := bufio.NewWriter(out)
	for _, f := range r.Files {
		f.writeText(w, all)
	}
	fmt.Fprintf(w, "%s, %d failed, in %s\n", plural(r.Count(), "test"), r.Failed(), short(r.Duration))
	return w.Flush()
}

func (f *File) writeText(w io.Writer, all bool) {
	if f.Err != nil {
		fmt.Fprintf(w, "FAIL  %s\n%s\n", f.Name, indented(host.Report(f.Err), margin))
		return
	}
	failed, took := 0, time.Duration(0)
	for _, t := range f.Tests {
		took += t.Duration
		if t.Failure != nil {
			failed++
		}
	}
	verdict := "ok   "
	if failed > 0 {
		verdict = "FAIL "
	}
	fmt.Fprintf(w, "%s %s  %s, %s\n", verdict, f.Name, plural(len(f.Tests), "test"), short(took))
	for _, t := range f.Tests {
		switch {
		case t.Failure != nil:
			fmt.Fprintf(w, "  FAIL  %s\n", t.Name)
			t.Failure.writeText(w)
		case all:
			fmt.Fprintf(w, "  ok    %s (%s)\n", t.Name, short(t.Virtual))
		}
	}
}

func (f *Failure) writeText(w io.Writer) {
	fmt.Fprintf(w, "%s%s:%d: %s\n", margin, f.File, f.Line, indentedAfter(f.Message, margin))
	if f.Source != "" {
		fmt.Fprintf(w, "%s  %d | %s\n", margin, f.Line, f.Source)
	}
	if f.Timeline != "" {
		fmt.Fprintf(w, "\n%s\n", f.Timeline)
	}
}

// Text is all about the failure.
func (f *Failure) Text() string {
	var b strings.Builder
	f.writeText(&b)
	return b.String()
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// short is a duration with as many digits as are worth reading.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func indented(s, margin string) string { return margin + indentedAfter(s, margin) }

// indentedAfter indents all lines but the first.
func indentedAfter(s, margin string) string { return strings.ReplaceAll(s, "\n", "\n"+margin) }

// WriteTAP writes the outcome in the Test Anything Protocol, version 13.
func (r *Report) WriteTAP(out io.Writer) error {
	w := bufio.NewWriter(out)
	total := r.Count()
	for _, f := range r.Files {
		if f.Err != nil {
			total++
		}
	}
	fmt.Fprintf(w, "TAP version 13\n1..%d\n", total)
	n := 0
	result := func(name string, failure string) {
		n++
		if failure == "" {
			fmt.Fprintf(w, "ok %d - %s\n", n, tapName(name))
			return
		}
		fmt.Fprintf(w, "not ok %d - %s\n  ---\n  message: |\n%s\n  ...\n", n, tapName(name), indented(strings.TrimRight(failure, "\n"), "    "))
	}
	for _, f := range r.Files {
		if f.Err != nil {
			result(f.Name, host.Report(f.Err))
		}
		for _, t := range f.Tests {
			failure := ""
			if t.Failure != nil {
				failure = t.Failure.Text()
			}
			result(f.Name+": "+t.Name, failure)
		}
	}
	return w.Flush()
}

// tapName keeps a name from being read as a directive.
func tapName(s string) string {
	return strings.NewReplacer("#", `\#`, "\n", " ", "\r", " ").Replace(s)
}

// The elements of JUnit's XML, as far as those who read it agree.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     float64      `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     float64     `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr,omitempty"`
		Time    float64       `xml:"time,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
		Error   *junitFailure `xml:"error,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the outcome as JUnit does, for programs that build and test.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Tests: r.Count(), Time: r.Duration.Seconds()}
	for _, f := range r.Files {
		one := junitSuite{Name: f.Name, Tests: len(f.Tests)}
		if f.Err != nil {
			one.Errors++
			one.Tests++
			all.Tests++
			one.Cases = append(one.Cases, junitCase{Name: "load", Class: f.Name, File: f.Name, Error: &junitFailure{f.Err.Error(), clean(host.Report(f.Err))}})
		}
		for _, t := range f.Tests {
			c := junitCase{Name: t.Name, Class: f.Name, File: t.File, Line: t.Line, Time: t.Duration.Seconds()}
			if t.Failure != nil {
				one.Failures++
				c.Failure = &junitFailure{t.Failure.Message, clean(t.Failure.Text())}
			}
			one.Time += c.Time
			one.Cases = append(one.Cases, c)
		}
		all.Failures += one.Failures
		all.Errors += one.Errors
		all.Suites = append(all.Suites, one)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// clean leaves out what XML cannot hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
}

// First is all about the first test, or file, that failed; "" where none did.
func (r *Report) First() string {
	for _, f := range r.Files {
		if f.Err != nil {
			return f.Name + "\n" + indented(host.Report(f.Err), margin)
		}
		for _, t := range f.Tests {
			if t.Failure != nil {
				return t.Name + "\n" + strings.TrimRight(t.Failure.Text(), "\n")
			}
		}
	}
	return ""
}
