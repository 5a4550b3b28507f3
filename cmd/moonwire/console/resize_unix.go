//go:build unix

package console

import (
	"os"
	"syscall"
)

// resized are the signals that say that the terminal's size has changed.
var resized = []os.Signal{syscall.SIGWINCH}
