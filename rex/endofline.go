package rex

import "fmt"

// EndOfLine says which resistors at the far end of a loop supervise its wire.
type EndOfLine string

// The kinds of supervision. None is the default.
const (
	None              EndOfLine = "none"
	CutDetect         EndOfLine = "cut_detect"           // main resistor across the contact
	ShortDetect       EndOfLine = "short_detect"         // main resistor in series with the contact
	CutAndShortDetect EndOfLine = "cut_and_short_detect" // main across the contact, second in series with both
)

var endOfLines = words[EndOfLine]{"end_of_line", []EndOfLine{None, CutDetect, ShortDetect, CutAndShortDetect}}

// MarshalText returns the word, or an error if it is none of the kinds.
func (e EndOfLine) MarshalText() ([]byte, error) { return endOfLines.marshal(e) }

// UnmarshalText accepts the kinds above; the error lists them.
func (e *EndOfLine) UnmarshalText(text []byte) error { return endOfLines.unmarshal(e, text) }

// MaxResistor is the largest end-of-line resistor, in ohm.
const MaxResistor = 100_000

// dryContact is the resistance in ohm from which a loop without resistors counts
// as open: well above a long cable, well below a damp one.
const dryContact = 1000

// Classify returns the state of a loop of the given resistance in ohm, for inputs
// that can measure it. Each limit lies halfway between two resistances that the
// loop can have, and a cut at twice the highest of them.
//
//	                   short      closed     open     cut
//	none                          < 1000     ≥ 1000
//	cut_detect                    < R1/2     < 2·R1   ≥ 2·R1
//	short_detect       < R1/2     < 2·R1     ≥ 2·R1
//	cut_and_short      < R2/2     < R2+R1/2  < 2·(R1+R2)  ≥ 2·(R1+R2)
//
// R1 is the main resistor, R2 the second. A loop that swings about a limit
// flickers; the debounce deals with it.
func Classify(ohm int, c Config) State {
	r1, r2 := c.MainResistor, c.SecondResistor
	switch c.EndOfLine {
	case CutDetect:
		return pick(ohm, 0, r1/2, 2*r1)
	case ShortDetect:
		if ohm >= 2*r1 {
			return Open
		}
		return pick(ohm, r1/2, 2*r1, 2*r1)
	case CutAndShortDetect:
		return pick(ohm, r2/2, r2+r1/2, 2*(r1+r2))
	default:
		if ohm < dryContact {
			return Closed
		}
		return Open
	}
}

// pick returns the first state whose limit the resistance is below.
func pick(ohm, short, closed, open int) State {
	switch {
	case ohm < short:
		return Short
	case ohm < closed:
		return Closed
	case ohm < open:
		return Open
	default:
		return Cut
	}
}

func (c Config) supervised() bool { return c.EndOfLine != "" && c.EndOfLine != None }

func (c Config) checkEndOfLine() error {
	if c.EndOfLine != "" {
		if err := endOfLines.check(c.EndOfLine); err != nil {
			return err
		}
	}
	if err := checkResistor("main_resistor", c.MainResistor, c.supervised()); err != nil {
		return err
	}
	return checkResistor("second_resistor", c.SecondResistor, c.EndOfLine == CutAndShortDetect)
}

func checkResistor(setting string, ohm int, needed bool) error {
	switch {
	case ohm < 0 || ohm > MaxResistor:
		return fmt.Errorf("%s %d ohm is not within 0 to %d", setting, ohm, MaxResistor)
	case needed && ohm == 0:
		return fmt.Errorf("%s must be given for this end_of_line", setting)
	}
	return nil
}
