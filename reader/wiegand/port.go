package wiegand

import (
	"time"

	"doord/reader"
)

const (
	// minGap is the least time between two falling edges. Readers keep 200 µs
	// between bits, and a pulse of the standard lasts up to 100 µs: two edges
	// closer than that found both lines low, or a line that rings, or the kernel
	// stamped them late and perhaps in the wrong order. None gives a bit to trust.
	minGap = 100 * time.Microsecond

	// A frame of the longest accepted length ends after this many of its own bit
	// intervals, and no sooner than minEnd.
	endIntervals = 5
	minEnd       = 3 * time.Millisecond
)

// Edge is a falling edge of one of the two lines, as the kernel saw it.
type Edge struct {
	At   time.Duration // the kernel's time stamp, monotonic
	Line uint8         // 0 is D0, a zero; 1 is D1, a one
	Seq  uint32        // counts all edges of both lines; a gap means the kernel dropped some
}

// Port cuts the edges of one reader into frames and reads them. It holds one
// frame of at most [MaxBits] and makes at most one read of each call.
//
// It is not safe for concurrent use: [Run] is its one caller.
type Port struct {
	formats     [65]*format // by length
	longest     int         // accepted length of a frame, 0 if none is
	keypad      Keypad
	pinFacility uint64
	endOfFrame  time.Duration

	bits        Bits          // of the frame that has not ended
	first, last time.Duration // its first and latest edge
	fault       reader.Fault  // what made it void
	told        bool          // it overflowed and was reported: wait for silence
	seq         uint32        // of the latest edge, if there was one
	started     bool
}

// NewPort returns a port with nothing pending, or the error of
// [Config.Validate].
func NewPort(c Config) (*Port, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	formats, _ := c.byLength() // Validate saw its error
	p := &Port{
		formats:     formats,
		longest:     c.Keypad.burst(),
		keypad:      c.Keypad,
		pinFacility: uint64(c.PINFacility),
		endOfFrame:  c.EndOfFrame,
	}
	if p.endOfFrame == 0 {
		p.endOfFrame = DefaultEndOfFrame
	}
	if c.Keypad == KeypadBuffered {
		p.longest = pinBits
	}
	for n, f := range formats {
		if f != nil {
			p.longest = max(p.longest, n)
		}
	}
	return p, nil
}

// Edge takes the next edge, in the order of the kernel's queue. If the pending
// frame ended at or before it, Edge returns that frame's read and starts a new
// frame. A frame that runs over [MaxBits] is reported at once, then ignored to
// its end: a line that never falls silent must not do so unseen.
func (p *Port) Edge(e Edge) (r reader.Read, ok bool) {
	lost := p.started && e.Seq != p.seq+1
	p.seq, p.started = e.Seq, true
	if lost {
		p.void(reader.FaultLost) // they may have been the end of the pending frame
	}
	r, ok = p.Settle(e.At)
	if lost {
		p.void(reader.FaultLost) // or the start of the next
	}

	if p.bits.Len() == 0 {
		p.first, p.last = e.At, e.At
	} else if e.At-p.last < minGap {
		p.void(reader.FaultOverlap)
	}
	p.last = max(p.last, e.At)
	if !p.bits.Append(e.Line != 0) && !p.told {
		p.void(reader.FaultLength)
		p.told = true
		return p.bad(p.fault), true
	}
	return r, ok
}

// Settle returns the read of the pending frame if that ended at or before now.
func (p *Port) Settle(now time.Duration) (r reader.Read, ok bool) {
	end, pending := p.Wake()
	if !pending || now < end {
		return reader.Read{}, false
	}
	if !p.told {
		r, ok = p.read(), true
	}
	p.bits, p.fault, p.told = Bits{}, "", false
	return r, ok
}

// Wake returns when the pending frame ends unless another edge comes before; ok
// is false if no frame is pending.
func (p *Port) Wake() (at time.Duration, ok bool) {
	n := p.bits.Len()
	wait := p.endOfFrame
	if p.longest > 0 && n >= p.longest {
		interval := (p.last - p.first) / time.Duration(n-1)
		wait = min(wait, max(minEnd, endIntervals*interval))
	}
	return p.last + wait, n > 0
}

// void records the first fault of a frame.
func (p *Port) void(f reader.Fault) {
	if p.fault == "" {
		p.fault = f
	}
}

// read returns what the pending frame is.
func (p *Port) read() reader.Read {
	n := p.bits.Len()
	switch {
	case p.fault != "":
		return p.bad(p.fault)
	case n == p.keypad.burst():
		key, ok := p.keypad.decode(p.bits)
		if !ok {
			return p.bad(reader.FaultParity)
		}
		return reader.Read{At: p.last, Kind: reader.Key, Digit: key}
	case n == pinBits && p.keypad == KeypadBuffered:
		if !h10301.holds(p.bits) {
			return p.bad(reader.FaultParity)
		}
		if h10301.facility.get(p.bits) == p.pinFacility {
			r := pinRead(h10301.card.get(p.bits))
			r.At = p.last
			return r
		}
	}
	if n >= len(p.formats) || p.formats[n] == nil {
		return p.bad(reader.FaultLength)
	}
	f := p.formats[n]
	if !f.holds(p.bits) {
		return p.bad(reader.FaultParity)
	}
	return reader.Read{At: p.last, Kind: reader.Card, Token: f.token(p.bits), Bits: p.bits.String()}
}

func (p *Port) bad(f reader.Fault) reader.Read {
	r := reader.Read{At: p.last, Kind: reader.Bad, Fault: f}
	if p.bits.Len() > p.keypad.private() {
		r.Bits = p.bits.String()
	}
	return r
}
