package door

import (
	"time"

	"doord/policy"
)

// MaxPermits bounds how many may go through one after the other by grants that were
// given at once.
const MaxPermits = 8

// permit lets one more go in. What grants before a closing allowed is over.
func (d *Door) permit(in Granted) {
	s := &d.State
	if !s.Watch {
		s.Permits, s.Several = 0, false
	}
	s.Several = s.Several || s.Permits > 0
	s.Watch, s.Permits, s.GrantedTo, s.Way = true, min(s.Permits+1, MaxPermits), in.By, in.Way
}

// leave lets somebody out who has no other way: it is like a request to exit, but
// for one where the door counts.
func (d *Door) leave(now policy.Now, in Granted) {
	s := &d.State
	s.Shunt, s.ShuntUntil = true, 0
	s.ExitUntil, s.ExitTo = max(s.ExitUntil, now.Up+d.Settings.Duration), in.By
	s.Exits = min(s.Exits+1, MaxPermits)
}

func (d *Door) exitEnds() (time.Duration, bool) {
	return d.State.ExitUntil, d.State.ExitUntil != 0
}

func (d *Door) expireExit(policy.Now) {
	d.State.ExitUntil, d.State.ExitTo, d.State.Exits = 0, policy.Ref{}, 0
}

// pass takes somebody who goes through: the door opens or, where it has one, its
// passage input says so. One more than was let in follows behind; but not where a
// schedule, a hold or fire lets in whoever comes, or somebody leaves.
func (d *Door) pass(now policy.Now) {
	s := &d.State
	e := policy.Event{Type: policy.LockPassage, Success: true}
	tailgate := false
	switch {
	case s.Exits > 0:
		e.Actor, e.Detail = s.ExitTo, string(policy.Out)
		if s.Exits--; s.Exits == 0 && d.Settings.OnePassage {
			d.expireExit(now)
			d.endShunt()
		}
	case s.Watch && s.Permits > 0:
		if !s.Several {
			e.Actor, e.Detail = s.GrantedTo, string(s.Way)
		}
		if s.Permits--; s.Permits == 0 && d.Settings.OnePassage {
			d.endGrant()
			d.endShunt()
		}
	default:
		alone := !d.Released() && d.Settings.OnePassage && d.Settings.PassageInput && !s.Shunt
		tailgate = !s.Fire && (alone || s.Watch && !d.free())
	}
	s.Passages++
	if d.Settings.PassageInput || d.Settings.OnePassage {
		d.tell(now, e)
	}
	if tailgate {
		d.tell(now, policy.Event{Type: policy.LockTailgate, Success: true, Actor: s.GrantedTo})
	}
}

// endShunt ends the shunt of a passage that no contact will end: whoever comes now
// was not let in.
func (d *Door) endShunt() {
	if d.State.Contact == Unknown && !d.Released() {
		d.State.Shunt, d.State.ShuntUntil = false, 0
	}
}

// free reports whether something lets through whoever comes.
func (d *Door) free() bool {
	switch d.Cause() {
	case ByFire, ByREX, BySchedule:
		return true
	case ByHold:
		return d.State.Hold == HoldReleased
	case ByLoop, ByLockdown, ByGrant, AtRest:
	}
	return false
}

// watch ends what a grant lets the door tell of passages: when the door is closed
// after it, or something lets through whoever comes.
func (d *Door) watch() {
	s := &d.State
	if d.free() && !d.Settings.OnePassage || s.GrantUntil == 0 && s.Contact != Open {
		s.Watch, s.Several, s.Permits, s.GrantedTo, s.Way = false, false, 0, policy.Ref{}, ""
	}
}

// loop takes a vehicle that comes to stand in a gate, or leaves it.
func (d *Door) loop(in Looped) {
	bit := uint32(1) << (in.Input & 31)
	d.State.Loop &^= bit
	if in.On {
		d.State.Loop |= bit
	}
}
