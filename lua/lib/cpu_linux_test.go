package lib_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is the processor time that this process has used, which other work on
// the machine does not change.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
