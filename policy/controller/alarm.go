package controller

import (
	"maps"
	"slices"
	"time"

	"doord/policy"
)

// Alarm is what became of an alarm rule: active until somebody resets it, and
// sounding for a time, or until it is silenced.
type Alarm struct {
	Active   bool          `json:"active,omitempty"`
	Sounding bool          `json:"sounding,omitempty"`
	Until    time.Duration `json:"until,omitempty"` // of the sound; 0 while there is no policy to say
}

// bindAlarms keeps the alarms whose rules the policy has. One that sounded before
// a restart sounds again: nobody knows for how long it did.
func (c *Controller) bindAlarms(now policy.Now) {
	for id, a := range c.alarms {
		rule := c.rule(id)
		switch {
		case rule == nil:
			delete(c.alarms, id)
		case a.Sounding && a.Until == 0:
			a.Until = now.Up + rule.Duration.Duration()
			c.alarms[id] = a
		}
	}
}

// rule returns an alarm rule of the policy, or nil.
func (c *Controller) rule(id int64) *policy.AlarmPlan {
	if c.set == nil {
		return nil
	}
	if i := slices.IndexFunc(c.set.Alarms, func(p policy.AlarmPlan) bool { return p.ID == id }); i >= 0 {
		return &c.set.Alarms[i]
	}
	return nil
}

// raise starts the alarms that an event is a cause of.
func (c *Controller) raise(e policy.Event) {
	if c.set == nil || len(c.set.Alarms) == 0 {
		return
	}
	cause, locks := c.cause(e)
	if cause == "" {
		return
	}
	for i := range c.set.Alarms {
		rule := &c.set.Alarms[i]
		if !rule.Covers(cause, locks, e.At) {
			continue
		}
		sounded := c.alarms[rule.ID].Sounding
		a := Alarm{Active: true, Sounding: true, Until: e.At.Up + rule.Duration.Duration()}
		c.alarms[rule.ID] = a
		if !sounded {
			c.tell(e.At, policy.Event{Type: policy.AlarmStarted, Object: c.alarmRule(rule.ID), Actor: e.Object,
				Success: true, Detail: string(cause), Until: a.Until})
		}
	}
}

// cause returns what an event is a cause of, "" for nothing, and the locks that it
// is about.
func (c *Controller) cause(e policy.Event) (cause policy.AlarmCause, locks []int64) {
	switch e.Type {
	case policy.LockForcedOpen:
		return policy.CauseForcedOpen, []int64{e.Object.ID}
	case policy.LockDuress:
		if e.Object.Type == "lock" {
			locks = []int64{e.Object.ID}
		}
		return policy.CauseDuress, locks
	case policy.LockHeldOpen:
		return policy.CauseHeldOpen, []int64{e.Object.ID}
	case policy.ReaderTamper:
		return policy.CauseTamper, c.locksOf(c.doorsOfReader(e.Object.Name))
	case policy.InputTamper:
		return policy.CauseTamper, c.locksOf(c.doorsOfInput(e.Object.Name))
	case policy.ControllerTamper:
		if e.Detail == "opened" {
			return policy.CauseTamper, nil
		}
	case policy.InputTriggered:
		if e.Detail == "active" {
			return policy.CauseAlarmPanel, c.locksOf(c.doorsOfInput(e.Object.Name))
		}
	case policy.ZoneViolate:
		if i := c.zoneAt(e.Object.ID); i >= 0 && c.zones[i].Plan != nil {
			for _, d := range c.zones[i].Plan.Doors {
				locks = append(locks, d.LockID)
			}
		}
		return policy.CauseZoneViolation, locks
	}
	return "", nil
}

func (c *Controller) doorsOfReader(name string) (doors []int) {
	for _, p := range c.board.Readers {
		if p.Name == name && p.Door >= 0 {
			doors = append(doors, p.Door)
		}
	}
	return doors
}

func (c *Controller) doorsOfInput(name string) (doors []int) {
	for _, l := range c.board.Inputs {
		if l.Name == name {
			doors = append(doors, l.Doors...)
		}
	}
	return doors
}

func (c *Controller) locksOf(doors []int) (locks []int64) {
	for _, i := range doors {
		locks = append(locks, c.object(i).ID)
	}
	return locks
}

// silence ends the sound of an alarm that is still active.
func (c *Controller) silence(now policy.Now, rule int64, by policy.Ref, detail string) {
	if c.alarms[rule].Sounding {
		c.alarms[rule] = Alarm{Active: true}
		c.tell(now, policy.Event{Type: policy.AlarmSilenced, Object: c.alarmRule(rule), Actor: by, Success: true, Detail: detail})
	}
}

// resetAlarm ends an alarm.
func (c *Controller) resetAlarm(now policy.Now, rule int64, by policy.Ref) {
	if c.alarms[rule].Active {
		delete(c.alarms, rule)
		c.tell(now, policy.Event{Type: policy.AlarmReset, Object: c.alarmRule(rule), Actor: by, Success: true})
	}
}

// expireAlarms ends the sound of alarms that have lasted long enough.
func (c *Controller) expireAlarms(now policy.Now) {
	for _, id := range slices.Sorted(maps.Keys(c.alarms)) {
		if at := c.alarms[id].Until; at != 0 && at <= now.Up {
			c.silence(now, id, policy.Ref{}, "timeout")
		}
	}
}

// buzzes reports whether an alarm sounds at the readers of door i.
func (c *Controller) buzzes(i int) bool {
	for id, a := range c.alarms {
		if rule := c.rule(id); a.Sounding && rule != nil && rule.Buzzer &&
			(len(rule.LockIDs) == 0 || slices.Contains(rule.LockIDs, c.object(i).ID)) {
			return true
		}
	}
	return false
}

func (c *Controller) alarmRule(id int64) policy.Ref {
	r := policy.Ref{Type: "alarm_rule", ID: id}
	if rule := c.rule(id); rule != nil {
		r.Name = rule.Name
	}
	return r
}

// Alarms returns every alarm that is active, by the id of its rule.
func (c *Controller) Alarms() map[int64]Alarm { return maps.Clone(c.alarms) }
