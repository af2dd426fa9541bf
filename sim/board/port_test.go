package board

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"doord/policy"
	"doord/reader"
	"doord/reader/wiegand"
)

// reads returns what wiegand.Run makes of a reader's edges, from before the
// stimuli until long after them.
func reads(t rapid.TB, b *Board, i int, c wiegand.Config, stimuli func()) []reader.Read {
	t.Helper()
	port, err := wiegand.NewPort(c)
	if err != nil {
		t.Fatal(err)
	}
	var got []reader.Read
	done := make(chan error)
	go func() {
		done <- wiegand.Run(b.Wiegand(i), b.Now, port, func(r reader.Read) { got = append(got, r) })
	}()
	synctest.Wait()
	stimuli()
	time.Sleep(time.Minute)
	b.Close()
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("Run: %v", err)
	}
	return got
}

// encode returns a frame of the format, and its token.
func encode(t rapid.TB, format string) (wiegand.Bits, policy.Token) {
	t.Helper()
	for _, token := range []policy.Token{
		{Class: policy.TokenNumber, Format: format, Facility: 118, Number: 1603},
		{Class: policy.TokenNumber, Format: format, Number: 1603},
		{Class: policy.TokenUID, Value: "\x04\xa2\x5b\x01"},
		{Class: policy.TokenUID, Value: "\x04\xa2\x5b\x01\x02\x03\x04"},
		{Class: policy.TokenUID, Value: "\x04\xa2\x5b\x01\x02\x03\x04\x05"},
	} {
		if bits, err := wiegand.Encode(format, token); err == nil {
			return bits, token
		}
	}
	t.Fatalf("no token for %s", format)
	return wiegand.Bits{}, policy.Token{}
}

func present(t rapid.TB, b *Board, i int, bits wiegand.Bits, shape wiegand.Shape, seed uint64) time.Duration {
	t.Helper()
	end, err := b.Present(i, bits, shape, seed)
	if err != nil {
		t.Fatal(err)
	}
	return end
}

func TestEdgesComeWhenTheirTimeHasCome(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		time.Sleep(time.Second)
		bits, err := wiegand.ParseBits("0110")
		if err != nil {
			t.Fatal(err)
		}
		end := present(t, b, 0, bits, wiegand.Shape{}, 0)
		if want := 1003 * ms; end != want {
			t.Errorf("the train ends at %v, want %v", end, want)
		}
		buf := make([]wiegand.Edge, 8)
		for i, line := range []uint8{0, 1, 1, 0} {
			want := wiegand.Edge{At: time.Second + time.Duration(i)*ms, Line: line, Seq: uint32(i + 1)}
			n, err := b.Wiegand(0).Read(buf, -1)
			if n != 1 || err != nil || buf[0] != want {
				t.Errorf("read %d of %+v, %v; want %+v", n, buf[0], err, want)
			}
			if b.Now() != want.At {
				t.Errorf("read at %v, due at %v", b.Now(), want.At)
			}
		}
		if n, err := b.Wiegand(0).Read(buf, ms); n != 0 || err != nil || b.Now() != end+ms {
			t.Errorf("read %d, %v at %v", n, err, b.Now())
		}
		if n, err := b.Wiegand(1).Read(buf, 0); n != 0 || err != nil {
			t.Errorf("the other reader: %d, %v", n, err)
		}
	})
}

func TestEdgesWaitForALateProcess(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		bits, _ := encode(t, "H10301")
		present(t, b, 0, bits, wiegand.Shape{}, 0)
		time.Sleep(time.Second)
		buf := make([]wiegand.Edge, 64)
		n, err := b.Wiegand(0).Read(buf, 0)
		want := wiegand.FallingEdges(wiegand.Shape{}.Train(bits, 0, nil), 1)
		if err != nil || !slices.Equal(buf[:n], want) {
			t.Errorf("got %v, %v; want %v", buf[:n], err, want)
		}
	})
}

