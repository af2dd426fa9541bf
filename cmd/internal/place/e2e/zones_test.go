package e2e

import (
	"testing"
	"time"

	"doord/policy"
)

// After a restore the service counts overrides on from where the backup was: what it
// then says must still be later than what controllers know.
func TestALaterOverrideStandsAfterARestore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, _, _, _ := newHouse(t)
		backup := s.backup()
		for range 3 {
			s.ok(t, "POST", path("/zones/%d/override", s.zone), `{"zone":{"level":"stay","duration":36000}}`)
			s.pass(time.Minute)
			s.ok(t, "POST", path("/zones/%d/override", s.zone), `{"zone":{"level":"disarmed","duration":36000}}`)
			s.pass(time.Minute)
		}
		s.levels("disarmed", false)
		s.restore(backup, true)
		s.pass(6 * time.Minute)
		s.levels("disarmed", false) // controllers know better than the backup
		s.ok(t, "POST", path("/zones/%d/override", s.zone), `{"zone":{"level":"away","duration":36000}}`)
		s.pass(time.Minute)
		s.levels("away", false)
		if got := s.shared().Override.Level; got != policy.Away {
			t.Errorf("the service has %s", got)
		}
	})
}

// What came on a stream before the service went back says nothing about after.
func TestAZoneThatTheServiceForgotIsToldAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, a, _, _ := newHouse(t)
		backup := s.backup()
		for range 4 {
			s.ok(t, "POST", path("/zones/%d/override", s.zone), `{"zone":{"level":"stay","duration":60}}`)
			s.pass(time.Minute)
		}
		s.ok(t, "POST", path("/zones/%d/override", s.zone), `{"zone":{"level":"stay","duration":1}}`)
		s.restore(backup, true) // within the moment that controllers rest between two looks
		s.pass(6 * time.Minute)
		s.ok(t, "POST", path("/zones/%d/override", s.zone), `{"zone":{"level":"disarmed","duration":3600}}`)
		s.pass(time.Minute)
		s.levels("disarmed", false)
		a.contact("front-contact", true)
		s.levels("disarmed", false)
	})
}

// A reset at the service holds, whichever clock is ahead.
func TestAResetHoldsWhereClocksDiffer(t *testing.T) {
	for name, behind := range map[string]time.Duration{"the service's is behind": 5 * time.Minute, "the service's is ahead": -5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, a, _, _ := newHouse(t)
				s.behind = behind
				a.contact("front-contact", true)
				s.pass(time.Second)
				s.levels("away", true)
				a.contact("front-contact", false)
				s.ok(t, "POST", path("/zones/%d/reset", s.zone), "")
				s.pass(time.Second)
				s.levels("away", false)
				s.cut()
				s.pass(time.Minute)
				s.levels("away", false)
				a.contact("front-contact", true) // and the next violation counts
				s.pass(time.Second)
				s.levels("away", true)
			})
		})
	}
}

// An override that another took the place of is over, also where a controller comes
// back that knows only the first, when the second has ended.
func TestAnOverrideThatWasReplacedDoesNotComeBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, _, _, _ := newHouse(t)
		s.ok(t, "POST", path("/zones/%d/override", s.zone), `{"zone":{"level":"disarmed","duration":36000}}`)
		s.pass(time.Minute)
		s.isolate("B")
		s.ok(t, "POST", path("/zones/%d/override", s.zone), `{"zone":{"level":"stay","duration":1800}}`)
		s.pass(time.Hour)
		if level, _ := s.units[0].level(); level != "away" {
			t.Errorf("A is %s", level)
		}
		s.join("B")
		s.pass(6 * time.Minute)
		s.levels("away", false)
	})
}
