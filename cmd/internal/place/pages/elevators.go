package pages

import (
	"net/http"
	"slices"
)

var elevatorEditor = &editor{
	kind: "elevators", envelope: "elevator", noun: "elevator", nav: "elevators",
	home: toOwn("elevators"),
	sections: func(v *visit, _ Object) ([]Section, error) {
		controllers, _, err := v.parts()
		if err != nil {
			return nil, err
		}
		return []Section{{Fields: []Field{
			{Name: "name", Label: "Name", Kind: "text", Required: true, Auto: "off"},
			{Name: "controller_id", Label: "Controller", Kind: "choice", Options: controllers, Required: true, Hint: "The board whose relays permit its stops."},
		}}}, nil
	},
}

var stopEditor = &editor{
	kind: "elevator_stops", envelope: "elevator_stop", noun: "stop", nav: "elevators",
	given: []string{"elevator_id"},
	home:  toOwn("elevator_stops"),
	sections: func(v *visit, _ Object) ([]Section, error) {
		elevators, err := v.api.all(v.ctx(), "elevators", v.ofPlace("sort", "name"))
		if err != nil {
			return nil, err
		}
		return []Section{{Fields: []Field{
			{Name: "elevator_id", Label: "Elevator", Kind: "choice", Options: choices(elevators, "Choose an elevator"), Required: true},
			{Name: "floor.number", Label: "Floor", Kind: "number", Step: "1", Required: true, Hint: "0 is the ground floor."},
			{Name: "name", Label: "Name", Kind: "text", Auto: "off", Hint: "Empty: it is called by its floor."},
			{Name: "time_restriction_enabled", Label: "Only in its allowed hours", Kind: "check", Hint: "Without any allowed hours nobody gets there."},
		}}}, nil
	},
}

// stopName is what a stop is called.
func stopName(o Object) string {
	if name := o.Text("name"); name != "" {
		return name
	}
	return "Floor " + o.In("floor").Text("number")
}

// stops are those of all elevators, to choose from.
func (v *visit) stops() ([]Option, error) {
	list, err := v.api.all(v.ctx(), "elevator_stops", v.ofPlace())
	if err != nil {
		return nil, err
	}
	return append([]Option{{Label: "Choose a stop"}}, stopOptions(list)...), nil
}

func stopOptions(list []Object) []Option {
	options := make([]Option, len(list))
	for i, o := range list {
		options[i] = Option{Value: o.Text("id"), Label: stopName(o)}
		if in := o.In("elevator").Text("name"); in != "" {
			options[i].Label = in + ": " + options[i].Label
		}
	}
	return options
}

// elevators are those of the place.
func (p *Pages) elevators(v *visit) error {
	list, err := v.api.all(v.ctx(), "elevators", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	return v.show("elevators", Page{Title: "Elevators", Nav: "elevators", Live: true, Body: map[string]any{"List": list}})
}

// elevator is one of them with its stops, the highest first, and the readers in its car.
func (p *Pages) elevator(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	e, err := v.api.get(v.ctx(), "elevators", id)
	if err != nil {
		return err
	}
	stops, err := v.api.all(v.ctx(), "elevator_stops", v.ofPlace("elevator_id", id))
	if err != nil {
		return err
	}
	slices.SortStableFunc(stops, func(a, b Object) int { return int(b.In("floor").Int("number") - a.In("floor").Int("number")) })
	readers, err := v.api.all(v.ctx(), "readers", v.ofPlace("elevator_id", id))
	if err != nil {
		return err
	}
	controllers, err := v.api.all(v.ctx(), "controllers", v.ofPlace())
	if err != nil {
		return err
	}
	return v.show("elevator", Page{Title: e.Text("name"), Nav: "elevators", Live: true, Body: map[string]any{
		"E": e, "Stops": stops, "Readers": readers, "Names": named(controllers),
	}})
}

// stop is one stop: how it is, its hours, and the relay that permits it.
func (p *Pages) stop(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	s, err := v.api.get(v.ctx(), "elevator_stops", id)
	if err != nil {
		return err
	}
	body := map[string]any{"S": s, "All": v.runsAll()}
	relays, err := optional(v.api.all(v.ctx(), "controller_relay_connections", v.ofPlace("elevator_stop_id", id)))
	if err != nil {
		return err
	}
	controllers, err := optional(v.api.all(v.ctx(), "controllers", v.ofPlace()))
	if err != nil {
		return err
	}
	elevators, err := optional(v.api.all(v.ctx(), "elevators", v.ofPlace("ids", s.Text("elevator_id"))))
	if err != nil {
		return err
	}
	if len(elevators) > 0 {
		body["Controller"] = elevators[0].Text("controller_id")
	}
	body["Relays"], body["Names"] = relays, named(controllers)
	if body["Schedules"], err = v.schedulesOf("ElevatorStop", id); err != nil {
		return err
	}
	return v.show("stop", Page{Title: stopName(s), Nav: "elevators", Live: true, Body: body})
}

// stopsOf are the stops that a group may choose, and for who runs the place the others.
func (v *visit) stopsOf(group int64, body map[string]any) error {
	stops, err := optional(v.api.all(v.ctx(), "group_elevator_stops", v.ofPlace("group_id", group)))
	if err != nil {
		return err
	}
	all, err := optional(v.api.all(v.ctx(), "elevator_stops", v.ofPlace()))
	if err != nil {
		return err
	}
	has, names := map[string]bool{}, map[string]string{}
	for _, s := range stops {
		has[s.Text("elevator_stop_id")] = true
	}
	var others []Option
	for _, o := range stopOptions(all) {
		if names[o.Value] = o.Label; !has[o.Value] {
			others = append(others, o)
		}
	}
	body["Stops"], body["StopNames"] = stops, names
	if v.runsAll() {
		body["OtherStops"] = others
	}
	return nil
}

// addStop lets a group choose a stop.
func (p *Pages) addStop(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	body := Object{"group_elevator_stop": Object{"group_id": id, "elevator_stop_id": number(v.r.PostFormValue("elevator_stop_id")), "place_id": v.place.ID()}}
	if _, err := v.api.send(v.ctx(), http.MethodPost, "/group_elevator_stops", body); err != nil {
		return err
	}
	v.say("saved")
	v.redirect(v.here("/groups/", v.r.PathValue("id")))
	return nil
}
