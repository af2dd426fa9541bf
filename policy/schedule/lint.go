package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Warning is something about a schedule that its author is unlikely to want.
type Warning struct {
	ScheduleID int64
	Field      string // as in the JSON: "ends_at_time"
	Text       string // to be read on its own
}

// Lint returns what looks wrong in schedules of any number of scheduleables and
// consequences, judged by the time [from, to), in order of schedule id: records
// that are not valid or have no effect, events that overlap, overrides with
// nothing to override, restrictions that deny everyone, and, for the two years
// after from, local times that do not exist or come twice.
func Lint(schedules []Schedule, loc *time.Location, from, to time.Time) []Warning {
	l := linter{loc: loc, from: from.Unix(), to: to.Unix()}
	groups := make(map[group][]*Schedule)
	var order []group
	for i := range schedules {
		s := &schedules[i]
		problems := s.Validate()
		for _, p := range problems {
			l.warn(s, p.Field, "%s", p)
		}
		if problems == nil {
			g := group{s.Scheduleable, s.Consequence}
			if groups[g] == nil {
				order = append(order, g)
			}
			groups[g] = append(groups[g], s)
		}
	}
	for _, g := range order {
		l.group(groups[g])
	}
	slices.SortStableFunc(l.warnings, func(a, b Warning) int { return cmp.Compare(a.ScheduleID, b.ScheduleID) })
	return l.warnings
}

// group is what schedules share when they work on each other.
type group struct {
	scheduleable Scheduleable
	consequence  Consequence
}

type linter struct {
	loc      *time.Location
	from, to int64
	warnings []Warning
}

func (l *linter) warn(s *Schedule, field, format string, args ...any) {
	l.warnings = append(l.warnings, Warning{s.ID, field, fmt.Sprintf(format, args...)})
}

// member is a schedule with its time.
type member struct {
	*Schedule
	rule rule
}

// group warns about valid schedules of one scheduleable and consequence.
func (l *linter) group(schedules []*Schedule) {
	var events, overrides []member
	for _, s := range schedules {
		m := member{s, newRule(s, l.loc)}
		_, end := s.Kind().fields()
		switch {
		case !s.Enabled:
			l.warn(s, "enabled", "the schedule is disabled and has no effect")
			continue
		case m.rule.enter(l.from) == never:
			l.warn(s, end, "the %s has no effect after %s: it is over", s.Kind(), l.show(l.from))
		case s.Override:
			overrides = append(overrides, m)
		default:
			events = append(events, m)
		}
		if s.Kind() == Recurring {
			l.clockChanges(s)
		}
	}
	l.overlaps(events)
	l.overlaps(overrides)

	all, exceptions := unionOf(events, l.loc), unionOf(overrides, l.loc)
	for _, m := range events {
		within := newDifference(m.rule.set, exceptions)
		if m.rule.enter(l.from) < l.to && within.enter(l.from) >= l.to {
			l.warn(m.Schedule, "enabled", "overrides leave nothing of the %s until %s", m.Kind(), l.show(l.to))
		}
	}
	for _, m := range overrides {
		if l.meet(&m.rule.set, &all) >= l.to {
			l.warn(m.Schedule, "override", "there is nothing to override until %s", l.show(l.to))
		}
	}
	first := slices.MinFunc(schedules, func(a, b *Schedule) int { return cmp.Compare(a.ID, b.ID) })
	effective := newDifference(all, exceptions)
	if first.Consequence == Allow && effective.enter(l.from) >= l.to {
		l.warn(first, "consequence", "the schedules of this %s allow nothing until %s: a time restriction denies everyone",
			first.Scheduleable.Type, l.show(l.to))
	}
}

// overlaps warns once about every pair that has time in common.
func (l *linter) overlaps(members []member) {
	for i, a := range members {
		for _, b := range members[:i] {
			if t := l.meet(&a.rule.set, &b.rule.set); t < l.to {
				field, _ := a.Kind().fields()
				l.warn(a.Schedule, field, "the %s overlaps schedule %d %q from %s", a.Kind(), b.ID, b.Name, l.show(t))
			}
		}
	}
}

// meet returns the first instant from l.from on that is in both sets, or one not
// before l.to.
func (l *linter) meet(a, b *set) int64 {
	for t := l.from; ; {
		t = a.enter(t)
		u := b.enter(t)
		if u == t || u >= l.to {
			return u
		}
		t = u
	}
}

// clockChanges warns about the local times of a recurring event that a change of
// the clocks skips or repeats.
func (l *linter) clockChanges(s *Schedule) {
	end := time.Unix(l.from, 0).In(l.loc).AddDate(2, 0, 0).Unix()
	for z := zoneAt(l.loc, l.from); z.to < end; {
		next := zoneAt(l.loc, z.to)
		change := change{before: z.to + z.offset, after: z.to + next.offset}
		for date := dateOfLocal(min(change.before, change.after)).AddDays(-1); date.local() < max(change.before, change.after); date = date.AddDays(1) {
			if !s.days()[(date.Weekday()+6)%7] {
				continue
			}
			at := s.times()
			l.clockChange(s, change, "starts_at_time", date.local()+at.start)
			l.clockChange(s, change, "ends_at_time", date.local()+at.end)
		}
		z = next
	}
}

// change is a moment at which the clocks are moved from one local time to another.
type change struct{ before, after int64 }

func (l *linter) clockChange(s *Schedule, c change, field string, local int64) {
	verb, which := "starts", "first"
	if field == "ends_at_time" {
		verb, which = "ends", "last"
	}
	switch {
	case c.before < local && local < c.after:
		l.warn(s, field, "%s does not exist on %s, when the clocks go forward: the event %s at %s",
			clockOfLocal(local), dateOfLocal(local), verb, clockOfLocal(c.after))
	case c.after <= local && local < c.before:
		l.warn(s, field, "%s comes twice on %s, when the clocks go back: the event %s at the %s",
			clockOfLocal(local), dateOfLocal(local), verb, which)
	}
}

func unionOf(members []member, loc *time.Location) set {
	rules := make([]rule, len(members))
	for i, m := range members {
		rules[i] = m.rule
	}
	return union(rules, loc)
}

func (l *linter) show(t int64) string {
	return time.Unix(t, 0).In(l.loc).Format("2006-01-02 15:04")
}
