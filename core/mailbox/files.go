package mailbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	draftPrefix = "draft-" // in tmp: becomes a message once its text is there
	gonePrefix  = "gone-"  // in tmp: was a message
	mostNumber  = 9999
)

// extensions are those of sounds, the best first. Asterisk writes GSM in a wav
// file as "WAV".
var extensions = []string{".wav", ".sln16", ".sln", ".ulaw", ".alaw", ".g722", ".gsm", ".WAV", ".ogg", ".opus", ".mp3"}

// slot is a number of a folder that is taken.
type slot struct {
	number int
	text   bool     // it is a message
	sounds []string // extensions, the best first
}

var messageName = regexp.MustCompile(`^msg([0-9]{4,})(\.[A-Za-z0-9]+)$`)

// entries lists a folder; one that is not there is empty.
func entries(root *os.Root, folder string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(root.FS(), folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return list, err
}

// numbers lists what is taken in a folder, in order.
func (b *Box) numbers(folder string) ([]slot, error) {
	list, err := entries(b.store.root, path.Join(b.folder, folder))
	if err != nil {
		return nil, err
	}
	var slots []slot
	for _, e := range list { // sorted by name
		parts := messageName.FindStringSubmatch(e.Name())
		if parts == nil || e.IsDir() {
			continue
		}
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			continue
		}
		i := slices.IndexFunc(slots, func(s slot) bool { return s.number == n })
		if i < 0 {
			i, slots = len(slots), append(slots, slot{number: n})
		}
		if parts[2] == ".txt" {
			slots[i].text = true
		} else if slices.Contains(extensions, parts[2]) {
			slots[i].sounds = append(slots[i].sounds, parts[2])
		}
	}
	for _, s := range slots {
		slices.SortFunc(s.sounds, func(a, b string) int { return slices.Index(extensions, a) - slices.Index(extensions, b) })
	}
	slices.SortFunc(slots, func(a, b slot) int { return a.number - b.number })
	return slots, nil
}

// stem is the path of a message without extension.
func (b *Box) stem(folder string, number int) string {
	return path.Join(b.folder, folder, fmt.Sprintf("msg%04d", number))
}

// sounds lists the extensions of the sounds of a path without extension.
func (b *Box) sounds(stem string) []string {
	var list []string
	for _, extension := range extensions {
		if _, err := b.store.root.Lstat(stem + extension); err == nil {
			list = append(list, extension)
		}
	}
	return list
}

// move takes a message from one path without extension to another, whole or not
// at all; see the description of the package. Nothing may be at the other. When it
// returns, the message is there on the disk too.
func (b *Box) move(from, to string, sounds []string) error {
	if err := b.rename(from, to, sounds); err != nil {
		return err
	}
	return errors.Join(b.sync(path.Dir(to)), b.sync(path.Dir(from)))
}

// rename is move as far as other processes can see.
func (b *Box) rename(from, to string, sounds []string) error {
	root := b.store.root
	if err := root.MkdirAll(path.Dir(to), 0o750); err != nil {
		return err
	}
	for _, extension := range sounds {
		err := root.Link(from+extension, to+extension)
		if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
			err = root.Rename(from+extension, to+extension) // there are no hard links here
		}
		if err != nil {
			return err
		}
	}
	if err := root.Rename(from+".txt", to+".txt"); err != nil {
		return err
	}
	for _, extension := range sounds {
		if err := root.Remove(from + extension); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sync puts the names in a folder on the disk.
func (b *Box) sync(folder string) error {
	f, err := b.store.root.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// write makes a file, whole or not at all, and has it on the disk.
func (b *Box) write(name string, content []byte) error {
	root, draft := b.store.root, name+".new"
	f, err := root.OpenFile(draft, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(draft, name)
	}
	if err != nil {
		_ = root.Remove(draft)
		return err
	}
	return b.sync(path.Dir(name))
}

// read is a file of at most so many bytes.
func (b *Box) read(name string, most int64) ([]byte, error) {
	f, err := b.store.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// tidy closes the gaps of all folders, unless somebody listens.
func (b *Box) tidy() error {
	if b.open > 0 {
		return nil
	}
	for _, folder := range Folders {
		slots, err := b.numbers(folder)
		if err != nil {
			return err
		}
		taken := map[int]bool{}
		for _, s := range slots {
			taken[s.number] = true
		}
		next, moved := 0, false
		for _, s := range slots {
			for taken[next] && next < s.number {
				next++
			}
			if !s.text || next >= s.number {
				continue
			}
			if err := b.rename(b.stem(folder, s.number), b.stem(folder, next), s.sounds); err != nil {
				return err
			}
			taken[next], taken[s.number], moved = true, false, true
		}
		if moved {
			if err := b.sync(path.Join(b.folder, folder)); err != nil {
				return err
			}
		}
	}
	return nil
}

// recover deals with what a crash left behind: names too many go, drafts whose
// text was written are delivered, others are removed.
func (b *Box) recover() error {
	inTmp, err := entries(b.store.root, path.Join(b.folder, "tmp"))
	if err != nil {
		return err
	}
	if err := b.removeDoubles(); err != nil {
		return err
	}
	for _, e := range inTmp {
		stem, isText := strings.CutSuffix(e.Name(), ".txt")
		if !isText || !strings.HasPrefix(stem, draftPrefix) {
			continue
		}
		if err := b.deliverLeft(path.Join(b.folder, "tmp", stem)); err != nil {
			return err
		}
	}
	for _, e := range inTmp {
		name := strings.TrimPrefix(e.Name(), ".") // of a sound that is being written
		if strings.HasPrefix(name, draftPrefix) || strings.HasPrefix(name, gonePrefix) {
			if err := b.store.root.Remove(path.Join(b.folder, "tmp", e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return b.tidy()
}

// deliverLeft delivers a draft that was whole when the process was killed.
func (b *Box) deliverLeft(stem string) error {
	sounds := b.sounds(stem)
	text, err := b.read(stem+".txt", longestText)
	if err != nil || len(sounds) == 0 {
		return err
	}
	m, err := ParseMessage(text)
	if err != nil {
		return nil // no draft of ours
	}
	number, err := b.free(folderOf(&m))
	if err != nil {
		return nil
	}
	return b.move(stem, b.stem(folderOf(&m), number), sounds)
}

// removeDoubles removes sounds without a text that are also those of another
// message, or of one in tmp.
func (b *Box) removeDoubles() error {
	type place struct {
		name string
		info fs.FileInfo
	}
	var alone, owned []place
	look := func(list *[]place, stem string, sounds []string) {
		for _, extension := range sounds {
			if info, err := b.store.root.Lstat(stem + extension); err == nil {
				*list = append(*list, place{stem + extension, info})
			}
		}
	}
	for _, folder := range Folders {
		slots, err := b.numbers(folder)
		if err != nil {
			return err
		}
		for _, s := range slots {
			if s.text {
				look(&owned, b.stem(folder, s.number), s.sounds)
			} else {
				look(&alone, b.stem(folder, s.number), s.sounds)
			}
		}
	}
	inTmp, err := entries(b.store.root, path.Join(b.folder, "tmp"))
	if err != nil {
		return err
	}
	for _, e := range inTmp {
		name := path.Join(b.folder, "tmp", e.Name())
		look(&owned, strings.TrimSuffix(name, path.Ext(name)), []string{path.Ext(name)})
	}
	for _, one := range alone {
		if slices.ContainsFunc(owned, func(p place) bool { return os.SameFile(p.info, one.info) }) {
			if err := b.store.root.Remove(one.name); err != nil {
				return err
			}
		}
	}
	return nil
}
