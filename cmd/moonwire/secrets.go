package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/moonwire/moonwire/core/store"
)

// secrets makes a password for each name that a site asks for, once, and keeps
// it in the data directory.
type secrets struct {
	store *store.Store
	mu    sync.Mutex
	known map[string]string
}

func newSecrets(s *store.Store) *secrets { return &secrets{store: s, known: map[string]string{}} }

// get finds or makes the secret of name. Any goroutine.
func (s *secrets) get(name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text, ok := s.known[name]; ok {
		return text, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	value, err := s.store.Get(ctx, secretFamily, name)
	if errors.Is(err, store.ErrNotFound) {
		value = []byte(newSecret())
		err = s.store.Put(ctx, secretFamily, name, value, store.PutOptions{})
	}
	if err != nil {
		return "", fmt.Errorf("secret %q: %w", name, err)
	}
	s.known[name] = string(value)
	return s.known[name], nil
}

// newSecret is 12 characters that can be typed on any phone: about 58 bits,
// without those that look alike.
func newSecret() string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789"
	b := make([]byte, 12)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}
