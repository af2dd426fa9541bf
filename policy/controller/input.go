package controller

import (
	"time"

	"doord/policy"
	"doord/policy/door"
	"doord/policy/zone"
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
	// Tap is a phone's answer to the reader's challenge; Wave says that the phone
	// stayed in the pocket.
	Tap  *policy.Assertion
	Wave bool
	Bits string // kept when the card is unknown
}

// Challenged is what a reader is about to have a phone sign: random, and good for
// one answer within policy.ChallengeFor.
type Challenged struct {
	Reader    int
	Challenge policy.Challenge
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
	// Initial is the first report since the start: an input at rest is no news then.
	Initial bool
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
	Code   string // a proximity code, as the door's reader shows it
}

// Arrived is a person's word that somebody is there, as good as the first grant at
// the lock's entry reader.
type Arrived struct {
	Lock int64
	By   policy.Ref
}

// Left is a person's word that nobody is there any more, as good as the button of
// the last to leave.
type Left struct {
	Lock int64
	By   policy.Ref
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

// StopPermitted is a technician's word that a stop can be chosen, once.
type StopPermitted struct{ Stop int64 }

// StopLockedDown is a technician's lockdown of an elevator stop.
type StopLockedDown struct {
	Stop int64
	On   bool
}

// ZoneOverridden is a person's word on a zone's level; the empty level gives it
// back to its weekly blocks.
type ZoneOverridden struct {
	Zone  int64
	Level policy.ZoneLevel
	For   time.Duration
	By    policy.Ref
}

// ZoneReset is a person's word that a violation has been seen to.
type ZoneReset struct {
	Zone int64
	By   policy.Ref
}

// ZoneMet is what another controller, or the place service, knows of a zone.
type ZoneMet struct {
	Zone   int64
	Shared zone.Shared
}

// AlarmSilenced ends the sound of an alarm that is still to be seen to.
type AlarmSilenced struct {
	Rule int64
	By   policy.Ref
}

// AlarmReset is a person's word that an alarm has been seen to.
type AlarmReset struct {
	Rule int64
	By   policy.Ref
}

// Forgiven is a person's word that it does not matter where a member is.
type Forgiven struct {
	Area   int64 // 0: every area
	Member int64 // 0: everybody
	By     policy.Ref
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

func (Presented) isInput()      {}
func (BadFrame) isInput()       {}
func (Changed) isInput()        {}
func (Requested) isInput()      {}
func (Arrived) isInput()        {}
func (Left) isInput()           {}
func (Unlocked) isInput()       {}
func (Held) isInput()           {}
func (LockedDown) isInput()     {}
func (StopPermitted) isInput()  {}
func (StopLockedDown) isInput() {}
func (Challenged) isInput()     {}
func (ZoneOverridden) isInput() {}
func (ZoneReset) isInput()      {}
func (ZoneMet) isInput()        {}
func (AlarmSilenced) isInput()  {}
func (AlarmReset) isInput()     {}
func (Forgiven) isInput()       {}
func (FireReset) isInput()      {}
func (ReaderReset) isInput()    {}
func (ReaderChanged) isInput()  {}
func (SetPolicy) isInput()      {}
func (Noted) isInput()          {}
