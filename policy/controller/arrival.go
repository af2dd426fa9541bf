package controller

import (
	"time"

	"doord/policy"
	"doord/policy/schedule"
)

// Attendance is who came first and left last at a door, in civil time.
type Attendance struct {
	Arrived time.Time `json:"arrived,omitzero"` // the first grant in a first-to-arrive window, or a person's word
	Left    time.Time `json:"left,omitzero"`    // the last press of a last-to-leave button, or a person's word
}

// lets reports whether a scheduled unlock may run in its interval. Inside a
// first-to-arrive window it waits for somebody to arrive; otherwise it runs until
// somebody was the last to leave.
func (a Attendance) lets(unlock, window schedule.Interval, required bool) bool {
	if required {
		return a.within(window)
	}
	return a.Left.IsZero() || !unlock.Contains(a.Left)
}

// within reports whether somebody arrived in a first-to-arrive window, and nobody
// was the last to leave since.
func (a Attendance) within(window schedule.Interval) bool {
	return a.Arrived.After(a.Left) && window.Contains(a.Arrived)
}

// arrival returns until when the first to arrive at door i is waited for, as of the
// last step, and whether somebody has arrived.
func (c *Controller) arrival(i int) (until time.Time, arrived bool) {
	lock := c.bound[i].lock
	if lock == nil || !c.calendar.set {
		return time.Time{}, false
	}
	window, required := lock.FirstToArrive.Covering(c.calendar.epoch.Add(c.last))
	return window.End, required && c.attended[i].within(window)
}

// unlockRuns reports whether the scheduled unlock of door i is to run now.
func (c *Controller) unlockRuns(now policy.Now, i int) bool {
	lock := c.bound[i].lock
	if lock == nil || !now.WallSet {
		return false
	}
	unlock, ok := lock.Unlock.Covering(now.Wall)
	if !ok {
		return false
	}
	if z := c.zoneOf(i); z >= 0 && lock.Exterior && c.zones[z].State.Level.Armed() {
		return false // an armed zone keeps its exterior doors locked
	}
	window, required := lock.FirstToArrive.Covering(now.Wall)
	return c.attended[i].lets(unlock, window, required) && c.interlockRuns(i)
}

// arrive takes a grant at the door's own entry reader, which is what counts as
// arriving: not a remote unlock, a link or a request to exit.
func (c *Controller) arrive(now policy.Now, i int, by policy.Ref) {
	lock, a := c.bound[i].lock, &c.attended[i]
	if lock == nil || !now.WallSet {
		return
	}
	window, required := lock.FirstToArrive.Covering(now.Wall)
	if !required || a.within(window) {
		return
	}
	a.Arrived = now.Wall.UTC()
	c.calendar.outdated = true
	c.tell(now, policy.Event{Type: policy.FirstToArrive, Object: c.object(i), Actor: by, Success: true})
}

// arrived takes a person's word for an arrival. It counts only in a first-to-arrive
// window, as a grant does; a second one changes nothing.
func (c *Controller) arrived(now policy.Now, in Arrived) {
	i := c.doorOf(in.Lock)
	e := policy.Event{Type: policy.FirstToArrive, Object: policy.Ref{Type: "lock", ID: in.Lock}, Actor: in.By}
	switch {
	case i < 0:
		e.Reason = policy.DoorNotFound
	case !now.WallSet:
		e.Object, e.Reason = c.object(i), policy.ClockNotSet
	default:
		if _, required := c.bound[i].lock.FirstToArrive.Covering(now.Wall); required {
			c.arrive(now, i, in.By)
			return
		}
		e.Object, e.Reason = c.object(i), policy.OutsideSchedule
	}
	c.tell(now, e)
}

// left takes a person's word that the last has left.
func (c *Controller) left(now policy.Now, in Left) {
	i := c.doorOf(in.Lock)
	if i < 0 {
		c.tell(now, policy.Event{Type: policy.LastToLeave, Object: policy.Ref{Type: "lock", ID: in.Lock}, Actor: in.By, Reason: policy.DoorNotFound})
		return
	}
	c.leave(now, i, in.By)
}

// leave ends the scheduled unlock of door i, and the next arrival is the first again.
func (c *Controller) leave(now policy.Now, i int, by policy.Ref) {
	if now.WallSet {
		c.attended[i].Left = now.Wall.UTC()
		c.calendar.outdated = true
	}
	c.tell(now, policy.Event{Type: policy.LastToLeave, Object: c.object(i), Actor: by, Success: true})
}
