// Package tap is what a reader and a phone say to each other when the phone is held
// to the reader: ISO 7816-4 APDUs, whatever carries them (package reader/osdp does,
// in transparent mode).
//
//	reader, ours                                   phone
//	SELECT      00 A4 04 00 07 AID 00        ──▶
//	                                         ◀──   version, 90 00
//	AUTHENTICATE  80 88 01 00 30 tap 00      ──▶   signs
//	                                         ◀──   key, signature, 90 00
//	RESULT      80 8C 01 00 03 code          ──▶   tells its owner
//	                                         ◀──   90 00
//
// # Byte for byte
//
// The AID is F0 64 6F 6F 72 64 01: proprietary, "doord", 1.
//
// The version in the answer to SELECT is one byte, 01. More bytes may follow one day
// and are not looked at.
//
// AUTHENTICATE carries the 48 bytes (hex 30) of a tap: place, controller, reader and
// door, 64 bits big endian each, then the 16 bytes of the challenge. The phone signs
// them behind the 12 bytes "doord tap 1" and zero: [policy.Tap.Message], 60 bytes,
// by ECDSA over P-256 and SHA-256. Its answer is 97 bytes: the key that signed, as a
// compressed point (33), and r and s, big endian (32 each).
//
// A phone has two keys, and its secure hardware uses the second only while the phone
// is unlocked. Which one signed tells whether it was; there is no flag for that, as
// a flag could be claimed. A phone that is unlocked signs with the second.
//
// RESULT carries the 3 bytes of a reason's public code, zero if the door opens, so
// that the phone can say "unlock me and tap again" (d0 00 08) and not only fail. It
// is sent if the phone is still there; what it answers is not looked at.
//
// # Time and errors
//
// A phone has [SelectFor] to answer SELECT and policy.ChallengeFor, 2 s, to sign. An
// answer that comes later is still taken for [AnswerFor], so that it is refused with
// a reason and somebody can see why; then the phone is given up. A challenge is good
// for one answer.
//
//	status   of            error          what it was
//	6A 82    SELECT        ErrNotAPhone   a card, or a phone without the app
//	69 85    AUTHENTICATE  ErrRefused     the owner, or the phone, would not
//	90 00    any           ErrMalformed   but not what is said above
//	other    SELECT        ErrNotAPhone
//	other    AUTHENTICATE  ErrRefused
//
// An answer that is replayed, or was made for another reader, door, controller or
// place, or by a key that somebody copied the public half of, is well-formed here:
// its signature does not fit the challenge, and policy says tap_invalid.
package tap
