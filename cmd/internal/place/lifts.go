package place

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"doord/policy"
	"doord/policy/schedule"
	"doord/store/cloudsync"
)

// Elevator is a lift whose stops are permitted as doors are unlocked.
type Elevator struct {
	Base
	elevatorRecord
}

type (
	elevatorRecord struct{ elevatorFields }
	elevatorFields policy.Elevator
)

var elevators = new(kind)

func init() {
	*elevators = kind{
		path: "elevators", envelope: "elevator", resource: "Elevator",
		fresh:  func() record { return &Elevator{} },
		object: elevatorObject{},
		sorts:  map[string]func(*shower, record, record) int{"name": byName},
	}
}

func (e *Elevator) text() string { return e.Name }
func (e *Elevator) refs() []ref {
	return []ref{{field: "controller_id", to: controllers, id: e.ControllerID}}
}
func (e *Elevator) addTo(r *policy.Records) {
	p := policy.Elevator(e.elevatorFields)
	p.ID, p.PlaceID = e.ID, e.PlaceID
	r.Elevators = append(r.Elevators, p)
}

type elevatorObject struct {
	*Elevator
	ResourceType string    `json:"resource_type"`
	Place        *placeRef `json:"place"`
	Stops        int       `json:"elevator_stops_count"`
	Online       bool      `json:"online"`
}

func (e *Elevator) show(s *shower) any {
	return &elevatorObject{e, elevators.resource, s.place(e.PlaceID), len(s.v.by(elevatorStops, elevators, e.ID)), s.status(e.ControllerID).online}
}

// ElevatorStop is a floor that an elevator serves. The relay that permits it is a
// relay connection of its own.
type ElevatorStop struct {
	Base
	elevatorStopRecord
	LockedDownSince time.Time `json:"locked_down_since,omitzero"`
}

type (
	elevatorStopRecord struct{ elevatorStopFields }
	elevatorStopFields policy.ElevatorStop
)

var elevatorStops = new(kind)

func init() {
	*elevatorStops = kind{
		path: "elevator_stops", envelope: "elevator_stop", resource: "ElevatorStop",
		fresh:    func() record { return &ElevatorStop{} },
		object:   elevatorStopObject{},
		readOnly: []string{"locked_down", "locked_down_since"},
		filters: map[string]filter{
			"group_id": through(func(s *shower, id int64) []int64 {
				return idsOf(s.v.by(groupStops, groups, id), func(r record) int64 { return r.(*GroupStop).StopID })
			}),
		},
		sorts: map[string]func(*shower, record, record) int{"name": byName},
		actions: []action{
			{name: "lock_down", reply: done{}, do: lockdown(true)},
			{name: "cancel_lockdown", reply: done{}, do: lockdown(false)},
		},
	}
}

func (e *ElevatorStop) text() string {
	return cmp.Or(e.Name, "floor "+strconv.Itoa(e.Floor.Number))
}
func (e *ElevatorStop) refs() []ref {
	return []ref{{field: "elevator_id", to: elevators, id: e.ElevatorID}}
}
func (e *ElevatorStop) groups(v view) []int64 {
	return idsOf(v.by(groupStops, elevatorStops, e.ID), func(r record) int64 { return r.(*GroupStop).GroupID })
}
func (e *ElevatorStop) addTo(r *policy.Records) {
	p := policy.ElevatorStop(e.elevatorStopFields)
	p.ID = e.ID
	r.ElevatorStops = append(r.ElevatorStops, p)
}

type elevatorStopObject struct {
	*ElevatorStop
	ResourceType    string     `json:"resource_type"`
	Elevator        *nameRef   `json:"elevator"`
	LockedDown      bool       `json:"locked_down"`
	LockedDownSince *time.Time `json:"locked_down_since"`
	Permitted       *bool      `json:"permitted"` // null: nobody knows
	OnSchedule      *bool      `json:"on_scheduled_permit"`
	Misconfigured   bool       `json:"misconfigured"` // its relay is not one for stops
}

func (e *ElevatorStop) show(s *shower) any {
	o := &elevatorStopObject{ElevatorStop: e, ResourceType: elevatorStops.resource, Elevator: s.named(elevators, e.ElevatorID),
		LockedDown: e.LockedDown, LockedDownSince: orNull(e.LockedDownSince)}
	if home := lookup[Place](s.v, places, e.PlaceID); home != nil && home.LockedDown && !o.LockedDown {
		o.LockedDown, o.LockedDownSince = true, orNull(home.LockedDownSince)
	}
	lift := lookup[Elevator](s.v, elevators, e.ElevatorID)
	if lift == nil {
		return o
	}
	st := s.status(lift.ControllerID)
	i := slices.IndexFunc(st.Stops, func(x cloudsync.StopStatus) bool { return x.StopID == e.ID })
	if !st.online || i < 0 {
		return o // what it was when it was last heard of is not what it is
	}
	x := st.Stops[i]
	o.Permitted, o.OnSchedule = &x.Permitted, &x.OnSchedule
	o.LockedDown, o.Misconfigured = o.LockedDown || x.LockedDown, x.Misconfigured
	return o
}

// GroupStop says that a group may choose an elevator stop.
type GroupStop struct {
	Base
	groupStopRecord
}

type (
	groupStopRecord struct{ groupStopFields }
	groupStopFields policy.GroupStop
)

var groupStops = new(kind)

func init() {
	*groupStops = kind{
		path: "group_elevator_stops", envelope: "group_elevator_stop", resource: "GroupElevatorStop",
		fresh:    func() record { return &GroupStop{} },
		object:   groupStopObject{},
		required: "group_id",
		verbs:    "read create delete",
	}
}

func (g *GroupStop) refs() []ref {
	return []ref{{field: "group_id", to: groups, id: g.GroupID}, {field: "elevator_stop_id", to: elevatorStops, id: g.StopID}}
}
func (g *GroupStop) keys() []key {
	return []key{{"elevator_stop_id", pair(g.GroupID, g.StopID), "is in the group already", ""}}
}
func (g *GroupStop) groups(view) []int64 { return []int64{g.GroupID} }
func (g *GroupStop) addTo(r *policy.Records) {
	p := policy.GroupStop(g.groupStopFields)
	p.ID = g.ID
	r.GroupStops = append(r.GroupStops, p)
}

type groupStopObject struct {
	*GroupStop
	ResourceType string    `json:"resource_type"`
	Group        *nameRef  `json:"group"`
	Stop         *nameRef  `json:"elevator_stop"`
	Place        *placeRef `json:"place"`
}

func (g *GroupStop) show(s *shower) any {
	return &groupStopObject{g, groupStops.resource, s.named(groups, g.GroupID), s.named(elevatorStops, g.StopID), s.place(g.PlaceID)}
}

// permits takes a schedule that says nothing of its consequence for a permit, where
// it is for an elevator stop: there is no other.
func permits(body map[string]json.RawMessage) {
	var about struct {
		Type schedule.ScheduleableType `json:"type"`
	}
	if raw, given := body["scheduleable"]; given && body["consequence"] == nil && json.Unmarshal(raw, &about) == nil && about.Type == schedule.ElevatorStop {
		body["consequence"] = json.RawMessage(`"` + string(schedule.Permit) + `"`)
	}
}
