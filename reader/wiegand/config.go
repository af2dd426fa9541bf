package wiegand

import (
	"fmt"
	"time"
)

// The silence that ends a frame.
const (
	DefaultEndOfFrame = 25 * time.Millisecond
	MinEndOfFrame     = 21 * time.Millisecond // readers may pause for 20 ms between bits
	MaxEndOfFrame     = 100 * time.Millisecond
)

// Config says what the reader at one port sends.
type Config struct {
	// Formats are the card formats accepted, by their names in [Formats]. No two
	// may have the same length: the bits cannot say which of them it is. Without
	// any, every card is a Bad read that shows its bits.
	Formats []string
	// Keypad is the reader's keypad.
	Keypad Keypad
	// PINFacility is the facility code, 0 to 255, by which a [KeypadBuffered]
	// marks its PINs. At such a port an H10301 card with this code is a PIN.
	PINFacility uint16
	// EndOfFrame is the silence that ends a frame, [MinEndOfFrame] to
	// [MaxEndOfFrame]; zero means [DefaultEndOfFrame]. A longer one bears readers
	// that pause, and delays every card but the longest by as much.
	EndOfFrame time.Duration
}

// Validate returns the first thing that is wrong with the configuration.
func (c Config) Validate() error {
	if _, err := c.byLength(); err != nil {
		return err
	}
	switch c.Keypad {
	case NoKeypad, Keypad4, Keypad6, Keypad8, KeypadBuffered:
	default:
		return fmt.Errorf("wiegand: unknown keypad %q; known are %q, %q, %q and %q",
			c.Keypad, Keypad4, Keypad6, Keypad8, KeypadBuffered)
	}
	if c.PINFacility > 255 {
		return fmt.Errorf("wiegand: PIN facility %d is more than 255", c.PINFacility)
	}
	if c.PINFacility != 0 && c.Keypad != KeypadBuffered {
		return fmt.Errorf("wiegand: PIN facility %d needs a %q keypad", c.PINFacility, KeypadBuffered)
	}
	if c.EndOfFrame != 0 && (c.EndOfFrame < MinEndOfFrame || c.EndOfFrame > MaxEndOfFrame) {
		return fmt.Errorf("wiegand: end of frame %v is not between %v and %v", c.EndOfFrame, MinEndOfFrame, MaxEndOfFrame)
	}
	return nil
}

// byLength returns the format that each length of a frame stands for, nil for
// none.
func (c Config) byLength() (by [65]*format, err error) {
	for _, name := range c.Formats {
		f, err := lookup(name)
		if err != nil {
			return by, err
		}
		if g := by[f.bits]; g == f {
			return by, fmt.Errorf("wiegand: format %s is given twice", f.name)
		} else if g != nil {
			return by, fmt.Errorf("wiegand: formats %s and %s both have %d bits: accept one of them", g.name, f.name, f.bits)
		}
		by[f.bits] = f
	}
	return by, nil
}
