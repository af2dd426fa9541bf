package door_test

import (
	"fmt"
	"slices"
	"time"

	"doord/policy"
	"doord/policy/door"
)

// settings are short times that differ, so that every order of deadlines occurs.
var settings = door.Settings{ReleaseOnFire: true, Duration: 5 * time.Second, RelockOn: policy.RelockOpen,
	HeldOpen: 20 * time.Second, PreAlarm: 8 * time.Second}

// inputs are all that can happen to a door.
var inputs = []door.Input{
	nil,
	door.Granted{By: policy.Ref{Type: "member", ID: 7}},
	door.Granted{Exit: true},
	door.Passed{},
	door.Looped{Input: 5, On: true},
	door.Looped{Input: 5},
	door.Pressed{Input: 1, Action: policy.REXUnlock, For: 4 * time.Second, Active: true},
	door.Pressed{Input: 1, Action: policy.REXUnlock, For: 4 * time.Second},
	door.Pressed{Input: 2, Action: policy.REXLastToLeave, For: 7 * time.Second, Active: true},
	door.Pressed{Input: 2, Action: policy.REXLastToLeave, For: 7 * time.Second},
	door.Pressed{Input: 3, Action: policy.REXShunt, For: 3 * time.Second, Active: true},
	door.Pressed{Input: 3, Action: policy.REXShunt, For: 3 * time.Second},
	door.Pressed{Input: 4, Action: policy.REXNone, Active: true},
	door.Contacted{Contact: door.Closed},
	door.Contacted{Contact: door.Open},
	door.Contacted{Contact: door.Unknown},
	door.Relocked{},
	door.Scheduled{On: true},
	door.Scheduled{},
	door.LockedDown{On: true},
	door.LockedDown{},
	door.Fired{On: true},
	door.Fired{},
	door.Held{Hold: door.HoldReleased, For: 10 * time.Second},
	door.Held{Hold: door.HoldSecured, For: 10 * time.Second},
	door.Held{},
}

// longest is the longest that anything timed lasts by the settings and inputs.
const longest = door.StuckAfter

// broken checks what must hold of every step, and returns the rule that does not.
func broken(before door.Door, in door.Input, events []policy.Event, after door.Door) error {
	s, up := &after.State, after.State.Last
	wake, waits := after.Wake()
	forced := slices.ContainsFunc(events, func(e policy.Event) bool { return e.Type == policy.LockForcedOpen })
	tailgate := slices.ContainsFunc(events, func(e policy.Event) bool { return e.Type == policy.LockTailgate })
	pressed, isPress := in.(door.Pressed)
	unlocks := isPress && pressed.Active && (pressed.Action == policy.REXUnlock || pressed.Action == policy.REXLastToLeave)
	switch {
	case unlocks && !after.Released():
		return fmt.Errorf("egress was refused")
	case s.REX != 0 && !after.Released():
		return fmt.Errorf("an active request to exit does not release")
	case s.Fire && after.Settings.ReleaseOnFire && !after.Released():
		return fmt.Errorf("fire does not release")
	case !before.Released() && after.Released() && isLoop(in):
		return fmt.Errorf("a vehicle opened the gate")
	case before.Released() && !after.Released() && s.Loop != 0:
		return fmt.Errorf("the gate closed on a vehicle")
	case s.Kept && s.Loop == 0:
		return fmt.Errorf("kept open for no vehicle")
	case s.Watch && s.GrantUntil == 0 && s.Contact != door.Open:
		return fmt.Errorf("watches a closed door")
	case after.Settings.OnePassage && (s.GrantUntil != 0 && s.Permits == 0 || s.ExitUntil != 0 && s.Exits == 0):
		return fmt.Errorf("released for one passage after it")
	case s.Exits > 0 && s.ExitUntil == 0 || s.Permits > 0 && !s.Watch:
		return fmt.Errorf("lets through without a grant")
	case tailgate && (before.Cause() == door.ByREX || before.Cause() == door.ByFire || before.Cause() == door.BySchedule):
		return fmt.Errorf("a tailgate where whoever comes may pass")
	case s.LockedDown && after.Released() && after.Cause() != door.ByFire && after.Cause() != door.ByREX && after.Cause() != door.ByLoop:
		return fmt.Errorf("entry under lockdown by %s", after.Cause())
	case s.LockedDown && (s.GrantUntil != 0 || s.Hold == door.HoldReleased):
		return fmt.Errorf("lockdown leaves a grant or a hold to release the door when it ends")
	case after.Released() && !caused(s):
		return fmt.Errorf("released without a cause")
	case forced && (before.Released() || before.State.Shunt || before.State.Silent != 0 || before.State.Fire):
		return fmt.Errorf("forced open under a shunt")
	case forced && before.State.Contact != door.Closed:
		return fmt.Errorf("forced open from %s", before.State.Contact)
	case s.Contact != door.Open && (s.HeldRuns || s.Warned || s.Alarmed || s.Forced):
		return fmt.Errorf("an alarm about a door that is not open")
	case waits && wake <= up:
		return fmt.Errorf("a deadline that is due was left: %v at %v", wake, up)
	case timed(&after) && (!waits || wake > up+longest):
		return fmt.Errorf("a timed release without an end")
	case s.Shunt && !after.Released() && s.Contact != door.Open && s.Silent == 0 && s.ShuntUntil == 0:
		return fmt.Errorf("a shunt without an end")
	}
	return nil
}

// caused reports whether something that still lasts releases the door.
func caused(s *door.State) bool {
	return s.Fire || s.Kept || s.REX != 0 || s.REXUntil > s.Last || s.ExitUntil > s.Last ||
		s.Hold == door.HoldReleased && s.HoldUntil > s.Last || s.GrantUntil > s.Last || s.Scheduled
}

// timed reports whether the door is released by something that time must end.
func timed(d *door.Door) bool {
	switch d.Cause() {
	case door.ByGrant, door.ByHold:
		return true
	case door.ByREX:
		return d.State.REX == 0
	case door.ByFire, door.ByLoop, door.ByLockdown, door.BySchedule, door.AtRest:
	}
	return false
}

func isLoop(in door.Input) bool {
	_, ok := in.(door.Looped)
	return ok
}

func at(up time.Duration) policy.Now {
	return policy.Now{Wall: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}.At(up)
}
