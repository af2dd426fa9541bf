package wiegand

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTrain(t *testing.T) {
	b := mustBits(t, "0110")
	tests := []struct {
		name string
		s    Shape
		want []Pulse
	}{
		{"the zero shape is a good reader", Shape{}, []Pulse{
			{10 * ms, 50 * us, 0}, {11 * ms, 50 * us, 1}, {12 * ms, 50 * us, 1}, {13 * ms, 50 * us, 0},
		}},
		{"width and interval are as given", Shape{Width: 160 * us, Interval: 880 * us}, []Pulse{
			{10 * ms, 160 * us, 0}, {10880 * us, 160 * us, 1}, {11760 * us, 160 * us, 1}, {12640 * us, 160 * us, 0},
		}},
		{"crossed lines give the complement", Shape{Swap: true}, []Pulse{
			{10 * ms, 50 * us, 1}, {11 * ms, 50 * us, 0}, {12 * ms, 50 * us, 0}, {13 * ms, 50 * us, 1},
		}},
		{"no more bits are lost than there are", Shape{Lose: 9}, []Pulse{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.s.Train(b, 10*ms, newRand(1)); !slices.Equal(got, tt.want) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
		})
	}
}

func TestTrainIsAFunctionOfItsSeed(t *testing.T) {
	b := mustBits(t, "01100110011001100110011001")
	s := Shape{Jitter: 400 * us, Noise: 3, Lose: 2}
	one, same, other := s.Train(b, 0, newRand(1)), s.Train(b, 0, newRand(1)), s.Train(b, 0, newRand(2))
	if !slices.Equal(one, same) || slices.Equal(one, other) {
		t.Errorf("seed 1 twice:\n%v\n%v\nseed 2:\n%v", one, same, other)
	}
	if len(one) != b.Len()+s.Noise-s.Lose {
		t.Errorf("%d pulses", len(one))
	}
	if !slices.IsSortedFunc(one, func(a, b Pulse) int { return int(a.At - b.At) }) {
		t.Errorf("out of order: %v", one)
	}
}

func TestFallingEdgesAreNumbered(t *testing.T) {
	got := FallingEdges([]Pulse{{At: 1, Line: 1}, {At: 2}}, 1<<32-1)
	if want := []Edge{{At: 1, Line: 1, Seq: 1<<32 - 1}, {At: 2, Seq: 0}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
