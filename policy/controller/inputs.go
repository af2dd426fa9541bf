package controller

import (
	"doord/policy"
	"doord/policy/door"
)

// Fire is the fire input: what is active now, and the alarm that stays until a
// person resets it.
type Fire struct {
	Active  uint32 // a bit for each fire input
	Latched bool
}

// changed takes a board input that settled on a new status.
func (c *Controller) changed(now policy.Now, in Changed) {
	line := c.board.Inputs[in.Line]
	input := policy.Ref{Type: "controller_input", ID: c.lines[in.Line].id, Name: line.Name}
	fault := in.Status == InputCut || in.Status == InputShort
	if fault || in.Flood {
		detail := string(in.Status)
		if in.Flood {
			detail = "chatters"
		}
		c.tell(now, policy.Event{Type: policy.InputTamper, Object: input, Detail: detail})
	}
	switch line.Kind {
	case policy.InputFire:
		c.sensedFire(now, in, input)
	case policy.InputREX:
		use := c.lines[in.Line]
		for _, i := range line.Doors {
			if in.Active && use.action == policy.REXLastToLeave {
				c.leave(now, i, policy.Ref{})
			}
			c.step(now, i, door.Pressed{Input: in.Line, Action: use.action, For: use.linger, Active: in.Active})
		}
	case policy.InputContact:
		contact := door.Closed
		switch {
		case fault:
			contact = door.Unknown
		case in.Active:
			contact = door.Open
		}
		for _, i := range line.Doors {
			c.step(now, i, door.Contacted{Contact: contact})
		}
	case policy.InputPassage:
		if in.Active && !in.Initial {
			for _, i := range line.Doors {
				c.step(now, i, door.Passed{})
			}
		}
	case policy.InputLoop:
		for _, i := range line.Doors {
			// One that cannot be read counts as occupied: no gate closes on a vehicle.
			c.step(now, i, door.Looped{Input: in.Line, On: in.Active || fault})
		}
	case policy.InputTamperS:
		if in.Initial && !in.Active {
			return
		}
		c.tell(now, policy.Event{Type: policy.ControllerTamper, Object: input, Success: true, Detail: word(in.Active, "opened", "closed")})
	case policy.InputPanel:
		if c.sensedPanel(now, in) || in.Initial && !in.Active {
			return
		}
		c.tell(now, policy.Event{Type: policy.InputTriggered, Object: input, Success: true, Detail: word(in.Active, "active", "inactive")})
	}
}

// sensedFire releases every door that is to be released on fire, and keeps it so
// until a person resets it.
func (c *Controller) sensedFire(now policy.Now, in Changed, input policy.Ref) {
	bit := uint32(1) << (in.Line & 31)
	if !in.Active {
		c.fire.Active &^= bit
		return
	}
	c.fire.Active |= bit
	if c.fire.Latched {
		return
	}
	c.fire.Latched = true
	c.tell(now, policy.Event{Type: policy.ControllerFire, Object: input, Success: true, Detail: string(in.Status)})
	for i := range c.doors {
		c.step(now, i, door.Fired{On: true})
	}
}

// resetFire ends the latched alarm, once no fire input is active any more.
func (c *Controller) resetFire(now policy.Now) {
	e := policy.Event{Type: policy.ControllerFireReset, Success: c.fire.Latched && c.fire.Active == 0}
	switch {
	case !c.fire.Latched:
		e.Detail = "no_fire"
	case c.fire.Active != 0:
		e.Detail = "input_active"
	}
	c.tell(now, e)
	if !e.Success {
		return
	}
	c.fire.Latched = false
	for i := range c.doors {
		c.step(now, i, door.Fired{})
	}
}

// readerChanged takes a reader that came or went, or was tampered with. Tamper
// stays until an administrator resets it.
func (c *Controller) readerChanged(now policy.Now, in ReaderChanged) {
	r := &c.readers[in.Reader]
	if in.Online != r.Online {
		r.Online = in.Online
		kind := policy.ReaderOffline
		if in.Online {
			kind = policy.ReaderOnline
		}
		c.tell(now, policy.Event{Type: kind, Object: c.reader(in.Reader), Success: true})
	}
	if in.Tampered && !r.Tampered {
		r.Tampered = true
		c.tell(now, policy.Event{Type: policy.ReaderTamper, Object: c.reader(in.Reader), Success: true})
	}
}

func (c *Controller) resetReader(now policy.Now, i int) {
	c.readers[i].Tampered = false
	c.tell(now, policy.Event{Type: policy.ReaderResetTamper, Object: c.reader(i), Success: true})
}

func word(ok bool, yes, no string) string {
	if ok {
		return yes
	}
	return no
}
