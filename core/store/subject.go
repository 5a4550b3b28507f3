package store

import (
	"errors"
	"strings"
)

const hexDigits = "0123456789ABCDEF"

// appendToken appends any bytes as one token of a NATS subject: visible ASCII
// stands for itself, but for the characters that have a meaning in subjects and
// for "=", which introduces two hexadecimal digits. "=" alone is the empty string.
func appendToken(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, '=')
	}
	for i := range len(s) {
		if c := s[i]; plain(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '=', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

func plain(c byte) bool { return c > ' ' && c < 0x7f && !strings.ContainsRune(".*>=", rune(c)) }

var errToken = errors.New("not a subject of the store")

// parseToken is the reverse of appendToken.
func parseToken(token string) (string, error) {
	if token == "=" {
		return "", nil
	}
	if token == "" {
		return "", errToken
	}
	s := make([]byte, 0, len(token))
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c == '=' {
			if i+2 >= len(token) {
				return "", errToken
			}
			high, low := strings.IndexByte(hexDigits, token[i+1]), strings.IndexByte(hexDigits, token[i+2])
			if high < 0 || low < 0 {
				return "", errToken
			}
			c = byte(high<<4 | low)
			i += 2
			if plain(c) {
				return "", errToken
			}
		} else if !plain(c) {
			return "", errToken
		}
		s = append(s, c)
	}
	return string(s), nil
}

// subject names a key below a prefix that ends in a dot.
func subject(prefix, family, key string) string {
	s := append(make([]byte, 0, len(prefix)+len(family)+len(key)+16), prefix...)
	s = appendToken(s, family)
	s = append(s, '.')
	return string(appendToken(s, key))
}

// parseSubject is the reverse of subject.
func parseSubject(prefix, text string) (family, key string, err error) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return "", "", errToken
	}
	first, second, ok := strings.Cut(rest, ".")
	if !ok {
		return "", "", errToken
	}
	if family, err = parseToken(first); err != nil {
		return "", "", err
	}
	key, err = parseToken(second)
	return family, key, err
}
