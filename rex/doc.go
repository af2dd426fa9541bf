// Package rex turns the lines of a board's inputs into what they mean: someone
// asks to leave, a door stands open, there is fire. REX is a request to exit.
//
//	         High        State                      Change
//	Lines ───────▶ Config ───▶ debounce ──┬─ rex, fire ──────────▶ deliver
//	edges and      open,       activity   │                          ▲
//	levels         closed,     adds up    └─ others ─▶ limit ────────┘
//	               cut, short                          10 in a second
//
//	Meters ─────▶ bands, hysteresis ─▶ State, and on as above
//	shares of a   of the resistors
//	reference     in the loop
//
// A loop with resistors at its far end is measured by a converter: [Measured] in
// place of [Run]. Only such a loop can tell a cut or shorted wire; see
// [Config.Bands].
//
// # Life safety
//
// A door must let people out: IBC 1010.1.9 and NFPA 101 7.2.1.6 let an electric
// lock on a door in a means of egress only if a button or sensor releases it,
// and if fire and loss of power do. So this package treats REX and fire inputs
// unlike any other, and the doubt always falls to the side of those inside:
//
//   - They act on accumulated time. A worn button bounces; waiting for its level
//     to be stable may mean waiting for ever. An input becomes active once it was
//     active for the debounce in all, within twice the debounce, however often it
//     bounced. It becomes inactive when it was quiet for the debounce.
//   - Their changes are never limited, queued or merged.
//   - For fire any state but the normal one is active: a wire that is cut or
//     shorted is fire.
//   - For REX they are no press: the button cannot be told from the wire. They are
//     reported at once, for a button that does not work may hold people in.
//   - An input that cannot be measured is told to the caller, whose doors must let
//     people out until it can.
//   - They have a bank of their own, on a line request of its own, so that no
//     chattering contact can crowd them out.
//
// EN/IEC 60839-11-1 asks that every input that is active for more than 400 ms is
// seen. The debounce is therefore at most 200 ms, the other inputs count activity
// by the same rule, and an activation that had to wait for the rate limit is
// reported even if it is over by then. Run reads the levels every 200 ms even
// when no edge arrives: an input is seen though its interrupt is dead.
//
// # Time and order
//
// Edges carry the kernel's time stamps and a [Change] carries the instant at
// which it fell due, however late the process came to run; a change delayed by
// the rate limit carries the instant at which the limit let it through. All
// changes of a bank are in order of time. An edge is taken as a sample of the
// level, which is how the kernel finds its direction. Levels read from the lines
// themselves correct what the edges say: at the start, whenever the queue has
// been emptied, and at once after a gap in the sequence numbers. A debounce that
// is due is concluded only after one more look at the queue has found no edge
// from before.
//
// [Bank] is the pure part, without clock or I/O; [Run] is the loop around it. The
// work for a wake-up is bounded by the edges in one read and the inputs of a
// bank; memory is fixed.
//
// Left to others: which doors a REX or fire input releases and for how long, the
// latch of the fire alarm, and what a change means for a door (the policy); line
// requests with pull-ups (the board), of REX and fire without the kernel's own
// debounce, since that waits for a stable level, and of the other inputs with it,
// since it bounds their interrupts.
package rex
