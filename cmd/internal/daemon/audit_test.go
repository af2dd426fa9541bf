package daemon

import (
	"testing"
	"time"

	"doord/cmd/internal/config"
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
