package zone

import (
	"slices"

	"doord/policy"
)

// Panelled is a signal of the alarm panel that arms the zone.
type Panelled struct {
	Signal policy.PanelSignal
	On     bool
}

func (Panelled) isInput() {}

// signals are the bits of Panel, by their place.
var signals = []policy.PanelSignal{policy.SignalAway, policy.SignalStay, policy.SignalDisarmed, policy.SignalViolated}

// Panel is the signals of an alarm panel that are active, a bit each.
type Panel uint8

func bit(s policy.PanelSignal) Panel { return 1 << slices.Index(signals, s) }

func (p Panel) on(s policy.PanelSignal) bool { return p&bit(s) != 0 }

// panelled reports whether a panel arms the zone.
func (z *Zone) panelled() bool { return z.Plan != nil && z.Plan.Source == policy.SourcePanel }

func (z *Zone) wired(s policy.PanelSignal) bool { return slices.Contains(z.Plan.Signals, s) }

// panelLevel returns the level that the panel tells: of several the strictest. While
// it tells none, as on the way from one to another, the level stays; if it can only
// tell that it is disarmed, it is away while it does not.
func (z *Zone) panelLevel() policy.ZoneLevel {
	s := &z.State
	switch {
	case s.Panel.on(policy.SignalAway):
		return policy.Away
	case s.Panel.on(policy.SignalStay):
		return policy.Stay
	case s.Panel.on(policy.SignalDisarmed) || !z.wired(policy.SignalDisarmed):
		return policy.Disarmed
	case !z.wired(policy.SignalAway) && !z.wired(policy.SignalStay):
		return policy.Away
	case s.Level == "":
		return policy.Disarmed
	}
	return s.Level
}

// sense takes a signal of the panel. Its alarm is the zone's violation, for as long
// as it lasts there.
func (z *Zone) sense(now policy.Now, in Panelled) {
	s := &z.State
	if !z.panelled() || !z.wired(in.Signal) {
		return
	}
	s.Panel &^= bit(in.Signal)
	if in.On {
		s.Panel |= bit(in.Signal)
	}
	z.settle(now)
	switch alarm := s.Panel.on(policy.SignalViolated); {
	case alarm && !s.Violated():
		s.ViolatedAt = after(now, s.ResetAt)
		z.tell(now, policy.Event{Type: policy.ZoneViolate, Success: true, Detail: "panel"})
	case !alarm && s.Violated():
		s.ResetAt = after(now, s.ViolatedAt)
		z.tell(now, policy.Event{Type: policy.ZoneReset, Success: true, Detail: "panel"})
	}
}

// forget forgets what the panel told by inputs that are no more.
func (z *Zone) forget() {
	if !z.panelled() {
		z.State.Panel = 0
		return
	}
	for _, s := range signals {
		if !z.wired(s) {
			z.State.Panel &^= bit(s)
		}
	}
}

// ask takes a person's wish for a level, which the key switch carries to the panel.
// It knows armed and disarmed: to what the panel arms is the panel's to decide.
func (z *Zone) ask(now policy.Now, in Overridden) {
	e := policy.Event{Type: policy.ZoneOverride, Actor: in.By, Detail: string(in.Level), Reason: policy.PanelDecides}
	if z.Plan.Key && (in.Level == policy.Disarmed || in.Level == policy.Away) {
		e.Success, e.Reason = true, ""
	}
	z.tell(now, e)
}
