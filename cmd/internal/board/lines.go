package board

import (
	"slices"
	"strings"
	"time"

	"doord/reader/wiegand"
	"doord/rex"
)

// batch is the most edges taken from the kernel at once.
const batch = 64

// inputs are a bank of inputs. They are a [rex.Lines].
type inputs struct {
	lines   lines
	offsets []uint32 // by input
}

func (in *inputs) Read(buf []rex.Edge, wait time.Duration) (int, error) {
	var events [batch]event
	n, err := in.lines.Read(events[:min(len(buf), batch)], wait)
	for i, e := range events[:n] {
		line := slices.Index(in.offsets, e.offset) // the kernel only tells of lines that were requested
		buf[i] = rex.Edge{At: e.at, Line: uint8(line), High: e.rising, Seq: e.seq}
	}
	return n, err
}

func (in *inputs) Levels() (uint64, error) { return in.lines.Get() }

// port is D0 and D1 of a reader. It is a [wiegand.Edges].
type port struct {
	lines lines
	d1    uint32 // its offset
}

func (p *port) Read(buf []wiegand.Edge, wait time.Duration) (int, error) {
	var events [batch]event
	n, err := p.lines.Read(events[:min(len(buf), batch)], wait)
	for i, e := range events[:n] {
		buf[i] = wiegand.Edge{At: e.at, Seq: e.seq}
		if e.offset == p.d1 {
			buf[i].Line = 1
		}
	}
	return n, err
}

// output is one output that is on or off.
type output struct {
	lines lines
	low   bool // the level at which it is on
}

// set does nothing for an output that is not there.
func (o *output) set(on bool) error {
	if o == nil {
		return nil
	}
	return o.lines.Set(1, bit(on != o.low))
}

func bit(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}

func roles(wires []wire) string {
	list := make([]string, len(wires))
	for i, w := range wires {
		list[i] = w.role
	}
	return strings.Join(list, ", ")
}
