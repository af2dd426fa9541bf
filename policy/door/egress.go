package door

import "doord/policy"

// press takes a request to exit. Nothing in the state keeps one that unlocks
// from releasing the door.
func (d *Door) press(now policy.Now, in Pressed) {
	s := &d.State
	bit := uint32(1) << (in.Input & 31)
	if !in.Active {
		d.letGo(now, in, bit)
		return
	}
	d.tell(now, policy.Event{Type: policy.LockREX, Success: true, Detail: string(in.Action)})
	switch in.Action {
	case policy.REXUnlock, policy.REXLastToLeave:
		if s.REX == 0 {
			s.REXSince = now.Up
		}
		s.REX |= bit
		if !s.Stuck {
			s.Shunt, s.ShuntUntil = true, 0
		}
	case policy.REXShunt:
		s.Silent |= bit
		s.Shunt, s.ShuntUntil = true, 0
	case policy.REXNone:
	}
}

// letGo ends what the button did when it was pressed, whatever a new policy says
// that it does now.
func (d *Door) letGo(now policy.Now, in Pressed, bit uint32) {
	s := &d.State
	if s.REX&bit != 0 {
		s.REX &^= bit
		s.Stuck = s.Stuck && s.REX != 0
		s.REXUntil = max(s.REXUntil, now.Up+in.For)
	}
	if s.Silent&bit != 0 {
		s.Silent &^= bit
		if s.Shunt {
			s.ShuntUntil = max(s.ShuntUntil, now.Up+in.For)
		}
	}
}

// becomeStuck reports a button that nobody can still be pressing. Its release
// stays; what it hid does not.
func (d *Door) becomeStuck(now policy.Now) {
	d.State.Stuck = true
	d.State.Shunt, d.State.ShuntUntil = false, 0
	d.tell(now, policy.Event{Type: policy.LockREXStuck, Success: true})
}
