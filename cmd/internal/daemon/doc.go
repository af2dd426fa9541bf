// Package daemon is the loop around the pure core: it reads, steps, acts and
// records, and decides nothing.
//
//	REX, fire ──▶ rex.Run ─────────────────────────▶ egress ─┐
//	inputs ─────▶ rex.Run ─────────────────────────▶ work ───┤      ┌─▶ relay.Driver   at once
//	D0/D1 ──────▶ wiegand.Run ─▶ look-up (one Get) ─▶ work ──┼─ loop ┼─▶ readers
//	socket ─────▶ api ─────────▶ look-up ──────────▶ work ───┤      ├─▶ journal        by its own goroutine
//	time ───────▶ timer at Wake ─────────────────────────────┘      └─▶ who asked
//
// One goroutine owns the core and the relays. It does no I/O but the relay
// lines: a credential is looked up where it was read, and events are handed to
// the journal's goroutine. A slow disk delays a card or a listing, never the way
// out.
//
// # When something breaks
//
// Requests to exit and fire are served before anything else is, and whatever
// else fails. While the files are opened, however long the disk takes, the
// fallback releases doors by the wiring alone. Without a readable policy the loop
// runs with none. Without a journal it runs and says so. If the core itself panics
// the relays become safe, the fallback serves again, and a new core takes over
// from what is durable. If the process dies the service manager runs its
// safe-state mode and starts it anew.
package daemon