func TestEveryFormatIsRead(t *testing.T) {
	for _, format := range wiegand.Formats() {
		t.Run(format, func(t *testing.T) {
			c := wiegand.Config{Formats: []string{format}}
			bubble(t, Spec{Wiegand: []wiegand.Config{c}}, func(t *testing.T, b *Board) {
				bits, token := encode(t, format)
				var end time.Duration
				got := reads(t, b, 0, c, func() { end = present(t, b, 0, bits, wiegand.Shape{}, 0) })
				want := []reader.Read{{At: end, Kind: reader.Card, Token: token, Bits: bits.String()}}
				if !slices.Equal(got, want) {
					t.Errorf("got %+v\nwant %+v", got, want)
				}
			})
		})
	}
}

// Whatever a reader may do by the standard, its cards are read.
func TestEveryReaderOfTheStandardIsRead(t *testing.T) {
	bits, token := encode(t, "H10301")
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			us := func(name string, from, to int) time.Duration {
				return time.Duration(rapid.IntRange(from, to).Draw(t, name)) * time.Microsecond
			}
			shape := wiegand.Shape{Width: us("width", 20, 100), Interval: us("interval", 300, 10_000)}
			shape.Jitter = min(us("jitter", 0, 5000), shape.Interval-200*time.Microsecond)
			seed := rapid.Uint64().Draw(t, "seed")
			b := New(fourDoors)
			got := reads(t, b, 0, fourDoors.Wiegand[0], func() { present(t, b, 0, bits, shape, seed) })
			if len(got) != 1 || got[0].Token != token {
				t.Fatalf("%+v: got %+v", shape, got)
			}
		})
	})
}

// No train, however wild, makes the board or a port panic.
func TestWildTrains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			var bits wiegand.Bits
			for _, one := range rapid.SliceOfN(rapid.Bool(), 0, 200).Draw(t, "bits") {
				bits.Append(one)
			}
			shape := wiegand.Shape{
				Width:    time.Duration(rapid.Int64().Draw(t, "width")),
				Interval: time.Duration(rapid.Int64Range(-1, int64(ms)).Draw(t, "interval")),
				Jitter:   time.Duration(rapid.Int64Range(-1, int64(ms)).Draw(t, "jitter")),
				Noise:    rapid.IntRange(-1, 300).Draw(t, "noise"),
				Lose:     rapid.IntRange(-1, 300).Draw(t, "lose"),
				Swap:     rapid.Bool().Draw(t, "swap"),
			}
			if rapid.Bool().Draw(t, "narrow") {
				shape.Width = min(shape.Width.Abs(), ms)
			}
			b := New(fourDoors)
			reads(t, b, 0, fourDoors.Wiegand[0], func() {
				_, _ = b.Present(0, bits, shape, 1) // an error is an answer, too
			})
		})
	})
}

func TestTrainsFollowOneAnother(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		short, shortToken := encode(t, "H10301")
		long, longToken := encode(t, "H10302")
		var ends []time.Duration
		got := reads(t, b, 0, fourDoors.Wiegand[0], func() {
			for _, bits := range []wiegand.Bits{short, long, short} {
				ends = append(ends, present(t, b, 0, bits, wiegand.Shape{}, 0))
			}
		})
		want := []reader.Read{
			{At: ends[0], Kind: reader.Card, Token: shortToken, Bits: short.String()},
			{At: ends[1], Kind: reader.Card, Token: longToken, Bits: long.String()},
			{At: ends[2], Kind: reader.Card, Token: shortToken, Bits: short.String()},
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	})
}

