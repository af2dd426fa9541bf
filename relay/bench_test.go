package relay

import "testing"

// BenchmarkApply is the cost of the driver itself: the lines are memory.
func BenchmarkApply(b *testing.B) {
	run := func(name string, states ...Outputs) {
		b.Run(name, func(b *testing.B) {
			d, lines := newBoard(b)
			lines.written = make([]uint64, 0, 1)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				lines.written = lines.written[:0]
				if _, err := d.Apply(states[i%len(states)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("a door released and secured", 0, Outputs(0).With(1))
	run("nothing new", 0)
}
