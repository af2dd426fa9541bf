package controller

import (
	"doord/policy"
	"doord/policy/door"
)

// busy reports whether door i keeps the others of its interlocks locked.
func (c *Controller) busy(i int) bool {
	return c.doors[i].Released() || c.doors[i].State.Contact == door.Open || c.wireless[i].Unlocked
}

// interlocked returns a door for which keeps holds of those that share an interlock
// with door i, or -1.
func (c *Controller) interlocked(i int, keeps func(other int) bool) int {
	if i < 0 || c.bound[i].lock == nil {
		return -1
	}
	for _, lock := range c.bound[i].lock.Interlocked {
		if other := c.doorOf(lock); other >= 0 && keeps(other) {
			return other
		}
	}
	return -1
}

// blocker returns the door that keeps door i from being released by anybody, or -1.
// Fire releases doors as it must, and then nobody is kept from another one.
func (c *Controller) blocker(i int) int {
	if c.fire.Latched {
		return -1
	}
	return c.interlocked(i, c.busy)
}

// interlockRuns reports whether the interlocks of door i let its scheduled unlock
// run. It begins only while no other door of them is open, released or scheduled
// itself, and is put off until then. One that releases the door goes on, whatever
// is opened from inside; one that something else outdoes ends, lest it release the
// door beside another one later.
func (c *Controller) interlockRuns(i int) bool {
	if c.doors[i].State.Scheduled {
		return c.doors[i].Released() || c.interlocked(i, c.busy) < 0
	}
	return c.interlocked(i, func(other int) bool { return c.busy(other) || c.doors[other].State.Scheduled }) < 0
}

// interlockCheck is the line of a technician's trace that tells of the interlocks of door i.
func (c *Controller) interlockCheck(i int) policy.Check {
	k := policy.Check{Name: "interlock", Saw: policy.Text("the others are closed and locked"), Rule: policy.Text("one at a time"), OK: true}
	if other := c.blocker(i); other >= 0 {
		k.Saw, k.OK, k.Reason = policy.Text("open or released: "+c.board.Doors[other].Name), false, policy.Interlocked
	}
	return k
}

// held takes a technician's hold. An interlock is not held open against.
func (c *Controller) held(now policy.Now, in Held) {
	if in.Hold == door.HoldReleased && c.blocker(in.Door) >= 0 {
		c.tell(now, policy.Event{Type: policy.LockHold, Object: c.object(in.Door), Reason: policy.Interlocked, Detail: in.Hold.String()})
		return
	}
	c.step(now, in.Door, door.Held{Hold: in.Hold, For: in.For})
}
