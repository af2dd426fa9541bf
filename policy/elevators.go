package policy

import (
	"slices"
	"strings"

	"doord/policy/schedule"
)

// Elevator is an elevator whose stops are permitted one by one: to those whose card
// is read in the car, or to anybody by schedule. All of it is on one controller.
type Elevator struct {
	ID           int64  `json:"id"`
	Name         string `json:"name"`
	PlaceID      int64  `json:"place_id,omitempty"`
	ControllerID int64  `json:"controller_id"`
}

// ElevatorStop is a stop that can be chosen while it is permitted.
type ElevatorStop struct {
	ID         int64  `json:"id"`
	ElevatorID int64  `json:"elevator_id"`
	Name       string `json:"name,omitempty"`
	Floor      Floor  `json:"floor"`
	LockedDown bool   `json:"locked_down"`
	Time       bool   `json:"time_restriction_enabled"`
}

// Floor is where a stop is.
type Floor struct {
	Number int `json:"number"`
}

// GroupStop says that a group may choose a stop.
type GroupStop struct {
	ID      int64 `json:"id"`
	GroupID int64 `json:"group_id"`
	StopID  int64 `json:"elevator_stop_id"`
}

// elevators checks the elevators and what hangs on them.
func (v *validator) elevators(r *Records, known known, groups map[int64]bool) {
	on := map[int64]int64{} // the controller of an elevator, and below of a stop
	for i, e := range r.Elevators {
		v.at("elevators", i)
		v.must("name", strings.TrimSpace(e.Name) != "", "can't be blank")
		v.must("place_id", e.PlaceID == 0 || e.PlaceID == r.Place.ID, "is %d, but the place is %d", e.PlaceID, r.Place.ID)
		v.refers("controller_id", e.ControllerID, "controller", known.controllers)
		on[e.ID] = e.ControllerID
	}
	type floor struct {
		elevator int64
		number   int
	}
	stopOn, floors := map[int64]int64{}, map[floor]bool{}
	for i, s := range r.ElevatorStops {
		v.at("elevator_stops", i)
		v.must("elevator_id", on[s.ElevatorID] != 0, "there is no elevator %d", s.ElevatorID)
		at := floor{s.ElevatorID, s.Floor.Number}
		v.must("floor", !floors[at], "elevator %d has a stop at floor %d already", at.elevator, at.number)
		floors[at], stopOn[s.ID] = true, on[s.ElevatorID]
	}
	for i, g := range r.GroupStops {
		v.at("group_elevator_stops", i)
		v.refers("group_id", g.GroupID, "group", groups)
		v.must("elevator_stop_id", known.stops[g.StopID], "there is no elevator stop %d", g.StopID)
	}
	for i, c := range r.RelayConnections {
		if c.Type == RelayStop && known.stops[c.StopID] {
			v.at("controller_relay_connections", i)
			v.must("elevator_stop_id", c.ControllerID == stopOn[c.StopID], "stop %d is of an elevator on controller %d", c.StopID, stopOn[c.StopID])
		}
	}
	for i, x := range r.Readers {
		if x.ElevatorID != 0 {
			v.at("readers", i)
			v.must("elevator_id", on[x.ElevatorID] != 0, "there is no elevator %d", x.ElevatorID)
			v.must("elevator_id", on[x.ElevatorID] == 0 || on[x.ElevatorID] == x.ControllerID, "elevator %d is on controller %d", x.ElevatorID, on[x.ElevatorID])
			v.must("lock_id", x.LockID == 0, "is nothing for a reader in a car")
			v.must("direction", x.Direction == In, "is in for a reader in a car")
		}
	}
}

// Stop is an elevator stop of this controller, with its relay.
type Stop struct {
	ElevatorStop
	Elevator Elevator
	Relay    RelayConnection
	Permit   *schedule.Plan // when anybody may choose it
	Groups   []int64        // that may choose it, ascending
}

// compileStops makes the stops, each of which is decided as a door is.
func (s *Set) compileStops(r *Records, of func(schedule.ScheduleableType, int64) []schedule.Schedule) {
	s.stops = make(map[int64]*Door, len(r.ElevatorStops))
	for _, x := range r.ElevatorStops {
		list := of(schedule.ElevatorStop, x.ID)
		d := &Door{Lock: Lock{ID: x.ID, Name: x.Name, Configured: true, LockedDown: x.LockedDown, Restrictions: Restrictions{Time: x.Time},
			WhenClockUnset: ClockDeny, WhenPolicyStale: StaleAdmit}, Allow: schedule.Compile(list, schedule.Allow, s.Location)}
		for _, g := range r.GroupStops {
			if g.StopID == x.ID {
				d.Groups = append(d.Groups, g.GroupID)
			}
		}
		slices.Sort(d.Groups)
		d.Groups = slices.Compact(d.Groups)
		s.stops[x.ID] = d
		relay := slices.IndexFunc(r.RelayConnections, func(c RelayConnection) bool { return c.Type == RelayStop && c.StopID == x.ID })
		elevator := slices.IndexFunc(r.Elevators, func(e Elevator) bool { return e.ID == x.ElevatorID })
		if relay >= 0 && s.Controller.ID != 0 && r.Elevators[elevator].ControllerID == s.Controller.ID {
			s.Stops = append(s.Stops, Stop{ElevatorStop: x, Elevator: r.Elevators[elevator], Relay: r.RelayConnections[relay],
				Permit: schedule.Compile(list, schedule.Permit, s.Location), Groups: d.Groups})
		}
	}
	slices.SortFunc(s.Stops, func(a, b Stop) int { return a.Relay.Channel - b.Relay.Channel })
}
