package media

import (
	"container/list"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/media/dsp"
	"github.com/moonwire/moonwire/core/media/file"
)

// Prompts finds what is to be played, and keeps it ready.
//
// A prompt is read and decoded when it is first asked for, on the goroutine that
// asks, and turned into each format once; from then on every call that plays it
// shares the same octets. What is long, music for those who wait, is read while
// it plays, by each call for itself. The sound of prompts not played for longest is
// forgotten when all of it together exceeds a limit. All methods may be called
// from any goroutine but a media worker's.
type Prompts struct {
	log      *slog.Logger
	roots    []fs.FS
	language string // where nothing else fits
	streams  Streams

	mu     sync.Mutex
	limit  int64
	size   int64
	latest *list.List // of *promptEntry, the latest used first
	byKey  map[promptKey]*promptEntry
}

// promptKey is what was asked for: a prompt in a language, or a file of a
// caller's own file system.
type promptKey struct {
	files          any // nil for prompts
	language, name string
}

// promptEntry is a prompt that is loaded or being loaded.
type promptEntry struct {
	key      promptKey
	once     sync.Once
	prompt   *Prompt
	err      error
	modified time.Time // of a caller's file
	length   int64
	size     int64         // octets that count against the limit
	place    *list.Element // nil once it was forgotten
}

const (
	// DefaultPromptLimit is how many octets of sound are kept.
	DefaultPromptLimit = 64 << 20
	// promptRate is the highest rate at which prompts are kept; telephones hear
	// no difference above it.
	promptRate = 16000
	// promptMost is what is kept in memory at most; longer sounds are streamed.
	promptMost = 2 * time.Minute
	// promptMostOctets is that for files that do not say how long they are.
	promptMostOctets = 2 << 20
)

// promptExtensions are the files that are looked for, the best first.
var promptExtensions = []string{
	".wav", ".sln48", ".sln44", ".sln32", ".sln24", ".sln16", ".g722", ".ogg", ".mp3", ".sln12", ".sln", ".raw", ".ulaw", ".alaw", ".ul", ".al", ".pcm",
	".gsm", ".WAV", ".wav49",
}

// wideExtensions are those that are better than a wav file of narrow band.
var wideExtensions = []string{".sln16", ".sln24", ".sln32", ".sln44", ".sln48", ".g722"}

// MissingPrompt says that no file was found.
type MissingPrompt struct {
	Language, Name string
	Tried          []string // paths in the folders of prompts, without extension
}

func (e *MissingPrompt) Error() string {
	return fmt.Sprintf("prompt %q not found: tried %s as wav, sln…, g722, ogg, mp3, ulaw, alaw, gsm and wav49", e.Name, strings.Join(e.Tried, ", "))
}

// Is makes errors.Is(err, fs.ErrNotExist) true.
func (e *MissingPrompt) Is(target error) bool { return target == fs.ErrNotExist }

// NewPrompts looks in each of roots for <language>/<name>.<extension>, in the
// first one first. log may be nil.
func NewPrompts(log *slog.Logger, roots ...fs.FS) *Prompts {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Prompts{
		log: log, roots: roots, streams: Streams{Log: log}, language: "en", limit: DefaultPromptLimit,
		latest: list.New(), byKey: map[promptKey]*promptEntry{},
	}
}

// SetLimit changes how many octets of sound are kept. A single file may not have
// more.
func (p *Prompts) SetLimit(octets int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = octets
	p.forget(nil)
}

// SetDefaultLanguage changes the language that is tried last; before first use.
func (p *Prompts) SetDefaultLanguage(language string) { p.language = language }

// SetClock has virtual time wait for long prompts to be read; before first use.
func (p *Prompts) SetClock(c call.Holder) { p.streams.Clock = c }

// Underruns counts the frames of long prompts for which the disk was too slow.
func (p *Prompts) Underruns() uint64 { return p.streams.Underruns() }

