// Package board is a simulated board: relays, inputs and Wiegand readers on which
// the whole daemon runs, for the demo, for other programs' tests and for the
// daemon's own, which run in a synctest bubble.
//
//	   stimuli                    what the daemon sees            what the world sees
//	Present, Type, Inject ─▶ Wiegand(i)  wiegand.Edges
//	SetInput, Bounce ──────▶ Egress, Others  rex.Lines
//	SetInput, Drift, Noise, FailMeasure ▶ MeasuredEgress, MeasuredOthers  rex.Meters
//	                         Relays  relay.Lines ────────▶ Released, Transitions, OnRelay
//	StickRelay, FailSet, FailGet ──────┘    Show ────────▶ Shown
//
// Inputs and readers behave as line requests of the Linux kernel do: an edge has
// a time stamp and a number, up to [QueueLen] of them wait to be read, and when
// there are more the oldest are lost, which leaves a gap in the numbers.
//
// # Time
//
// The board has no goroutine. A stimulus only writes down at what time lines are
// to change; whoever looks at the lines first lets happen all that is due, each
// change at its own instant. So time stamps are exact however late the process
// is, and edges come in the same order in every run. [Board.Now] is the clock of
// all stamps. In a synctest bubble it is the bubble's: make the Board inside.
//
// # Who may call
//
// All methods may be called from any goroutine. Those that take a number of a
// reader or an input, or a channel, panic if the [Spec] has none such, as a slice
// would. What a person can get wrong returns an error.
//
// Left to others: RS-485 readers, and what any of this means for a door.
package board
