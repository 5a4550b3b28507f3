package records

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/crc32"
	"maps"
	"slices"
)

// A line of the journal is the CRC-32C of a record's JSON as eight hexadecimal
// digits, a space, the JSON, and a line feed. So it can be told whether a line was
// written to its end, a damaged one costs no other, and a journal can be read with
// the tools for text: cut -c10- | jq.

const (
	sumLength = 8
	hexDigits = "0123456789abcdef"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errDamaged = errors.New("the line is damaged")

// appendLine adds r to b as a line.
func appendLine(b []byte, r *Record) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return b, err
	}
	sum := crc32.Checksum(text, castagnoli)
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[sum>>shift&15])
	}
	b = append(b, ' ')
	b = append(b, text...)
	return append(b, '\n'), nil
}

// checkLine returns the JSON of a line, which is given without its line feed.
func checkLine(line []byte) ([]byte, error) {
	if len(line) <= sumLength || line[sumLength] != ' ' {
		return nil, errDamaged
	}
	var sum uint32
	for _, digit := range line[:sumLength] {
		n := bytes.IndexByte([]byte(hexDigits), digit)
		if n < 0 {
			return nil, errDamaged
		}
		sum = sum<<4 | uint32(n)
	}
	text := line[sumLength+1:]
	if crc32.Checksum(text, castagnoli) != sum {
		return nil, errDamaged
	}
	return text, nil
}

// parseLine is the record of a line, which is given without its line feed.
func parseLine(line []byte) (Record, error) {
	text, err := checkLine(line)
	if err != nil {
		return Record{}, err
	}
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return Record{}, errDamaged
	}
	return r, nil
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
