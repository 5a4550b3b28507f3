package api

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/core/program"
	"github.com/moonwire/moonwire/core/trace"
)

// Programs are programs that scripts may run, and how.
type Programs struct {
	// Allowed are patterns of paths; a relative one lies in the site's folder, one
	// that ends with /* takes in what is in that folder and below, "*" is any.
	Allowed []string
	User    string        // "": nobody where the server is root, else its own
	AtOnce  int           // 0: twenty
	Timeout time.Duration // longest time that a call waits for one; 0: a minute
	Env     []string      // "NAME=value"
}

const (
	programsAtOnce  = 20
	programsTimeout = time.Minute
	agiFolder       = "agi-bin" // of a site
	unprivileged    = "nobody"
)

var programsField = Field{
	Name: "programs", Type: either(text(), listAnd(text(),
		Field{Name: "user", Type: text(), Summary: "whom they run as; only root can choose. `nobody` where the server is root, else the server's own"},
		Field{Name: "at_once", Type: count(), Default: programsAtOnce, Summary: "how many of them"},
		Field{Name: "timeout", Type: seconds(), Unit: "s", Default: int(programsTimeout / time.Second), Summary: "how long a call waits for one before it is killed"},
		Field{Name: "env", Type: mapOf(text()), Summary: "variables of their environment, beside PATH, HOME, USER, LANG and TZ"},
	)),
	Summary: `programs that may be run: "/usr/local/bin/lookup"; "agi-bin/*" are those of the site's folder agi-bin; "/bin/sh" lets scripts run any command`,
}

// grantPrograms notes what a grant says of programs.
func (a *Args) grantPrograms(site *Site, o Options) {
	v := o.Value("programs")
	if v == lua.LNil {
		return
	}
	t, _ := v.(*lua.LTable)
	settings := Options{args: a, t: t, kind: programsField.Type}
	p := Programs{Allowed: stringList(v), User: settings.String("user"), AtOnce: settings.Int("at_once"), Timeout: settings.Seconds("timeout")}
	for _, pattern := range p.Allowed {
		if _, err := path.Match(pattern, ""); err != nil || strings.Contains("/"+pattern+"/", "/../") {
			a.Fail("programs: %q is not a path or a pattern of paths", pattern)
		}
	}
	if env, ok := settings.Value("env").(*lua.LTable); ok {
		env.ForEach(func(name, value lua.LValue) { p.Env = append(p.Env, name.String()+"="+value.String()) })
	}
	site.Grants.Programs = append(site.Grants.Programs, p)
}

// allows reports whether the program at a clean absolute path may be run.
func (p *Programs) allows(site, file string) bool {
	for _, pattern := range p.Allowed {
		if pattern == "*" {
			return true
		}
		if !filepath.IsAbs(pattern) {
			if site == "" {
				continue
			}
			pattern = filepath.Join(site, pattern)
		}
		if folder, all := strings.CutSuffix(pattern, "/*"); all && strings.HasPrefix(file, folder+"/") {
			return true
		}
		if ok, _ := path.Match(pattern, file); ok {
			return true
		}
	}
	return false
}

// programFolders are where programs that are named without a folder are looked for.
func (g *Grants) programFolders(site string) []string {
	var list []string
	if site != "" {
		list = append(list, filepath.Join(site, agiFolder))
	}
	for _, p := range g.Programs {
		for _, pattern := range p.Allowed {
			if folder, all := strings.CutSuffix(pattern, "/*"); all && filepath.IsAbs(folder) {
				list = append(list, folder)
			}
		}
	}
	return list
}

// program finds a program and what lets it be run. The error is program.ErrMissing,
// or says that it is not granted.
func (g *Grants) program(site, name string) (file string, granted *Programs, err error) {
	file = filepath.Clean(name)
	if !filepath.IsAbs(file) {
		if file, err = g.relative(site, file); err != nil {
			return "", nil, err
		}
	}
	for i := range g.Programs {
		if g.Programs[i].allows(site, file) {
			return file, &g.Programs[i], nil
		}
	}
	advice := file
	if rest, inside := strings.CutPrefix(file, site+"/"); inside && site != "" {
		advice = rest
	}
	return "", nil, errors.New(g.refusal("the program "+file+" is not granted", fmt.Sprintf("programs = %q", advice)))
}

