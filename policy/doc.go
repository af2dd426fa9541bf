// Package policy decides who may open which door, when and how, and says why.
//
//	place.json ──ParseRecords──▶ Records ──┬─Compile──▶ Set     doors, groups, schedules: small, in memory
//	                                       └─Tokens───▶ Holder  one for each credential: large, in the cache
//
//	Request{door, method, Holder, proof, state} ─┐
//	Set ─────────────────────────────────────────┼─Decide─▶ Decision{granted, reason, trace}
//	Now ─────────────────────────────────────────┘
//
// Decide is a function of its arguments. Time arrives as a value, a denial leaves
// as a Decision with a Reason, and the trace names every check, what it saw, the
// rule and the verdict. There is no goroutine, no I/O and no clock under this
// folder, so that the same code decides on the board, in the simulator and in a
// test that plays a year.
//
// # The order of a decision
//
// The first check that fails is the reason: the door is known and wired here; the
// policy is the one that the look-up was made in, and not too old; the reader
// takes this method and was not tampered with; the credential is known, activated
// and within its dates; the member's access is on; no lockdown; the zone lets
// people in; the door's own restrictions, which bind everyone; one of the
// member's groups opens the door now; the second factor, where it is asked;
// anti-passback; the interlock; an escort for who needs one; and a second person,
// where two open the door.
//
// An elevator stop is decided about as a door is.
//
// A card or a tap at the reader satisfies geofence and reader restrictions by
// itself. A link passes both, but not time or dates. Owners and administrators
// are held to the restrictions of doors and not to those of groups; a group of
// theirs must still have the door. A restriction that a door has itself replaces
// the group's of the same kind. Who leaves by a reader, at a door without a
// request to exit that unlocks, is never held in by lockdown, zone, time, dates,
// anti-passback or interlock. Company is asked of who enters, never of who leaves.
//
// # Files of this package
//
// The records and their defaults are in records.go, zones.go, alarms.go, areas.go,
// interlock.go and elevators.go; what ParseRecords refuses is in validate.go and
// what Lint warns of in lint.go. The decision is decide.go, its reasons reason.go.
// Below are the machines: schedule, zone, door, and controller, which joins them.
package policy
