// Package wiegand turns the edges of a D0/D1 reader port into reads: cards in
// the formats that a port accepts, keys and PINs of its keypad, and a reason for
// everything else.
//
//	      kernel time stamps                          frame       Card
//	D0 ─┐ and sequence numbers                       ┌───────▶ format ─▶ Card, Bad
//	    ├────────▶ Edges ──▶ Run ──▶ Port.Edge ──────┤ Bits
//	D1 ─┘                     └────▶ Port.Settle ────┴───────▶ keypad ─▶ Key, PIN, Bad
//	                          at Port.Wake
//
// [Port] is a machine without a clock, a goroutine or I/O: time comes in with
// each edge. It first ends the frame that was due before that edge and only then
// takes the edge, so the reads depend on the time stamps alone and not on how
// late the process looked at them. [Run] is the one loop around it.
//
// # End of a frame
//
// Wiegand has no end mark, only silence. A Port waits [Config].EndOfFrame after
// the last edge, because a reader may pause in the middle and a pause can cut a
// 37-bit card into a valid 26-bit one. Once a frame is as long as the longest
// that the port accepts there is nothing more to wait for: then five of the
// frame's own bit intervals end it, but at least 3 ms.
//
// # Damaged frames
//
// A damaged frame is reported, never repaired: it becomes a [reader.Bad] with a
// fault and, unless digits of a keypad may be among them, its bits.
//
// # Left to others
//
// Opening the GPIO lines (one request for both, falling edges, the kernel's own
// stamps) is the board's. Collecting keys into a PIN, and giving up after 5 s
// without one, is the caller's. Whose card it is, and whether a door opens, is
// for the policy to say.
package wiegand
