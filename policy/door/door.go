package door

import (
	"time"

	"doord/policy"
)

// Times that are the same at every door.
const (
	// StuckAfter is how long a request to exit may be active before it is stuck.
	StuckAfter = 60 * time.Second
	// ShuntGrace is how long a shunt outlives a release that nobody used.
	ShuntGrace = 2 * time.Second
)

// Settings are what the electrics and the policy say of a door.
type Settings struct {
	ReleaseOnFire bool          // a fail-safe lock, or a fail-secure one set to release
	Duration      time.Duration // of a grant
	RelockOn      policy.RelockOn
	HeldOpen      time.Duration // 0: never
	PreAlarm      time.Duration // before HeldOpen; 0: none
	OnePassage    bool          // a turnstile: a grant lets one through, whatever RelockOn says
	PassageInput  bool          // tells passages; without one an opening is a passage
}

// State is all that a door remembers. A deadline of 0 is not set.
type State struct {
	Last time.Duration // when the door was last stepped

	Contact    Contact
	Scheduled  bool
	LockedDown bool
	Fire       bool

	Hold      Hold
	HoldUntil time.Duration

	GrantUntil time.Duration
	GrantedTo  policy.Ref
	Way        policy.Direction // of the last grant's reader
	Entered    bool             // the door opened under the grant

	// Watch says that Permits of those who go through were let in, and any more were
	// not. It lasts from a grant until the door is closed after it.
	Watch    bool
	Several  bool // more than one grant: nobody knows whose passage is which
	Permits  int
	Passages uint64 // counted since the start

	Loop uint32 // loops that a vehicle stands on, a bit each
	Kept bool   // the gate is released for one alone

	REX      uint32        // buttons that are active and unlock, a bit each
	REXSince time.Duration // when the first of them became so
	REXUntil time.Duration // the release after the last was let go
	Stuck    bool

	// ExitUntil is when the release ends of those who were let out; Exits of them have
	// not gone yet.
	ExitUntil time.Duration
	ExitTo    policy.Ref // the last of them
	Exits     int

	// Shunt silences forced open until the door closes, or until ShuntUntil if
	// nobody opens it.
	Shunt      bool
	ShuntUntil time.Duration
	Silent     uint32 // buttons that are active and shunt only

	HeldRuns  bool // the door stands open and its time runs since HeldSince
	HeldSince time.Duration
	Warned    bool
	Alarmed   bool // held open
	Forced    bool
}

// Door is one door. Its zero value is a secured door without a contact.
type Door struct {
	Settings Settings
	State    State
	events   []policy.Event
}

// Released reports whether the lock is to be released.
func (d *Door) Released() bool {
	switch d.Cause() {
	case ByFire, ByREX, ByLoop, ByGrant, BySchedule:
		return true
	case ByHold:
		return d.State.Hold == HoldReleased
	case ByLockdown, AtRest:
		return false
	}
	return false
}

// Cause returns the strongest cause that applies.
func (d *Door) Cause() Cause {
	s := &d.State
	switch {
	case s.Fire && d.Settings.ReleaseOnFire:
		return ByFire
	case s.REX != 0 || s.REXUntil != 0 || s.ExitUntil != 0:
		return ByREX
	case s.Kept:
		return ByLoop
	case s.LockedDown:
		return ByLockdown
	case s.Hold != NoHold:
		return ByHold
	case s.GrantUntil != 0:
		return ByGrant
	case s.Scheduled:
		return BySchedule
	default:
		return AtRest
	}
}

// Step settles every deadline due at or before now, each at its own time, and
// then takes the input; nil only settles. It returns what happened.
func (d *Door) Step(now policy.Now, in Input) []policy.Event {
	d.events = nil
	for at, ok := d.Wake(); ok && at <= now.Up; at, ok = d.Wake() {
		// A deadline can lie before the last step if new settings made it so.
		d.State.Last = max(at, d.State.Last)
		d.transition(now.At(d.State.Last), d.expire)
	}
	d.State.Last = now.Up
	if in != nil {
		d.transition(now, func(now policy.Now) { d.take(now, in) })
	}
	return d.events
}

