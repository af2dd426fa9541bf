// Package relay drives the relays of a board: door locks, sirens, auxiliary
// outputs. It is the only place that knows an energised coil from a released
// one; everybody else speaks of locks that are released or secured.
//
//	          fail mode                contact           active level
//	released ──────────▶ lock powered ─────────▶ coil on ────────────▶ line level
//	         fail_secure: = released    no: = powered   high, or low if ActiveLow
//	         fail_safe:   = secured     nc: = not powered
//
// A siren or an auxiliary relay that is wanted on has its coil on.
//
// # The safe state
//
// While nothing serves the exit buttons no lock may have power: a fail-safe lock
// is then released and a fail-secure one locked, with egress by its handle.
// Sirens are off. These are the levels of [SafeLevels]: the lines are requested
// with them, so that no relay glitches at start, and [MakeSafe] writes them at
// start, at stop and after a panic. A kernel may keep the last level of a line
// when a process dies, so whoever starts the daemon calls MakeSafe after its
// death, too.
//
// # Levels, not edges
//
// [Driver.Apply] takes the wanted state of all relays, compares it with the lines
// as they are, writes those that differ, and reads them back. Applying the same
// state again is harmless, and a restart cannot leave a relay out of step. A line
// that does not follow, or that moved without being told, is a [Mismatch]: a
// value for the alarm, told once when it begins and once when it ends, while
// every Apply tries the line again.
//
// # Who may call
//
// A Driver belongs to one goroutine and has no lock that could be held at the
// wrong moment. MakeSafe needs no Driver and keeps no state, so a recovered panic
// or another goroutine can call it at any time. It cannot stop an Apply that is
// under way elsewhere, which may still write after it: to stay safe, end the
// Driver's goroutine first or never return to it. A Driver that does go on looks
// at the lines before it writes, and so is not misled by what MakeSafe did.
//
// A wireless lock has no relay: package relay/gateway.
//
// Left to others: which door has which relays, and for how long one is released
// (the policy); the GPIO lines themselves (the board).
package relay
