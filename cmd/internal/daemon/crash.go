package daemon

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"doord/policy"
	"doord/policy/controller"
	"doord/relay"
)

// crash is what is left of the core after a panic, and when a new one starts.
type crash struct {
	fallback *fallback // nil: the core is well
	retry    time.Duration
	pause    time.Duration
}

// The pause before a new core starts, doubled with each crash that follows.
const (
	firstPause = time.Second
	mostPause  = time.Minute
)

// step steps the core, or the fallback while there is none.
func (d *Daemon) step(in controller.Input) []policy.Event {
	now := d.now()
	if f := d.crash.fallback; f != nil {
		if now.Up < d.crash.retry || f.releases(now.Up) != 0 {
			f.take(now.Up, in)
			return nil
		}
		d.restart(now)
	}
	return d.core.Step(now, in)
}

// crashed makes the relays safe and puts the fallback in the core's place.
func (d *Daemon) crashed(cause any) {
	d.Log.Error("the core crashed: doors are safe, the way out is served", "cause", cause, "stack", string(debug.Stack()))
	if err := relay.MakeSafe(d.wirings, d.Hardware.Relays); err != nil {
		d.Log.Error("relays may not be safe", "err", err)
	}
	d.crash.pause = min(mostPause, max(firstPause, 2*d.crash.pause))
	d.crash.retry = d.Hardware.Now() + d.crash.pause
	d.crash.fallback = newFallback(d.board, d.lines, d.core.Fire().Latched)
	d.fault(crashFault, fmt.Sprintf("send the log to the maker: %v", cause))
}

const crashFault = "the core crashed and was restarted"

// restart begins a new core from what is durable, with the policy and the inputs
// as they are.
func (d *Daemon) restart(now policy.Now) {
	set, fire := d.core.Policy(), d.crash.fallback.fire
	d.crash.fallback = nil
	state := d.remembered()
	state.Fire.Latched = state.Fire.Latched || fire
	d.core = controller.New(d.board, state)
	events := d.core.Step(now, controller.Noted{Event: policy.Event{Type: policy.ControllerFault, Detail: "core restarted"}})
	if d.crash.pause < mostPause { // a core that crashes again and again may do so by its policy
		events = append(events, d.core.Step(now, controller.SetPolicy{Set: set})...)
	}
	for _, c := range d.lines {
		if c.Status != "" {
			events = append(events, d.core.Step(now, c)...)
		}
	}
	d.record(events)
}

func (d *Daemon) outputs() controller.Outputs {
	if f := d.crash.fallback; f != nil {
		return f.releases(d.Hardware.Now())
	}
	return d.audit.hold(d.core, d.core.Outputs())
}

func (d *Daemon) wake() (time.Duration, bool) {
	if d.crash.fallback != nil {
		return d.Hardware.Now() + 50*time.Millisecond, true
	}
	return d.core.Wake()
}

// fallback releases doors by the wiring alone: while a request to exit is active
// and for its time after, and all that fail safe on fire. It has no policy, no
// state to load and nothing that could fail.
type fallback struct {
	board  controller.Board
	active []bool          // by input
	until  []time.Duration // by door
	fire   bool
}

func newFallback(b controller.Board, lines []controller.Changed, fire bool) *fallback {
	f := &fallback{board: b, active: make([]bool, len(b.Inputs)), until: make([]time.Duration, len(b.Doors)), fire: fire}
	for _, c := range lines {
		if c.Status != "" {
			f.take(0, c)
		}
	}
	return f
}

func (f *fallback) take(up time.Duration, in controller.Input) {
	c, ok := in.(controller.Changed)
	if !ok {
		return
	}
	line := f.board.Inputs[c.Line]
	released := f.active[c.Line] && !c.Active
	f.active[c.Line] = c.Active
	switch {
	case line.Kind == policy.InputFire && c.Active:
		f.fire = true
	case line.Releases && released:
		for _, i := range line.Doors {
			f.until[i] = up + line.For
		}
	}
}

// releases returns the relays to release at a time.
func (f *fallback) releases(up time.Duration) controller.Outputs {
	var o controller.Outputs
	for i, d := range f.board.Doors {
		out := up < f.until[i] || f.fire && d.FailSafe
		for l, line := range f.board.Inputs {
			out = out || line.Releases && f.active[l] && slices.Contains(line.Doors, i)
		}
		if out {
			for _, channel := range d.Relays {
				o |= 1 << (channel - 1)
			}
		}
	}
	return o
}
