// Package schedule says when something holds at a door: when a group may enter,
// when a lock stands unlocked, when the first to arrive may open it, when an
// elevator stop is permitted.
//
//	[]Schedule ──Compile(consequence, location)──▶ Plan ──▶ At, Next, Covering,
//	    │                                                   Explain, Between, Week
//	    └──Validate, Lint──▶ what to put right, in words
//
// A [Schedule] is a record as the place API carries it. Its kind follows from the
// fields given: a single event between two instants, an all-day event between
// two dates, a recurring event on weekdays, or a calendar of holidays. A [Plan]
// is what the schedules of one door (or group, or stop) with one consequence
// amount to. It is immutable, keeps no memory of earlier questions, and works
// from the given time alone: a wall clock may jump in either direction between
// two calls.
//
// # Rules
//
// Effective is every time inside an enabled event and outside every enabled
// override of the same consequence. All intervals are [start, end): the end
// itself is outside. Times count in whole seconds.
//
// A local time belongs to the place's zone. Two readings of the clock need a
// rule, because the clocks change:
//
//   - A local time that does not exist (the clocks went forward over it) is the
//     first instant after the gap. An event that lies wholly in the gap does not
//     take place.
//   - A local time that comes twice (the clocks went back over it) is its first
//     occurrence for a start and its last for an end.
//
// A recurring event belongs to the weekday on which it starts. It crosses
// midnight if its end is not after its start; equal times make 24 hours. 24:00
// as an end is 00:00 of the next day.
//
// An all-day event and a holiday last from the first instant of the first day to
// the first instant of the day after the last. A day may begin after 00:00, and
// may not exist at all (Apia, 2011-12-30): then the event is empty.
//
// # How it computes
//
// Single events, all-day events and holidays become sorted, disjoint stretches
// of instants, searched in logarithmic time. Recurring events become disjoint
// stretches of one local week, placed on the weeks around the time in question.
// Joining stretches by their local times first and converting them later gives
// the same instants as the other order, since both conversions keep order; taking
// overrides away does not, so events and overrides stay apart until asked.
// A plan that never changes again is recognised when it is compiled, so that
// [Plan.Next] has an end.
//
// # Left to others
//
// The caller loads the [time.Location], picks the schedules of one door, knows
// whether the wall clock can be trusted, and decides what an empty plan means.
// How first_to_arrive windows and unlock intervals work together is the door's
// business, and calendars of public holidays come from the place service.
package schedule
