// Package osdp is the controller's (ACU) side of SIA OSDP 2.2, IEC 60839-11-5: up to
// 16 readers (PDs) on one two-wire RS-485 line.
//
//	              ┌───────────────────── Bus ──────────────────────┐
//	bytes, time ─▶│ Parser ─Frame─▶ peer.judge ─▶ Session ─▶ typed │─▶ Events: Read, Tamper,
//	              │                    │                    reply  │   Online, PossiblyLost, …
//	              │ schedule ─▶ peer.ask ─▶ Session ─▶ Frame       │─▶ bytes, next deadline
//	              └────────────────────────────────────────────────┘
//	     ▲                                                     │
//	     └───────────── Loop: one Line, one KeyStore ◀─────────┘
//
// The core is pure: [Bus] has no goroutine, no clock and no I/O, so that every
// fault of a line can be played to it in virtual time. [Loop] is the little around
// it that a real port needs.
//
//	for {
//		tx := bus.Step(now, received)
//		line.Write(tx.Data)                     // at tx.Baud
//		for _, e := range bus.Events() { … }    // SaveKeys must be stored and answered
//		received = line.Read(until bus.Wake())
//	}
//
// # What is believed
//
// A reader with Secure set is spoken to in clear only to ask what it is. In a
// session nothing counts but the session's next message with a valid MAC; a BUSY,
// which has none, is heeded for a second. A refusal or a reset in clear leads to a
// new handshake, not more than one a second, and never to clear text or to the
// default key. That key, SCBK-D, is accepted only within a commissioning window,
// which a person opens for some minutes, and serves there for nothing but to give
// the reader a key of its own. Keys go to the store before they go to the reader,
// and the old one is kept until a handshake has proved the new one.
//
// # What may be lost
//
// A command without a usable reply is sent again byte for byte, and the reader
// answers from its memory, so a read arrives once and not twice. When a reader
// resets, falls silent or loses its session while it is asked, a read may be gone
// for good: PossiblyLost says so. In clear, replies are told apart by two bits of
// sequence number, so a line that delays frames by several polls can still play an
// old one for a new; a session cannot be deceived that way.
//
// # Phones
//
// A reader with Tap that has transparent mode is put into smart card mode (XWR 00 02
// 01 00) when it comes up. When it reports something in its field (XRD 01 01), it is
// asked for our application: SELECT, as package reader/tap says, in XWR 01 01, whose
// answer may be the reply or come with a later poll (XRD 01 02). Then Phone is
// reported, the caller says what is to be signed with Ask, Tapped reports the answer,
// and Tell ends it (XWR 01 02); or TapFailed says why there is none. Each of these is
// one command in a round, so that a card at another reader waits for two more
// exchanges at most, as for any command, and never for what the phone takes: the
// line is polled meanwhile. One tap at a time at a reader, 0.3 s apart.
//
// # What it leaves to others
//
// Card formats are the Decode function's (package reader/wiegand), PINs and what a
// read means are the policy's. Opening the port, direction control and storage of
// keys are the caller's. Inputs of a reader may be door contacts and tampers, never
// a request to exit or a fire release; outputs of a reader never hold a lock.
package osdp
