package controller

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"doord/policy"
	"doord/policy/door"
)

// binding is what the policy makes of a door of the board.
type binding struct {
	lock       *policy.Door         // nil: the policy does not know the door
	fault      string               // why the door is misconfigured; "" when it is not
	wireless   *policy.WirelessLock // nil: it has relays, or the policy does not know its lock
	technician bool                 // locked down by a technician
}

// lineUse is what the policy makes of an input of the board.
type lineUse struct {
	id     int64 // of the input connection; 0: the policy does not know the input
	action policy.REXAction
	linger time.Duration // a request to exit releases on for this long
	zone   int64         // that an alarm panel tells of; 0: none
	signal policy.PanelSignal
}

// setPolicy puts a policy in force. Doors keep their state: a card that is just
// opening a door is not stopped by a change of somebody else's dates.
func (c *Controller) setPolicy(now policy.Now, set *policy.Set) {
	before, wasDown, old, revision := slices.Clone(c.bound), c.placeDown(), c.set, c.Revision()
	c.bind(set)
	if c.Revision() != revision || set == nil { // else it is the same, and only good for longer
		c.tell(now, policy.Event{Type: policy.ControllerPolicy, Success: true, Revision: c.Revision()})
	}
	c.calendar.outdated = true
	c.bindZones(now)
	c.bindAlarms(now)
	c.bindAreas(now)
	c.bindStops(now, old)
	if down := c.placeDown(); down != wasDown {
		kind := policy.PlaceCancelLockdown
		if down {
			kind = policy.PlaceLockDown
		}
		c.tell(now, policy.Event{Type: kind, Object: policy.Ref{Type: "place"}, Success: true})
	}
	for i := range c.doors {
		c.step(now, i, door.Configured{Settings: c.settings(i)})
		c.lockDown(now, i)
		if b := c.bound[i]; b.fault != "" && b.fault != before[i].fault {
			c.tell(now, policy.Event{Type: policy.LockMisconfigured, Object: c.object(i), Reason: policy.DoorMisconfigured, Detail: b.fault})
		}
	}
}

// bind finds for each door, input and reader of the board what the policy says
// of it. The board holds where the two disagree.
func (c *Controller) bind(set *policy.Set) {
	old := c.bound
	c.set = set
	c.bound = make([]binding, len(c.board.Doors))
	c.lines = make([]lineUse, len(c.board.Inputs))
	c.ports = make([]int64, len(c.board.Readers))
	c.sirens, c.switches = nil, nil
	for i := range old {
		c.bound[i].technician = old[i].technician
	}
	for i, l := range c.board.Inputs {
		c.lines[i] = lineUse{action: policy.REXNone, linger: l.For}
		if l.Releases {
			c.lines[i].action = policy.REXUnlock
		}
	}
	if set == nil {
		return
	}
	c.bindRelays()
	c.bindWireless()
	c.bindSirens()
	c.bindInputs()
	c.bindReaders()
}

// bindRelays joins a lock to the door that has exactly its relays.
func (c *Controller) bindRelays() {
	channels := map[int64][]int{}
	for _, r := range c.set.Relays {
		if r.Type == policy.RelayLock {
			channels[r.LockID] = append(channels[r.LockID], r.Channel)
		}
	}
	for _, r := range c.set.Relays {
		if r.Type != policy.RelayLock {
			continue
		}
		i := slices.IndexFunc(c.board.Doors, func(d Door) bool { return slices.Contains(d.Relays, r.Channel) })
		if i < 0 {
			continue // a relay that is wired to no door: the lock stays unbound
		}
		b := &c.bound[i]
		switch {
		case b.lock != nil && b.lock.ID != r.LockID:
			c.mismatch(i, "its relays belong to locks %d and %d", b.lock.ID, r.LockID)
		case b.lock == nil:
			b.lock = c.set.Door(r.LockID)
			if !sameSet(channels[r.LockID], c.board.Doors[i].Relays) {
				c.mismatch(i, "lock %d has relays %v, the board wires %v", r.LockID, channels[r.LockID], c.board.Doors[i].Relays)
			}
		}
	}
}

