package schedule

import (
	"testing"
	"time"
)

// Both conversions keep the order of local times, and come out where the clocks
// show the local time or have just skipped it.
func TestZoneIsOrderly(t *testing.T) {
	for _, place := range changes {
		loc := location(t, place.zone)
		for _, on := range place.dates {
			middle := date(t, on).local()
			var before, after int64 = ever, ever
			for local := middle - 2*day; local < middle+3*day; local += 5 * 60 {
				z := zoneAt(loc, middle)
				first, last := z.first(local), z.last(local)
				if first > last || first < before || last < after {
					t.Fatalf("%s, %s: [%d, %d] after [%d, %d]", place.zone, time.Unix(local, 0).UTC(), first, last, before, after)
				}
				if shown := first + zoneAt(loc, first).offset; shown < local || shown > local && first != last {
					t.Fatalf("%s, %s: shown at the first occurrence is %s", place.zone, time.Unix(local, 0).UTC(), time.Unix(shown, 0).UTC())
				}
				before, after = first, last
			}
		}
	}
}

func TestZonesFollowEachOther(t *testing.T) {
	end := date(t, "2110-01-01").local()
	for _, place := range changes {
		loc := location(t, place.zone)
		z := zoneAt(loc, date(t, "1900-01-01").local())
		for z.to < end {
			next := zoneAt(loc, z.to)
			if next.from > z.to || next.to <= z.to || zoneAt(loc, z.to-1).offset != z.offset {
				t.Fatalf("%s: %v does not follow on %v at %s", place.zone, next, z, time.Unix(z.to, 0).UTC())
			}
			z = next
		}
	}
}

func TestLastDayOfALeapYearHasAZone(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "Australia/Sydney", "America/New_York"} {
		loc := location(t, name)
		for _, on := range []string{"2028-12-31", "2040-12-31", "2072-12-31"} {
			for at := date(t, on).local() - day; at < date(t, on).local()+2*day; at += 3600 {
				if z := zoneAt(loc, at); at < z.from || at >= z.to {
					t.Fatalf("%s: %s is outside of its zone", name, time.Unix(at, 0).UTC())
				}
			}
		}
	}
}
