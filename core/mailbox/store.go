package mailbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/moonwire/moonwire/core/clock"
)

// Folder is where the mailboxes lie, below the root of a Store.
const Folder = "voicemail"

// Folders of a mailbox.
const (
	Inbox  = "INBOX" // not listened to yet
	Old    = "Old"
	Urgent = "Urgent" // not listened to yet, and marked by the caller
)

// Folders are those that messages can be kept in, in the order of the keys that
// choose them.
var Folders = []string{Inbox, Old, "Work", "Family", "Friends", Urgent}

// What an operation can fail with, beside the errors of files.
var (
	ErrFull    = errors.New("the mailbox is full")
	ErrMissing = errors.New("there is no such message")
	ErrEmpty   = errors.New("nothing was recorded")
)

// Counts are how many messages wait. Urgent ones are not among the new.
type Counts struct{ New, Urgent, Old int }

// Change says that messages came or went.
type Change struct {
	Address string // of the mailbox: "1101@finance"
	Counts  Counts
}

// Options are what a Store works with.
type Options struct {
	Clock  clock.Clock  // nil: clock.Real
	Log    *slog.Logger // nil: slog.Default()
	Random io.Reader    // of names and salts; nil: crypto/rand
}

// Store keeps the mailboxes of one spool. Its methods and those of its boxes may
// be called from any goroutine; one process may have a spool open at a time.
type Store struct {
	options Options
	root    *os.Root
	mu      sync.Mutex
	boxes   map[string]*Box
	watch   []func(Change)
}

// New returns the store of the mailboxes in root/voicemail, which is made when
// it is needed.
func New(root *os.Root, o Options) *Store {
	if o.Clock == nil {
		o.Clock = clock.Real
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	return &Store{options: o, root: root, boxes: map[string]*Box{}}
}

// Root is the folder that the paths of sounds are in.
func (s *Store) Root() *os.Root { return s.root }

// Watch has f called at each change, in the order of the changes of a mailbox.
// f must neither block nor use the store.
func (s *Store) Watch(f func(Change)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = append(s.watch, f)
}

func (s *Store) watchers() []func(Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.watch)
}

// Box is one mailbox.
type Box struct {
	store   *Store
	address string // "1101@finance"
	folder  string // path below the root: "voicemail/finance/1101"

	mu       sync.Mutex
	ready    bool // what a crash left behind was dealt with
	open     int  // sessions
	last     Counts
	notified bool // last was told, or found at the beginning
}

// Split takes an address apart; a context that is left out is "default".
func Split(address string) (box, context string, err error) {
	box, context, _ = strings.Cut(address, "@")
	if context == "" {
		context = "default"
	}
	for _, part := range []string{box, context} {
		if part == "" || len(part) > 80 || strings.Trim(part, ".") == "" || strings.ContainsFunc(part, func(r rune) bool {
			return r <= ' ' || r == '/' || r == '\\' || r == 0x7f
		}) {
			return "", "", fmt.Errorf("%q is not a mailbox such as 1101@finance", address)
		}
	}
	return box, context, nil
}

// Box finds a mailbox by its address. It need not exist: it does when something
// is put into it.
func (s *Store) Box(address string) (*Box, error) {
	name, context, err := Split(address)
	if err != nil {
		return nil, err
	}
	address = name + "@" + context
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boxes[address]
	if b == nil {
		b = &Box{store: s, address: address, folder: path.Join(Folder, context, name)}
		s.boxes[address] = b
	}
	return b, nil
}

// Address is "1101@finance".
func (b *Box) Address() string { return b.address }

// use locks the mailbox, after it was made sound if a crash had left it
// otherwise; the function that it returns unlocks it.
func (b *Box) use() (done func(), err error) {
	b.mu.Lock()
	if !b.ready {
		if err := b.recover(); err != nil {
			b.mu.Unlock()
			return nil, fmt.Errorf("mailbox %s: %w", b.address, err)
		}
		b.ready = true
		if b.last, err = b.count(); err == nil {
			b.notified = true
		}
	}
	return b.mu.Unlock, nil
}

// Begin opens a session: until as many calls of End, messages keep their numbers.
func (b *Box) Begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open++
}

// End closes a session.
func (b *Box) End() error {
	done, err := b.use()
	if err != nil {
		return err
	}
	defer done()
	b.open = max(b.open-1, 0)
	return b.tidy()
}

// tell tells of a change, if there was one. The mailbox is locked.
func (b *Box) tell() {
	counts, err := b.count()
	if err != nil {
		b.store.options.Log.Error("messages cannot be counted", "mailbox", b.address, "error", err)
		return
	}
	if b.notified && counts == b.last {
		return
	}
	b.last, b.notified = counts, true
	for _, f := range b.store.watchers() {
		f(Change{b.address, counts})
	}
}

// name is a new name for something in tmp.
func (b *Box) name(kind string) (string, error) {
	var random [8]byte
	if _, err := io.ReadFull(b.store.options.Random, random[:]); err != nil {
		return "", err
	}
	return path.Join(b.folder, "tmp", kind+hex.EncodeToString(random[:])), nil
}

// Draft is a new path for a sound that is about to become a message or a
// greeting, with the folders on the way to it.
func (b *Box) Draft(extension string) (string, error) {
	done, err := b.use()
	if err != nil {
		return "", err
	}
	defer done()
	if err := b.store.root.MkdirAll(path.Join(b.folder, "tmp"), 0o750); err != nil {
		return "", err
	}
	name, err := b.name(draftPrefix)
	return name + extension, err
}

// isDraft reports whether a path was given by Draft.
func (b *Box) isDraft(name string) bool {
	return path.Dir(name) == path.Join(b.folder, "tmp") && strings.HasPrefix(path.Base(name), draftPrefix)
}

// Discard removes a draft, if it is there.
func (b *Box) Discard(draft string) error {
	if !b.isDraft(draft) {
		return fmt.Errorf("%s is no draft of mailbox %s", draft, b.address)
	}
	if err := b.store.root.Remove(draft); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Counts are how many messages there are.
func (b *Box) Counts() (Counts, error) {
	done, err := b.use()
	if err != nil {
		return Counts{}, err
	}
	defer done()
	return b.count()
}

func (b *Box) count() (c Counts, err error) {
	for _, one := range []struct {
		folder string
		n      *int
	}{{Inbox, &c.New}, {Urgent, &c.Urgent}, {Old, &c.Old}} {
		list, err := b.numbers(one.folder)
		if err != nil {
			return c, err
		}
		for _, e := range list {
			if e.text {
				*one.n++
			}
		}
	}
	return c, nil
}

// Exists reports whether there is anything of the mailbox on the disk.
func (b *Box) Exists() bool {
	info, err := b.store.root.Stat(b.folder)
	return err == nil && info.IsDir()
}

// All lists the addresses of the mailboxes that are on the disk.
func (s *Store) All(ctx context.Context) ([]string, error) {
	var list []string
	contexts, err := entries(s.root, Folder)
	if err != nil {
		return nil, err
	}
	for _, c := range contexts {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		boxes, err := entries(s.root, path.Join(Folder, c.Name()))
		if err != nil {
			continue // a file, or a folder that may not be read
		}
		for _, e := range boxes {
			if e.IsDir() {
				list = append(list, e.Name()+"@"+c.Name())
			}
		}
	}
	slices.Sort(list)
	return list, nil
}
