package wiegand

import (
	"slices"
	"strings"
	"testing"

	"doord/policy"
	"doord/reader"
)

func TestKeyVectorsBothWays(t *testing.T) {
	for _, v := range readVectors(t).Keypads {
		if len(v.Keys) != len(keys) {
			t.Fatalf("%s has %d keys", v.Keypad, len(v.Keys))
		}
		for key, bits := range v.Keys {
			if got, err := EncodeKey(v.Keypad, key[0]); err != nil || got.String() != bits {
				t.Errorf("EncodeKey(%s, %s) = %v, %v, want %s", v.Keypad, key, got, err, bits)
			}
			got := readAll(t, Config{Keypad: v.Keypad}, bits)
			if want := []reader.Read{{Kind: reader.Key, Digit: key[0]}}; !slices.Equal(got, want) {
				t.Errorf("%s key %s: read %+v", v.Keypad, key, got)
			}
		}
	}
}

func TestKeypadReads(t *testing.T) {
	pin := func(digits string) reader.Read {
		return reader.Read{Kind: reader.PIN, Token: policy.Token{Class: policy.TokenPIN, Value: digits}}
	}
	bad := func(f reader.Fault) reader.Read { return reader.Read{Kind: reader.Bad, Fault: f} }
	h10301 := func(facility, card uint64) string {
		return mustEncode(t, "H10301", number("", facility, card, 0)).String()
	}
	card := func(facility, card uint64) reader.Read {
		return reader.Read{Kind: reader.Card, Token: number("H10301", facility, card, 0), Bits: h10301(facility, card)}
	}
	var (
		four     = Config{Keypad: Keypad4, Formats: []string{"H10301"}}
		six      = Config{Keypad: Keypad6}
		eight    = Config{Keypad: Keypad8}
		buffered = Config{Keypad: KeypadBuffered}
		both     = Config{Keypad: KeypadBuffered, Formats: []string{"H10301", "H10304"}, PINFacility: 7}
	)
	tests := []struct {
		name string
		c    Config
		bits string
		want reader.Read
	}{
		{"12 to 15 are no keys", four, "1100", bad(reader.FaultParity)},
		{"a key with a wrong first parity", six, "100001", bad(reader.FaultParity)},
		{"a key with a wrong last parity", six, "000000", bad(reader.FaultParity)},
		{"a key whose complement is wrong", eight, "11110001", bad(reader.FaultParity)},
		{"two keys run into one show no digits", four, "00010010", bad(reader.FaultLength)},
		{"half a key shows no digits", eight, "1111", bad(reader.FaultLength)},
		{"a card is read beside the keypad", four, h10301(12, 3456), card(12, 3456)},
		{"a burst of 4 is no key where there is no keypad", Config{}, "0001",
			reader.Read{Kind: reader.Bad, Fault: reader.FaultLength, Bits: "0001"}},

		{"a PIN comes whole", buffered, h10301(0, 1234), pin("1234")},
		{"leading zeros are not sent", buffered, h10301(0, 42), pin("42")},
		{"the highest PIN", buffered, h10301(0, 65534), pin("65534")},
		{"65535 tells of a wrong entry", buffered, h10301(0, 65535), bad(reader.FaultEntry)},
		{"zero is no PIN", buffered, h10301(0, 0), bad(reader.FaultEntry)},
		{"a PIN with wrong parity shows no digits", buffered, "1" + h10301(0, 1234)[1:], bad(reader.FaultParity)},
		{"a PIN with a phantom bit shows no digits", buffered, h10301(0, 1234) + "0", bad(reader.FaultLength)},
		{"another facility is a card that is not accepted", buffered, h10301(12, 1234), bad(reader.FaultLength)},
		{"the configured facility marks the PIN", both, h10301(7, 1234), pin("1234")},
		{"any other facility is a card", both, h10301(0, 1234), card(0, 1234)},
		{"a bad card longer than any PIN shows its bits", both, strings.Repeat("0", 37),
			reader.Read{Kind: reader.Bad, Fault: reader.FaultParity, Bits: strings.Repeat("0", 37)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := readAll(t, tt.c, tt.bits)
			if !slices.Equal(got, []reader.Read{tt.want}) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestEncodeKeyErrors(t *testing.T) {
	for _, k := range []Keypad{NoKeypad, KeypadBuffered, "5-bit"} {
		if _, err := EncodeKey(k, '1'); err == nil {
			t.Errorf("keypad %q sent a key", k)
		}
	}
	for _, key := range []byte{0, 'A', '/', 0xff} {
		if _, err := EncodeKey(Keypad4, key); err == nil {
			t.Errorf("there is a key %q", key)
		}
	}
}

func TestEncodePIN(t *testing.T) {
	b, err := EncodePIN(7, "1234")
	if want := mustEncode(t, "H10301", number("", 7, 1234, 0)); err != nil || b != want {
		t.Fatalf("got %v, %v, want %v", b, err, want)
	}
	for _, pin := range []string{"", "0", "0123", "65535", "65536", "12a4", "-1", "+1", "1_0"} {
		if b, err := EncodePIN(0, pin); err == nil {
			t.Errorf("EncodePIN(%q) = %v", pin, b)
		} else if pin != "" && strings.Contains(err.Error(), `"`+pin) {
			t.Errorf("the error shows the PIN: %v", err)
		}
	}
	if _, err := EncodePIN(256, "1234"); err == nil {
		t.Error("facility 256 was sent")
	}
}

// A frame of the length of a key would be both.
func TestNoFormatIsAsShortAsAKey(t *testing.T) {
	for _, f := range formats {
		if f.bits <= Keypad8.burst() || f.bits == pinBits && f.name != h10301.name {
			t.Errorf("%s has %d bits", f.name, f.bits)
		}
	}
}

// readAll sends one good frame to a new port and returns the reads, without
// their times.
func readAll(t *testing.T, c Config, bits string) []reader.Read {
	t.Helper()
	reads := feed(mustPort(t, c), FallingEdges(Shape{}.Train(mustBits(t, bits), 0, nil), 1))
	for i := range reads {
		reads[i].At = 0
	}
	return reads
}

func mustEncode(t testing.TB, format string, token policy.Token) Bits {
	t.Helper()
	b, err := Encode(format, token)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustPort(t testing.TB, c Config) *Port {
	t.Helper()
	p, err := NewPort(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// feed gives all edges to a port, lets the last frame end and returns all reads.
func feed(p *Port, edges []Edge) (reads []reader.Read) {
	for _, e := range edges {
		if r, ok := p.Edge(e); ok {
			reads = append(reads, r)
		}
	}
	if end, ok := p.Wake(); ok {
		if r, ok := p.Settle(end); ok {
			reads = append(reads, r)
		}
	}
	return reads
}
