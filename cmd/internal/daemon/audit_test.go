package daemon

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"doord/cmd/internal/config"
	"doord/policy/controller"
)

func strict(_ *rig, o *Options) { o.Config.Audit = config.AuditStrict }

func TestStrictAuditOpensOnceTheGrantIsOnTheDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, strict)
		r.tap("front", 118, 1603)
		r.want(front)
		r.pass(5 * time.Second)
		r.want()
		r.tap("front", 118, 1603)
		r.want(front)
		r.faulty()
	})
}

func TestStrictAuditKeepsCardsOutWhileTheDiskFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, strict, func(r *rig, _ *Options) { _ = r.journal.Close() })
		r.tap("front", 118, 1603)
		r.want()
		r.settle("front-rex", true)
		r.want(front)
		r.settle("front-rex", false)
		r.pass(time.Minute)
		r.command("lab", "hold_released", time.Minute)
		r.want(lab) // a technician's hold is no grant
		r.faulty(auditFault)
	})
}

// slowDisk stands for the disk of a strict journal: a sync takes as long as the
// test wants.
type slowDisk struct {
	began chan struct{}
	done  chan error
}

func newStrictRig(t *testing.T) (*rig, *slowDisk) {
	t.Helper()
	disk := &slowDisk{began: make(chan struct{}, 10), done: make(chan error)}
	r := newRig(t, strict)
	r.look(func() {
		r.daemon.audit.sync = func(context.Context) error {
			disk.began <- struct{}{}
			return <-disk.done
		}
	})
	return r, disk
}

// look runs f in the loop.
func (r *rig) look(f func()) {
	r.Helper()
	done := make(chan struct{})
	r.daemon.work <- message{query: func(*controller.Controller) { f(); close(done) }}
	<-done
}

func TestStrictAuditKeepsADoorLockedUntilItsGrantIsOnTheDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, disk := newStrictRig(t)
		r.tap("front", 118, 1603)
		<-disk.began
		r.pass(time.Second)
		r.want()
		r.settle("lab-rex", true) // the way out does not wait
		r.want(lab)
		r.settle("fire", true)
		r.want(lab, shed)
		disk.done <- nil
		synctest.Wait()
		r.want(front, lab, shed)
		r.pass(5 * time.Second)
		r.want(lab, shed)
	})
}

func TestAGrantDuringASyncWaitsForTheNext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, disk := newStrictRig(t)
		r.tap("front", 118, 1603)
		<-disk.began
		r.tap("store", 118, 1603)
		disk.done <- nil
		synctest.Wait()
		if r.board.Released(shed) {
			t.Error("the shed's grant was handed in after the sync began")
		}
		<-disk.began
		disk.done <- nil
		synctest.Wait()
		r.want(front, shed)
	})
}

func TestStrictAuditKeepsDoorsLockedWhileTheDiskFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, disk := newStrictRig(t)
		r.tap("front", 118, 1603)
		disk.done <- errors.New("no space left on device")
		synctest.Wait()
		r.pass(time.Second)
		r.want()
		r.faulty(auditFault)
		r.settle("front-rex", true)
		r.want(front)
		r.settle("front-rex", false)
		r.pass(10 * time.Second)
		r.want()
		r.tap("front", 118, 1603) // the disk is well again
		disk.done <- nil
		synctest.Wait()
		r.want(front)
		r.faulty()
	})
}

func TestStrictAuditOfATechnician(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, disk := newStrictRig(t)
		r.command("front", "unlock", 0)
		r.want()
		disk.done <- nil
		synctest.Wait()
		r.want(front)
		r.command("store", "hold_released", time.Minute) // a hold is no grant
		r.want(front, shed)
	})
}
