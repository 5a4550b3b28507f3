package simulate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/moonwire/moonwire/core/call"
	"github.com/moonwire/moonwire/core/call/fake"
)

// Plan is what comes of dialling a target.
type Plan struct {
	Rings  bool          // the far end is alerted
	Early  time.Duration // media opens so long after dialling; 0 = not before the answer
	Answer time.Duration // answers so long after dialling; negative = never
	Talks  time.Duration // hangs up so long after the answer; 0 = never
	Refuse call.Cause    // refuses for this reason, at once or at Answer where that is positive
	Status int           // exact SIP status of the refusal; 0 = that of the cause
	Err    error         // the call cannot even be placed
	Keys   []Key         // pressed so long after the answer
	Speaks []Speech
}

// Speech is when the far end speaks, counted from the answer, and for how long.
type Speech struct{ At, For time.Duration }

// Unanswered is the plan of a telephone that rings and that nobody picks up.
var Unanswered = Plan{Rings: true, Answer: -1}

// behaviours are the plan in the terms of a fake leg.
func (p Plan) behaviours() []fake.Behaviour {
	var list []fake.Behaviour
	if p.Rings && (p.Refuse == call.CauseNone || p.Answer > 0) {
		list = append(list, fake.RingsAfter(0))
	}
	if p.Early > 0 {
		list = append(list, fake.EarlyMediaAfter(p.Early))
	}
	switch {
	case p.Refuse != call.CauseNone:
		list = append(list, refuses(max(p.Answer, 0), p.Refuse, p.Status))
	case p.Answer >= 0:
		list = append(list, fake.AnswersAfter(p.Answer))
	}
	for _, k := range p.Keys {
		list = append(list, fake.Presses(string(k.Key), k.At))
	}
	for _, s := range p.Speaks {
		list = append(list, func(l *fake.Leg) { l.WhenAnswered(func() { l.After(s.At, func() { speak(l, s.For) }) }) })
	}
	if p.Talks > 0 {
		list = append(list, fake.HangsUpAfter(p.Talks))
	}
	return list
}

func refuses(after time.Duration, cause call.Cause, status int) fake.Behaviour {
	if status == 0 {
		return fake.RejectsAfter(after, cause)
	}
	return func(l *fake.Leg) { l.After(after, func() { l.Rejects(status) }) }
}

// Answer says what comes of dialling the targets that Match matches: "sip/1101",
// or with * for any text, "sip/*@ovh".
type Answer struct {
	Match string
	Plan  Plan
}

// ParseAnswers reads a list such as
//
//	sip/1101=busy,sip/1102=after 4s for 10s,sip/*@ovh=reject congestion
//
// of targets and what comes of dialling them. The first that matches counts.
func ParseAnswers(text string) ([]Answer, error) {
	var list []Answer
	for _, item := range strings.Split(text, ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		target, words, ok := strings.Cut(item, "=")
		target = strings.TrimSpace(target)
		if !ok || target != "*" && !strings.Contains(target, "/") {
			return nil, fmt.Errorf("%q: write a target and what comes of dialling it, such as sip/1101=busy", item)
		}
		plan, err := parsePlan(strings.Fields(words))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", target, err)
		}
		list = append(list, Answer{target, plan})
	}
	return list, nil
}

// parsePlan reads the words behind a target.
func parsePlan(words []string) (Plan, error) {
	p := Unanswered
	if len(words) == 0 {
		return p, fmt.Errorf("what comes of dialling it is missing: busy, noanswer, unavailable, congestion, reject CAUSE, early TIME, after TIME, for TIME")
	}
	for len(words) > 0 {
		word, rest := words[0], words[1:]
		var err error
		switch word {
		case "busy":
			p.Refuse = call.CauseBusy
		case "congestion":
			p.Refuse = call.CauseCongestion
		case "noanswer", "never", "rings":
		case "silent":
			p.Rings = false
		case "unavailable":
			p.Err = call.ErrUnreachable
		case "unknown":
			p.Err = call.ErrUnknownTarget
		case "reject":
			p.Refuse, p.Status, rest, err = parseCause(rest)
		case "after":
			p.Answer, rest, err = parseTime(word, rest)
		case "early":
			p.Early, rest, err = parseTime(word, rest)
		case "for":
			p.Talks, rest, err = parseTime(word, rest)
		default:
			err = fmt.Errorf("%q is none of busy, noanswer, unavailable, congestion, reject CAUSE, early TIME, after TIME, for TIME", word)
		}
		if err != nil {
			return p, err
		}
		words = rest
	}
	return p, nil
}

func parseTime(word string, rest []string) (time.Duration, []string, error) {
	if len(rest) == 0 {
		return 0, nil, fmt.Errorf("%s what? Write a time, such as %s 4s", word, word)
	}
	d, err := Duration(rest[0])
	return d, rest[1:], err
}

// parseCause reads a SIP status of three digits, a number of Q.850, or a word.
func parseCause(rest []string) (call.Cause, int, []string, error) {
	if len(rest) == 0 {
		return call.CauseRejected, 0, nil, nil
	}
	if status, err := strconv.Atoi(rest[0]); err == nil && status >= 300 && status <= 699 {
		return call.CauseOf(status), status, rest[1:], nil
	}
	cause, ok := call.CauseByName(rest[0])
	if !ok {
		return 0, 0, nil, fmt.Errorf("there is no cause %q", rest[0])
	}
	return cause, 0, rest[1:], nil
}

// Duration reads "4s", "1m30s" or a number of seconds, "0.8".
func Duration(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds < 1e8 {
		return time.Duration(seconds * float64(time.Second)).Round(time.Microsecond), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time such as 4s or 1m30s", text)
	}
	return d, nil
}

// Key is a key that the caller presses, so long after the call began.
type Key struct {
	At  time.Duration
	Key byte
}

// keyPeriod is from one key to the next where only their order is told.
const keyPeriod = 250 * time.Millisecond

// ParseKeys reads a list of pauses and keys, "3s:1 2s:42#": 3 s after the call
// began 1 is pressed, 2 s after it 4 and then the others, four a second. A time
// with an @, "@3.5s:1", counts from the beginning of the call.
func ParseKeys(text string) ([]Key, error) {
	var list []Key
	var at time.Duration
	for _, item := range strings.Fields(text) {
		pause, keys, ok := strings.Cut(item, ":")
		moment, absolute := strings.CutPrefix(pause, "@")
		d, err := Duration(moment)
		if !ok || err != nil || keys == "" {
			return nil, fmt.Errorf("%q: write a pause and keys, such as 3s:1, or a time from the beginning, @3s:1", item)
		}
		if absolute {
			at = 0
		}
		at += d
		for i := range len(keys) {
			if !strings.Contains("0123456789*#ABCD", keys[i:i+1]) {
				return nil, fmt.Errorf("%q: %q is no key of a telephone", item, keys[i:i+1])
			}
			if i > 0 {
				at += keyPeriod
			}
			list = append(list, Key{at, keys[i]})
		}
	}
	return list, nil
}

// Matches reports whether text is pattern, in which * stands for any text.
func Matches(pattern, text string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !strings.HasPrefix(text, head) {
		return false
	}
	text = text[len(head):]
	if !wild {
		return text == ""
	}
	for i := 0; i <= len(text); i++ {
		if Matches(rest, text[i:]) {
			return true
		}
	}
	return false
}
