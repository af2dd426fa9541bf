// Package pd is a simulated OSDP reader (PD), and a simulated line between
// readers and a bus.
//
//	osdp.Bus ◀──▶ Line (bytes take their time, faults on demand) ◀──▶ PD, PD, …
//	osdp.Loop ◀──▶ Port (the same in real time) ◀──▶ PD, PD, …
//	a real tty ◀──▶ Serve ◀──▶ PD, PD, …
//
// A [PD] is pure: bytes and time in, bytes out. It follows the standard where the
// standard speaks, so that what a controller gets away with here it gets away
// with elsewhere; it is no model of any product. A [Line] is a simulation of
// discrete events in virtual time: a day of polling takes no sleep, and the same
// faults give the same trace.
package pd
