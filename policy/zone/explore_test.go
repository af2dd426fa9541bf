package zone_test

import (
	"flag"
	"testing"
	"time"

	"doord/policy/zone"
)

var depth = flag.Int("depth", 4, "how many inputs in a row are explored, each of all that there are")

// Every state that a zone can reach in depth inputs, each at once or
// 25 minutes after the one before, obeys the rules, whatever the hour.
func TestEveryReachableStateObeysTheRules(t *testing.T) {
	type moment struct {
		state   zone.State
		minutes int
	}
	blocks := plan()
	var frontier []moment
	for _, minutes := range []int{30, 70, 130, 190, 230, 290} {
		z := zone.Zone{}
		z.Step(at(minutes), zone.Configured{Plan: blocks})
		frontier = append(frontier, moment{z.State, minutes})
	}
	seen := map[moment]bool{}
	for range *depth {
		var next []moment
		for _, m := range frontier {
			for _, pause := range []int{0, 25} {
				now := at(m.minutes + pause)
				for _, in := range inputs(now) {
					z := zone.Zone{Plan: blocks, State: m.state}
					z.Step(now, nil)
					before := z
					events := z.Step(now, in)
					if err := broken(before, in, events, z, now); err != nil {
						t.Fatalf("%v\nafter %T%+v at %v\nof %+v", err, in, in, now.Wall, before.State)
					}
					if after := (moment{z.State, m.minutes + pause}); !seen[after] {
						seen[after] = true
						next = append(next, after)
					}
				}
			}
		}
		frontier = next
	}
	t.Logf("%d states", len(seen))
	if len(seen) < 1000 {
		t.Errorf("only %d states", len(seen))
	}
}

// The level at each time of the day, without anything happening.
func TestLevelsOfTheDay(t *testing.T) {
	z := zone.Zone{Plan: plan()}
	for _, c := range []struct {
		minutes int
		level   string
		denies  bool
	}{
		{0, "disarmed", false}, {59, "disarmed", false}, {60, "stay", false}, {119, "stay", false}, {120, "away", true},
		{179, "away", true}, {180, "away", false}, {240, "away", false}, {299, "away", false}, {300, "disarmed", false},
	} {
		z.Step(at(c.minutes), nil)
		if string(z.State.Level) != c.level || z.Denies(at(c.minutes)) != c.denies {
			t.Errorf("after %d minutes: %s, denies %t", c.minutes, z.State.Level, z.Denies(at(c.minutes)))
		}
	}
}

// Without a clock the level stays what it was, and cannot be told.
func TestWithoutAClock(t *testing.T) {
	z := zone.Zone{Plan: plan()}
	z.Step(at(130), nil)
	unset := at(10)
	unset.WallSet = false
	z.Step(unset, zone.Overridden{Level: "disarmed", For: time.Hour})
	if z.State.Level != "away" || z.Known(unset) {
		t.Errorf("%s, known %t", z.State.Level, z.Known(unset))
	}
	if z.Step(unset, zone.Opened{}); !z.State.Violated() {
		t.Error("a door opened, and it is not violated")
	}
	if z.Step(unset, zone.Reset{}); z.State.Violated() {
		t.Error("reset, and it is still violated")
	}
	if bare := (zone.Zone{}); !bare.Known(unset) {
		t.Error("a zone that is never armed needs a clock")
	}
}
