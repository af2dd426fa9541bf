package wiegand

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"doord/policy"
	"doord/reader"
)

// fuzzConfigs are ports of every kind.
var fuzzConfigs = []Config{
	{},
	{Formats: []string{"H10301"}},
	{Formats: []string{"H10301", "H10304", "Avig56"}, EndOfFrame: MaxEndOfFrame},
	{Formats: []string{"H10301"}, Keypad: Keypad4},
	{Keypad: Keypad6},
	{Formats: []string{"CSN32-lsb"}, Keypad: Keypad8},
	{Formats: []string{"H10301", "CSN64-msb"}, Keypad: KeypadBuffered},
}

// FuzzPort takes three bytes for each edge: the line and the step of the number
// in the first, then microseconds since the edge before.
func FuzzPort(f *testing.F) {
	seed := func(config uint8, shape Shape, bits string) {
		var data []byte
		last := time.Duration(0)
		for _, p := range shape.Train(mustBits(f, bits), 0, newRand(1)) {
			data = append(data, p.Line|1<<1)
			data = binary.LittleEndian.AppendUint16(data, uint16((p.At-last)/us))
			last = p.At
		}
		f.Add(config, data)
	}
	seed(1, Shape{}, "10111011000000110010000110")
	seed(2, Shape{Interval: 20 * ms}, "1000001001101001000011011101110101010")
	seed(3, Shape{}, "1011")
	seed(4, Shape{Interval: 200 * us}, "110111")
	seed(5, Shape{Noise: 3}, "01001011")
	seed(6, Shape{Jitter: 500 * us}, "00000000100110100100000001")
	seed(0, Shape{Lose: 20}, strings.Repeat("01", MaxBits/2))
	f.Fuzz(func(t *testing.T, config uint8, data []byte) {
		var edges []Edge
		var at Edge
		for ; len(data) >= 3; data = data[3:] {
			at.At += time.Duration(binary.LittleEndian.Uint16(data[1:])) * us
			at.Line = data[0] & 1
			at.Seq += uint32(data[0] >> 1)
			edges = append(edges, at)
		}
		p := mustPort(t, fuzzConfigs[int(config)%len(fuzzConfigs)])
		checkReads(t, feed(p, edges), edges)
	})
}

// checkReads holds what is true of all reads of any edges.
func checkReads(t interface {
	Helper()
	Fatalf(string, ...any)
}, reads []reader.Read, edges []Edge) {
	t.Helper()
	if len(reads) > len(edges) {
		t.Fatalf("%d reads of %d edges", len(reads), len(edges))
	}
	for _, r := range reads {
		ok := false
		switch r.Kind {
		case reader.Card:
			b, err := ParseBits(r.Bits)
			ok = err == nil && r.Fault == "" && r.Digit == 0
			found := false
			for _, c := range Find(b) {
				token, err := Decode(c.Format, b)
				found = found || err == nil && token == r.Token
			}
			ok = ok && found
		case reader.Key:
			ok = r == reader.Read{At: r.At, Kind: reader.Key, Digit: r.Digit} && strings.IndexByte(keys, r.Digit) >= 0
		case reader.PIN:
			ok = r.Token.Class == policy.TokenPIN && r.Token.Value != "" && r.Bits == ""
		case reader.Bad:
			ok = r.Fault != "" && r.Token == policy.Token{} && len(r.Bits) <= MaxBits
		}
		if !ok {
			t.Fatalf("read %+v", r)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, format := range formats {
		f.Add(mustEncode(f, format.name, sample(format)).String())
	}
	f.Add("")
	f.Add("012")
	f.Add(strings.Repeat("1", 200))
	f.Add(strings.Repeat("0", MaxBits+1))
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ParseBits(s)
		if err != nil {
			return
		}
		if b.String() != s {
			t.Fatalf("%q became %q", s, b)
		}
		for _, c := range Find(b) {
			token, err := Decode(c.Format, b)
			if c.ParityOK != (err == nil) {
				t.Fatalf("%+v, but Decode says %v", c, err)
			}
			if err != nil {
				continue
			}
			if again, err := Encode(c.Format, token); err != nil || again != b {
				t.Fatalf("%s %v re-encodes to %v, %v", c.Format, token, again, err)
			}
		}
	})
}
