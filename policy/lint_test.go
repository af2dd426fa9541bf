package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"doord/policy"
	"doord/policy/schedule"
)

func TestLint(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(p *place)
		path   string
		say    string
	}{
		{"a door without a relay", func(*place) {}, "locks[0]", "no relay"},
		{"a door of no group", func(p *place) { p.records.GroupLocks = nil }, "locks[0]", "no group"},
		{"a time restriction without hours", func(p *place) { p.door().Time = true }, "locks[0].time_restriction_enabled", "denies everyone"},
		{"hours without a time restriction", func(p *place) { p.hours(schedule.Lock, 8, 18) }, "locks[0].time_restriction_enabled", "no effect"},
		{"a group's time restriction without hours", func(p *place) { p.group().Time = true }, "groups[0].time_restriction_enabled", "denies everyone"},
		{"a group's hours without a restriction", func(p *place) { p.hours(schedule.Group, 8, 18) }, "groups[0].time_restriction_enabled", "no effect"},
		{"a group that is over", func(p *place) { p.group().Validity = past }, "groups[0].valid_until", "admits nobody"},
		{"a group that opens nothing", func(*place) {}, "groups[1]", "opens no door"},
		{"a fence nowhere", func(p *place) {
			p.door().Geofence = true
			p.records.Place.Latitude, p.records.Place.Longitude = 0, 0
		}, "locks[0].geofence_restriction_enabled", "coordinates"},
		{"a door that holds people in", (*place).out, "locks[0]", "stays inside"},
		{"a release that is short", func(p *place) {
			p.records.RelayConnections = []policy.RelayConnection{{ID: 1, ControllerID: 1, Channel: 1, Type: policy.RelayLock, LockID: 1, Duration: 2}}
		}, "controller_relay_connections[0].duration", "at least 3 s"},
		{"first to arrive with nothing to start", func(p *place) {
			p.hours(schedule.Lock, 7, 9)
			p.records.Schedules[0].Consequence = schedule.FirstToArrive
		}, "locks[0]", "no unlock schedule"},
		{"first to arrive that ends too soon", func(p *place) {
			p.hours(schedule.Lock, 7, 9)
			p.hours(schedule.Lock, 8, 18)
			p.records.Schedules[0].Consequence, p.records.Schedules[1].Consequence = schedule.FirstToArrive, schedule.Unlock
		}, "locks[0]", "2026-03-09 09:00"},
		{"what the schedules' own linter finds", func(p *place) {
			p.hours(schedule.Lock, 8, 18)
			p.records.Schedules[0].Enabled = false
		}, "schedules[0].enabled", "no effect"},
		{"a tap at a Wiegand reader", func(p *place) {
			p.records.Readers = []policy.Reader{{ID: 1, Port: "osdp:1", Tap: true}, {ID: 2, Port: "wiegand:1"}, {ID: 3, Port: "wiegand:2", Tap: true}}
		}, "readers[2].tap_enabled", "cannot carry a tap"},
		{"a member of no group", func(p *place) { p.records.Members = []policy.Member{{ID: 7}} }, "members[0]", "in no group"},
		{"an assignment that is over", func(p *place) {
			p.records.RoleAssignments = []policy.RoleAssignment{{ID: 1, MemberID: 7, Validity: past}}
		}, "role_assignments[0].valid_until", "over"},
		{"a card that is over", func(p *place) { p.records.Credentials = []policy.Credential{{ID: 1, Validity: past}} }, "credentials[0].valid_until", "over"},
		{"a phone with one key", func(p *place) { p.records.Credentials = []policy.Credential{{ID: 1, Kind: policy.KindPhone}} }, "credentials[0].unlocked_public_key", "missing"},
		{"an alarm that nobody hears", func(p *place) { p.records.AlarmRules = []policy.AlarmRule{{ID: 1}} }, "alarm_rules[0]", "tells nobody"},
		{"a zone without an outside", func(p *place) {
			p.records.Zones = []policy.Zone{{ID: 1, Doors: []policy.ZoneDoor{{LockID: 1}}}}
		}, "zones[0].doors", "none is exterior"},
		{"an area that nobody leaves", func(p *place) { p.area(policy.AreaHard) }, "anti_passback_areas[0].out_reader_ids", "for good"},
		{"an interlock that sees nothing", (*place).interlock, "interlocks[0].lock_ids", "no contact"},
		{"an interlock of scheduled doors", func(p *place) {
			p.interlock()
			p.hours(schedule.Lock, 8, 18)
			p.hours(schedule.Lock, 8, 18)
			p.records.Schedules[0].Consequence, p.records.Schedules[1].Consequence = schedule.Unlock, schedule.Unlock
			p.records.Schedules[1].Scheduleable.ID = 2
		}, "interlocks[0].lock_ids", "only one at a time"},
		{"a PIN that always calls for help", func(p *place) {
			p.records.Credentials = []policy.Credential{{ID: 1, MemberID: 7, Kind: policy.KindPIN, PIN: "2468", Duress: true}}
		}, "credentials[0].duress", "every time"},
		{"a call for help that nobody hears", func(p *place) {
			p.records.Credentials = []policy.Credential{{ID: 1, MemberID: 7, Kind: policy.KindPIN, PIN: "2468", Duress: true}}
		}, "alarm_rules", "no rule has duress"},
		{"a turnstile that counts nobody", func(p *place) { p.door().Kind = policy.KindTurnstile }, "locks[0].kind", "nobody sees"},
		{"a gate without a loop", func(p *place) { p.door().Kind = policy.KindGate }, "locks[0].kind", "over a vehicle"},
		{"a stop without a relay", (*place).stop, "elevator_stops[0]", "never permitted"},
		{"a stop for nobody", func(p *place) { p.stop(); p.records.GroupStops = nil }, "elevator_stops[0]", "neither a group"},
		{"an elevator without a reader", func(p *place) { p.stop(); p.reader().ElevatorID = 0 }, "elevators[0]", "no reader"},
		{"a panel whose alarm nobody hears", func(p *place) {
			p.records.Zones = []policy.Zone{{ID: 1, Source: policy.SourcePanel, Doors: []policy.ZoneDoor{{LockID: 1}}}}
		}, "zones[0].source", "gone off"},
		{"a zone without doors", func(p *place) { p.records.Zones = []policy.Zone{{ID: 1}} }, "zones[0]", "no doors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := open()
			c.change(p)
			got := policy.Lint(&p.records, time.UTC, noon)
			if !slices.ContainsFunc(got, func(x policy.Problem) bool { return x.Path == c.path && strings.Contains(x.Text, c.say) }) {
				t.Errorf("want %s: …%s…; got\n%v", c.path, c.say, got)
			}
		})
	}
}

