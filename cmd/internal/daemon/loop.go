package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"doord/policy"
	"doord/policy/controller"
	"doord/relay"
)

// idle is the longest that the loop sleeps: relays are looked at and the
// watchdog is fed at least as often.
const idle = time.Second

// loop owns the core. What lets people out goes first.
func (d *Daemon) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var m message
		select {
		case m.in = <-d.egress:
		default:
			select {
			case m.in = <-d.egress:
			case m = <-d.work:
			case err := <-d.synced:
				d.audited(err)
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		}
		timer.Reset(d.round(m))
		if d.Beat != nil {
			d.Beat()
		}
	}
}

// rest returns how long the loop may sleep.
func (d *Daemon) rest() time.Duration {
	if d.crash.down {
		return fallbackRest
	}
	at := d.Hardware.Now() + idle
	if wake, ok := d.core.Wake(); ok {
		at = min(at, wake)
	}
	if _, off := d.pulsed(); off != 0 {
		at = min(at, off)
	}
	return max(0, at-d.Hardware.Now())
}

// now reads both clocks.
func (d *Daemon) now() policy.Now {
	return policy.Now{Up: d.Hardware.Now(), Wall: time.Now().Round(0), WallSet: d.WallSet()}
}

// round is one turn of the loop: step, act, record, answer. It returns how long
// the loop may then sleep. A panic of the core ends in the fallback, which has
// taken the same input.
func (d *Daemon) round(m message) (rest time.Duration) {
	var a answer
	var before controller.Status // of the input that changed
	if !m.mine() || m.late(d.Hardware.Now()) {
		m, a.err = message{reply: m.reply}, errTooLate
	}
	defer func() {
		if r := recover(); r != nil {
			d.crashed(r)
			d.act()
			a.events, rest = nil, d.rest()
		}
		if d.crash.down && m.in != nil {
			a.err = errCrashed
		}
		if m.reply != nil {
			m.reply <- a
		}
	}()
	if m.first != nil {
		m.first()
	}
	switch in := m.in.(type) {
	case controller.Changed:
		before = d.lines[in.Line].Status
		d.lines[in.Line] = in
		d.fallback.take(d.Hardware.Now(), in)
	case controller.WirelessReported:
		d.heard[in.Door] = in
	case controller.SetPolicy:
		d.set = in.Set
	}
	a.events = d.step(m.in)
	d.audit.mark(d, a.events)
	mismatches := d.act()
	if in, ok := m.in.(controller.Changed); ok {
		d.wireFault(before, in)
	}
	d.record(a.events)
	d.count(m.in)
	for _, m := range mismatches {
		d.mismatch(m)
	}
	if !d.crash.down && (m.in != nil || len(a.events) > 0) { // before the first core there is no client
		d.cloud.Changed()
	}
	if m.query != nil {
		m.query(d.core)
	}
	return d.rest()
}

// act brings relays and readers to what the core wants. It returns the relays that
// ceased to follow, or follow again.
func (d *Daemon) act() []relay.Mismatch {
	tested, _ := d.pulsed()
	wanted := d.outputs() | tested
	if d.egressDown.Load() || d.opening {
		// Nothing serves the way out, or nobody knows whether there was fire: no power
		// for these.
		wanted |= d.failSafe
	}
	wanted |= d.unmeasured()
	mismatches, err := d.driver.Apply(relay.Outputs(wanted))
	switch {
	case err != nil:
		d.fault(relaysFault, "check the relay board: "+err.Error())
	case d.unset:
		d.fault(relaysFault, "")
	}
	d.unset = err != nil
	for _, m := range mismatches {
		d.broken[m.Channel] = m.Got != m.Wanted
		hint := ""
		if d.broken[m.Channel] {
			hint = "check the relay and its line"
		}
		d.fault(m.Channel.String()+" does not follow", hint)
	}
	d.actWireless()
	if d.crash.down {
		return mismatches
	}
	for i := range d.shown {
		if s := (shown{d.core.Feedback(i), d.core.Buzzer(i)}); s != d.shown[i] {
			d.shown[i] = s
			d.show(i, s)
		}
	}
	return mismatches
}

const relaysFault = "relays cannot be set or read"

// mismatch makes an event of a relay that does not follow, or follows again.
func (d *Daemon) mismatch(m relay.Mismatch) {
	ok := m.Got == m.Wanted
	detail := "follows again"
	if !ok {
		detail = fmt.Sprintf("wanted %t, is %t", m.Wanted, m.Got)
	}
	d.record(d.step(controller.Noted{Event: policy.Event{Type: policy.RelayMismatch, Success: ok, Detail: detail,
		Object: policy.Ref{Type: "controller_relay", ID: int64(m.Channel), Name: m.Channel.String()}}}))
}

// record hands what happened to the journal, and what must survive a restart.
func (d *Daemon) record(events []policy.Event) {
	if len(events) == 0 {
		return
	}
	defer d.audit.begin(d)
	if d.Journal != nil && d.Journal.Append(events...) > 0 {
		d.audit.lost(d)
	}
	if state, err := json.Marshal(d.core.State().Durable()); err == nil && !bytes.Equal(state, d.durable) {
		d.durable = state
		if d.Journal != nil {
			d.Journal.SaveState(state)
		}
	}
}

// show lets a reader show something: by lines of the board, or over its bus.
func (d *Daemon) show(i int, s shown) {
	r := &d.Config.Readers[i]
	if !r.OSDP() {
		d.Hardware.Show(i, s.feedback, s.sound)
		return
	}
	for _, b := range d.buses {
		if b.config.Name == r.Bus {
			b.want(i, s)
		}
	}
}
