// Package door is one door as a state machine: locked or released, open or
// closed, and what follows from the order in which that happens.
//
//	Granted   ─┐                                  ┌─▶ Released(): the lock's level
//	Pressed   ─┤                                  │
//	Contacted ─┼─▶ Step(now, input) ─▶ state ─────┼─▶ events: opened, forced_open, …
//	Held      ─┤         ▲                        │
//	Fired …   ─┘         └────── time ◀───────────┴── Wake(): the next deadline
//
// Whether the lock is released is a function of the state, never an edge. The
// causes stand in one order, the first that applies decides:
//
//	fire > request to exit > vehicle in a gate > lockdown > hold > grant > schedule > secured
//
// # The rules
//
// A grant releases for a stated time; the door opening (or closing, as set) ends
// it earlier. A request to exit releases while it is active and for a stated time
// after, whatever else is so; pressed for more than StuckAfter it is reported as
// stuck, and releases on. Lockdown ends grants and holds and lets nobody in; it
// never stops a request to exit.
//
// Forced open is the edge from closed to open while the lock is secured and
// nothing shunts it. A grant or a request to exit shunts until the door has
// closed, or, if nobody opens it, until ShuntGrace after the release. A door that
// is found open, or is still open when it is secured again, was not forced.
//
// Held open runs from the opening, also under the shunt. It pauses while a
// schedule, a hold or fire keeps the door released, and starts anew when that
// ends. Closing clears it.
//
// # Passages
//
// A grant lets one through. Where the door is opened again, or a passage input tells
// of one more, before it has closed after the last grant, somebody followed behind:
// a tailgate. That is told only where nothing else let him through. A turnstile
// (OnePassage) is secured as soon as so many have gone through as were let in, one
// after the other; that goes for those too who were let out without a request to
// exit. Passages are counted since the start.
//
// A vehicle on a loop keeps a gate released that is so, whatever ends its release,
// also a lockdown: nothing is closed on a vehicle. It never releases one.
//
// # What is elsewhere
//
// Who is granted is package policy's to decide, when a schedule runs is package
// schedule's, and which coil a released lock needs is package relay's.
package door
