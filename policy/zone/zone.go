package zone

import (
	"cmp"
	"time"

	"doord/policy"
)

// State is all that a zone remembers.
type State struct {
	Shared
	Level policy.ZoneLevel `json:"level,omitempty"` // in force, or last known; "": never known
	Panel Panel            `json:"panel,omitempty"` // what an alarm panel tells
}

// Zone is one zone. Its zero value has no blocks: it is disarmed.
type Zone struct {
	ID     int64 // names it in events
	Plan   *policy.ZonePlan
	State  State
	events []policy.Event
}

// Step brings the level up to date with the wall clock and then takes the input;
// nil only does the former. It returns what happened.
func (z *Zone) Step(now policy.Now, in Input) []policy.Event {
	z.events = nil
	if in, ok := in.(Configured); ok {
		z.Plan = in.Plan // before the level: the blocks of old are no more
		z.forget()
	}
	z.settle(now)
	switch in := in.(type) {
	case Accessed:
		z.access(now, in)
	case Overridden:
		z.override(now, in)
	case Opened:
		z.open(now, in)
	case Reset:
		z.reset(now, in)
	case Met:
		z.meet(now, in.Shared)
	case Panelled:
		z.sense(now, in)
	case Configured:
	}
	return z.events
}

// Next returns the first civil time after now at which the level may change, and
// whether there is one.
func (z *Zone) Next(now policy.Now) (next time.Time, ok bool) {
	earlier := func(t time.Time, due bool) {
		if due && (!ok || t.Before(next)) {
			next, ok = t, true
		}
	}
	earlier(z.State.Override.Until, z.State.Override.lasts(now.Wall))
	if z.Plan != nil {
		for _, p := range z.Plan.Plans {
			earlier(p.Next(now.Wall))
		}
	}
	return next, ok
}

// Known reports whether the level can be told: it takes the wall clock to tell it
// of a zone that is ever armed.
func (z *Zone) Known(now policy.Now) bool {
	return now.WallSet || z.Plan == nil || z.panelled() || len(z.Plan.Blocks) == 0 && z.State.Override.Until.IsZero()
}

// Denies reports whether the zone lets nobody in: it is away, and no access
// overrides that.
func (z *Zone) Denies(now policy.Now) bool {
	_, yields := z.onAccess(now)
	if z.panelled() {
		yields = z.Plan.OnAccess == policy.OnAccessDisarm
	}
	return z.State.Level == policy.Away && !yields
}

// block returns the strictest block that runs, or nil.
func (z *Zone) block(now policy.Now) *policy.ZoneBlock {
	var strictest *policy.ZoneBlock
	if z.Plan == nil {
		return nil
	}
	for i := range z.Plan.Blocks {
		b := &z.Plan.Blocks[i]
		if (strictest == nil || rank(b.Level) > rank(strictest.Level)) && z.Plan.Plans[i].At(now.Wall) {
			strictest = b
		}
	}
	return strictest
}

// onAccess returns the override that a granted unlock brings about now, or makes
// last longer. What a block has armed yields to it, what a person has does not.
func (z *Zone) onAccess(now policy.Now) (Override, bool) {
	b := z.block(now)
	if b == nil || !now.WallSet {
		return Override{}, false
	}
	level, ok := b.OnAccess.Level()
	if o := z.State.Override; o.lasts(now.Wall) && o.Level != "" && o.Level != level {
		return Override{}, false
	}
	until := now.Wall.Add(b.OverrideDuration.Duration()).UTC()
	return Override{Level: level, Until: until}, ok && rank(level) < rank(b.Level)
}

// settle makes the level what it is by the calendar.
func (z *Zone) settle(now policy.Now) {
	if !now.WallSet && !z.panelled() {
		return
	}
	level := policy.Disarmed
	if z.panelled() {
		level = z.panelLevel()
	} else if o := z.State.Override; o.lasts(now.Wall) && o.Level != "" {
		level = o.Level
	} else if b := z.block(now); b != nil {
		level = b.Level
	}
	was := z.State.Level
	z.State.Level = level
	switch {
	case was == level || was == "" && !level.Armed():
	case !was.Armed():
		z.tell(now, policy.Event{Type: policy.ZoneActivate, Success: true, Detail: string(level)})
	default:
		z.tell(now, policy.Event{Type: policy.ZoneTransition, Success: true, Detail: string(level)})
	}
}

