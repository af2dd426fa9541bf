package daemon

import (
	"cmp"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"doord/cmd/internal/api"
	"doord/policy"
	"doord/policy/controller"
	"doord/relay"
)

// crash is what is left of the core after a panic, and when a new one starts.
type crash struct {
	down  bool // the fallback serves, as it does before there is a core
	retry time.Duration
	pause time.Duration
}

const (
	// The pause before a new core starts, doubled with each crash that follows.
	firstPause = time.Second
	mostPause  = time.Minute
	// wellAfter is how long a core must run for its crash to be the first again.
	wellAfter = 10 * time.Minute
	// fallbackRest is how often the fallback looks at its times.
	fallbackRest = 50 * time.Millisecond
)

const crashFault = "the core crashed and was restarted"

// errCrashed is the answer to a command while there is no core.
var errCrashed = &api.Error{Status: http.StatusServiceUnavailable, Text: "the core has crashed and starts anew",
	Hint: "nothing was done: try again in a minute; requests to exit and fire are served meanwhile"}

// step steps the core, unless there is none: then the fallback serves, which has
// seen the input.
func (d *Daemon) step(in controller.Input) []policy.Event {
	now := d.now()
	if d.crash.down {
		if d.opening || now.Up < d.crash.retry {
			return nil
		}
		d.restart(now)
		switch in.(type) {
		case controller.Changed, controller.WirelessReported, controller.SetPolicy:
			in = nil // the new core knows it
		}
	}
	events := d.core.Step(now, in)
	d.fallback.fire = d.core.Fire().Latched
	return events
}

// crashed makes the relays safe and lets the fallback serve. What a person asks
// meanwhile is answered by a core that does nothing.
func (d *Daemon) crashed(cause any) {
	d.say("the core crashed: doors are safe, the way out is served", "cause", cause, "stack", string(debug.Stack()))
	if err := relay.MakeSafe(d.wirings, d.Hardware.Relays); err != nil {
		d.say("relays may not be safe", "err", err)
	}
	now := d.Hardware.Now()
	if now > d.crash.retry+wellAfter {
		d.crash.pause = 0
	}
	d.crash.pause = min(mostPause, max(firstPause, 2*d.crash.pause))
	d.crash.down, d.crash.retry = true, now+d.crash.pause
	d.core = controller.New(d.board, controller.State{Fire: controller.Fire{Latched: d.fallback.fire}})
	d.fault(crashFault, fmt.Sprintf("send the log to the maker: %v", cause))
}

// restart begins a core from what is durable, with the policy and the inputs as
// they are, and with the requests to exit whose time still runs.
func (d *Daemon) restart(now policy.Now) {
	d.crash.down = false
	state := d.remembered()
	var noted []policy.Event
	if d.crash.pause == 0 {
		close(d.up) // it is the first
	} else {
		noted = append(noted, policy.Event{Type: policy.ControllerFault, Detail: "core restarted"})
	}
	if d.fallback.fire && !state.Fire.Latched {
		state.Fire.Latched = true
		noted = append(noted, policy.Event{Type: policy.ControllerFire, Success: true, Detail: "while the core was down"})
	}
	d.core = controller.New(d.board, state)
	var events []policy.Event
	for _, r := range d.fallback.requests(now.Up) {
		then := policy.Now{Up: r.at, Wall: now.Wall.Add(r.at - now.Up), WallSet: now.WallSet}
		press := d.lines[r.line]
		press.Active = true
		events = append(events, d.core.Step(then, press)...)
		events = append(events, d.core.Step(then, d.lines[r.line])...)
	}
	for _, e := range noted {
		events = append(events, d.core.Step(now, controller.Noted{Event: e})...)
	}
	if d.set != nil && d.crash.pause < mostPause { // a core that crashes again and again may do so by its policy
		events = append(events, d.core.Step(now, controller.SetPolicy{Set: d.set})...)
	}
	for _, c := range d.lines {
		if c.Status != "" {
			events = append(events, d.core.Step(now, c)...)
		}
	}
	for _, r := range d.heard {
		if r.Online || r.Why != "" {
			events = append(events, d.core.Step(now, r)...)
		}
	}
	d.record(events)
}

func (d *Daemon) outputs() controller.Outputs {
	if d.crash.down {
		return d.fallback.releases(d.Hardware.Now())
	}
	return d.audit.hold(d.core, d.core.Outputs())
}

// fallback releases doors by the wiring alone: while a request to exit is active
// and for its time after, and all that fail safe on fire. It follows the inputs
// all the time, so that it can take over at any. It has no policy, no state to
// load and nothing that could fail.
type fallback struct {
	board  controller.Board
	active []bool          // by input
	until  []time.Duration // by door
	fire   bool
}

func newFallback(b controller.Board) *fallback {
	return &fallback{board: b, active: make([]bool, len(b.Inputs)), until: make([]time.Duration, len(b.Doors))}
}

func (f *fallback) take(up time.Duration, c controller.Changed) {
	line := f.board.Inputs[c.Line]
	released := f.active[c.Line] && !c.Active
	f.active[c.Line] = c.Active
	switch {
	case line.Kind == policy.InputFire && c.Active:
		f.fire = true
	case line.Releases && released:
		for _, i := range line.Doors {
			f.until[i] = max(f.until[i], up+line.For)
		}
	}
}

// request is a request to exit that is over, and when it ended.
type request struct {
	line int
	at   time.Duration
}

// requests returns those whose doors are still released for the time after, in
// the order of time.
func (f *fallback) requests(up time.Duration) (list []request) {
	for l, line := range f.board.Inputs {
		if !line.Releases || f.active[l] {
			continue
		}
		var until time.Duration
		for _, i := range line.Doors {
			until = max(until, f.until[i])
		}
		if up < until {
			list = append(list, request{l, min(up, until-line.For)})
		}
	}
	slices.SortFunc(list, func(a, b request) int { return cmp.Compare(a.at, b.at) })
	return list
}

// releases returns the relays to release at a time.
func (f *fallback) releases(up time.Duration) controller.Outputs {
	var o controller.Outputs
	for i, d := range f.board.Doors {
		if f.releasesDoor(up, i) {
			for _, channel := range d.Relays {
				o |= 1 << (channel - 1)
			}
		}
	}
	if f.fire {
		for _, channel := range f.board.Stops {
			o |= 1 << (channel - 1)
		}
	}
	return o
}

// releasesDoor reports whether door i is to be released at a time.
func (f *fallback) releasesDoor(up time.Duration, i int) bool {
	out := up < f.until[i] || f.fire && f.board.Doors[i].FailSafe
	for l, line := range f.board.Inputs {
		out = out || line.Releases && f.active[l] && slices.Contains(line.Doors, i)
	}
	return out
}
