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

// Yard is a board with a turnstile that has a contact, a gate with a loop, a wicket
// with a contact and a beam, and a tripod whose only input counts passages.
func Yard() controller.Board {
	line := func(name string, channel int, kind policy.InputType, door int) controller.Line {
		return controller.Line{Name: name, Channel: channel, Kind: kind, Doors: []int{door}}
	}
	return controller.Board{
		DeviceID: "00d00d00d00d0001",
		Doors: []controller.Door{
			{Name: "turnstile", Relays: []int{1}, FailSafe: true},
			{Name: "gate", Relays: []int{2}},
			{Name: "wicket", Relays: []int{3}},
			{Name: "tripod", Relays: []int{4}, FailSafe: true},
		},
		Inputs: []controller.Line{
			{Name: "wicket-rex", Channel: 3, Kind: policy.InputREX, Doors: []int{2}, Releases: true, For: 5 * time.Second},
			line("turnstile-contact", 5, policy.InputContact, 0), line("gate-contact", 6, policy.InputContact, 1),
			line("wicket-contact", 7, policy.InputContact, 2), line("gate-loop", 9, policy.InputLoop, 1),
			line("wicket-beam", 10, policy.InputPassage, 2), line("tripod-turns", 11, policy.InputPassage, 3),
			{Name: "fire", Channel: 14, Kind: policy.InputFire},
		},
		Readers: []controller.Port{
			{Name: "turnstile-in", Port: "wiegand:1", Door: 0},
			{Name: "turnstile-out", Port: "wiegand:2", Door: 0},
			{Name: "gate", Port: "wiegand:3", Door: 1},
			{Name: "wicket", Port: "wiegand:4", Door: 2},
			{Name: "tripod", Port: "osdp:1", Door: 3},
		},
	}
}

// Tower is a board with one door, and an elevator with a reader in its car and a
// relay for each of four stops.
func Tower() controller.Board {
	return controller.Board{
		DeviceID: "00d00d00d00d0001",
		Doors:    []controller.Door{{Name: "lobby", Relays: []int{1}}},
		Inputs: []controller.Line{
			{Name: "lobby-rex", Channel: 1, Kind: policy.InputREX, Doors: []int{0}, Releases: true, For: 5 * time.Second},
			{Name: "lobby-contact", Channel: 5, Kind: policy.InputContact, Doors: []int{0}},
			{Name: "fire", Channel: 14, Kind: policy.InputFire},
		},
		Readers: []controller.Port{{Name: "lobby", Port: "wiegand:1", Door: 0}, {Name: "car", Port: "wiegand:2", Door: -1}},
		Stops:   []int{2, 3, 4, 5},
	}
}

// Shop is FourDoors with an alarm panel that tells whether it is away, stays or is
// disarmed; its input panel tells of an alarm, and the auxiliary relay is free.
func Shop() controller.Board {
	b := FourDoors()
	for i, name := range []string{"away", "stay", "disarmed"} {
		b.Inputs = append(b.Inputs, controller.Line{Name: name, Channel: 9 + i, Kind: policy.InputPanel})
	}
	return b
}
