package pages

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// trouble orders doors: those that need somebody come first.
func trouble(lock Object) int {
	switch s := doorState(lock); s.Class {
	case "alarm":
		return 0
	case "off":
		return 1
	default:
		return 2
	}
}

// doors are all doors of the place with how they are.
func (p *Pages) doors(v *visit) error {
	locks, err := v.api.all(v.ctx(), "locks", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	if len(locks) == 0 && v.runsAll() {
		v.redirect(v.here("/guide"))
		return nil
	}
	counts := map[string]int{}
	for _, l := range locks {
		counts[doorState(l).Class]++
	}
	slices.SortStableFunc(locks, func(a, b Object) int { return cmp.Compare(trouble(a), trouble(b)) })
	waiting, err := v.waiting()
	if err != nil {
		return err
	}
	return v.show("doors", Page{Title: "Doors", Nav: "doors", Live: true, Body: map[string]any{
		"Locks": locks, "Counts": counts, "All": v.runsAll(), "Waiting": waiting,
	}})
}

// runsAll reports whether who has signed in runs the whole place.
func (v *visit) runsAll() bool {
	return slices.ContainsFunc(v.roles, func(a Object) bool {
		role := a.Text("role_id")
		return a.Int("place_id") == v.place.ID() && (role == "owner" || role == "administrator")
	})
}

// optional drops a refusal: the part of a page that somebody may not see is left out.
func optional(list []Object, err error) ([]Object, error) {
	if r := refusal(err); r != nil && (r.Status == http.StatusForbidden || r.Status == http.StatusNotFound) {
		return nil, nil
	}
	return list, err
}

// door is one door with all that is about it.
func (p *Pages) door(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	lock, err := v.api.get(v.ctx(), "locks", id)
	if err != nil {
		return err
	}
	body := map[string]any{"Lock": lock, "All": v.runsAll()}
	for _, part := range []struct{ name, kind string }{
		{"Relays", "controller_relay_connections"}, {"Inputs", "controller_input_connections"}, {"Readers", "readers"},
		{"Groups", "groups"}, {"Wireless", "wireless_locks"},
	} {
		if body[part.name], err = optional(v.api.all(v.ctx(), part.kind, v.ofPlace("lock_id", id))); err != nil {
			return err
		}
	}
	controllers, err := optional(v.api.all(v.ctx(), "controllers", v.ofPlace()))
	if err != nil {
		return err
	}
	body["Controllers"] = named(controllers)
	if body["Schedules"], err = v.schedulesOf("Lock", id); err != nil {
		return err
	}
	if body["Week"], err = v.week("Lock", lock); err != nil {
		return err
	}
	if body["Warnings"], err = v.warnings("Lock", id); err != nil {
		return err
	}
	return v.show("door", Page{Title: lock.Text("name"), Nav: "doors", Live: true, Body: body})
}

// named are resources by id.
func named(list []Object) map[string]string {
	names := map[string]string{}
	for _, o := range list {
		names[o.Text("id")] = o.Text("name")
	}
	return names
}

// actions are what a press on a page may do with a resource, and what is said after.
var actions = map[string]map[string]string{
	"elevator_stops": {"lock_down": "stop", "cancel_lockdown": "up"},
	"locks":          {"lock_down": "down", "cancel_lockdown": "up", "first_to_arrive": "done", "last_to_leave": "done"},
	"places":         {"lock_down": "down", "cancel_lockdown": "up"},
	"controllers":    {"deassign": "done", "reboot": "done"},
	"readers":        {"reset_tamper": "done"},
	"zones":          {"reset": "done"},
	"cards":          {"activate": "saved", "deactivate": "saved"},
	"webhooks":       {"test": "sent"},
	"alarm_rules":    {"silence": "done", "reset": "done"},
}

// act does one of the actions.
func (p *Pages) act(v *visit) error {
	kind, action := v.r.PathValue("kind"), v.r.PathValue("action")
	said := actions[kind][action]
	id, err := v.id("id")
	if err != nil || said == "" {
		return missing()
	}
	if _, err := v.api.send(v.ctx(), http.MethodPost, at(kind, id, action), nil); err != nil {
		return err
	}
	v.say(said)
	v.redirect(v.back(v.here("/doors")))
	return nil
}

// unlockHere is a press on a door by who runs it.
func (p *Pages) unlockHere(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	out, status, err := v.press(id)
	if err != nil {
		return err
	}
	if v.script() {
		v.json(status, out)
		return nil
	}
	v.say("unlock", cmp.Or(out.Reason, map[bool]string{true: "ok", false: "no"}[out.OK]))
	v.redirect(v.back(v.here("/doors/", v.r.PathValue("id"))))
	return nil
}

// switchOn turns a schedule or the like on or off without its form.
func (p *Pages) switchOn(v *visit) error {
	fields := map[string][2]string{"schedules": {"schedule", "enabled"}, "group_links": {"group_link", "link_enabled"}, "members": {"member", "access_enabled"}}
	kind := v.r.PathValue("kind")
	field, ok := fields[kind]
	id, err := v.id("id")
	if err != nil || !ok {
		return missing()
	}
	on := strings.TrimSpace(v.r.PostFormValue("on")) != ""
	if _, err := v.api.send(v.ctx(), http.MethodPatch, at(kind, id), Object{field[0]: Object{field[1]: on}}); err != nil {
		return err
	}
	v.say("saved")
	v.redirect(v.back(v.here("/doors")))
	return nil
}
