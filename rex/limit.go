package rex

import "time"

// The rate at which an input that serves no egress may report changes: a burst,
// then one every so often. Together at most MaxRate in any second, and no change
// waits longer than limitEvery after the one before.
const (
	limitBurst = 5
	limitEvery = 200 * time.Millisecond

	// MaxRate is the number of changes that an input other than REX and fire
	// reports at most in any second.
	MaxRate = limitBurst + int(time.Second/limitEvery)
)

// never is later than any time.
const never = time.Duration(1<<63 - 1)

// limiter passes the changes of one input on, no faster than the limit. Of those
// that must wait it keeps two: the latest, so that the truth always comes out in
// the end, and an activation that is over by then, so that none goes unseen.
type limiter struct {
	told    Change        // the last one passed on
	latest  Change        // the last one taken
	missed  Change        // an activation since told that latest has ended
	fullAt  time.Duration // when the whole burst is available again
	flooded bool          // the burst was used up, and not yet available again
}

// take accepts the next change.
func (l *limiter) take(c Change) {
	if l.latest.Active && !c.Active && !l.told.Active {
		l.missed = l.latest
	}
	l.latest = c
}

// wake returns when the next change may pass.
func (l *limiter) wake() time.Duration {
	if l.missed.State == 0 && l.latest.State == l.told.State {
		return never
	}
	return l.free()
}

// free returns when the limit lets a change pass.
func (l *limiter) free() time.Duration { return l.fullAt - (limitBurst-1)*limitEvery }

// pass returns the change that may pass at wake, stamped now. The one that uses
// up the burst says so, once until the burst is available again.
func (l *limiter) pass(now time.Duration) Change {
	c := l.latest
	if l.missed.State != 0 {
		c, l.missed = l.missed, Change{}
	}
	if now >= l.fullAt {
		l.fullAt, l.flooded = now, false
	}
	l.fullAt += limitEvery
	c.At = now
	c.Flood = !l.flooded && l.free() > now
	l.flooded = l.flooded || c.Flood
	l.told = c
	return c
}
