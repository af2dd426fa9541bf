package controller

import (
	"time"

	"doord/policy"
	"doord/policy/door"
)

// Input is one thing that can happen to the board. Everything that Step needs
// to know of it is in it: nothing must be fetched.
type Input interface{ isInput() }

// Presented is a credential at a reader, looked up already.
type Presented struct {
	Reader int
	Class  policy.TokenClass
	Holder *policy.Holder // nil: the cache does not know the token
	Found  uint64         // the policy revision of the look-up
	Phone  policy.Proof   // of a tap
	Bits   string         // kept when the card is unknown
}

// BadFrame is something at a reader that is no credential.
type BadFrame struct {
	Reader int
	Fault  string
	Bits   string
}

// Changed is a board input that settled on a new status.
type Changed struct {
	Line   int
	Status Status
	Active bool // it differs from its normal state; for fire, cut and short too
	Flood  bool // it changes faster than anybody could do it
}

// Status is the electrical status of an input.
type Status string

// The states of an input; only a supervised one can tell the last two.
const (
	InputOpen   Status = "open"
	InputClosed Status = "closed"
	InputCut    Status = "cut"
	InputShort  Status = "short"
)

// Requested is an unlock that came by network: in the app or by link.
type Requested struct {
	Lock   int64
	Method policy.Method
	Holder *policy.Holder
	Found  uint64
	Phone  policy.Proof
}

// Unlocked is a technician's unlock at the board itself.
type Unlocked struct{ Door int }

// Held is a technician's hold; NoHold ends it.
type Held struct {
	Door int
	Hold door.Hold
	For  time.Duration
}

// LockedDown is a technician's lockdown of one door.
type LockedDown struct {
	Door int
	On   bool
}

// FireReset is a person's word that the fire is over.
type FireReset struct{}

// ReaderReset ends the tamper state of a reader.
type ReaderReset struct{ Reader int }

// ReaderChanged is a reader that came or went, or was tampered with.
type ReaderChanged struct {
	Reader   int
	Online   bool
	Tampered bool
}

// SetPolicy is a new policy, or none.
type SetPolicy struct{ Set *policy.Set }

// Noted is a fact of the daemon's own for the journal: a reboot, a fault, a
// clock that was set. It changes nothing.
type Noted struct{ Event policy.Event }

func (Presented) isInput()     {}
func (BadFrame) isInput()      {}
func (Changed) isInput()       {}
func (Requested) isInput()     {}
func (Unlocked) isInput()      {}
func (Held) isInput()          {}
func (LockedDown) isInput()    {}
func (FireReset) isInput()     {}
func (ReaderReset) isInput()   {}
func (ReaderChanged) isInput() {}
func (SetPolicy) isInput()     {}
func (Noted) isInput()         {}