// The office of the golden traces: what it has is meant, but for these.
func TestLintOfASoundPolicy(t *testing.T) {
	r, err := policy.ParseRecords(office(t))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, x := range policy.Lint(&r, time.UTC, noon) {
		paths = append(paths, x.Path)
	}
	if want := []string{"schedules[5].ends_at", "locks[3]",
		"readers[0].tap_enabled", "readers[1].tap_enabled", "readers[3].tap_enabled", "readers[4].tap_enabled"}; !slices.Equal(paths, want) {
		t.Errorf("got %v, want %v", paths, want)
	}
}

func TestWeekOfADoor(t *testing.T) {
	p := open()
	p.hours(schedule.Lock, 8, 18)
	set := policy.Compile(&p.records, 1, "", time.UTC)
	week, ok := set.Week(1, schedule.Date{Year: 2026, Month: time.March, Day: 2})
	if !ok || len(week.Allow[0].Hours) != 1 || week.Allow[0].Hours[0].From != schedule.ClockAt(8, 0) || len(week.Allow[1].Hours) != 0 {
		t.Errorf("%v %t", week.Allow, ok)
	}
	if _, ok := set.Week(9, schedule.Date{Year: 2026, Month: time.March, Day: 2}); ok {
		t.Error("a door that there is not has a week")
	}
}
