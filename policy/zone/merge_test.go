package zone_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"doord/policy"
	"doord/policy/zone"
)

// anyShared draws what a controller may know, with overrides that the service has
// numbered: one number is one override.
func anyShared(t *rapid.T, name string) zone.Shared {
	when := func(what string) time.Time {
		return monday.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, name+" "+what)) * time.Minute)
	}
	s := zone.Shared{ViolatedAt: when("violated"), ResetAt: when("reset")}
	if n := rapid.IntRange(0, 6).Draw(t, name+" order"); n > 0 {
		s.Override = zone.Override{Order: uint64(n), Until: monday.Add(time.Duration(n-3) * time.Minute),
			Level: []policy.ZoneLevel{policy.Away, policy.Stay, policy.Disarmed, ""}[n%4]}
	}
	return s
}

// What controllers know after they have met depends neither on who met whom first
// nor on how often.
func TestMeetingInAnyOrderComesToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyShared(t, "a"), anyShared(t, "b"), anyShared(t, "c")
		ab := a.Merge(b, monday)
		if ba := b.Merge(a, monday); ab != ba {
			t.Fatalf("a with b: %+v\nb with a: %+v", ab, ba)
		}
		if again := ab.Merge(b, monday); ab != again {
			t.Fatalf("once: %+v\ntwice: %+v", ab, again)
		}
		if l, r := ab.Merge(c, monday), a.Merge(b.Merge(c, monday), monday); l != r {
			t.Fatalf("(a b) c: %+v\na (b c): %+v", l, r)
		}
	})
}

func TestMerge(t *testing.T) {
	soon, late, over := monday.Add(time.Minute), monday.Add(time.Hour), monday.Add(-time.Minute)
	override := func(level policy.ZoneLevel, until time.Time, order uint64) zone.Shared {
		return zone.Shared{Override: zone.Override{Level: level, Until: until, Order: order}}
	}
	for _, c := range []struct {
		name       string
		a, b, want zone.Shared
	}{
		{"the later override stands", override("away", late, 1), override("stay", soon, 2), override("stay", soon, 2)},
		{"an override that has ended never does", override("away", over, 2), override("stay", late, 3), override("stay", late, 3)},
		{"nor does the one before it", override("away", late, 1), override("stay", over, 2), override("", time.Time{}, 2)},
		{"of two that have ended there is none", override("away", over, 1), override("stay", over, 2), override("", time.Time{}, 2)},
		{"who takes it for ended too early does not end it", override("away", late, 2), override("", time.Time{}, 2), override("away", late, 2)},
		{"one that ended before the service knew of it says nothing", override("away", over, 0), override("stay", late, 1), override("stay", late, 1)},
		{"nor about one that has ended, too", override("away", over, 0), override("stay", over, 1), override("", time.Time{}, 1)},
		{"what the service does not know of comes after what has ended", override("away", late, 0), override("stay", over, 1), override("away", late, 0)},
		{"one that the service does not know of is the latest", override("away", late, 0), override("stay", late, 7), override("away", late, 0)},
		{"it takes the number that the service gave it", override("away", late, 0), override("away", late, 7), override("away", late, 7)},
		{"a cancelling is an override too", override("away", late, 1), override("", late, 2), override("", late, 2)},
		{"of two that it does not know of the stricter stands", override("stay", late, 0), override("away", soon, 0), override("away", soon, 0)},
		{"a violation after the reset counts", zone.Shared{ViolatedAt: soon}, zone.Shared{ResetAt: monday}, zone.Shared{ViolatedAt: soon, ResetAt: monday}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.a.Merge(c.b, monday); got != c.want {
				t.Errorf("got %+v", got)
			}
			if got := c.b.Merge(c.a, monday); got != c.want {
				t.Errorf("the other way round %+v", got)
			}
		})
	}
}
