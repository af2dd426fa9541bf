package sim

import (
	"time"

	"doord/policy"
	"doord/policy/controller"
)

// FourDoors is a board with one door of each type: a fail-secure strike, a
// maglock, a fail-safe strike, and a strike with a reader on either side and
// nothing else to leave by.
func FourDoors() controller.Board {
	rex := func(name string, channel, door int) controller.Line {
		return controller.Line{Name: name, Channel: channel, Kind: policy.InputREX, Doors: []int{door}, Releases: true, For: 5 * time.Second}
	}
	contact := func(name string, channel, door int) controller.Line {
		return controller.Line{Name: name, Channel: channel, Kind: policy.InputContact, Doors: []int{door}}
	}
	return controller.Board{
		DeviceID: "00d00d00d00d0001",
		Doors: []controller.Door{
			{Name: "front", Relays: []int{1}},
			{Name: "lab", Relays: []int{2}, Magnetic: true, FailSafe: true},
			{Name: "store", Relays: []int{3}, FailSafe: true},
			{Name: "vault", Relays: []int{4}},
		},
		Inputs: []controller.Line{
			rex("front-rex", 1, 0), rex("lab-rex", 2, 1), rex("store-rex", 3, 2),
			{Name: "store-motion", Channel: 4, Kind: policy.InputREX, Doors: []int{2}},
			contact("front-contact", 5, 0), contact("lab-contact", 6, 1),
			contact("store-contact", 7, 2), contact("vault-contact", 8, 3),
			{Name: "panel", Channel: 12, Kind: policy.InputPanel},
			{Name: "box", Channel: 13, Kind: policy.InputTamperS},
			{Name: "fire", Channel: 14, Kind: policy.InputFire},
		},
		Readers: []controller.Port{
			{Name: "front", Port: "wiegand:1", Door: 0},
			{Name: "lab", Port: "wiegand:2", Door: 1},
			{Name: "store", Port: "osdp:3", Door: 2},
			{Name: "vault-in", Port: "wiegand:3", Door: 3},
			{Name: "vault-out", Port: "wiegand:4", Door: 3},
		},
	}
}
