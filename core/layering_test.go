// Package core_test keeps the house in order: it reads the imports and the
// source of every package and holds them against the rules of
// docs/architecture.md. A rule that has to bend bends here, with its reason.
package core_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/moonwire/moonwire/"

// endpoints are the technologies of lines. None knows another.
var endpoints = []string{"core/sip", "core/local", "core/iax2", "core/tdm", "core/webrtc", "core/fax"}

// parsers turn bytes into values and need neither a socket nor the time.
var parsers = []string{"core/sdp", "core/route"}

// thirdParty says which packages may import a module of somebody else, so that
// its types stay behind their borders. A trailing slash takes sub-packages in.
var thirdParty = map[string][]string{
	"github.com/yuin/gopher-lua":    {"lua/host", "lua/api", "lua/check", "lua/suite", "lua/debug", "lua/translate"},
	"github.com/emiago/sipgo":       {"core/sip"},
	"github.com/icholy/digest":      {"core/sip", "core/sip/digest"},
	"github.com/google/go-dap":      {"lua/debug"},
	"github.com/nats-io/":           {"core/store"},
	"github.com/fsnotify/fsnotify":  {"lua/host", "cmd/"},
	"github.com/hajimehoshi/go-mp3": {"core/media/file"},
	"github.com/pion/":              {"core/rtp", "core/sdp", "core/webrtc/"},
	"github.com/prometheus/":        {"cmd/"},
	"github.com/alecthomas/kong":    {"cmd/"},
	"modernc.org/":                  {"core/records/sqlite"},
	"github.com/jackc/pgx/":         {"core/records/postgres"},
	"github.com/go-sql-driver/":     {"core/records/mysql"},
	"golang.org/x/sys/unix":         {"core/media", "core/tdm/", "cmd/"},
	"golang.org/x/net/":             {"core/media"},
	"golang.org/x/term":             {"cmd/"},
}

// timeless are the functions that ask the machine for time or wait for it.
var timeless = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// timely lists what may use them below cmd, and why.
var timely = map[string]string{
	"core/clock":               "it is the clock",
	"core/media/loop_linux.go": "media waits in epoll for packets and the next frame at once; loop_virtual.go is its twin",
	"core/media/loop_other.go": "the same without epoll",
	"core/records/recordstest": "it waits for database servers that tests start",
	"core/sip/transport.go":    "deadlines of connections are times of the kernel",
}

// chancy lists what may draw from the global source of chance, and why.
var chancy = map[string]string{
	"lua/api/api.go": "seeds the source of scripts where none is given",
}

// seeded are the names of math/rand that do not draw from the global source.
var seeded = []string{"New", "NewSource", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "Source64", "PCG", "ChaCha8", "Zipf"}

// A file is one parsed source file.
type file struct {
	name    string // relative to the module: "core/call/call.go"
	pkg     string // its folder: "core/call"
	test    bool
	syntax  *ast.File
	imports map[string]string // path to the name in this file
}

func TestLayers(t *testing.T) {
	for _, f := range sources(t) {
		for imported := range f.imports {
			own, isOurs := strings.CutPrefix(imported, module)
			switch {
			case isOurs:
				if why := forbidden(f, own); why != "" {
					t.Errorf("%s imports %s: %s", f.name, own, why)
				}
			case strings.Contains(strings.Split(imported, "/")[0], ".") && !f.test:
				checkThirdParty(t, f, imported)
			case !f.test:
				checkStandard(t, f, imported)
			}
		}
	}
}

// forbidden says why a package of ours may not be imported, or "".
func forbidden(f file, imported string) string {
	layer, below := top(f.pkg), top(imported)
	switch {
	case layer == "core" && below != "core" && !(f.test && below == "sounds"):
		return "core stands on nothing but core"
	case layer == "lua" && below == "cmd":
		return "lua does not know the command line"
	case below == "cmd" && layer != "cmd":
		return "nothing imports a command"
	case f.test:
		return ""
	case f.pkg == "core/call":
		return "core/call imports the standard library only"
	case in(f.pkg, "core/call/fake") && !in(imported, "core/call") && imported != "core/clock":
		return "a fake leg needs core/call and a clock"
	case f.pkg == "core/trace" && imported != "core/clock" && !in(imported, "core/trace"):
		return "a recorder needs a clock"
	case f.pkg == "core/clock":
		return "core/clock imports the standard library only"
	case f.pkg == "lua/host" && layer == "lua" && below == "core" && !slices.Contains([]string{"core/clock", "core/store"}, imported):
		return "the host knows nothing of telephony"
	case f.pkg == "core/bridge" && !slices.ContainsFunc([]string{"core/call", "core/clock", "core/media"}, func(p string) bool { return in(imported, p) }):
		return "a bridge knows call.Port only"
	case slices.ContainsFunc(parsers, func(p string) bool { return in(f.pkg, p) }) && !in(imported, f.pkg) && imported != "core/call":
		return "a parser knows core/call only"
	}
	for _, one := range endpoints {
		for _, other := range endpoints {
			if one != other && in(f.pkg, one) && in(imported, other) {
				return "endpoints never import each other"
			}
		}
	}
	return ""
}