// transition runs one change and then draws what follows from it for the lock:
// the only place that looks at before and after.
func (d *Door) transition(now policy.Now, change func(policy.Now)) {
	released, kept := d.Released(), d.keptOpen()
	change(now)
	d.State.Kept = d.State.Loop != 0 && (d.State.Kept || released && !d.Released())
	d.watch()
	if released && !d.Released() {
		d.becomeSecured(now)
	}
	if kept != d.keptOpen() {
		d.timeOpening(now)
	}
}

func (d *Door) becomeSecured(now policy.Now) {
	if d.State.Shunt {
		d.State.ShuntUntil = max(d.State.ShuntUntil, now.Up+ShuntGrace)
	}
	d.tell(now, policy.Event{Type: policy.LockLocked, Success: true, Detail: d.Cause().String()})
}

func (d *Door) take(now policy.Now, in Input) {
	switch in := in.(type) {
	case Granted:
		d.becomeGranted(now, in)
	case Pressed:
		d.press(now, in)
	case Contacted:
		d.becomeContact(now, in.Contact)
	case Passed:
		if d.Settings.PassageInput {
			d.pass(now)
		}
	case Looped:
		d.loop(in)
	case Relocked:
		d.endGrant()
	case Scheduled:
		d.becomeScheduled(now, in.On)
	case LockedDown:
		d.becomeLockedDown(now, in.On)
	case Fired:
		d.State.Fire = in.On
	case Held:
		d.becomeHeld(now, in)
	case Configured:
		d.Settings = in.Settings
	}
}

func (d *Door) becomeGranted(now policy.Now, in Granted) {
	s := &d.State
	if in.Exit {
		d.leave(now, in)
		return
	}
	if s.LockedDown || s.Hold == HoldSecured {
		return // it would release the door when they end
	}
	s.Shunt, s.ShuntUntil = true, 0
	s.GrantUntil = now.Up + d.Settings.Duration
	d.permit(in)
	s.Entered = s.Contact == Open
}

// endGrant secures the door again, unless something else keeps it released.
func (d *Door) endGrant() {
	s := &d.State
	s.GrantUntil, s.Entered = 0, false
}

func (d *Door) becomeScheduled(now policy.Now, on bool) {
	if d.State.Scheduled == on {
		return
	}
	d.State.Scheduled = on
	kind := policy.ScheduledEnded
	if on {
		kind = policy.ScheduledStarted
	}
	d.tell(now, policy.Event{Type: kind, Success: true})
}

func (d *Door) becomeLockedDown(now policy.Now, on bool) {
	if d.State.LockedDown == on {
		return
	}
	d.State.LockedDown = on
	kind := policy.LockCancelLockdown
	if on {
		kind = policy.LockLockDown
		d.endGrant()
		d.State.Hold, d.State.HoldUntil = NoHold, 0
	}
	d.tell(now, policy.Event{Type: kind, Success: true})
}

func (d *Door) becomeHeld(now policy.Now, in Held) {
	s := &d.State
	e := policy.Event{Type: policy.LockHold, Success: true, Detail: in.Hold.String()}
	if in.Hold == HoldReleased && s.LockedDown {
		e.Success, e.Reason = false, policy.DoorLockedDown
		d.tell(now, e)
		return
	}
	s.Hold, s.HoldUntil = in.Hold, 0
	if in.Hold != NoHold {
		s.HoldUntil = now.Up + max(in.For, 1) // a hold always has an end
		e.Until = s.HoldUntil
	}
	if in.Hold == HoldSecured {
		d.endGrant()
	}
	d.tell(now, e)
}

// tell records an event at its own time.
func (d *Door) tell(now policy.Now, e policy.Event) {
	e.At = now
	d.events = append(d.events, e)
}
