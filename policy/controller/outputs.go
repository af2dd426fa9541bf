package controller

import (
	"time"

	"doord/policy"
)

// Outputs are the wanted levels of the relays: bit channel−1 is set when the
// relay's lock is to be released or its siren is to sound.
type Outputs uint8

// On reports whether a channel is wanted released or on.
func (o Outputs) On(channel int) bool { return o&(1<<(channel-1)) != 0 }

// Outputs returns the wanted level of every relay. It is a function of the
// state: a restart cannot leave a relay out of step with it.
func (c *Controller) Outputs() Outputs {
	var o Outputs
	for i := range c.doors {
		if !c.doors[i].Released() {
			continue
		}
		for _, channel := range c.board.Doors[i].Relays {
			o |= 1 << (channel - 1)
		}
	}
	for _, s := range c.sirens {
		if z := c.zoneAt(s.ZoneID); z >= 0 && c.zones[z].State.Violated() || c.alarms[s.AlarmRuleID].Sounding {
			o |= 1 << (s.Channel - 1)
		}
	}
	return o | c.stopOutputs() | c.keyOutputs()
}

// Feedback returns what a reader is to show: the answer to the last read while
// that is fresh, else the state of its door.
func (c *Controller) Feedback(reader int) policy.Feedback {
	if r := &c.readers[reader]; r.ShowUntil != 0 {
		return r.Show
	}
	i := c.board.Readers[reader].Door
	if i < 0 {
		return policy.ShowIdle
	}
	d, set := &c.doors[i], c.set.Reader(c.ports[reader])
	tells := set == nil || set.HeldOpen
	switch {
	case d.State.Forced || d.State.Alarmed && tells || c.buzzes(i):
		return policy.ShowAlarm
	case d.State.Warned && tells:
		return policy.ShowWarning
	case d.Released():
		return policy.ShowReleased
	default:
		return policy.ShowIdle
	}
}

// Buzzer reports whether a reader may beep.
func (c *Controller) Buzzer(reader int) bool {
	r := c.set.Reader(c.ports[reader])
	return r == nil || r.Buzzer
}

// DoorStatus is a door as a person wants to see it.
type DoorStatus struct {
	Name          string
	Lock          int64 // 0: not bound
	Misconfigured string
	Released      bool
	Cause         string
	Contact       string
	LockedDown    bool
	Forced        bool
	HeldOpen      bool
	Hold          string
	Scheduled     bool
	Kind          policy.LockKind
	Passages      uint64 // that a turnstile or a passage input counted since the start
	InterlockedBy string // the door that keeps it locked; "": none
	Zone          int64  // 0: in none
	ZoneLevel     policy.ZoneLevel
	// ArriveUntil is the end of the first-to-arrive window that runs, zero when none
	// does; Arrived says that somebody came in it.
	ArriveUntil time.Time
	Arrived     bool
}

// Door returns the status of door i.
func (c *Controller) Door(i int) DoorStatus {
	d := &c.doors[i]
	s := DoorStatus{
		Name:          c.board.Doors[i].Name,
		Lock:          c.object(i).ID,
		Misconfigured: c.bound[i].fault,
		Released:      d.Released(),
		Cause:         d.Cause().String(),
		Contact:       d.State.Contact.String(),
		LockedDown:    d.State.LockedDown,
		Forced:        d.State.Forced,
		HeldOpen:      d.State.Alarmed,
		Hold:          d.State.Hold.String(),
		Scheduled:     d.State.Scheduled,
		Passages:      d.State.Passages,
	}
	if lock := c.bound[i].lock; lock != nil {
		s.Kind = lock.Kind
	}
	if z := c.zoneOf(i); z >= 0 {
		s.Zone, s.ZoneLevel = c.zones[z].ID, c.zones[z].State.Level
	}
	s.ArriveUntil, s.Arrived = c.arrival(i)
	if other := c.blocker(i); other >= 0 {
		s.InterlockedBy = c.board.Doors[other].Name
	}
	return s
}

// Fire returns the state of the fire alarm.
func (c *Controller) Fire() Fire { return c.fire }

// Reader returns what is remembered of a reader.
func (c *Controller) Reader(i int) Reader { return c.readers[i] }

// ReaderID returns the place's id of a reader, 0 when it is not bound.
func (c *Controller) ReaderID(i int) int64 { return c.ports[i] }
