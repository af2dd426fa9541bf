// Package place is the place service: what a place is made of, who may do what with
// it, and the API by which people and programs do it.
//
//	request ─▶ who asks ─▶ how often ─▶ route ─▶ record, laid over the one before
//	                                               │
//	          rights: kind × verb × role ──────────┤
//	          package policy: is the place valid? ─┤
//	                                               ▼
//	         rows of records, audit events, the log's entry: one commit, or nothing
//	                                               │
//	         memory ◀── controllers, webhooks ◀────┘
//
// # Kinds
//
// A kind of resource is a declaration (kind) and a struct with a few methods (record):
// what it refers to, what is unique in it, whose groups it has to do with, which part
// of it controllers need, and how it is shown. Routes, filters, cascades, the places
// between which nothing leaks, and the OpenAPI description all come from these.
//
// Records are immutable in memory; each change puts new ones in their place and holds
// the readers up for as long as it takes to swap pointers. All is in memory: a service
// with 100,000 members takes a few hundred MB.
//
// # From a change to the controllers
//
// What a change does to a place's policy log is found out by making the log's records
// of everything it touches, once as it was and once as it is: the difference is the
// entry. A touched member takes his credentials with him, since who is in his groups
// is part of each. Controllers get no addresses, and no names unless the place says so.
//
// # Many at once, and what is over
//
// POST /bulk/cards, and the same of members, role_assignments and group_links, makes up
// to 1000 records of a list as one change: all or none, one entry in the log, and what
// is wrong with any of them by "cards[17].uid". A day's visitors are three requests.
//
// Cards, links and assignments that have an end admit nobody after it: controllers know
// the dates. Once an hour those that have been over for the expired_kept_days of their
// place, 30 unless it says otherwise and 0 for ever, are removed, and with them members
// without an account who have nothing else left. Events about them stay, and tell so.
//
// # Who may do what
//
// rights.go has the table. A caller is somebody who signed in (account, by a session),
// an access key, which acts as a member, or a quick access link. An account is a
// member of places; what he is at each follows from his role assignments. Where he is
// nothing, nothing is there: 404. Where he may not: 403. Nobody changes those above
// him, and what he made before they rose, a key or an invitation, does not rise with
// them.
//
// Passwords are argon2id, four at a time. After ten wrong ones in 15 minutes an address
// is locked out for 15 minutes, known or not. Secrets of sessions, keys and links are
// random and kept as hashes. PINs are kept as they are, and shown to nobody: the file
// is its owner's alone, and with the place's key beside it a digest would not hide four
// digits.
//
// # Unlocking
//
// The service asks the lock's controllers and answers what they say. That somebody may
// ask is decided here, that a door opens is decided there, and a controller that does
// not answer is an answer of its own.
//
// # Webhooks
//
//	X-Signature:           hex HMAC-SHA256(secret, body)
//	X-Timestamp:           seconds since 1970
//	X-Timestamp-Signature: hex HMAC-SHA256(secret, timestamp "." body)
//
// Each has a queue of 1000 events and up to eight attempts at each event, over half an
// hour. Queues are in memory: what waits when the service ends is not sent later.
//
// # Left to others
//
// Certificates, the log itself, streams and events are package fleet's; durability is
// package storage's.
package place