func TestDamagedTrainsAreBadReads(t *testing.T) {
	tests := []struct {
		name  string
		shape wiegand.Shape
		fault reader.Fault
	}{
		{"a lost bit", wiegand.Shape{Lose: 1}, reader.FaultLength},
		{"phantom bits", wiegand.Shape{Noise: 3}, reader.FaultLength},
		{"phantom bits, every one upon another", wiegand.Shape{Noise: 60}, reader.FaultOverlap},
		{"crossed lines", wiegand.Shape{Swap: true}, reader.FaultParity},
		{"no gap between the bits", wiegand.Shape{Interval: 60 * time.Microsecond}, reader.FaultOverlap},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, fourDoors, func(t *testing.T, b *Board) {
				bits, _ := encode(t, "H10302")
				got := reads(t, b, 0, fourDoors.Wiegand[0], func() { present(t, b, 0, bits, test.shape, 1) })
				if len(got) != 1 || got[0].Kind != reader.Bad || got[0].Fault != test.fault {
					t.Errorf("got %+v, want fault %q", got, test.fault)
				}
			})
		})
	}
}

func TestTheSameSeedSendsTheSameTrain(t *testing.T) {
	bits, _ := encode(t, "H10301")
	shape := wiegand.Shape{Jitter: ms / 2, Noise: 4, Lose: 2}
	train := func(seed uint64) (edges []wiegand.Edge) {
		bubble(t, fourDoors, func(t *testing.T, b *Board) {
			present(t, b, 0, bits, shape, seed)
			time.Sleep(time.Second)
			buf := make([]wiegand.Edge, 64)
			n, _ := b.Wiegand(0).Read(buf, 0)
			edges = buf[:n]
		})
		return edges
	}
	if !slices.Equal(train(1), train(1)) {
		t.Error("two trains of one seed differ")
	}
	if slices.Equal(train(1), train(2)) {
		t.Error("two seeds sent the same train")
	}
}

func TestAPulseOnALineThatIsLowIsNoEdge(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		us := time.Microsecond
		err := b.Inject(0,
			wiegand.Pulse{At: 100 * us, Width: 50 * us, Line: 1},
			wiegand.Pulse{At: 120 * us, Width: 20 * us, Line: 1},
			wiegand.Pulse{At: 130 * us, Width: 50 * us, Line: 0})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		buf := make([]wiegand.Edge, 8)
		n, err := b.Wiegand(0).Read(buf, 0)
		want := []wiegand.Edge{{At: 100 * us, Line: 1, Seq: 1}, {At: 130 * us, Line: 0, Seq: 2}}
		if err != nil || !slices.Equal(buf[:n], want) {
			t.Errorf("got %v, %v", buf[:n], err)
		}
	})
}

func TestAFullQueueLosesItsOldestEdges(t *testing.T) {
	const sent = QueueLen + 10
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		var bits wiegand.Bits
		for i := range sent / 2 {
			bits.Append(i%2 == 0)
		}
		present(t, b, 0, bits, wiegand.Shape{}, 0)
		present(t, b, 0, bits, wiegand.Shape{}, 0)
		time.Sleep(time.Minute)
		buf := make([]wiegand.Edge, sent)
		n, err := b.Wiegand(0).Read(buf, 0)
		if n != QueueLen || err != nil {
			t.Fatalf("read %d edges, %v", n, err)
		}
		if first, last := buf[0].Seq, buf[n-1].Seq; first != 11 || last != sent {
			t.Errorf("edges %d to %d, want 11 to %d", first, last, sent)
		}
	})
}

// The process is away, in the middle of a card, for so long that the queue runs
// over.
func TestALateProcessLearnsThatEdgesWereLost(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		bits, token := encode(t, "H10301")
		c := fourDoors.Wiegand[0]
		got := reads(t, b, 0, c, func() {
			present(t, b, 0, bits, wiegand.Shape{}, 0)
			time.Sleep(time.Second)
			// All at once in the queue: stamps of a second in which nobody read.
			noise := wiegand.Shape{Interval: 3 * ms}.Train(bits, b.Now()-time.Second/2, nil)
			for len(noise) < 2*QueueLen {
				noise = append(noise, wiegand.Pulse{At: noise[len(noise)-1].At + ms/4, Width: ms / 20})
			}
			if err := b.Inject(0, noise...); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			present(t, b, 0, bits, wiegand.Shape{}, 0)
		})
		if len(got) != 3 || got[0].Token != token || got[1].Fault != reader.FaultLost || got[2].Token != token {
			t.Errorf("got %+v", got)
		}
	})
}

