package vorbis

import (
	"math"
	mathbits "math/bits"
	"slices"
)

// floor is a curve, drawn with straight lines through a few points, above which
// the spectrum is told in detail (Vorbis I, 7).
type floor struct {
	classes    []int // of the groups of points
	class      [16]floorClass
	multiplier int
	x          []int // of the points
	order      []int // of the points, by x
	low, high  []int // neighbours of each point among those before it
}

type floorClass struct {
	dimensions, bits int
	master           int
	books            [8]int // -1: none
}

var floorRanges = [4]int{256, 128, 86, 64}

func (s *setup) readFloor(b *bits) (*floor, error) {
	if kind := b.read(16); kind != 1 {
		return nil, errSetup // type 0 is of encoders before the first release
	}
	f := &floor{classes: make([]int, b.read(5))}
	most := -1
	for i := range f.classes {
		f.classes[i] = int(b.read(4))
		most = max(most, f.classes[i])
	}
	for i := range most + 1 {
		c := &f.class[i]
		c.dimensions, c.bits = int(b.read(3))+1, int(b.read(2))
		if c.bits > 0 {
			c.master = int(b.read(8))
		}
		for j := range 1 << c.bits {
			c.books[j] = int(b.read(8)) - 1
			if c.books[j] >= len(s.books) {
				return nil, errSetup
			}
		}
		if c.master >= len(s.books) {
			return nil, errSetup
		}
	}
	f.multiplier = int(b.read(2)) + 1
	width := int(b.read(4))
	f.x = []int{0, 1 << width}
	for _, class := range f.classes {
		for range f.class[class].dimensions {
			f.x = append(f.x, int(b.read(width)))
		}
	}
	if b.over || len(f.x) > 65 {
		return nil, errSetup
	}
	return f, f.arrange()
}

// arrange sorts the points and finds their neighbours.
func (f *floor) arrange() error {
	f.low, f.high = make([]int, len(f.x)), make([]int, len(f.x))
	for i := range f.x {
		f.order = append(f.order, i)
		low, high := 0, 1
		for j := range i {
			if f.x[j] < f.x[i] && f.x[j] > f.x[low] {
				low = j
			}
			if f.x[j] > f.x[i] && f.x[j] < f.x[high] {
				high = j
			}
		}
		f.low[i], f.high[i] = low, high
	}
	slices.SortStableFunc(f.order, func(a, b int) int { return f.x[a] - f.x[b] })
	for i := 1; i < len(f.order); i++ {
		if f.x[f.order[i]] == f.x[f.order[i-1]] {
			return errSetup
		}
	}
	return nil
}

// decode reads the heights of the points; false is a channel that is silent.
func (f *floor) decode(b *bits, books []*codebook, y *[65]int) bool {
	if !b.flag() {
		return false
	}
	width := mathbits.Len(uint(floorRanges[f.multiplier-1] - 1))
	y[0], y[1] = int(b.read(width)), int(b.read(width))
	at := 2
	for _, index := range f.classes {
		c := &f.class[index]
		choice := 0
		if c.bits > 0 {
			choice = books[c.master].decode(b)
		}
		for range c.dimensions {
			y[at] = 0
			if book := c.books[choice&(1<<c.bits-1)]; book >= 0 {
				y[at] = books[book].decode(b)
			}
			choice >>= c.bits
			at++
		}
	}
	return !b.over
}

// draw multiplies a spectrum by the curve.
func (f *floor) draw(y *[65]int, spectrum []float32) {
	var final [65]int
	var used [65]bool
	final[0], final[1], used[0], used[1] = y[0], y[1], true, true
	top := floorRanges[f.multiplier-1]
	for i := 2; i < len(f.x); i++ {
		low, high := f.low[i], f.high[i]
		predicted := point(f.x[low], final[low], f.x[high], final[high], f.x[i])
		above, below := top-predicted, predicted
		value := y[i]
		if value == 0 {
			final[i] = predicted
			continue
		}
		used[low], used[high], used[i] = true, true, true
		switch room := 2 * min(above, below); {
		case value >= room && above > below:
			final[i] = value
		case value >= room:
			final[i] = top - 1 - value
		case value&1 == 1:
			final[i] = predicted - (value+1)/2
		default:
			final[i] = predicted + value/2
		}
	}
	x0, y0 := 0, final[f.order[0]]*f.multiplier
	for _, i := range f.order[1:] {
		if used[i] {
			x1, y1 := f.x[i], final[i]*f.multiplier
			line(x0, y0, x1, y1, spectrum)
			x0, y0 = x1, y1
		}
	}
	if x0 < len(spectrum) {
		line(x0, y0, len(spectrum), y0, spectrum)
	}
}

// point is where the line between two points passes x (clause 9.2.6).
func point(x0, y0, x1, y1, x int) int {
	offset := max(y1-y0, y0-y1) * (x - x0) / (x1 - x0)
	if y1 < y0 {
		return y0 - offset
	}
	return y0 + offset
}

// line is clause 9.2.7.
func line(x0, y0, x1, y1 int, spectrum []float32) {
	width, height := x1-x0, y1-y0
	base := height / width
	step := base + 1
	if height < 0 {
		step = base - 1
	}
	rest := max(height, -height) - max(base, -base)*width
	y, sum := y0, 0
	for x := x0; x < min(x1, len(spectrum)); x++ {
		spectrum[x] *= decibels[max(0, min(y, 255))]
		if sum += rest; sum >= width {
			sum -= width
			y += step
		} else {
			y += base
		}
	}
}

// decibels are 140 dB in 256 steps, up to 1.
var decibels = func() (table [256]float32) {
	for i := range table {
		table[i] = float32(math.Pow(10, float64(i-255)*140/256/20))
	}
	return table
}()
