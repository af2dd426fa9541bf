package rex

import (
	"fmt"
	"time"
)

// Lines are the input lines of a bank. The board and the simulator implement it.
type Lines interface {
	// Read fills buf with the oldest queued edges, both rising and falling, and
	// returns their number. With none queued it waits for one, at most so long,
	// and then returns 0 and no error. It returns an error to end Run.
	Read(buf []Edge, wait time.Duration) (int, error)
	// Levels returns the physical levels, bit i for input i.
	Levels() (uint64, error)
}

// recheck is how often the levels are read when no edge arrives. Together with
// MaxDebounce it is 400 ms.
const recheck = 200 * time.Millisecond

// Run reads the lines and delivers the changes of their inputs, in order of
// time, until the lines return an error, which it returns. It reads the clock of
// the edges from now. Deliver must not block: on a bank of REX and fire inputs it
// stands between the button and the lock.
//
// When Run returns nothing serves the inputs any more: the caller makes the
// relays safe, and runs it anew.
func Run(lines Lines, now func() time.Duration, inputs []Config, deliver func(Change)) error {
	bank, err := NewBank(inputs)
	if err != nil {
		return err
	}
	for i, c := range inputs {
		if c.supervised() || c.Measured() {
			return fmt.Errorf("input %d: end_of_line %q needs an input that is measured", i, string(c.EndOfLine))
		}
	}
	report := func(changes []Change) {
		for _, c := range changes {
			deliver(c)
		}
	}
	var buf [64]Edge
	read := func(wait time.Duration) (int, error) {
		n, err := lines.Read(buf[:], wait)
		latest := now() // an edge from the future would stop the bank's time
		for i := range buf[:n] {
			buf[i].At = min(buf[i].At, latest)
			report(bank.Edge(buf[i]))
		}
		return n, err
	}
	for {
		// Look at the queue without waiting. If it is empty, no edge from before at
		// is left, and what was due by then can be concluded.
		at := now()
		n, err := read(0)
		if err != nil {
			return fmt.Errorf("read edges: %w", err)
		}
		if n > 0 && !bank.Lost() {
			continue
		}
		if n > 0 {
			at = buf[n-1].At // more may be queued
		}
		levels, err := lines.Levels()
		if err != nil {
			return fmt.Errorf("read levels: %w", err)
		}
		report(bank.Levels(at, levels))
		if n > 0 {
			continue
		}

		wait := recheck
		if due, ok := bank.Wake(); ok {
			wait = min(max(due-now(), 0), recheck)
		}
		if _, err := read(wait); err != nil {
			return fmt.Errorf("read edges: %w", err)
		}
	}
}
