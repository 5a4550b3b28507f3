package mailbox

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Message is one voice message. Its fields are those of the section [message]
// of its text.
type Message struct {
	ID       string // "msg_id"; of a text without one, made of what it says
	Folder   string // that it is in: "INBOX"
	Number   int    // its place there, from 0
	Sound    string // path of its sound, "" where none can be found
	Address  string // whose message it was at first: "1101@finance"
	CallerID string // `"Alice" <1101>`
	Duration time.Duration
	Time     time.Time // when the caller began to speak

	Context      string // of the dialplan
	MacroContext string
	Extension    string // that was dialled
	Redirecting  string // "rdnis": who redirected the call, "unknown" where nobody did
	Priority     int
	Channel      string // "callerchan": "SIP/1101-00000004"
	Category     string
	Flag         string // "Urgent", or nothing
	ForwardedBy  string // address of the mailbox that it was forwarded from
}

// Urgent reports whether the caller marked the message so.
func (m *Message) Urgent() bool { return strings.EqualFold(m.Flag, "Urgent") }

// Caller takes CallerID apart. Both are "" where the caller is not known.
func (m *Message) Caller() (name, number string) {
	text := strings.TrimSpace(m.CallerID)
	if strings.EqualFold(text, "Unknown") {
		return "", ""
	}
	before, rest, found := strings.Cut(text, "<")
	if !found {
		if strings.Trim(text, "+0123456789*#") == "" {
			return "", text
		}
		return strings.Trim(text, `"`), ""
	}
	number, _, _ = strings.Cut(rest, ">")
	return strings.Trim(strings.TrimSpace(before), `"`), strings.TrimSpace(number)
}

// CallerID writes a caller as texts have it.
func CallerID(name, number string) string {
	switch {
	case name == "" && number == "":
		return "Unknown"
	case name == "":
		return number
	case number == "":
		return strconv.Quote(name)
	}
	return `"` + strings.ReplaceAll(name, `"`, "'") + `" <` + number + ">"
}

const longestText = 64 << 10 // bytes of a text; what follows is not read

// fields are the lines of a text between its section and the end, in order.
func (m *Message) fields() [][2]string {
	box, _, _ := strings.Cut(m.Address, "@")
	list := [][2]string{
		{"origmailbox", box},
		{"context", m.Context},
		{"macrocontext", m.MacroContext},
		{"exten", m.Extension},
		{"rdnis", m.Redirecting},
		{"priority", strconv.Itoa(m.Priority)},
		{"callerchan", m.Channel},
		{"callerid", m.CallerID},
		{"origdate", m.Time.UTC().Format("Mon Jan _2 03:04:05 PM UTC 2006")},
		{"origtime", strconv.FormatInt(m.Time.Unix(), 10)},
		{"category", m.Category},
		{"msg_id", m.ID},
		{"flag", m.Flag},
		{"duration", strconv.Itoa(int(m.Duration.Round(time.Second).Seconds()))},
	}
	if m.ForwardedBy != "" {
		list = append(list, [2]string{"forwardedby", m.ForwardedBy})
	}
	return list
}

// text writes the message as the file beside its sound. A line break in what
// came from a caller becomes a space, so that no field can pass for another.
func (m *Message) text() []byte {
	var b bytes.Buffer
	b.WriteString(";\n; Message Information file\n;\n[message]\n")
	for _, f := range m.fields() {
		b.WriteString(f[0] + "=" + oneLine(f[1]) + "\n")
	}
	return b.Bytes()
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// ParseMessage reads the text of a message. What it does not know it passes
// over; what is missing stays zero. The error says that there is no [message].
func ParseMessage(text []byte) (Message, error) {
	var m Message
	found, box := false, ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, longestText)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			found = strings.EqualFold(line, "[message]")
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !found || !ok || strings.HasPrefix(line, ";") {
			continue
		}
		value = strings.TrimPrefix(value, ">") // "name => value" is allowed too
		if name = strings.ToLower(strings.TrimSpace(name)); name == "origmailbox" {
			box = strings.TrimSpace(value)
		}
		m.take(name, strings.TrimSpace(value))
	}
	if err := lines.Err(); err != nil {
		return Message{}, err
	}
	if m == (Message{}) && box == "" {
		return Message{}, fmt.Errorf("there is no section [message] with fields in it")
	}
	m.Address = box
	if m.ID == "" {
		sum := sha256.Sum256(text)
		m.ID = hex.EncodeToString(sum[:8])
	}
	return m, nil
}

// take sets one field.
func (m *Message) take(name, value string) {
	texts := map[string]*string{
		"context": &m.Context, "macrocontext": &m.MacroContext, "exten": &m.Extension, "rdnis": &m.Redirecting,
		"callerchan": &m.Channel, "callerid": &m.CallerID, "category": &m.Category, "msg_id": &m.ID,
		"flag": &m.Flag, "forwardedby": &m.ForwardedBy,
	}
	if field, ok := texts[name]; ok {
		*field = value
		return
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		return
	}
	switch name {
	case "priority":
		m.Priority = int(n)
	case "origtime":
		m.Time = time.Unix(min(n, 1<<40), 0)
	case "duration":
		m.Duration = time.Duration(min(n, 1<<30)) * time.Second
	}
}
