// Package controller is all doors of one board as one state machine. It is the
// whole of what the firmware decides, and it has no clock, no I/O and no
// goroutine: the daemon's loop gives it the time and what happened, and does
// what it answers.
//
//	loop:
//	    wait for an input, or for Wake
//	    events := c.Step(now, input)
//	    relays ← c.Outputs()              at once, before anything else
//	    readers ← c.Feedback(i)
//	    journal ← events                  by its own goroutine
//
// Step first settles every deadline due at or before now, each at its own due
// time, and only then takes the input: the outcome does not depend on which of
// two things the loop saw first.
//
// # Two sources
//
// The Board comes from the installer's configuration and owns the electrics:
// which relays a door has, which input releases it, for how long at least. The
// policy.Set comes from the place and gives doors their meaning. SetPolicy binds
// the one to the other by relay, input and reader port. A door on which the two
// disagree is misconfigured: it admits nobody, and its requests to exit and the
// fire input work on, because they need no policy at all.
//
// # What a door is not alone with
//
// Scheduled unlocks run by the calendar, wait for the first to arrive and stop for
// the last to leave; a zone that is armed keeps those of its exterior doors from
// running. Doors that open tell their zone; every event is looked at once for the
// alarms that it raises. Zones and alarms are of the place, but each controller
// has its own view: zones meet (ZoneMet), alarms do not.
package controller
