package board

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"doord/reader/wiegand"
	"doord/rex"
)

// port is the D0 and D1 of one reader: both idle high, and only falling edges
// are edges.
type port struct {
	*lines
	config wiegand.Config
	gap    time.Duration // between two trains
	free   time.Duration // when the next train may start
}

func newPort(now func() time.Duration, c wiegand.Config) *port {
	return &port{
		lines:  newLines(now, 0b11, false),
		config: c,
		gap:    2 * cmp.Or(c.EndOfFrame, wiegand.DefaultEndOfFrame),
	}
}

// Read implements wiegand.Edges.
func (p *port) Read(buf []wiegand.Edge, wait time.Duration) (int, error) {
	var edges [QueueLen]rex.Edge
	n, err := p.lines.Read(edges[:min(len(buf), len(edges))], wait)
	for i, e := range edges[:n] {
		buf[i] = wiegand.Edge{At: e.At, Line: e.Line, Seq: e.Seq}
	}
	return n, err
}

// send has the trains of some frames follow one another, all or none.
func (p *port) send(s wiegand.Shape, seed uint64, frames ...wiegand.Bits) (end time.Duration, err error) {
	rng := rand.New(rand.NewPCG(seed, 0))
	p.mu.Lock()
	defer p.mu.Unlock()
	end = p.settle()
	free := p.free
	var changes []change
	for _, f := range frames {
		end = max(end, free)
		train := s.Train(f, end, rng)
		if len(train) > 0 {
			end = train[len(train)-1].At
		}
		changes = append(changes, falls(train)...)
		free = end + p.gap
	}
	if err := p.room(len(changes)); err != nil {
		return 0, err
	}
	p.free = free
	p.add(changes)
	return end, nil
}

func (p *port) inject(pulses []wiegand.Pulse) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	changes := falls(pulses)
	if err := p.room(len(changes)); err != nil {
		return err
	}
	p.add(changes)
	return nil
}

// falls returns the fall and the rise of each pulse.
func falls(pulses []wiegand.Pulse) []change {
	changes := make([]change, 0, 2*len(pulses))
	for _, p := range pulses {
		changes = append(changes,
			change{p.At, p.Line, false},
			change{p.At + p.Width, p.Line, true})
	}
	return changes
}

// encode returns the frames that the keypad sends for some keys.
func (p *port) encode(keys string) ([]wiegand.Bits, error) {
	var frames []wiegand.Bits
	if p.config.Keypad == wiegand.KeypadBuffered {
		for pin := range strings.SplitSeq(strings.TrimSuffix(keys, "#"), "#") {
			f, err := wiegand.EncodePIN(p.config.PINFacility, pin)
			if err != nil {
				return nil, err
			}
			frames = append(frames, f)
		}
		return frames, nil
	}
	for _, key := range []byte(keys) {
		f, err := wiegand.EncodeKey(p.config.Keypad, key)
		if err != nil {
			return nil, err
		}
		frames = append(frames, f)
	}
	return frames, nil
}

// checkShape returns an error for a shape that no wire could have. It allows far
// more than readers should do.
func checkShape(s wiegand.Shape) error {
	const longest = time.Second
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"width", s.Width}, {"interval", s.Interval}, {"jitter", s.Jitter}} {
		if d.value < 0 || d.value > longest {
			return fmt.Errorf("board: %s %v is not between 0 and %v", d.name, d.value, longest)
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"noise", s.Noise}, {"lose", s.Lose}} {
		if n.value < 0 || n.value > wiegand.MaxBits {
			return fmt.Errorf("board: %s %d is not between 0 and %d", n.name, n.value, wiegand.MaxBits)
		}
	}
	return nil
}
