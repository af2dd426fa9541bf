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
	Alarms   map[int64]Alarm          `json:"alarms,omitempty"` // by rule
	Fire     Fire                     `json:"fire,omitzero"`
	Expired  bool                     `json:"expired,omitempty"` // the policy's head
	Last     time.Duration            `json:"last,omitempty"`
}

// State returns what the controller remembers: New with it goes on as this one.
func (c *Controller) State() State {
	s := State{Doors: map[string]door.State{}, Settings: map[string]door.Settings{}, Readers: map[string]Reader{}, Attended: map[string]Attendance{},
		Attempts: map[string]Attempts{}, Zones: c.Zones(), Alarms: c.Alarms(), Fire: c.fire, Expired: c.expired, Last: c.last}
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
	slices.Sort(s.LockDown)
	for i := range c.readers {
		r := c.readers[i]
		r.Wrong = slices.Clone(r.Wrong)
		s.Readers[c.board.Readers[i].Name] = r
	}
	return s
}

// Durable returns the part of the state that outlives a restart: fire, lockdown
// by a technician, who arrived and left, zones, alarms, tamper and wrong PINs. Releases end with the process, as the
// relays do; a wrong PIN counts from the restart, as nobody knows how long that
// took. Equal states have equal Durable parts, whatever the time.
func (s State) Durable() State {
	d := State{LockDown: s.LockDown, Attended: s.Attended, Zones: s.Zones, Alarms: map[int64]Alarm{},
		Fire: Fire{Latched: s.Fire.Latched}, Readers: map[string]Reader{}}
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
	c.bound = make([]binding, len(c.board.Doors))
	for i, d := range c.board.Doors {
		c.doors[i].State = s.Doors[d.Name]
		c.doors[i].State.Fire = s.Fire.Latched
		c.attended[i], c.attempts[i] = s.Attended[d.Name], s.Attempts[d.Name]
		if slices.Contains(s.LockDown, d.Name) {
			c.bound[i].technician = true
			c.doors[i].State.LockedDown = true
		}
	}
	for i, p := range c.board.Readers {
		c.readers[i] = s.Readers[p.Name]
	}
}
