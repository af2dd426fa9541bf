package controller

import (
	"time"

	"doord/policy"
	"doord/policy/zone"
)

// panelAnswers is how long an alarm panel may take to do what its key switch told
// it. Until then the key is not turned again, which would undo it.
const panelAnswers = 30 * time.Second

// Key is the key switch of a zone's alarm panel.
type Key struct {
	Until time.Duration `json:"until,omitempty"` // of the pulse; 0: none
	Wait  time.Duration `json:"wait,omitempty"`  // for the panel's answer; 0: for none
}

// Lines are the alarm panel's inputs as they were last seen, a bit each.
type Lines struct {
	Known  uint32 `json:"known,omitempty"`
	Active uint32 `json:"active,omitempty"`
}

// sensedPanel takes an input of an alarm panel. It reports whether the input tells
// of a zone.
func (c *Controller) sensedPanel(now policy.Now, in Changed) bool {
	bit := uint32(1) << (in.Line & 31)
	if in.Status != InputCut && in.Status != InputShort { // else it is as it was, and a tamper
		c.panel.Known |= bit
		c.panel.Active &^= bit
		if in.Active {
			c.panel.Active |= bit
		}
	}
	c.signal(now, in.Line)
	return c.lines[in.Line].zone != 0
}

// signal tells the zone of an input what that was last seen to tell.
func (c *Controller) signal(now policy.Now, line int) {
	use, bit := c.lines[line], uint32(1)<<(line&31)
	i := c.zoneAt(use.zone)
	if i < 0 || c.set == nil || c.panel.Known&bit == 0 {
		return
	}
	level := c.zones[i].State.Level
	c.stepZone(now, i, zone.Panelled{Signal: use.signal, On: c.panel.Active&bit != 0})
	if c.zones[i].State.Level != level {
		k := c.keys[use.zone]
		k.Wait = 0 // the panel has answered
		c.setKey(use.zone, k)
	}
}

// turnKey turns the key switch of a zone if the panel is not as it is wanted.
func (c *Controller) turnKey(e policy.Event, z *zone.Zone) {
	asked := e.Type == policy.ZoneOverride || e.Type == policy.ZoneOnAccess
	if !asked || !e.Success || z.Plan == nil || z.Plan.Source != policy.SourcePanel ||
		z.State.Level.Armed() == policy.ZoneLevel(e.Detail).Armed() || c.keys[z.ID].Wait != 0 {
		return
	}
	for _, r := range c.set.Relays {
		if r.Type == policy.RelayKeySwitch && r.ZoneID == z.ID {
			c.setKey(z.ID, Key{Until: e.At.Up + r.Duration.Duration(), Wait: e.At.Up + panelAnswers})
		}
	}
}

func (c *Controller) setKey(zone int64, k Key) {
	c.keys[zone] = k
	if k == (Key{}) {
		delete(c.keys, zone)
	}
}

// expireKeys ends pulses, and waiting for a panel that does not answer.
func (c *Controller) expireKeys(now policy.Now) {
	for id, k := range c.keys {
		if k.Until <= now.Up {
			k.Until = 0
		}
		if k.Wait <= now.Up {
			k.Wait = 0
		}
		c.setKey(id, k)
	}
}

// keyOutputs are the wanted levels of the relays that turn key switches.
func (c *Controller) keyOutputs() (o Outputs) {
	for _, r := range c.switches {
		if c.keys[r.ZoneID].Until != 0 {
			o |= 1 << (r.Channel - 1)
		}
	}
	return o
}
