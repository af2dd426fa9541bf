package place

import (
	"encoding/json"
	"strings"

	"doord/policy"
	"doord/policy/schedule"
)

// Schedule says when something holds. Which kind it is follows from the fields that
// are given.
type Schedule struct {
	Base
	scheduleRecord
}

type (
	scheduleRecord struct{ scheduleFields }
	scheduleFields schedule.Schedule
)

var schedules = new(kind)

func init() {
	*schedules = kind{
		path: "schedules", envelope: "schedule", resource: "Schedule",
		fresh:  func() record { return &Schedule{scheduleRecord: scheduleRecord{scheduleFields{Enabled: true}}} },
		object: scheduleObject{},
		words:  scheduleable,
		filters: map[string]filter{
			"consequence": {"string", func(_ *shower, value string) (func(record) bool, error) {
				return func(r record) bool { return string(r.(*Schedule).Consequence) == value }, nil
			}},
			"scheduleable_type": {"string", func(_ *shower, value string) (func(record) bool, error) {
				return func(r record) bool { return string(r.(*Schedule).Scheduleable.Type) == value }, nil
			}},
			"scheduleable_id": {"integer", func(_ *shower, value string) (func(record) bool, error) {
				id, err := parseID("scheduleable_id", value)
				return func(r record) bool { return r.(*Schedule).Scheduleable.ID == id }, err
			}},
			"enabled": {"boolean", func(_ *shower, value string) (func(record) bool, error) {
				return func(r record) bool { return value == "true" == r.(*Schedule).Enabled }, nil
			}},
		},
		sorts: map[string]func(*shower, record, record) int{"name": byName},
		prepare: func(c *call, _ *tx, old, r record) (any, error) {
			s := r.(*Schedule)
			if s.Region != "" && len(s.Holidays) == 0 {
				s.Holidays = holidays(s.Region, c.now)
			}
			return nil, nil
		},
	}
}

// scheduledUnlocks are the schedules that unlock a door.
var scheduledUnlocks = new(kind)

func init() {
	*scheduledUnlocks = kind{
		path: "scheduled_unlocks", envelope: "scheduled_unlock", resource: "Schedule",
		alias: schedules, object: scheduleObject{},
		only: func(r record) bool { return r.(*Schedule).Consequence == schedule.Unlock },
		words: func(body map[string]json.RawMessage) {
			scheduleable(body)
			body["consequence"] = json.RawMessage(`"unlock"`)
		},
		filters: schedules.filters, sorts: schedules.sorts, prepare: schedules.prepare,
	}
}

// scheduleable takes lock_id, group_id and elevator_stop_id for what they are.
func scheduleable(body map[string]json.RawMessage) {
	for field, kind := range map[string]schedule.ScheduleableType{
		"lock_id": schedule.Lock, "group_id": schedule.Group, "elevator_stop_id": schedule.ElevatorStop,
	} {
		if id, given := body[field]; given && string(id) != "null" && body["scheduleable"] == nil {
			body["scheduleable"] = json.RawMessage(`{"type":"` + string(kind) + `","id":` + string(id) + `}`)
		}
	}
	permits(body)
}

func (s *Schedule) text() string          { return s.Name }
func (s *Schedule) groups(v view) []int64 { return groupsOf(v, s.Scheduleable) }
func (s *Schedule) refs() []ref {
	switch s.Scheduleable.Type {
	case schedule.Lock:
		return []ref{{field: "lock_id", to: locks, id: s.Scheduleable.ID}}
	case schedule.Group:
		return []ref{{field: "group_id", to: groups, id: s.Scheduleable.ID}}
	case schedule.ElevatorStop:
		return []ref{{field: "elevator_stop_id", to: elevatorStops, id: s.Scheduleable.ID}}
	}
	return nil
}
func (s *Schedule) check(_ view, bad *Invalid) {
	bad.must(strings.TrimSpace(s.Name) != "", "name", "can't be blank")
}
func (s *Schedule) addTo(r *policy.Records) {
	p := schedule.Schedule(s.scheduleFields)
	p.ID = s.ID
	r.Schedules = append(r.Schedules, p)
}

type scheduleObject struct {
	*Schedule
	ResourceType string        `json:"resource_type"`
	Kind         string        `json:"kind"`
	Scheduleable *scheduledRef `json:"scheduleable"`
}

type scheduledRef struct {
	ID   int64  `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
}

func (s *Schedule) show(x *shower) any {
	p := schedule.Schedule(s.scheduleFields)
	o := &scheduleObject{Schedule: s, ResourceType: schedules.resource, Kind: p.Kind().String(),
		Scheduleable: &scheduledRef{ID: s.Scheduleable.ID, Type: string(s.Scheduleable.Type)}}
	if r := s.refs(); len(r) == 1 {
		if about := x.v.get(r[0].to, r[0].id); about != nil {
			o.Scheduleable.Name = about.text()
		}
	}
	return o
}
