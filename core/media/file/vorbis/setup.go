package vorbis

import (
	"errors"
	mathbits "math/bits"
)

var errSetup = errors.New("damaged Vorbis header")

// setup is what the headers say: the tools that packets choose from.
type setup struct {
	rate, channels int
	blocks         [2]int // lengths of a short and of a long block
	books          []*codebook
	floors         []*floor
	residues       []*residue
	mappings       []*mapping
	modes          []mode
}

type mode struct {
	long    bool
	mapping int
}

// mapping says which floor and residue a channel has, and which channels are
// coded as a size and an angle.
type mapping struct {
	steps          [][2]int // size and angle
	mux            []int    // part of each channel
	floor, residue []int    // of each part
}

// identify reads the first header.
func (s *setup) identify(packet []byte) error {
	b := header(packet, 1)
	if b == nil || b.read(32) != 0 {
		return errors.New("no Vorbis in it")
	}
	s.channels, s.rate = int(b.read(8)), int(b.read(32))
	b.at += 96 // bit rates
	s.blocks = [2]int{1 << b.read(4), 1 << b.read(4)}
	if b.over || s.channels < 1 || s.channels > 8 || s.rate < 1000 || s.rate > 192000 ||
		s.blocks[0] < 64 || s.blocks[0] > s.blocks[1] || s.blocks[1] > 8192 {
		return errSetup
	}
	return nil
}

// header is a header packet behind its name, nil for another.
func header(packet []byte, kind byte) *bits {
	if len(packet) < 7 || packet[0] != kind || string(packet[1:7]) != "vorbis" {
		return nil
	}
	return &bits{data: packet[7:]}
}

// read reads the third header.
func (s *setup) read(packet []byte) error {
	b := header(packet, 5)
	if b == nil {
		return errSetup
	}
	entries, vectors := 0, 0
	for range b.read(8) + 1 {
		book, err := readCodebook(b)
		if err != nil {
			return err
		}
		s.books = append(s.books, book)
		entries, vectors = entries+book.entries, vectors+len(book.vectors)
		if entries > mostEntries || vectors > mostVectors {
			return errSetup
		}
	}
	for range b.read(6) + 1 {
		b.read(16) // a kind of nothing
	}
	for range b.read(6) + 1 {
		f, err := s.readFloor(b)
		if err != nil {
			return err
		}
		s.floors = append(s.floors, f)
	}
	for range b.read(6) + 1 {
		r, err := s.readResidue(b)
		if err != nil {
			return err
		}
		s.residues = append(s.residues, r)
	}
	for range b.read(6) + 1 {
		m, err := s.readMapping(b)
		if err != nil {
			return err
		}
		s.mappings = append(s.mappings, m)
	}
	for range b.read(6) + 1 {
		long := b.flag()
		b.read(32)
		m := mode{long, int(b.read(8))}
		if m.mapping >= len(s.mappings) {
			return errSetup
		}
		s.modes = append(s.modes, m)
	}
	if b.over {
		return errSetup
	}
	return nil
}

func (s *setup) readMapping(b *bits) (*mapping, error) {
	if b.read(16) != 0 {
		return nil, errSetup
	}
	parts := 1
	if b.flag() {
		parts = int(b.read(4)) + 1
	}
	m := &mapping{mux: make([]int, s.channels)}
	if b.flag() {
		width := mathbits.Len(uint(s.channels - 1))
		for range b.read(8) + 1 {
			size, angle := int(b.read(width)), int(b.read(width))
			if size == angle || size >= s.channels || angle >= s.channels {
				return nil, errSetup
			}
			m.steps = append(m.steps, [2]int{size, angle})
		}
	}
	b.read(2)
	if parts > 1 {
		for i := range m.mux {
			if m.mux[i] = int(b.read(4)); m.mux[i] >= parts {
				return nil, errSetup
			}
		}
	}
	for range parts {
		b.read(8)
		f, r := int(b.read(8)), int(b.read(8))
		if f >= len(s.floors) || r >= len(s.residues) {
			return nil, errSetup
		}
		m.floor, m.residue = append(m.floor, f), append(m.residue, r)
	}
	return m, nil
}

