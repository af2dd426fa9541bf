package pages

import (
	"net/url"
	"time"
)

// kindsOfEvent are the types to choose from, by what one looks for.
var kindsOfEvent = []Option{
	{Value: "", Label: "Everything"},
	{Value: "lock.unlock", Label: "Who came in, and who did not"},
	{Value: "lock.forced_open,lock.held_open,lock.held_open_warning,zone.policy_violate,alarm.started,controller.fire,controller.tamper,reader.tamper,controller_input.tamper,lock.duress", Label: "Alarms"},
	{Value: "lock.opened,lock.closed,lock.locked,lock.rex,lock.granted_not_entered", Label: "Doors"},
	{Value: "lock.scheduled_unlock_started,lock.scheduled_unlock_ended,lock.first_to_arrive,lock.last_to_leave", Label: "Scheduled unlocks"},
	{Value: "lock.lock_down,lock.cancel_lockdown,place.lock_down,place.cancel_lockdown", Label: "Lockdowns"},
	{Value: "zone.policy_activate,zone.policy_transition,zone.policy_override,zone.override,zone.policy_violate,zone.reset", Label: "Zones"},
	{Value: "elevator.permit,elevator.scheduled_permit_started,elevator.scheduled_permit_ended,elevator.lock_down,elevator.cancel_lockdown", Label: "Elevators"},
	{Value: "lock.anti_passback,lock.passage,lock.tailgate,anti_passback_area.forgiven", Label: "Who went where"},
	{Value: "wireless_lock.locked,wireless_lock.unlocked,wireless_lock.battery_warning,wireless_lock.tampered,wireless_lock.motor_stall,wireless_lock.online,wireless_lock.offline,wireless_lock.entered,wireless_lock.left", Label: "Wireless locks"},
	{Value: "controller.reboot,controller.policy_stale,controller.fault,controller.gap,controller.clock_set,reader.online,reader.offline", Label: "Controllers and readers"},
}

// events are what happened, the newest first.
func (p *Pages) events(v *visit) error {
	asked := v.r.URL.Query()
	offset := v.offset()
	query := v.ofPlace("limit", pageSize, "offset", offset)
	for _, name := range []string{"type", "object_type", "object_id", "actor_type", "actor_id"} {
		if value := asked.Get(name); value != "" {
			query.Set(name, value)
		}
	}
	for name, field := range map[string]string{"after": "after", "before": "before"} {
		if t, err := time.ParseInLocation(local, asked.Get(field), v.loc); err == nil {
			query.Set(name, t.UTC().Format(time.RFC3339))
		}
	}
	if door := asked.Get("door"); door != "" {
		query.Set("object_type", "lock")
		query.Set("object_id", door)
	}
	list, total, err := v.api.list(v.ctx(), "events", query)
	if err != nil {
		return err
	}
	doors, err := v.api.all(v.ctx(), "locks", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	if err := v.nameEvents(list, doors); err != nil {
		return err
	}
	door := asked.Get("door")
	if door == "" && asked.Get("object_type") == "lock" {
		door = asked.Get("object_id")
	}
	return v.show("events", Page{Title: "Events", Nav: "events", Live: offset == 0 && asked.Get("before") == "", Body: map[string]any{
		"List": list, "Paging": v.paging(offset, total), "Kinds": kindsOfEvent, "Kind": asked.Get("type"),
		"Doors": doors, "Door": door, "After": asked.Get("after"), "Before": asked.Get("before"),
	}})
}

// event is one of them with all that is known.
func (p *Pages) event(v *visit) error {
	id := v.r.PathValue("id")
	var e Object
	if _, err := v.api.call(v.ctx(), "GET", "/events/"+url.PathEscape(id), nil, &e); err != nil {
		return err
	}
	doors, err := v.api.all(v.ctx(), "locks", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	if err := v.nameEvents([]Object{e}, doors); err != nil {
		return err
	}
	return v.show("event", Page{Title: "Event", Nav: "events", Body: e})
}

// nameEvents gives the things and people in events their names: events do not name
// people, and a door's name may be another since.
func (v *visit) nameEvents(list []Object, doors []Object) error {
	locks := named(doors)
	people := map[string]string{}
	for _, e := range list {
		if id := e.Text("actor_id"); e.Text("actor_type") == "member" && id != "" {
			people[id] = ""
		}
		if id := e.Text("object_id"); e.Text("object_type") == "member" && id != "" {
			people[id] = ""
		}
	}
	if len(people) > 0 {
		ids := ""
		for id := range people {
			ids += "," + id
		}
		members, err := optional(v.api.all(v.ctx(), "members", v.ofPlace("ids", ids[1:])))
		if err != nil {
			return err
		}
		for _, m := range members {
			name := m.Text("name")
			if name == "" {
				name = m.Text("email")
			}
			people[m.Text("id")] = name
		}
	}
	for _, e := range list {
		if e.Text("object_type") == "lock" && locks[e.Text("object_id")] != "" {
			e["object_name"] = locks[e.Text("object_id")]
		}
		if e.Text("object_type") == "member" && people[e.Text("object_id")] != "" {
			e["object_name"] = people[e.Text("object_id")]
		}
		if e.Text("actor_type") == "member" && e.Has("actor_id") {
			if e["actor_name"] = people[e.Text("actor_id")]; e["actor_name"] == "" {
				e["actor_name"] = "member " + e.Text("actor_id")
			}
		}
	}
	return nil
}
