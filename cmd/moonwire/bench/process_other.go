//go:build !linux

package bench

import (
	"errors"
	"runtime"
	"time"
)

var errNoFigures = errors.New("the CPU time and memory of another process can be read on Linux only: leave out --pid")

func processTime(int) (time.Duration, error) { return 0, errNoFigures }
func machineTime() (time.Duration, error)    { return 0, errNoFigures }
func ownTime() time.Duration                 { return 0 }
func memoryOf(int) (Memory, error)           { return Memory{}, errNoFigures }

var cores = runtime.NumCPU()
