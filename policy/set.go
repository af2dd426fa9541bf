package policy

import (
	"slices"
	"time"

	"doord/policy/schedule"
)

// Set is the small part of a place's policy, compiled for decisions: doors,
// groups, schedules, readers. It never changes once made; a new policy is a new
// Set. The large part, credentials and members, stays in the cache: each look-up
// yields a Holder.
type Set struct {
	Revision   uint64
	Expires    time.Time // when the policy's signed head goes stale; zero: never
	Place      Place
	Location   *time.Location
	Controller Controller // this board's record; zero if the place does not know it

	Relays   []RelayConnection // of this controller, by channel
	Inputs   []InputConnection
	Readers  []Reader
	Wireless []WirelessLock
	Zones    []ZonePlan  // of the place
	Alarms   []AlarmPlan // of the place
	Stops    []Stop      // of the elevators of this controller, by channel
	Areas    []Area      // whose readers are on this controller

	doors   map[int64]*Door
	readers map[int64]*Reader
	groups  map[int64]*groupPlan
	stops   map[int64]*Door // of elevators
}

// Door is a lock with all that decides who may open it and when.
type Door struct {
	Lock
	Groups        []int64        // that open it, ascending
	Allow         *schedule.Plan // the time restriction
	Unlock        *schedule.Plan // scheduled unlocks
	FirstToArrive *schedule.Plan
	Zone          int64   // that the door is in; 0: none
	Exterior      bool    // it leads out of the zone
	Interlocked   []int64 // the locks that must be closed and secured for this one to be released
}

type groupPlan struct {
	Group
	allow *schedule.Plan
}

// Compile makes a Set for the controller with the given device id, with the
// place's time zone already loaded. The records must be valid.
func Compile(r *Records, revision uint64, deviceID string, loc *time.Location) *Set {
	s := &Set{
		Revision: revision,
		Place:    r.Place,
		Location: loc,
		doors:    make(map[int64]*Door, len(r.Locks)),
		readers:  make(map[int64]*Reader, len(r.Readers)),
		groups:   make(map[int64]*groupPlan, len(r.Groups)),
	}
	for _, c := range r.Controllers {
		if c.DeviceID == deviceID {
			s.Controller = c
		}
	}
	of := func(kind schedule.ScheduleableType, id int64) []schedule.Schedule {
		var list []schedule.Schedule
		for _, x := range r.Schedules {
			if x.Scheduleable.Type == kind && x.Scheduleable.ID == id {
				list = append(list, x)
			}
		}
		return list
	}
	for _, l := range r.Locks {
		list := of(schedule.Lock, l.ID)
		s.doors[l.ID] = &Door{
			Lock:          l,
			Allow:         schedule.Compile(list, schedule.Allow, loc),
			Unlock:        schedule.Compile(list, schedule.Unlock, loc),
			FirstToArrive: schedule.Compile(list, schedule.FirstToArrive, loc),
		}
	}
	for _, g := range r.Groups {
		s.groups[g.ID] = &groupPlan{Group: g, allow: schedule.Compile(of(schedule.Group, g.ID), schedule.Allow, loc)}
	}
	for _, gl := range r.GroupLocks {
		d := s.doors[gl.LockID]
		d.Groups = append(d.Groups, gl.GroupID)
	}
	for _, d := range s.doors {
		slices.Sort(d.Groups)
		d.Groups = slices.Compact(d.Groups)
	}
	s.compileZones(r)
	s.compileAlarms(r)
	s.compileInterlocks(r)
	s.compileStops(r, of)
	if s.Controller.ID != 0 {
		s.wire(r)
	}
	return s
}

// wire keeps the connections of this controller only.
func (s *Set) wire(r *Records) {
	for _, c := range r.RelayConnections {
		if c.ControllerID == s.Controller.ID {
			s.Relays = append(s.Relays, c)
		}
	}
	for _, c := range r.InputConnections {
		if c.ControllerID == s.Controller.ID {
			s.Inputs = append(s.Inputs, c)
		}
	}
	for _, x := range r.Readers {
		if x.ControllerID == s.Controller.ID {
			s.Readers = append(s.Readers, x)
		}
	}
	for _, a := range r.Areas {
		if slices.ContainsFunc(s.Readers, func(x Reader) bool { return slices.Contains(a.Into, x.ID) }) {
			s.Areas = append(s.Areas, a)
		}
	}
	for _, w := range r.WirelessLocks {
		if w.ControllerID == s.Controller.ID {
			s.Wireless = append(s.Wireless, w)
		}
	}
	for i := range s.Readers {
		s.readers[s.Readers[i].ID] = &s.Readers[i]
	}
	slices.SortFunc(s.Relays, func(a, b RelayConnection) int { return a.Channel - b.Channel })
	slices.SortFunc(s.Inputs, func(a, b InputConnection) int { return a.Channel - b.Channel })
}

// Door returns the door with this lock id, or nil.
func (s *Set) Door(id int64) *Door {
	if s == nil {
		return nil
	}
	return s.doors[id]
}

// stop returns the elevator stop with this id as what is decided about, or nil.
func (s *Set) stop(id int64) *Door {
	if s == nil {
		return nil
	}
	return s.stops[id]
}

// Reader returns this controller's reader with this id, or nil.
func (s *Set) Reader(id int64) *Reader {
	if s == nil {
		return nil
	}
	return s.readers[id]
}

// Stale reports whether the policy's head has expired.
func (s *Set) Stale(now Now) bool {
	return now.WallSet && !s.Expires.IsZero() && !now.Wall.Before(s.Expires)
}
