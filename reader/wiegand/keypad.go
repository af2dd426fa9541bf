package wiegand

import (
	"fmt"
	"strconv"
	"strings"

	"doord/policy"
	"doord/reader"
)

// Keypad is how the keypad of a reader sends what was typed. The text is the
// word in a board's configuration.
type Keypad string

// The keypads.
const (
	// NoKeypad is for a reader without one.
	NoKeypad Keypad = ""
	// Keypad4 sends each key as the 4 bits of its number; * is 10, # is 11. There
	// is no check but that 12 to 15 are no keys.
	//
	// Source: Rosslare AYC-Q, single key, 4 bits.
	Keypad4 Keypad = "4-bit"
	// Keypad6 sends the 4 bits between two parities: even over the first three
	// bits of the six, odd over the last three.
	//
	// Source: Rosslare AYC-Q, option 2.
	Keypad6 Keypad = "6-bit"
	// Keypad8 sends the complement of the 4 bits, then the 4 bits.
	//
	// Source: HID PINpad 8-bit installation guide 7393760 rev. E, table 1.
	Keypad8 Keypad = "8-bit"
	// KeypadBuffered sends the whole PIN as the card number of an H10301 frame
	// with a facility code of its own. A number has no leading zeros, so 0123 and
	// 123 are one PIN, "123". 65535 tells of a wrong entry; 0 is no PIN either.
	//
	// Source: HID PINpad 26-bit installation guide 7393800 rev. D.
	KeypadBuffered Keypad = "26-bit"
)

const (
	keys       = "0123456789*#" // by their number on the wire
	pinBits    = 26
	entryError = 65535
)

// burst returns the bits of one key, or 0 if the keypad does not send keys.
func (k Keypad) burst() int {
	switch k {
	case Keypad4:
		return 4
	case Keypad6:
		return 6
	case Keypad8:
		return 8
	default:
		return 0
	}
}

// private returns the length up to which a damaged frame may hold digits: two
// keys run into one, or a PIN with up to five phantom bits. An undamaged burst
// or PIN never keeps its bits.
func (k Keypad) private() int {
	if k == KeypadBuffered {
		return pinBits + 5
	}
	return 2 * k.burst()
}

// encode returns the burst of the key with number v, 0 to 11.
func (k Keypad) encode(v uint64) Bits {
	switch k {
	case Keypad6:
		first := v>>3 ^ v>>2&1
		last := v>>1&1 ^ v&1 ^ 1
		v = first<<5 | v<<1 | last
	case Keypad8:
		v |= (v ^ 0xf) << 4
	default: // as it is
	}
	return bitsOf(v, k.burst())
}

// decode returns the key whose burst b is.
func (k Keypad) decode(b Bits) (key byte, ok bool) {
	for v := range len(keys) {
		if k.encode(uint64(v)) == b {
			return keys[v], true
		}
	}
	return 0, false
}

// EncodeKey returns the burst that a keypad sends for a key: '0' to '9',
// [reader.KeyStar] or [reader.KeyHash]. Another key, and a keypad that does not
// send single keys, is an error.
func EncodeKey(k Keypad, key byte) (Bits, error) {
	if k.burst() == 0 {
		return Bits{}, fmt.Errorf("wiegand: keypad %q sends no single keys", k)
	}
	v := strings.IndexByte(keys, key)
	if v < 0 {
		return Bits{}, fmt.Errorf("wiegand: no key %q", key)
	}
	return k.encode(uint64(v)), nil
}

// EncodePIN returns the frame that a buffering keypad sends for a PIN of 1 to
// 65534. A PIN that such a keypad cannot send is an error, and so is one with
// leading zeros: it would arrive without them.
func EncodePIN(facility uint16, pin string) (Bits, error) {
	n, err := strconv.ParseUint(pin, 10, 16)
	if err != nil || n == 0 || n == entryError || strconv.FormatUint(n, 10) != pin {
		return Bits{}, fmt.Errorf("wiegand: a buffering keypad cannot send this PIN: it must be 1 to %d without leading zeros", entryError-1)
	}
	return Encode("H10301", policy.Token{Class: policy.TokenNumber, Facility: uint64(facility), Number: n})
}

// pinRead returns what the card number of a PIN frame says.
func pinRead(number uint64) reader.Read {
	if number == 0 || number == entryError {
		return reader.Read{Kind: reader.Bad, Fault: reader.FaultEntry}
	}
	pin := strconv.FormatUint(number, 10)
	return reader.Read{Kind: reader.PIN, Token: policy.Token{Class: policy.TokenPIN, Value: pin}}
}
