package daemon

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doord/cmd/internal/api"
	"doord/policy"
	"doord/policy/controller"
)

// without returns the place without Ada's card.
func without(t testing.TB) *policy.Records {
	t.Helper()
	r := place(t)
	r.Credentials = slices.Clone(r.Credentials[1:])
	return r
}

func (r *rig) load(records *policy.Records) api.Loaded {
	r.Helper()
	loaded, err := r.daemon.LoadPolicy(context.Background(), records)
	if err != nil {
		r.Fatal(err)
	}
	return loaded
}

// A card is on its way at every moment of a load. It is decided by the records of
// one policy, and never by a record of the old one under the new.
func TestNoOldRecordOpensADoorUnderANewPolicy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		with, without := place(t), without(t)
		ada := policy.Token{Class: policy.TokenNumber, Format: "H10301", Facility: 118, Number: 1603}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for reader := range 3 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						r.daemon.present(context.Background(), reader, ada, "")
					}
				}
			})
		}
		const loads = 20
		for i := range loads {
			records := with
			if i%2 == 0 {
				records = without
			}
			if got := r.load(records).Revision; got != uint64(i)+2 {
				t.Fatalf("load %d is revision %d", i, got)
			}
		}
		close(stop)
		wg.Wait()
		synctest.Wait()
		granted := 0
		for _, e := range r.records() {
			if e.Type != policy.LockUnlock {
				continue
			}
			has := e.Revision%2 == 1 // the odd revisions have the card
			switch {
			case e.Success && !has:
				t.Errorf("event %d: granted under revision %d, which has no such card", e.Sequence, e.Revision)
			case e.Reason == policy.CardNotFound && has:
				t.Errorf("event %d: not found under revision %d, which has the card", e.Sequence, e.Revision)
			case e.Success:
				granted++
			}
		}
		if granted == 0 {
			t.Error("nothing was granted at all")
		}
	})
}

func TestALoadEndsAlsoWhenItsCallerLeaves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		busy, free := make(chan struct{}), make(chan struct{})
		r.daemon.work <- message{query: func(*controller.Controller) { close(busy); <-free }}
		<-busy
		ctx, leave := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() {
			_, err := r.daemon.LoadPolicy(ctx, without(t))
			ended <- err
		}()
		synctest.Wait() // the records are in the cache, the loop does not know yet
		leave()
		close(free)
		<-ended
		r.events()
		r.tap("front", 118, 1604)
		r.happened("lock.unlock front granted")
		r.tap("store", 118, 1603)
		r.happened("lock.unlock store denied reason=card_not_found")
	})
}

func TestAPolicyThatDoesNotFitTheBoardWarns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		records := place(t)
		records.Controllers[0].DeviceID = "ffffffffffffffff"
		want := "no controller has device_id 00d00d00d00d0001: no door is served"
		if got := r.load(records).Warnings; len(got) != 1 || got[0] != want {
			t.Errorf("warnings %q, not %q", got, want)
		}
		records = place(t)
		records.InputConnections[0].Channel = 9
		want = "door front is misconfigured: input 9 is not wired"
		if got := r.load(records).Warnings; len(got) != 1 || got[0] != want {
			t.Errorf("warnings %q, not %q", got, want)
		}
		r.tap("front", 118, 1603)
		r.want()
		r.settle("front-rex", true)
		r.want(front)
	})
}

func TestWithoutACacheALoadSaysWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(r *rig, _ *Options) { r.files.Policy = nil })
		_, err := r.daemon.LoadPolicy(context.Background(), place(t))
		var e *api.Error
		if !errors.As(err, &e) || e.Status != 503 || e.Hint == "" {
			t.Errorf("got %v", err)
		}
	})
}

func TestThePINOfOneWaitsNotForTheCardOfAnother(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		if _, err := r.board.Type(r.reader("lab"), "2468#"); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		r.want(lab)
		r.happened("lock.unlock lab granted reader=lab member:2 by=pin:4")
	})
}
