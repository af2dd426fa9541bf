package daemon

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"doord/cmd/internal/api"
	"doord/reader/wiegand"
	"doord/relay"
)

func TestARelayThatNoDoorHasIsSwitchedOnForATest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		if _, err := r.server.Pulse(context.Background(), 5, api.Pulse{For: 1}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !r.board.Coil(relay.AuxChannel) {
			t.Error("it is off")
		}
		r.settle("lab-rex", true)
		r.want(lab)
		r.pass(time.Second)
		if r.board.Coil(relay.AuxChannel) {
			t.Error("it stays on")
		}
		r.want(lab)
		r.happened("controller.relay_test aux relay", "lock.rex lab")
	})
}

func TestATestOfARelayIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		for _, tt := range []struct {
			why     string
			channel int
			length  float64
			status  int
		}{
			{"a door has it", 1, 1, http.StatusConflict},
			{"it is not there", 4, 1, http.StatusNotFound},
			{"it would last too long", 5, 11, http.StatusBadRequest},
			{"it would last no time", 5, 0, http.StatusBadRequest},
		} {
			_, err := r.server.Pulse(context.Background(), tt.channel, api.Pulse{For: tt.length})
			var e *api.Error
			if !errors.As(err, &e) || e.Status != tt.status {
				t.Errorf("%s: %v", tt.why, err)
			}
		}
		r.pass(time.Second)
		r.want()
	})
}

func TestWhatInputsAndReadersDoIsCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.settle("lab-rex", true)
		r.settle("lab-rex", false)
		r.tap("front", 118, 1603)
		r.tap("front", 7, 7)
		bad, err := wiegand.ParseBits("10110")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.board.Present(r.reader("front"), bad, wiegand.Shape{}, 0); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		inputs, err := r.server.Inputs(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range inputs {
			if want := map[string]uint64{"lab-rex": 2}[in.Name]; in.Changes != want {
				t.Errorf("%s changed %d times, want %d", in.Name, in.Changes, want)
			}
		}
		readers, err := r.server.Readers(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range readers {
			var reads, bad uint64
			if x.Name == "front" {
				reads, bad = 2, 1
			}
			if x.Reads != reads || x.BadFrames != bad {
				t.Errorf("%s read %d, and %d bad, want %d and %d", x.Name, x.Reads, x.BadFrames, reads, bad)
			}
		}
	})
}
