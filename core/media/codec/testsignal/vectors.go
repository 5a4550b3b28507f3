package testsignal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"strings"
)

// Vector is what another implementation made of a signal.
type Vector struct {
	Signal  string
	Coded   string // SHA-256 of the octets
	Decoded string // SHA-256 of the samples that those became
}

// Vectors reads a file that oracle.py wrote.
func Vectors(name string) ([]Vector, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list []Vector
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 3 {
			list = append(list, Vector{f[0], f[1], f[2]})
		}
	}
	return list, nil
}

// Speech is the sound of a wav file with the header that this program writes, at
// most four times Length.
func Speech(name string) ([]int16, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	data = data[min(44, len(data)):]
	pcm := make([]int16, min(len(data)/2, 4*Length))
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(data[2*i:]))
	}
	return pcm, nil
}

// Digest is the SHA-256 of octets, in hexadecimal.
func Digest(octets []byte) string {
	sum := sha256.Sum256(octets)
	return hex.EncodeToString(sum[:])
}

// DigestOf is the SHA-256 of samples, the lower octet first.
func DigestOf(pcm []int16) string {
	octets := make([]byte, 0, 2*len(pcm))
	for _, sample := range pcm {
		octets = binary.LittleEndian.AppendUint16(octets, uint16(sample))
	}
	return Digest(octets)
}
