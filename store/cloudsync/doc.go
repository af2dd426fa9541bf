// Package cloudsync keeps a controller and its place service in step.
//
//	            Client, one goroutine per duty
//	cache   ◀── policy ◀── GET /v1/policy    long poll: snapshot or delta, with a signed head
//	journal ──▶ events ──▶ POST /v1/events   at once; acknowledged once it is on the service's disk
//	daemon  ◀── stream ◀── GET /v1/stream    commands, hints, zones; results go back by POST
//	daemon ◀──▶ zones ◀──▶ /v1/zones         what controllers share, by compare-and-set
//	daemon  ──▶ status ──▶ POST /v1/status   when it changes, and each minute
//	files   ◀── renewal ◀─ POST /v1/renew    a new key and certificate at two thirds of the old one's life
//
// All of it goes over one HTTP/2 connection from here to port 443, or through the
// proxy that the environment names. No duty waits for another, none holds up the
// daemon's loop, and a door waits for none of them: the controller serves from its
// cache, for weeks if need be. Each duty that fails tries again, after 1 s at first
// and 60 s at most, and at once when the stream comes back.
//
// # What is believed
//
// A claim code names the service's root key by its fingerprint. Before the code's
// secret leaves the controller, the service has shown that key, and by its signature
// the certificate authority by which it is recognised from then on, beside those that
// the system trusts. The root is pinned.
//
// A policy is taken in this order, and the first thing that is wrong refuses it:
// the root signed the grants; a granted key signed the head; the head is of this
// place; generation and version go forward, a generation only by a step that the
// root signed; a delta builds on exactly what is here; and what was applied has the
// head's root, count and chain. What is refused is told as an event and a fault, and
// the last good policy stays. A delta that does not fit is followed by one request
// for the whole.
//
// A command is taken only from the stream that it was signed for: by a granted key,
// for this controller, over this stream's nonce, the next in sequence, and not older
// than CommandLife. It is executed at most once. A wrong one ends the stream: the
// next has another nonce. None of this needs a wall clock, or a store of old nonces.
//
// While the controller's clock is not set, certificates and grants are taken
// whatever their dates: signatures count all the same.
//
// # Files
//
//	cloud.json  service, place, controller, root key, certificate authority, grants, key of the place's digests
//	cloud.key   the device key and its certificate, renewed together
//
// Both are readable by their owner alone and written whole or not at all. A
// controller is enrolled while cloud.json is there.
package cloudsync
