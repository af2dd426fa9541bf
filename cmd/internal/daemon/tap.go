package daemon

import (
	"context"
	"crypto/rand"

	"doord/policy"
	"doord/policy/controller"
	"doord/reader/osdp"
)

// Tap asks a phone at a reader to sign a challenge and presents its answer. A
// phone that does not answer in time is no tap at all.
func (d *Daemon) Tap(ctx context.Context, reader int, wave bool, phone func(policy.Tap) policy.Assertion) error {
	t, err := d.challenge(ctx, reader)
	if err != nil {
		return err
	}
	_, err = d.tapped(ctx, reader, phone(t), wave)
	return err
}

// challenge makes what the phone at a reader is to sign.
func (d *Daemon) challenge(ctx context.Context, reader int) (policy.Tap, error) {
	t := policy.Tap{}
	_, _ = rand.Read(t.Challenge[:]) // crypto/rand does not fail: it ends the program first
	err := d.look(ctx, func(c *controller.Controller) {
		if set := c.Policy(); set != nil {
			t.Place, t.Controller = set.Place.ID, set.Controller.ID
		}
		t.Reader = c.ReaderID(reader)
		if at := c.Board().Readers[reader].Door; at >= 0 {
			t.Door = c.Door(at).Lock
		}
	})
	if err == nil {
		_, err = d.send(ctx, controller.Challenged{Reader: reader, Challenge: t.Challenge})
	}
	return t, err
}

// tapped presents a phone's answer and returns why the door stays locked, if it
// does. Which of a phone's keys signed is found by looking for both: nothing that
// the phone says tells whether it was unlocked.
func (d *Daemon) tapped(ctx context.Context, reader int, a policy.Assertion, wave bool) (policy.Reason, error) {
	key := string(a.Key[:])
	in := d.found(ctx, controller.Presented{Reader: reader, Tap: &a, Wave: wave},
		policy.Token{Class: policy.TokenUnlockedKey, Value: key}, policy.Token{Class: policy.TokenKey, Value: key})
	events, err := d.send(ctx, in)
	for _, e := range events {
		if e.Type == policy.LockUnlock {
			return e.Reason, err
		}
	}
	return policy.InternalError, err
}

// handlePhone takes what a phone at a reader did.
func (b *bus) handlePhone(ctx context.Context, e osdp.Event) {
	d, board := b.daemon, b.readers[e.Reader]
	switch x := e.Body.(type) {
	case osdp.Phone:
		t, err := d.challenge(ctx, board)
		if err != nil {
			return // the daemon ends, or its core is down: the phone is given up in time
		}
		b.loop.Do(func(core *osdp.Bus) { _ = core.Ask(e.Reader, t) }) // it may be gone, and TapFailed says so
	case osdp.Tapped:
		reason, err := d.tapped(ctx, board, x.Assertion, false)
		if err == nil {
			b.loop.Do(func(core *osdp.Bus) { _ = core.Tell(e.Reader, reason) }) // it may be gone
		}
	case osdp.TapFailed:
		d.post(ctx, controller.BadFrame{Reader: board, Fault: x.Err.Error()})
	}
}
