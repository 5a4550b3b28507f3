package suite

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/host"
)

// Coverage counts how often each line of the scripts ran. Any goroutine.
type Coverage struct {
	mu    sync.Mutex
	lines map[string]map[int]int
}

// follow has a host count. A nil Coverage counts nothing.
func (c *Coverage) follow(o *host.Options) {
	if c == nil {
		return
	}
	o.Line = func(_ *host.State, _ *lua.LState, file string, line int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.lines == nil {
			c.lines = map[string]map[int]int{}
		}
		if c.lines[file] == nil {
			c.lines[file] = map[int]int{}
		}
		c.lines[file][line]++
	}
}

// Covered is how much of a site its tests run.
type Covered struct{ Files []CoveredFile }

// CoveredFile is how much of one file ran.
type CoveredFile struct {
	Name  string
	Text  []string    // its lines
	Count map[int]int // how often each line with a statement ran, from line 1
}

// Ran counts the lines with a statement that ran, and all of them.
func (f *CoveredFile) Ran() (ran, all int) {
	for _, n := range f.Count {
		if n > 0 {
			ran++
		}
	}
	return ran, len(f.Count)
}

// Report puts the counts beside the files of the site.
func (c *Coverage) Report(scripts, plugins fs.FS) (*Covered, error) {
	h, err := host.New(host.Options{
		Scripts: scripts, Plugins: plugins, Log: quiet, Limits: host.Limits{Prepared: 1},
		Line: func(*host.State, *lua.LState, string, int) {},
	})
	if err != nil {
		return nil, err
	}
	files, err := h.Statements()
	if err != nil {
		return nil, err
	}
	report := &Covered{}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range files {
		one := CoveredFile{Name: f.Name, Text: strings.Split(strings.TrimSuffix(f.Text, "\n"), "\n"), Count: map[int]int{}}
		for _, line := range f.Lines {
			one.Count[line] = c.lines[f.Name][line]
		}
		report.Files = append(report.Files, one)
	}
	slices.SortFunc(report.Files, func(a, b CoveredFile) int { return strings.Compare(a.Name, b.Name) })
	return report, nil
}

// WriteText writes a summary.
func (c *Covered) WriteText(out io.Writer) error {
	w := bufio.NewWriter(out)
	ran, all := 0, 0
	fmt.Fprintln(w, "\nlines that ran")
	for i := range c.Files {
		r, n := c.Files[i].Ran()
		ran, all = ran+r, all+n
		fmt.Fprintf(w, "  %5.1f %%  %4d of %4d  %s\n", percent(r, n), r, n, c.Files[i].Name)
	}
	fmt.Fprintf(w, "  %5.1f %%  %4d of %4d  in all\n", percent(ran, all), ran, all)
	return w.Flush()
}

func percent(part, all int) float64 {
	if all == 0 {
		return 100
	}
	return 100 * float64(part) / float64(all)
}

const coverageHead = `<!doctype html>
<meta charset="utf-8">
<title>Lines that the tests ran</title>
<style>
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse } td, th { padding: .1em .8em; text-align: left } td.n { text-align: right; color: #777 }
pre { line-height: 1.35; overflow-x: auto } pre span { display: block } .ran { background: #e3f5e3 } .not { background: #fbe0e0 } i { color: #999; font-style: normal; user-select: none }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } .ran { background: #1d3a1d } .not { background: #4a1f1f } }
</style>
<h1>Lines that the tests ran</h1>
`

// WriteHTML writes a page with every file, and the lines that ran marked.
func (c *Covered) WriteHTML(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprint(w, coverageHead, "<table><tr><th>File<th>Lines<th>Ran\n")
	for i := range c.Files {
		f := &c.Files[i]
		ran, all := f.Ran()
		name := html.EscapeString(f.Name)
		fmt.Fprintf(w, "<tr><td><a href=\"#%s\">%s</a><td class=n>%d<td class=n>%.1f %%\n", name, name, all, percent(ran, all))
	}
	fmt.Fprintln(w, "</table>")
	for i := range c.Files {
		c.Files[i].writeHTML(w)
	}
	return w.Flush()
}

func (f *CoveredFile) writeHTML(w io.Writer) {
	name := html.EscapeString(f.Name)
	fmt.Fprintf(w, "<h2 id=\"%s\">%s</h2>\n<pre>", name, name)
	for i, text := range f.Text {
		count, statement := f.Count[i+1]
		class, times := "", ""
		switch {
		case statement && count > 0:
			class, times = " class=ran", fmt.Sprintf("%d×", count)
		case statement:
			class = " class=not"
		}
		fmt.Fprintf(w, "<span%s><i>%5d %6s</i>  %s</span>", class, i+1, times, html.EscapeString(text))
	}
	fmt.Fprintln(w, "</pre>")
}