func (g *Grants) relative(site, name string) (string, error) {
	if filepath.IsLocal(name) {
		for _, folder := range g.programFolders(site) {
			if file := filepath.Join(folder, name); exists(file) {
				return file, nil
			}
		}
	}
	return "", fmt.Errorf("%s: %w in the site's folder %s nor in a granted one", name, program.ErrMissing, agiFolder)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// programs are those that run for scripts.
type programs struct {
	mu   sync.Mutex
	live map[*program.Process]string // to what granted it
	over bool
}

var (
	errTooMany   = errors.New("as many programs run as are granted at once")
	errEndOfSite = errors.New("the server is stopping")
)

// start runs a program within what granted allows. Any goroutine.
func (p *programs) start(granted *Programs, c program.Command) (*program.Process, error) {
	key := strings.Join(granted.Allowed, "\x00") + "\x00" + granted.User
	most := granted.AtOnce
	if most == 0 {
		most = programsAtOnce
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, other := range p.live {
		if other == key {
			n++
		}
	}
	switch {
	case p.over:
		return nil, errEndOfSite
	case n >= most:
		return nil, fmt.Errorf("%w: %d (at_once)", errTooMany, most)
	}
	c.User, c.Env = granted.User, append(granted.Env, c.Env...)
	if c.User == "" && program.Root() {
		c.User = unprivileged
	}
	process, err := program.Start(c)
	if err != nil {
		return nil, err
	}
	if p.live == nil {
		p.live = map[*program.Process]string{}
	}
	p.live[process] = key
	go func() {
		<-process.Done()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.live, process)
	}()
	return process, nil
}

// EndPrograms kills what scripts run and lets them run no more: for the end of a
// server. Any goroutine.
func (api *API) EndPrograms() {
	api.programs.mu.Lock()
	defer api.programs.mu.Unlock()
	api.programs.over = true
	for process := range api.programs.live {
		process.Kill()
	}
}

// patience is how long a call waits for a program.
func (p *Programs) patience() time.Duration {
	if p.Timeout == 0 {
		return programsTimeout
	}
	return p.Timeout
}

// startProgram runs a program for the script. A status says why it does not run.
func (a *Args) startProgram(c program.Command) (process *program.Process, granted *Programs, status, reason string) {
	name := c.Path
	file, granted, err := a.grants().program(a.api.services.Site, name)
	if err == nil {
		c.Path, c.Complain = file, a.complainer(file)
		process, err = a.api.programs.start(granted, c)
	}
	if err == nil {
		return process, granted, "", ""
	}
	switch {
	case errors.Is(err, program.ErrMissing):
		status = "missing"
	case errors.Is(err, errTooMany), errors.Is(err, errEndOfSite), granted == nil:
		status = "refused"
	default:
		status = "failed"
	}
	if status == "refused" {
		a.refused("run " + name)
	}
	a.noteRun(name, status)
	return nil, granted, status, err.Error()
}

// complainer logs what a program writes to its standard error.
func (a *Args) complainer(file string) func(string) {
	log := a.working().log.With("program", file)
	return func(line string) { log.Warn("a program complains", "line", line) }
}

// noteRun notes in the story of the call what came of a program.
func (a *Args) noteRun(command, status string) {
	if l := a.story(); l != nil {
		file, line := a.State.Where(a.L)
		l.Note(trace.Run, file, line, slog.String("command", cut(command, longestArgs)), slog.String("status", status))
	}
}

// machineAlarm has a function run on the task's goroutine after so much of the
// machine's time, which passes while a program holds virtual time.
func (t *task) machineAlarm(d time.Duration, f func()) (stop func()) {
	timer := t.api.services.Wall.AfterFunc(d, func() { t.post(f) })
	return func() { timer.Stop() }
}
