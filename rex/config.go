package rex

import (
	"fmt"
	"time"
)

// Kind is what an input is for.
type Kind string

// The kinds of inputs.
const (
	REX        Kind = "rex"         // request to exit: a button or a motion sensor inside
	Contact    Kind = "contact"     // door position switch: active while the door is open
	Tamper     Kind = "tamper"      // the lid of a housing
	Fire       Kind = "fire"        // the release contact of the fire alarm
	AlarmPanel Kind = "alarm_panel" // the output of an intrusion alarm panel
	Passage    Kind = "passage"     // active once for everybody who goes through
	Loop       Kind = "loop"        // active while a vehicle stands in a gate
)

// Normally is the state of an input's loop at rest.
type Normally string

// The states at rest.
const (
	NormallyOpen   Normally = "open"
	NormallyClosed Normally = "closed"
)

var (
	kinds      = words[Kind]{"kind", []Kind{REX, Contact, Tamper, Fire, AlarmPanel, Passage, Loop}}
	normallies = words[Normally]{"normally", []Normally{NormallyOpen, NormallyClosed}}
)

// MarshalText returns the word, or an error if it is none of the kinds.
func (k Kind) MarshalText() ([]byte, error) { return kinds.marshal(k) }

// UnmarshalText accepts the kinds above; the error lists them.
func (k *Kind) UnmarshalText(text []byte) error { return kinds.unmarshal(k, text) }

// MarshalText returns the word, or an error if it is neither of the two.
func (n Normally) MarshalText() ([]byte, error) { return normallies.marshal(n) }

// UnmarshalText accepts open and closed.
func (n *Normally) UnmarshalText(text []byte) error { return normallies.unmarshal(n, text) }

// The debounce of an input. Twice the longest is 400 ms, the time within which
// EN/IEC 60839-11-1 wants an active input to be seen.
const (
	MinDebounce     = time.Millisecond
	DefaultDebounce = 30 * time.Millisecond
	MaxDebounce     = 200 * time.Millisecond
)

// Config says how one input is wired. The installer owns it.
type Config struct {
	Kind Kind
	// Normally defaults to closed for contact, tamper, fire and loop, and to open for
	// REX, alarm panel and passage.
	Normally Normally
	// Debounce is MinDebounce to MaxDebounce; 0 stands for DefaultDebounce.
	Debounce time.Duration
	// ClosedHigh says that the line is high while the loop is closed. As a rule it
	// is low: the closed loop pulls the line down against its pull-up.
	ClosedHigh bool

	// PullUp, in ohm, is between the reference voltage and the input of a loop that is
	// measured; 0 is a digital line. Only a measured loop can have an EndOfLine: see
	// Bands.
	PullUp         int
	EndOfLine      EndOfLine
	MainResistor   int // ohm, to MaxResistor
	SecondResistor int // ohm, to MaxResistor
	Tolerance      int // percent of all three resistors, to MaxTolerance; 0 stands for DefaultTolerance
	Cable          int // ohm of both wires together at most, to MaxCable; 0 stands for DefaultCable
}

// Measured reports whether the loop is measured.
func (c Config) Measured() bool { return c.PullUp != 0 }

// Validate returns an error that names the setting that is wrong.
func (c Config) Validate() error {
	if err := kinds.check(c.Kind); err != nil {
		return err
	}
	if c.Normally != "" {
		if err := normallies.check(c.Normally); err != nil {
			return err
		}
	}
	if c.Debounce != 0 && (c.Debounce < MinDebounce || c.Debounce > MaxDebounce) {
		return fmt.Errorf("debounce %v is not within %v to %v", c.Debounce, MinDebounce, MaxDebounce)
	}
	return c.checkEndOfLine()
}

// Active reports whether a loop in state s says what the input is for. It does so
// when it is not as it is at rest: a REX is pressed, a door is open. A cut or a
// short is tampering with the wire, not activity; but for fire it is fire.
func (c Config) Active(s State) bool {
	switch s {
	case Open:
		return c.normally() == NormallyClosed
	case Closed:
		return c.normally() == NormallyOpen
	case Cut, Short:
		return c.Kind == Fire
	}
	return false
}

// serves reports whether people's way out hangs on the input.
func (c Config) serves() bool { return c.Kind == REX || c.Kind == Fire }

func (c Config) normally() Normally {
	switch {
	case c.Normally != "":
		return c.Normally
	case c.Kind == REX || c.Kind == AlarmPanel || c.Kind == Passage:
		return NormallyOpen
	default:
		return NormallyClosed
	}
}

func (c Config) debounce() time.Duration {
	if c.Debounce == 0 {
		return DefaultDebounce
	}
	return c.Debounce
}

// state is what a digital line can tell.
func (c Config) state(high bool) State {
	if high == c.ClosedHigh {
		return Closed
	}
	return Open
}
