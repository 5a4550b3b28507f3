package vorbis

import (
	"math"
	mathbits "math/bits"
)

// codebook is a Huffman code whose entries may stand for vectors (Vorbis I, 3).
type codebook struct {
	dimensions int
	entries    int
	tree       [][2]int32 // child nodes; ^entry for leaves; 0 for none
	single     int        // the only entry, where there is one; else -1
	vectors    []float32  // dimensions for each entry; nil for codes of numbers
}

// Limits of what the books of a header may ask memory for, all together.
const (
	mostEntries = 1 << 18
	mostVectors = 1 << 21
)

func readCodebook(b *bits) (*codebook, error) {
	if b.read(24) != 0x564342 {
		return nil, errSetup
	}
	c := &codebook{dimensions: int(b.read(16)), entries: int(b.read(24)), single: -1}
	if c.entries == 0 || c.entries > mostEntries || b.over {
		return nil, errSetup
	}
	lengths := c.readLengths(b)
	if lengths == nil || b.over || !c.plant(lengths) {
		return nil, errSetup
	}
	switch kind := b.read(4); {
	case kind > 2:
		return nil, errSetup
	case kind > 0:
		if !c.readVectors(b, kind == 1) {
			return nil, errSetup
		}
	}
	if b.over {
		return nil, errSetup
	}
	return c, nil
}

// readLengths are those of the codewords; 0 for entries that are not used.
func (c *codebook) readLengths(b *bits) []byte {
	lengths := make([]byte, c.entries)
	if b.flag() { // in ascending order
		length := byte(b.read(5) + 1)
		for at := 0; at < c.entries; length++ {
			n := int(b.read(mathbits.Len(uint(c.entries - at))))
			if n > c.entries-at || length > 32 || b.over {
				return nil
			}
			for range n {
				lengths[at] = length
				at++
			}
		}
		return lengths
	}
	sparse := b.flag()
	for i := range lengths {
		if !sparse || b.flag() {
			lengths[i] = byte(b.read(5) + 1)
		}
	}
	return lengths
}

// plant gives each entry the leftmost free leaf of its depth.
func (c *codebook) plant(lengths []byte) bool {
	c.tree = make([][2]int32, 1, 2*c.entries)
	full := make([]bool, 1, 2*c.entries)
	used := 0
	var place func(node int32, depth byte, entry int) bool
	place = func(node int32, depth byte, entry int) bool {
		for side := range 2 {
			child := c.tree[node][side]
			switch {
			case depth == 1 && child == 0:
				c.tree[node][side] = ^int32(entry)
			case depth == 1 || child < 0 || child > 0 && full[child]:
				continue
			default:
				if child == 0 {
					child = int32(len(c.tree))
					c.tree, full = append(c.tree, [2]int32{}), append(full, false)
					c.tree[node][side] = child
				}
				if !place(child, depth-1, entry) {
					continue
				}
			}
			closed := func(child int32) bool { return child < 0 || child > 0 && full[child] }
			full[node] = closed(c.tree[node][0]) && closed(c.tree[node][1])
			return true
		}
		return false
	}
	for entry, length := range lengths {
		if length == 0 {
			continue
		}
		if !place(0, length, entry) || len(c.tree) > 8*mostEntries {
			return false
		}
		used++
		c.single = entry
	}
	if used != 1 {
		c.single = -1
	}
	return true
}

func (c *codebook) readVectors(b *bits, lattice bool) bool {
	least, step := unpackFloat(b.read(32)), unpackFloat(b.read(32))
	width := int(b.read(4)) + 1
	running := b.flag()
	if c.dimensions == 0 || c.entries*c.dimensions > mostVectors {
		return false
	}
	n := c.entries * c.dimensions
	if lattice {
		n = c.latticeSide()
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(b.read(width))
		if b.over {
			return false
		}
	}
	c.vectors = make([]float32, c.entries*c.dimensions)
	for entry := range c.entries {
		last, divisor := float32(0), 1
		for i := range c.dimensions {
			at := entry*c.dimensions + i
			value := values[at%n]
			if lattice {
				value = values[entry/divisor%n]
				divisor = min(divisor*n, mostEntries)
			}
			value = value*step + least + last
			if running {
				last = value
			}
			c.vectors[at] = value
		}
	}
	return true
}

// latticeSide is the greatest number whose power of dimensions is not above the
// number of entries.
func (c *codebook) latticeSide() int {
	fits := func(side int) bool {
		product := 1
		for range c.dimensions {
			if product *= side; product > c.entries {
				return false
			}
		}
		return true
	}
	side := int(math.Pow(float64(c.entries), 1/float64(c.dimensions)))
	for fits(side + 1) {
		side++
	}
	for side > 1 && !fits(side) {
		side--
	}
	return max(side, 1)
}

// unpackFloat is clause 9.2.2.
func unpackFloat(x uint32) float32 {
	mantissa := float64(x & 0x1FFFFF)
	if x>>31 == 1 {
		mantissa = -mantissa
	}
	return float32(math.Ldexp(mantissa, int(x>>21&0x3FF)-788))
}

// decode reads an entry, or -1 at the end of the packet and for codes of nothing.
func (c *codebook) decode(b *bits) int {
	if c.single >= 0 {
		b.read(1)
		return c.single
	}
	node := int32(0)
	for {
		node = c.tree[node][b.read(1)]
		if node < 0 && !b.over {
			return int(^node)
		}
		if node <= 0 || b.over {
			b.over = true
			return -1
		}
	}
}

// vector reads an entry's vector, nil at the end.
func (c *codebook) vector(b *bits) []float32 {
	entry := c.decode(b)
	if entry < 0 || c.vectors == nil {
		b.over = true
		return nil
	}
	return c.vectors[entry*c.dimensions:][:c.dimensions]
}
