package controller

import (
	"time"

	"doord/policy"
	"doord/policy/door"
)

// drift is how far the wall clock may move against the monotonic one before the
// calendar is looked at again: a clock that is being disciplined moves all the time.
const drift = 100 * time.Millisecond

// calendar is when the wall clock may next change something, told on the
// monotonic clock as the two stood to each other when it was looked at.
type calendar struct {
	outdated bool          // something that it depends on has changed
	due      time.Duration // 0: never
	epoch    time.Time     // the wall time at the monotonic 0
	set      bool          // the wall clock was set
}

// holds reports whether nothing can have changed since the calendar was looked
// at: neither what it depends on, nor the wall clock but by passing.
func (k *calendar) holds(now policy.Now) bool {
	return !k.outdated && (k.due == 0 || k.due > now.Up) &&
		k.set == now.WallSet && now.At(0).Wall.Sub(k.epoch).Abs() <= drift
}

// wait notes that something changes at a civil time, if it does.
func (k *calendar) wait(now policy.Now, next time.Time, ok bool) {
	if at := now.Up + next.Sub(now.Wall); ok && (k.due == 0 || at < k.due) {
		k.due = at
	}
}

// runCalendar brings all that depends on the wall clock up to date with it. Until
// there is a policy everything stays as it was remembered.
func (c *Controller) runCalendar(now policy.Now) {
	k := &c.calendar
	if c.set == nil && !k.outdated || k.holds(now) {
		return
	}
	c.runZones(now)
	*k = calendar{epoch: now.At(0).Wall, set: now.WallSet}
	for i := range c.doors {
		if on := c.unlockRuns(now, i); on != c.doors[i].State.Scheduled {
			c.step(now, i, door.Scheduled{On: on})
		}
		if lock := c.bound[i].lock; lock != nil && now.WallSet {
			next, ok := lock.Unlock.Next(now.Wall)
			k.wait(now, next, ok)
			next, ok = lock.FirstToArrive.Next(now.Wall)
			k.wait(now, next, ok)
		}
	}
	if c.set != nil {
		c.runStops(now)
	}
	c.awaitZones(now)
	c.runExpiry(now)
	if k.outdated { // a door has moved that others are interlocked with
		c.runCalendar(now)
	}
}

// runExpiry tells once when the policy in force has become too old.
func (c *Controller) runExpiry(now policy.Now) {
	if c.set == nil || c.set.Expires.IsZero() || !now.WallSet {
		return
	}
	stale := c.set.Stale(now)
	if stale && !c.expired {
		c.tell(now, policy.Event{Type: policy.ControllerStale, Revision: c.set.Revision})
	}
	c.expired = stale
	c.calendar.wait(now, c.set.Expires, !stale)
}
