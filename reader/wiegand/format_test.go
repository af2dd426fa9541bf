package wiegand

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"doord/policy"
)

// vectors is testdata/vectors.json, which names its sources.
type vectors struct {
	Formats map[string][]struct {
		Facility, Card uint64
		Issue          uint32
		Bits           string
	}
	Serials []struct {
		Format, UID, Bits string
	}
	Keypads []struct {
		Keypad Keypad
		Keys   map[string]string
	}
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectorsBothWays(t *testing.T) {
	tested := map[string]bool{}
	check := func(format, bits string, want policy.Token) {
		t.Helper()
		tested[format] = true
		b := mustBits(t, bits)
		if got, err := Decode(format, b); err != nil || got != want {
			t.Errorf("Decode(%s, %s) = %+v, %v, want %+v", format, bits, got, err, want)
		}
		if got, err := Encode(format, want); err != nil || got != b {
			t.Errorf("Encode(%s, %v) = %v, %v, want %s", format, want, got, err, bits)
		}
	}
	v := readVectors(t)
	for format, rows := range v.Formats {
		for _, r := range rows {
			check(format, r.Bits, number(format, r.Facility, r.Card, r.Issue))
		}
	}
	for _, r := range v.Serials {
		raw, err := hex.DecodeString(r.UID)
		if err != nil {
			t.Fatal(err)
		}
		check(r.Format, r.Bits, uid(string(raw)))
	}
	for _, name := range Formats() {
		if !tested[name] {
			t.Errorf("no vector for %s", name)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct {
		name, format, bits string
		is                 error
		text               string
	}{
		{"a bit is missing", "H10301", strings.Repeat("0", 25), ErrLength, "H10301 has 26 bits, the frame 25"},
		{"no bits at all", "H10301", "", ErrLength, "the frame 0"},
		{"200 bits", "CSN64-msb", strings.Repeat("1", 200), ErrLength, "the frame 200"},
		{"the even parity is wrong", "H10301", "10000000000000000000000001", ErrParity, "H10301"},
		{"the odd parity is wrong", "H10301", "00000000000000000000000000", ErrParity, "H10301"},
		{"D0 and D1 are crossed", "H10301", "11111010111111010110001100", ErrParity, "H10301"},
		{"a fixed zero is one", "WIE32", "10000000000000010000000000000001", ErrParity, "WIE32"},
		{"a fixed one is zero", "Kastle", "10010010000110010000111000001110", ErrParity, "Kastle"},
		{"the exclusive or is wrong", "P10001", "1111000000000001000000000000000111110001", ErrParity, "P10001"},
		{"the format does not exist", "H10305", "", nil, `unknown format "H10305"; known are H10301, WIE32`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode(tt.format, mustBits(t, tt.bits))
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, want %q", err, tt.text)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v is not %v", err, tt.is)
			}
			if got != (policy.Token{}) {
				t.Errorf("an error came with token %+v", got)
			}
		})
	}
}

