package rex

import "time"

// Change is a new state of an input, debounced.
type Change struct {
	Input   int           // its index in the bank
	At      time.Duration // when it fell due, monotonic; never before the last change of the bank
	State   State
	Active  bool // see Config.Active
	Initial bool // the first report of the input: a door found open, not one just opened
	Flood   bool // the input chatters: from here on its changes are held back and merged
}

// input debounces one input. It is the same for all kinds but for the limiter,
// which REX and fire do not have.
//
//	settled inactive ──▶ active    when it was active for the debounce in all,
//	                               within twice the debounce
//	settled active ──▶ inactive    when it was inactive for the debounce on end
//	between two active states,     when the new state lasted for the debounce
//	or two inactive ones
type input struct {
	config  Config
	index   int
	seen    State         // of the line
	seenAt  time.Duration // since when
	idleAt  time.Duration // since when the line is not active, if it is not
	active  window        // kept while settled inactive
	settled State         // unknown until the first debounce has passed
	due     time.Duration // when the seen state settles
	limiter *limiter      // nil: unlimited
}

func newInput(index int, c Config) input {
	in := input{config: c, index: index, active: newWindow(c.debounce()), due: never}
	if !c.serves() {
		in.limiter = new(limiter)
	}
	return in
}

// wake returns when to step next.
func (in *input) wake() time.Duration {
	if in.limiter == nil {
		return in.due
	}
	return min(in.due, in.limiter.wake())
}

// sample takes the state of the line. The caller has stepped through all that
// was due by now.
func (in *input) sample(now time.Duration, s State) {
	if s == in.seen {
		return
	}
	was, is := in.config.Active(in.seen), in.config.Active(s)
	settled := in.config.Active(in.settled)
	if !settled {
		in.active.advance(now, was)
	}
	if was && !is {
		in.idleAt = now
	}
	in.seen, in.seenAt = s, now

	switch debounce := in.config.debounce(); {
	case s == in.settled:
		in.due = never
	case is && !settled:
		in.due = in.active.reaches(debounce)
	case !is && settled:
		in.due = in.idleAt + debounce
	default:
		in.due = in.seenAt + debounce
	}
}

// step does what is due at wake, and returns the change to report, if any.
func (in *input) step(now time.Duration) (Change, bool) {
	if in.due <= now {
		c := Change{
			Input:   in.index,
			At:      now,
			State:   in.seen,
			Active:  in.config.Active(in.seen),
			Initial: in.settled == 0,
		}
		if in.config.Active(in.settled) && !c.Active {
			in.active.reset(now) // a press that is over must not count for the next
		}
		in.settled, in.due = in.seen, never
		if in.limiter == nil {
			return c, true
		}
		in.limiter.take(c)
	}
	if in.limiter.wake() > now {
		return Change{}, false
	}
	return in.limiter.pass(now), true
}
