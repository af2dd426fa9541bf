package daemon

import (
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doord/policy"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/rex"
	"doord/sim/board"
)

// Whatever happens at the board, the daemon lives, a door is released only when
// an event says why, and the way out works at the end.
func TestNoDoorOpensWithoutACause(t *testing.T) {
	records := place(t)
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) { play(t, records) })
	})
}

func play(t *rapid.T, records *policy.Records) {
	dir, err := os.MkdirTemp("", "doord")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	r := &rig{TB: t, dir: dir}
	r.seed(records)
	r.start()
	defer r.stop()
	for range rapid.IntRange(1, 12).Draw(t, "stimuli") {
		r.drawn(t)
	}
	r.pass(time.Minute) // every release of a card and a button ends
	causes := map[string]bool{}
	for _, e := range r.records() {
		switch {
		case e.Type == policy.LockUnlock && e.Success && e.Actor.ID != 1 && e.Actor.ID != 2:
			t.Fatalf("granted to %v", e.Actor)
		case e.Type == policy.LockUnlock && e.Success, e.Type == policy.LockREX:
			causes[e.Object.Name] = true
		case e.Type == policy.ControllerFire:
			causes["lab"], causes["store"] = true, true
		}
	}
	for _, m := range r.board.Transitions() {
		name := map[relay.Channel]string{front: "front", lab: "lab", shed: "store"}[m.Channel]
		if started := m.At < 100*time.Millisecond; m.On && !started && !causes[name] {
			t.Fatalf("%v: %s was released and no event says why", m.At, name)
		}
	}
	r.settle("front-rex", false)
	r.settle("front-rex", true)
	if !r.board.Released(front) {
		t.Fatal("the front door keeps people in")
	}
}

// drawn does one thing at the board.
func (r *rig) drawn(t *rapid.T) {
	reader := rapid.IntRange(0, len(r.config.Readers)-1).Draw(t, "reader")
	switch kind := rapid.SampledFrom([]string{"frame", "card", "noise", "bounce", "input", "press", "keys"}).Draw(t, "kind"); kind {
	case "frame":
		var b wiegand.Bits
		for _, one := range rapid.SliceOfN(rapid.Bool(), 0, 200).Draw(t, "bits") {
			b.Append(one)
		}
		shape := wiegand.Shape{
			Interval: time.Duration(rapid.IntRange(1, 20_000).Draw(t, "interval")) * time.Microsecond,
			Jitter:   time.Duration(rapid.IntRange(0, 1000).Draw(t, "jitter")) * time.Microsecond,
			Noise:    rapid.IntRange(0, 20).Draw(t, "noise"),
			Lose:     rapid.IntRange(0, 5).Draw(t, "lose"),
			Swap:     rapid.Bool().Draw(t, "swap"),
		}
		if _, err := r.board.Present(reader, b, shape, rapid.Uint64().Draw(t, "seed")); err != nil {
			t.Fatal(err)
		}
	case "card":
		if _, err := r.board.Present(reader, bits(t, 118, rapid.Uint64Range(1603, 1606).Draw(t, "card")), wiegand.Shape{}, 0); err != nil {
			t.Fatal(err)
		}
	case "noise":
		at := r.board.Now()
		var pulses []wiegand.Pulse
		for _, gap := range rapid.SliceOfN(rapid.IntRange(0, 30_000), 0, 400).Draw(t, "gaps") {
			at += time.Duration(gap) * time.Microsecond
			pulses = append(pulses, wiegand.Pulse{At: at, Width: 50 * time.Microsecond, Line: uint8(gap % 2)})
		}
		if err := r.board.Inject(reader, pulses...); err != nil {
			t.Fatal(err)
		}
	case "bounce":
		i := rapid.IntRange(0, len(r.config.Others().Inputs)-1).Draw(t, "input")
		period := time.Duration(rapid.IntRange(1, 100_000).Draw(t, "period")) * time.Microsecond
		if _, err := r.board.Bounce(board.Others, i, rapid.SampledFrom([]rex.State{rex.Open, rex.Closed}).Draw(t, "to"), rapid.IntRange(0, 100).Draw(t, "times"), period); err != nil {
			t.Fatal(err)
		}
	case "input":
		name := rapid.SampledFrom([]string{"front-contact", "lab-contact", "panel", "box"}).Draw(t, "input")
		r.set(name, rapid.Bool().Draw(t, "active"))
	case "press":
		r.set(rapid.SampledFrom([]string{"front-rex", "lab-rex", "store-rex", "fire"}).Draw(t, "input"), rapid.Bool().Draw(t, "active"))
	case "keys":
		if _, err := r.board.Type(r.reader("lab"), fmt.Sprintf("%d#", rapid.IntRange(0, 99_999_999).Draw(t, "pin"))); err != nil {
			t.Fatal(err)
		}
	}
	r.pass(time.Duration(rapid.IntRange(0, 3_000_000).Draw(t, "then")) * time.Microsecond)
}
