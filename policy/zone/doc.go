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
// # Zones of an alarm panel
//
// A panel of another maker can arm a zone instead: by its outputs away, stay,
// disarmed and violated, of which not all need be there. Then the zone has no blocks
// and no overrides, openings are the panel's to judge, and its alarm is the zone's
// violation for as long as it lasts there. A wish to arm or disarm, or an access that
// disarms, is only told: the controller turns the panel's key switch, and the level
// changes when the panel says so.
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
