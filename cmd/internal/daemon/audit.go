package daemon

import (
	"context"
	"slices"

	"doord/cmd/internal/config"
	"doord/policy"
	"doord/policy/controller"
	"doord/policy/door"
)

// audit holds a granted door back until its event is on the disk, where the
// configuration wants that. A request to exit, fire, a hold and a schedule never
// wait: only a release whose one cause is a grant does.
type audit struct {
	waiting []bool // by door: its grant is not on the disk yet
	permits bool   // nor is a permit of elevator stops
	fresh   bool   // grants came since the last sync began
	busy    bool   // a sync is under way
	sync    func(context.Context) error
}

// mark notes new grants, before the relays move.
func (a *audit) mark(d *Daemon, events []policy.Event) {
	if d.Config.Audit != config.AuditStrict {
		return
	}
	for _, e := range events {
		i := slices.IndexFunc(d.board.Doors, func(b controller.Door) bool { return b.Name == e.Object.Name })
		if e.Type == policy.LockUnlock && e.Success && i >= 0 {
			if a.waiting == nil {
				a.waiting = make([]bool, len(d.board.Doors))
			}
			a.waiting[i], a.fresh = true, true
		}
		if e.Type == policy.ElevatorPermit && e.Success {
			a.permits, a.fresh = true, true
		}
	}
}

// begin waits for the disk on behalf of the grants that were marked.
func (a *audit) begin(d *Daemon) {
	switch {
	case !a.fresh || a.busy:
	case d.Journal == nil:
		d.fault(auditFault, "the journal cannot be opened: mend the disk and restart doord")
	default:
		a.fresh, a.busy = false, true
		go func() { d.synced <- a.sync(context.Background()) }()
	}
}

// lost takes that the journal has no room for what just happened: the grants in
// it stay unrecorded, and so their doors locked.
func (a *audit) lost(d *Daemon) {
	if a.fresh {
		a.fresh = false
		d.fault(auditFault, "the journal has no room in memory: mend the disk of "+d.Config.StateDir)
	}
}

// audited takes the journal's answer. If the disk failed the doors stay locked:
// that is what strict means.
func (d *Daemon) audited(err error) {
	a := &d.audit
	a.busy = false
	switch {
	case err != nil:
		d.fault(auditFault, "the journal cannot be written: "+err.Error())
	case !a.fresh:
		clear(a.waiting)
		a.permits = false
		d.fault(auditFault, "")
	}
	a.begin(d)
}

const auditFault = "strict audit keeps doors locked to cards"

// hold takes back the releases that still wait for the disk.
func (a *audit) hold(c *controller.Controller, o controller.Outputs) controller.Outputs {
	for i := range a.waiting {
		if a.holds(c, i) {
			for _, channel := range c.Board().Doors[i].Relays {
				o &^= 1 << (channel - 1)
			}
		}
	}
	if a.permits && !c.Fire().Latched {
		for _, s := range c.Stops() {
			if s.Wired && !s.Scheduled {
				o &^= 1 << (s.Relay.Channel - 1)
			}
		}
	}
	return o
}

// holds reports whether the release of door i still waits for the disk.
func (a *audit) holds(c *controller.Controller, i int) bool {
	return i < len(a.waiting) && a.waiting[i] && c.Door(i).Cause == door.ByGrant.String()
}