// Find loads a prompt, or finds it loaded. The name has no extension but may
// have folders: "digits/1". A language with a region, "en-GB", falls back to the
// language alone, then to the default language, then to a file outside of all
// languages. The error is a *MissingPrompt, or says why the file that was found
// cannot be played.
func (p *Prompts) Find(language, name string) (*Prompt, error) {
	key := promptKey{language: language, name: name}
	e := p.entry(key)
	e.once.Do(func() { e.prompt, e.err = p.find(e, language, name) })
	return p.loaded(e)
}

// Locate tells where Find would look for a prompt first among those places that
// have it, as a path in the folders of prompts without extension, or "". Nothing
// is read.
func (p *Prompts) Locate(language, name string) string {
	if !fs.ValidPath(name) || name == "." {
		return ""
	}
	for _, folder := range p.folders(language) {
		for _, root := range p.roots {
			at := path.Join(folder, name)
			if _, err := statSound(root, &at); err == nil {
				return path.Join(folder, name)
			}
		}
	}
	return ""
}

// FindFile loads a file of a caller's own, such as a recording. It is read anew
// when its time or length has changed. Without an extension it is looked for
// with those that prompts have.
func (p *Prompts) FindFile(files fs.FS, name string) (*Prompt, error) {
	name = path.Clean(name)
	info, err := statSound(files, &name)
	if err != nil {
		return nil, err
	}
	if !reflect.TypeOf(files).Comparable() {
		return p.load(&promptEntry{}, files, name)
	}
	key := promptKey{files: files, name: name}
	e := p.entry(key)
	e.once.Do(func() {
		e.modified, e.length = info.ModTime(), info.Size()
		e.prompt, e.err = p.load(e, files, name)
	})
	if e.err == nil && (!e.modified.Equal(info.ModTime()) || e.length != info.Size()) {
		p.drop(e)
		return p.FindFile(files, name)
	}
	return p.loaded(e)
}

// statSound completes the name of a file.
func statSound(files fs.FS, name *string) (fs.FileInfo, error) {
	info, err := fs.Stat(files, *name)
	if err == nil && !info.IsDir() {
		return info, nil
	}
	missing := &MissingPrompt{Name: *name, Tried: []string{*name}}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, extension := range promptExtensions {
		if info, err := fs.Stat(files, *name+extension); err == nil && !info.IsDir() {
			*name += extension
			return info, nil
		}
	}
	return nil, missing
}

// entry finds or makes the place of a prompt.
func (p *Prompts) entry(key promptKey) *promptEntry {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.byKey[key]
	if e == nil {
		e = &promptEntry{key: key}
		e.place = p.latest.PushFront(e)
		p.byKey[key] = e
		return e
	}
	p.latest.MoveToFront(e.place)
	return e
}

// loaded is the result of loading. What failed is tried again the next time.
func (p *Prompts) loaded(e *promptEntry) (*Prompt, error) {
	if e.err != nil {
		p.drop(e)
	}
	return e.prompt, e.err
}

func (p *Prompts) drop(e *promptEntry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(e)
}

// remove forgets an entry; calls that play it go on.
func (p *Prompts) remove(e *promptEntry) {
	if e.place == nil {
		return
	}
	p.latest.Remove(e.place)
	delete(p.byKey, e.key)
	e.place = nil
	p.size -= e.size
}

// grow counts sound that an entry keeps, and forgets others for it.
func (p *Prompts) grow(e *promptEntry, octets int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.place == nil {
		return
	}
	e.size += octets
	p.size += octets
	p.forget(e)
}

// forget makes room, but does not forget the entry that it is made for.
func (p *Prompts) forget(keep *promptEntry) {
	for p.size > p.limit {
		last := p.latest.Back()
		for last != nil && (last.Value == keep || last.Value.(*promptEntry).size == 0) {
			last = last.Prev()
		}
		if last == nil {
			return
		}
		p.remove(last.Value.(*promptEntry))
	}
}

// Invalidate forgets a prompt whose file was changed, added or removed, in every
// language. The name may be that of the prompt, or the path of the file in its
// root. An empty name forgets all. Calls that play it go on as they began.
func (p *Prompts) Invalidate(name string) {
	name = strings.TrimSuffix(name, path.Ext(name))
	_, inner, _ := strings.Cut(name, "/")
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, e := range p.byKey {
		known := strings.TrimSuffix(key.name, path.Ext(key.name))
		if name == "" || key.name == name || known == name || known == inner {
			p.remove(e)
		}
	}
}

