// Package sim plays scenarios through the pure core: a place, a board and a list
// of stimuli go in, and all that follows comes out as text, line by line, with
// the time at which it happened.
//
//	place.json ──▶ policy.Set ──┐
//	                            ├─▶ controller.Step ─▶ events, relay levels ─▶ trace
//	morning.trace ──▶ stimuli ──┘
//
// A trace is both the script and the expected outcome. Lines that begin with ">"
// are stimuli, the indented lines below are what followed:
//
//	# Left open: the shunt ends, held-open sounds, closing clears it.
//	> 08:00:00.000 card reader=front h10301=118/1603
//	  08:00:00.000 lock.unlock front granted member=7 by=card:1
//	  08:00:00.000 relay 1 released
//
// Time is virtual: a year passes as fast as the core can step through it. The
// simulated hardware, which the whole daemon runs on, is package board's.
package sim
