// Package store keeps what a controller must know and what it must not forget, in
// two bbolt files: two, because loading a policy in bulk would otherwise weigh on
// every event that is written.
//
//	              Lookup, Member              Append, SaveState, Acked
//	reader ───────────┐                  daemon ────────┐ never waits
//	                  ▼                                 ▼
//	file ── Replace ▶ policy.db          queue ▶ writer ▶ events.db
//	sync ─── Load ────▶ ▲ ▲                             │
//	sync ─── Apply ─────┘ │              upload ◀ Since ┴ Follow ▶ technician
//	start ── Records ─────┘
//
// # Files
//
//	policy.db       the place's policy           Policy
//	events.db       journal and door state       Journal
//	place.key       32 random bytes, see below; place.key.next: about to take its place
//	*.lock          held while a doord runs; its pid
//	*.new           being written; removed at the next start
//	*.damaged-TIME  set aside, at most three of each
//
// All are readable by their owner alone. Each database has a bucket meta with a
// marker, the schema's version and the version of the doord that wrote it. Every
// value in both is sealed with a CRC-32C over its key and itself.
//
//	policy.db
//	  meta         marker, schema, key (proof of place.key), head (signed; empty without a log)
//	  records      kind ‖ 0 ‖ id → JSON    what policy.Compile needs, in the words of the policy file
//	  credentials  digest → holder         flat: see package ledger
//	  members      id → holder             the same; ids have their low byte first
//	  names        id → name               only with names_on_controllers
//	  leaves       number → hash           of the tree over all of these: see package ledger
//	events.db
//	  meta         marker, schema, epoch, acked, receipt, anchor, state
//	  events       sequence → hash ‖ JSON  see Record
//
// # Policy
//
// One read transaction and one Get answer who holds a token and in which groups he
// is, and the revision of that very policy. A token is found by its digest,
// HMAC-SHA-256 under place.key cut to 16 bytes; no number and no PIN is in the file.
// That is no secret from somebody who has the file and the key beside it: a 26-bit
// card has 67 million values and a PIN at most 111 million, and he can try them all.
//
// The four tables are records as package ledger knows them: what a place's service
// sends lies here under the same keys, with a seal behind each value.
//
// A bulk load, of a policy file or of a snapshot, writes a new file in chunks and
// renames it. So a look-up never waits for it, nothing of the old policy lingers in
// free pages, damage heals, and memory does not grow with the place. A delta is one
// transaction in the file that is there, or a new file made of the old one where
// there is much in it. The leaves that it touches are hashed anew.
//
// Of a log only that is put into force which arrives at the root and the count of a
// signed head, and which this doord can use: a kind or a field that it does not know,
// a reference to nothing, or a time zone that is not there would leave the doors
// without a policy at the next start. Otherwise all stays as it was. The head lies in
// the same transaction as what it tells of. The revision that look-ups see is the
// version of the log, and one more than before for a policy from a file.
//
// The cache of a schema before 2 is set aside and an empty one begun: nothing that
// wrote it was ever released, and what was in it comes again with the next sync or
// policy load.
//
// # Journal
//
// Append hands events to a queue of bounded length and returns. One goroutine
// writes them, as many at a time as have come while it wrote the ones before, at
// most 100. Each carries a hash of the one before it.
//
// After a power cut all is there that was on the disk, which Sync waits for. What
// was handed in and not yet written, at most the last group where the disk keeps
// up, is lost. Nobody reads an event from here that could still be lost so.
//
// The journal keeps Options.MaxEvents. Beyond that the oldest go; where these are
// not acknowledged yet, a controller.gap event tells which. When the disk is full
// or stands still, Options.MaxQueue events wait in memory; for more there is no
// room, and a controller.gap event tells how many were lost. ReserveSpace keeps
// others from filling the disk that far.
//
// # Damage
//
// A file that is damaged is set aside, and a new one begun, when it is opened and,
// for the journal, also when a write finds it. The caller is told. A look-up in a
// damaged page is an error and never a holder. Check and Verify read everything;
// call them when doors already serve.
//
// bbolt panics on a bad page and takes a fault on a missing one; both become
// errors here. Three things cannot be: a tree whose pages lead back to themselves,
// which ends the process; a free list that is wrong in itself, which shows only
// later; and a head that cannot be read any more, of all pages, where calls that
// were inside bbolt at that moment do not return. After a panic inside bbolt its
// mapping stays until the process ends.
//
// # Left to others
//
// Fetching and uploading, verifying who signed a head and whether it may take the
// place of the one before is store/cloudsync's; compiling and deciding policy's; and
// what an expired head or an unhealthy store means for the doors the daemon's.
package store
