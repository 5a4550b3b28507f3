//go:build !unix

package console

import "os"

// resized are the signals that say that the terminal's size has changed.
var resized []os.Signal
