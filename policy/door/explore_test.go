package door_test

import (
	"flag"
	"testing"
	"time"

	"doord/policy"
	"doord/policy/door"
)

var depth = flag.Int("depth", 5, "how many inputs in a row are explored, each of all that there are")

// Every state that a door can reach in depth inputs obeys the rules. States
// that differ only in when they are, not in what is due in which time, are one.
func TestEveryReachableStateObeysTheRules(t *testing.T) {
	for name, set := range map[string]func(*door.Settings){
		"open":          func(s *door.Settings) { s.RelockOn = policy.RelockOpen },
		"close":         func(s *door.Settings) { s.RelockOn = policy.RelockClose },
		"timeout":       func(s *door.Settings) { s.RelockOn = policy.RelockTimeout },
		"turnstile":     func(s *door.Settings) { s.OnePassage = true },
		"passage input": func(s *door.Settings) { s.OnePassage, s.PassageInput = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := door.Door{Settings: settings}
			set(&start.Settings)
			start.Step(at(time.Second), nil)
			seen := map[door.State]bool{}
			frontier := []door.Door{start}
			for range *depth {
				var next []door.Door
				for _, d := range frontier {
					for _, in := range inputs {
						for _, up := range moments(&d) {
							after := d
							before := settled(d, up)
							events := after.Step(at(up), in)
							if err := broken(before, in, events, after); err != nil {
								t.Fatalf("%v\nafter %T%+v at %v\nof %+v", err, in, in, up, d.State)
							}
							if key := relative(after.State); !seen[key] {
								seen[key] = true
								next = append(next, after)
							}
						}
					}
				}
				frontier = next
			}
		})
	}
}

// moments are when the next input comes: at once, and when the next deadline is due.
func moments(d *door.Door) []time.Duration {
	if wake, ok := d.Wake(); ok {
		return []time.Duration{d.State.Last, wake}
	}
	return []time.Duration{d.State.Last}
}

// settled is the door as the input finds it.
func settled(d door.Door, up time.Duration) door.Door {
	d.Step(at(up), nil)
	return d
}

// relative is the state with every time counted from now.
func relative(s door.State) door.State {
	for _, t := range []*time.Duration{&s.HoldUntil, &s.GrantUntil, &s.REXUntil, &s.ExitUntil, &s.ShuntUntil} {
		if *t != 0 {
			*t -= s.Last
		}
	}
	if s.REX != 0 {
		s.REXSince -= s.Last
	} else {
		s.REXSince = 0
	}
	if s.HeldRuns {
		s.HeldSince -= s.Last
	}
	s.Last, s.Passages = 0, 0
	return s
}
