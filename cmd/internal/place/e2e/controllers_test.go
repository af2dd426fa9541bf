package e2e

import (
	"context"
	"testing"
	"time"

	"doord/cmd/internal/api"
	"doord/policy"
)

// always is the hours of every day.
const always = `"weekdays":["monday","tuesday","wednesday","thursday","friday","saturday","sunday"],"start":"00:00","end":"24:00"`

// newHouse makes a place of three controllers whose doors are one zone: it is away
// around the clock, and whoever comes disarms it for an hour. The front doors are
// exterior, and unlocked by a schedule around the clock. Controller A has the siren.
func newHouse(t testing.TB) (s *site, a, b, c *unit) {
	t.Helper()
	s = newSite(t, "house", 3, 2, func(s *site) {
		doors := ""
		for _, u := range s.units {
			doors += path(`,{"lock_id":%d,"exterior":true},{"lock_id":%d}`, u.front, u.side)
		}
		s.zone = s.made(t, "/zones", `{"zone":{"name":"House","place_id":%d,"doors":[%s],"blocks":[{%s,"level":"away","override_on_access":"disarm","override_duration":3600}]}}`,
			s.place, doors[1:], always)
		s.made(t, "/controller_relay_connections", `{"controller_relay_connection":{"controller_id":%d,"channel":5,"type":"siren","zone_id":%d}}`, s.units[0].id, s.zone)
		for _, u := range s.units[1:] {
			s.made(t, "/scheduled_unlocks", `{"scheduled_unlock":{"name":"Open","lock_id":%d,"starts_at_date":"2000-01-01","ends_at_date":"2001-01-01"}}`, u.front)
		}
	})
	s.levels("away", false)
	return s, s.units[0], s.units[1], s.units[2]
}

// levels checks how the zone is at all controllers.
func (s *site) levels(level string, violated bool) {
	s.Helper()
	for _, u := range s.units {
		if got, is := u.level(); got != level || is != violated {
			s.Errorf("%s: the zone is %s, violated %t; not %s, %t", u.name, got, is, level, violated)
		}
	}
}

// override has a technician put the zone to a level, at one controller.
func (s *site) override(u *unit, level policy.ZoneLevel, length time.Duration) {
	s.Helper()
	if _, err := u.server.ZoneCommand(context.Background(), s.zone, api.ZoneCommand{Action: "override", Level: level, For: length.Seconds()}); err != nil {
		s.Fatal(err)
	}
	s.pass(time.Millisecond)
}

func TestAnUnlockAtOneControllerStartsScheduledUnlocksAtTheOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a, b, c := newHouse(t)
		b.released()
		c.released()
		if !a.tap("front", s.cards[0].number) {
			t.Fatal("it is not admitted")
		}
		a.released(front)
		s.pass(time.Second)
		s.levels("disarmed", false)
		b.released(front)
		c.released(front)
		a.happened("lock.unlock front granted", "zone.policy_override House member:")
		b.happened("lock.scheduled_unlock_started front")
		s.pass(59 * time.Minute)
		c.released(front)
		s.pass(time.Minute)
		s.levels("away", false)
		a.released()
		b.released()
		c.released()
		s.agreed()
	})
}

func TestAControllerThatIsCutOffGoesOnWithWhatItKnows(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a, b, c := newHouse(t)
		s.isolate("C")
		a.tap("front", s.cards[0].number)
		s.pass(time.Second)
		b.released(front)
		c.released() // it knows of nothing, and is away
		if level, _ := c.level(); level != "away" {
			t.Errorf("C is %s", level)
		}
		s.pass(10 * time.Minute)
		s.join("C")
		s.pass(2 * time.Minute)
		s.levels("disarmed", false)
		c.released(front) // for what is left of the hour
		s.isolate("C")
		s.pass(47 * time.Minute)
		c.released(front)
		s.pass(2 * time.Minute) // by its own clock the hour is over
		c.released()
		s.levels("away", false)
		if !c.tap("front", s.cards[1].number) {
			t.Error("C does not admit by what it knows")
		}
		s.pass(10 * time.Second)
		c.released(front) // it has disarmed the zone, as far as it can tell
		b.released()
		s.join("C")
		s.pass(6 * time.Minute)
		s.levels("disarmed", false)
		b.released(front)
		s.pass(time.Hour)
		s.levels("away", false)
		for _, u := range s.units {
			s.exactlyOnce(u)
		}
		s.agreed()
	})
}

func TestTwoControllersThatDisagreeMeet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a, b, c := newHouse(t)
		s.isolate("B", "C")
		s.override(c, policy.Stay, 3*time.Hour)
		s.pass(time.Minute)
		s.override(b, policy.Disarmed, 2*time.Hour)
		s.pass(time.Minute)
		if x, _ := b.level(); x != "disarmed" {
			t.Errorf("B is %s", x)
		}
		if x, _ := c.level(); x != "stay" {
			t.Errorf("C is %s", x)
		}
		// The order is the service's: who comes later, says the later word.
		s.join("B")
		s.pass(6 * time.Minute)
		if x, _ := a.level(); x != "disarmed" {
			t.Errorf("A is %s after B came", x)
		}
		s.join("C")
		s.pass(6 * time.Minute)
		s.levels("stay", false)
		s.isolate("B")
		s.override(b, policy.Disarmed, 10*time.Minute)
		s.pass(15 * time.Minute) // that ended before anybody learned of it
		before := s.shared()
		s.join("B")
		s.pass(6 * time.Minute)
		s.levels("stay", false)
		if s.shared() != before {
			t.Errorf("the service took %+v for %+v", s.shared(), before)
		}
		s.pass(3 * time.Hour)
		s.levels("away", false)
	})
}

func TestAViolationIsEverybodysUntilItIsReset(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a, b, c := newHouse(t)
		s.isolate("B", "C")
		b.contact("front-contact", true) // away, and a door opens
		s.pass(time.Second)
		if _, violated := b.level(); !violated || a.board.Released(siren) {
			t.Error("B is not violated, or A knows of it")
		}
		b.contact("front-contact", false)
		s.pass(time.Minute)
		c.contact("side-contact", true)
		s.pass(10 * time.Minute)
		s.join("B")
		s.pass(6 * time.Minute)
		if !a.board.Released(siren) {
			t.Error("the siren is silent after B came")
		}
		s.ok(t, "POST", path("/zones/%d/reset", s.zone), "")
		s.pass(time.Second)
		if a.board.Released(siren) {
			t.Error("the siren sounds after the reset")
		}
		s.join("C") // its violation was before the reset
		s.pass(6 * time.Minute)
		s.levels("away", false)
		c.contact("side-contact", false)
		s.isolate("C")
		c.contact("side-contact", true)
		s.pass(time.Minute)
		s.join("C")
		s.pass(6 * time.Minute)
		s.levels("away", true)
		if !a.board.Released(siren) {
			t.Error("the siren is silent")
		}
		if _, err := b.server.ZoneCommand(t.Context(), s.zone, api.ZoneCommand{Action: "reset"}); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		s.levels("away", false)
		for _, u := range s.units {
			s.exactlyOnce(u)
		}
	})
}
