package door

import (
	"time"

	"doord/policy"
)

func (d *Door) becomeContact(now policy.Now, to Contact) {
	was := d.State.Contact
	if was == to {
		return
	}
	d.State.Contact = to
	switch to {
	case Open:
		d.becomeOpen(now, was)
	case Closed:
		d.becomeClosed(now, was)
	case Unknown:
		d.becomeUnknown(now)
	}
}

func (d *Door) becomeOpen(now policy.Now, was Contact) {
	s := &d.State
	d.tell(now, policy.Event{Type: policy.LockOpened, Success: true})
	if was == Closed && !d.Released() && !s.Shunt && s.Silent == 0 && !s.Fire {
		s.Forced = true
		d.tell(now, policy.Event{Type: policy.LockForcedOpen, Success: true})
	}
	s.ShuntUntil = 0 // now the door's closing ends the shunt
	d.timeOpening(now)
	if s.GrantUntil != 0 {
		s.Entered = true
		if d.Settings.RelockOn == policy.RelockOpen && !d.Settings.OnePassage {
			d.endGrant()
		}
	}
	if was == Closed && !d.Settings.PassageInput {
		d.pass(now)
	}
}

// becomeUnknown takes a contact that cannot be seen any more. Its closing can end
// no shunt now, so the time does.
func (d *Door) becomeUnknown(now policy.Now) {
	d.clearOpening()
	if d.State.Shunt && !d.Released() {
		d.State.ShuntUntil = now.Up + ShuntGrace
	}
}

func (d *Door) becomeClosed(now policy.Now, was Contact) {
	s := &d.State
	if was == Open {
		d.tell(now, policy.Event{Type: policy.LockClosed, Success: true})
		s.Shunt, s.ShuntUntil = false, 0
	}
	d.clearOpening()
	if s.GrantUntil != 0 && s.Entered && d.Settings.RelockOn == policy.RelockClose && !d.Settings.OnePassage {
		d.endGrant()
	}
}

// clearOpening ends what an open door brings about.
func (d *Door) clearOpening() {
	s := &d.State
	s.HeldRuns, s.HeldSince, s.Warned, s.Alarmed, s.Forced = false, 0, false, false, false
}

// keptOpen reports whether somebody wants the door released for longer than a
// passage, so that standing open is no fault.
func (d *Door) keptOpen() bool {
	s := &d.State
	return s.Fire && d.Settings.ReleaseOnFire ||
		!s.LockedDown && (s.Hold == HoldReleased || s.Hold == NoHold && s.Scheduled)
}

// timeOpening starts the time of an open door anew, or stops it while the door
// is kept open.
func (d *Door) timeOpening(now policy.Now) {
	s := &d.State
	s.HeldRuns = s.Contact == Open && !d.keptOpen()
	s.HeldSince, s.Warned, s.Alarmed = 0, false, false
	if s.HeldRuns {
		s.HeldSince = now.Up
	}
}

// warnAt and alarmAt are when an open door is warned about and when it alarms.
func (d *Door) warnAt() (time.Duration, bool) {
	s := &d.State
	return s.HeldSince + d.Settings.HeldOpen - d.Settings.PreAlarm,
		s.HeldRuns && d.Settings.HeldOpen > 0 && d.Settings.PreAlarm > 0 && !s.Warned && !s.Alarmed
}

func (d *Door) alarmAt() (time.Duration, bool) {
	s := &d.State
	return s.HeldSince + d.Settings.HeldOpen, s.HeldRuns && d.Settings.HeldOpen > 0 && !s.Alarmed
}
