package mailbox

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// A PIN that was changed by phone lies in secret.conf of the mailbox, where
// Asterisk keeps it too. Asterisk writes it as it is; here only its hash is
// kept, "pbkdf2-sha256$ROUNDS$SALT$SUM". A PIN has few digits, so that nobody
// who reads the file is kept from it for good: what the hash keeps is the eye of
// whoever passes by, and a PIN that its owner uses elsewhere.

const (
	pinScheme = "pbkdf2-sha256"
	pinRounds = 100_000
	mostPIN   = 64 // characters
)

// HashPIN is what is kept of a PIN.
func (s *Store) HashPIN(pin string) (string, error) {
	var salt [16]byte
	if _, err := io.ReadFull(s.options.Random, salt[:]); err != nil {
		return "", err
	}
	sum, err := pbkdf2.Key(sha256.New, pin, salt[:], pinRounds, sha256.Size)
	if err != nil {
		return "", err
	}
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%s$%d$%s$%s", pinScheme, pinRounds, text(salt[:]), text(sum)), nil
}

// MatchPIN reports whether a PIN is the one that was kept, hashed or as it is.
func MatchPIN(kept, pin string) bool {
	if len(pin) > mostPIN {
		return false
	}
	parts := strings.Split(kept, "$")
	if len(parts) != 4 || parts[0] != pinScheme {
		return subtle.ConstantTimeCompare([]byte(kept), []byte(pin)) == 1
	}
	rounds, err := strconv.Atoi(parts[1])
	salt, err2 := base64.RawStdEncoding.DecodeString(parts[2])
	sum, err3 := base64.RawStdEncoding.DecodeString(parts[3])
	if errors.Join(err, err2, err3) != nil || rounds < 1 || rounds > 10*pinRounds || len(sum) < 16 || len(sum) > 64 {
		return false
	}
	got, err := pbkdf2.Key(sha256.New, pin, salt, rounds, len(sum))
	return err == nil && subtle.ConstantTimeCompare(got, sum) == 1
}

func (b *Box) secretFile() string { return path.Join(b.folder, "secret.conf") }

// PIN is what was kept of a PIN that was changed by phone, "" where none was.
func (b *Box) PIN() (string, error) {
	text, err := b.read(b.secretFile(), longestText)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for line := range bytes.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(string(line)), "=")
		if ok && strings.EqualFold(strings.TrimSpace(name), "password") {
			return strings.TrimSpace(strings.TrimPrefix(value, ">")), nil
		}
	}
	return "", nil
}

// SetPIN changes the PIN.
func (b *Box) SetPIN(pin string) error {
	if pin == "" || len(pin) > mostPIN || strings.Trim(pin, "0123456789") != "" {
		return fmt.Errorf("a PIN has 1 to %d digits", mostPIN)
	}
	hash, err := b.store.HashPIN(pin)
	if err != nil {
		return err
	}
	done, err := b.use()
	if err != nil {
		return err
	}
	defer done()
	if err := b.store.root.MkdirAll(b.folder, 0o750); err != nil {
		return err
	}
	return b.write(b.secretFile(), []byte("[general]\npassword="+hash+"\n"))
}

// CheckPIN reports whether pin opens the mailbox: it is the one that was chosen
// by phone or, where none was, the configured one. A PIN of Asterisk, which is
// kept as it is, is kept hashed from then on.
func (b *Box) CheckPIN(pin, configured string) (bool, error) {
	kept, err := b.PIN()
	if err != nil {
		return false, err
	}
	if kept == "" {
		return MatchPIN(configured, pin), nil
	}
	if !MatchPIN(kept, pin) {
		return false, nil
	}
	if !strings.HasPrefix(kept, pinScheme+"$") {
		if err := b.SetPIN(pin); err != nil {
			b.store.options.Log.Warn("a PIN is still kept as it is", "mailbox", b.address, "error", err)
		}
	}
	return true, nil
}
