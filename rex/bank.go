package rex

import (
	"fmt"
	"time"
)

// MaxInputs is the most inputs a bank can have.
const MaxInputs = 64

// horizon keeps sums of times from overflowing: 146 years after boot.
const horizon = never / 2

// Edge is a change of a line as the kernel saw it.
type Edge struct {
	At   time.Duration // on the same monotonic clock as everything else
	Line uint8         // index of the input in the bank
	High bool          // the physical level
	Seq  uint32        // counts the edges of a bank; a gap means that some were lost
}

// Bank is a set of inputs that share a line request. It has no clock and does no
// I/O: times come in with edges and levels, changes go out.
//
// Time only moves forward: what is older than the bank's time counts as new. The
// changes that a method returns are valid until the next call.
type Bank struct {
	inputs  []input
	now     time.Duration
	seq     uint32
	counted bool // seq is set
	lost    bool
	changes []Change
}

// NewBank returns a bank of inputs whose states are not yet known; call Levels
// next. It fails if a config is not valid, and names the input by its index.
func NewBank(inputs []Config) (*Bank, error) {
	if len(inputs) > MaxInputs {
		return nil, fmt.Errorf("%d inputs in a bank of at most %d", len(inputs), MaxInputs)
	}
	b := &Bank{inputs: make([]input, len(inputs))}
	for i, c := range inputs {
		if err := c.Validate(); err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
		b.inputs[i] = newInput(i, c)
	}
	return b, nil
}

// Edge settles all inputs up to the edge and takes it.
func (b *Bank) Edge(e Edge) []Change {
	b.lost = b.lost || b.counted && e.Seq != b.seq+1
	b.seq, b.counted = e.Seq, true
	if int(e.Line) >= len(b.inputs) {
		return b.Settle(e.At)
	}
	return b.Sample(e.At, int(e.Line), b.inputs[e.Line].config.state(e.High))
}

// Lost reports whether edges were lost since the last Levels.
func (b *Bank) Lost() bool { return b.lost }

// Levels settles all inputs and takes the levels of their lines, bit i for input
// i, for the truth.
func (b *Bank) Levels(at time.Duration, levels uint64) []Change {
	changes := b.Settle(at)
	for i := range b.inputs {
		in := &b.inputs[i]
		in.sample(b.now, in.config.state(levels&(1<<i) != 0))
	}
	b.lost = false
	return changes
}

// Sample settles all inputs and takes the state of one: for inputs that measure
// their loop. States and inputs that do not exist are ignored.
func (b *Bank) Sample(at time.Duration, input int, s State) []Change {
	changes := b.Settle(at)
	if input >= 0 && input < len(b.inputs) && s.known() {
		b.inputs[input].sample(b.now, s)
	}
	return changes
}

// Settle concludes all that is due at or before now, each at its own instant.
func (b *Bank) Settle(now time.Duration) []Change {
	now = min(max(now, b.now), horizon)
	b.changes = b.changes[:0]
	for in := b.next(); in != nil && in.wake() <= now; in = b.next() {
		b.now = max(in.wake(), b.now)
		if c, ok := in.step(b.now); ok {
			b.changes = append(b.changes, c)
		}
	}
	b.now = now
	return b.changes
}

// Wake returns when to call Settle next if nothing arrives before; ok is false if
// nothing is due.
func (b *Bank) Wake() (at time.Duration, ok bool) {
	in := b.next()
	if in == nil || in.wake() == never {
		return 0, false
	}
	return in.wake(), true
}

// next returns the input that wakes first, nil if there is none at all.
func (b *Bank) next() *input {
	var first *input
	for i := range b.inputs {
		if in := &b.inputs[i]; first == nil || in.wake() < first.wake() {
			first = in
		}
	}
	return first
}
