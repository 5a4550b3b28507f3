package mailbox

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/media/dsp"
	"github.com/moonwire/moonwire/core/media/file"
)

// Delivery says how a draft becomes a message.
type Delivery struct {
	Draft   string // path that Draft gave; its sound was recorded there
	Message Message
	Most    int           // messages in the folder; 0 is no limit
	Trim    time.Duration // of silence at the end, which is cut off
	Least   time.Duration // what is shorter then is not delivered
	Heard   bool          // nothing is delivered where nobody can be heard
}

// folderOf is where a new message goes.
func folderOf(m *Message) string {
	if m.Urgent() {
		return Urgent
	}
	return Inbox
}

// Deliver makes a message of a draft and returns it. When it comes back without
// an error the message is on the disk. ErrFull and ErrEmpty leave the draft,
// which Discard removes.
func (b *Box) Deliver(d Delivery) (Message, error) {
	if !b.isDraft(d.Draft) {
		return Message{}, fmt.Errorf("%s is no draft of mailbox %s", d.Draft, b.address)
	}
	length, err := b.measure(d)
	if err != nil {
		return Message{}, err
	}
	done, err := b.use()
	if err != nil {
		return Message{}, err
	}
	defer done()
	m := d.Message
	m.Duration = length
	if m, err = b.complete(m); err != nil {
		return Message{}, err
	}
	m.Folder = folderOf(&m)
	number, err := b.room(m.Folder, d.Most)
	if err != nil {
		return Message{}, err
	}
	extension := path.Ext(d.Draft)
	stem := strings.TrimSuffix(d.Draft, extension)
	if err := b.write(stem+".txt", m.text()); err != nil {
		return Message{}, err
	}
	m.Number, m.Sound = number, b.stem(m.Folder, number)+extension
	if err := b.move(stem, b.stem(m.Folder, number), []string{extension}); err != nil {
		_ = b.store.root.Remove(stem + ".txt")
		return Message{}, fmt.Errorf("mailbox %s: %w", b.address, err)
	}
	b.tell()
	return m, nil
}

// measure cuts off the silence at the end and returns the length of a draft.
func (b *Box) measure(d Delivery) (time.Duration, error) {
	r, err := file.Open(b.store.root.FS(), d.Draft)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, ErrEmpty
	}
	if err != nil {
		return 0, err
	}
	length, rate := r.Info().Length, r.Rate()
	silent := d.Heard && !audible(r)
	_ = r.Close()
	if silent {
		return 0, ErrEmpty
	}
	left := length - d.Trim
	if left <= 0 || left < d.Least {
		return 0, ErrEmpty
	}
	if d.Trim > 0 {
		samples := int64(left.Seconds() * float64(rate))
		if err := file.Shorten(b.store.root, d.Draft, samples); err != nil {
			b.store.options.Log.Warn("silence at the end of a message was left", "draft", d.Draft, "error", err)
			return length, nil
		}
	}
	return left, nil
}

const quietest = -42 // dBm0; below is silence, as for recordings

// audible reports whether there is anything to be heard in a file.
func audible(r *file.Reader) bool {
	frame := make([]int16, r.Rate()/50)
	for {
		n, err := r.Read(frame)
		if n > 0 && dsp.Level(frame[:n]) >= quietest {
			return true
		}
		if err != nil || n == 0 {
			return false
		}
	}
}

// complete gives a message what every one has.
func (b *Box) complete(m Message) (Message, error) {
	if m.Time.IsZero() {
		m.Time = b.store.options.Clock.Now()
	}
	if m.Address == "" {
		m.Address = b.address
	}
	if m.Redirecting == "" {
		m.Redirecting = "unknown"
	}
	if m.Priority == 0 {
		m.Priority = 1
	}
	name, err := b.name("")
	if err != nil {
		return m, err
	}
	m.ID = fmt.Sprintf("%d-%s", m.Time.Unix(), path.Base(name)[:8])
	return m, nil
}

// room is the number that the next message of a folder gets, ErrFull where
// there are so many already.
func (b *Box) room(folder string, most int) (int, error) {
	slots, err := b.numbers(folder)
	if err != nil {
		return 0, err
	}
	messages := 0
	for _, s := range slots {
		if s.text {
			messages++
		}
	}
	if most > 0 && messages >= most {
		return 0, ErrFull
	}
	return b.free(folder)
}

// free is the number after the last one of a folder.
func (b *Box) free(folder string) (int, error) {
	slots, err := b.numbers(folder)
	if err != nil || len(slots) == 0 {
		return 0, err
	}
	if next := slots[len(slots)-1].number + 1; next <= mostNumber {
		return next, nil
	}
	return 0, ErrFull
}

// Forward puts a copy of a message into the mailbox to. With a comment, which is
// a draft of b and stays one, the copy begins with it. The copy is new there, and
// has the caller and the time of the message.
func (b *Box) Forward(id string, to *Box, comment string, most int) (Message, error) {
	m, err := b.Find(id)
	if err != nil {
		return Message{}, err
	}
	if m.Sound == "" {
		return Message{}, fmt.Errorf("message %s of mailbox %s has no sound", id, b.address)
	}
	if comment != "" && !b.isDraft(comment) {
		return Message{}, fmt.Errorf("%s is no draft of mailbox %s", comment, b.address)
	}
	draft, err := to.copied(m.Sound, comment)
	if err != nil {
		return Message{}, fmt.Errorf("forward message %s: %w", id, err)
	}
	from := b.address
	m.ForwardedBy, m.Sound, m.Address = from, "", to.address
	sent, err := to.Deliver(Delivery{Draft: draft, Message: m, Most: most})
	if err != nil {
		_ = to.Discard(draft)
		return Message{}, err
	}
	return sent, nil
}

const (
	longestMessage = 48000 * 3600 * 2 // samples
	joinedPause    = 500 * time.Millisecond
)

// copied makes a draft of a sound, after a comment where there is one.
func (b *Box) copied(sound, comment string) (string, error) {
	root := b.store.root
	if comment == "" {
		draft, err := b.Draft(path.Ext(sound))
		if err != nil {
			return "", err
		}
		if root.Link(sound, draft) == nil {
			return draft, nil
		}
	}
	draft, err := b.Draft(".wav")
	if err != nil {
		return "", err
	}
	w, err := file.Create(root, draft, file.WriterOptions{Rate: 8000, Atomic: true})
	if err != nil {
		return "", err
	}
	for i, name := range []string{comment, sound} {
		if name == "" {
			continue
		}
		if err = b.append(w, name); err == nil && i == 0 {
			err = w.Write(make([]int16, int(joinedPause.Seconds()*float64(w.Rate()))))
		}
		if err != nil {
			w.Discard()
			return "", err
		}
	}
	return draft, w.Close()
}

// append writes the sound of a file at the rate of w.
func (b *Box) append(w *file.Writer, name string) error {
	r, err := file.Open(b.store.root.FS(), name)
	if err != nil {
		return err
	}
	defer r.Close()
	pcm, err := r.ReadAll(longestMessage)
	if err != nil {
		return err
	}
	if r.Rate() != w.Rate() {
		if pcm, err = dsp.Resample(pcm, r.Rate(), w.Rate()); err != nil {
			return err
		}
	}
	return w.Write(pcm)
}
