package controller

import (
	"maps"
	"slices"
	"time"

	"doord/policy/door"
	"doord/policy/zone"
)

// State is all that a controller remembers. Doors and readers are by name, so
// that a changed configuration does not give one door's state to another.
type State struct {
	Doors    map[string]door.State    `json:"doors,omitempty"`
	Settings map[string]door.Settings `json:"settings,omitempty"`  // of the doors, until there is a policy again
	LockDown []string                 `json:"lock_down,omitempty"` // by a technician, sorted
	Readers  map[string]Reader        `json:"readers,omitempty"`
	Attended map[string]Attendance    `json:"attended,omitempty"` // by door
	Attempts map[string]Attempts      `json:"attempts,omitempty"` // by door
	Zones    map[int64]zone.State     `json:"zones,omitempty"`
	Alarms   map[int64]Alarm          `json:"alarms,omitempty"`  // by rule
	Areas    map[int64][]Whereabouts  `json:"areas,omitempty"`   // by area, those longest known first
	Passing  map[string][]Passing     `json:"passing,omitempty"` // by door
	Company  map[string]Company       `json:"company,omitempty"` // by door
	Stops    map[int64]Stop           `json:"stops,omitempty"`   // of elevators
	Keys     map[int64]Key            `json:"keys,omitempty"`    // by zone
	Panel    Lines                    `json:"panel,omitzero"`
	Wireless map[string]Wireless      `json:"wireless,omitempty"` // by door
	Fire     Fire                     `json:"fire,omitzero"`
	Expired  bool                     `json:"expired,omitempty"` // the policy's head
	Last     time.Duration            `json:"last,omitempty"`
}

// State returns what the controller remembers: New with it goes on as this one.
func (c *Controller) State() State {
	s := State{Doors: map[string]door.State{}, Settings: map[string]door.Settings{}, Readers: map[string]Reader{}, Attended: map[string]Attendance{},
		Attempts: map[string]Attempts{}, Zones: c.Zones(), Alarms: c.Alarms(), Areas: c.Areas(), Passing: map[string][]Passing{}, Company: map[string]Company{}, Stops: map[int64]Stop{}, Keys: maps.Clone(c.keys), Panel: c.panel, Fire: c.fire, Expired: c.expired, Last: c.last}
	for i := range c.doors {
		name := c.board.Doors[i].Name
		s.Doors[name], s.Settings[name] = c.doors[i].State, c.doors[i].Settings
		if c.attended[i] != (Attendance{}) {
			s.Attended[name] = c.attended[i]
		}
		if c.bound[i].technician {
			s.LockDown = append(s.LockDown, name)
		}
	}
	for i, a := range c.attempts {
		if a != (Attempts{}) {
			s.Attempts[c.board.Doors[i].Name] = a
		}
	}
	for i, p := range c.passing {
		if len(p) > 0 {
			s.Passing[c.board.Doors[i].Name] = slices.Clone(p)
		}
	}
	for i, x := range c.company {
		if x != (Company{}) {
			s.Company[c.board.Doors[i].Name] = x
		}
	}
	for id, x := range c.stops {
		if x != (Stop{}) {
			s.Stops[id] = x
		}
	}
	for i, w := range c.wireless {
		if c.board.Doors[i].Wireless != 0 {
			if s.Wireless == nil {
				s.Wireless = map[string]Wireless{}
			}
			s.Wireless[c.board.Doors[i].Name] = w
		}
	}
	slices.Sort(s.LockDown)
	for i := range c.readers {
		r := c.readers[i]
		r.Wrong = slices.Clone(r.Wrong)
		s.Readers[c.board.Readers[i].Name] = r
	}
	return s
}

// Durable returns the part of the state that outlives a restart: fire, lockdown
// by a technician, who arrived and left, where members are, zones, alarms, tamper
// and wrong PINs. Releases end with the process, as the relays do; a wrong PIN and
// what is known of a member count from the restart, as nobody knows how long that
// took. Equal states have equal Durable parts, whatever the time.
func (s State) Durable() State {
	d := State{LockDown: s.LockDown, Attended: s.Attended, Zones: s.Zones, Alarms: map[int64]Alarm{},
		Areas: map[int64][]Whereabouts{}, Stops: map[int64]Stop{}, Fire: Fire{Latched: s.Fire.Latched}, Readers: map[string]Reader{}}
	for id, x := range s.Stops {
		if x.Technician {
			d.Stops[id] = Stop{Technician: true}
		}
	}
	for area, known := range s.Areas {
		d.Areas[area] = slices.Clone(known)
		for i := range known {
			d.Areas[area][i].Since = 0
		}
	}
	for rule, a := range s.Alarms {
		d.Alarms[rule] = Alarm{Active: a.Active, Sounding: a.Sounding}
	}
	for name, r := range s.Readers {
		kept := Reader{Tampered: r.Tampered, Wrong: make([]time.Duration, len(r.Wrong))}
		if r.BlockedUntil != 0 {
			kept.BlockedUntil = PINWindow
		}
		if r.Tampered || len(r.Wrong) > 0 || r.BlockedUntil != 0 {
			d.Readers[name] = kept
		}
	}
	return d
}

// Resumed returns a durable state as of the monotonic time up.
func (s State) Resumed(up time.Duration) State {
	for _, known := range s.Areas {
		for i := range known {
			known[i].Since = up
		}
	}
	for name, r := range s.Readers {
		for i := range r.Wrong {
			r.Wrong[i] = up
		}
		if r.BlockedUntil != 0 {
			r.BlockedUntil = up + PINWindow
		}
		s.Readers[name] = r
	}
	return s
}

func (c *Controller) restore(s State) {
	c.fire, c.last, c.expired = s.Fire, s.Last, s.Expired
	c.restoreZones(s.Zones)
	maps.Copy(c.alarms, s.Alarms)
	maps.Copy(c.stops, s.Stops)
	maps.Copy(c.keys, s.Keys)
	c.panel = s.Panel
	for id, known := range s.Areas {
		c.areas[id] = slices.Clone(known)
	}
	c.bound = make([]binding, len(c.board.Doors))
	for i, d := range c.board.Doors {
		c.doors[i].State = s.Doors[d.Name]
		c.doors[i].State.Fire = s.Fire.Latched
		c.wireless[i] = Wireless{Battery: -1}
		if w, ok := s.Wireless[d.Name]; ok {
			c.wireless[i] = w
		}
		c.attended[i], c.attempts[i] = s.Attended[d.Name], s.Attempts[d.Name]
		c.passing[i], c.company[i] = slices.Clone(s.Passing[d.Name]), s.Company[d.Name]
		if slices.Contains(s.LockDown, d.Name) {
			c.bound[i].technician = true
			c.doors[i].State.LockedDown = true
		}
	}
	for i, p := range c.board.Readers {
		c.readers[i] = s.Readers[p.Name]
	}
}
