package rex

import (
	"testing"
	"time"
)

// BenchmarkPress is a press of a REX: two edges and their two changes, in a bank
// of so many inputs.
func BenchmarkPress(b *testing.B) {
	for _, bench := range []struct {
		name   string
		inputs int
	}{{"5 inputs", 5}, {"16 inputs", 16}} {
		b.Run(bench.name, func(b *testing.B) {
			inputs := make([]Config, bench.inputs)
			for i := range inputs {
				inputs[i] = Config{Kind: REX, ClosedHigh: true}
			}
			bank, err := NewBank(inputs)
			if err != nil {
				b.Fatal(err)
			}
			bank.Levels(0, 0)
			bank.Settle(time.Second)
			at, seq := time.Second, uint32(0)
			b.ReportAllocs()
			for b.Loop() {
				for _, high := range []bool{true, false} {
					seq++
					bank.Edge(Edge{At: at, High: high, Seq: seq})
					at += DefaultDebounce
					if len(bank.Settle(at)) != 1 {
						b.Fatal("not one change")
					}
				}
			}
		})
	}
}

// BenchmarkBounce is one edge of a button that bounces without end.
func BenchmarkBounce(b *testing.B) {
	bank, err := NewBank([]Config{{Kind: REX, ClosedHigh: true}})
	if err != nil {
		b.Fatal(err)
	}
	bank.Levels(0, 0)
	b.ReportAllocs()
	for i := uint32(0); b.Loop(); i++ {
		bank.Edge(Edge{At: time.Second + time.Duration(i)*ms, High: i%4 == 0, Seq: i})
	}
}
