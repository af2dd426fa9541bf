package board

import (
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"doord/rex"
)

// counts is the full scale of the simulated converter: 12 bits.
const counts = 4095

// meters are the measured inputs of a bank: resistors, wires and a converter.
type meters struct {
	inputs []rex.Config

	mu    sync.Mutex
	loops []wire
	done  chan struct{} // closed by close
}

// wire is a loop as it hangs on the board.
type wire struct {
	state rex.State
	drift float64 // of its resistors, as a share of their value
	noise rex.Share
	rand  *rand.Rand
	err   error
}

func newMeters(inputs []rex.Config) *meters {
	m := &meters{inputs: slices.Clone(inputs), loops: make([]wire, len(inputs)), done: make(chan struct{})}
	for i, c := range inputs {
		m.loops[i].state = rex.Closed
		if c.Active(rex.Closed) {
			m.loops[i].state = rex.Open
		}
	}
	return m
}

// ohm is the resistance of a loop in a state; ok is false if there is none.
func ohm(c rex.Config, s rex.State) (r int, ok bool) {
	none, main, both := c.EndOfLine == rex.None || c.EndOfLine == "", c.MainResistor, c.EndOfLine == rex.CutAndShortDetect
	switch {
	case s == rex.Short, s == rex.Closed && (none || c.EndOfLine == rex.CutDetect):
		return 0, true
	case s == rex.Cut, s == rex.Open && (none || c.EndOfLine == rex.ShortDetect):
		return 0, false
	case s == rex.Closed && both:
		return c.SecondResistor, true
	case s == rex.Open && both:
		return c.SecondResistor + main, true
	default:
		return main, true
	}
}

// Measure implements rex.Meters.
func (m *meters) Measure(input int) (rex.Reading, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w, c := &m.loops[input], m.inputs[input]
	if w.err != nil {
		return rex.Reading{}, w.err
	}
	share := rex.Whole
	if r, ok := ohm(c, w.state); ok {
		value := float64(r) * (1 + w.drift)
		share = rex.Share(float64(rex.Whole) * value / (value + float64(c.PullUp)))
	}
	if w.noise > 0 {
		share += rex.Share(w.rand.IntN(int(2*w.noise)+1)) - w.noise
	}
	raw := int(int64(min(max(share, 0), rex.Whole)) * counts / int64(rex.Whole))
	return rex.Reading{Raw: raw, Share: rex.Share(int64(raw) * int64(rex.Whole) / counts)}, nil
}

// Wait implements rex.Meters.
func (m *meters) Wait(d time.Duration) error {
	select {
	case <-m.done:
		return os.ErrClosed
	default:
	}
	select {
	case <-m.done:
		return os.ErrClosed
	case <-time.After(d):
		return nil
	}
}

func (m *meters) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.done:
	default:
		close(m.done)
	}
}

// change does something to the loop of an input.
func (m *meters) change(input int, f func(*wire)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.loops[input])
}