// bindSirens takes the relays that sound, and those that turn key switches, unless the board wires them to a door.
func (c *Controller) bindSirens() {
	for _, r := range c.set.Relays {
		i := slices.IndexFunc(c.board.Doors, func(d Door) bool { return slices.Contains(d.Relays, r.Channel) })
		switch {
		case r.Type != policy.RelaySiren && r.Type != policy.RelayKeySwitch:
		case i >= 0:
			c.mismatch(i, "relay %d is wired to the door, the policy has a %s there", r.Channel, strings.ReplaceAll(string(r.Type), "_", " "))
		case r.Type == policy.RelayKeySwitch:
			c.switches = append(c.switches, r)
		default:
			c.sirens = append(c.sirens, r)
		}
	}
}

func (c *Controller) bindInputs() {
	for _, in := range c.set.Inputs {
		i := c.board.line(in.Channel)
		at := c.doorOf(in.LockID)
		if i < 0 {
			c.mismatch(at, "input %d is not wired", in.Channel)
			continue
		}
		line := c.board.Inputs[i]
		c.lines[i].id = in.ID
		switch {
		case line.Kind != in.Type:
			c.mismatch(at, "input %d is wired as %s, the policy says %s", in.Channel, line.Kind, in.Type)
		case in.LockID != 0 && !slices.Contains(line.Doors, at):
			c.mismatch(at, "input %d is wired to another door", in.Channel)
		case in.Type == policy.InputPanel:
			c.lines[i].zone, c.lines[i].signal = in.ZoneID, in.Signal
		case in.Type != policy.InputREX:
		case line.Releases && in.Action != policy.REXUnlock && in.Action != policy.REXLastToLeave:
			c.mismatch(at, "input %d releases the door, the policy says %s", in.Channel, in.Action)
		default:
			c.lines[i].action, c.lines[i].linger = in.Action, max(line.For, in.Duration.Duration())
		}
	}
}

func (c *Controller) bindReaders() {
	for _, r := range c.set.Readers {
		at := c.doorOf(r.LockID)
		i := slices.IndexFunc(c.board.Readers, func(p Port) bool { return p.Port == r.Port })
		switch {
		case i < 0:
			c.mismatch(at, "reader %s is not wired", r.Port)
		case c.board.Readers[i].Door != at:
			c.mismatch(at, "reader %s is wired to another door", r.Port)
		default:
			c.ports[i] = r.ID
		}
	}
}

// mismatch records the first fault of a door; a fault of no door here is none.
func (c *Controller) mismatch(i int, format string, args ...any) {
	if i >= 0 && c.bound[i].fault == "" {
		c.bound[i].fault = fmt.Sprintf(format, args...)
	}
}

// doorOf returns the index of the door that a lock is bound to, or -1.
func (c *Controller) doorOf(lock int64) int {
	return slices.IndexFunc(c.bound, func(b binding) bool { return lock != 0 && b.lock != nil && b.lock.ID == lock })
}

func sameSet(a, b []int) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// settings are what board and policy together say of a door.
func (c *Controller) settings(i int) door.Settings {
	d := c.board.Doors[i]
	s := door.Settings{
		ReleaseOnFire: d.FailSafe,
		Duration:      policy.DefaultRelease.Duration(),
		RelockOn:      policy.RelockOpen,
		HeldOpen:      policy.DefaultHeldOpen.Duration(),
	}
	if d.Magnetic {
		s.RelockOn = policy.RelockClose
	}
	s.PassageInput = slices.ContainsFunc(c.board.Inputs, func(l Line) bool { return l.Kind == policy.InputPassage && slices.Contains(l.Doors, i) })
	lock := c.bound[i].lock
	if lock == nil {
		return s
	}
	s.OnePassage = lock.Kind == policy.KindTurnstile
	if lock.Kind == policy.KindGate {
		s.RelockOn = policy.RelockTimeout // its motor takes longer than its contact
	}
	if w := c.bound[i].wireless; w != nil {
		s.Duration = w.Release()
		if w.Presence() {
			s.RelockOn = policy.RelockTimeout // the key decides, not the door
		}
	}
	s.ReleaseOnFire = d.FailSafe || lock.OnFire == policy.FireRelease
	for _, r := range c.set.Relays {
		if r.LockID != lock.ID || r.Type != policy.RelayLock {
			continue
		}
		s.Duration = r.Duration.Duration()
		if r.RelockOn != policy.RelockDefault {
			s.RelockOn = r.RelockOn
		}
		break // the first relay speaks for all: they move together
	}
	for _, in := range c.set.Inputs {
		if in.LockID == lock.ID && in.Type == policy.InputContact {
			s.HeldOpen, s.PreAlarm = in.Duration.Duration(), in.PreAlarm.Duration()
		}
	}
	return s
}
