package sim

import (
	"encoding/hex"

	"doord/policy"
	"doord/reader/tap"
)

// Applet is a simulated phone that is held to a reader: its side of package
// reader/tap, and what can be wrong with it.
type Applet struct {
	Phone    Phone
	Unlocked bool

	Forge  func(policy.Tap) policy.Assertion // answers in its place
	Refuse bool                              // would not sign
	Absent bool                              // has no application of ours, as any card
	Silent bool                              // does not answer when it should sign
	Babble []byte                            // is said instead of any answer

	Last policy.Assertion // that it answered
	Told string           // the code that it was told at the end, six hex digits
}

// APDU answers a command; nil is no answer.
func (a *Applet) APDU(command []byte) []byte {
	c, err := tap.ParseCommand(command)
	switch {
	case a.Babble != nil:
		return a.Babble
	case err != nil:
		return tap.AppendStatus(nil, tap.StatusUnknown)
	case a.Absent:
		return tap.AppendStatus(nil, tap.StatusNotFound)
	case c.IsSelect():
		return tap.AppendSelected(nil)
	case c.IsResult():
		a.Told = hex.EncodeToString(c.Code[:])
		return tap.AppendStatus(nil, tap.StatusOK)
	case a.Silent:
		return nil
	case a.Refuse:
		return tap.AppendStatus(nil, tap.StatusRefused)
	case a.Forge != nil:
		a.Last = a.Forge(c.Tap)
	default:
		a.Last = a.Phone.Answer(c.Tap, a.Unlocked)
	}
	return tap.AppendAnswer(nil, a.Last)
}
