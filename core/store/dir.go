package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// checkDir makes sure that dir exists, can be written, and has room.
func checkDir(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return unwritable(err)
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return unwritable(err)
	}
	_, err = probe.WriteString("moonwire")
	err = errors.Join(err, probe.Close(), os.Remove(probe.Name()))
	if err != nil {
		return unwritable(err)
	}
	if free, err := freeBytes(dir); err == nil && free < reserve {
		return fmt.Errorf("%w: its disk has %d MB left, and %d are kept free; make room there", ErrFull, free>>20, reserve>>20)
	}
	return nil
}

// unwritable says what an error of the file system means to the operator.
func unwritable(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w; make room on that disk", ErrFull, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w; give it to the user that moonwire runs as, or choose another", ErrReadOnly, err)
	}
	return fmt.Errorf("%w: %w", ErrReadOnly, err)
}

// dirLock keeps a second process out of a data directory. The kernel gives it
// free when the process ends, however that comes about.
type dirLock struct{ file *os.File }

const lockName = "moonwire.lock"

func lockDir(dir string) (*dirLock, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, unwritable(err)
	}
	if err := tryLock(file); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(file, 32))
		_ = file.Close()
		if errors.Is(err, errBusy) {
			return nil, fmt.Errorf("%w: process %s; stop it, or choose another directory", ErrLocked, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("lock %s: %w", lockName, err)
	}
	err = file.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintln(file, os.Getpid())
	}
	if err != nil {
		_ = file.Close()
		return nil, unwritable(err)
	}
	return &dirLock{file}, nil
}

// Close gives the directory free.
func (l *dirLock) Close() error { return l.file.Close() }

var errBusy = errors.New("locked by another process")
