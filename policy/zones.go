package policy

import (
	"slices"
	"strings"
	"time"

	"doord/policy/schedule"
)

// Zone is doors that are armed together: by weekly blocks, or as an alarm panel of
// another maker tells. A place has zones of one sort only, lest each arm what the
// other has disarmed. The inputs, key switch and doors of a panel's zone are on one
// controller.
type Zone struct {
	ID      int64       `json:"id"`
	Name    string      `json:"name"`
	PlaceID int64       `json:"place_id,omitempty"`
	Doors   []ZoneDoor  `json:"doors,omitempty"`
	Blocks  []ZoneBlock `json:"blocks,omitempty"` // outside all of them it is disarmed
	Source  ZoneSource  `json:"source,omitempty"`
	// OnAccess is what a granted unlock does while a panel has armed the zone: nothing,
	// or disarm it by its key switch.
	OnAccess OnAccess `json:"override_on_access,omitempty"`
}

// ZoneSource says who arms a zone.
type ZoneSource string

// The sources: the zone's own blocks, which is the default, or an alarm panel.
const (
	SourceNative ZoneSource = ""
	SourcePanel  ZoneSource = "panel"
)

// PanelSignal is what an output of an alarm panel tells of a zone while it is active.
type PanelSignal string

// The signals.
const (
	SignalAway     PanelSignal = "away"
	SignalStay     PanelSignal = "stay"
	SignalDisarmed PanelSignal = "disarmed"
	SignalViolated PanelSignal = "violated"
)

// ZoneDoor is a door of a zone. An exterior door leads out of it.
type ZoneDoor struct {
	LockID   int64 `json:"lock_id"`
	Exterior bool  `json:"exterior"`
}

// ZoneBlock arms a zone in the same hours of every week. Of blocks that overlap
// the strictest counts.
type ZoneBlock struct {
	Hours
	Level ZoneLevel `json:"level"` // stay or away
	// OnAccess is what a granted unlock in these hours does to the zone, for
	// OverrideDuration.
	OnAccess         OnAccess `json:"override_on_access"`
	OverrideDuration Seconds  `json:"override_duration"` // 1 to 86400 s, default 3600
}

// ZoneLevel says how strictly a zone is watched.
type ZoneLevel string

// The levels, the stricter later. Staying, people may come in; away, nobody is
// meant to be there.
const (
	Disarmed ZoneLevel = "disarmed"
	Stay     ZoneLevel = "stay"
	Away     ZoneLevel = "away"
)

// Armed reports whether the zone is watched at all.
func (l ZoneLevel) Armed() bool { return l == Stay || l == Away }

// OnAccess is what a granted unlock does to an armed zone.
type OnAccess string

// What a granted unlock does.
const (
	OnAccessNone   OnAccess = "none"
	OnAccessDisarm OnAccess = "disarm"
	OnAccessStay   OnAccess = "stay"
)

// Level returns the level that a granted unlock puts the zone to, and whether it
// does anything.
func (o OnAccess) Level() (ZoneLevel, bool) {
	switch o {
	case OnAccessDisarm:
		return Disarmed, true
	case OnAccessStay:
		return Stay, true
	case OnAccessNone:
	}
	return "", false
}

// Hours are the same hours of chosen days of every week, by the place's clocks.
// They may cross midnight; equal times make 24 hours.
type Hours struct {
	Weekdays []string       `json:"weekdays"` // "monday"
	Start    schedule.Clock `json:"start"`    // "18:00"
	End      schedule.Clock `json:"end"`
}

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// plan is the time of the hours.
func (h Hours) plan(loc *time.Location) *schedule.Plan {
	on := func(day int) bool { return slices.Contains(h.Weekdays, weekdays[day]) }
	return schedule.Compile([]schedule.Schedule{{
		ID: 1, Enabled: true, Consequence: schedule.Allow,
		Monday: on(0), Tuesday: on(1), Wednesday: on(2), Thursday: on(3), Friday: on(4), Saturday: on(5), Sunday: on(6),
		StartsAtTime: &h.Start, EndsAtTime: &h.End,
	}}, schedule.Allow, loc)
}

func (v *validator) hours(field string, h Hours) {
	v.must(field+"weekdays", len(h.Weekdays) > 0, "must name at least one day")
	for i, day := range h.Weekdays {
		v.must(field+"weekdays", slices.Contains(weekdays, day), "%q must be one of %s", day, strings.Join(weekdays, ", "))
		v.must(field+"weekdays", !slices.Contains(h.Weekdays[:i], day), "%s is given twice", day)
	}
	v.must(field+"start", h.Start < schedule.ClockAt(24, 0), "must be 00:00 to 23:59")
}

