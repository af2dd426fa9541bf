package cloudsync

import (
	"context"
	"net/http"
	"testing"
	"time"

	"doord/policy"
	"doord/policy/ledger"
	"doord/store"
)

func TestEventsGoUpAtOnceAndOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		for range 10 {
			r.happen(3)
			r.pass(time.Millisecond)
			r.uploaded()
			r.pass(time.Minute)
		}
		if n := r.service.count(PathEvents); n > 20 {
			t.Errorf("%d uploads", n)
		}
		if rep := r.client.Report(); rep.Queue != 0 {
			t.Errorf("%d events wait", rep.Queue)
		}
	})
}

func TestAnHourWithoutTheServiceLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.service.cut(true)
		for range 60 {
			r.happen(25)
			r.pass(time.Minute)
		}
		if q := r.client.Report().Queue; q < 1500 {
			t.Errorf("%d events wait", q)
		}
		r.faulty("the place service at " + address + " is not reached")
		r.service.cut(false)
		r.pass(mostPause) // the longest pause
		r.pass(time.Second)
		r.uploaded()
		r.faulty()
	})
}

// Weeks without the service: what is here serves, nobody asks too often, and all is
// caught up within seconds once the first attempt succeeds.
func TestWeeksWithoutTheService(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.happen(1)
		r.pass(time.Second)
		r.service.cut(true)
		r.pass(time.Hour)
		before := r.service.listener.count()
		r.pass(24 * time.Hour)
		// The stream every 30 s to 60 s, the others every 2.5 to 5 minutes.
		if n := r.service.listener.count() - before; n > 24*(120+4*24) || n < 24*60 {
			t.Errorf("%d attempts in a day", n)
		}
		r.pass(14 * 24 * time.Hour)
		r.happen(1200)
		for i := range 5 {
			r.service.touch(string(rune('a' + i)))
		}
		if rep := r.client.Report(); !rep.Stale || rep.Online || len(rep.Errors) == 0 {
			t.Errorf("%+v", rep)
		}
		r.service.cut(false)
		for !r.client.Report().Online {
			r.pass(100 * time.Millisecond)
		}
		r.pass(time.Second)
		r.at(6)
		r.uploaded()
		r.faulty()
		if rep := r.client.Report(); rep.Stale || len(rep.Errors) != 0 {
			t.Errorf("%+v", rep)
		}
	})
}

func TestARestoredServiceGetsAllThatItLacks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.happen(1700)
		r.pass(time.Minute)
		r.uploaded()
		s, epoch := r.service, r.journal.Head().Epoch
		s.mu.Lock()
		for n := range s.events[epoch] {
			if n > 300 {
				delete(s.events[epoch], n)
			}
		}
		s.acked[epoch] = 300
		s.mu.Unlock()
		s.cut(false) // it was restored from a backup; nothing happens at the doors
		r.pass(10 * time.Second)
		r.uploaded()
	})
}

func TestEventsThatWereGivenUpAreNotWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.end()
		r.service.cut(true)
		j, err := store.OpenJournal(r.dir, store.Options{MaxEvents: 16})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			j.Append(policy.Event{Type: policy.LockOpened, At: policy.Now{Wall: time.Now()}})
		}
		if err := j.Sync(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		r.service.cut(false)
		r.start()
		r.pass(time.Minute)
		r.uploaded()
		if n := len(r.service.events[r.journal.Head().Epoch]); n == 0 || n > 40 {
			t.Errorf("the service has %d events", n)
		}
	})
}

// What happened before the controller belonged to the place is not the place's.
func TestEventsFromBeforeTheEnrolmentStay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newStranger(t)
		r.happen(50)
		if err := r.client.Enroll(t.Context(), address, r.service.claim()); err != nil {
			t.Fatal(err)
		}
		r.happen(2)
		r.pass(time.Minute)
		r.uploaded()
		events := r.service.events[r.journal.Head().Epoch]
		for n := range events {
			if n <= 50 {
				t.Errorf("event %d is at the service", n)
			}
		}
		if len(events) != 2 {
			t.Errorf("the service has %d events", len(events))
		}
	})
}

func TestAReceiptForOtherEventsIsAFault(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.happen(3)
		r.pass(time.Second)
		r.uploaded()
		b, s := batch{records: nil}, newSession(r.client, r.client.current(nil))
		defer s.transport.CloseIdleConnections()
		var err error
		if b.records, err = r.journal.Since(0, 10); err != nil {
			t.Fatal(err)
		}
		at := b.records[1]
		good := ReceiptBody{Controller: theController, Epoch: at.Epoch, Sequence: at.Sequence, Hash: ledger.Hash(at.Hash)}
		for name, tt := range map[string]struct {
			spoil func(*ReceiptBody)
			ok    bool
		}{
			"the one for it":     {func(*ReceiptBody) {}, true},
			"another controller": {func(b *ReceiptBody) { b.Controller++ }, false},
			"another journal":    {func(b *ReceiptBody) { b.Epoch = "x" }, false},
			"another event":      {func(b *ReceiptBody) { b.Sequence++ }, false},
			"another history":    {func(b *ReceiptBody) { b.Hash[0]++ }, false},
		} {
			body := good
			tt.spoil(&body)
			signed := ledger.Sign(ledger.ForReceipt, body, r.service.key)
			if err := s.countersigned(t.Context(), &b, Ack{AckedThrough: at.Sequence, Receipt: &signed}); (err == nil) != tt.ok {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestAServiceThatKnowsOtherEventsIsAFault(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.service.mu.Lock()
		r.service.refuse[PathEvents] = &refusal{status: http.StatusConflict, code: CodeForked, text: "forked"}
		r.service.mu.Unlock()
		r.happen(1)
		r.pass(10 * time.Minute)
		r.faulty("the place service has other events of this journal")
		if n := r.service.count(PathEvents); n > 20 {
			t.Errorf("%d uploads in ten minutes", n)
		}
		r.service.mu.Lock()
		clear(r.service.refuse)
		r.service.mu.Unlock()
		r.pass(2 * mostPause)
		r.uploaded()
		r.faulty()
	})
}
