package controller

import "doord/policy"

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
	return o
}

// Feedback returns what a reader is to show: the answer to the last read while
// that is fresh, else the state of its door.
func (c *Controller) Feedback(reader int) policy.Feedback {
	if r := &c.readers[reader]; r.ShowUntil != 0 {
		return r.Show
	}
	d := &c.doors[c.board.Readers[reader].Door]
	switch {
	case d.State.Forced || d.State.Alarmed:
		return policy.ShowAlarm
	case d.State.Warned:
		return policy.ShowWarning
	case d.Released():
		return policy.ShowReleased
	default:
		return policy.ShowIdle
	}
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
}

// Door returns the status of door i.
func (c *Controller) Door(i int) DoorStatus {
	d := &c.doors[i]
	return DoorStatus{
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
	}
}

// Fire returns the state of the fire alarm.
func (c *Controller) Fire() Fire { return c.fire }

// Reader returns what is remembered of a reader.
func (c *Controller) Reader(i int) Reader { return c.readers[i] }

// ReaderID returns the place's id of a reader, 0 when it is not bound.
func (c *Controller) ReaderID(i int) int64 { return c.ports[i] }
