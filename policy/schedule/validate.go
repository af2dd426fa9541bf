package schedule

import (
	"fmt"
	"slices"
	"time"
)

// Problem is one thing to put right in a record before it can be used.
type Problem struct {
	Field string // as in the JSON: "ends_at"
	Text  string // what to do, to be read after the field: "must be after starts_at"
}

// String returns the problem as a sentence.
func (p Problem) String() string { return p.Field + " " + p.Text }

// consequences lists what a schedule can bring about for each type of scheduleable.
var consequences = map[ScheduleableType][]Consequence{
	Group:        {Allow},
	Lock:         {Allow, Unlock, FirstToArrive},
	ElevatorStop: {Allow, Permit},
}

// Validate returns everything that is wrong with the record, nil if nothing is.
// The id and the name are the business of whoever gives them out.
func (s *Schedule) Validate() []Problem {
	return append(s.targetProblems(), s.eventProblems()...)
}

func (s *Schedule) targetProblems() []Problem {
	var r report
	possible, known := consequences[s.Scheduleable.Type]
	switch s.Consequence {
	case Allow, Unlock, FirstToArrive, Permit:
		if known && !slices.Contains(possible, s.Consequence) {
			r.add("consequence", "of a schedule for a %s must be one of %q, not %q",
				s.Scheduleable.Type, possible, s.Consequence)
		}
	default:
		r.add("consequence", "must be allow, unlock, first_to_arrive or permit, not %q", s.Consequence)
	}
	if !known {
		r.add("scheduleable.type", "must be Group, Lock or ElevatorStop, not %q", s.Scheduleable.Type)
	}
	if s.Scheduleable.ID <= 0 {
		r.add("scheduleable.id", "must be a positive number")
	}
	return r
}

// eventProblems returns what is wrong with the event: when there is none, the
// schedule can be compiled.
func (s *Schedule) eventProblems() []Problem {
	var r report
	kinds := s.kinds()
	if len(kinds) == 0 {
		r.add("starts_at", "and ends_at must be given, or starts_at_date and ends_at_date, "+
			"or weekdays with starts_at_time and ends_at_time, or holidays")
		return r
	}
	for _, other := range kinds[1:] {
		field, _ := other.fields()
		r.add(field, "and the other fields of a %s must not be given together with those of a %s", other, kinds[0])
	}
	for _, kind := range kinds {
		switch kind {
		case Single:
			r = append(r, s.singleProblems()...)
		case AllDay:
			r = append(r, s.allDayProblems()...)
		case Recurring:
			r = append(r, s.recurringProblems()...)
		case HolidayCalendar:
			r = append(r, s.holidayProblems()...)
		}
	}
	return r
}

func (s *Schedule) singleProblems() []Problem {
	var r report
	for _, at := range []struct {
		field string
		time.Time
	}{{"starts_at", s.StartsAt}, {"ends_at", s.EndsAt}} {
		switch {
		case at.IsZero():
			r.add(at.field, "must be given")
		case at.Nanosecond() != 0:
			r.add(at.field, "must be a whole second, not %s", at.Format(time.RFC3339Nano))
		}
	}
	if r == nil && !s.StartsAt.Before(s.EndsAt) {
		r.add("starts_at", "must be before ends_at")
	}
	return r
}

func (s *Schedule) allDayProblems() []Problem {
	var r report
	r.date("starts_at_date", s.StartsAtDate)
	r.date("ends_at_date", s.EndsAtDate)
	if r == nil && s.StartsAtDate.Compare(s.EndsAtDate) > 0 {
		r.add("starts_at_date", "must not be after ends_at_date")
	}
	return r
}

func (s *Schedule) recurringProblems() []Problem {
	var r report
	if s.days() == [7]bool{} {
		r.add("monday", "or another day must be true: give at least one weekday")
	}
	switch at := s.StartsAtTime; {
	case at == nil:
		r.add("starts_at_time", "must be given")
	case *at < 0 || *at >= endOfDay:
		r.add("starts_at_time", "must be from 00:00 to 23:59")
	}
	switch at := s.EndsAtTime; {
	case at == nil:
		r.add("ends_at_time", "must be given")
	case *at < 0 || *at > endOfDay:
		r.add("ends_at_time", "must be from 00:00 to 24:00")
	}
	return r
}

func (s *Schedule) holidayProblems() []Problem {
	var r report
	if len(s.Holidays) == 0 {
		r.add("holidays", "must list at least one date")
	}
	for i, h := range s.Holidays {
		r.date(fmt.Sprintf("holidays[%d].date", i), h.Date)
	}
	return r
}

// report collects problems.
type report []Problem

func (r *report) add(field, format string, args ...any) {
	*r = append(*r, Problem{field, fmt.Sprintf(format, args...)})
}

func (r *report) date(field string, d Date) {
	switch {
	case d.IsZero():
		r.add(field, "must be given")
	case !d.valid():
		r.add(field, "must be a date of the calendar, not %s", d)
	}
}
