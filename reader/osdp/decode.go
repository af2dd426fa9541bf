package osdp

import (
	"bytes"
	"encoding/binary"
	"time"
)

// decoder reads a payload from left to right. Past the end it yields zeros and
// remembers, so that a decoder of a message checks once, at its end.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) more() bool { return len(d.b) > 0 && !d.bad }

func (d *decoder) want(ok bool) {
	if !ok {
		d.bad = true
	}
}

// end returns ErrPayload if the payload was too short, too long or otherwise wrong.
func (d *decoder) end() error {
	if d.bad || len(d.b) > 0 {
		return ErrPayload
	}
	return nil
}

// next returns the next n bytes, aliasing the payload, or nil.
func (d *decoder) next(n int) []byte {
	if d.bad || n > len(d.b) {
		d.bad = true
		return nil
	}
	x := d.b[:n]
	d.b = d.b[n:]
	return x
}

// fill copies the next bytes into x.
func (d *decoder) fill(x []byte) { copy(x, d.next(len(x))) }

func (d *decoder) fill3() (x [3]byte)   { d.fill(x[:]); return x }
func (d *decoder) fill8() (x [8]byte)   { d.fill(x[:]); return x }
func (d *decoder) fill16() (x [16]byte) { d.fill(x[:]); return x }

func (d *decoder) u8() byte { var x [1]byte; d.fill(x[:]); return x[0] }
func (d *decoder) u16() int {
	var x [2]byte
	d.fill(x[:])
	return int(binary.LittleEndian.Uint16(x[:]))
}
func (d *decoder) u32() uint32 { var x [4]byte; d.fill(x[:]); return binary.LittleEndian.Uint32(x[:]) }

func (d *decoder) take(n int) []byte { return bytes.Clone(d.next(n)) }
func (d *decoder) rest() []byte      { return d.take(len(d.b)) }

func (d *decoder) tenths() time.Duration   { return time.Duration(d.u8()) * 100 * time.Millisecond }
func (d *decoder) tenths16() time.Duration { return time.Duration(d.u16()) * 100 * time.Millisecond }

func (d *decoder) blink() Blink {
	return Blink{d.u8(), d.tenths(), d.tenths(), Color(d.u8()), Color(d.u8())}
}

func (d *decoder) comm() Comm { return Comm{d.u8(), int(d.u32())} }

// fragment reads the header and the piece of a multi-part message.
func (d *decoder) fragment() Fragment {
	f := Fragment{Total: uint16(d.u16()), Offset: uint16(d.u16())}
	f.Data = d.take(d.u16())
	d.want(f.valid())
	return f
}
