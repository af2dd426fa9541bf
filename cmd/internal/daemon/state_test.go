package daemon

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"doord/policy"
)

func TestAnAnswerComesAlsoWhenTheDaemonEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.stop()
		if _, err := r.server.Doors(context.Background()); err == nil {
			t.Error("an ended daemon lists doors")
		}
		if _, err := r.server.ResetFire(context.Background()); err == nil {
			t.Error("an ended daemon resets a fire")
		}
	})
}

func TestARelayThatMovesByItselfIsPutBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.events()
		if err := r.board.Relays().Set(1, 1); err != nil { // somebody else writes to the line
			t.Fatal(err)
		}
		r.want(front)
		r.pass(idle)
		r.want()
		r.happened("controller.relay_mismatch relay 1")
		r.pass(idle)
		r.faulty()
	})
}

func TestRelaysThatCannotBeSetAreToldAndTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.board.FailSet(fmt.Errorf("the line is gone"), front)
		r.tap("front", 118, 1603)
		r.want()
		r.faulty(relaysFault, "relay 1 does not follow")
		r.board.FailSet(nil)
		r.pass(idle)
		r.want(front)
		r.pass(idle)
		r.faulty()
	})
}

func TestAReaderShowsWhatHappens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		var seen []policy.Feedback
		look := func() {
			f, sound := r.board.Shown(r.reader("front"))
			if !sound {
				t.Errorf("%s is shown without a sound", f)
			}
			seen = append(seen, f)
		}
		look()
		r.tap("front", 118, 1603)
		look()
		r.pass(6 * time.Second)
		look()
		r.tap("front", 7, 7)
		look()
		r.pass(4 * time.Second)
		r.command("front", "hold_released", time.Minute)
		look()
		r.pass(time.Minute)
		r.settle("front-contact", true)
		look()
		want := []policy.Feedback{policy.ShowIdle, policy.ShowGranted, policy.ShowIdle, policy.ShowDenied, policy.ShowReleased, policy.ShowAlarm}
		if !slices.Equal(seen, want) {
			t.Errorf("shown %v, not %v", seen, want)
		}
	})
}

func TestAReaderWithoutItsBuzzerIsSilent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		silent := place(t)
		for i := range silent.Readers {
			silent.Readers[i].Buzzer = false
		}
		if _, err := r.server.LoadPolicy(context.Background(), silent); err != nil {
			t.Fatal(err)
		}
		r.tap("front", 7, 7)
		if f, sound := r.board.Shown(r.reader("front")); f != policy.ShowDenied || sound {
			t.Errorf("it shows %s, with a sound: %t", f, sound)
		}
	})
}

func TestARelayReleasedByFireDoesNotMoveOverARestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.settle("fire", true)
		r.want(lab, shed)
		r.restart() // on a new board, whose fire input is quiet
		r.want(lab, shed)
		for _, moved := range r.board.Transitions() {
			t.Errorf("%s moved: %+v", moved.Channel, moved)
		}
	})
}

func TestAFloodIsToldAndLosesNoTruth(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		inputs := []string{"front-contact", "box", "panel"}
		for i := range 121 { // the last change opens
			for _, name := range inputs {
				r.set(name, i%2 == 0)
			}
			r.pass(40 * time.Millisecond)
		}
		r.pass(2 * time.Second)
		chatters := map[string]bool{}
		for _, e := range r.records() {
			if e.Type == policy.InputTamper && e.Detail == "chatters" {
				chatters[e.Object.Name] = true
			}
		}
		if len(chatters) != len(inputs) {
			t.Errorf("only %v are told to chatter", chatters)
		}
		list, err := r.server.Inputs(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range list {
			if slices.Contains(inputs, in.Name) && !in.Active {
				t.Errorf("%s is told inactive, and is active", in.Name)
			}
		}
	})
}
