package zone_test

import (
	"testing"
	"time"

	"doord/policy"
	"doord/policy/schedule"
	"doord/policy/zone"
)

// happening is an input so many minutes after Monday 00:00, and what the zone is then.
type happening struct {
	minutes  int
	in       zone.Input
	level    policy.ZoneLevel
	violated bool
}

func TestZone(t *testing.T) {
	person := func(level policy.ZoneLevel, minutes int) zone.Overridden {
		return zone.Overridden{Level: level, For: time.Duration(minutes) * time.Minute}
	}
	elsewhere := func(level policy.ZoneLevel, until int) zone.Met {
		return zone.Met{Shared: zone.Shared{Override: zone.Override{Level: level, Until: at(until).Wall, Order: 9}}}
	}
	for _, c := range []struct {
		name string
		life []happening
	}{
		{"an override ends by itself and the blocks decide again", []happening{
			{70, person(policy.Away, 10), policy.Away, false}, {79, nil, policy.Away, false}, {80, nil, policy.Stay, false}}},
		{"an override outlasts the block it was given in", []happening{
			{100, person(policy.Disarmed, 60), policy.Disarmed, false}, {130, nil, policy.Disarmed, false}, {160, nil, policy.Away, false}}},
		{"an override that is cancelled gives the zone back to its blocks", []happening{
			{70, person(policy.Away, 60), policy.Away, false}, {75, zone.Overridden{}, policy.Stay, false}, {125, nil, policy.Away, false}}},
		{"an override from elsewhere that has ended does nothing", []happening{{70, elsewhere(policy.Away, 70), policy.Stay, false}}},
		{"an override from elsewhere ends as one from here", []happening{
			{70, elsewhere(policy.Away, 80), policy.Away, false}, {80, nil, policy.Stay, false}}},
		{"each granted unlock disarms it for as long again", []happening{
			{190, zone.Accessed{}, policy.Disarmed, false}, {205, zone.Accessed{}, policy.Disarmed, false},
			{224, nil, policy.Disarmed, false}, {225, nil, policy.Away, false}}},
		{"a granted unlock disarms nothing in a block that does not yield", []happening{{130, zone.Accessed{}, policy.Away, false}}},
		{"what a person has armed does not yield to a granted unlock", []happening{
			{190, person(policy.Away, 30), policy.Away, false}, {191, zone.Accessed{}, policy.Away, false}}},
		{"what a person has put to stay is not disarmed by a granted unlock", []happening{
			{190, person(policy.Stay, 30), policy.Stay, false}, {191, zone.Accessed{}, policy.Stay, false}}},
		{"a violation stays when the zone is disarmed, until it is reset", []happening{
			{130, zone.Opened{}, policy.Away, true}, {310, nil, policy.Disarmed, true}, {320, zone.Opened{}, policy.Disarmed, true},
			{330, zone.Reset{}, policy.Disarmed, false}}},
		{"a reset that is older than the violation does not end it", []happening{
			{130, zone.Opened{}, policy.Away, true}, {131, zone.Met{Shared: zone.Shared{ResetAt: at(129).Wall}}, policy.Away, true}}},
		{"a reset counts though the clock was set back since the violation", []happening{
			{130, zone.Opened{}, policy.Away, true}, {125, zone.Reset{}, policy.Away, false}}},
		{"a violation counts though the clock was set back since the reset", []happening{
			{150, zone.Opened{}, policy.Away, true}, {151, zone.Reset{}, policy.Away, false}, {130, zone.Opened{}, policy.Away, true}}},
		{"staying, people may open doors", []happening{{70, zone.Opened{Exterior: true}, policy.Stay, false}}},
		{"staying, nobody comes from outside by forcing an interior door", []happening{{70, zone.Opened{Forced: true}, policy.Stay, false}}},
		{"staying, an exterior door that is forced violates it", []happening{{70, zone.Opened{Exterior: true, Forced: true}, policy.Stay, true}}},
		{"disarmed, nothing violates it", []happening{{30, zone.Opened{Exterior: true, Forced: true}, policy.Disarmed, false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := zone.Zone{Plan: plan()}
			for _, h := range c.life {
				z.Step(at(h.minutes), h.in)
				if z.State.Level != h.level || z.State.Violated() != h.violated {
					t.Fatalf("after %d minutes and %T it is %s, violated %t", h.minutes, h.in, z.State.Level, z.State.Violated())
				}
			}
		})
	}
}

func TestOfBlocksThatOverlapTheStrictestDecides(t *testing.T) {
	block := func(from, to schedule.Clock, level policy.ZoneLevel) policy.ZoneBlock {
		return policy.ZoneBlock{Level: level, Hours: policy.Hours{Weekdays: []string{"monday"}, Start: from, End: to}}
	}
	records := policy.Records{Zones: []policy.Zone{{ID: 1, Blocks: []policy.ZoneBlock{
		block(schedule.ClockAt(1, 0), schedule.ClockAt(5, 0), policy.Stay),
		block(schedule.ClockAt(2, 0), schedule.ClockAt(3, 0), policy.Away),
		block(schedule.ClockAt(2, 30), schedule.ClockAt(4, 0), policy.Stay),
	}}}}
	z := zone.Zone{Plan: &policy.Compile(&records, 1, "", time.UTC).Zones[0]}
	for _, c := range []struct {
		minutes int
		level   policy.ZoneLevel
	}{{59, policy.Disarmed}, {60, policy.Stay}, {120, policy.Away}, {150, policy.Away}, {180, policy.Stay}, {240, policy.Stay}, {300, policy.Disarmed}} {
		if z.Step(at(c.minutes), nil); z.State.Level != c.level {
			t.Errorf("after %d minutes it is %s, not %s", c.minutes, z.State.Level, c.level)
		}
	}
}

// Two controllers that were cut off when each was overridden agree when they meet.
func TestOfTwoOverridesToOneLevelThatNobodyNumberedTheLongerStands(t *testing.T) {
	short := zone.Shared{Override: zone.Override{Level: policy.Stay, Until: at(10).Wall}}
	long := zone.Shared{Override: zone.Override{Level: policy.Stay, Until: at(20).Wall}}
	if a, b := short.Merge(long, monday), long.Merge(short, monday); a != long || b != long {
		t.Errorf("%+v, the other way round %+v", a, b)
	}
}
