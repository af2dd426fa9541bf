package schedule

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// twin answers the same questions as a Plan by looking at every minute of a
// window and at nothing else: slow and obvious. It starts margin minutes before
// the window and ends as much after, to see the events that reach into it.
type twin struct {
	loc       *time.Location
	begin     time.Time
	shown     []int // local time of every minute, counted as if it were UTC
	effective []bool
}

const margin = 3 * 24 * 60

func newTwin(list []Schedule, loc *time.Location, from time.Time, minutes int) *twin {
	tw := &twin{loc: loc, begin: from.Add(-margin * time.Minute)}
	for i := range minutes + 2*margin {
		at := tw.begin.Add(time.Duration(i) * time.Minute).In(loc)
		y, m, d := at.Date()
		tw.shown = append(tw.shown, int(time.Date(y, m, d, at.Hour(), at.Minute(), 0, 0, time.UTC).Unix()/60))
	}
	tw.effective = make([]bool, len(tw.shown))
	for _, override := range []bool{false, true} {
		for i := range list {
			if s := &list[i]; s.Enabled && s.Override == override && s.Consequence == Unlock {
				tw.mark(s, !override)
			}
		}
	}
	return tw
}

func (tw *twin) mark(s *Schedule, value bool) {
	set := func(from, to int) {
		for i := max(from, 0); i < min(to, len(tw.effective)); i++ {
			tw.effective[i] = value
		}
	}
	minutes := func(t time.Time) int { return int(t.Sub(tw.begin) / time.Minute) }
	switch s.Kind() {
	case Single:
		set(minutes(s.StartsAt), minutes(s.EndsAt))
	case AllDay:
		for i := range tw.shown {
			if d := tw.date(i); s.StartsAtDate.Compare(d) <= 0 && d.Compare(s.EndsAtDate) <= 0 {
				set(i, i+1)
			}
		}
	case HolidayCalendar:
		for i := range tw.shown {
			d := tw.date(i)
			if slices.ContainsFunc(s.Holidays, func(h Holiday) bool { return h.Date == d }) {
				set(i, i+1)
			}
		}
	case Recurring:
		last := tw.date(len(tw.shown) - 1)
		for d := tw.date(0).AddDays(1); d.Compare(last) < 0; d = d.AddDays(1) {
			on := map[time.Weekday]bool{time.Monday: s.Monday, time.Tuesday: s.Tuesday, time.Wednesday: s.Wednesday,
				time.Thursday: s.Thursday, time.Friday: s.Friday, time.Saturday: s.Saturday, time.Sunday: s.Sunday}
			if !on[d.Weekday()] {
				continue
			}
			midnight := int(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / 60)
			end := int(*s.EndsAtTime)
			if end <= int(*s.StartsAtTime) {
				end += 24 * 60
			}
			set(tw.occurrence(midnight+int(*s.StartsAtTime), slices.Index), tw.occurrence(midnight+end, lastIndex))
		}
	}
}

// occurrence returns the minute that shows the local time, the one that index
// prefers, or else the first that shows a later one.
func (tw *twin) occurrence(local int, index func([]int, int) int) int {
	if i := index(tw.shown, local); i >= 0 {
		return i
	}
	return slices.IndexFunc(tw.shown, func(shown int) bool { return shown > local })
}

func lastIndex(s []int, v int) int {
	for i := range slices.Backward(s) {
		if s[i] == v {
			return i
		}
	}
	return -1
}

func (tw *twin) date(i int) Date {
	return DateOf(tw.begin.Add(time.Duration(i) * time.Minute).In(tw.loc))
}

// changes are places and days on which their clocks change.
var changes = []struct {
	zone  string
	dates []string
}{
	{"UTC", []string{"2026-12-31", "2028-02-29"}},
	{"Europe/Berlin", []string{"2026-03-29", "2026-10-25", "2028-12-31", "2040-03-25", "2040-12-31"}},
	{"America/New_York", []string{"2026-03-08", "2026-11-01", "2026-12-31"}},
	{"Australia/Lord_Howe", []string{"2026-10-04", "2026-04-05"}},
	{"Africa/Cairo", []string{"2026-04-24", "2026-10-29"}},
	{"America/Santiago", []string{"2026-04-04", "2026-09-06"}},
	{"America/Havana", []string{"2026-03-08", "2026-11-01"}},
	{"Africa/Casablanca", []string{"2026-02-15", "2026-03-22"}},
	{"Pacific/Apia", []string{"2011-12-30", "2011-09-24"}},
	{"Europe/Dublin", []string{"2050-03-27", "2050-10-30"}},
	{"Australia/Sydney", []string{"2049-12-31", "2050-04-03"}},
	{"Asia/Kathmandu", []string{"1985-12-31", "2026-01-01"}},
}

func TestPlanAgreesWithTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		place := rapid.SampledFrom(changes).Draw(t, "zone")
		loc, err := time.LoadLocation(place.zone)
		if err != nil {
			t.Fatal(err)
		}
		near, err := time.Parse(time.DateOnly, rapid.SampledFrom(place.dates).Draw(t, "near"))
		if err != nil {
			t.Fatal(err)
		}
		const minutes = 5 * 24 * 60
		from := near.Add(time.Duration(rapid.IntRange(-minutes, 0).Draw(t, "from")) * time.Minute)
		to := from.Add(minutes * time.Minute)
		list := rapid.SliceOfN(scheduleNear(DateOf(near)), 1, 6).Draw(t, "schedules")
		tw := newTwin(list, loc, from, minutes)
		p := Compile(list, Unlock, loc)

		var want []Interval
		for i := margin; i < margin+minutes; i++ {
			at := tw.begin.Add(time.Duration(i) * time.Minute)
			if p.At(at) != tw.effective[i] {
				t.Fatalf("At(%s) is %v", at.In(loc), !tw.effective[i])
			}
			switch {
			case !tw.effective[i]:
			case i > margin && tw.effective[i-1]:
				want[len(want)-1].End = at.Add(time.Minute)
			default:
				want = append(want, Interval{at, at.Add(time.Minute)})
			}
		}
		got := slices.Collect(p.Between(from, to))
		if !slices.EqualFunc(got, want, func(a, b Interval) bool { return a.Start.Equal(b.Start) && a.End.Equal(b.End) }) {
			t.Fatalf("Between is\n%v, want\n%v", got, want)
		}

		for range 10 {
			i := rapid.IntRange(margin, margin+minutes-1).Draw(t, "minute")
			at := tw.begin.Add(time.Duration(i)*time.Minute + time.Duration(rapid.Int64Range(0, int64(time.Minute)-1).Draw(t, "into it")))
			next := i + 1
			for next < margin+minutes && tw.effective[next] == tw.effective[i] {
				next++
			}
			change := tw.begin.Add(time.Duration(next) * time.Minute)
			switch got, ok := p.Next(at); {
			case next < margin+minutes && !(ok && got.Equal(change)):
				t.Fatalf("Next(%s) is %v, %v, want %s", at.In(loc), got, ok, change.In(loc))
			case ok && got.Before(change):
				t.Fatalf("Next(%s) is %v, but nothing changes before %s", at.In(loc), got, change.In(loc))
			case ok && p.At(got) == p.At(at):
				t.Fatalf("Next(%s) is %v, but At does not change there", at.In(loc), got)
			}

			begin := i
			for begin > margin && tw.effective[begin-1] == tw.effective[i] {
				begin--
			}
			since := tw.begin.Add(time.Duration(begin) * time.Minute)
			interval, ok := p.Covering(at)
			switch {
			case ok != tw.effective[i]:
				t.Fatalf("Covering(%s) is %v", at.In(loc), ok)
			case ok && begin > margin && !interval.Start.Equal(since), ok && interval.Start.After(since):
				t.Fatalf("Covering(%s) is %v, want it since %s", at.In(loc), interval, since.In(loc))
			}

			if v := p.Explain(at); v.Effective != tw.effective[i] || v.Effective != (v.Event != 0 && v.Override == 0) {
				t.Fatalf("Explain(%s) is %+v", at.In(loc), v)
			}
		}
	})
}

// scheduleNear draws a valid schedule, most of whose time is around a date.
func scheduleNear(near Date) *rapid.Generator[Schedule] {
	dates := rapid.Custom(func(t *rapid.T) Date { return near.AddDays(rapid.IntRange(-6, 6).Draw(t, "days after")) })
	clocks := rapid.Custom(func(t *rapid.T) Clock {
		if rapid.Bool().Draw(t, "at night") { // when clocks change
			return Clock(rapid.IntRange(0, 13).Draw(t, "quarters") * 15)
		}
		return Clock(rapid.IntRange(0, 24*60-1).Draw(t, "minutes"))
	})
	return rapid.Custom(func(t *rapid.T) Schedule {
		s := Schedule{
			ID:           rapid.Int64Range(1, 1000).Draw(t, "id"),
			Enabled:      rapid.IntRange(0, 9).Draw(t, "disabled") > 0,
			Override:     rapid.IntRange(0, 2).Draw(t, "override") == 2,
			Consequence:  Unlock,
			Scheduleable: Scheduleable{1, Lock},
		}
		switch rapid.SampledFrom([]Kind{Recurring, Single, Recurring, AllDay, HolidayCalendar, Recurring}).Draw(t, "kind") {
		case Single:
			s.StartsAt = dates.Draw(t, "starts").utc().Add(time.Duration(rapid.IntRange(0, 24*60).Draw(t, "at")) * time.Minute)
			s.EndsAt = s.StartsAt.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "minutes")) * time.Minute)
		case AllDay:
			s.StartsAtDate = dates.Draw(t, "starts")
			s.EndsAtDate = s.StartsAtDate.AddDays(rapid.IntRange(0, 3).Draw(t, "days"))
		case HolidayCalendar:
			for range rapid.IntRange(1, 3).Draw(t, "holidays") {
				s.Holidays = append(s.Holidays, Holiday{Date: dates.Draw(t, "date")})
			}
		case Recurring:
			days := rapid.IntRange(1, 127).Draw(t, "weekdays")
			for i, on := range []*bool{&s.Monday, &s.Tuesday, &s.Wednesday, &s.Thursday, &s.Friday, &s.Saturday, &s.Sunday} {
				*on = days>>i&1 == 1
			}
			s.StartsAtTime, s.EndsAtTime = new(clocks.Draw(t, "starts")), new(clocks.Draw(t, "ends"))
			if rapid.IntRange(0, 9).Draw(t, "end of day") == 9 {
				*s.EndsAtTime = endOfDay
			}
		}
		if problems := s.Validate(); problems != nil {
			t.Fatalf("%+v: %v", s, problems)
		}
		return s
	})
}
