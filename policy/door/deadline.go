package door

import (
	"time"

	"doord/policy"
)

// deadline is one thing that time alone brings about.
type deadline struct {
	at  func(*Door) (time.Duration, bool)
	act func(*Door, policy.Now)
}

// deadlines are all of them; of those due at the same time the first goes first.
var deadlines = [...]deadline{
	{(*Door).grantEnds, (*Door).expireGrant},
	{(*Door).rexEnds, (*Door).expireREX},
	{(*Door).exitEnds, (*Door).expireExit},
	{(*Door).holdEnds, (*Door).expireHold},
	{(*Door).shuntEnds, (*Door).expireShunt},
	{(*Door).stuckAt, (*Door).becomeStuck},
	{(*Door).warnAt, (*Door).warn},
	{(*Door).alarmAt, (*Door).alarm},
}

// next returns the earliest deadline.
func (d *Door) next() (due *deadline, at time.Duration) {
	for i := range deadlines {
		if t, ok := deadlines[i].at(d); ok && (due == nil || t < at) {
			due, at = &deadlines[i], t
		}
	}
	return due, at
}

// Wake returns the monotonic time of the next deadline, if there is one.
func (d *Door) Wake() (at time.Duration, ok bool) {
	due, at := d.next()
	return at, due != nil
}

// expire acts on the earliest deadline.
func (d *Door) expire(now policy.Now) {
	due, _ := d.next()
	due.act(d, now)
}

func (d *Door) grantEnds() (time.Duration, bool) {
	return d.State.GrantUntil, d.State.GrantUntil != 0
}

func (d *Door) expireGrant(now policy.Now) {
	unused := d.State.Permits > 0 && d.Settings.OnePassage && d.Settings.PassageInput
	if d.State.Contact == Closed && !d.State.Entered || unused {
		d.tell(now, policy.Event{Type: policy.LockGrantedNotEnter, Success: true, Actor: d.State.GrantedTo})
	}
	d.endGrant()
}

func (d *Door) rexEnds() (time.Duration, bool) {
	return d.State.REXUntil, d.State.REXUntil != 0 && d.State.REX == 0
}

func (d *Door) expireREX(policy.Now) { d.State.REXUntil = 0 }

func (d *Door) holdEnds() (time.Duration, bool) {
	return d.State.HoldUntil, d.State.HoldUntil != 0
}

func (d *Door) expireHold(now policy.Now) {
	d.State.Hold, d.State.HoldUntil = NoHold, 0
	d.tell(now, policy.Event{Type: policy.LockHold, Success: true, Detail: NoHold.String()})
}

func (d *Door) shuntEnds() (time.Duration, bool) {
	s := &d.State
	return s.ShuntUntil, s.ShuntUntil != 0 && s.Silent == 0 && s.Contact != Open && !d.Released()
}

func (d *Door) expireShunt(policy.Now) { d.State.Shunt, d.State.ShuntUntil = false, 0 }

func (d *Door) stuckAt() (time.Duration, bool) {
	return d.State.REXSince + StuckAfter, d.State.REX != 0 && !d.State.Stuck
}

func (d *Door) warn(now policy.Now) {
	d.State.Warned = true
	at, _ := d.alarmAt()
	d.tell(now, policy.Event{Type: policy.LockHeldOpenWarning, Success: true, Until: at})
}

func (d *Door) alarm(now policy.Now) {
	d.State.Alarmed = true
	d.tell(now, policy.Event{Type: policy.LockHeldOpen, Success: true})
}
