package simulate

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
)

// WriteJSON writes events as objects, one a line, their names in a fixed order:
//
//	{"t":0.02,"event":"step","context":"internal","extension":"600",…}
func WriteJSON(w io.Writer, events []Event) error {
	var b bytes.Buffer
	for i := range events {
		if err := events[i].appendJSON(&b); err != nil {
			return err
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (e *Event) appendJSON(b *bytes.Buffer) error {
	b.WriteString(`{"t":` + strconv.FormatFloat(seconds(e.At), 'f', -1, 64))
	put := func(key string, value any) error {
		text, err := marshal(value)
		if err == nil {
			name, _ := marshal(key)
			b.WriteByte(',')
			b.Write(name)
			b.WriteByte(':')
			b.Write(text)
		}
		return err
	}
	fields := []Field{{"event", e.Name}}
	if e.Leg != "" {
		fields = append(fields, Field{"leg", e.Leg})
		if e.Target != "" {
			fields = append(fields, Field{"dialled", e.Target})
		}
	}
	// Facts that follow the place come after it, in steps.
	rest := e.Fields
	if e.Name == "step" {
		for len(rest) > 0 && rest[0].Key != "pattern" && rest[0].Key != "in" {
			fields, rest = append(fields, rest[0]), rest[1:]
		}
	}
	if e.File != "" {
		fields = append(fields, Field{"file", e.File}, Field{"line", int64(e.Line)})
	}
	for _, f := range append(fields, rest...) {
		if err := put(f.Key, f.Value); err != nil {
			return err
		}
	}
	b.WriteString("}\n")
	return nil
}

// marshal is json.Marshal without escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
