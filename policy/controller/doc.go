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
//
// # Anti-passback
//
// Where a member is follows from the readers that let him pass. It changes when
// the contact shows that the door opened within the grant; at a door without a
// contact, or one that stands open, at the grant itself. Several grants before one
// opening all pass by it. An unlock that did not come by a reader moves nobody. A
// hard area denies a passage that cannot be, a soft one admits and tells; nobody is
// denied of whom nothing is known: the first passage is good either way. What is
// known outlives a restart; a timeout then begins anew. An area is on one
// controller: to another one its readers are not there. Where passages are told,
// each moves the one who was let in first.
//
// # Interlocks
//
// Of the doors of an interlock one at a time is open or released. While one is,
// the others are denied: to who asks, and to a technician's unlock and hold. It
// yields to requests to exit, to a way out that has no other, and while fire is
// latched. A scheduled unlock waits until no other door is open, released or
// scheduled; one that releases its door is not ended by an exit at another one,
// one that a hold or a lockdown outdoes is, until the others are locked again.
//
// # Elevators
//
// A read in a car is decided for every stop of the elevator, as for a door; those
// that are granted can be chosen until the time of their relays ends, others by
// schedule. A lockdown of the place or the stop ends that. Nobody is asked for
// company in a car, but a visitor rides with his escort: he permits no stop himself.
// The relays of stops are the installer's word (Board.Stops): on fire all of them
// are permitted, which is without power, and the elevator is left to itself, also
// without a policy. A stop that leads out should have no relay.
//
// # Alarm panels
//
// A panel of another maker tells by inputs whether its zone is armed and violated
// (package zone), and is told by a pulse on its key switch: when a person asks, or a
// granted unlock is to disarm it. The key is turned only if the panel is not as
// wanted, and not again before it has answered or panelAnswers has passed, because a
// second turn undoes the first. Inputs are remembered without a policy; one that is
// cut changes nothing, and is a tamper.
//
// # Company
//
// Where two open a door, the first whom every other check lets in waits for the
// second: another member, at a reader of the door, within the door's time. The
// reader shows meanwhile that somebody is waited for; both pass by the second one's
// grant. A visitor enters within the door's time after a member who may escort was
// let in, or waits for the second. All that is by one policy: with another one it
// begins anew. A duress PIN is decided like any other; then lock.duress is told, and
// raises the alarms that have it as a cause, also where the door stayed locked.
package controller
