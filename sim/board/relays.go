package board

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"doord/relay"
)

// MaxTransitions is how many level changes of relays a board remembers.
const MaxTransitions = 4096

// Transition is a level change of a relay's line.
type Transition struct {
	At      time.Duration // on the board's clock
	Channel relay.Channel
	High    bool // the line, now
	On      bool // released for a lock, on for anything else
}

// relays are the output lines of the board and what hangs on them.
type relays struct {
	now     func() time.Duration
	wirings []relay.Wiring

	mu      sync.Mutex
	told    uint64 // the levels written
	stuck   uint64 // the lines that do not follow
	stuckAt uint64 // their levels
	broken  uint64 // the lines on which Set fails
	setErr  error
	getErr  error
	log     []Transition
	hook    func(Transition)
}

func newRelays(now func() time.Duration, wirings []relay.Wiring) *relays {
	return &relays{now: now, wirings: slices.Clone(wirings), told: relay.SafeLevels(wirings)}
}

// Set implements relay.Lines.
func (r *relays) Set(mask, levels uint64) (err error) {
	r.move(func() {
		if mask&r.broken != 0 {
			err = r.setErr
			return
		}
		r.told = r.told&^mask | levels&mask
	})
	return err
}

// Get implements relay.Lines.
func (r *relays) Get() (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.levels(), r.getErr
}

func (r *relays) stick(c relay.Channel, high bool) {
	line := r.line(c)
	r.move(func() {
		r.stuck |= line
		r.stuckAt &^= line
		if high {
			r.stuckAt |= line
		}
	})
}

func (r *relays) free(c relay.Channel) {
	line := r.line(c)
	r.move(func() { r.stuck &^= line })
}

func (r *relays) failSet(err error, channels []relay.Channel) {
	var broken uint64
	switch {
	case err == nil:
	case len(channels) == 0:
		broken = ^uint64(0)
	default:
		for _, c := range channels {
			broken |= r.line(c)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken, r.setErr = broken, err
}

func (r *relays) failGet(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.getErr = err
}

// move logs, and tells, what change does to the levels.
func (r *relays) move(change func()) {
	r.mu.Lock()
	before := r.levels()
	change()
	after, now := r.levels(), r.now()
	var moved []Transition
	for i, w := range r.wirings {
		if line := uint64(1) << i; (before^after)&line != 0 {
			high := after&line != 0
			moved = append(moved, Transition{now, w.Channel, high, released(w, high)})
		}
	}
	r.log = append(r.log, moved...)
	r.log = slices.Delete(r.log, 0, max(0, len(r.log)-MaxTransitions))
	hook := r.hook
	r.mu.Unlock()

	if hook != nil {
		for _, t := range moved {
			hook(t)
		}
	}
}

// levels returns the levels of the lines; the lock is held.
func (r *relays) levels() uint64 { return r.told&^r.stuck | r.stuckAt&r.stuck }

// line returns the bit of a channel's line.
func (r *relays) line(c relay.Channel) uint64 { return 1 << r.index(c) }

func (r *relays) index(c relay.Channel) int {
	i := slices.IndexFunc(r.wirings, func(w relay.Wiring) bool { return w.Channel == c })
	if i < 0 {
		panic(fmt.Sprintf("board: %s is not wired", c))
	}
	return i
}

// look returns how a channel is wired and whether its line is high.
func (r *relays) look(c relay.Channel) (w relay.Wiring, high bool) {
	i := r.index(c)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wirings[i], r.levels()&(1<<i) != 0
}

// The way from the line to the door, which package relay goes from the door to
// the line. It is written anew here so that one can prove the other wrong.

func coil(w relay.Wiring, high bool) bool { return high != w.ActiveLow }

func lockPowered(w relay.Wiring, high bool) bool {
	if w.Use != relay.Lock {
		return false
	}
	if w.Contact == relay.NC {
		return !coil(w, high)
	}
	return coil(w, high)
}

func released(w relay.Wiring, high bool) bool {
	switch {
	case w.Use == relay.Elevator:
		return !coil(w, high) // the button works through the normally closed contact
	case w.Use != relay.Lock:
		return coil(w, high)
	case w.FailMode == relay.FailSecure:
		return lockPowered(w, high)
	default: // a magnetic lock need not say that it is fail-safe
		return !lockPowered(w, high)
	}
}
