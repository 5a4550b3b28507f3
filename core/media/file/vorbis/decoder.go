// Package vorbis reads sound from Ogg files in Vorbis, as the specification
// Vorbis I of the Xiph.Org Foundation has it.
//
// Sound is cut into overlapping blocks, short ones where it changes fast and long
// ones where it does not. Each is told as a spectrum: a rough curve, the floor,
// times what remains, the residue, which comes as entries of code books that the
// file brings along in its header. Floors of type 0, which no encoder has made
// since the first release, are refused.
package vorbis

import (
	"bufio"
	"errors"
	"io"
	"math"
	mathbits "math/bits"
)

// Decoder reads one file; one goroutine at a time.
type Decoder struct {
	setup
	pages     pages
	transform [2]*transform
	slope     [2][]float32 // rising halves of the windows
	before    [][]float32  // second half of the last block of each channel, nil at first
	block     [][]float32
	spectrum  [][]float32
	pcm       []int16
	made      int64 // samples of each channel so far
}

// NewDecoder reads the headers.
func NewDecoder(in io.Reader) (*Decoder, error) {
	d := &Decoder{pages: pages{in: bufio.NewReader(in)}}
	for _, read := range []func([]byte) error{d.identify, skipComments, d.setup.read} {
		packet, err := d.pages.next()
		if err == io.EOF {
			return nil, errors.New("ends before its sound begins")
		}
		if err == nil {
			err = read(packet)
		}
		if err != nil {
			return nil, err
		}
	}
	for i, n := range d.blocks {
		d.transform[i] = newTransform(n)
		d.slope[i] = make([]float32, n/2)
		for k := range d.slope[i] {
			sine := math.Sin((float64(k) + 0.5) / float64(n) * math.Pi)
			d.slope[i][k] = float32(math.Sin(math.Pi / 2 * sine * sine))
		}
	}
	for range d.channels {
		d.block = append(d.block, make([]float32, d.blocks[1]))
		d.spectrum = append(d.spectrum, make([]float32, d.blocks[1]/2))
	}
	return d, nil
}

func skipComments(packet []byte) error {
	if header(packet, 3) == nil {
		return errSetup
	}
	return nil
}

// Rate is samples a second.
func (d *Decoder) Rate() int { return d.rate }

// Channels is how many there are.
func (d *Decoder) Channels() int { return d.channels }

// Next decodes a packet: samples with the channels interleaved, valid until the
// next call, sometimes none. It returns io.EOF at the end. Damaged packets are
// passed over.
func (d *Decoder) Next() ([]int16, error) {
	packet, err := d.pages.next()
	if err != nil {
		return nil, err
	}
	d.pcm = d.pcm[:0]
	b := &bits{data: packet}
	if b.flag() || len(packet) == 0 {
		return nil, nil // no sound in it
	}
	choice := int(b.read(mathbits.Len(uint(len(d.modes) - 1))))
	if choice >= len(d.modes) || b.over {
		return nil, nil
	}
	m := d.modes[choice]
	size, left, right := 0, 0, 0 // windows by index of block lengths
	if m.long {
		size, left, right = 1, int(b.read(1)), int(b.read(1))
	}
	d.unfold(b, d.mappings[m.mapping], size)
	d.overlap(size, left, right)
	if left := (d.pages.end - d.made) * int64(d.channels); d.pages.end > 0 && int64(len(d.pcm)) > left {
		d.pcm = d.pcm[:max(left, 0)] // the last block is longer than the sound
	}
	d.made += int64(len(d.pcm) / d.channels)
	return d.pcm, nil
}

// unfold makes the spectra of a packet, and blocks of them.
func (d *Decoder) unfold(b *bits, m *mapping, size int) {
	n := d.blocks[size] / 2
	heights := make([][65]int, d.channels)
	told, drawn := make([]bool, d.channels), make([]bool, d.channels)
	for i := range d.channels {
		clear(d.spectrum[i])
		drawn[i] = d.floors[m.floor[m.mux[i]]].decode(b, d.books, &heights[i])
	}
	copy(told, drawn)
	for _, step := range m.steps {
		if told[step[0]] || told[step[1]] {
			told[step[0]], told[step[1]] = true, true
		}
	}
	for part, index := range m.residue {
		var vectors [][]float32
		for i := range d.channels {
			if m.mux[i] != part {
				continue
			}
			v := d.spectrum[i][:n]
			if !told[i] {
				v = nil
			}
			vectors = append(vectors, v)
		}
		d.residues[index].decode(b, vectors, n)
	}
	for i := len(m.steps) - 1; i >= 0; i-- {
		uncouple(d.spectrum[m.steps[i][0]][:n], d.spectrum[m.steps[i][1]][:n])
	}
	for i := range d.channels {
		spectrum := d.spectrum[i][:n]
		if drawn[i] {
			d.floors[m.floor[m.mux[i]]].draw(&heights[i], spectrum)
		} else {
			clear(spectrum)
		}
		d.transform[size].inverse(d.block[i][:2*n], spectrum)
	}
}

// uncouple turns sizes and angles into two channels (clause 4.3.5).
func uncouple(sizes, angles []float32) {
	for i, size := range sizes {
		angle := angles[i]
		switch {
		case size > 0 && angle > 0:
			sizes[i], angles[i] = size, size-angle
		case size > 0:
			sizes[i], angles[i] = size+angle, size
		case angle > 0:
			sizes[i], angles[i] = size, size+angle
		default:
			sizes[i], angles[i] = size-angle, size
		}
	}
}

// overlap adds the first half of a block to the second of the last one and keeps
// its own second.
func (d *Decoder) overlap(size, left, right int) {
	n := d.blocks[size]
	for i := range d.channels {
		window(d.block[i][:n/2], d.slope[left], false)
		window(d.block[i][n/2:n], d.slope[right], true)
	}
	if d.before != nil {
		last := 2 * len(d.before[0])
		shift := n/4 - last/4 // of the block against the output
		for k := range last/4 + n/4 {
			for i := range d.channels {
				sum := float32(0)
				if k < last/2 {
					sum = d.before[i][k]
				}
				if k+shift >= 0 {
					sum += d.block[i][k+shift]
				}
				d.pcm = append(d.pcm, int16(math.Round(float64(max(-32768, min(sum*32768, 32767))))))
			}
		}
	} else {
		d.before = make([][]float32, d.channels)
	}
	for i := range d.channels {
		d.before[i] = append(d.before[i][:0], d.block[i][n/2:n]...)
	}
}

// window fades half a block in, or out when it is falling. A slope that is
// shorter than the half lies in its middle.
func window(half, slope []float32, falling bool) {
	flat := (len(half) - len(slope)) / 2
	for i := range half {
		k := i
		if falling {
			k = len(half) - 1 - i
		}
		switch {
		case k < flat:
			half[i] = 0
		case k < flat+len(slope):
			half[i] *= slope[k-flat]
		}
	}
}
