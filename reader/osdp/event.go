package osdp

import (
	"errors"
	"fmt"
	"time"

	"doord/reader"
)

// Event is something that happened on the bus.
type Event struct {
	At     time.Duration // on the clock that [Bus.Step] is given
	Reader int           // index of the reader; -1 if it concerns the bus or an unknown reader
	Body   Body
}

// Body says what happened: one of the types of this file.
type Body interface{ body() }

// Read is a card, a key or something illegible, in the words that all readers share.
type Read struct {
	reader.Read
	Unit byte // which of the readers behind this address, from 0
}

// PossiblyLost says that the reader reset, fell silent or lost its session while
// it was being asked: what it read up to now, and has not arrived, may never do.
// It is said when the link is lost, and again when it is back. The person will tap
// again, and the journal knows why he had to.
type PossiblyLost struct{}

// Online says that the reader answers and its reads count.
type Online struct {
	Secure bool // through a secure channel
}

// Offline says that nothing authentic was heard of the reader for 8 s.
type Offline struct{}

// SecureLost says that the secure channel ended unasked: Why tells the sign.
type SecureLost struct{ Why string }

// Identified is what the reader is and can do, whenever it was asked anew. It came
// in clear, so nothing that matters for security may hang on it.
type Identified struct {
	Identity     Identity
	Capabilities Capabilities
}

// Tamper is the state of the reader's case and its power, on every change.
type Tamper struct {
	Tamper, PowerFail bool
}

// InputState is that of a supervised input (SIA OSDP 2.2).
type InputState byte

// The states of an input.
const (
	Inactive     InputState = 0
	Active       InputState = 1
	ShortCircuit InputState = 2
	OpenCircuit  InputState = 3
	InputFault   InputState = 4
	InputUnknown InputState = 5
)

// Inputs is the state of all inputs of the reader. They serve as door contacts and
// tampers. They must never be a request to exit or a fire release: those act
// without any bus, and a wire to a reader runs outside the door.
type Inputs []InputState

// OutputState is the state of the outputs that the reader reports: true is on.
type OutputState []bool

// Units is the state of the readers behind this address: 0 normal, 1 not
// connected, 2 tamper.
type Units []byte

// Done is the end of a command given to [Bus.Send].
type Done struct {
	ID    int   // as Send returned it
	Reply Reply // nil with an error
	Err   error // Nak if refused; ErrLost if nobody knows whether it was carried out
}

// Message is a reply that came with a poll and means nothing to this package:
// XRead of transparent mode, Opaque, MfgReply, BioTemplate, BioResult.
type Message struct {
	Code  ReplyCode
	Reply Reply
}

// Assembled is a multi-part reply that is complete.
type Assembled struct {
	Code ReplyCode // ReplyPIVData, ReplyGenAuth or ReplyChallengeKey
	Data []byte
}

// Progress is that of a file transfer.
type Progress struct {
	Sent, Total int
	Done        bool
	Err         error
}

// Moved says that the reader is now found at another address or speed, by COMSET;
// with an error, that it stayed.
type Moved struct {
	Comm Comm
	Err  error
}

// SaveKeys asks for the keys of the reader to be stored, durably, and
// [Bus.KeysSaved] to be called then. Until it is, no key goes to the reader.
type SaveKeys struct{ Keys Keys }

// Commission is a step of commissioning, for the audit trail. It carries no key.
type Commission struct {
	Open  bool          // the window opened, until Until; else it closed
	Until time.Duration // on the bus's clock
	Err   error         // why it closed without a new key; nil if the reader has it
}

// Found is a reader that a scan met.
type Found struct {
	Comm         Comm
	Identity     Identity
	Capabilities Capabilities
}

// ScanEnd says that a scan has seen every address and speed.
type ScanEnd struct{}

// Fault is trouble that somebody should see, said once until it is over.
type Fault struct{ Err error }

// The serial port itself.
type (
	// LineDown is an adapter that was unplugged, or a port that fails.
	LineDown struct{ Err error }
	// LineUp is the port back again.
	LineUp struct{}
)

// Errors in events and from commands, for [errors.Is].
var (
	ErrLost       = errors.New("osdp: no answer, outcome unknown")
	ErrOffline    = errors.New("osdp: reader is offline")
	ErrQueue      = errors.New("osdp: queue of the reader is full")
	ErrReader     = errors.New("osdp: no such reader")
	ErrAddrUsed   = errors.New("osdp: address is another reader's")
	ErrNoKey      = errors.New("osdp: reader has no key: commission it")
	ErrWrongKey   = errors.New("osdp: reader does not have our key")
	ErrWantsKey   = errors.New("osdp: reader speaks only through a secure channel")
	ErrProof      = errors.New("osdp: handshake failed")
	ErrWindow     = errors.New("osdp: commissioning window closed")
	ErrSilentMove = errors.New("osdp: reader did not appear at its new address")
	ErrFile       = errors.New("osdp: reader refused the file")
)

func (Read) body()         {}
func (PossiblyLost) body() {}
func (Online) body()       {}
func (Offline) body()      {}
func (SecureLost) body()   {}
func (Identified) body()   {}
func (Tamper) body()       {}
func (Inputs) body()       {}
func (OutputState) body()  {}
func (Units) body()        {}
func (Done) body()         {}
func (Message) body()      {}
func (Assembled) body()    {}
func (Progress) body()     {}
func (Moved) body()        {}
func (SaveKeys) body()     {}
func (Commission) body()   {}
func (Found) body()        {}
func (ScanEnd) body()      {}
func (Fault) body()        {}
func (LineDown) body()     {}
func (LineUp) body()       {}

// String shows no bits, digits or payload, so that an event may be logged.
func (r Read) String() string {
	switch r.Kind {
	case reader.Card, reader.Bad:
		return fmt.Sprintf("card of %d bits", len(r.Bits))
	default:
		return "key"
	}
}

// String shows the kind of reply and not its payload.
func (m Message) String() string { return m.Code.String() }

// String shows the kind of reply and its length.
func (a Assembled) String() string { return fmt.Sprintf("%v, %d bytes", a.Code, len(a.Data)) }

// Counters count since the bus was made, for one reader.
type Counters struct {
	Exchanges uint64 // completed
	Reads     uint64
	Retries   uint64 // commands sent again
	Timeouts  uint64 // no reply at all
	Cut       uint64 // replies that broke off
	BadCheck  uint64 // CRC or checksum
	BadForm   uint64 // length, security block or payload
	BadMAC    uint64
	Unsafe    uint64 // replies in clear, or out of a handshake, inside a session
	WrongSeq  uint64
	WrongAddr uint64
	Busy      uint64
	Naks      [10]uint64 // by NakCode; others in 0
	Sessions  uint64     // handshakes that succeeded
}

// State is what one reader is at.
type State struct {
	Reader       Reader
	Comm         Comm // where it is now
	Online       bool
	Secure       bool
	Keyed        bool // a key of its own is known
	Identity     Identity
	Capabilities Capabilities
	Tamper       Tamper
	Taps         bool // it is ready for phones
	Counters     Counters
	Latency      time.Duration // from the start of a poll to the end of its reply, smoothed
	Worst        time.Duration // the same, the longest
	Fault        error         // what stands in the way, if anything
	Commission   time.Duration // until when the commissioning window is open; 0 if closed
}
