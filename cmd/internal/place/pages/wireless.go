package pages

import (
	"strconv"

	"doord/policy"
)

var wirelessEditor = &editor{
	kind: "wireless_locks", envelope: "wireless_lock", noun: "wireless lock", nav: "controllers",
	given: []string{"lock_id", "controller_id"},
	home:  toDoorOrController,
	sections: func(v *visit, _ Object) ([]Section, error) {
		controllers, locks, err := v.parts()
		if err != nil {
			return nil, err
		}
		return []Section{
			{Fields: []Field{
				{Name: "name", Label: "Name", Kind: "text", Required: true, Auto: "off"},
				{Name: "lock_id", Label: "Door", Kind: "choice", Options: locks, Required: true, Hint: "One without relays."},
				{Name: "controller_id", Label: "Controller", Kind: "choice", Options: controllers, Required: true, Hint: "The one with the gateway."},
				{Name: "channel", Label: "Channel at the gateway", Kind: "number", Min: "1", Max: strconv.Itoa(policy.WirelessChannels), Step: "1", Required: true},
				{Name: "model", Label: "Model", Kind: "text", Auto: "off"},
				{Name: "duration", Label: "Unlocked for", Kind: "number", Unit: "seconds", Min: "0.5", Max: "600", Step: "any", Hint: "Empty: 3 seconds."},
			}},
			{Title: "While the key is near", Hint: "The lock stays unlocked until the key is gone. Both empty: it does not look for that.", Fields: []Field{
				{Name: "presence_distance", Label: "The key is gone beyond", Kind: "number", Unit: "metres", Min: "0", Max: "100", Step: "any"},
				{Name: "presence_timeout", Label: "Or not heard for", Kind: "number", Unit: "seconds", Min: "0", Step: "any"},
			}},
		}, nil
	},
}

// panelZones are the zones that an alarm panel arms, to choose from.
func (v *visit) panelZones(none string) ([]Option, error) {
	list, err := v.api.all(v.ctx(), "zones", v.ofPlace("sort", "name"))
	if err != nil {
		return nil, err
	}
	var panels []Object
	for _, z := range list {
		if z.Text("source") == string(policy.SourcePanel) {
			panels = append(panels, z)
		}
	}
	return choices(panels, none), nil
}
