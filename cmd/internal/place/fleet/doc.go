// Package fleet is what controllers speak to: it gives them their certificates,
// keeps the policy log of each place and hands it out, takes in their events and
// statuses, brings them commands, and shares the state of zones between them.
//
//	place ──▶ Stage ──rows──▶ storage ──▶ Done ─┬─▶ wakes long polls ──▶ memo ──▶ snapshot, delta
//	                                            └─▶ hints on streams
//	place ──▶ Do ──command, signed──▶ stream ──▶ controller ──result──▶ Do
//	controller ──events──▶ storage, grouped ──▶ acknowledged, signed ──▶ Notice ──▶ place
//
// # Keys
//
// One root key, in root.key, which the service needs only when it is set up, when
// more policy keys are wanted, and after a restore: it belongs into a safe. It signs
// policy keys for years in advance, of which the one for the time is used, and the
// CA. Controllers have certificates of that CA for a year and renew them. All other
// keys are in keys.json. The keys of places' digests are in the storage.
//
// # Who asks
//
// Which controller asks, and of what place, is in its certificate and nowhere else.
// The serial number of a certificate begins with the number of its enrolment, which
// the registry must still hold: a new enrolment or a revocation ends all of the
// older, also on connections that are open.
//
// # The log
//
// The rows of a change hold the entry, the live records and where the log then is,
// in one commit with the caller's. A crash between commit and Done loses nothing:
// what is published is read from the storage at the start. The row that tells where
// the log is lies before the live records of its place, so that one scan yields both
// as of one moment.
//
// Snapshots and deltas are made once for all who ask, and kept compressed in a
// bounded memory. The preamble with the signed head is not part of them: it is a
// gzip member of its own, so that heads are signed anew without packing again.
//
// # Bounds
//
// 10,000 long polls wait at once; a stream holds 32 commands; a log keeps its newest
// 10,000 entries or 16 MB; an upload is 500 events or 4 MB, and a line 64 KiB.
package fleet
