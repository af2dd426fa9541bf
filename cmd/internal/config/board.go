package config

import (
	"slices"
	"time"

	"doord/policy"
	"doord/policy/controller"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/rex"
)

// meanings are what the policy calls the kinds of inputs.
var meanings = map[rex.Kind]policy.InputType{
	rex.REX:        policy.InputREX,
	rex.Contact:    policy.InputContact,
	rex.Tamper:     policy.InputTamperS,
	rex.Fire:       policy.InputFire,
	rex.AlarmPanel: policy.InputPanel,
	rex.Passage:    policy.InputPassage,
	rex.Loop:       policy.InputLoop,
}

// Board returns the part of the configuration that the core needs. Its doors,
// inputs and readers stand in the order of the file.
func (c *Config) Board() controller.Board {
	b := controller.Board{DeviceID: c.DeviceID}
	for _, d := range c.Doors {
		b.Doors = append(b.Doors, controller.Door{
			Name: d.Name, Relays: d.Relays,
			Magnetic: d.Lock == relay.Magnetic, FailSafe: d.FailMode == relay.FailSafe, Wireless: d.Channel,
		})
	}
	for _, r := range c.Relay {
		if r.Use == relay.Elevator {
			b.Stops = append(b.Stops, r.Channel)
		}
	}
	for _, in := range c.Input {
		l := controller.Line{Name: in.Name, Channel: in.Channel, Kind: meanings[in.Kind],
			Releases: in.Kind == rex.REX && *in.Releases, For: time.Duration(in.For)}
		for _, name := range in.Doors {
			l.Doors = append(l.Doors, c.door(name))
		}
		b.Inputs = append(b.Inputs, l)
	}
	for _, r := range c.Readers {
		b.Readers = append(b.Readers, controller.Port{Name: r.Name, Port: r.Port, Door: c.door(r.Door)})
	}
	return b
}

// door returns the index of a door, or -1.
func (c *Config) door(name string) int {
	return slices.IndexFunc(c.Doors, func(d Door) bool { return d.Name == name })
}

// Relays returns how each relay is wired, in the order of the file: the same in
// which the board requests their lines.
func (c *Config) Relays() []relay.Wiring {
	list := make([]relay.Wiring, 0, len(c.Relay))
	for _, r := range c.Relay {
		w := relay.Wiring{Channel: relay.Channel(r.Channel), Use: r.Use, ActiveLow: r.Active == Low}
		if w.Use == "" {
			w.Use = relay.Aux
		}
		for _, d := range c.Doors {
			if slices.Contains(d.Relays, r.Channel) {
				w.Use, w.LockType, w.FailMode, w.Contact = relay.Lock, d.Lock, d.FailMode, d.Contact
				w.AcknowledgeDeadBoardLocked = d.AcknowledgeDeadBoardLocked
			}
		}
		list = append(list, w)
	}
	return list
}

// Bank is a set of inputs that share a line request: how each is wired, and its
// index on the board.
type Bank struct {
	Inputs []rex.Config
	Lines  []Line
	Meters []Meter // in place of Lines, of inputs that are measured
	Index  []int
}

// Meter is how a loop is measured.
type Meter struct {
	ADC       ADC
	Reference int // mV
}

// Egress returns the inputs that let people out, which have a line request of
// their own, and Others the rest.
func (c *Config) Egress() Bank { return c.bank(true, false) }

// Others returns all inputs of the board that are not Egress.
func (c *Config) Others() Bank { return c.bank(false, false) }

// MeasuredEgress returns the inputs that let people out and are measured, and
// MeasuredOthers the rest of those that are.
func (c *Config) MeasuredEgress() Bank { return c.bank(true, true) }

// MeasuredOthers returns all inputs that are measured and not MeasuredEgress.
func (c *Config) MeasuredOthers() Bank { return c.bank(false, true) }

func (c *Config) bank(egress, measured bool) Bank {
	var b Bank
	for i, in := range c.Input {
		switch {
		case in.Reader != "" || (in.ADC != "") != measured || (in.Kind == rex.REX || in.Kind == rex.Fire) != egress:
			continue
		case measured:
			b.Meters = append(b.Meters, Meter{in.ADC, in.Reference})
		default:
			b.Lines = append(b.Lines, in.Line)
		}
		b.Inputs = append(b.Inputs, in.Rex())
		b.Index = append(b.Index, i)
	}
	return b
}

// Rex returns how the input is wired.
func (in *Input) Rex() rex.Config {
	return rex.Config{Kind: in.Kind, Normally: in.Normally, Debounce: time.Duration(in.Debounce), ClosedHigh: in.ClosedHigh,
		PullUp: in.PullUp, EndOfLine: in.EndOfLine, MainResistor: in.MainResistor, SecondResistor: in.SecondResistor, Tolerance: in.Tolerance, Cable: in.Cable}
}

// Wiegand returns what the ports of Wiegand readers accept, in the order of all
// readers in the file; that of an OSDP reader is empty.
func (c *Config) Wiegand() []wiegand.Config {
	list := make([]wiegand.Config, len(c.Readers))
	for i := range c.Readers {
		list[i] = c.Readers[i].wiegand()
	}
	return list
}

func (r *Reader) wiegand() wiegand.Config {
	return wiegand.Config{Formats: r.Formats, Keypad: r.Keypad, PINFacility: r.PINFacility, EndOfFrame: time.Duration(r.EndOfFrame)}
}
