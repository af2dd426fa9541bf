package policy

import (
	"slices"
	"strings"
	"time"

	"doord/policy/schedule"
)

// Zone is doors that are armed together.
type Zone struct {
	ID      int64       `json:"id"`
	Name    string      `json:"name"`
	PlaceID int64       `json:"place_id,omitempty"`
	Doors   []ZoneDoor  `json:"doors,omitempty"`
	Blocks  []ZoneBlock `json:"blocks,omitempty"` // outside all of them it is disarmed
}

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
		for j, b := range z.Blocks {
			field := v.item("blocks", j)
			v.hours(field, b.Hours)
			oneOf(v, field+"level", b.Level, Stay, Away)
			oneOf(v, field+"override_on_access", b.OnAccess, OnAccessNone, OnAccessDisarm, OnAccessStay)
			v.seconds(field+"override_duration", b.OverrideDuration, 1, 86400)
		}
	}
}

// ZonePlan is a zone with the time of its blocks.
type ZonePlan struct {
	Zone
	Plans []*schedule.Plan // of the blocks, in their order
}

// compileZones makes the plans of all zones, and puts the doors into them.
func (s *Set) compileZones(r *Records) {
	for _, z := range r.Zones {
		p := ZonePlan{Zone: z}
		for _, b := range z.Blocks {
			p.Plans = append(p.Plans, b.plan(s.Location))
		}
		s.Zones = append(s.Zones, p)
		for _, d := range z.Doors {
			s.doors[d.LockID].Zone, s.doors[d.LockID].Exterior = z.ID, d.Exterior
		}
	}
}