// residue is how the spectrum above the floor is told: in partitions, each of a
// class, in up to eight passes that refine each other (Vorbis I, 8).
type residue struct {
	kind       int
	begin, end int
	partition  int
	classes    int
	classbook  *codebook
	books      [][8]*codebook
}

func (s *setup) readResidue(b *bits) (*residue, error) {
	r := &residue{kind: int(b.read(16)), begin: int(b.read(24)), end: int(b.read(24)), partition: int(b.read(24)) + 1}
	r.classes = int(b.read(6)) + 1
	book := int(b.read(8))
	if r.kind > 2 || book >= len(s.books) || r.end < r.begin || s.books[book].dimensions == 0 {
		return nil, errSetup
	}
	r.classbook = s.books[book]
	cascade := make([]uint32, r.classes)
	for i := range cascade {
		cascade[i] = b.read(3)
		if b.flag() {
			cascade[i] |= b.read(5) << 3
		}
	}
	r.books = make([][8]*codebook, r.classes)
	for i := range r.books {
		for pass := range 8 {
			if cascade[i]>>pass&1 == 0 {
				continue
			}
			book := int(b.read(8))
			if book >= len(s.books) || s.books[book].vectors == nil {
				return nil, errSetup
			}
			if r.kind == 0 && r.partition%s.books[book].dimensions != 0 {
				return nil, errSetup
			}
			r.books[i][pass] = s.books[book]
		}
	}
	return r, nil
}

// decode adds to the vectors of channels; nil ones are not told of. Where the
// packet ends early the rest stays as it is.
func (r *residue) decode(b *bits, vectors [][]float32, length int) {
	if r.kind == 2 {
		all := make([]float32, length*len(vectors))
		told := false
		for _, v := range vectors {
			told = told || v != nil
		}
		if told {
			r.passes(b, [][]float32{all}, len(all))
		}
		for channel, v := range vectors {
			for i := range v {
				v[i] += all[i*len(vectors)+channel]
			}
		}
		return
	}
	r.passes(b, vectors, length)
}

func (r *residue) passes(b *bits, vectors [][]float32, length int) {
	begin, end := min(r.begin, length), min(r.end, length)
	parts := (end - begin) / r.partition
	classes := make([][]int, len(vectors))
	for i := range classes {
		classes[i] = make([]int, parts+r.classbook.dimensions)
	}
	for pass := range 8 {
		for part := 0; part < parts; {
			if pass == 0 && !r.classify(b, vectors, classes, part) {
				return
			}
			for i := 0; i < r.classbook.dimensions && part < parts; i++ {
				for channel, v := range vectors {
					book := r.books[classes[channel][part]][pass]
					at := begin + part*r.partition
					if v != nil && book != nil && !r.add(b, book, v[at:at+r.partition]) {
						return
					}
				}
				part++
			}
		}
	}
}

// classify reads the classes of the next partitions.
func (r *residue) classify(b *bits, vectors [][]float32, classes [][]int, part int) bool {
	for channel, v := range vectors {
		if v == nil {
			continue
		}
		word := r.classbook.decode(b)
		if word < 0 {
			return false
		}
		for i := r.classbook.dimensions - 1; i >= 0; i-- {
			classes[channel][part+i] = word % r.classes
			word /= r.classes
		}
	}
	return true
}

// add reads one partition.
func (r *residue) add(b *bits, book *codebook, v []float32) bool {
	step := len(v) / book.dimensions
	for at, n := 0, 0; at < len(v); at, n = at+book.dimensions, n+1 {
		vector := book.vector(b)
		if vector == nil {
			return false
		}
		for i, x := range vector {
			place := at + i
			if r.kind == 0 {
				place = n + i*step
			}
			if place < len(v) {
				v[place] += x
			}
		}
	}
	return true
}
