package zone_test

import (
	"fmt"
	"time"

	"doord/policy"
	"doord/policy/schedule"
	"doord/policy/zone"
)

var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// at is so many minutes after Monday 00:00.
func at(minutes int) policy.Now {
	d := time.Duration(minutes) * time.Minute
	return policy.Now{Up: time.Hour + d, Wall: monday.Add(d), WallSet: true}
}

// plan has a block of every kind on Monday: stay from 1:00, away from 2:00 that
// yields to nobody, away from 3:00 that access disarms, away from 4:00 to 5:00 that
// access puts to stay.
func plan() *policy.ZonePlan {
	block := func(hour int, level policy.ZoneLevel, on policy.OnAccess) policy.ZoneBlock {
		return policy.ZoneBlock{Level: level, OnAccess: on, OverrideDuration: 20 * 60,
			Hours: policy.Hours{Weekdays: []string{"monday"}, Start: schedule.ClockAt(hour, 0), End: schedule.ClockAt(hour+1, 0)}}
	}
	records := policy.Records{Zones: []policy.Zone{{ID: 1, Name: "zone", Blocks: []policy.ZoneBlock{
		block(1, policy.Stay, policy.OnAccessNone), block(2, policy.Away, policy.OnAccessNone),
		block(3, policy.Away, policy.OnAccessDisarm), block(4, policy.Away, policy.OnAccessStay),
	}}}}
	return &policy.Compile(&records, 1, "", time.UTC).Zones[0]
}

// inputs are all that can happen to a zone at a given time.
func inputs(now policy.Now) []zone.Input {
	until := now.Wall.Add(30 * time.Minute)
	return []zone.Input{
		nil,
		zone.Accessed{},
		zone.Overridden{Level: policy.Disarmed, For: 30 * time.Minute},
		zone.Overridden{Level: policy.Stay, For: 30 * time.Minute},
		zone.Overridden{Level: policy.Away, For: 30 * time.Minute},
		zone.Overridden{},
		zone.Opened{Exterior: true},
		zone.Opened{Exterior: true, Forced: true},
		zone.Opened{Forced: true},
		zone.Reset{},
		zone.Met{Shared: zone.Shared{ViolatedAt: now.Wall.Add(-time.Minute)}},
		zone.Met{Shared: zone.Shared{ResetAt: now.Wall.Add(-time.Minute)}},
		zone.Met{Shared: zone.Shared{Override: zone.Override{Level: policy.Away, Until: until, Order: 3}}},
		zone.Met{Shared: zone.Shared{Override: zone.Override{Level: policy.Stay, Until: until, Order: 2}}},
		zone.Met{Shared: zone.Shared{Override: zone.Override{Level: policy.Away, Until: now.Wall.Add(-time.Second), Order: 9}}},
	}
}

// broken checks what must hold of every step, and returns the rule that does not.
func broken(before zone.Zone, in zone.Input, events []policy.Event, after zone.Zone, now policy.Now) error {
	s, was := after.State, before.State
	o := s.Override
	told := map[policy.EventType]int{}
	for _, e := range events {
		told[e.Type]++
	}
	next, waits := after.Next(now)
	opened, opens := in.(zone.Opened)
	alarming := opens && (was.Level == policy.Away || was.Level == policy.Stay && opened.Exterior && opened.Forced)
	_, met := in.(zone.Met)
	switch {
	case s.Level != policy.Disarmed && s.Level != policy.Stay && s.Level != policy.Away:
		return fmt.Errorf("no level: %q", s.Level)
	case o.Until.After(now.Wall) && o.Level != "" && s.Level != o.Level:
		return fmt.Errorf("an override to %s leaves it %s", o.Level, s.Level)
	case o.Until.After(now.Wall) && (!waits || next.After(o.Until)):
		return fmt.Errorf("an override without an end")
	case waits && !next.After(now.Wall):
		return fmt.Errorf("the next change is not after now")
	case alarming && !s.Violated():
		return fmt.Errorf("a door opened %s, and it is not violated", was.Level)
	case was.Violated() && !s.Violated() && told[policy.ZoneReset] != 1:
		return fmt.Errorf("a violation ended without a reset")
	case !was.Violated() && s.Violated() && told[policy.ZoneViolate] != 1:
		return fmt.Errorf("a violation nobody was told of")
	case !was.Violated() && s.Violated() && !alarming && !met:
		return fmt.Errorf("a violation without a cause")
	case s.Level != was.Level && told[policy.ZoneActivate]+told[policy.ZoneTransition]+told[policy.ZoneOnAccess]+told[policy.ZoneOverride] == 0:
		return fmt.Errorf("from %s to %s, and nobody was told", was.Level, s.Level)
	case after.Denies(now) && s.Level != policy.Away:
		return fmt.Errorf("%s denies", s.Level)
	}
	return nil
}
