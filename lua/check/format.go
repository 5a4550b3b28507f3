package check

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"
)

// Formats are the names that Write knows.
var Formats = []string{"text", "json", "github", "sarif"}

// Write writes findings in a format: "text" for people, "json" as an array,
// "github" as commands that annotate a change on GitHub, "sarif" as SARIF 2.1.0,
// which code-scanning services read. folder is that of the site, for the formats
// whose readers know the files of a whole repository; version is ours.
func Write(w io.Writer, format string, findings []*Finding, folder, version string) error {
	switch format {
	case "text":
		return writeText(w, findings)
	case "json":
		return writeJSON(w, append([]*Finding{}, findings...)) // [] rather than null
	case "github":
		return writeGitHub(w, findings, folder)
	case "sarif":
		return writeJSON(w, newSARIF(findings, folder, version))
	}
	return fmt.Errorf("there is no format %q: write %s", format, strings.Join(Formats, ", "))
}

func writeText(w io.Writer, findings []*Finding) error {
	for _, f := range findings {
		if _, err := fmt.Fprintln(w, f.Report()); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func writeGitHub(w io.Writer, findings []*Finding, folder string) error {
	for _, f := range findings {
		command := f.Level.String()
		if f.Level == Note {
			command = "notice"
		}
		place := ""
		if f.File != "" {
			place = "file=" + githubProperty.Replace(path.Join(folder, f.File)) + ","
		}
		if f.Line > 0 {
			place += fmt.Sprintf("line=%d,", f.Line)
		}
		if f.Column > 0 {
			place += fmt.Sprintf("col=%d,", f.character())
		}
		if _, err := fmt.Fprintf(w, "::%s %stitle=%s::%s\n", command, place, githubProperty.Replace(f.Rule), githubData.Replace(f.Message)); err != nil {
			return err
		}
	}
	return nil
}

// character is the column in characters, from 1; 0 where it is not known.
func (f *Finding) character() int {
	if f.Column < 1 || f.Column > len(f.Source)+1 {
		return f.Column
	}
	return utf8.RuneCountInString(f.Source[:f.Column-1]) + 1
}
