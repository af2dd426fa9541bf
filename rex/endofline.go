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
	if err := checkResistor("second_resistor", c.SecondResistor, c.EndOfLine == CutAndShortDetect); err != nil {
		return err
	}
	if err := checkResistor("pull_up", c.PullUp, false); err != nil {
		return err
	}
	switch {
	case c.PullUp == 0:
		return nil
	case c.Tolerance < 0 || c.Tolerance > MaxTolerance:
		return fmt.Errorf("tolerance %d %% is not within 0 to %d", c.Tolerance, MaxTolerance)
	case c.Cable < 0 || c.Cable > MaxCable:
		return fmt.Errorf("cable %d ohm is not within 0 to %d", c.Cable, MaxCable)
	case c.Debounce != 0 && c.Debounce < 2*measureEvery:
		return fmt.Errorf("debounce %v of an input that is measured is at least %v", c.Debounce, 2*measureEvery)
	}
	_, err := c.Bands()
	return err
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
