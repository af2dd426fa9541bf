package daemon

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"doord/cmd/internal/config"
	"doord/policy"
	"doord/policy/controller"
	"doord/reader"
	"doord/reader/wiegand"
	"doord/rex"
)

// A driver that ends is started again after a pause.
const restartPause = 200 * time.Millisecond

// lookAgain is how often a look-up is done again when the policy changed under it.
const lookAgain = 2

// runEgress serves REX and fire inputs until the context ends. While it cannot,
// fail-safe doors are without power.
func (d *Daemon) runEgress(ctx context.Context) {
	bank := d.Config.Egress()
	if len(bank.Inputs) == 0 {
		return
	}
	d.supervise(ctx, "egress inputs", func() error {
		defer d.egressDown.Store(true)
		return rex.Run(d.Hardware.Egress, d.Hardware.Now, bank.Inputs, func(c rex.Change) {
			d.egressDown.Store(false) // each input tells its state when it is read again
			select {
			case d.egress <- changed(bank, c):
			case <-ctx.Done():
			}
		})
	})
}

// runOthers serves all other inputs until the context ends.
func (d *Daemon) runOthers(ctx context.Context) {
	bank := d.Config.Others()
	if len(bank.Inputs) == 0 {
		return
	}
	d.supervise(ctx, "inputs", func() error {
		return rex.Run(d.Hardware.Others, d.Hardware.Now, bank.Inputs, func(c rex.Change) {
			d.post(ctx, changed(bank, c))
		})
	})
}

func changed(bank config.Bank, c rex.Change) controller.Changed {
	return controller.Changed{Line: bank.Index[c.Input], Status: controller.Status(c.State.String()), Active: c.Active, Flood: c.Flood, Initial: c.Initial}
}

// post gives the loop an input and does not wait for what comes of it.
func (d *Daemon) post(ctx context.Context, in controller.Input) {
	select {
	case d.work <- message{in: in}:
	case <-ctx.Done():
	}
}

// supervise runs a driver again and again: a line that failed may come back.
func (d *Daemon) supervise(ctx context.Context, name string, run func() error) {
	what := name + " cannot be read"
	for ctx.Err() == nil {
		well := time.AfterFunc(10*restartPause, func() { d.fault(what, "") })
		err := d.guard(name, run)
		well.Stop()
		if ctx.Err() != nil {
			return
		}
		d.fault(what, fmt.Sprintf("check the board's GPIO lines: %v", err))
		d.post(ctx, nil) // the loop looks at the outputs again
		select {
		case <-time.After(restartPause):
		case <-ctx.Done():
		}
	}
}

// guard makes an error of a driver's panic: it takes nothing else with it.
func (d *Daemon) guard(name string, run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			d.say("the driver of "+name+" crashed", "cause", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("a fault in the program, send the log to the maker: %v", r)
		}
	}()
	return run()
}

// runReader serves a Wiegand reader until the context ends.
func (d *Daemon) runReader(ctx context.Context, i int) {
	var entry reader.Entry
	d.supervise(ctx, "reader "+d.board.Readers[i].Name, func() error {
		port, err := wiegand.NewPort(d.Config.Wiegand()[i])
		if err != nil {
			return err
		}
		return wiegand.Run(d.Hardware.Wiegand[i], d.Hardware.Now, port, func(r reader.Read) {
			d.read(ctx, i, &entry, r)
		})
	})
}

// read makes of what a reader delivered what the core wants to know.
func (d *Daemon) read(ctx context.Context, i int, entry *reader.Entry, r reader.Read) {
	switch r.Kind {
	case reader.Key:
		if pin, done := entry.Key(r.At, r.Digit); done {
			d.present(ctx, i, pin, "")
		}
	case reader.Card, reader.PIN:
		d.present(ctx, i, r.Token, r.Bits)
	case reader.Bad:
		d.post(ctx, controller.BadFrame{Reader: i, Fault: string(r.Fault), Bits: r.Bits})
	}
}

// present looks a token up and gives the core what was found. If the policy is
// replaced in that moment it looks again, so that a record of an old policy never
// opens a door under a new one; the core checks the same.
func (d *Daemon) present(ctx context.Context, i int, token policy.Token, bits string) {
	d.post(ctx, d.found(ctx, controller.Presented{Reader: i, Bits: bits}, token))
}

// found fills in who holds the first of the tokens that anybody holds.
func (d *Daemon) found(ctx context.Context, in controller.Presented, tokens ...policy.Token) controller.Presented {
	in.Holder, in.Found = d.find(ctx, func() (h *policy.Holder, revision uint64) {
		for _, token := range tokens {
			in.Class = token.Class
			if h, revision = d.lookUp(token); h != nil {
				break
			}
		}
		return h, revision
	})
	return in
}

// find looks somebody up. If the policy is replaced in that moment it looks again.
func (d *Daemon) find(ctx context.Context, look func() (*policy.Holder, uint64)) (*policy.Holder, uint64) {
	for again := 0; ; again++ {
		renewed, revision := d.inForce()
		holder, found := look()
		if found == revision || again == lookAgain {
			return holder, found
		}
		select {
		case <-renewed:
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// lookUp finds who holds a token. A cache that cannot be read knows nobody.
func (d *Daemon) lookUp(token policy.Token) (*policy.Holder, uint64) {
	if d.Policy == nil {
		return nil, 0
	}
	h := new(policy.Holder)
	revision, found, err := d.Policy.Lookup(token, h)
	if err != nil {
		d.fault(fmt.Sprintf("policy: %v", err), "load the policy again: doorctl policy load FILE")
	}
	if err != nil || !found {
		return nil, revision
	}
	return h, revision
}
