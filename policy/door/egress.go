package door

import "doord/policy"

// press takes a request to exit. Nothing in the state keeps one that unlocks
// from releasing the door.
func (d *Door) press(now policy.Now, in Pressed) {
	if in.Active {
		d.tell(now, policy.Event{Type: policy.LockREX, Success: true, Detail: string(in.Action)})
	}
	bit := uint32(1) << (in.Input & 31)
	switch in.Action {
	case policy.REXUnlock, policy.REXLastToLeave:
		d.pressUnlocking(now, in, bit)
	case policy.REXShunt:
		d.pressShunting(now, in, bit)
	case policy.REXNone:
	}
}

func (d *Door) pressUnlocking(now policy.Now, in Pressed, bit uint32) {
	s := &d.State
	if in.Active {
		if s.REX == 0 {
			s.REXSince = now.Up
		}
		s.REX |= bit
		if !s.Stuck {
			s.Shunt, s.ShuntUntil = true, 0
		}
		return
	}
	if s.REX&bit == 0 {
		return
	}
	s.REX &^= bit
	s.Stuck = s.Stuck && s.REX != 0
	s.REXUntil = max(s.REXUntil, now.Up+in.For)
}

func (d *Door) pressShunting(now policy.Now, in Pressed, bit uint32) {
	s := &d.State
	if in.Active {
		s.Silent |= bit
		s.Shunt, s.ShuntUntil = true, 0
		return
	}
	s.Silent &^= bit
	if s.Shunt {
		s.ShuntUntil = max(s.ShuntUntil, now.Up+in.For)
	}
}

// becomeStuck reports a button that nobody can still be pressing. Its release
// stays; what it hid does not.
func (d *Door) becomeStuck(now policy.Now) {
	d.State.Stuck = true
	d.State.Shunt, d.State.ShuntUntil = false, 0
	d.tell(now, policy.Event{Type: policy.LockREXStuck, Success: true})
}
