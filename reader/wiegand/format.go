package wiegand

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"doord/policy"
)

// Why a frame is not of a format.
var (
	ErrLength = errors.New("wrong number of bits")
	ErrParity = errors.New("wrong parity") // or a wrong checksum, or a fixed bit that differs
)

// format is one card format of up to 64 bits, as data. All masks have bit 0 of
// the frame on the left, as [Bits] has.
type format struct {
	name                  string
	bits                  int
	facility, issue, card field
	uid                   field // of a serial number: then it is the only field
	lastByteFirst         bool  // of a uid: the reader sends its last byte first
	fixed, ones           uint64
	parity                []parity // in the order in which an encoder sets them
}

// field is a number in a frame, highest bit first. The zero field is none.
type field struct{ start, len int }

// parity is a bit chosen so that the number of ones among it and the bits it
// covers is odd, or even.
type parity struct {
	at     int
	odd    int // 1 for odd, 0 for even
	covers uint64
}

// Formats returns the names of all formats, in the order of their length.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// Decode returns the token in a frame of the named format: a number, or the UID
// of the card for the CSN formats, first byte first whatever the order on the
// wire. A frame that is not of the format gives [ErrLength] or [ErrParity], and
// then no token; a name that is not among [Formats] is an error too.
//
// The token carries the name it was decoded under. Formats share layouts
// (H10306 and N10002), so a site must use one name for one kind of card.
func Decode(format string, b Bits) (policy.Token, error) {
	f, err := lookup(format)
	if err != nil {
		return policy.Token{}, err
	}
	if b.n != f.bits {
		return policy.Token{}, fmt.Errorf("wiegand: %s has %d bits, the frame %d: %w", f.name, f.bits, b.n, ErrLength)
	}
	if !f.holds(b) {
		return policy.Token{}, fmt.Errorf("wiegand: %s: %w", f.name, ErrParity)
	}
	return f.token(b), nil
}

// Encode is the inverse of [Decode]: the frame that a reader sends for the
// token in the named format, whatever format the token itself names. It is an
// error if the format has no room for one of the token's values, or none of
// that kind.
func Encode(format string, t policy.Token) (Bits, error) {
	f, err := lookup(format)
	if err != nil {
		return Bits{}, err
	}
	b := Bits{w: [len(Bits{}.w)]uint64{f.ones}, n: f.bits}
	if f.uid.len > 0 {
		err = f.putUID(&b, t)
	} else {
		err = f.putNumber(&b, t)
	}
	if err != nil {
		return Bits{}, fmt.Errorf("wiegand: %s: %w", f.name, err)
	}
	for _, p := range f.parity {
		if bits.OnesCount64(b.w[0]&p.covers)&1 != p.odd {
			b.w[0] |= bit(p.at)
		}
	}
	return b, nil
}

// Candidate is one way to read a frame, for a technician who looks for the
// format of a card. The fields that the format lacks are nil.
type Candidate struct {
	Format   string  `json:"format"`
	Facility *uint64 `json:"facility,omitempty"`
	Card     *uint64 `json:"card,omitempty"`
	Issue    *uint32 `json:"issue,omitempty"`
	UID      string  `json:"uid,omitempty"` // hexadecimal, first byte first
	// ParityOK says that parity, checksum and fixed bits hold. They always do in
	// a format that has none of them.
	ParityOK bool `json:"parity_ok"`
}

// Find reads a frame in every format of its length, also where the parity is
// wrong. Frames of a length that no format has give an empty list, not nil.
func Find(b Bits) []Candidate {
	found := []Candidate{}
	for _, f := range formats {
		if f.bits != b.n {
			continue
		}
		t := f.token(b)
		c := Candidate{Format: f.name, UID: hex.EncodeToString([]byte(t.Value)), ParityOK: f.holds(b)}
		if f.facility.len > 0 {
			c.Facility = &t.Facility
		}
		if f.card.len > 0 {
			c.Card = &t.Number
		}
		if f.issue.len > 0 {
			c.Issue = &t.Issue
		}
		found = append(found, c)
	}
	return found
}

func lookup(name string) (*format, error) {
	i := slices.IndexFunc(formats, func(f format) bool { return f.name == name })
	if i < 0 {
		return nil, fmt.Errorf("wiegand: unknown format %q; known are %s", name, strings.Join(Formats(), ", "))
	}
	return &formats[i], nil
}

// holds reports whether parity and fixed bits of a frame of the right length are
// as the format has them.
func (f *format) holds(b Bits) bool {
	if b.w[0]&f.fixed != f.ones {
		return false
	}
	for _, p := range f.parity {
		if bits.OnesCount64(b.w[0]&(p.covers|bit(p.at)))&1 != p.odd {
			return false
		}
	}
	return true
}

// token reads the fields of a frame of the right length.
func (f *format) token(b Bits) policy.Token {
	if f.uid.len == 0 {
		return policy.Token{
			Class:    policy.TokenNumber,
			Format:   f.name,
			Facility: f.facility.get(b),
			Number:   f.card.get(b),
			Issue:    uint32(f.issue.get(b)),
		}
	}
	var buf [8]byte
	binary.BigEndian.PutUint64(buf[:], f.uid.get(b)<<(64-f.uid.len))
	uid := buf[:f.uid.len/8]
	if f.lastByteFirst {
		slices.Reverse(uid)
	}
	return policy.Token{Class: policy.TokenUID, Value: string(uid)}
}

func (f *format) putNumber(b *Bits, t policy.Token) error {
	if t.Class != policy.TokenNumber {
		return fmt.Errorf("the format holds a number, not a %s", t.Class)
	}
	return cmp.Or(
		f.facility.put(b, "facility", t.Facility),
		f.card.put(b, "card number", t.Number),
		f.issue.put(b, "issue", uint64(t.Issue)),
	)
}

func (f *format) putUID(b *Bits, t policy.Token) error {
	if t.Class != policy.TokenUID {
		return fmt.Errorf("the format holds a uid, not a %s", t.Class)
	}
	if len(t.Value) != f.uid.len/8 {
		return fmt.Errorf("the uid has %d bytes, not %d", len(t.Value), f.uid.len/8)
	}
	var buf [8]byte
	uid := buf[:copy(buf[:], t.Value)]
	if f.lastByteFirst {
		slices.Reverse(uid)
	}
	return f.uid.put(b, "uid", binary.BigEndian.Uint64(buf[:])>>(64-f.uid.len))
}

func (f field) get(b Bits) uint64 {
	return b.w[0] << f.start >> (64 - f.len)
}

// put writes v into a field that is all zero.
func (f field) put(b *Bits, name string, v uint64) error {
	if f.len == 0 && v != 0 {
		return fmt.Errorf("the format has no %s, so not %d", name, v)
	}
	if limit := uint64(1)<<f.len - 1; v > limit {
		return fmt.Errorf("%s %d is more than %d", name, v, limit)
	}
	b.w[0] |= v << (64 - f.len) >> f.start
	return nil
}
