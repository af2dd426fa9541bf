package schedule

import (
	"testing"
	"time"
)

// typical is a plan of office hours with shifts, exceptions and two years of
// holidays.
func typical(t testing.TB) *Plan {
	return compile(t, "Europe/Berlin",
		"event 1 on mon tue wed thu 08:00 18:00",
		"event 2 on fri 08:00 16:00",
		"event 3 on sat 22:00 02:00",
		"event 4 from 2026-05-09T08:00:00Z to 2026-05-09T12:00:00Z",
		"event 5 days 2026-09-12 2026-09-13",
		"override 6 on wed 12:00 13:00",
		"override 7 holidays 2026-01-01 2026-04-03 2026-04-06 2026-05-01 2026-05-14 2026-05-25 2026-10-03 2026-12-25 2026-12-26"+
			" 2027-01-01 2027-03-26 2027-03-29 2027-05-01 2027-05-06 2027-05-17 2027-10-03 2027-12-25 2027-12-26",
		"override 8 days 2026-12-28 2026-12-31")
}

func TestQuestionsDoNotAllocate(t *testing.T) {
	p := typical(t)
	for _, at := range []string{"2026-06-10T10:00:00+02:00", "2026-03-29T02:00:00+01:00", "2026-12-25T10:00:00+01:00"} {
		now := instant(t, at)
		if n := testing.AllocsPerRun(100, func() {
			p.At(now)
			p.Next(now)
			p.Covering(now)
			p.Explain(now)
		}); n != 0 {
			t.Errorf("%v allocations at %s", n, at)
		}
	}
}

func TestYearOfWakes(t *testing.T) {
	p := typical(t)
	now, end := instant(t, "2026-01-01T00:00:00Z"), instant(t, "2027-01-01T00:00:00Z")
	wakes := 0
	for now.Before(end) {
		next, ok := p.Next(now)
		if !ok || !next.After(now) || p.At(next) == p.At(now) {
			t.Fatalf("Next(%s) is %v, %v", now, next, ok)
		}
		now = next
		wakes++
	}
	if wakes < 500 || wakes > 800 {
		t.Errorf("%d wakes in a year", wakes)
	}
}

func BenchmarkPlan(b *testing.B) {
	p := typical(b)
	for _, on := range []struct {
		name string
		at   time.Time
	}{
		{"open", instant(b, "2026-06-10T10:00:00+02:00")},
		{"closed", instant(b, "2026-06-10T23:00:00+02:00")},
		{"holiday", instant(b, "2026-12-25T10:00:00+01:00")},
		{"clocks change", instant(b, "2026-03-29T03:00:00+02:00")},
	} {
		b.Run("At/"+on.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.At(on.at)
			}
		})
		b.Run("Next/"+on.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Next(on.at)
			}
		})
		b.Run("Covering/"+on.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Covering(on.at)
			}
		})
		b.Run("Explain/"+on.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Explain(on.at)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	list := schedules(b, "event 1 on mon tue wed thu 08:00 18:00", "event 2 on sat 22:00 02:00", "override 3 holidays 2026-12-25 2026-12-26")
	loc := location(b, "Europe/Berlin")
	b.ReportAllocs()
	for b.Loop() {
		Compile(list, Unlock, loc)
	}
}
