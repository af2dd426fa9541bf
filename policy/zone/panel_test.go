package zone_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"doord/policy"
	"doord/policy/zone"
)

// What a panel tells is the level, and its alarm the violation, whatever else is said
// about the zone and whether or not there is a clock.
func TestAPanelDecidesTheLevel(t *testing.T) {
	all := []policy.PanelSignal{policy.SignalAway, policy.SignalStay, policy.SignalDisarmed, policy.SignalViolated}
	rapid.Check(t, func(t *rapid.T) {
		p := &policy.ZonePlan{Zone: policy.Zone{ID: 1, Name: "zone", Source: policy.SourcePanel}, Key: rapid.Bool().Draw(t, "key"),
			Signals: rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 4, rapid.ID).Draw(t, "signals")}
		z, active := zone.Zone{}, map[policy.PanelSignal]bool{}
		z.Step(at(0), zone.Configured{Plan: p})
		for n := range rapid.IntRange(1, 60).Draw(t, "steps") {
			now := at(n)
			now.WallSet = rapid.Bool().Draw(t, "clock set")
			in := rapid.SampledFrom(inputs(now)).Draw(t, "input")
			if rapid.Bool().Draw(t, "signal") {
				s := zone.Panelled{Signal: rapid.SampledFrom(all).Draw(t, "which"), On: rapid.Bool().Draw(t, "on")}
				in, active[s.Signal] = s, s.On && slices.Contains(p.Signals, s.Signal)
			}
			was := z.State.Level
			events := z.Step(now, in)
			level := z.State.Level
			switch {
			case active[policy.SignalAway] && level != policy.Away:
				t.Fatalf("the panel is away, the zone %q", level)
			case !active[policy.SignalAway] && active[policy.SignalStay] && level != policy.Stay:
				t.Fatalf("the panel stays, the zone is %q", level)
			case !active[policy.SignalAway] && !active[policy.SignalStay] && active[policy.SignalDisarmed] && level != policy.Disarmed:
				t.Fatalf("the panel is disarmed, the zone %q", level)
			case z.State.Violated() != active[policy.SignalViolated]:
				t.Fatalf("violated %t, the panel's alarm is %t, after %T%+v", z.State.Violated(), active[policy.SignalViolated], in, in)
			case z.State.Override != zone.Override{}:
				t.Fatalf("an override: %+v", z.State.Override)
			case !z.Known(now) || z.Denies(now) != (level == policy.Away):
				t.Fatalf("known %t, denies %t while %q", z.Known(now), z.Denies(now), level)
			case level != was && was != "" && len(events) == 0:
				t.Fatalf("from %q to %q, and nobody was told", was, level)
			}
		}
	})
}

// A panel of which only one output is wired is read as far as it goes.
func TestAPanelOfFewWords(t *testing.T) {
	for _, c := range []struct {
		wired policy.PanelSignal
		off   policy.ZoneLevel
		on    policy.ZoneLevel
	}{{policy.SignalAway, policy.Disarmed, policy.Away}, {policy.SignalStay, policy.Disarmed, policy.Stay}, {policy.SignalDisarmed, policy.Away, policy.Disarmed}} {
		z := zone.Zone{}
		z.Step(at(0), zone.Configured{Plan: &policy.ZonePlan{Zone: policy.Zone{Source: policy.SourcePanel}, Signals: []policy.PanelSignal{c.wired}}})
		if z.State.Level != c.off {
			t.Errorf("%s, at rest: %q, want %q", c.wired, z.State.Level, c.off)
		}
		z.Step(at(1), zone.Panelled{Signal: c.wired, On: true})
		if z.State.Level != c.on {
			t.Errorf("%s, active: %q, want %q", c.wired, z.State.Level, c.on)
		}
	}
}
