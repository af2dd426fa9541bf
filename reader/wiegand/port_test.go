package wiegand

import (
	"slices"
	"strings"
	"testing"
	"time"

	"doord/reader"
)

const (
	us = time.Microsecond
	ms = time.Millisecond
)

func TestFraming(t *testing.T) {
	var (
		only26 = Config{Formats: []string{"H10301"}}
		also37 = Config{Formats: []string{"H10301", "H10304"}}
		card26 = mustEncode(t, "H10301", number("", 12, 3456, 0))
		card37 = mustEncode(t, "H10304", number("", 1234, 56789, 0))
		ok26   = reader.Read{Kind: reader.Card, Token: number("H10301", 12, 3456, 0), Bits: card26.String()}
		ok37   = reader.Read{Kind: reader.Card, Token: number("H10304", 1234, 56789, 0), Bits: card37.String()}
	)
	at := func(r reader.Read, at time.Duration) reader.Read { r.At = at; return r }
	bad := func(at time.Duration, f reader.Fault, bits string) reader.Read {
		return reader.Read{At: at, Kind: reader.Bad, Fault: f, Bits: bits}
	}
	train := func(b Bits, start time.Duration, s Shape) []Edge { return FallingEdges(s.Train(b, start, nil), 0) }
	// number gives the edges one sequence, as the kernel does.
	number := func(trains ...[]Edge) []Edge {
		edges := slices.Concat(trains...)
		for i := range edges {
			edges[i].Seq = uint32(i) - 5 // runs over its end on the way
		}
		return edges
	}
	pause := func(edges []Edge, at int, d time.Duration) []Edge {
		for i := at; i < len(edges); i++ {
			edges[i].At += d
		}
		return edges
	}
	tests := []struct {
		name  string
		c     Config
		edges []Edge
		want  []reader.Read
	}{
		{
			"a card is read at its last bit", only26,
			number(train(card26, 10*ms, Shape{})),
			[]reader.Read{at(ok26, 35*ms)},
		}, {
			"the fastest reader of the standard", only26,
			number(train(card26, 0, Shape{Interval: 200 * us})),
			[]reader.Read{at(ok26, 5*ms)},
		}, {
			"the slowest reader of the standard", also37,
			number(train(card37, 0, Shape{Interval: 20 * ms})),
			[]reader.Read{at(ok37, 720*ms)},
		}, {
			"two cards of one length follow closely", only26,
			number(train(card26, 0, Shape{}), train(card26, 30*ms, Shape{})),
			[]reader.Read{at(ok26, 25*ms), at(ok26, 55*ms)},
		}, {
			"a pause after 26 bits does not cut a 37-bit card", also37,
			number(pause(train(card37, 0, Shape{}), 26, 20*ms)),
			[]reader.Read{at(ok37, 56*ms)},
		}, {
			"a pause of the whole cap does", also37,
			number(pause(train(card37, 0, Shape{}), 25, 24*ms)),
			[]reader.Read{
				bad(24*ms, reader.FaultLength, card37.String()[:25]),
				bad(60*ms, reader.FaultLength, card37.String()[25:]),
			},
		}, {
			"a longer card than any accepted shows its bits", only26,
			number(train(card37, 0, Shape{})),
			[]reader.Read{bad(36*ms, reader.FaultLength, card37.String())},
		}, {
			"a lost bit is a wrong length", only26,
			number(train(card26, 0, Shape{})[1:]),
			[]reader.Read{bad(25*ms, reader.FaultLength, card26.String()[1:])},
		}, {
			"crossed lines are a wrong parity", only26,
			number(train(card26, 0, Shape{Swap: true})),
			[]reader.Read{bad(25*ms, reader.FaultParity, strings.NewReplacer("0", "1", "1", "0").Replace(card26.String()))},
		}, {
			"noise of one bit is a frame", only26,
			number(train(mustBits(t, "0"), ms, Shape{})),
			[]reader.Read{bad(ms, reader.FaultLength, "0")},
		}, {
			"a gap in the numbers makes the frame void although its parity holds", only26,
			append(number(train(card26, 0, Shape{}))[:25], Edge{At: 25 * ms, Line: 1, Seq: 26 - 5}),
			[]reader.Read{bad(25*ms, reader.FaultLost, card26.String()[:25]+"1")},
		}, {
			"a gap between frames makes both void: which one lost edges is unknown", only26,
			append(number(train(card26, 0, Shape{})), FallingEdges(Shape{}.Train(card26, ms*100, nil), 40)...),
			[]reader.Read{bad(25*ms, reader.FaultLost, card26.String()), bad(125*ms, reader.FaultLost, card26.String())},
		}, {
			"both lines at one time stamp", only26,
			number(train(card26, 0, Shape{})[:25], []Edge{{At: 24 * ms, Line: 1}}),
			[]reader.Read{bad(24*ms, reader.FaultOverlap, card26.String()[:25]+"1")},
		}, {
			"both lines low at once", only26,
			number(train(card26, 0, Shape{})[:25], []Edge{{At: 24*ms + 99*us, Line: 1}}),
			[]reader.Read{bad(24*ms+99*us, reader.FaultOverlap, card26.String()[:25]+"1")},
		}, {
			"the next bit right after a pulse is a bit", only26,
			number(train(card26, 0, Shape{})[:25], []Edge{{At: 24*ms + 100*us, Line: uint8(card26.w[0] >> 38 & 1)}}),
			[]reader.Read{at(ok26, 24*ms+100*us)},
		}, {
			"a time stamp that goes back", only26,
			number(train(card26, 0, Shape{})[:25], []Edge{{At: 23 * ms, Line: 1}}),
			[]reader.Read{bad(24*ms, reader.FaultOverlap, card26.String()[:25]+"1")},
		}, {
			"a frame without end is reported once, and the next card is read", only26,
			number(train(mustBits(t, strings.Repeat("0", MaxBits)), 0, Shape{}),
				train(mustBits(t, strings.Repeat("1", MaxBits)), 256*ms, Shape{}),
				train(card26, time.Second, Shape{})),
			[]reader.Read{bad(256*ms, reader.FaultLength, strings.Repeat("0", MaxBits)), at(ok26, 1025*ms)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := feed(mustPort(t, tt.c), tt.edges); !slices.Equal(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestEndOfFrame(t *testing.T) {
	card26 := mustEncode(t, "H10301", number("", 12, 3456, 0))
	card37 := mustEncode(t, "H10302", number("", 0, 3456, 0))
	tests := []struct {
		name string
		c    Config
		bits Bits
		s    Shape
		want time.Duration // after the last bit
	}{
		{"the longest card ends after five intervals", Config{Formats: []string{"H10301"}}, card26, Shape{}, 5 * ms},
		{"but no sooner than 3 ms", Config{Formats: []string{"H10301"}}, card26, Shape{Interval: 200 * us}, 3 * ms},
		{"and no later than the cap", Config{Formats: []string{"H10301"}}, card26, Shape{Interval: 20 * ms}, 25 * ms},
		{"a shorter card waits for the cap", Config{Formats: []string{"H10301", "H10302"}}, card26, Shape{}, 25 * ms},
		{"the cap is configured", Config{Formats: []string{"H10301", "H10302"}, EndOfFrame: 60 * ms}, card26, Shape{}, 60 * ms},
		{"a longer card than the longest does not wait", Config{Formats: []string{"H10301"}}, card37, Shape{}, 5 * ms},
		{"where nothing is accepted everything waits", Config{}, card37, Shape{}, 25 * ms},
		{"a key waits where cards are read", Config{Formats: []string{"H10301"}, Keypad: Keypad4}, mustBits(t, "0001"), Shape{}, 25 * ms},
		{"a key of a keypad alone does not", Config{Keypad: Keypad4}, mustBits(t, "0001"), Shape{}, 5 * ms},
		{"a PIN is as long as a card", Config{Keypad: KeypadBuffered}, card26, Shape{}, 5 * ms},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := mustPort(t, tt.c)
			edges := FallingEdges(tt.s.Train(tt.bits, 0, nil), 0)
			for _, e := range edges {
				p.Edge(e)
			}
			last := edges[len(edges)-1].At
			end, ok := p.Wake()
			if !ok || end-last != tt.want {
				t.Fatalf("ends %v after the last bit, %v", end-last, ok)
			}
			if r, ok := p.Settle(end - 1); ok {
				t.Fatalf("ended too soon: %+v", r)
			}
			if r, ok := p.Settle(end); !ok || r.At != last {
				t.Fatalf("at the end: %+v, %v", r, ok)
			}
			if _, ok := p.Wake(); ok {
				t.Error("still pending")
			}
		})
	}
}

func BenchmarkFrame(b *testing.B) {
	card, _ := Encode("H10301", number("", 12, 3456, 0))
	edges := FallingEdges(Shape{}.Train(card, 0, nil), 0)
	p, err := NewPort(Config{Formats: []string{"H10301", "H10304"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var seq uint32
	for b.Loop() {
		for _, e := range edges {
			e.Seq = seq
			seq++
			p.Edge(e)
		}
		if r, ok := p.Settle(time.Second); !ok || r.Kind != reader.Card {
			b.Fatalf("%+v", r)
		}
	}
}
