package controller

import (
	"doord/policy"
	"doord/policy/door"
)

// runSchedules brings every door's scheduled unlock up to date with the wall
// clock, and notes when the next one changes. It looks at the calendar only when
// it may have changed: a new policy, a clock that was set or stepped, or the
// time that it noted.
func (c *Controller) runSchedules(now policy.Now) {
	c.calendar = 0
	for i := range c.doors {
		lock := c.bound[i].lock
		on := lock != nil && now.WallSet && lock.Unlock.At(now.Wall)
		if on != c.doors[i].State.Scheduled {
			c.step(now, i, door.Scheduled{On: on})
		}
		if lock == nil || !now.WallSet {
			continue
		}
		if next, ok := lock.Unlock.Next(now.Wall); ok {
			at := now.Up + next.Sub(now.Wall)
			if c.calendar == 0 || at < c.calendar {
				c.calendar = at
			}
		}
	}
}
