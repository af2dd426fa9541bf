package daemon

import (
	"testing"
	"time"

	"doord/relay"
	"doord/store"
)

func TestFireStaysLatchedOverARestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.settle("fire", true)
		r.want(lab, shed)
		r.settle("fire", false)
		r.want(lab, shed)
		r.restart()
		r.want(lab, shed)
		if _, err := r.server.ResetFire(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.pass(0)
		r.want()
	})
}

func TestALockdownByATechnicianOutlivesARestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.command("front", "lock_down", 0)
		r.restart()
		r.tap("front", 118, 1603)
		r.want()
		r.happened("lock.unlock front denied reason=door_locked_down")
		r.settle("front-rex", true)
		r.want(front)
	})
}

func TestReleasesEndWithTheDaemon(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.command("front", "hold_released", time.Hour)
		r.command("lab", "hold_released", time.Hour)
		r.want(front, lab)
		r.restart()
		r.want()
	})
}

// A daemon that ends leaves no lock with power: the fail-safe ones let people out,
// the fail-secure one is locked.
func TestTheEndLeavesTheRelaysSafeAndTheJournalWhole(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.tap("front", 118, 1603)
		r.want(front)
		board, mark := r.board, r.mark
		r.stop()
		for channel, released := range map[int]bool{1: false, 2: true, 3: true} {
			if got := board.Released(relay.Channel(channel)); got != released {
				t.Errorf("relay %d after the end is released: %t", channel, got)
			}
		}
		j, err := store.OpenJournal(r.dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		if list, err := j.Since(mark, 100); err != nil || len(list) == 0 {
			t.Errorf("the card is not in the journal: %d events, %v", len(list), err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestACoreThatCrashedIsReplacedAndServesCardsAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.crash()
		r.tap("front", 118, 1603)
		r.want() // nobody is let in while there is no core
		r.settle("lab-rex", true)
		r.want(lab)
		r.settle("lab-rex", false)
		r.pass(time.Minute)
		r.tap("front", 118, 1603)
		r.want(front)
		r.faulty(crashFault)
		r.happened("controller.fault detail=core_restarted", "lock.unlock front granted")
	})
}

func TestALockdownOutlivesACrashOfTheCore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.command("front", "lock_down", 0)
		r.records() // it is on the disk
		r.crash()
		r.pass(time.Minute)
		r.tap("front", 118, 1603)
		r.want()
	})
}