func (z *Zone) access(now policy.Now, in Accessed) {
	if z.panelled() && z.State.Level.Armed() && z.Plan.OnAccess == policy.OnAccessDisarm && z.Plan.Key {
		z.tell(now, policy.Event{Type: policy.ZoneOnAccess, Actor: in.By, Success: true, Detail: string(policy.Disarmed)})
		return
	}
	if o, ok := z.onAccess(now); ok && !(o.Level == z.State.Level && z.State.Override.lasts(o.Until)) {
		z.become(now, o, policy.Event{Type: policy.ZoneOnAccess, Actor: in.By})
	}
}

func (z *Zone) override(now policy.Now, in Overridden) {
	e := policy.Event{Type: policy.ZoneOverride, Actor: in.By, Detail: cmp.Or(string(in.Level), "blocks")}
	switch o := z.State.Override; {
	case z.panelled():
		z.ask(now, in)
	case !now.WallSet:
		e.Reason = policy.ClockNotSet
		z.tell(now, e)
	case in.Level != "":
		z.become(now, Override{Level: in.Level, Until: now.Wall.Add(in.For).UTC()}, e)
	case o.lasts(now.Wall):
		// The cancelling lasts as long as what it cancels: others must learn of it.
		z.State.Override = Override{Until: o.Until}
		e.Success = true
		z.tell(now, e)
		z.settle(now)
	}
}

// become puts an override in force and tells of it.
func (z *Zone) become(now policy.Now, o Override, e policy.Event) {
	z.State.Override, z.State.Level = o, o.Level
	e.Success, e.Detail, e.Until = true, string(o.Level), now.Up+o.Until.Sub(now.Wall)
	z.tell(now, e)
}

// open takes a door that opened: away nobody may be there, staying nobody may come
// by force.
func (z *Zone) open(now policy.Now, in Opened) {
	s := &z.State
	if z.panelled() {
		return // the panel sees to that
	}
	if s.Level != policy.Away && !(s.Level == policy.Stay && in.Exterior && in.Forced) {
		return
	}
	if s.Violated() {
		return
	}
	s.ViolatedAt = after(now, s.ResetAt)
	z.tell(now, policy.Event{Type: policy.ZoneViolate, Success: true, Actor: in.Door, Detail: string(s.Level)})
}

func (z *Zone) reset(now policy.Now, in Reset) {
	s := &z.State
	if z.panelled() && s.Panel.on(policy.SignalViolated) {
		z.tell(now, policy.Event{Type: policy.ZoneReset, Actor: in.By, Reason: policy.PanelDecides})
		return
	}
	if s.Violated() {
		s.ResetAt = after(now, s.ViolatedAt)
		z.tell(now, policy.Event{Type: policy.ZoneReset, Success: true, Actor: in.By})
	}
}

// after returns the civil time, or if a clock was wrong the first after t.
func after(now policy.Now, t time.Time) time.Time {
	return latest(now.Wall.UTC(), t.Add(1))
}

func (z *Zone) meet(now policy.Now, other Shared) {
	if z.panelled() {
		return // only this controller sees the panel
	}
	s := &z.State
	violated := s.Violated()
	s.Shared = s.Merge(other, now.Wall)
	switch {
	case s.Violated() && !violated:
		z.tell(now, policy.Event{Type: policy.ZoneViolate, Success: true, Detail: "elsewhere"})
	case violated && !s.Violated():
		z.tell(now, policy.Event{Type: policy.ZoneReset, Success: true, Detail: "elsewhere"})
	}
	z.settle(now)
}

// tell records an event of the zone.
func (z *Zone) tell(now policy.Now, e policy.Event) {
	e.At, e.Object = now, policy.Ref{Type: "zone", ID: z.ID}
	if z.Plan != nil {
		e.Object.Name = z.Plan.Name
	}
	z.events = append(z.events, e)
}
