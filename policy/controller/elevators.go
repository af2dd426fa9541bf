package controller

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"doord/policy"
)

// Stop is what the controller remembers of an elevator stop.
type Stop struct {
	Until      time.Duration `json:"until,omitempty"` // permitted by a card; 0: not
	Scheduled  bool          `json:"scheduled,omitempty"`
	Technician bool          `json:"technician,omitempty"` // locked down by a technician
}

// stop returns an elevator stop of the policy, or nil.
func (c *Controller) stop(id int64) *policy.Stop {
	if c.set == nil {
		return nil
	}
	if i := slices.IndexFunc(c.set.Stops, func(s policy.Stop) bool { return s.ID == id }); i >= 0 {
		return &c.set.Stops[i]
	}
	return nil
}

// stopDown reports whether nobody may choose a stop.
func (c *Controller) stopDown(s *policy.Stop) bool {
	return c.stops[s.ID].Technician || s.LockedDown || c.placeDown()
}

// stopWired reports whether the stop's relay is one of the board's for stops.
func (c *Controller) stopWired(s *policy.Stop) bool {
	return slices.Contains(c.board.Stops, s.Relay.Channel)
}

// permitted reports whether a stop can be chosen, fire aside.
func (c *Controller) permitted(s *policy.Stop) bool {
	x := c.stops[s.ID]
	return !c.stopDown(s) && (x.Until != 0 || x.Scheduled)
}

// stopOutputs are the wanted levels of the relays of elevator stops. On fire all are
// permitted, by the wiring alone: the elevator is left to itself.
func (c *Controller) stopOutputs() (o Outputs) {
	for _, channel := range c.board.Stops {
		if c.fire.Latched {
			o |= 1 << (channel - 1)
		}
	}
	if c.set == nil {
		return o
	}
	for i := range c.set.Stops {
		if s := &c.set.Stops[i]; c.stopWired(s) && c.permitted(s) {
			o |= 1 << (s.Relay.Channel - 1)
		}
	}
	return o
}

// ride answers a request in a car: every stop is decided about as a door is, and all
// that are granted can be chosen. If none is, the reason is that of the stop at which
// the request got furthest, of those that a group of the holder has.
func (c *Controller) ride(now policy.Now, reader int, q *policy.Request, bits string) policy.Decision {
	var best policy.Decision
	var floors []string
	furthest := -1
	e := policy.Event{Type: policy.ElevatorPermit, Object: policy.Ref{Type: "elevator"}, Reader: c.board.Readers[reader].Name}
	if port := c.set.Reader(c.portID(reader)); port != nil {
		e.Object.ID = port.ElevatorID
	}
	for _, s := range c.stopsOf(e.Object.ID) {
		e.Object.Name = s.Elevator.Name
		q.Stop = s.ID
		q.State = c.stopState(s, reader)
		d := policy.Decide(c.set, q, now, true)
		if d.Granted {
			x := c.stops[s.ID]
			x.Until = max(x.Until, now.Up+s.Relay.Duration.Duration())
			c.stops[s.ID] = x
			e.Until = max(e.Until, x.Until)
			floors = append(floors, strconv.Itoa(s.Floor.Number))
		}
		if got := reached(s, q.Holder, d); got > furthest {
			best, furthest = d, got
		}
	}
	if furthest < 0 {
		q.Stop = -1 // there is none
		best = policy.Decide(c.set, q, now, true)
	}
	e.Success, e.Reason, e.Revision, e.Trace, e.By = best.Granted, best.Reason, best.Revision, best.Trace, policy.Ref{Type: string(q.Method)}
	if h := q.Holder; h != nil {
		e.By.ID, e.Actor = h.Credential, member(h)
	}
	if best.Granted {
		e.Detail = "floor " + strings.Join(floors, ",")
	}
	if best.Reason == policy.CardNotFound {
		e.Bits = bits
	}
	c.tell(now, e)
	if q.Duress() {
		c.tell(now, policy.Event{Type: policy.LockDuress, Object: e.Object, Actor: e.Actor, By: e.By, Reader: e.Reader, Success: best.Granted})
	}
	return best
}

// reached tells how far a request got at a stop: what is granted got furthest, then
// what a group of the holder has.
func reached(s *policy.Stop, h *policy.Holder, d policy.Decision) int {
	const far = 1000 // more than there are checks
	switch {
	case d.Granted:
		return 2 * far
	case h != nil && slices.ContainsFunc(h.Groups, func(m policy.Membership) bool { return slices.Contains(s.Groups, m.Group) }):
		return far + len(d.Trace)
	}
	return len(d.Trace)
}

// stopsOf returns the stops of an elevator, the lowest first.
func (c *Controller) stopsOf(elevator int64) (stops []*policy.Stop) {
	if c.set == nil || elevator == 0 {
		return nil
	}
	for i := range c.set.Stops {
		if s := &c.set.Stops[i]; s.ElevatorID == elevator {
			stops = append(stops, s)
		}
	}
	slices.SortFunc(stops, func(a, b *policy.Stop) int { return cmp.Compare(a.Floor.Number, b.Floor.Number) })
	return stops
}

