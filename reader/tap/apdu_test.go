package tap_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"doord/policy"
	"doord/reader/tap"
)

var asked = policy.Tap{Place: 1, Controller: 2, Reader: 0x0102030405060708, Door: 4, Challenge: policy.Challenge{0xAA, 15: 0xBB}}

func TestCommandsAreTheBytesOfThePackageDoc(t *testing.T) {
	for _, tt := range []struct {
		command tap.Command
		want    string
	}{
		{tap.Select(), "00A4040007 F0646F6F726401 00"},
		{tap.Authenticate(asked), "8088010030 0000000000000001 0000000000000002 0102030405060708 0000000000000004 AA0000000000000000000000000000BB 00"},
		{tap.Result(""), "808C010003 000000"},
		{tap.Result(policy.TwoFactorRequired), "808C010003 D00008"},
	} {
		got := tt.command.Append(nil)
		want, err := hex.DecodeString(strings.ReplaceAll(tt.want, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("got %X, want %X", got, want)
		}
		if back, err := tap.ParseCommand(got); err != nil || back != tt.command {
			t.Errorf("%X comes back as %+v, %v", got, back, err)
		}
	}
	if signed := asked.Message(); !bytes.Equal(signed[12:], tap.Authenticate(asked).Append(nil)[5:53]) {
		t.Errorf("what is signed, %X, is not what is asked", signed)
	}
}

func TestEveryReasonHasACodeForThePhone(t *testing.T) {
	for _, r := range policy.Reasons() {
		if c := tap.Result(r); c.Code == [3]byte{} || hex.EncodeToString(c.Code[:]) != r.Code() {
			t.Errorf("%s: %X", r, c.Code)
		}
	}
}

func TestAnswers(t *testing.T) {
	var a policy.Assertion
	a.Key[0], a.Key[32], a.Signature[0], a.Signature[63] = 2, 7, 8, 9
	good := tap.AppendAnswer(nil, a)
	if got, err := tap.ParseAnswer(good); err != nil || got != a {
		t.Errorf("%+v, %v", got, err)
	}
	if err := tap.ParseSelected(tap.AppendSelected(nil)); err != nil {
		t.Error(err)
	}
	uncompressed := bytes.Clone(good)
	uncompressed[0] = 4
	for _, tt := range []struct {
		name             string
		bytes            []byte
		selected, answer error
	}{
		{"nothing", nil, tap.ErrMalformed, tap.ErrMalformed},
		{"half a status", []byte{0x90}, tap.ErrMalformed, tap.ErrMalformed},
		{"a card without our application", []byte{0x6A, 0x82}, tap.ErrNotAPhone, tap.ErrRefused},
		{"the owner would not", []byte{0x69, 0x85}, tap.ErrNotAPhone, tap.ErrRefused},
		{"success without a word", []byte{0x90, 0x00}, tap.ErrMalformed, tap.ErrMalformed},
		{"another version", []byte{2, 0x90, 0x00}, tap.ErrMalformed, tap.ErrMalformed},
		{"a byte too few", append(good[:96:96], 0x90, 0x00), tap.ErrMalformed, tap.ErrMalformed},
		{"a byte too many", append(good[:97:97], 0, 0x90, 0x00), tap.ErrMalformed, tap.ErrMalformed},
		{"a point that is not compressed", uncompressed, tap.ErrMalformed, tap.ErrMalformed},
		{"longer than any APDU", make([]byte, tap.MaxAnswer+1), tap.ErrMalformed, tap.ErrMalformed},
	} {
		if err := tap.ParseSelected(tt.bytes); !errors.Is(err, tt.selected) {
			t.Errorf("%s, selected: %v", tt.name, err)
		}
		if _, err := tap.ParseAnswer(tt.bytes); !errors.Is(err, tt.answer) {
			t.Errorf("%s, answer: %v", tt.name, err)
		}
	}
}

// FuzzAnswer reads what a phone may say: what parses encodes to the same bytes.
func FuzzAnswer(f *testing.F) {
	f.Add(tap.AppendSelected(nil))
	f.Add(tap.AppendAnswer(nil, policy.Assertion{Key: policy.PublicKey{3}}))
	f.Add([]byte{0x6A, 0x82})
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = tap.ParseSelected(b)
		if a, err := tap.ParseAnswer(b); err == nil {
			if again := tap.AppendAnswer(nil, a); !bytes.Equal(again, b) {
				t.Errorf("%X encodes as %X", b, again)
			}
			if a.Verify(asked) {
				t.Errorf("%X is a valid signature", b)
			}
		}
	})
}

// FuzzCommand reads what a reader may say to a phone.
func FuzzCommand(f *testing.F) {
	for _, c := range []tap.Command{tap.Select(), tap.Authenticate(asked), tap.Result(policy.TapInvalid)} {
		f.Add(c.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := tap.ParseCommand(b); err == nil && !bytes.Equal(c.Append(nil), b) {
			t.Errorf("%X encodes as %X", b, c.Append(nil))
		}
	})
}
