package host

import (
	"os"
	"syscall"
)

// setLease and friends are F_SETLEASE, F_RDLCK and F_UNLCK of fcntl(2).
const (
	setLease  = 1024
	readLease = 0
	noLease   = 2
)

// openForWriting reports whether any process has the file open for writing: a
// read lease cannot be had then. Where leases cannot be had at all (another
// owner's file, a network file system), it reports false.
func openForWriting(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	_, _, failure := syscall.Syscall(syscall.SYS_FCNTL, file.Fd(), setLease, readLease)
	if failure == 0 {
		syscall.Syscall(syscall.SYS_FCNTL, file.Fd(), setLease, noLease)
	}
	return failure == syscall.EAGAIN
}
