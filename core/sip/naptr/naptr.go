// Package naptr looks up NAPTR records (RFC 3403), which the standard library
// does not. With them a domain says which transports its SIP servers speak, and
// in which order it wants them tried (RFC 3263, section 4.1).
//
// It is a stub resolver of one question: it asks the name servers of
// /etc/resolv.conf over UDP, over TCP where the answer was cut, and keeps
// nothing. The message format is RFC 1035, section 4.
package naptr

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Record is one NAPTR record (RFC 3403, section 4.1).
type Record struct {
	Order       uint16 // lower ones come first
	Preference  uint16 // among those of one order
	Flags       string // "s": Replacement has SRV records; "a": it has addresses
	Service     string // "SIP+D2U"
	Regexp      string
	Replacement string // a domain name without the last dot
}

// Errors of Lookup.
var (
	// ErrNone says that the name exists without such records, or does not exist.
	ErrNone      = errors.New("no NAPTR records")
	errMalformed = errors.New("malformed DNS message")
	errForeign   = errors.New("the answer is to another question")
)

const (
	typeNAPTR = 35
	classIN   = 1
	header    = 12
	maxName   = 255
	maxLabel  = 63
	maxJumps  = 32 // pointers in one name
)

// question writes the query for name.
func question(id uint16, name string) ([]byte, error) {
	name = strings.TrimSuffix(name, ".")
	p := make([]byte, header, header+len(name)+6)
	binary.BigEndian.PutUint16(p, id)
	p[2] = 1 // recursion desired
	p[5] = 1 // one question
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel {
			return nil, fmt.Errorf("%q is not a domain name", name)
		}
		p = append(append(p, byte(len(label))), label...)
	}
	if len(p) > header+maxName {
		return nil, fmt.Errorf("%q is not a domain name", name)
	}
	return append(p, 0, 0, typeNAPTR, 0, classIN), nil
}

// answer reads the response to a question: its records in the order in which
// they are to be tried. truncated says that it has to be asked again over TCP.
func answer(p, question []byte) (list []Record, truncated bool, err error) {
	if len(p) < header {
		return nil, false, errMalformed
	}
	if p[0] != question[0] || p[1] != question[1] || p[2]&0x80 == 0 {
		return nil, false, errForeign
	}
	if questions := binary.BigEndian.Uint16(p[4:]); questions != 1 {
		return nil, false, errForeign
	}
	asked, _, err := domain(question, header)
	if err != nil {
		return nil, false, err
	}
	name, at, err := domain(p, header)
	if err != nil || len(p) < at+4 {
		return nil, false, errMalformed
	}
	if !strings.EqualFold(name, asked) || binary.BigEndian.Uint16(p[at:]) != typeNAPTR {
		return nil, false, errForeign
	}
	switch code := p[3] & 15; code {
	case 0:
	case 3:
		return nil, false, ErrNone
	default:
		return nil, false, fmt.Errorf("the name server answered with code %d", code)
	}
	if p[2]&2 != 0 {
		return nil, true, nil
	}
	at += 4
	for range binary.BigEndian.Uint16(p[6:]) {
		kind, data, next, err := resource(p, at)
		if err != nil {
			return nil, false, err
		}
		if kind == typeNAPTR {
			r, err := record(p, data, next)
			if err != nil {
				return nil, false, err
			}
			list = append(list, r)
		}
		at = next
	}
	if len(list) == 0 {
		return nil, false, ErrNone
	}
	slices.SortStableFunc(list, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	return list, false, nil
}

// resource is the resource record at an offset: its type, and where its data
// begins and ends.
func resource(p []byte, at int) (kind uint16, data, next int, err error) {
	_, at, err = domain(p, at)
	if err != nil || len(p) < at+10 {
		return 0, 0, 0, errMalformed
	}
	data = at + 10
	next = data + int(binary.BigEndian.Uint16(p[at+8:]))
	if next > len(p) {
		return 0, 0, 0, errMalformed
	}
	kind = binary.BigEndian.Uint16(p[at:])
	if binary.BigEndian.Uint16(p[at+2:]) != classIN {
		kind = 0
	}
	return kind, data, next, nil
}

// record reads the data of a NAPTR record, which lies between two offsets.
func record(p []byte, at, end int) (Record, error) {
	if end-at < 4 {
		return Record{}, errMalformed
	}
	r := Record{Order: binary.BigEndian.Uint16(p[at:]), Preference: binary.BigEndian.Uint16(p[at+2:])}
	at += 4
	for _, text := range [...]*string{&r.Flags, &r.Service, &r.Regexp} {
		if at >= end || at+1+int(p[at]) > end {
			return Record{}, errMalformed
		}
		*text = string(p[at+1 : at+1+int(p[at])])
		at += 1 + int(p[at])
	}
	var err error
	if r.Replacement, at, err = domain(p, at); err != nil || at != end {
		return Record{}, errMalformed
	}
	return r, nil
}

// domain reads the name at an offset and tells where what follows begins. The
// root is "".
func domain(p []byte, at int) (name string, next int, err error) {
	var b strings.Builder
	jumps := 0
	for {
		if at >= len(p) {
			return "", 0, errMalformed
		}
		n := int(p[at])
		switch {
		case n == 0:
			if jumps == 0 {
				next = at + 1
			}
			return b.String(), next, nil
		case n&0xc0 == 0xc0:
			if at+1 >= len(p) || jumps >= maxJumps {
				return "", 0, errMalformed
			}
			if jumps == 0 {
				next = at + 2
			}
			jumps++
			at = (n&0x3f)<<8 | int(p[at+1])
		case n > maxLabel || at+1+n > len(p) || b.Len()+1+n > maxName:
			return "", 0, errMalformed
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.Write(p[at+1 : at+1+n])
			at += 1 + n
		}
	}
}
