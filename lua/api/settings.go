package api

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/trace"
	"github.com/moonwire/moonwire/lua/host"
)

var settingEntries = []*Entry{
	{
		Name: "secret", Phase: Both,
		Summary: "A password that is made at the first start and kept.",
		Detail:  "It is never in the scripts: the server makes it, keeps it in its data directory and shows it once.",
		Params:  []Field{{Name: "name", Type: text(), Required: true, Summary: "what the password is for"}},
		Results: []Field{{Name: "password", Type: text(), Summary: "the same at every start"}},
		Example: `context "internal"
sip.phone "1001" { password = secret "1001", context = "internal" }`,
		Func: (*Args).secret,
	},
	{
		Name: "env", Phase: Both,
		Summary: "A variable of the server's environment.",
		Params: []Field{
			{Name: "name", Type: text(), Required: true, Summary: "its name"},
			{Name: "default", Type: text(), Summary: "used where it is not set; without one that is an error"},
		},
		Results: []Field{{Name: "value", Type: text(), Summary: "its value"}},
		Example: `sip.set { advertise = env("PUBLIC_ADDRESS", "203.0.113.7") }`,
		Func:    (*Args).env,
	},
	{
		Name: "limits", Phase: Loading,
		Summary: "Keeps the site within bounds.",
		Params: []Field{{Name: "settings", Required: true, Summary: "bounds", Type: record(
			Field{Name: "calls", Type: count(), Default: 0, Summary: "calls at once; 0 is no limit"},
			Field{Name: "calls_per_second", Type: seconds(), Default: 0, Summary: "new calls a second; 0 is no limit"},
			Field{Name: "duration", Type: seconds(), Unit: "s", Default: 0, Summary: "longest call; 0 is no limit"},
		)}},
		Example: `limits { calls = 200, calls_per_second = 50, duration = 4 * 3600 }`,
		Func:    (*Args).limits,
	},
	{
		Name: "grant", Phase: Loading,
		Summary: "Lets scripts reach files, hosts and programs.",
		Detail:  "Nothing is reachable that no grant names. Several grants add up.",
		Params: []Field{{Name: "capabilities", Required: true, Summary: "what may be reached", Type: record(
			Field{Name: "http", Type: oneOrMore(text()), Summary: `hosts: "crm.example.org", "crm.example.org:8080", "*.example.org"`},
			Field{Name: "read", Type: oneOrMore(text()), Summary: "folders whose files may be read"},
			Field{Name: "write", Type: oneOrMore(text()), Summary: "folders whose files may be read, written and removed"},
			Field{Name: "tcp", Type: oneOrMore(text()), Summary: `hosts to talk with by TCP, with their ports: "127.0.0.1:4573"; without one, on every port`},
			programsField,
		)}},
		Example: `grant { http = "crm.example.org", read = "/srv/lists", write = { "/srv/out" } }
grant { programs = { "agi-bin/*", "/usr/local/bin/lookup", user = "nobody", at_once = 20, timeout = 60 } }`,
		Func: (*Args).grant,
	},
}

func (a *Args) secret() int {
	name := a.String(0)
	password, err := a.api.services.Secret(name)
	if err != nil {
		a.Fail("%s", err)
	}
	if site := a.site(); site != nil && !slices.Contains(site.Secrets, name) {
		site.Secrets = append(site.Secrets, name)
	}
	return a.Return(lua.LString(password))
}

func (a *Args) env() int {
	value, ok := a.api.services.Env(a.String(0))
	switch {
	case ok:
		return a.Return(lua.LString(value))
	case a.Has(1):
		return a.Return(lua.LString(a.String(1)))
	}
	a.Fail("the environment variable %s is not set; set it, or give a default: env(%q, \"…\")", a.String(0), a.String(0))
	return 0
}