// zones checks the zones. A door is in one zone at most.
func (v *validator) zones(r *Records, locks map[int64]bool) {
	zoneOf := map[int64]int64{}
	for i, z := range r.Zones {
		v.at("zones", i)
		v.must("name", strings.TrimSpace(z.Name) != "", "can't be blank")
		v.must("place_id", z.PlaceID == 0 || z.PlaceID == r.Place.ID, "is %d, but the place is %d", z.PlaceID, r.Place.ID)
		for j, d := range z.Doors {
			field := v.item("doors", j) + "lock_id"
			v.refers(field, d.LockID, "lock", locks)
			v.must(field, zoneOf[d.LockID] == 0, "lock %d is in zone %d already", d.LockID, zoneOf[d.LockID])
			zoneOf[d.LockID] = z.ID
		}
		v.source(r, z)
		for j, b := range z.Blocks {
			field := v.item("blocks", j)
			v.hours(field, b.Hours)
			oneOf(v, field+"level", b.Level, Stay, Away)
			oneOf(v, field+"override_on_access", b.OnAccess, OnAccessNone, OnAccessDisarm, OnAccessStay)
			v.seconds(field+"override_duration", b.OverrideDuration, 1, 86400)
		}
	}
}

// source checks what arms a zone.
func (v *validator) source(r *Records, z Zone) {
	oneOf(v, "source", z.Source, SourceNative, SourcePanel)
	for _, other := range r.Zones {
		v.must("source", z.Source != SourcePanel || other.Source == SourcePanel, "is panel, but zone %d has hours of its own: a place has zones of one sort", other.ID)
	}
	if z.Source != SourcePanel {
		v.must("override_on_access", z.OnAccess == "", "belongs to the blocks of the zone")
		return
	}
	v.must("blocks", len(z.Blocks) == 0, "are nothing for a zone that a panel arms")
	oneOf(v, "override_on_access", z.OnAccess, "", OnAccessNone, OnAccessDisarm)
	var on int64
	same := func(what string, controller int64) {
		if on == 0 {
			on = controller
		}
		v.must("source", on == controller, "%s is on controller %d, others of the zone on %d: only one sees the panel", what, controller, on)
	}
	seen, key := map[PanelSignal]bool{}, false
	for _, c := range r.InputConnections {
		if c.Type == InputPanel && c.ZoneID == z.ID {
			v.must("source", !seen[c.Signal], "two inputs tell that it is %s", c.Signal)
			seen[c.Signal] = true
			same("the panel's input", c.ControllerID)
		}
	}
	for _, c := range r.RelayConnections {
		switch {
		case c.Type == RelayKeySwitch && c.ZoneID == z.ID:
			v.must("source", !key, "two relays turn its key switch")
			key = true
			same("the key switch", c.ControllerID)
		case c.Type == RelayLock && slices.ContainsFunc(z.Doors, func(d ZoneDoor) bool { return d.LockID == c.LockID }):
			same("a door", c.ControllerID)
		}
	}
	v.must("override_on_access", z.OnAccess != OnAccessDisarm || key, "no relay turns the panel's key switch")
}

// ZonePlan is a zone with the time of its blocks.
type ZonePlan struct {
	Zone
	Plans   []*schedule.Plan // of the blocks, in their order
	Signals []PanelSignal    // that inputs of this controller tell
	Key     bool             // a relay of this controller turns the panel's key switch
}

// compileZones makes the plans of all zones, and puts the doors into them.
func (s *Set) compileZones(r *Records) {
	for _, z := range r.Zones {
		p := ZonePlan{Zone: z}
		for _, b := range z.Blocks {
			p.Plans = append(p.Plans, b.plan(s.Location))
		}
		for _, c := range r.InputConnections {
			if c.Type == InputPanel && c.ZoneID == z.ID && s.Controller.ID != 0 && c.ControllerID == s.Controller.ID {
				p.Signals = append(p.Signals, c.Signal)
			}
		}
		p.Key = slices.ContainsFunc(r.RelayConnections, func(c RelayConnection) bool {
			return c.Type == RelayKeySwitch && c.ZoneID == z.ID && s.Controller.ID != 0 && c.ControllerID == s.Controller.ID
		})
		s.Zones = append(s.Zones, p)
		for _, d := range z.Doors {
			s.doors[d.LockID].Zone, s.doors[d.LockID].Exterior = z.ID, d.Exterior
		}
	}
}
