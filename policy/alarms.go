package policy

import (
	"slices"
	"strings"

	"doord/policy/schedule"
)

// AlarmRule says what raises an alarm, where and when. What sounds is a relay
// connection of type siren that names the rule, and the doors' readers.
type AlarmRule struct {
	ID      int64        `json:"id"`
	Name    string       `json:"name"`
	PlaceID int64        `json:"place_id,omitempty"`
	Causes  []AlarmCause `json:"causes"`
	LockIDs []int64      `json:"lock_ids,omitempty"` // none: every door, and what belongs to none
	Hours   []Hours      `json:"hours,omitempty"`    // none: always
	Buzzer  bool         `json:"buzzer"`             // the doors' readers sound too
	// Notification asks the place service to tell somebody; the controller only
	// carries it.
	Notification bool    `json:"notification"`
	Duration     Seconds `json:"duration"` // of the sound, 1 to 3600 s, default 180
}

// AlarmCause is what an alarm can come from.
type AlarmCause string

// The causes of alarms.
const (
	CauseForcedOpen    AlarmCause = "forced_open"
	CauseHeldOpen      AlarmCause = "held_open"
	CauseTamper        AlarmCause = "tamper"
	CauseDuress        AlarmCause = "duress"
	CauseZoneViolation AlarmCause = "zone_violation"
	CauseAlarmPanel    AlarmCause = "alarm_panel"
)

func (v *validator) alarmRules(r *Records, locks map[int64]bool) {
	for i, a := range r.AlarmRules {
		v.at("alarm_rules", i)
		v.must("name", strings.TrimSpace(a.Name) != "", "can't be blank")
		v.must("place_id", a.PlaceID == 0 || a.PlaceID == r.Place.ID, "is %d, but the place is %d", a.PlaceID, r.Place.ID)
		v.must("causes", len(a.Causes) > 0, "must name at least one cause")
		for _, c := range a.Causes {
			oneOf(v, "causes", c, CauseForcedOpen, CauseHeldOpen, CauseTamper, CauseDuress, CauseZoneViolation, CauseAlarmPanel)
		}
		v.must("buzzer", !a.Buzzer || !slices.Contains(a.Causes, CauseDuress), "is not for duress: nothing at the door may show it")
		for _, id := range a.LockIDs {
			v.refers("lock_ids", id, "lock", locks)
		}
		for j, h := range a.Hours {
			v.hours(v.item("hours", j), h)
		}
		v.seconds("duration", a.Duration, 1, 3600)
	}
}

// AlarmPlan is an alarm rule with its time.
type AlarmPlan struct {
	AlarmRule
	plans []*schedule.Plan // of the hours, in their order
}

func (s *Set) compileAlarms(r *Records) {
	for _, a := range r.AlarmRules {
		p := AlarmPlan{AlarmRule: a}
		for _, h := range a.Hours {
			p.plans = append(p.plans, h.plan(s.Location))
		}
		s.Alarms = append(s.Alarms, p)
	}
}

// Covers reports whether the rule is about a cause at one of the locks, now. While
// the clock is not set all hours count: better a false alarm than none.
func (p *AlarmPlan) Covers(cause AlarmCause, locks []int64, now Now) bool {
	about := len(p.LockIDs) == 0 || slices.ContainsFunc(locks, func(id int64) bool { return slices.Contains(p.LockIDs, id) })
	return about && slices.Contains(p.Causes, cause) && (len(p.plans) == 0 || !now.WallSet ||
		slices.ContainsFunc(p.plans, func(plan *schedule.Plan) bool { return plan.At(now.Wall) }))
}
