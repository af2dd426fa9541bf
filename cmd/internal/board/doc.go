// Package board is the real board: its GPIO lines as the Linux kernel offers them
// in /dev/gpiochipN, the clock that stamps their edges, and its serial ports.
//
//	          resolve                 one request each
//	config ───────────▶ chip, offset ──────────────────▶ relays   relay.Lines
//	                                                     egress   rex.Lines      REX and fire
//	                                                     others   rex.Lines      all other inputs
//	                                                     wiegand  wiegand.Edges  D0 and D1 of a reader
//	                                                     LED, buzzer             see Show
//	       adc ────────────────────────────────────────▶ meters   rex.Meters     loops that are measured
//	       bus ────────────────────────────────────────▶ serial   osdp.Line
//
// Chips, and the names of lines, are found with periph.io. The lines themselves
// are requested from the kernel here, by the GPIO character device (uAPI v2,
// Linux 5.10 and later), because a controller needs what periph leaves out:
//
//   - The first levels of outputs, set in the step in which a line becomes an
//     output. All relays are one request that starts in the safe state: none of
//     them glitches, whichever level is active.
//   - The kernel's time stamp and sequence number of every edge: a frame is cut
//     rightly however late the process runs, and edges that were lost are known
//     to be lost.
//   - A queue of 256 edges for each request, and errors that can be told apart.
//
// The lines of one request are on one chip, as the kernel has it: the relays, the
// egress inputs, the other inputs, and D0 and D1 of a reader.
//
// # When the process dies
//
// The kernel may keep an output's level then (as on a Raspberry Pi) or let go of
// the line. So whoever starts the daemon calls [SafeState] after its death.
//
// Left to others: what a level means (relay, rex), what edges spell (wiegand),
// and when anything moves (the daemon).
package board
