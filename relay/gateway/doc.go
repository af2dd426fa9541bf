// Package gateway speaks to wireless locks through the gateway that has their radio:
// over a serial line or TCP, by a small protocol of our own, or by that of a maker.
//
//	wants, levels ─▶ Adapter ─bytes─▶ Line (serial, TCP) ─▶ gateway ─radio─▶ locks
//	                    │
//	                    └─▶ Events: Report, Lost, Passage, Refused
//
// [Link] is the adapter for our own protocol. It is pure: time and bytes come in,
// bytes, events and the next deadline go out; [Loop] is the little around it that a
// real line needs. An [Adapter] for a maker's gateway is another type with the same
// methods, added to [Adapters].
//
// # The protocol, version 1
//
// Integers are big endian. A frame is
//
//	57 VERSION LENGTH×2 SEQUENCE×4 TYPE CHANNEL DATA… [TAG×16] CRC×4
//
// LENGTH counts from 57 to the last byte of CRC, 14 to 128. VERSION is 01, or 81 if
// there is a TAG. CRC is CRC-32 (IEEE 802.3) of all bytes before it. CHANNEL is the
// lock, 1 to 64; 0 is the gateway itself.
//
//	type  from        data
//	01    controller  HELLO: nonce×16. Begins a session; both sides count from 1 anew
//	02    controller  SET: wanted (0 locked, 1 unlocked), for×4 in ms (0: until told
//	                  otherwise), distance×2 in dm (0: any), timeout×2 in s (0: none)
//	03    controller  GET: asks for STATE of the channel, or of all for channel 0
//	04    controller  PING
//	05    controller  GOT: id×4 of a passage
//	81    gateway     WELCOME: nonce×16, boot×4 (another one after each start of the
//	                  gateway), channels, name (UTF-8, up to 32 bytes)
//	82    gateway     ACK: sequence×4 of a command, result: 0 done, 1 no such channel,
//	                  2 refused, 3 the lock is not heard
//	83    gateway     STATE: flags, cause, battery in % (255: unknown), signal in dBm
//	                  (signed; 0: unknown). Flags: 1 the lock is heard, 2 unlocked,
//	                  4 it has a contact, 8 the door is open, 10 its motor is stalled,
//	                  20 tampered. Cause: 0 commanded, 1 the key is gone, 2 its time is
//	                  over, 3 by hand
//	84    gateway     PASSAGE: id×4, direction: 1 entered, 2 left. Sent again each
//	                  second until GOT; ids do not come again in one boot
//
// Every frame but HELLO is in a session. Its sequence number is greater than that of
// any frame before it from the same side; one that is not is dropped, so nothing is
// done twice. What had no ACK is sent again under a new number, which is harmless:
// SET is a level. STATE is sent whenever it changes, and after GET.
//
// A lock that is SET for a time, or with a distance or a timeout, locks again by
// itself: with its gateway or its controller dead, too. It must open from inside by
// its handle, always: radio is no way out.
//
// # Who is believed
//
// On TCP, and on any line that leaves the cabinet, both sides have a key of 32 bytes.
// The session's key is HMAC-SHA-256(key, "doord gateway 1" ‖ HELLO's nonce ‖ WELCOME's
// nonce). Each frame but HELLO has a TAG: the first 16 bytes of HMAC-SHA-256(session
// key, side ‖ frame up to DATA), side being 43 for the controller and 47 for the
// gateway. A side with a key drops what has no valid TAG: there is no session without
// it. What is said can be read, not changed, replayed or made up.
//
// # Time
//
// A gateway that has heard nothing of its controller for 30 s locks what is unlocked
// without a time, as a controller that ends does: nobody serves these doors. A
// restart takes less, and moves nothing.
//
// HELLO is sent again each second until there is a WELCOME. A command without ACK is
// sent again after 0.5 s, then after twice as long each time, up to 5 s. PING goes out
// each 2 s, and after 6 s without a valid frame the gateway is lost: Lost says so, and
// nothing is known of its locks until there is a new session. Lost is never "locked".
package gateway