// stopState is what a decision about a stop looks at besides the policy.
func (c *Controller) stopState(s *policy.Stop, reader int) policy.DoorState {
	state := policy.DoorState{Misconfigured: s == nil || !c.stopWired(s)}
	if s != nil {
		state.LockedDown = c.stops[s.ID].Technician
	}
	if reader >= 0 {
		state.ReaderTampered = c.readers[reader].Tampered
		state.PINBlocked = c.readers[reader].BlockedUntil != 0
	}
	return state
}

// permitStop lets a technician permit a stop once. A lockdown stands against it.
func (c *Controller) permitStop(now policy.Now, in StopPermitted) {
	s := c.stop(in.Stop)
	if s == nil {
		return
	}
	e := policy.Event{Type: policy.ElevatorPermit, Object: c.stopRef(s), Actor: technician, By: policy.Ref{Type: "local"}, Revision: c.Revision(),
		Success: !c.stopDown(s) && c.stopWired(s), Detail: "floor " + strconv.Itoa(s.Floor.Number)}
	switch {
	case !c.stopWired(s):
		e.Reason = policy.DoorMisconfigured
	case c.stopDown(s):
		e.Reason = policy.DoorLockedDown
	default:
		x := c.stops[s.ID]
		x.Until = now.Up + s.Relay.Duration.Duration()
		c.stops[s.ID], e.Until = x, x.Until
	}
	c.tell(now, e)
}

// lockDownStop begins or ends a technician's lockdown of a stop.
func (c *Controller) lockDownStop(now policy.Now, in StopLockedDown) {
	s := c.stop(in.Stop)
	if s == nil || c.stops[s.ID].Technician == in.On {
		return
	}
	x := c.stops[s.ID]
	x.Technician = in.On
	c.stops[s.ID] = x
	kind := policy.ElevatorCancel
	if in.On {
		kind = policy.ElevatorLockDown
	}
	c.tell(now, policy.Event{Type: kind, Object: c.stopRef(s), Actor: technician, Success: true})
	c.endPermits()
}

// endPermits ends what cards permitted at stops that are locked down now.
func (c *Controller) endPermits() {
	if c.set == nil {
		return
	}
	for i := range c.set.Stops {
		if s := &c.set.Stops[i]; c.stopDown(s) && c.stops[s.ID].Until != 0 {
			x := c.stops[s.ID]
			x.Until = 0
			c.stops[s.ID] = x
		}
	}
}

// bindStops keeps what is known of the stops that the policy has, and tells those
// whose relay the board has for something else.
func (c *Controller) bindStops(now policy.Now, before *policy.Set) {
	if c.set == nil {
		return
	}
	maps.DeleteFunc(c.stops, func(id int64, _ Stop) bool { return c.stop(id) == nil })
	c.endPermits()
	for i := range c.set.Stops {
		s := &c.set.Stops[i]
		known := before != nil && slices.ContainsFunc(before.Stops, func(x policy.Stop) bool { return x.ID == s.ID && x.Relay.Channel == s.Relay.Channel })
		if !c.stopWired(s) && !known {
			c.tell(now, policy.Event{Type: policy.LockMisconfigured, Object: c.stopRef(s), Reason: policy.DoorMisconfigured,
				Detail: "relay " + strconv.Itoa(s.Relay.Channel) + " is not wired to an elevator stop"})
		}
	}
}

// runStops brings the scheduled permits up to date with the wall clock.
func (c *Controller) runStops(now policy.Now) {
	for i := range c.set.Stops {
		s := &c.set.Stops[i]
		x, on := c.stops[s.ID], now.WallSet && s.Permit.At(now.Wall)
		if on != x.Scheduled {
			x.Scheduled = on
			c.stops[s.ID] = x
			kind := policy.ElevatorUnscheduled
			if on {
				kind = policy.ElevatorScheduled
			}
			c.tell(now, policy.Event{Type: kind, Object: c.stopRef(s), Success: true})
		}
		if now.WallSet {
			next, ok := s.Permit.Next(now.Wall)
			c.calendar.wait(now, next, ok)
		}
	}
}

// expireStops ends permits whose time has come.
func (c *Controller) expireStops(now policy.Now) {
	for id, x := range c.stops {
		if x.Until != 0 && x.Until <= now.Up {
			x.Until = 0
			c.stops[id] = x
		}
	}
}

func (c *Controller) stopRef(s *policy.Stop) policy.Ref {
	return policy.Ref{Type: "elevator_stop", ID: s.ID, Name: cmp.Or(s.Name, s.Elevator.Name)}
}

// StopStatus is an elevator stop as a person wants to see it.
type StopStatus struct {
	policy.Stop
	Permitted  bool
	Scheduled  bool
	LockedDown bool
	Wired      bool
}

// Stops returns the status of every elevator stop of the policy here.
func (c *Controller) Stops() (list []StopStatus) {
	if c.set == nil {
		return nil
	}
	for i := range c.set.Stops {
		s := &c.set.Stops[i]
		list = append(list, StopStatus{Stop: *s, Permitted: c.stopOutputs().On(s.Relay.Channel), Scheduled: c.stops[s.ID].Scheduled,
			LockedDown: c.stopDown(s), Wired: c.stopWired(s)})
	}
	return list
}
