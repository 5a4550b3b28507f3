package lib_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// conf is an extensions.conf as far as the golden traces need one to be read
// without the translator: it turns lines into calls of asterisk.extension.
type conf struct {
	general  map[string]string
	globals  []pair
	contexts []*confContext
	byName   map[string]*confContext
	hints    map[[2]string]string
}

type confContext struct {
	name       string
	extensions []*confExtension
	includes   []string
	switches   [][2]string
}

type confExtension struct {
	pattern, caller string
	hasCaller       bool
	steps           []confStep
}

type confStep struct {
	priority         int
	label, app, args string
}

var confInclude = regexp.MustCompile(`^#(?:try)?include\s+"?([^"\s]+)"?`)

// readConf reads extensions.conf among files; ok is false where it includes
// what is not there.
func readConf(files map[string]string) (c *conf, ok bool) {
	c = &conf{general: map[string]string{}, byName: map[string]*confContext{}, hints: map[[2]string]string{}}
	r := confReader{conf: c, files: files, ok: true}
	r.read("extensions.conf")
	return c, r.ok
}

type confReader struct {
	*conf
	files    map[string]string
	ok       bool
	section  string
	context  *confContext
	last     string // extension of the line before, for same
	priority int
}

func (r *confReader) read(name string) {
	text, ok := r.files[name]
	if !ok {
		r.ok = false
		return
	}
	text = regexp.MustCompile(`(?s);--.*?--;`).ReplaceAllString(text, "")
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(uncomment(line))
		switch {
		case line == "":
		case confInclude.MatchString(line):
			file := confInclude.FindStringSubmatch(line)[1]
			if _, there := r.files[file]; there || !strings.HasPrefix(line, "#try") {
				r.read(file)
			}
		case strings.HasPrefix(line, "#"):
		case line[0] == '[':
			r.open(line)
		default:
			r.line(line)
		}
	}
}

// uncomment takes away a comment, and the backslash of what is none.
func uncomment(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' && i+1 < len(line) && line[i+1] == ';' {
			b.WriteByte(';')
			i++
			continue
		}
		if line[i] == ';' {
			break
		}
		b.WriteByte(line[i])
	}
	return b.String()
}

func (r *confReader) open(line string) {
	name, options, _ := strings.Cut(line[1:], "]")
	options = strings.Trim(strings.TrimSpace(options), "()")
	r.section = name
	r.context = nil
	if name == "general" || name == "globals" {
		return
	}
	c := r.byName[name]
	if c == nil {
		c = &confContext{name: name}
		r.byName[name] = c
		if !strings.Contains(options, "!") {
			r.contexts = append(r.contexts, c)
		}
	}
	for _, parent := range strings.Split(options, ",") {
		if p := r.byName[strings.TrimSpace(parent)]; p != nil && p != c {
			for _, e := range p.extensions {
				copied := *e
				copied.steps = append([]confStep(nil), e.steps...)
				c.extensions = append(c.extensions, &copied)
			}
			c.includes = append(c.includes, p.includes...)
		}
	}
	r.context = c
	r.last = ""
}

func (r *confReader) line(line string) {
	key, value, ok := strings.Cut(line, "=")
	if !ok {
		return
	}
	key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(strings.TrimPrefix(value, ">"))
	switch {
	case r.section == "general":
		r.general[key] = value
	case r.section == "globals":
		name, _, _ := strings.Cut(line, "=")
		r.globals = append(r.globals, pair{strings.TrimSpace(name), value})
	case r.context == nil:
	case key == "include":
		r.context.includes = append(r.context.includes, value)
	case key == "switch" || key == "eswitch" || key == "lswitch":
		kind, data, _ := strings.Cut(value, "/")
		if key == "switch" {
			data = strings.ReplaceAll(data, "${EXTEN}", "")
		}
		r.context.switches = append(r.context.switches, [2]string{kind, data})
	case key == "exten":
		extension, rest, ok := strings.Cut(value, ",")
		if ok {
			r.last = strings.TrimSpace(extension)
			r.step(rest)
		}
	case key == "same":
		r.step(value)
	}
}

var confPriority = regexp.MustCompile(`^\s*(\w+)([+-]\d+)?\s*(?:\(([^)]*)\))?\s*$`)

