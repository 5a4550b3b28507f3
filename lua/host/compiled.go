package host

import (
	"crypto/sha256"
	"sync"
)

// Compiled keeps compiled files for several Hosts that serve the same ones, such
// as the worlds of a test run. The zero value is ready. Any goroutine.
type Compiled struct {
	mu    sync.Mutex
	files map[compiledKey]*script
}

// library keeps the compiled files of Lib: the Hosts of a process, of which tests
// and checks make many, have the same ones.
var library Compiled

// compiledKey is what the code depends on.
type compiledKey struct {
	hash          [sha256.Size]byte
	shared, lines bool
}

// compile compiles src, or finds what another Host compiled from the same. A nil
// Compiled keeps nothing.
func (c *Compiled) compile(src *source, shared, lines bool) (*script, error) {
	if c == nil {
		return compile(src, shared, lines)
	}
	key := compiledKey{src.hash, shared, lines}
	c.mu.Lock()
	file := c.files[key]
	c.mu.Unlock()
	if file != nil {
		return file, nil
	}
	file, err := compile(src, shared, lines)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == nil {
		c.files = map[compiledKey]*script{}
	}
	c.files[key] = file
	return file, nil
}
