package pages

import (
	"net/http"
)

// controllers are the boards of the place.
func (p *Pages) controllers(v *visit) error {
	list, err := v.api.all(v.ctx(), "controllers", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	return v.show("controllers", Page{Title: "Controllers", Nav: "controllers", Live: true, Body: map[string]any{"List": list}})
}

// controller is one of them with all that is wired to it.
func (p *Pages) controller(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	c, err := v.api.get(v.ctx(), "controllers", id)
	if err != nil {
		return err
	}
	return v.showController(c, nil)
}

func (v *visit) showController(c, claim Object) error {
	id := c.ID()
	body := map[string]any{"C": c, "Claim": claim, "Origin": v.origin()}
	var err error
	for _, part := range []struct{ name, kind string }{
		{"Relays", "controller_relay_connections"}, {"Inputs", "controller_input_connections"}, {"Readers", "readers"},
		{"BoardRelays", "controller_relays"}, {"BoardInputs", "controller_inputs"},
		{"Wireless", "wireless_locks"},
	} {
		if body[part.name], err = v.api.all(v.ctx(), part.kind, v.ofPlace("controller_id", id)); err != nil {
			return err
		}
	}
	body["Names"] = map[string]string{c.Text("id"): c.Text("name")}
	return v.show("controller", Page{Title: c.Text("name"), Nav: "controllers", Live: claim == nil, Body: body})
}

// claim makes the code by which a board joins. It is shown once, and good for minutes.
func (p *Pages) claim(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	c, err := v.api.get(v.ctx(), "controllers", id)
	if err != nil {
		return err
	}
	body := Object{"controller": Object{"place_id": v.place.ID(), "name": c.Text("name")}}
	made, err := v.api.send(v.ctx(), http.MethodPost, "/controllers/"+c.Text("device_id")+"/assign", body)
	if err != nil {
		return err
	}
	return v.showController(c, made)
}
