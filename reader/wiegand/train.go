package wiegand

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// Pulse is one low pulse of a line, as a reader makes it.
type Pulse struct {
	At    time.Duration // its falling edge
	Width time.Duration
	Line  uint8 // 0 is D0, 1 is D1
}

// Shape is how a reader, and the cable to it, sends a frame. The zero value is a
// good reader: 50 µs every millisecond.
//
// Source of the ranges: SIA AC-01-1996.10.
type Shape struct {
	Width    time.Duration // of a pulse, 20 to 100 µs; zero means 50 µs
	Interval time.Duration // between falling edges, 200 µs to 20 ms; zero means 1 ms
	Jitter   time.Duration // each pulse is late by up to this much, less than Interval
	Noise    int           // phantom pulses on either line, anywhere in the frame
	Lose     int           // bits that never arrive, anywhere in the frame
	Swap     bool          // D0 and D1 are crossed
}

// Train returns the pulses of a frame, in order, the first due at start. The
// same rng gives the same train; only Jitter, Noise and Lose draw from it, and
// it may be nil without them.
func (s Shape) Train(b Bits, start time.Duration, rng *rand.Rand) []Pulse {
	width := cmp.Or(s.Width, 50*time.Microsecond)
	interval := cmp.Or(s.Interval, time.Millisecond)
	pulses := make([]Pulse, 0, b.Len()+s.Noise)
	for i := range b.Len() {
		p := Pulse{At: start + time.Duration(i)*interval, Width: width}
		if b.At(i) != s.Swap {
			p.Line = 1
		}
		if s.Jitter > 0 {
			p.At += time.Duration(rng.Int64N(int64(s.Jitter)))
		}
		pulses = append(pulses, p)
	}
	for range min(s.Lose, len(pulses)) {
		i := rng.IntN(len(pulses))
		pulses = slices.Delete(pulses, i, i+1)
	}
	for range s.Noise {
		at := start + time.Duration(rng.Int64N(int64(interval)*int64(b.Len()+1)))
		pulses = append(pulses, Pulse{At: at, Width: width, Line: uint8(rng.IntN(2))})
	}
	slices.SortStableFunc(pulses, func(a, b Pulse) int { return cmp.Compare(a.At, b.At) })
	return pulses
}

// FallingEdges returns the edges that the kernel reports for pulses in order,
// numbered from seq on.
func FallingEdges(pulses []Pulse, seq uint32) []Edge {
	edges := make([]Edge, len(pulses))
	for i, p := range pulses {
		edges[i] = Edge{At: p.At, Line: p.Line, Seq: seq + uint32(i)}
	}
	return edges
}
