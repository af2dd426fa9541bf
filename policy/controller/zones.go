package controller

import (
	"cmp"
	"maps"
	"slices"

	"doord/policy"
	"doord/policy/zone"
)

// bindZones gives the zones that the policy knows their blocks. A zone keeps its
// state; one that the policy knows no more is forgotten. Without a policy they all
// stay as they are, and nothing happens to them.
func (c *Controller) bindZones(now policy.Now) {
	if c.set == nil {
		return
	}
	old := c.zones
	c.zones = make([]zone.Zone, len(c.set.Zones))
	for i := range c.set.Zones {
		plan := &c.set.Zones[i]
		c.zones[i].ID = plan.ID
		for j := range old {
			if old[j].ID == plan.ID {
				c.zones[i] = old[j]
			}
		}
		c.stepZone(now, i, zone.Configured{Plan: plan})
	}
	maps.DeleteFunc(c.keys, func(id int64, _ Key) bool { return c.zoneAt(id) < 0 })
	for line := range c.lines {
		c.signal(now, line)
	}
}

// zoneAt returns the index of the zone with this id, or -1.
func (c *Controller) zoneAt(id int64) int {
	return slices.IndexFunc(c.zones, func(z zone.Zone) bool { return id != 0 && z.ID == id })
}

// zoneOf returns the index of the zone that door i is in, or -1.
func (c *Controller) zoneOf(i int) int {
	if lock := c.bound[i].lock; lock != nil {
		return c.zoneAt(lock.Zone)
	}
	return -1
}

// stepZone steps a zone and tells what came of it. What it was put to decides
// which scheduled unlocks run.
func (c *Controller) stepZone(now policy.Now, i int, in zone.Input) {
	before := c.zones[i].State
	for _, e := range c.zones[i].Step(now, in) {
		c.emit(e)
		c.turnKey(e, &c.zones[i])
	}
	c.calendar.outdated = c.calendar.outdated || c.zones[i].State != before
}

// runZones brings every zone's level up to date with the wall clock.
func (c *Controller) runZones(now policy.Now) {
	for i := range c.zones {
		if c.set != nil {
			c.stepZone(now, i, nil)
		}
	}
}

// awaitZones notes when a zone's level next changes.
func (c *Controller) awaitZones(now policy.Now) {
	for i := range c.zones {
		if c.set != nil && now.WallSet {
			next, ok := c.zones[i].Next(now)
			c.calendar.wait(now, next, ok)
		}
	}
}

// commandZone takes what somebody, or another controller, says about a zone.
func (c *Controller) commandZone(now policy.Now, id int64, in zone.Input) {
	if i := c.zoneAt(id); i >= 0 && c.set != nil {
		c.stepZone(now, i, in)
	}
}

// watchZone tells the zone of a door that it opened. Fire suspends violation.
func (c *Controller) watchZone(i int, e policy.Event) {
	if e.Type != policy.LockOpened && e.Type != policy.LockForcedOpen || c.fire.Latched {
		return
	}
	if z := c.zoneOf(i); z >= 0 {
		c.stepZone(e.At, z, zone.Opened{Door: e.Object, Exterior: c.bound[i].lock.Exterior, Forced: e.Type == policy.LockForcedOpen})
	}
}

// zoneState fills in what a decision at door i must know of its zone.
func (c *Controller) zoneState(now policy.Now, i int, s *policy.DoorState) {
	z := c.zoneOf(i)
	if z < 0 {
		return
	}
	at := c.zones[z] // as it is now, or in a what-if as it will be
	at.Step(now, nil)
	s.ZoneLevel = string(cmp.Or(at.State.Level, "unknown"))
	s.ZoneDenies, s.ZoneByClock = at.Denies(now), !at.Known(now)
}

// Zones returns what is known of every zone, by its id: what other controllers
// are to be told is in it.
func (c *Controller) Zones() map[int64]zone.State {
	states := make(map[int64]zone.State, len(c.zones))
	for i := range c.zones {
		states[c.zones[i].ID] = c.zones[i].State
	}
	return states
}

func (c *Controller) restoreZones(states map[int64]zone.State) {
	for _, id := range slices.Sorted(maps.Keys(states)) {
		c.zones = append(c.zones, zone.Zone{ID: id, State: states[id]})
	}
}
