package records

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The journal is cut into segments, files that are removed as a whole. A
// position in the journal is a number of octets since its beginning, and a
// segment's name is the position of its first line; so positions outlive the
// removal of what lies before them.

const segmentSuffix = ".journal"

type segment struct {
	base     int64 // position of its first octet
	size     int64
	modified time.Time // of the last record in it
}

func (s segment) end() int64 { return s.base + s.size }

func segmentPath(dir string, base int64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", base, segmentSuffix))
}

// listSegments finds the segments of a journal, in order.
func listSegments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []segment
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		base, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil || base < 0 {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		list = append(list, segment{base, info.Size(), info.ModTime()})
	}
	slices.SortFunc(list, func(a, b segment) int { return int(min(max(a.base-b.base, -1), 1)) })
	return list, nil
}

// soundLength is how much of a file consists of whole lines: what follows the
// last of them was being written when the machine went down.
func soundLength(f io.Reader) (int64, error) {
	in := bufio.NewReaderSize(f, 2*longestRecord)
	var at, sound int64
	for {
		line, err := in.ReadSlice('\n')
		at += int64(len(line))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF:
			return sound, nil
		case err != nil:
			return 0, err
		}
		if _, err := checkLine(line[:len(line)-1]); err == nil {
			sound = at
		}
	}
}

// batchSize is how much of a segment is read at once; a line fits into it.
const batchSize = 512 << 10

// readSegment reads records between two positions of a segment, no more than
// fit into a batch. next is the position behind the last of them.
func readSegment(dir string, base, from, to int64) (list []Record, next int64, damaged int, err error) {
	f, err := os.Open(segmentPath(dir, base))
	if err != nil {
		return nil, from, 0, err
	}
	defer f.Close()
	octets := make([]byte, min(to-from, batchSize))
	n, err := f.ReadAt(octets, from-base)
	if err != nil && err != io.EOF {
		return nil, from, 0, err
	}
	octets, next = octets[:n], from
	for {
		end := bytes.IndexByte(octets, '\n')
		if end < 0 {
			break
		}
		if r, err := parseLine(octets[:end]); err == nil {
			list = append(list, r)
		} else {
			damaged++
		}
		next += int64(end) + 1
		octets = octets[end+1:]
	}
	if next == from && len(octets) > 0 && (len(octets) == batchSize || from+int64(len(octets)) == to) {
		return nil, from + int64(len(octets)), 1, nil // no line at all
	}
	return list, next, damaged, nil
}

// Walk calls f with each record in the journal of dir, oldest first, until f
// returns false. The journal may be in use by another process.
func Walk(dir string, f func(*Record) bool) error {
	segments, err := listSegments(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range segments {
		for at := s.base; at < s.end(); {
			list, next, _, err := readSegment(dir, s.base, at, s.end())
			if errors.Is(err, fs.ErrNotExist) {
				break // removed meanwhile
			}
			if err != nil {
				return err
			}
			if next == at {
				break // a line that is being written
			}
			at = next
			for i := range list {
				if !f(&list[i]) {
					return nil
				}
			}
		}
	}
	return nil
}
