// Package ledger is a place's policy as its controllers receive it: a set of
// records, the log of what changed in it, and signed heads that tell how far the
// log goes and what must then be there.
//
//	change ──▶ entry n ──▶ log            chain n = SHA-256(chain n-1 ‖ entry n)
//	              │
//	              ▼
//	        live records ──▶ 1024 leaves ──▶ root ──┐
//	                                                ├─▶ head n, signed
//	                          chain n, count ───────┘
//
// A record has a table, a key and a value, as they lie in the controller's cache:
// nothing is derived on the way. Version n of the log is one entry, whole or not at
// all. A snapshot is all live records in the order of table and key.
//
// # Tables
//
//	Records      kind ‖ 0 ‖ id, big endian → JSON   locks, groups, schedules…: AddSmall
//	Credentials  digest of a token → holder          flat: see holder.go
//	Members      id, little endian → holder          the same
//	Names        id, little endian → name            only where the place allows it
//
// A digest is HMAC-SHA-256 under the place's key cut to 16 bytes: no number and no PIN
// leaves the service. A leaf is the records of one table whose keys begin with the
// same byte, so that a change costs the hash of 1/256 of its table: therefore the low
// byte of an id comes first. FromRecords makes the whole of a place.
//
// # What a head proves
//
// Whoever follows the log has each entry in the chain. Whoever took a snapshot has
// the root, over the records themselves: one that lacks a record, or has one too
// many, is another root. Both arrive at the same head, or are refused. Place,
// generation and version of a head only go forward.
//
// # Who signs
//
// An offline root key, which a controller pins when it is enrolled, signs grants:
// each names a policy key and the time in which it may sign heads and commands. So
// a policy key can be replaced without anybody's touch, and one that was stolen
// ends. A generation begins with a step that the root signs: only that takes a
// place back, to a log that was restored from a backup.
//
// # Limits
//
// Nothing that comes from outside is believed in its lengths. A key has at most
// MaxKey bytes and a value MaxValue. A delta, all its entries together, has at most
// MaxDeltaChanges changes and MaxDeltaBytes bytes: whoever is farther behind, or would
// have to take a larger entry, takes a snapshot. A Reader holds one item in memory.
//
// # Encoding
//
// CBOR (RFC 8949) in its core deterministic form, structures as arrays. What is
// decoded encodes to the same bytes; anything else is refused. A signature is
// Ed25519 (RFC 8032) over a word for what is signed, a zero byte and the encoding,
// so that nothing signed as one thing passes as another.
package ledger
