// Package zone is doors that are armed together, as a state machine: disarmed,
// stay or away, overridden for a time, and violated until somebody resets it.
//
//	Accessed   ─┐                              ┌─▶ Level(): who may come in,
//	Overridden ─┤                              │           which schedules run
//	Opened     ─┼─▶ Step(now, input) ─▶ state ─┤
//	Reset      ─┤         ▲                    ├─▶ Violated(): the siren
//	Shared     ─┘         └── Next: civil time └─▶ events
//
// # The level
//
// An override that has not ended decides, else the strictest of the weekly blocks
// that run, else the zone is disarmed. While the wall clock is not set, the level
// stays as it was last known.
//
// A zone that is away is violated when any of its doors opens, one that stays when
// an exterior door is forced. It is so until it is reset.
//
// # One zone, several controllers
//
// The part of the state named Shared is the same for all controllers of a place,
// once they have met. Each goes on alone while it is cut off, and merging what two
// of them know gives the same on either side: a violation counts if it is later
// than the last reset, whoever saw the one and the other; of overrides the later
// by the place service's order stands, one that it does not know of yet being
// later than all it knows, and none that has ended, nor one before that.
//
// Times are civil because controllers share them. So no override begins before the
// clock is set.
package zone
