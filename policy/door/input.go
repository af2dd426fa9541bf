package door

import (
	"time"

	"doord/policy"
)

// Input is what can happen to a door.
type Input interface{ isInput() }

// Granted releases the door: a decision let somebody in, or a technician did.
type Granted struct {
	By policy.Ref // named again when nobody enters
	// Exit is a grant to somebody inside who has no other way out: it counts as a
	// request to exit, so that no lockdown or hold keeps it from the lock.
	Exit bool
	Way  policy.Direction // that the reader lets pass, when there is one
}

// Pressed is a request to exit that became active or inactive. Input tells the
// buttons of one door apart.
type Pressed struct {
	Input  int
	Action policy.REXAction
	For    time.Duration // released on after the button is let go
	Active bool
}

// Contacted is the door position switch.
type Contacted struct{ Contact Contact }

// Passed is somebody who goes through, as a passage input tells.
type Passed struct{}

// Looped is a vehicle that comes to stand in a gate, or leaves it. It keeps a gate
// released that is so, and never releases one. Input tells loops apart.
type Looped struct {
	Input int
	On    bool
}

// Relocked is a lock that locked by itself, or cannot be told anything: a grant ends.
type Relocked struct{}

// Scheduled starts or ends the door's scheduled unlock.
type Scheduled struct{ On bool }

// LockedDown starts or ends a lockdown of the door, by whatever authority.
type LockedDown struct{ On bool }

// Fired is the board's fire input, latched.
type Fired struct{ On bool }

// Held keeps the door released or secured for a time, by a technician; NoHold
// ends that.
type Held struct {
	Hold Hold
	For  time.Duration
}

// Configured changes what is set of the door; its state goes on.
type Configured struct{ Settings Settings }

func (Granted) isInput()    {}
func (Pressed) isInput()    {}
func (Contacted) isInput()  {}
func (Passed) isInput()     {}
func (Looped) isInput()     {}
func (Relocked) isInput()   {}
func (Scheduled) isInput()  {}
func (LockedDown) isInput() {}
func (Fired) isInput()      {}
func (Held) isInput()       {}
func (Configured) isInput() {}

// Contact is the door position.
type Contact int

// Door positions. Unknown stands before the first report, without a contact, and
// while its line is cut or shorted.
const (
	Unknown Contact = iota
	Closed
	Open
)

func (c Contact) String() string { return [...]string{"unknown", "closed", "open"}[c] }

// Hold is a technician's hold.
type Hold int

// The holds.
const (
	NoHold Hold = iota
	HoldReleased
	HoldSecured
)

func (h Hold) String() string { return [...]string{"none", "released", "secured"}[h] }

// Cause is why the lock is as it is.
type Cause int

// The causes, the stronger first.
const (
	ByFire Cause = iota
	ByREX
	ByLoop
	ByLockdown
	ByHold
	ByGrant
	BySchedule
	AtRest
)

func (c Cause) String() string {
	return [...]string{"fire", "rex", "loop", "lockdown", "hold", "grant", "schedule", "rest"}[c]
}