func (a *Args) limits() int {
	site := a.site()
	if site == nil {
		return 0
	}
	if err := site.once("limits", a.Source()); err != nil {
		a.Fail("%s", err)
	}
	o := a.Options(0)
	site.Limits = Limits{Calls: o.Int("calls"), CallsPerSecond: o.Number("calls_per_second"), CallDuration: o.Seconds("duration")}
	return 0
}

// Grants are what the scripts of a site may reach outside of it.
type Grants struct {
	HTTP  []string // hosts
	TCP   []string // hosts, with ports or without
	Read  []string // folders, absolute
	Write []string // folders, absolute

	Programs []Programs
	// Withheld, where not "", is why something that is not granted is not: it is
	// told instead of the advice to grant it.
	Withheld string
}

// refusal is what a script is told that asks for what is not granted, which what
// says.
func (g *Grants) refusal(what, advice string) string {
	if g.Withheld != "" {
		return what + ": " + g.Withheld
	}
	return what + "; add grant { " + advice + " } to the configuration"
}

// refused notes in the story of the call what it may not have.
func (a *Args) refused(what string) {
	if l := a.story(); l != nil {
		file, line := a.State.Where(a.L)
		l.Note(trace.Refused, file, line, slog.String("what", what))
	}
}

func (a *Args) grant() int {
	site := a.site()
	if site == nil {
		return 0
	}
	o := a.Options(0)
	for _, h := range o.Strings("http") {
		if strings.Contains(h, "/") {
			a.Fail("http takes hosts such as \"crm.example.org\", got %q", h)
		}
		site.Grants.HTTP = append(site.Grants.HTTP, strings.ToLower(h))
	}
	for _, h := range o.Strings("tcp") {
		if strings.Contains(h, "/") {
			a.Fail("tcp takes hosts such as \"127.0.0.1:4573\", got %q", h)
		}
		site.Grants.TCP = append(site.Grants.TCP, strings.ToLower(h))
	}
	a.grantPrograms(site, o)
	site.Grants.Read = append(site.Grants.Read, a.folders(o, "read")...)
	site.Grants.Write = append(site.Grants.Write, a.folders(o, "write")...)
	return 0
}

func (a *Args) folders(o Options, name string) []string {
	var list []string
	for _, f := range o.Strings(name) {
		if !filepath.IsAbs(f) {
			a.Fail("%s: %q is not an absolute path", name, f)
		}
		list = append(list, filepath.Clean(f))
	}
	return list
}

// allowsHost reports whether a host, with its port where it is not the usual
// one, was granted.
func (g *Grants) allowsHost(hostname, port string) bool { return allowsHost(g.HTTP, hostname, port) }

func allowsHost(granted []string, hostname, port string) bool {
	hostname = strings.ToLower(hostname)
	for _, h := range granted {
		if h == "*" || h == hostname || h == hostname+":"+port {
			return true
		}
		if suffix, ok := strings.CutPrefix(h, "*."); ok && strings.HasSuffix(hostname, "."+suffix) {
			return true
		}
	}
	return false
}

// folder finds the granted folder that path lies in, and the rest of the path.
func (g *Grants) folder(path string, write bool) (folder, rest string, ok bool) {
	path = filepath.Clean(path)
	granted := g.Write
	if !write {
		granted = append(slices.Clip(granted), g.Read...)
	}
	for _, f := range granted {
		if rel, err := filepath.Rel(f, path); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return f, rel, true
		}
	}
	return "", "", false
}

// grants are those of the version that the script belongs to.
func (a *Args) grants() *Grants {
	if t := a.task(); t != nil && t.site != nil {
		return &t.site.Grants
	}
	return &Grants{}
}

// task is what the script runs for.
func (a *Args) task() *task {
	if a.State.Phase() == host.Loading {
		return nil
	}
	t, _ := a.State.Data().(*task)
	return t
}

// lookupEnv is the environment where the services give no other.
func lookupEnv(name string) (string, bool) { return os.LookupEnv(name) }
