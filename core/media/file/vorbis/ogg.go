package vorbis

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// An Ogg file is a row of pages: a header, a table of up to 255 lengths and the
// octets that it counts. A packet is as many lengths as are 255 and one that is
// less; it may go on in the next page. Pages of several streams may alternate,
// told apart by a serial number; the first stream is the one that is read.

// longestPacket is more than any encoder makes.
const longestPacket = 1 << 20

var errPage = errors.New("no Ogg page where there should be one")

// pages reads packets.
type pages struct {
	in      *bufio.Reader
	begun   bool
	serial  [4]byte
	lengths []byte // of the present page, those to come
	table   [255]byte
	end     int64 // samples until the end, once that is known; else 0
	packet  []byte
}

// next is the next packet, valid until the next call. io.EOF says that there are
// no more; a packet that is cut off is left out.
func (p *pages) next() ([]byte, error) {
	p.packet = p.packet[:0]
	for {
		for len(p.lengths) == 0 {
			if err := p.turn(); err != nil {
				return nil, err
			}
		}
		length := int(p.lengths[0])
		p.lengths = p.lengths[1:]
		at := len(p.packet)
		if at+length > longestPacket {
			return nil, errPage
		}
		p.packet = append(p.packet, p.table[:length]...) // room, to be overwritten
		if _, err := io.ReadFull(p.in, p.packet[at:]); err != nil {
			return nil, io.EOF
		}
		if length < 255 {
			return p.packet, nil
		}
	}
}

// turn reads the head of the next page of the stream.
func (p *pages) turn() error {
	for {
		var head [27]byte
		if _, err := io.ReadFull(p.in, head[:]); err != nil {
			return io.EOF
		}
		if string(head[:4]) != "OggS" || head[4] != 0 {
			return errPage
		}
		lengths := make([]byte, head[26])
		if _, err := io.ReadFull(p.in, lengths); err != nil {
			return io.EOF
		}
		serial := [4]byte(head[14:18])
		if !p.begun {
			p.begun, p.serial = true, serial
		}
		if serial == p.serial {
			if head[5]&1 == 0 {
				p.packet = p.packet[:0] // a new packet begins: the last was not ended
			}
			p.lengths = lengths
			if head[5]&4 != 0 {
				p.end = max(0, int64(binary.LittleEndian.Uint64(head[6:])))
			}
			return nil
		}
		octets := 0
		for _, length := range lengths {
			octets += int(length)
		}
		if _, err := p.in.Discard(octets); err != nil {
			return io.EOF
		}
	}
}

// bits reads a packet, the lowest bit of each octet first.
type bits struct {
	data []byte
	at   int  // in bits
	over bool // more was read than there is
}

func (b *bits) read(n int) uint32 {
	if b.at+n > 8*len(b.data) {
		b.over, b.at = true, 8*len(b.data)
		return 0
	}
	value := uint32(0)
	for i := 0; i < n; {
		take := min(8-b.at&7, n-i)
		value |= uint32(b.data[b.at>>3]>>(b.at&7)) & (1<<take - 1) << i
		b.at += take
		i += take
	}
	return value
}

func (b *bits) flag() bool { return b.read(1) == 1 }
