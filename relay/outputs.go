package relay

// Outputs is the wanted state of all relays of a board, a bit for each channel:
// set means released for a lock, and on for anything else.
type Outputs uint8

// Has reports whether the channel is released or on.
func (o Outputs) Has(c Channel) bool { return o&bit(c) != 0 }

// With returns o with the channel released or on as well.
func (o Outputs) With(c Channel) Outputs { return o | bit(c) }

// bit is zero for a channel that no board has.
func bit(c Channel) Outputs {
	if c < FirstChannel || c > AuxChannel {
		return 0
	}
	return 1 << (c - FirstChannel)
}

// levels returns the line levels for wanted, bit i for wirings[i].
func levels(wirings []Wiring, wanted Outputs) uint64 {
	var high uint64
	for i, w := range wirings {
		if w.level(wanted.Has(w.Channel)) {
			high |= 1 << i
		}
	}
	return high
}

// SafeLevels returns the line levels of the safe state, bit i for wirings[i]: no
// lock has power, all else is off. Request the lines with these initial levels.
func SafeLevels(wirings []Wiring) uint64 {
	var safe Outputs
	for _, w := range wirings {
		if w.safe() {
			safe = safe.With(w.Channel)
		}
	}
	return levels(wirings, safe)
}
