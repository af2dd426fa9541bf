package rex

import (
	"encoding/binary"
	"testing"
	"time"
)

// FuzzBank feeds a bank anything at all, 14 bytes a time: what to do, with which
// input, when and with what. It must not panic, nor lose its order, its rate or
// its state.
func FuzzBank(f *testing.F) {
	op := func(what, line byte, at time.Duration, arg uint32) []byte {
		b := binary.BigEndian.AppendUint64([]byte{what, line}, uint64(at))
		return binary.BigEndian.AppendUint32(b, arg)
	}
	f.Add(op(0, 0, 100*ms, 1))
	f.Add(append(op(1, 0, 0, 0), append(op(0, 1, 100*ms, 1), op(0, 1, 131*ms, 3)...)...))
	f.Add(append(op(2, 3, -1, 3), op(2, 255, 1<<62, 9)...))
	f.Add(append(op(3, 0, never, 0), op(0, 0, 0, 1)...))

	inputs := []Config{{Kind: REX}, {Kind: Contact}, {Kind: Fire, ClosedHigh: true}, {Kind: Tamper, Debounce: MinDebounce}}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := NewBank(inputs)
		if err != nil {
			t.Fatal(err)
		}
		heard := make([][]Change, len(inputs))
		var before time.Duration
		hear := func(changes []Change) {
			for _, c := range changes {
				of := heard[c.Input]
				if c.At < before {
					t.Fatalf("%v after %v", c, before)
				}
				if n := len(of); n > 0 && of[n-1].State == c.State {
					t.Fatalf("%v twice", c)
				}
				if n := len(of) - MaxRate; !inputs[c.Input].serves() && n >= 0 && c.At-of[n].At < time.Second {
					t.Fatalf("%v is too soon after %v", c, of[n])
				}
				before = c.At
				heard[c.Input] = append(of, c)
			}
		}
		for ; len(data) >= 14; data = data[14:] {
			at := time.Duration(binary.BigEndian.Uint64(data[2:]))
			arg := binary.BigEndian.Uint32(data[10:])
			switch data[0] % 4 {
			case 0:
				hear(b.Edge(Edge{At: at, Line: data[1], High: arg%2 != 0, Seq: arg / 2}))
			case 1:
				hear(b.Levels(at, uint64(arg)))
			case 2:
				hear(b.Sample(at, int(int8(data[1])), State(arg)))
			case 3:
				hear(b.Settle(at))
			}
		}
		if b.now < horizon-time.Hour { // the end of time lets nothing settle
			hear(b.Settle(b.now + time.Hour))
			for i, in := range b.inputs {
				if n := len(heard[i]); in.seen != 0 && (n == 0 || heard[i][n-1].State != in.seen) {
					t.Fatalf("input %d is %v, reported %v", i, in.seen, heard[i])
				}
			}
		}
	})
}
