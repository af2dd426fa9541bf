package daemon

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"doord/cmd/internal/api"
	"doord/policy"
)

// betweenCards is the pause that a reader needs between two frames.
const betweenCards = 50 * time.Millisecond

func TestARevokedCardNeverEntersOnAnOldRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.tap("front", 118, 1603)
		r.want(front)
		revoked := copyOf(t, place(t))
		for i := range revoked.Credentials {
			revoked.Credentials[i].Status = policy.Deactivated
		}
		r.pass(betweenCards)
		r.command("front", "lock_down", 0) // ends the grant
		r.command("front", "cancel_lockdown", 0)
		loaded, err := r.server.LoadPolicy(t.Context(), revoked)
		if err != nil || loaded.Revision != 2 {
			t.Fatalf("%+v, %v", loaded, err)
		}
		r.tap("front", 118, 1603)
		r.want()
		r.happened("controller.policy", "lock.unlock front denied reason=card_not_activated")
	})
}

func TestCardsWhileThePolicyIsReplacedAreDecidedByOnePolicy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		records := place(t)
		done := make(chan error)
		go func() {
			for range 20 {
				if _, err := r.server.LoadPolicy(context.Background(), records); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		for range 20 {
			r.tap("front", 118, 1603)
			r.pass(betweenCards)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		granted := 0
		for _, e := range r.records() {
			if e.Type == policy.LockUnlock && e.Success {
				granted++
			}
		}
		if granted != 20 {
			t.Errorf("%d of 20 cards were let in, though every policy does", granted)
		}
	})
}

func TestAPolicyThatCannotBeUsedLeavesTheOldOneInForce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		for what, tt := range map[string]struct {
			spoil func(*policy.Records)
			path  string
		}{
			"a format that no reader has": {func(p *policy.Records) { p.Credentials[0].Format = "H10399" }, "credentials[0].format"},
			"a zone that is none":         {func(p *policy.Records) { p.Place.TimeZone = "Europe/Nowhere" }, "place.time_zone"},
		} {
			records := copyOf(t, place(t))
			tt.spoil(records)
			_, err := r.server.LoadPolicy(t.Context(), records)
			e, ok := err.(*api.Error) //nolint:errorlint // the handler gives the error itself
			if !ok || e.Status != http.StatusUnprocessableEntity || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("%s: %v", what, err)
			}
		}
		r.tap("front", 118, 1603)
		r.want(front)
	})
}
