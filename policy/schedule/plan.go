package schedule

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// Interval is the time [Start, End). A zero Start means that it has always been
// so, a zero End that it never ends.
type Interval struct{ Start, End time.Time }

// Contains reports whether t is in the interval.
func (i Interval) Contains(t time.Time) bool {
	return !t.Before(i.Start) && (i.End.IsZero() || t.Before(i.End))
}

// Verdict says whether a plan is effective at a time, and by which schedules.
type Verdict struct {
	Effective bool
	Event     int64 // id of the event that contains the time; 0 if none does
	Override  int64 // id of the override that contains the time; 0 if none does
}

// Plan is what a list of schedules amounts to. It is immutable and safe for use
// by several goroutines. The times it returns are in the plan's location.
type Plan struct {
	loc       *time.Location
	effective difference
	events    []rule // in order of id
	overrides []rule // in order of id
}

// rule is the time of one schedule.
type rule struct {
	id int64
	set
}

// Compile makes the plan of the enabled schedules with the given consequence,
// local times being those of loc. The caller picks the schedules of one
// scheduleable. A schedule whose event is not valid is left out: validate
// before, as a missing override could leave a door unlocked.
func Compile(schedules []Schedule, consequence Consequence, loc *time.Location) *Plan {
	p := &Plan{loc: loc}
	for i := range schedules {
		s := &schedules[i]
		switch {
		case !s.Enabled || s.Consequence != consequence || s.eventProblems() != nil:
		case s.Override:
			p.overrides = append(p.overrides, newRule(s, loc))
		default:
			p.events = append(p.events, newRule(s, loc))
		}
	}
	byID := func(a, b rule) int { return cmp.Compare(a.id, b.id) }
	slices.SortStableFunc(p.events, byID)
	slices.SortStableFunc(p.overrides, byID)
	p.effective = newDifference(union(p.events, loc), union(p.overrides, loc))
	return p
}

// newRule returns the time of a schedule whose event is valid.
func newRule(s *Schedule, loc *time.Location) rule {
	var instants, local []span
	switch s.Kind() {
	case Single:
		instants = append(instants, span{s.StartsAt.Unix(), s.EndsAt.Unix()})
	case AllDay:
		instants = append(instants, daysIn(loc, s.StartsAtDate, s.EndsAtDate))
	case Recurring:
		for i, on := range s.days() {
			if on {
				at, midnight := s.times(), int64(i)*day
				local = append(local, span{midnight + at.start, midnight + at.end})
			}
		}
	case HolidayCalendar:
		for _, h := range s.Holidays {
			instants = append(instants, daysIn(loc, h.Date, h.Date))
		}
	}
	return rule{s.ID, set{merge(instants), newWeekly(loc, local)}}
}

// daysIn returns the instants of the days from first to last in loc.
func daysIn(loc *time.Location, first, last Date) span {
	z := zoneAt(loc, first.local())
	return span{z.first(first.local()), z.first(last.AddDays(1).local())}
}

// union returns the time of all rules.
func union(rules []rule, loc *time.Location) set {
	var instants, local []span
	for _, r := range rules {
		instants = append(instants, r.fixed...)
		local = append(local, r.weekly.spans...)
	}
	return set{merge(instants), newWeekly(loc, local)}
}

// Empty reports whether the plan has no enabled event at all, so that it can
// never be effective.
func (p *Plan) Empty() bool { return len(p.events) == 0 }

// At reports whether the plan is effective at t.
func (p *Plan) At(t time.Time) bool { return p.effective.contains(t.Unix()) }

// Explain reports whether the plan is effective at t, and names the schedules
// that make it so or prevent it; of several, the one with the lowest id.
func (p *Plan) Explain(t time.Time) Verdict {
	event, override := find(p.events, t.Unix()), find(p.overrides, t.Unix())
	v := Verdict{Effective: event != nil && override == nil}
	if event != nil {
		v.Event = event.id
	}
	if override != nil {
		v.Override = override.id
	}
	return v
}

// find returns the first rule that contains t, nil if none does.
func find(rules []rule, t int64) *rule {
	for i := range rules {
		if rules[i].contains(t) {
			return &rules[i]
		}
	}
	return nil
}

// Covering returns the longest effective interval that contains t, and whether
// there is one.
func (p *Plan) Covering(t time.Time) (Interval, bool) {
	if !p.At(t) {
		return Interval{}, false
	}
	s := p.effective.span(t.Unix())
	return Interval{p.time(s.start), p.time(s.end)}, true
}

// Next returns the first instant strictly after t at which At changes, and
// whether there is one.
func (p *Plan) Next(t time.Time) (time.Time, bool) {
	now := t.Unix()
	var next int64
	if p.effective.contains(now) {
		next = p.effective.exit(now)
	} else {
		next = p.effective.enter(now)
	}
	return p.time(next), next != never
}

// Between returns the effective intervals from from to to in order, none
// touching, those at the ends cut off there.
func (p *Plan) Between(from, to time.Time) iter.Seq[Interval] {
	from, to = from.In(p.loc), to.In(p.loc)
	return func(yield func(Interval) bool) {
		for t := from.Unix(); ; {
			s := span{start: p.effective.enter(t)}
			if s.start == never || !p.time(s.start).Before(to) {
				return
			}
			s.end = p.effective.exit(s.start)
			i := Interval{p.time(s.start), p.time(s.end)}
			if i.Start.Before(from) {
				i.Start = from
			}
			if i.End.IsZero() || i.End.After(to) {
				i.End = to
			}
			if i.Start.Before(i.End) && !yield(i) {
				return
			}
			t = s.end
		}
	}
}

// time returns the instant t, or the zero Time if it is beyond all instants.
func (p *Plan) time(t int64) time.Time {
	if t == never || t == ever {
		return time.Time{}
	}
	return time.Unix(t, 0).In(p.loc)
}
