package mailbox

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// Messages lists a folder, in the order of the numbers. A text that cannot be
// read is left out, and said so in the log.
func (b *Box) Messages(folder string) ([]Message, error) {
	if !slices.Contains(Folders, folder) {
		return nil, fmt.Errorf("there is no folder %q", folder)
	}
	done, err := b.use()
	if err != nil {
		return nil, err
	}
	defer done()
	return b.list(folder)
}

func (b *Box) list(folder string) ([]Message, error) {
	slots, err := b.numbers(folder)
	if err != nil {
		return nil, err
	}
	var list []Message
	for _, s := range slots {
		if !s.text {
			continue
		}
		stem := b.stem(folder, s.number)
		text, err := b.read(stem+".txt", longestText)
		if err != nil {
			return nil, err
		}
		m, err := ParseMessage(text)
		if err != nil {
			b.store.options.Log.Warn("a message cannot be read", "file", stem+".txt", "error", err)
			continue
		}
		m.Folder, m.Number = folder, s.number
		if len(s.sounds) > 0 {
			m.Sound = stem + s.sounds[0]
		}
		list = append(list, m)
	}
	return list, nil
}

// Find finds a message by its ID, ErrMissing where there is none.
func (b *Box) Find(id string) (Message, error) {
	done, err := b.use()
	if err != nil {
		return Message{}, err
	}
	defer done()
	m, _, err := b.find(id)
	return m, err
}

func (b *Box) find(id string) (Message, slot, error) {
	for _, folder := range Folders {
		list, err := b.list(folder)
		if err != nil {
			return Message{}, slot{}, err
		}
		for _, m := range list {
			if m.ID == id {
				return m, slot{m.Number, true, b.sounds(b.stem(folder, m.Number))}, nil
			}
		}
	}
	return Message{}, slot{}, ErrMissing
}

// Move puts a message into another folder. ErrFull says that there are most
// messages in it already; 0 is no limit.
func (b *Box) Move(id, folder string, most int) error {
	if !slices.Contains(Folders, folder) {
		return fmt.Errorf("there is no folder %q", folder)
	}
	return b.change(id, func(m Message, s slot) error {
		if m.Folder == folder {
			return nil
		}
		number, err := b.room(folder, most)
		if err != nil {
			return err
		}
		return b.move(b.stem(m.Folder, m.Number), b.stem(folder, number), s.sounds)
	})
}

// Remove removes a message for good.
func (b *Box) Remove(id string) error {
	return b.change(id, func(m Message, s slot) error {
		gone, err := b.name(gonePrefix)
		if err != nil {
			return err
		}
		if err := b.move(b.stem(m.Folder, m.Number), gone, s.sounds); err != nil {
			return err
		}
		for _, extension := range append(s.sounds, ".txt") {
			if err := b.store.root.Remove(gone + extension); err != nil {
				return err
			}
		}
		return nil
	})
}

// change finds a message, has something done to it, and tells of it.
func (b *Box) change(id string, f func(m Message, s slot) error) error {
	done, err := b.use()
	if err != nil {
		return err
	}
	defer done()
	m, s, err := b.find(id)
	if err != nil {
		return err
	}
	if err := f(m, s); err != nil {
		return fmt.Errorf("message %s of mailbox %s: %w", id, b.address, err)
	}
	defer b.tell()
	return b.tidy()
}

// Greeting is what callers are told.
type Greeting string

// The greetings of a mailbox.
const (
	Unavailable Greeting = "unavail"
	Busy        Greeting = "busy"
	Name        Greeting = "greet" // the owner says his name
	Temporary   Greeting = "temp"  // played in place of all others
)

// Greetings are all kinds.
var Greetings = []Greeting{Unavailable, Busy, Name, Temporary}

// Greeting is the path of a greeting, "" where none was recorded.
func (b *Box) Greeting(kind Greeting) string {
	stem := path.Join(b.folder, string(kind))
	if list := b.sounds(stem); len(list) > 0 {
		return stem + list[0]
	}
	return ""
}

// KeepGreeting makes a draft a greeting, in place of the one there is.
func (b *Box) KeepGreeting(kind Greeting, draft string) error {
	if !b.isDraft(draft) {
		return fmt.Errorf("%s is no draft of mailbox %s", draft, b.address)
	}
	done, err := b.use()
	if err != nil {
		return err
	}
	defer done()
	stem, extension := path.Join(b.folder, string(kind)), path.Ext(draft)
	if err := b.store.root.Rename(draft, stem+extension); err != nil {
		return err
	}
	return errors.Join(b.removeSounds(stem, extension), b.sync(b.folder))
}

// RemoveGreeting removes a greeting, if there is one.
func (b *Box) RemoveGreeting(kind Greeting) error {
	done, err := b.use()
	if err != nil {
		return err
	}
	defer done()
	return b.removeSounds(path.Join(b.folder, string(kind)), "")
}

// removeSounds removes the sounds of a path without extension but one.
func (b *Box) removeSounds(stem, except string) error {
	for _, extension := range b.sounds(stem) {
		if extension == except {
			continue
		}
		if err := b.store.root.Remove(stem + extension); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
