package reader

import (
	"time"

	"doord/policy"
)

// Kind is what a reader delivered.
type Kind int

// The kinds of reads.
const (
	Card Kind = iota + 1 // a credential: Token is set
	Key                  // one key of a keypad: Digit is set
	PIN                  // a whole PIN in one message, from a buffering keypad: Token is set
	Bad                  // something arrived that is no credential: Fault says what
)

// Keys of a keypad that are no digits.
const (
	KeyStar = '*'
	KeyHash = '#'
)

// Fault says why a frame is no credential.
type Fault string

// The faults, from the frame inwards.
const (
	FaultLength  Fault = "length"  // no accepted format has this many bits
	FaultParity  Fault = "parity"  // the length is right, the parity or check is not
	FaultLost    Fault = "lost"    // the kernel dropped edges: the frame is void
	FaultOverlap Fault = "overlap" // D0 and D1 pulsed together
	FaultEntry   Fault = "entry"   // the keypad itself reported a wrong entry
)

// Read is one thing that a reader delivered.
type Read struct {
	At    time.Duration // when its last bit arrived, monotonic
	Kind  Kind
	Token policy.Token // of Card and PIN
	Digit byte         // of Key: '0' to '9', '*' or '#'
	Fault Fault        // of Bad
	// Bits are the raw bits of a card, '0' and '1' in the order of the wire, for
	// the technician. Empty for keypads: digits are never kept.
	Bits string
}