func (r *confReader) step(rest string) {
	priority, app, ok := strings.Cut(rest, ",")
	m := confPriority.FindStringSubmatch(priority)
	if !ok || m == nil || r.last == "" {
		return
	}
	n, err := strconv.Atoi(m[1])
	switch {
	case m[1] == "hint":
		r.hints[[2]string{r.context.name, r.last}] = strings.TrimSpace(app)
		r.priority = -1
		return
	case m[1] == "n":
		n = r.priority + 1
	case m[1] == "s":
		n = r.priority
	case err != nil || n < 1:
		return
	}
	if m[2] != "" {
		step, _ := strconv.Atoi(m[2])
		n += step
	}
	r.priority = n
	s := confStep{priority: n, label: m[3]}
	s.app, s.args, _ = strings.Cut(strings.TrimLeft(app, " "), "(")
	if strings.Contains(app, "(") {
		if end := strings.LastIndexByte(s.args, ')'); end >= 0 {
			s.args = s.args[:end]
		}
	} else {
		s.app = strings.TrimSpace(s.app)
	}
	e := r.context.extension(r.last)
	for _, other := range e.steps {
		if other.priority == n {
			return
		}
	}
	e.steps = append(e.steps, s)
}

// extension finds one of the context, or makes it. Dashes do not count.
func (c *confContext) extension(written string) *confExtension {
	pattern, caller, has := strings.Cut(written, "/")
	for _, e := range c.extensions {
		if same(e.pattern, pattern) && e.caller == caller && e.hasCaller == has {
			return e
		}
	}
	e := &confExtension{pattern: pattern, caller: caller, hasCaller: has}
	c.extensions = append(c.extensions, e)
	return e
}

func same(a, b string) bool {
	if !strings.ContainsRune(a+b, '[') {
		a, b = strings.ReplaceAll(a, "-", ""), strings.ReplaceAll(b, "-", "")
	}
	return a == b
}

// lua writes the site: its scripts by name.
func (c *conf) lua() map[string]string {
	var b strings.Builder
	b.WriteString("local asterisk = require \"asterisk\"\nlocal run = asterisk.compile.run\nasterisk.start()\n")
	b.WriteString("local function text(s) if s:find(\"$\", 1, true) then return function(ch) return run(ch, s) end end return s end\n")
	for _, ctx := range c.contexts {
		fmt.Fprintf(&b, "context %s\n", luaQuote(ctx.name))
		for _, e := range ctx.extensions {
			fmt.Fprintf(&b, "asterisk.extension(%s, %s, function() return {\n", luaQuote(ctx.name), luaQuote(e.pattern))
			for _, s := range e.steps {
				if s.priority > 0 && s.app != "" {
					fmt.Fprintf(&b, "  { %d, %s, text %s, label = %s },\n", s.priority, luaQuote(s.app), luaQuote(s.args), luaLabel(s.label))
				}
			}
			caller := "nil"
			if e.hasCaller {
				caller = luaQuote(e.caller)
				if e.caller == "" {
					caller = `"-"`
				}
			}
			fmt.Fprintf(&b, "} end, { file = \"extensions.conf\", caller = %s })\n", caller)
		}
		if len(ctx.switches) > 0 {
			fmt.Fprintf(&b, "asterisk.switched(%s)\n", luaQuote(ctx.name))
		}
		for _, include := range ctx.includes {
			name, when, timed := strings.Cut(include, "|")
			if !timed {
				name, when, timed = strings.Cut(include, ",")
			}
			options := "nil"
			if timed {
				options = "{ when = " + luaQuote(strings.ReplaceAll(when, "|", ",")) + " }"
			}
			fmt.Fprintf(&b, "asterisk.include(%s, %s, %s)\n", luaQuote(ctx.name), luaQuote(strings.TrimSpace(name)), options)
		}
	}
	return map[string]string{"dialplan.lua": b.String(), "asterisk/settings.lua": c.settings()}
}

func luaLabel(label string) string {
	if label == "" {
		return "nil"
	}
	return luaQuote(label)
}

func (c *conf) settings() string {
	var b strings.Builder
	b.WriteString("local compile = require \"asterisk.compile\"\nreturn {\n")
	fmt.Fprintf(&b, "autofallthrough = %t,\nglobals = {\n", c.general["autofallthrough"] != "no")
	for _, g := range c.globals {
		fmt.Fprintf(&b, "{ %s, function(ch) return compile.run(ch, %s) end },\n", luaQuote(g.Key), luaQuote(g.Value))
	}
	b.WriteString("},\nswitches = {\n")
	for _, ctx := range c.contexts {
		if len(ctx.switches) > 0 {
			fmt.Fprintf(&b, "[%s] = {", luaQuote(ctx.name))
			for _, s := range ctx.switches {
				fmt.Fprintf(&b, "{ %s, %s }, ", luaQuote(s[0]), luaQuote(s[1]))
			}
			b.WriteString("},\n")
		}
	}
	b.WriteString("},\nhints = {\n")
	for key, device := range c.hints {
		fmt.Fprintf(&b, "[%s] = { [%s] = %s },\n", luaQuote(key[0]), luaQuote(key[1]), luaQuote(device))
	}
	b.WriteString("},\n}\n")
	return b.String()
}
