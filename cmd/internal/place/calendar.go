package place

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"doord/policy/schedule"
)

// Bounds of a summary.
const (
	maxAround    = 366 * 24 * time.Hour
	maxIntervals = 2000
	lastYear     = 9000 // an interval ends later than it is asked for, and JSON knows no year 10000
)

var calendarParams = []param{
	{"around", "string", "START/END, two times"}, {"consequence", "string", "allow, unlock, first_to_arrive, permit"},
	{"lock_id", "integer", ""}, {"group_id", "integer", ""}, {"elevator_stop_id", "integer", ""},
}

type interval struct {
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at"`
}

type summary struct {
	Consequence schedule.Consequence `json:"consequence"`
	TimeZone    string               `json:"time_zone"`
	Intervals   []interval           `json:"intervals"`  // effective
	Exceptions  []interval           `json:"exceptions"` // what the overrides take away
	Truncated   bool                 `json:"truncated"`  // there are more than are told
}

// calendar tells when something holds.
func calendar(c *call) (int, any, error) {
	q := c.r.URL.Query()
	bad := &Invalid{}
	from, to := around(q.Get("around"), bad)
	what := schedule.Consequence(q.Get("consequence"))
	switch what {
	case schedule.Allow, schedule.Unlock, schedule.FirstToArrive, schedule.Permit:
	default:
		bad.Add("consequence", "must be allow, unlock, first_to_arrive or permit")
	}
	var about *kind
	var id int64
	for field, k := range refFields[schedules] {
		if s := q.Get(field); s != "" {
			n, err := parseID(field, s)
			if err != nil {
				return 0, nil, err
			}
			bad.must(about == nil, field, "must be the only one: ask for one thing at a time")
			about, id = k, n
		}
	}
	bad.must(about != nil, "lock_id", "or group_id must be given")
	if err := bad.orNil(); err != nil {
		return 0, nil, err
	}
	out := summary{Consequence: what, Intervals: []interval{}, Exceptions: []interval{}}
	var list []schedule.Schedule
	var loc *time.Location
	err := errMissing
	c.s.read(func(v view) {
		r := v.get(about, id)
		if r == nil || c.caller.at(r.base().PlaceID) == nil {
			return
		}
		if !c.caller.may(v, about, "read", r.base().PlaceID, r) {
			err = errForbidden
			return
		}
		home := lookup[Place](v, places, r.base().PlaceID)
		err, loc, out.TimeZone = nil, home.location(), home.TimeZone
		for _, x := range pick[Schedule](v, schedules, about, id) {
			list = append(list, schedule.Schedule(x.scheduleFields))
		}
	})
	if err != nil {
		return 0, nil, err
	}
	out.Intervals = out.fill(schedule.Compile(list, what, loc), from, to)
	var taken []schedule.Schedule
	for _, x := range list {
		if x.Override {
			x.Override = false
			taken = append(taken, x)
		}
	}
	out.Exceptions = out.fill(schedule.Compile(taken, what, loc), from, to)
	return http.StatusOK, out, nil
}

func (s *summary) fill(p *schedule.Plan, from, to time.Time) []interval {
	list := []interval{}
	for i := range p.Between(from, to) {
		if len(list) == maxIntervals {
			s.Truncated = true
			break
		}
		list = append(list, interval{i.Start, i.End})
	}
	return list
}

// around reads two times with a slash between.
func around(s string, bad *Invalid) (from, to time.Time) {
	// A + that was not escaped comes as a blank.
	a, b, _ := strings.Cut(strings.ReplaceAll(s, " ", "+"), "/")
	from, err1 := parseMoment(a)
	to, err2 := parseMoment(b)
	switch {
	case err1 != nil || err2 != nil:
		bad.Add("around", "must be START/END, two times such as 2026-01-31T09:00:00Z")
	case !from.Before(to):
		bad.Add("around", "must start before it ends")
	case from.Year() < 1 || to.Year() > lastYear:
		bad.Add("around", fmt.Sprintf("must be in the years 1 to %d", lastYear))
	case to.Sub(from) > maxAround:
		bad.Add("around", "must be at most 366 days")
	}
	return from, to
}

// parseMoment reads a time or, for its beginning in UTC, a date.
func parseMoment(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}
