//go:build !unix

package program

import (
	"errors"
	"os"
	"syscall"
)

type who struct{}

var errElsewhere = errors.New("programs can be run on Unix only")

// Root reports whether the server runs as root.
func Root() bool { return false }

func identity(string) (who, error) { return who{}, errElsewhere }

func (who) environment() []string            { return nil }
func (who) attributes() *syscall.SysProcAttr { return nil }
func (p *Process) signal(bool)               { _ = p.process.Kill() }
func signalOf(*os.ProcessState) string       { return "" }
func keepDescriptors()                       {}

// PipeWriter writes to a pipe without waiting.
type PipeWriter struct{}

// NewPipeWriter returns a writer to the server's end of a pipe.
func NewPipeWriter(*os.File) (*PipeWriter, error) { return nil, errElsewhere }

// TryWrite reports that there is no room.
func (*PipeWriter) TryWrite([]byte) bool { return false }

// TryRead reads what is there, without waiting.
func TryRead(*os.File, []byte) int { return 0 }
