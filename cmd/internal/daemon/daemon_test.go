package daemon

import (
	"testing"
	"time"
)

func TestACardOpensItsDoorAndTheJournalSaysSo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.want()
		r.happened("controller.reboot", "controller.policy")
		r.tap("front", 118, 1603)
		r.want(front)
		r.happened("lock.unlock front granted reader=front member:1 by=card:1")
		r.pass(5 * time.Second)
		r.want()
		r.happened("lock.granted_not_entered front", "lock.locked front")
		r.faulty()
	})
}

func TestInputsAtRestAreNoNewsAtTheStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		if got := r.events(); len(got) != 2 {
			t.Errorf("a quiet start has %d events: %q", len(got), got)
		}
		r.settle("box", true)
		r.happened("controller.tamper box detail=opened")
	})
}
