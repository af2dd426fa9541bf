package controller

import (
	"time"

	"doord/policy"
)

// Board is what the installer wired: the part of the configuration that the core
// needs. Doors, inputs and readers are known by their index from here on.
type Board struct {
	DeviceID string
	Doors    []Door
	Inputs   []Line
	Readers  []Port
	Stops    []int // the channels of the relays of elevator stops
	// Secret keys the proximity codes: random, and new at every start.
	Secret []byte
}

// Door is one door of the board.
type Door struct {
	Name     string
	Relays   []int // channels, 1 to 5
	Magnetic bool
	FailSafe bool
	Wireless int // the channel of its wireless lock, in place of relays; 0: it has none
}

// Line is one input of the board.
type Line struct {
	Name    string
	Channel int
	Kind    policy.InputType
	Doors   []int // the doors that it belongs to; of a fire input none: it serves all
	// Releases says that this request to exit unlocks, whatever the policy says,
	// and For is the least time that it does so.
	Releases bool
	For      time.Duration
}

// Port is one reader of the board.
type Port struct {
	Name string
	Port string // "wiegand:1", "osdp:3"
	Door int    // -1: in an elevator's car
}

// line returns the index of the input on a channel, or -1.
func (b *Board) line(channel int) int {
	for i, l := range b.Inputs {
		if l.Channel == channel {
			return i
		}
	}
	return -1
}
