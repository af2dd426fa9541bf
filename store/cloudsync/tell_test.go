package cloudsync

import (
	"testing"
	"time"

	"doord/policy/ledger"
)

func TestAStatusIsToldWhenItChangesAndEachMinute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		told := func() int {
			r.service.mu.Lock()
			defer r.service.mu.Unlock()
			return len(r.service.statuses)
		}
		r.pass(time.Minute)
		n := told()
		r.pass(10 * time.Minute)
		if got := told() - n; got != 10 {
			t.Errorf("%d statuses in ten quiet minutes", got)
		}
		r.pass(10 * time.Second)
		n = told()
		r.daemon.set(func() { r.daemon.open = true })
		r.pass(10 * time.Millisecond)
		if got := told() - n; got != 1 || !*r.service.statuses[n].Doors[0].Open {
			t.Errorf("%d statuses after a change", got)
		}
		n = told()
		for i := range 1000 { // a contact that chatters
			r.daemon.set(func() { r.daemon.open = i/13%2 == 0 })
			r.pass(10 * time.Millisecond)
		}
		if got := told() - n; got < 20 || got > 51 {
			t.Errorf("%d statuses in ten seconds of changes", got)
		}
		r.happen(1)
		r.pass(2 * time.Minute)
		last := r.service.statuses[told()-1]
		if last.Policy != r.cache.Position().String() || last.Epoch != r.journal.Head().Epoch || last.LastPolicy.IsZero() || last.Queue != 0 {
			t.Errorf("%+v", last)
		}
	})
}

// The device signs where its chain of events is: one that was computed anew shows.
func TestAStatusIsSignedForTheJournal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.happen(3)
		r.pass(2 * time.Minute)
		s := r.service
		last := s.statuses[len(s.statuses)-1]
		var body ReceiptBody
		key := r.client.current(nil).device.key
		if err := last.Head.Open(ledger.ForReceipt, public(key), &body); err != nil {
			t.Fatal(err)
		}
		head := r.journal.Head()
		if body.Controller != theController || body.Epoch != head.Epoch || body.Sequence != head.Sequence || body.Hash != ledger.Hash(head.Hash) {
			t.Errorf("%+v, want %+v", body, head)
		}
	})
}

func TestARefusedPolicyIsInTheStatus(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		s := r.service
		s.mu.Lock()
		s.key = newKey(t)
		s.mu.Unlock()
		s.touch("signed by nobody")
		r.pass(10 * time.Second)
		if last := s.statuses[len(s.statuses)-1]; last.PolicyError == "" || len(last.Faults) != 1 {
			t.Errorf("%+v", last)
		}
	})
}
