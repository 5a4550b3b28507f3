package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"time"
)

// Place is where in the scripts the event was caused: "scripts/dialplan.lua:12",
// "" where none was involved.
func (e *Event) Place() string {
	if e.File == "" {
		return ""
	}
	if e.Line == 0 {
		return e.File
	}
	return e.File + ":" + strconv.Itoa(e.Line)
}

// AppendJSON appends the event as one JSON object on one line: t, the seconds
// since began; at, the time of day; order, leg and event, which is the word of
// its Kind; file and line of the script; then its attributes by name, durations
// in seconds. A message has out, again, transport, local, remote, first (its
// first line) and text, redacted.
func (e *Event) AppendJSON(b []byte, began time.Time) []byte {
	b = append(b, `{"t":`...)
	b = strconv.AppendFloat(b, e.At.Sub(began).Seconds(), 'f', 6, 64)
	b = append(b, `,"at":"`...)
	b = e.At.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","order":`...)
	b = strconv.AppendUint(b, e.Order, 10)
	b = appendText(b, "leg", e.Leg)
	b = appendText(b, "event", e.Kind.String())
	if e.File != "" {
		b = appendText(b, "file", e.File)
		b = append(b, `,"line":`...)
		b = strconv.AppendInt(b, int64(e.Line), 10)
	}
	for _, a := range e.Attrs {
		b = append(b, ',')
		b = appendString(b, a.Key)
		b = append(b, ':')
		b = appendValue(b, a.Value)
	}
	if e.Packet != nil {
		b = e.Packet.appendJSON(b)
	}
	return append(b, '}')
}

func (p *Packet) appendJSON(b []byte) []byte {
	b = append(b, `,"out":`...)
	b = strconv.AppendBool(b, p.Out)
	if p.Again {
		b = append(b, `,"again":true`...)
	}
	if p.Cut {
		b = append(b, `,"cut":true`...)
	}
	b = appendText(b, "transport", p.Transport)
	b = appendText(b, "local", p.Local.String())
	b = appendText(b, "remote", p.Remote.String())
	b = appendText(b, "first", p.First())
	return appendText(b, "text", string(p.Redacted()))
}

func appendText(b []byte, key, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, key...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

func appendString(b []byte, s string) []byte {
	out := bytes.NewBuffer(b)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func appendValue(b []byte, v slog.Value) []byte {
	v = v.Resolve()
	switch v.Kind() {
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindFloat64:
		return strconv.AppendFloat(b, v.Float64(), 'g', -1, 64)
	case slog.KindDuration:
		return strconv.AppendFloat(b, v.Duration().Seconds(), 'f', -1, 64)
	}
	return appendString(b, v.String())
}

// UnmarshalJSON reads what AppendJSON wrote. Attributes keep their order; those
// that were durations are seconds.
func (e *Event) UnmarshalJSON(data []byte) error {
	*e = Event{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("an event is not an object: %w", err)
	}
	var p Packet
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return err
		}
		if err := e.take(key.(string), value, &p); err != nil {
			return fmt.Errorf("event: %v: %w", key, err)
		}
	}
	if e.Kind == Message {
		e.Packet = &p
	}
	return nil
}

// take sets what a key stands for.
func (e *Event) take(key string, value any, p *Packet) (err error) {
	text, _ := value.(string)
	switch key {
	case "t":
	case "at":
		e.At, err = time.Parse(time.RFC3339Nano, text)
	case "order":
		e.Order, err = strconv.ParseUint(number(value), 10, 64)
	case "leg":
		e.Leg = text
	case "event":
		var known bool
		if e.Kind, known = kindNamed(text); !known {
			return fmt.Errorf("%q is no kind of event", text)
		}
	case "file":
		e.File = text
	case "line":
		e.Line, err = strconv.Atoi(number(value))
	default:
		if e.Kind == Message {
			return p.take(key, value)
		}
		e.Attrs = append(e.Attrs, attribute(key, value))
	}
	return err
}

func (p *Packet) take(key string, value any) (err error) {
	text, _ := value.(string)
	switch key {
	case "out":
		p.Out = value == true
	case "again":
		p.Again = value == true
	case "cut":
		p.Cut = value == true
	case "transport":
		p.Transport = text
	case "local":
		p.Local = addressIn(text)
	case "remote":
		p.Remote = addressIn(text)
	case "text":
		p.Data = []byte(text)
	}
	return nil
}

func addressIn(text string) netip.AddrPort {
	a, _ := netip.ParseAddrPort(text) // "invalid AddrPort" where it was not known
	return a
}

func number(v any) string {
	n, _ := v.(json.Number)
	return n.String()
}

func attribute(key string, value any) slog.Attr {
	switch v := value.(type) {
	case string:
		return slog.String(key, v)
	case bool:
		return slog.Bool(key, v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return slog.Int64(key, n)
		}
		f, _ := v.Float64()
		return slog.Float64(key, f)
	}
	return slog.Any(key, value)
}
