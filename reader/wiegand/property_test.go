package wiegand

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doord/policy"
	"doord/reader"
)

// drawToken draws a token that the format can hold.
func drawToken(t *rapid.T, f format) policy.Token {
	draw := func(x field, name string) uint64 {
		return rapid.Uint64Max(1<<x.len-1).Draw(t, name)
	}
	if f.uid.len > 0 {
		return uid(string(rapid.SliceOfN(rapid.Byte(), f.uid.len/8, f.uid.len/8).Draw(t, "uid")))
	}
	return number(f.name, draw(f.facility, "facility"), draw(f.card, "card"), uint32(draw(f.issue, "issue")))
}

// drawShape draws a reader within the standard.
func drawShape(t *rapid.T) Shape {
	s := Shape{Interval: time.Duration(rapid.IntRange(200, 10_000).Draw(t, "interval µs")) * us}
	s.Jitter = time.Duration(rapid.IntRange(0, int(s.Interval/us)/2).Draw(t, "jitter µs")) * us
	return s
}

func TestWhatAReaderSendsIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(formats).Draw(t, "format")
		token := drawToken(t, f)
		b, err := Encode(f.name, token)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "start"))
		pulses := drawShape(t).Train(b, start, newRand(rapid.Uint64().Draw(t, "seed")))
		p, err := NewPort(Config{Formats: []string{f.name}})
		if err != nil {
			t.Fatal(err)
		}
		got := feed(p, FallingEdges(pulses, rapid.Uint32().Draw(t, "seq")))
		want := reader.Read{At: pulses[b.Len()-1].At, Kind: reader.Card, Token: token, Bits: b.String()}
		if !slices.Equal(got, []reader.Read{want}) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestAFlippedBitIsNeverAnotherCard(t *testing.T) {
	checked := slices.DeleteFunc(slices.Clone(formats), func(f format) bool { return len(f.parity) == 0 })
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(checked).Draw(t, "format")
		b, err := Encode(f.name, drawToken(t, f))
		if err != nil {
			t.Fatal(err)
		}
		b.w[0] ^= bit(rapid.IntRange(0, f.bits-1).Draw(t, "flipped"))
		p, err := NewPort(Config{Formats: []string{f.name}})
		if err != nil {
			t.Fatal(err)
		}
		got := feed(p, FallingEdges(Shape{}.Train(b, 0, nil), 0))
		if len(got) != 1 || got[0].Fault != reader.FaultParity || got[0].Bits != b.String() {
			t.Fatalf("got %+v", got)
		}
	})
}

// However the 37-bit card is cut by a pause shorter than the cap, its first 26
// bits are no card.
func TestAPauseNeverCutsALongCard(t *testing.T) {
	f := *mustLookup(t, "H10304")
	rapid.Check(t, func(t *rapid.T) {
		token := drawToken(t, f)
		b, err := Encode(f.name, token)
		if err != nil {
			t.Fatal(err)
		}
		edges := FallingEdges(Shape{}.Train(b, 0, nil), 0)
		pause := time.Duration(rapid.Int64Range(0, int64(DefaultEndOfFrame-ms)-1).Draw(t, "pause"))
		for i := rapid.IntRange(1, 36).Draw(t, "after bit"); i < len(edges); i++ {
			edges[i].At += pause
		}
		p, err := NewPort(Config{Formats: []string{"H10301", "H10304"}})
		if err != nil {
			t.Fatal(err)
		}
		got := feed(p, edges)
		if len(got) != 1 || got[0].Kind != reader.Card || got[0].Token != token {
			t.Fatalf("got %+v", got)
		}
	})
}

// The process may wake at any time between the edges: the reads are the same.
func TestWakingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		edges := drawEdges(t)
		quiet, err := NewPort(c)
		if err != nil {
			t.Fatal(err)
		}
		want := feed(quiet, edges)

		busy, _ := NewPort(c)
		var got []reader.Read
		take := func(r reader.Read, ok bool) {
			if ok {
				got = append(got, r)
			}
		}
		for i, e := range edges {
			if i > 0 && rapid.Bool().Draw(t, "wake") {
				// With a gap in the numbers, whether the frame before it was whole is
				// known only if nobody had to be told sooner.
				if e.Seq == edges[i-1].Seq+1 {
					between := max(0, int64(e.At-edges[i-1].At))
					take(busy.Settle(edges[i-1].At + time.Duration(rapid.Int64Range(0, between).Draw(t, "at"))))
				}
			}
			take(busy.Edge(e))
		}
		got = append(got, feed(busy, nil)...)
		if !slices.Equal(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestAnyEdgesGiveWellFormedReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		p, err := NewPort(c)
		if err != nil {
			t.Fatal(err)
		}
		edges := drawEdges(t)
		checkReads(t, feed(p, edges), edges)
	})
}

func drawConfig(t *rapid.T) Config {
	return rapid.SampledFrom(fuzzConfigs).Draw(t, "config")
}

// drawEdges draws what no reader sends: any line, any order, any gap.
func drawEdges(t *rapid.T) []Edge {
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Edge {
		return Edge{
			At:   time.Duration(rapid.SampledFrom([]int{0, 1, 99, 100, 1000, 2999, 5000, 24999, 25000, 70000, -500}).Draw(t, "gap µs")) * us,
			Line: rapid.Uint8Max(1).Draw(t, "line"),
			Seq:  uint32(rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0}).Draw(t, "step")),
		}
	}), 0, 400).Draw(t, "edges")
	var at Edge
	for i, s := range steps {
		at = Edge{At: at.At + s.At, Line: s.Line, Seq: at.Seq + s.Seq}
		steps[i] = at
	}
	return steps
}

func mustLookup(t *testing.T, name string) *format {
	t.Helper()
	f, err := lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