// find goes through the languages, roots and extensions.
func (p *Prompts) find(e *promptEntry, language, name string) (*Prompt, error) {
	missing := &MissingPrompt{Language: language, Name: name}
	if !fs.ValidPath(name) || name == "." {
		return nil, fmt.Errorf("%q cannot be the name of a prompt", name)
	}
	var refused error
	for _, folder := range p.folders(language) {
		missing.Tried = append(missing.Tried, path.Join(folder, name))
		for _, root := range p.roots {
			prompt, err := p.findIn(e, root, path.Join(folder, name))
			if err == nil {
				return prompt, nil
			}
			if refused == nil && !errors.Is(err, fs.ErrNotExist) {
				refused = err
			}
		}
	}
	if refused != nil {
		return nil, refused
	}
	return nil, missing
}

// folders are where to look for a language: "en-GB", "en", the default, and "."
// for files outside of all languages.
func (p *Prompts) folders(language string) []string {
	var folders []string
	add := func(folder string) {
		if fs.ValidPath(folder) && !strings.Contains(folder, "/") && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	language = strings.ReplaceAll(language, "_", "-")
	for language != "" {
		add(language)
		language = language[:max(0, strings.LastIndexByte(language, '-'))]
	}
	add(p.language)
	add(".")
	return folders
}

// findIn loads the best readable file of that name in one root.
func (p *Prompts) findIn(e *promptEntry, root fs.FS, name string) (*Prompt, error) {
	var refused error
	extensions := promptExtensions
	if slices.Contains(promptExtensions, path.Ext(name)) {
		extensions = append([]string{""}, extensions...)
	}
	for _, extension := range extensions {
		prompt, err := p.load(e, root, name+extension)
		if err == nil && extension != "" {
			prompt.stem = name
			return p.widest(e, root, prompt), nil
		}
		if err == nil {
			return prompt, nil
		}
		if refused == nil && !errors.Is(err, fs.ErrNotExist) {
			refused = err
		}
	}
	if refused != nil {
		return nil, refused
	}
	return nil, fs.ErrNotExist
}

// widest is the prompt, or where it has no more than telephones have had for a
// hundred years, one of the same name that has.
func (p *Prompts) widest(e *promptEntry, root fs.FS, prompt *Prompt) *Prompt {
	if prompt.long != nil || prompt.rate >= promptRate {
		return prompt
	}
	for _, extension := range wideExtensions {
		if wide, err := p.load(e, root, prompt.stem+extension); err == nil {
			p.grow(e, -int64(2*len(prompt.pcm)))
			wide.stem = prompt.stem
			return wide
		}
	}
	return prompt
}

// tooLong reports whether a file should not be kept in memory.
func tooLong(info file.Info, files fs.FS, name string) bool {
	if info.Length > 0 {
		return info.Length > promptMost
	}
	facts, err := fs.Stat(files, name)
	return err == nil && facts.Size() > promptMostOctets
}

// load reads one file, or looks at one that is long.
func (p *Prompts) load(e *promptEntry, files fs.FS, name string) (*Prompt, error) {
	reader, err := file.Open(files, name)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	if tooLong(reader.Info(), files, name) {
		return &Prompt{owner: p, entry: e, file: name, long: p.streams.stream(files, name, reader.Info())}, nil
	}
	p.mu.Lock()
	limit := p.limit
	p.mu.Unlock()
	pcm, err := reader.ReadAll(int(limit / 2))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if reader.Truncated() {
		p.log.Warn("sound file ends too early", "file", name, "seconds", float64(len(pcm))/float64(reader.Rate()))
	}
	rate := reader.Rate()
	if rate > promptRate {
		if pcm, err = dsp.Resample(pcm, rate, promptRate); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		rate = promptRate
	}
	prompt := &Prompt{owner: p, entry: e, files: files, file: name, line: reader.LineCodec(), pcm: slices.Clip(pcm), rate: rate}
	p.grow(e, int64(2*len(pcm)))
	return prompt, nil
}
