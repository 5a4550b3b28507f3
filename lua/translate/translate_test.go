package translate

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moonwire/moonwire/lua/check"
	"github.com/moonwire/moonwire/lua/host"
	"github.com/moonwire/moonwire/scripts"
)

var update = flag.Bool("update", false, "write the golden files anew")

// newTranslator loads the program that ships.
func newTranslator(t testing.TB) *Translator {
	t.Helper()
	translator, err := New(context.Background(), scripts.Translator(), nil)
	if err != nil {
		t.Fatal(host.Report(err))
	}
	return translator
}

// folder makes an installation of files.
func folder(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, content := range files {
		m[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return m
}

func run(t testing.TB, translator *Translator, o Options) *Result {
	t.Helper()
	result, err := translator.Run(context.Background(), o)
	if err != nil {
		t.Fatal(host.Report(err))
	}
	return result
}

// printed is all of a result as one text, for golden files.
func printed(r *Result) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		fmt.Fprintf(&b, "==== %s\n%s", name, r.Files[name])
	}
	fmt.Fprintf(&b, "==== report\n%s", r.Messages)
	return b.Bytes()
}

// TestGolden translates each testdata/golden/*.conf and compares with the .lua
// beside it, which holds all files and the report.
func TestGolden(t *testing.T) {
	translator := newTranslator(t)
	inputs, err := filepath.Glob("testdata/golden/*.conf")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no dialplans: %v", err)
	}
	for _, input := range inputs {
		t.Run(filepath.Base(input), func(t *testing.T) {
			text, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			got := printed(run(t, translator, Options{Input: folder(map[string]string{"extensions.conf": string(text)})}))
			golden := strings.TrimSuffix(input, ".conf") + ".lua"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

// TestInstallations translates whole folders, testdata/installations/*, and
// compares the configuration and the report with the .lua beside them.
func TestInstallations(t *testing.T) {
	translator := newTranslator(t)
	inputs, err := filepath.Glob("testdata/installations/*/extensions.conf")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no installations: %v", err)
	}
	for _, input := range inputs {
		dir := filepath.Dir(input)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			result := run(t, translator, Options{Input: os.DirFS(dir)})
			loads(t, filepath.Base(dir), result.Files)
			if strings.Contains(result.Messages+string(result.Report), "s3cret") {
				t.Errorf("the report tells a password:\n%s", result.Messages)
			}
			got := string(result.Files["scripts/config.lua"])
			if peers, ok := result.Files["scripts/asterisk/peers.lua"]; ok {
				got += fmt.Sprintf("==== peers\n%s", peers)
			}
			if filepath.Base(dir) == "beside" {
				got += fmt.Sprintf("==== settings\n%s", result.Files["scripts/asterisk/settings.lua"])
			}
			got += "==== report\n" + result.Messages
			if *update {
				if err := os.WriteFile(dir+".lua", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(dir + ".lua")
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

// loads checks that a site that was written can be served.
func loads(t *testing.T, name string, files map[string][]byte) {
	t.Helper()
	m := fstest.MapFS{}
	for path, content := range files {
		if inside, ok := strings.CutPrefix(path, "scripts/"); ok {
			m[inside] = &fstest.MapFile{Data: content}
		}
	}
	findings, err := check.Site(context.Background(), check.Options{Scripts: m})
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	for _, f := range findings {
		if f.Level == check.Error {
			t.Errorf("%s: %s", name, f)
		}
	}
}

// A dialplan of testdata/dialplans.jsonl.
type dialplan struct {
	Name  string            `json:"name"`
	Files map[string]string `json:"files"`
}

func dialplans(t testing.TB) []dialplan {
	t.Helper()
	file, err := os.Open("testdata/dialplans.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var list []dialplan
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var d dialplan
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}

// syntactic are the beginnings of reasons that say that a line was not understood
// at all, rather than what it names.
var syntactic = []string{
	"neither a section nor a setting", "there is no directive", "stands before the first section",
	"has no priority and no application", "neither a priority nor a label", "has no closing bracket",
}

func misunderstood(messages string) []string {
	var list []string
	for line := range strings.Lines(messages) {
		if slices.ContainsFunc(syntactic, func(s string) bool { return strings.Contains(line, s) }) {
			list = append(list, line)
		}
	}
	return list
}

// TestDialplans translates dialplans of every kind, and each twice.
func TestDialplans(t *testing.T) {
	translator := newTranslator(t)
	for i, d := range dialplans(t) {
		o := Options{Input: folder(d.Files)}
		first := run(t, translator, o)
		for _, line := range misunderstood(first.Messages) {
			t.Errorf("%s: %s", d.Name, line)
		}
		for name, content := range first.Files {
			if err := compiles(name, content); err != nil {
				t.Errorf("%s: %s: %v\n%s", d.Name, name, err, content)
			}
		}
		if i%10 == 0 { // it takes long
			loads(t, d.Name, first.Files)
		}
		if again := run(t, translator, o); !bytes.Equal(printed(first), printed(again)) {
			t.Errorf("%s: translating twice gives two results", d.Name)
		}
	}
}

// TestSeeds translates the fragments of the guides that users start from. They
// stand beside the repository, in ../shared.
func TestSeeds(t *testing.T) {
	inputs, err := filepath.Glob("../../../shared/golden/seeds/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(inputs) == 0 {
		t.Log("nothing tested: ../shared/golden/seeds is not there")
	}
	translator := newTranslator(t)
	for _, input := range inputs {
		var d dialplan
		text, err := os.ReadFile(input)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		result := run(t, translator, Options{Input: folder(d.Files)})
		for _, line := range misunderstood(result.Messages) {
			t.Errorf("%s: %s", d.Name, line)
		}
	}
}

var example = regexp.MustCompile("(?s)```(ini|lua)\n(.*?)```")

// TestGuide translates the dialplan of the guide and compares with what the
// guide says.
func TestGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/porting.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := example.FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	result := run(t, newTranslator(t), Options{Input: folder(map[string]string{"extensions.conf": blocks[0][2]})})
	if got := string(result.Files["scripts/internal.lua"]); got != blocks[1][2] {
		t.Errorf("got\n%s", got)
	}
}

// TestChange holds that a changed line changes only its own lines.
func TestChange(t *testing.T) {
	translator := newTranslator(t)
	text, err := os.ReadFile("testdata/golden/office.conf")
	if err != nil {
		t.Fatal(err)
	}
	before := run(t, translator, Options{Input: folder(map[string]string{"extensions.conf": string(text)})})
	changed := strings.Replace(string(text), "Dial(SIP/${EXTEN},20,t)", "Dial(SIP/${EXTEN},30,t)", 1)
	after := run(t, translator, Options{Input: folder(map[string]string{"extensions.conf": changed})})
	differing := 0
	for name, content := range before.Files {
		was, is := strings.Split(string(content), "\n"), strings.Split(string(after.Files[name]), "\n")
		if len(was) != len(is) {
			t.Fatalf("%s has %d lines instead of %d", name, len(is), len(was))
		}
		for i := range was {
			if was[i] != is[i] {
				differing++
			}
		}
	}
	if differing != 1 {
		t.Errorf("%d lines changed, not 1", differing)
	}
}

// TestAEL holds that AEL becomes the priorities that Asterisk makes of it.
func TestAEL(t *testing.T) {
	text, err := os.ReadFile("testdata/golden/office.ael")
	if err != nil {
		t.Fatal(err)
	}
	result := run(t, newTranslator(t), Options{Input: folder(map[string]string{"extensions.ael": string(text)})})
	loads(t, "office.ael", result.Files)
	got := printed(result)
	if *update {
		if err := os.WriteFile("testdata/golden/office.ael.lua", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/golden/office.ael.lua")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s", got)
	}
}

// FuzzAEL is FuzzTranslate for extensions.ael.
func FuzzAEL(f *testing.F) {
	text, err := os.ReadFile("testdata/golden/office.ael")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	for line := range bytes.Lines(text) {
		f.Add(line)
	}
	translator := newTranslator(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		input := fstest.MapFS{"extensions.ael": {Data: text}}
		result, err := translator.Run(context.Background(), Options{Input: input})
		if err != nil {
			t.Fatalf("%v", err)
		}
		for name, content := range result.Files {
			if err := compiles(name, content); err != nil {
				t.Errorf("%s: %v\n%s", name, err, content)
			}
		}
	})
}

func TestIncludes(t *testing.T) {
	translator := newTranslator(t)
	files := map[string]string{
		"extensions.conf": "[t]\n#include <d/*.conf>\n#include \"/etc/asterisk/abs.conf\"\n#tryinclude no.conf\n#include \"d/2.conf\"\n#exec /bin/list\n",
		"d/1.conf":        "exten => 1,1,NoOp(one)\n",
		"d/2.conf":        "exten => 2,1,NoOp(two)\n",
		"d/.hidden.conf":  "exten => 3,1,NoOp(three)\n",
		"abs.conf":        "\xef\xbb\xbfexten => 4,1,NoOp(four)\r\n",
		"loop.conf":       "#include loop.conf\n",
	}
	o := Options{Input: folder(files), Exec: func(context.Context, string) ([]byte, error) {
		return []byte("exten => 5,1,NoOp(caf\xe9)\n"), nil
	}}
	lua := string(run(t, translator, o).Files["scripts/t.lua"])
	for _, want := range []string{`"one"`, `"two"`, `"four"`, `"café"`, `file = "d/1.conf", lines = "1"`, `file = "abs.conf"`} {
		if !strings.Contains(lua, want) {
			t.Errorf("no %s in\n%s", want, lua)
		}
	}
	if strings.Contains(lua, "three") {
		t.Error("a hidden file was included")
	}
	o = Options{Input: folder(files), Main: "loop.conf"}
	if messages := run(t, translator, o).Messages; !strings.Contains(messages, "loop.conf:1: unknown: loop.conf includes itself") {
		t.Errorf("a loop is reported as %s", messages)
	}
	_, err := translator.Run(context.Background(), Options{Input: folder(nil)})
	if err == nil || !strings.Contains(err.Error(), "there is no extensions.conf here") {
		t.Errorf("nothing to translate: %v", err)
	}
}

// TestReport reads the JSON report.
func TestReport(t *testing.T) {
	text := "[t]\nexten => 1,1,Foo(x)\nexten => 1,2,Foo(${BAR(y)})\nexten => 1,3,Answer\n"
	result := run(t, newTranslator(t), Options{Input: folder(map[string]string{"extensions.conf": text})})
	type counts struct {
		Lines, Exact, Approximate, Unknown int
		Coverage                           float64
	}
	var report struct {
		Files []struct {
			File string
			counts
			Reasons []struct {
				Line                       int
				Status, Reason, Suggestion string
			}
		}
		Total   counts
		Unknown struct{ Applications, Functions map[string]int }
	}
	if err := json.Unmarshal(result.Report, &report); err != nil {
		t.Fatal(err)
	}
	if want := (counts{4, 2, 0, 2, 0.5}); report.Total != want {
		t.Errorf("total is %+v, not %+v", report.Total, want)
	}
	if len(report.Files) != 1 || report.Files[0].File != "extensions.conf" || len(report.Files[0].Reasons) != 3 {
		t.Errorf("files are %+v", report.Files)
	}
	if report.Unknown.Applications["Foo"] != 2 || report.Unknown.Functions["BAR"] != 1 {
		t.Errorf("unknown are %+v", report.Unknown)
	}
	if result.Inexact != 2 {
		t.Errorf("%d lines are not exact", result.Inexact)
	}
	for _, name := range []string{"scripts/shims/foo.lua", "scripts/shims/function_bar.lua"} {
		if _, ok := result.Files[name]; !ok {
			t.Errorf("no %s", name)
		}
	}
}

// compiles checks the syntax of a file that was written.
func compiles(name string, content []byte) error {
	if filepath.Ext(name) != ".lua" {
		return nil
	}
	h, err := host.New(host.Options{Scripts: fstest.MapFS{"x.lua": {Data: content}}, Limits: host.Limits{Prepared: 1}})
	if err != nil {
		return err
	}
	for _, f := range h.Analyse(name, string(content)) {
		if !f.Warning && !strings.Contains(f.Message, "is not declared") {
			return f
		}
	}
	return nil
}

// FuzzTranslate holds that any text is translated to Lua that compiles, and the
// same way twice.
func FuzzTranslate(f *testing.F) {
	for _, d := range dialplans(f) {
		f.Add([]byte(d.Files["extensions.conf"]))
	}
	for _, name := range []string{"office", "misprints", "old", "structure"} {
		text, err := os.ReadFile("testdata/golden/" + name + ".conf")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	translator := newTranslator(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		input := fstest.MapFS{"extensions.conf": {Data: text}}
		result, err := translator.Run(context.Background(), Options{Input: input})
		if err != nil {
			t.Fatalf("%v", err)
		}
		for name, content := range result.Files {
			if !fs.ValidPath(name) {
				t.Errorf("%q is no path", name)
			}
			if err := compiles(name, content); err != nil {
				t.Errorf("%s: %v\n%s", name, err, content)
			}
		}
	})
}

// BenchmarkTranslate translates a dialplan of 30,000 lines.
func BenchmarkTranslate(b *testing.B) {
	var text strings.Builder
	for context := range 60 {
		fmt.Fprintf(&text, "[context-%d]\n", context)
		for extension := range 50 {
			fmt.Fprintf(&text, "exten => _%d%02dX.,1,Answer ; number %d\n", context, extension, extension)
			for line := range 9 {
				fmt.Fprintf(&text, " same => n,GotoIf($[\"${DIALSTATUS}\" = \"BUSY\" & ${X%d} > 1]?%d:done,1)\n", line, line)
			}
		}
	}
	translator := newTranslator(b)
	input := folder(map[string]string{"extensions.conf": text.String()})
	for b.Loop() {
		run(b, translator, Options{Input: input})
	}
}