func TestKeypads(t *testing.T) {
	t.Run("each key is a read", func(t *testing.T) {
		for _, keypad := range []wiegand.Keypad{wiegand.Keypad4, wiegand.Keypad6, wiegand.Keypad8} {
			c := wiegand.Config{Keypad: keypad}
			bubble(t, Spec{Wiegand: []wiegand.Config{c}}, func(t *testing.T, b *Board) {
				var end time.Duration
				got := reads(t, b, 0, c, func() {
					var err error
					if end, err = b.Type(0, "0129*#"); err != nil {
						t.Fatal(err)
					}
				})
				var keys strings.Builder
				for _, r := range got {
					if r.Kind != reader.Key {
						t.Errorf("%s: %+v", keypad, r)
					}
					keys.WriteByte(r.Digit)
				}
				if keys.String() != "0129*#" || got[len(got)-1].At != end {
					t.Errorf("%s: got %q, the last at %v, want %v", keypad, keys.String(), got[len(got)-1].At, end)
				}
			})
		}
	})
	t.Run("a buffering keypad sends whole PINs", func(t *testing.T) {
		bubble(t, fourDoors, func(t *testing.T, b *Board) {
			got := reads(t, b, 1, fourDoors.Wiegand[1], func() {
				if _, err := b.Type(1, "1234#987#"); err != nil {
					t.Fatal(err)
				}
			})
			if len(got) != 2 || got[0].Token.Value != "1234" || got[1].Token.Value != "987" {
				t.Errorf("got %+v", got)
			}
		})
	})
	for _, test := range []struct {
		name   string
		keypad wiegand.Keypad
		keys   string
	}{
		{"no keypad", wiegand.NoKeypad, "1"},
		{"no such key", wiegand.Keypad4, "12a"},
		{"no such PIN", wiegand.KeypadBuffered, "123456"},
		{"no PIN at all", wiegand.KeypadBuffered, "#"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, Spec{Wiegand: []wiegand.Config{{Keypad: test.keypad}}}, func(t *testing.T, b *Board) {
				if _, err := b.Type(0, test.keys); err == nil {
					t.Error("no error")
				}
				time.Sleep(time.Second)
				if n, _ := b.Wiegand(0).Read(make([]wiegand.Edge, 1), 0); n != 0 {
					t.Error("something was sent")
				}
			})
		})
	}
}

func TestPresentRefuses(t *testing.T) {
	bits, _ := encode(t, "H10301")
	for name, shape := range map[string]wiegand.Shape{
		"width":    {Width: -1},
		"interval": {Interval: 2 * time.Second},
		"jitter":   {Jitter: -1},
		"noise":    {Noise: -1},
		"lose":     {Lose: 1000},
	} {
		if _, err := New(fourDoors).Present(0, bits, shape, 0); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestWaitingTrainsAreBounded(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		bits, token := encode(t, "H10301")
		n := 0
		for ; n < maxAhead; n++ {
			if _, err := b.Present(0, bits, wiegand.Shape{}, 0); err != nil {
				break
			}
		}
		if want := maxAhead / 2 / bits.Len(); n != want {
			t.Errorf("%d trains wait, want %d", n, want)
		}
		if err := b.Inject(0, make([]wiegand.Pulse, maxAhead)...); err == nil {
			t.Error("too many pulses were accepted")
		}
		got := reads(t, b, 0, fourDoors.Wiegand[0], func() {})
		if len(got) != n || got[n-1].Token != token {
			t.Errorf("%d reads", len(got))
		}
	})
}
