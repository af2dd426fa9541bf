package daemon

import (
	"math/rand/v2"
	"testing"
	"time"

	"doord/policy"
	"doord/reader/wiegand"
)

// Whatever arrives on D0 and D1, a door opens by a granted decision only, and the
// daemon lives on.
func TestNoiseOpensNoDoor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		for seed := range uint64(100) {
			rng := rand.New(rand.NewPCG(seed, 0))
			at := r.board.Now()
			pulses := make([]wiegand.Pulse, rng.IntN(400))
			for i := range pulses {
				at += time.Duration(1 + rng.IntN(3_000_000))
				pulses[i] = wiegand.Pulse{At: at, Width: 50 * time.Microsecond, Line: uint8(rng.IntN(2))}
			}
			if err := r.board.Inject(rng.IntN(len(r.config.Readers)), pulses...); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			r.pass(at - r.board.Now() + 200*time.Millisecond)
			for _, e := range r.records() {
				if e.Type == policy.LockUnlock && e.Success {
					t.Errorf("seed %d: noise made a known card", seed)
				}
			}
			r.want()
		}
		r.tap("front", 118, 1603)
		r.want(front)
	})
}

func TestFramesOfEveryLengthAreEventsAndOpenNoDoor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.events()
		for n := 1; n <= 200; n++ {
			var b wiegand.Bits
			for i := range n {
				b.Append(i%3 == 0)
			}
			if _, err := r.board.Present(r.reader("front"), b, wiegand.Shape{}, 0); err != nil {
				t.Fatal(err)
			}
			r.pass(time.Duration(n)*time.Millisecond + 2*betweenCards)
			if got := len(r.events()); got != 1 {
				t.Errorf("a frame of %d bits made %d events", n, got)
			}
			r.want()
		}
	})
}

func TestAFloodOfAContactIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.events()
		for i := range 1000 {
			r.set("front-contact", i%2 == 0)
			r.pass(35 * time.Millisecond)
		}
		if n := len(r.events()); n > 35*2*12 {
			t.Errorf("1000 changes of a contact in 35 s made %d events", n)
		}
		r.settle("front-rex", true)
		r.want(front)
	})
}

func TestARelayThatDoesNotFollowIsAnAlarm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.board.StickRelay(front, false)
		r.tap("front", 118, 1603)
		r.want()
		r.happened("lock.unlock front granted", "controller.relay_mismatch")
		r.faulty("relay 1 does not follow")
		r.board.FreeRelay(front)
		r.pass(10 * time.Second)
		r.faulty()
	})
}