func TestEncodeErrors(t *testing.T) {
	tests := []struct {
		name, format string
		token        policy.Token
		text         string
	}{
		{"the facility is too large", "H10301", number("", 256, 1, 0), "H10301: facility 256 is more than 255"},
		{"the card number is too large", "H10302", number("", 0, 1<<35, 0), "card number 34359738368 is more than 34359738367"},
		{"the issue is too large", "S12906", number("", 0, 1, 4), "issue 4 is more than 3"},
		{"the format has no facility", "H10302", number("", 5, 1, 0), "the format has no facility, so not 5"},
		{"the format has no issue", "H10301", number("", 5, 1, 2), "the format has no issue, so not 2"},
		{"the format holds a number", "H10301", uid("\x01\x02\x03\x04"), "holds a number, not a uid"},
		{"the format holds a uid", "CSN32-msb", number("", 1, 2, 0), "holds a uid, not a number"},
		{"the uid is too short", "CSN56-msb", uid("\x01\x02\x03\x04"), "the uid has 4 bytes, not 7"},
		{"the uid is longer than any", "CSN64-lsb", uid("0123456789"), "the uid has 10 bytes, not 8"},
		{"the format does not exist", "", number("", 1, 2, 0), `unknown format ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := Encode(tt.format, tt.token)
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, want %q", err, tt.text)
			}
			if b != (Bits{}) {
				t.Errorf("an error came with bits %v", b)
			}
		})
	}
}

func TestFind(t *testing.T) {
	tests := []struct {
		name, bits, want string
	}{
		{
			"formats that share a layout are all shown", "1000001001101001000011011101110101010",
			`[{"format":"H10302","card":647028181,"parity_ok":true},` +
				`{"format":"H10304","facility":1234,"card":56789,"parity_ok":true}]`,
		},
		{
			"a facility of zero is shown, an issue, and a wrong parity", "000000000100000010101000110010011101",
			`[{"format":"S12906","facility":0,"card":345678,"issue":2,"parity_ok":false}]`,
		},
		{
			"a serial number is shown in both orders", "11000100101100111010001000000100",
			`[{"format":"WIE32","facility":1203,"card":41476,"parity_ok":false},` +
				`{"format":"Kastle","facility":89,"card":53506,"issue":2,"parity_ok":false},` +
				`{"format":"CSN32-msb","uid":"c4b3a204","parity_ok":true},` +
				`{"format":"CSN32-lsb","uid":"04a2b3c4","parity_ok":true}]`,
		},
		{"a length of no format gives an empty list", "1010", `[]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(Find(mustBits(t, tt.bits)))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// A single wrong bit must not turn one card into another wherever the format has
// any check at all: so every bit is fixed, a parity, or covered by one.
func TestEveryFlippedBitIsDetected(t *testing.T) {
	for _, f := range formats {
		if len(f.parity) == 0 {
			continue
		}
		good, err := Encode(f.name, sample(f))
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.bits {
			bad := good
			bad.w[0] ^= bit(i)
			if _, err := Decode(f.name, bad); !errors.Is(err, ErrParity) {
				t.Errorf("%s with bit %d flipped: error %v", f.name, i, err)
			}
		}
	}
}

// The table itself: fields lie inside the frame, and nothing is there twice.
func TestFormatTable(t *testing.T) {
	if !slices.IsSortedFunc(formats, func(a, b format) int { return a.bits - b.bits }) {
		t.Error("the formats are not in the order of their length")
	}
	names := Formats()
	slices.Sort(names)
	if len(slices.Compact(names)) != len(formats) {
		t.Error("a name is there twice")
	}
	for _, f := range formats {
		used := f.fixed
		for _, p := range f.parity {
			if used&bit(p.at) != 0 || p.covers&bit(p.at) != 0 {
				t.Errorf("%s: parity bit %d has two meanings", f.name, p.at)
			}
			used |= bit(p.at)
		}
		for _, x := range []field{f.facility, f.issue, f.card, f.uid} {
			if x.len == 0 {
				continue
			}
			mask := span(x.start, x.start+x.len-1)
			if used&mask != 0 {
				t.Errorf("%s: field at %d overlaps", f.name, x.start)
			}
			used |= mask
		}
		if used != span(0, f.bits-1) {
			t.Errorf("%s: bits without a meaning: %064b", f.name, span(0, f.bits-1)&^used)
		}
		if f.ones&^f.fixed != 0 {
			t.Errorf("%s: fixed ones that are not fixed", f.name)
		}
	}
}

// sample returns a token of the format with ones in every field.
func sample(f format) policy.Token {
	if f.uid.len > 0 {
		return uid("\x04\xa2\xb3\xc4\xd5\xe6\xf7\x81"[:f.uid.len/8])
	}
	fill := func(x field) uint64 { return 0xb6db6db6db6db6db & (1<<x.len - 1) }
	return number(f.name, fill(f.facility), fill(f.card), uint32(fill(f.issue)))
}

func number(format string, facility, card uint64, issue uint32) policy.Token {
	return policy.Token{Class: policy.TokenNumber, Format: format, Facility: facility, Number: card, Issue: issue}
}

func uid(raw string) policy.Token {
	return policy.Token{Class: policy.TokenUID, Value: raw}
}
