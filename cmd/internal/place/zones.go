package place

import (
	"fmt"
	"slices"
	"time"

	"doord/policy"
	"doord/policy/zone"
	"doord/store/cloudsync"
)

// Zone is doors that are armed together.
type Zone struct {
	Base
	zoneRecord
}

type (
	zoneRecord struct{ zoneFields }
	zoneFields policy.Zone
)

var zones = new(kind)

func init() {
	*zones = kind{
		path: "zones", envelope: "zone", resource: "Zone",
		fresh:  func() record { return &Zone{} },
		object: zoneObject{},
		sorts:  map[string]func(*shower, record, record) int{"name": byName},
		actions: []action{
			{name: "override", body: overrideBody{}, reply: zoneObject{}, do: override},
			{name: "reset", reply: zoneObject{}, do: func(c *call, r record) (any, error) {
				return c.setZone(r.(*Zone), "zone.reset", func(z zone.Shared) zone.Shared {
					if z.ResetAt = c.now; !z.ResetAt.After(z.ViolatedAt) {
						z.ResetAt = z.ViolatedAt.Add(1) // by a clock that is ahead of this one
					}
					return z
				})
			}},
		},
	}
}

func (z *Zone) text() string { return z.Name }
func (z *Zone) refs() []ref {
	list := make([]ref, len(z.Doors))
	for i, d := range z.Doors {
		list[i] = ref{field: fmt.Sprintf("doors[%d].lock_id", i), to: locks, id: d.LockID}
	}
	return list
}

// without a door a zone is smaller.
func (z *Zone) without(to *kind, id int64) record {
	if to != locks {
		return nil
	}
	left := *z
	left.Doors = slices.DeleteFunc(slices.Clone(z.Doors), func(d policy.ZoneDoor) bool { return d.LockID == id })
	return &left
}

func (z *Zone) addTo(r *policy.Records) {
	p := policy.Zone(z.zoneFields)
	p.ID, p.PlaceID = z.ID, z.PlaceID
	r.Zones = append(r.Zones, p)
}

type zoneObject struct {
	*Zone
	ResourceType string               `json:"resource_type"`
	Doors        []policy.ZoneDoor    `json:"doors"`
	Blocks       []policy.ZoneBlock   `json:"blocks"`
	State        *cloudsync.ZoneState `json:"state"`
	Violated     bool                 `json:"violated"`
}

func (z *Zone) show(s *shower) any {
	o := &zoneObject{Zone: z, ResourceType: zones.resource, Doors: z.Doors, Blocks: z.Blocks}
	if o.Doors == nil {
		o.Doors = []policy.ZoneDoor{}
	}
	if o.Blocks == nil {
		o.Blocks = []policy.ZoneBlock{}
	}
	state := s.s.fleet.Zone(z.ID)
	o.State, o.Violated = &state, state.Shared.Violated()
	return o
}

type overrideBody struct {
	Level    policy.ZoneLevel `json:"level"`    // "": back to the weekly blocks
	Duration policy.Seconds   `json:"duration"` // 1 to 86400 s, default 3600
}

func override(c *call, r record) (any, error) {
	body := overrideBody{Duration: policy.DefaultOverride}
	if err := c.decode("zone", &body); err != nil {
		return nil, err
	}
	bad := &Invalid{}
	bad.must(slices.Contains([]policy.ZoneLevel{"", policy.Disarmed, policy.Stay, policy.Away}, body.Level), "level", "must be disarmed, stay or away")
	bad.must(body.Duration >= 1 && body.Duration <= 86400, "duration", "must be 1 to 86400 s")
	if err := bad.orNil(); err != nil {
		return nil, err
	}
	if r.(*Zone).Source == policy.SourcePanel {
		return nil, conflict("an alarm panel arms this zone: arm and disarm it there")
	}
	return c.setZone(r.(*Zone), "zone.override", func(z zone.Shared) zone.Shared {
		z.Override = zone.Override{Level: body.Level, Until: c.now.Add(body.Duration.Duration()).Truncate(time.Second)}
		return z
	})
}

// setZone changes what all controllers of the place agree on about a zone.
func (c *call) setZone(z *Zone, event string, change func(zone.Shared) zone.Shared) (any, error) {
	if _, err := c.s.fleet.SetZone(z.PlaceID, z.ID, change); err != nil {
		return nil, err
	}
	if err := c.s.change(func(t *tx) error {
		t.tell(c, event, zones, z)
		return nil
	}); err != nil {
		return nil, err
	}
	return c.show(zones, z), nil
}

// AlarmRule says what raises an alarm, where and when.
type AlarmRule struct {
	Base
	alarmRuleRecord
}

type (
	alarmRuleRecord struct{ alarmRuleFields }
	alarmRuleFields policy.AlarmRule
)

var alarmRules = new(kind)

func init() {
	*alarmRules = kind{
		path: "alarm_rules", envelope: "alarm_rule", resource: "AlarmRule",
		fresh: func() record {
			return &AlarmRule{alarmRuleRecord: alarmRuleRecord{alarmRuleFields{Duration: policy.DefaultAlarm}}}
		},
		object: alarmRuleObject{},
		sorts:  map[string]func(*shower, record, record) int{"name": byName},
		actions: []action{
			{name: "silence", reply: done{}, do: alarm(cloudsync.ActionSilence, "Silenced!")},
			{name: "reset", reply: done{}, do: alarm(cloudsync.ActionResetAlarm, "Reset!")},
		},
	}
}

func (a *AlarmRule) text() string { return a.Name }
func (a *AlarmRule) refs() []ref {
	list := make([]ref, len(a.LockIDs))
	for i, id := range a.LockIDs {
		list[i] = ref{field: "lock_ids", to: locks, id: id}
	}
	return list
}

// without the last of its doors a rule would be about every door: it goes with it.
func (a *AlarmRule) without(to *kind, id int64) record {
	left := *a
	left.LockIDs = slices.DeleteFunc(slices.Clone(a.LockIDs), func(l int64) bool { return l == id })
	if to != locks || len(left.LockIDs) == 0 {
		return nil
	}
	return &left
}

func (a *AlarmRule) addTo(r *policy.Records) {
	p := policy.AlarmRule(a.alarmRuleFields)
	p.ID, p.PlaceID = a.ID, a.PlaceID
	r.AlarmRules = append(r.AlarmRules, p)
}

type alarmRuleObject struct {
	*AlarmRule
	ResourceType string `json:"resource_type"`
}

func (a *AlarmRule) show(*shower) any { return &alarmRuleObject{a, alarmRules.resource} }

// alarm orders something of all controllers of the place: any of them may sound.
func alarm(what cloudsync.Action, message string) func(*call, record) (any, error) {
	return func(c *call, r record) (any, error) {
		return done{message}, c.orderAll(c.controllersIn(r.base().PlaceID), what, 0, r.base().ID)
	}
}
