package controller

import (
	"doord/policy"
	"doord/policy/door"
)

// technician is the actor of what is done at the board itself.
var technician = policy.Ref{Type: "technician"}

// unlocked releases a door for a technician. It needs no policy; a lockdown
// stands against it as it does against everyone's entry.
func (c *Controller) unlocked(now policy.Now, in Unlocked) {
	e := policy.Event{Type: policy.LockUnlock, Object: c.object(in.Door), Actor: technician,
		By: policy.Ref{Type: "local"}, Revision: c.Revision()}
	d := &c.doors[in.Door].State
	locked := d.LockedDown || d.Hold == door.HoldSecured
	check := policy.Check{Name: "lockdown", Saw: policy.Yes(locked), Rule: policy.Text("denies entry"), OK: !locked}
	if locked {
		check.Reason = policy.DoorLockedDown
	}
	e.Success, e.Reason, e.Trace = check.OK, check.Reason, []policy.Check{check}
	if lock := c.bound[in.Door].lock; e.Success && lock != nil && len(lock.Interlocked) > 0 {
		check = c.interlockCheck(in.Door)
		e.Success, e.Reason, e.Trace = check.OK, check.Reason, append(e.Trace, check)
	}
	c.tell(now, e)
	if e.Success {
		c.step(now, in.Door, door.Granted{By: technician})
	}
}

// placeDown reports whether the policy locks the whole place down.
func (c *Controller) placeDown() bool { return c.set != nil && c.set.Place.LockedDown }

// lockDown brings a door's lockdown up to date with the three that can order it:
// the place, the lock's own record, and the technician. Any one locks.
func (c *Controller) lockDown(now policy.Now, i int) {
	b := &c.bound[i]
	on := b.technician || b.lock != nil && (b.lock.LockedDown || c.placeDown())
	c.step(now, i, door.LockedDown{On: on})
}
