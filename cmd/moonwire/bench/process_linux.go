package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of /proc: USER_HZ, the same on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// processTime is the CPU time that a process has used in all, to the
// nanosecond: every process has a clock that others may read
// (clock_getcpuclockid).
func processTime(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("reading the CPU time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// machineTime is the CPU time that all processes have used, on all cores.
func machineTime() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("reading the machine's CPU time: %w", err)
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	var busy int64
	for i, field := range strings.Fields(string(line)) {
		if i == 0 || i == 4 || i == 5 { // the name, idle, waiting for discs
			continue
		}
		n, _ := strconv.ParseInt(field, 10, 64)
		busy += n
		if i == 8 { // what follows is counted in the first two already
			break
		}
	}
	return time.Duration(busy) * tick, nil
}

// ownTime is the CPU time of this process.
func ownTime() time.Duration {
	t, _ := processTime(os.Getpid())
	return t
}

// memoryOf is what a process occupies.
func memoryOf(pid int) (Memory, error) {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return Memory{}, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	defer f.Close()
	var m Memory
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		kb, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
		switch name {
		case "Rss":
			m.Resident = kb
		case "Private_Dirty":
			m.Private = kb
		}
	}
	if err := lines.Err(); err != nil {
		return Memory{}, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	if threads, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task"); err == nil {
		m.Threads = len(threads)
	}
	return m, nil
}

var cores = runtime.NumCPU()
