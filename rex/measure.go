package rex

import (
	"fmt"
	"time"
)

// measureEvery is how often a loop is measured. REX and fire inputs that are
// measured are seen that much later than those with a line of their own, plus what
// the converter takes.
const measureEvery = 10 * time.Millisecond

// measureTries is how often in a row a loop must fail to be measured until it counts
// as unreadable.
const measureTries = 3

// Meters measure the loops of a bank. The board and the simulator implement it.
type Meters interface {
	// Measure returns the share of an input's loop. It may be called from any
	// goroutine. An error is that of this input.
	Measure(input int) (Reading, error)
	// Wait waits so long, or returns an error when Measured is to end.
	Wait(time.Duration) error
}

// Reading is one measurement.
type Reading struct {
	Raw   int   // as the converter gave it
	Share Share // of the reference
}

// Measured measures loops and delivers the changes of their inputs, as [Run] does
// for lines, until the meters return an error from Wait, which it returns.
//
// Whether each input can be measured goes to readable: at first, and whenever that
// changes; err is nil if it can. An input that lets nobody out then counts as cut,
// for somebody may be at its wires. One that does keeps its state: the caller makes
// its doors safe until it can be measured again.
func Measured(meters Meters, now func() time.Duration, inputs []Config, deliver func(Change), readable func(input int, err error)) error {
	bank, err := NewBank(inputs)
	if err != nil {
		return err
	}
	loops := make([]loop, len(inputs))
	for i, c := range inputs {
		if !c.Measured() {
			return fmt.Errorf("input %d: pull_up must be given for an input that is measured", i)
		}
		if loops[i].meter, err = newMeter(c); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	for {
		for i := range loops {
			r, err := meters.Measure(i)
			state, told := loops[i].take(r, err, inputs[i].serves())
			if told {
				readable(i, loops[i].err)
			}
			for _, c := range bank.Sample(now(), i, state) {
				deliver(c)
			}
		}
		if err := meters.Wait(measureEvery); err != nil {
			return err
		}
		for _, c := range bank.Settle(now()) {
			deliver(c)
		}
	}
}

// loop is what is known of one loop.
type loop struct {
	meter meter
	fails int
	told  bool
	err   error // why it cannot be measured
}

// take takes a measurement. The state is unknown if there is nothing to sample; news
// says that the loop can be measured from now on, or no longer.
func (l *loop) take(r Reading, err error, serves bool) (s State, news bool) {
	if err != nil {
		if l.fails++; l.fails < measureTries {
			return 0, false
		}
		news = !l.told || l.err == nil
		l.told, l.err = true, err
		if !serves {
			s = Cut
		}
		return s, news
	}
	news = !l.told || l.err != nil
	l.fails, l.told, l.err = 0, true, nil
	return l.meter.state(r.Share), news
}
