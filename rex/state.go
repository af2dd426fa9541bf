package rex

import (
	"fmt"
	"slices"
)

// State is the electrical state of an input's loop. The zero State is unknown.
type State uint8

// The states of a loop. A digital line can only tell the first two apart.
const (
	Open   State = iota + 1 // no current: the contact is open
	Closed                  // current: the contact is closed
	Cut                     // the wire is broken, as told by its end-of-line resistor
	Short                   // the wire is shorted before its end-of-line resistor
)

var states = []string{"unknown", "open", "closed", "cut", "short"}

// String returns the state's name in lower case.
func (s State) String() string {
	if int(s) < len(states) {
		return states[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// MarshalText returns the name of a known state.
func (s State) MarshalText() ([]byte, error) {
	if !s.known() {
		return nil, fmt.Errorf("%s is no state of a loop", s)
	}
	return []byte(s.String()), nil
}

// UnmarshalText accepts open, closed, cut and short.
func (s *State) UnmarshalText(text []byte) error {
	i := slices.Index(states, string(text))
	if i < 1 {
		return fmt.Errorf("state %q is not one of %q", text, states[1:])
	}
	*s = State(i)
	return nil
}

func (s State) known() bool { return s >= Open && s <= Short }
