package schedule

import "time"

// Consequence is what holds while a schedule is effective.
type Consequence string

// The consequences.
const (
	Allow         Consequence = "allow"           // credentials are accepted
	Unlock        Consequence = "unlock"          // the lock stands unlocked
	FirstToArrive Consequence = "first_to_arrive" // the first granted access starts the unlock
	Permit        Consequence = "permit"          // the elevator stop can be chosen by anyone
)

// Scheduleable names what a schedule is about.
type Scheduleable struct {
	ID   int64            `json:"id"`
	Type ScheduleableType `json:"type"`
}

// ScheduleableType is the type of thing that a schedule is about.
type ScheduleableType string

// The types of scheduleables.
const (
	Group        ScheduleableType = "Group"
	Lock         ScheduleableType = "Lock"
	ElevatorStop ScheduleableType = "ElevatorStop"
)

// Schedule is one record of the place API. The fields of exactly one kind of
// event are given; [Schedule.Kind] tells which.
type Schedule struct {
	ID           int64        `json:"id"`
	Name         string       `json:"name"`
	Enabled      bool         `json:"enabled"`
	Override     bool         `json:"override"` // takes time away from the events instead of adding to them
	Consequence  Consequence  `json:"consequence"`
	Scheduleable Scheduleable `json:"scheduleable"`

	// Single event: two instants, whatever the place's zone.
	StartsAt time.Time `json:"starts_at,omitzero"`
	EndsAt   time.Time `json:"ends_at,omitzero"`

	// All-day event: both days are part of it.
	StartsAtDate Date `json:"starts_at_date,omitzero"`
	EndsAtDate   Date `json:"ends_at_date,omitzero"`

	// Recurring event: the weekdays on which it starts, and its local times.
	Monday       bool   `json:"monday,omitempty"`
	Tuesday      bool   `json:"tuesday,omitempty"`
	Wednesday    bool   `json:"wednesday,omitempty"`
	Thursday     bool   `json:"thursday,omitempty"`
	Friday       bool   `json:"friday,omitempty"`
	Saturday     bool   `json:"saturday,omitempty"`
	Sunday       bool   `json:"sunday,omitempty"`
	StartsAtTime *Clock `json:"starts_at_time,omitempty"`
	EndsAtTime   *Clock `json:"ends_at_time,omitempty"`

	// Holiday calendar: every date is an all-day event. The region is where the
	// place service took the dates from; it has no effect of its own.
	Region   string    `json:"region,omitempty"`
	Holidays []Holiday `json:"holidays,omitempty"`
}

// Holiday is one day of a holiday calendar.
type Holiday struct {
	Date Date   `json:"date"`
	Name string `json:"name"`
}

// Kind is the kind of event that a schedule describes.
type Kind int

// The kinds of events. The zero Kind is no kind: the fields of none, or of more
// than one, are given.
const (
	Single Kind = iota + 1
	AllDay
	Recurring
	HolidayCalendar
)

// String returns the kind as a technician would say it.
func (k Kind) String() string {
	switch k {
	case Single:
		return "single event"
	case AllDay:
		return "all-day event"
	case Recurring:
		return "recurring event"
	case HolidayCalendar:
		return "holiday calendar"
	default:
		return "unknown kind of event"
	}
}

// fields returns the JSON fields that hold the start and the end of the kind.
func (k Kind) fields() (start, end string) {
	switch k {
	case Single:
		return "starts_at", "ends_at"
	case AllDay:
		return "starts_at_date", "ends_at_date"
	case Recurring:
		return "starts_at_time", "ends_at_time"
	default:
		return "holidays", "holidays"
	}
}

// Kind returns the kind of event whose fields are given, or 0 if they are those
// of none or of several.
func (s *Schedule) Kind() Kind {
	if kinds := s.kinds(); len(kinds) == 1 {
		return kinds[0]
	}
	return 0
}

// kinds returns every kind of which at least one field is given.
func (s *Schedule) kinds() []Kind {
	var kinds []Kind
	if !s.StartsAt.IsZero() || !s.EndsAt.IsZero() {
		kinds = append(kinds, Single)
	}
	if !s.StartsAtDate.IsZero() || !s.EndsAtDate.IsZero() {
		kinds = append(kinds, AllDay)
	}
	if s.StartsAtTime != nil || s.EndsAtTime != nil || s.days() != [7]bool{} {
		kinds = append(kinds, Recurring)
	}
	if s.Region != "" || len(s.Holidays) > 0 {
		kinds = append(kinds, HolidayCalendar)
	}
	return kinds
}

// days returns the weekdays of a recurring event, Monday first.
func (s *Schedule) days() [7]bool {
	return [7]bool{s.Monday, s.Tuesday, s.Wednesday, s.Thursday, s.Friday, s.Saturday, s.Sunday}
}

// times returns the start and the end of a recurring event in seconds after the
// 00:00 of its weekday. The end is after the start, if need be on the next day.
func (s *Schedule) times() span {
	start, end := *s.StartsAtTime, *s.EndsAtTime
	if end <= start {
		end += endOfDay
	}
	return span{start.seconds(), end.seconds()}
}
