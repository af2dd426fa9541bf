package daemon

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"doord/cmd/internal/api"
	"doord/policy/controller"
	"doord/sim"
)

// recovered lets the pause after a first crash pass.
func (r *rig) recovered() {
	r.Helper()
	r.pass(firstPause + fallbackRest)
	r.faulty(crashFault)
}

func TestAfterACrashTheCoreServesAsBefore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.command("front", "lock_down", 0)
		r.tap("store", 118, 1603)
		r.want(shed)
		r.crash()
		r.want() // the grant ends with the core that knew it
		r.tap("store", 118, 1603)
		r.want()
		r.recovered()
		r.events()
		r.tap("front", 118, 1603)
		r.happened("lock.unlock front denied reason=door_locked_down")
		r.tap("store", 118, 1603)
		r.happened("lock.unlock store granted")
		r.want(shed)
	})
}

func TestALockdownOutlivesTheCoreAlsoWithoutAJournal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(r *rig, _ *Options) { r.files.Journal = nil })
		r.command("front", "lock_down", 0)
		r.crash()
		r.recovered()
		r.tap("front", 118, 1603)
		r.want()
		r.command("front", "cancel_lockdown", 0)
		r.tap("front", 118, 1603)
		r.want(front)
	})
}

func TestACrashCutsNoRequestToExitShort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.settle("lab-rex", true)
		r.settle("lab-rex", false)
		r.pass(20 * time.Second)
		r.want(lab)
		r.crash()
		r.want(lab)
		r.pass(9800 * time.Millisecond)
		r.want(lab)
		r.pass(200 * time.Millisecond)
		r.want()

		r.settle("lab-rex", true)
		r.crash()
		r.pass(time.Minute)
		r.want(lab) // also the new core sees the button
		r.settle("lab-rex", false)
		r.pass(29 * time.Second)
		r.want(lab)
		r.pass(time.Second)
		r.want()
	})
}

func TestTheInputThatCrashesTheCoreIsServed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		labREX := -1
		for i, in := range r.config.Input {
			if in.Name == "lab-rex" {
				labREX = i
			}
		}
		press := func(active bool) {
			r.daemon.core = nil // every step panics from here on
			r.daemon.egress <- controller.Changed{Line: labREX, Active: active, Status: controller.InputClosed}
			synctest.Wait()
		}
		press(true)
		r.want(lab)
		press(false)
		r.want(lab)
		r.pass(29 * time.Second)
		r.want(lab)
		r.pass(2 * time.Second)
		r.want()
	})
}

func TestAFireDuringACrashIsLatchedAndRecorded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.events()
		r.crash()
		r.settle("fire", true)
		r.settle("fire", false)
		r.want(lab, shed)
		r.recovered()
		r.want(lab, shed)
		r.happened("controller.fault detail=core_restarted", "controller.fire")
		result, err := r.server.ResetFire(context.Background())
		if err != nil || !result.Granted {
			t.Fatalf("the fire cannot be reset: %+v, %v", result, err)
		}
		synctest.Wait()
		r.want()
		r.restart()
		r.want()
	})
}

func TestACommandDuringACrashIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.crash()
		_, err := r.server.Command(context.Background(), "front", api.Command{Action: "unlock"})
		if !errors.Is(err, errCrashed) {
			t.Errorf("an unlock by no core: %v", err)
		}
		if _, err := r.server.ResetFire(context.Background()); !errors.Is(err, errCrashed) {
			t.Errorf("a reset by no core: %v", err)
		}
		if _, err := r.server.Doors(context.Background()); err != nil {
			t.Errorf("doors cannot be listed: %v", err)
		}
		r.faulty(crashFault)
		r.want()
	})
}

func TestAPolicyThatComesDuringACrashIsInForceAfterIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.crash()
		records := place(t)
		records.Credentials = records.Credentials[1:]
		loaded, err := r.daemon.LoadPolicy(context.Background(), records)
		if err != nil || loaded.Revision != 2 || len(loaded.Warnings) != 1 {
			t.Fatalf("loaded %+v, %v", loaded, err)
		}
		r.recovered()
		r.events()
		r.tap("front", 118, 1603)
		r.happened("lock.unlock front denied reason=card_not_found")
		r.tap("front", 118, 1604)
		r.happened("lock.unlock front granted")
	})
}

func TestACoreThatCrashesByItsPolicyGoesOnWithout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		for range 8 {
			r.pass(mostPause + time.Second)
			r.crash()
		}
		r.pass(mostPause + time.Second)
		st, err := r.server.Status(context.Background())
		if err != nil || st.Policy.Revision != 0 {
			t.Errorf("revision %d in force, %v", st.Policy.Revision, err)
		}
		r.settle("lab-rex", true)
		r.want(lab)
	})
}

func TestACrashLongAgoDoesNotCount(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		for range 10 {
			r.crash()
			r.pass(mostPause + wellAfter)
			r.want()
		}
		r.tap("front", 118, 1603)
		r.want(front)
	})
}

// While there is no core nobody decides about stops; fire gives the elevator back.
func TestTheFallbackLeavesAnElevatorToItselfOnFire(t *testing.T) {
	f := newFallback(sim.Tower())
	if f.releases(0) != 0 {
		t.Errorf("stops are permitted by nobody: %b", f.releases(0))
	}
	f.take(0, controller.Changed{Line: 2, Active: true})
	if o := f.releases(0); o != 0b11110 {
		t.Errorf("on fire: %b", o)
	}
}