func checkThirdParty(t *testing.T, f file, imported string) {
	t.Helper()
	for owned, owners := range thirdParty {
		if imported != owned && !strings.HasPrefix(imported, strings.TrimSuffix(owned, "/")+"/") {
			continue
		}
		for _, owner := range owners {
			if f.pkg == owner || strings.HasSuffix(owner, "/") && in(f.pkg, strings.TrimSuffix(owner, "/")) {
				return
			}
		}
		t.Errorf("%s imports %s, which stays inside %s", f.name, imported, strings.Join(owners, ", "))
		return
	}
	t.Errorf("%s imports %s, which this test does not know: say here who may use it", f.name, imported)
}

func checkStandard(t *testing.T, f file, imported string) {
	t.Helper()
	input := []string{"net", "net/http", "os", "os/exec", "syscall", "crypto/tls"}
	parser := slices.ContainsFunc(parsers, func(p string) bool { return in(f.pkg, p) })
	if (parser || f.pkg == "core/call") && slices.Contains(input, imported) {
		t.Errorf("%s imports %s: it does no input or output", f.name, imported)
	}
}

// TestTimeIsAnArgument finds waiting and dating that a virtual clock cannot
// steer, chance that a test cannot repeat, and tests that sleep.
func TestTimeIsAnArgument(t *testing.T) {
	used := map[string]bool{}
	for _, f := range sources(t) {
		clock, hasClock := f.imports["time"]
		for _, random := range []string{"math/rand", "math/rand/v2"} {
			if name, ok := f.imports[random]; ok && !f.test && top(f.pkg) != "cmd" && chancy[f.name] == "" {
				uses(f, name, func(function string, at token.Position) {
					if !slices.Contains(seeded, function) {
						t.Errorf("%s: rand.%s draws from the global source; take one as an argument", at, function)
					}
				})
			}
		}
		if !hasClock {
			continue
		}
		uses(f, clock, func(function string, at token.Position) {
			switch {
			case f.test && function == "Sleep":
				t.Errorf("%s: a test that sleeps fails on a slow machine; wait for the event", at)
			case f.test || top(f.pkg) == "cmd" || !slices.Contains(timeless, function):
			case timely[f.pkg] != "" || timely[f.name] != "":
				used[f.pkg], used[f.name] = true, true
			default:
				t.Errorf("%s: time.%s; take a clock.Clock as an argument", at, function)
			}
		})
	}
	for place, why := range timely {
		if !used[place] {
			t.Errorf("%s needs no exception any more (%s)", place, why)
		}
	}
}

// TestNothingStartsByItself finds goroutines that importing a package starts.
func TestNothingStartsByItself(t *testing.T) {
	for _, f := range sources(t) {
		for _, declaration := range f.syntax.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil || d.Name.Name != "init" {
					continue
				}
			case *ast.GenDecl:
				if d.Tok != token.VAR {
					continue
				}
			}
			ast.Inspect(declaration, func(n ast.Node) bool {
				if _, starts := n.(*ast.GoStmt); starts {
					t.Errorf("%s: importing %s starts a goroutine", positions.Position(n.Pos()), f.pkg)
				}
				return true
			})
		}
	}
}

// uses calls found for every function of the package imported as name.
func uses(f file, name string, found func(function string, at token.Position)) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && x.Name == name && x.Obj == nil {
			found(selector.Sel.Name, positions.Position(selector.Pos()))
		}
		return true
	})
}

// top is the first folder of a package: "core".
func top(pkg string) string { return strings.SplitN(pkg, "/", 2)[0] }

// in reports whether pkg is parent or lies below it.
func in(pkg, parent string) bool { return pkg == parent || strings.HasPrefix(pkg, parent+"/") }

var positions = token.NewFileSet()

// sources parses every Go file of the module, whatever its build tags.
func sources(t *testing.T) []file {
	t.Helper()
	var files []file
	root := ".."
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		syntax, err := parser.ParseFile(positions, name, nil, 0)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		files = append(files, file{
			name:    relative,
			pkg:     path.Dir(relative),
			test:    strings.HasSuffix(relative, "_test.go"),
			syntax:  syntax,
			imports: importsOf(syntax),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// importsOf maps the paths that a file imports to the names it uses for them.
func importsOf(syntax *ast.File) map[string]string {
	imports := map[string]string{}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(imported)
		if name == "v2" {
			name = path.Base(path.Dir(imported))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[imported] = name
	}
	return imports
}
