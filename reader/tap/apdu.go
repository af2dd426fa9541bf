package tap

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"doord/policy"
)

// AID is the name of the application on the phone.
const AID = "\xF0doord\x01"

// Version is that of this protocol.
const Version = 1

// Times that a phone has.
const (
	SelectFor = time.Second
	AnswerFor = policy.ChallengeFor + time.Second // policy judges what is late; this bounds the wait for it
	ResultFor = 500 * time.Millisecond
)

// The lengths of what is in the APDUs.
const (
	tapLen    = 4*8 + len(policy.Challenge{})
	answerLen = len(policy.PublicKey{}) + 64
	resultLen = 3
)

// MaxAnswer is the longest answer of a phone that is looked at, as it is in an APDU.
const MaxAnswer = 256 + 2

// The status words, with which every answer ends.
const (
	StatusOK       = 0x9000
	StatusRefused  = 0x6985 // conditions of use not satisfied
	StatusNotFound = 0x6A82
	StatusUnknown  = 0x6D00 // no such command
)

// The errors of a phone's answer, for [errors.Is].
var (
	ErrNotAPhone = errors.New("not_a_phone")   // it does not know our application
	ErrRefused   = errors.New("tap_refused")   // it would not sign
	ErrMalformed = errors.New("tap_malformed") // its answer is no answer of this protocol
	ErrTimeout   = errors.New("tap_timeout")   // it did not answer, or was taken away
)

// Command is what a reader says to a phone.
type Command struct {
	kind byte // the instruction
	Tap  policy.Tap
	Code [resultLen]byte // of a result
}

// The instructions.
const (
	insSelect       = 0xA4
	insAuthenticate = 0x88
	insResult       = 0x8C
)

// Select asks whether this is a phone of ours.
func Select() Command { return Command{kind: insSelect} }

// Authenticate asks the phone to sign.
func Authenticate(t policy.Tap) Command { return Command{kind: insAuthenticate, Tap: t} }

// Result tells the phone what came of it: a reason, or none if the door opens.
func Result(r policy.Reason) Command {
	c := Command{kind: insResult}
	_, _ = hex.Decode(c.Code[:], []byte(r.Code())) // every code is six hex digits, and a grant has none
	return c
}

// IsSelect says whether the phone is asked for our application.
func (c Command) IsSelect() bool { return c.kind == insSelect }

// IsAuthenticate says whether Tap is to be signed.
func (c Command) IsAuthenticate() bool { return c.kind == insAuthenticate }

// IsResult says whether Code tells the end.
func (c Command) IsResult() bool { return c.kind == insResult }

// Append appends the APDU to b.
func (c Command) Append(b []byte) []byte {
	switch c.kind {
	case insSelect:
		b = append(b, 0x00, insSelect, 0x04, 0x00, byte(len(AID)))
		return append(append(b, AID...), 0)
	case insAuthenticate:
		b = append(b, 0x80, insAuthenticate, Version, 0x00, byte(tapLen))
		for _, id := range [...]int64{c.Tap.Place, c.Tap.Controller, c.Tap.Reader, c.Tap.Door} {
			b = binary.BigEndian.AppendUint64(b, uint64(id))
		}
		return append(append(b, c.Tap.Challenge[:]...), 0)
	default:
		b = append(b, 0x80, insResult, Version, 0x00, resultLen)
		return append(b, c.Code[:]...)
	}
}

// ParseCommand reads an APDU as a phone does. It returns ErrMalformed.
func ParseCommand(b []byte) (Command, error) {
	var c Command
	if len(b) > 1 {
		c.kind = b[1]
	}
	switch {
	case c.IsAuthenticate() && len(b) == 5+tapLen+1:
		d := b[5:]
		for i, id := range [...]*int64{&c.Tap.Place, &c.Tap.Controller, &c.Tap.Reader, &c.Tap.Door} {
			*id = int64(binary.BigEndian.Uint64(d[8*i:]))
		}
		copy(c.Tap.Challenge[:], d[32:])
	case c.IsResult() && len(b) == 5+resultLen:
		copy(c.Code[:], b[5:])
	}
	if (c.IsSelect() || c.IsAuthenticate() || c.IsResult()) && bytes.Equal(c.Append(nil), b) {
		return c, nil
	}
	return Command{}, ErrMalformed
}

// ParseSelected reads the answer to Select. It returns ErrNotAPhone or ErrMalformed.
func ParseSelected(b []byte) error {
	data, status, err := split(b)
	switch {
	case err != nil:
		return err
	case status != StatusOK:
		return ErrNotAPhone
	case len(data) < 1 || data[0] != Version:
		return ErrMalformed
	}
	return nil
}

// ParseAnswer reads the answer to Authenticate. It returns ErrRefused or
// ErrMalformed. What it returns is well-formed and no more.
func ParseAnswer(b []byte) (policy.Assertion, error) {
	var a policy.Assertion
	data, status, err := split(b)
	switch {
	case err != nil:
		return a, err
	case status != StatusOK:
		return a, ErrRefused
	case len(data) != answerLen || data[0] != 2 && data[0] != 3:
		return a, ErrMalformed
	}
	copy(a.Signature[:], data[copy(a.Key[:], data):])
	return a, nil
}

// AppendSelected appends the answer of a phone to Select.
func AppendSelected(b []byte) []byte { return AppendStatus(append(b, Version), StatusOK) }

// AppendAnswer appends the answer of a phone to Authenticate.
func AppendAnswer(b []byte, a policy.Assertion) []byte {
	return AppendStatus(append(append(b, a.Key[:]...), a.Signature[:]...), StatusOK)
}

// AppendStatus appends a status word.
func AppendStatus(b []byte, status uint16) []byte { return binary.BigEndian.AppendUint16(b, status) }

// split takes the status word off an answer.
func split(b []byte) (data []byte, status uint16, err error) {
	if len(b) < 2 || len(b) > MaxAnswer {
		return nil, 0, ErrMalformed
	}
	n := len(b) - 2
	return b[:n], binary.BigEndian.Uint16(b[n:]), nil
}
