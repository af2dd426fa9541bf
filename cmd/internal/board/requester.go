package board

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"

	"doord/cmd/internal/config"
	"doord/relay"
)

// requester requests lines and gathers all that goes wrong, so that an installer
// can mend it at once.
type requester struct {
	kernel kernel
	chips  []chip
	opened []lines
	errs   []error
}

func newRequester(k kernel) (*requester, error) {
	chips, err := k.chips()
	return &requester{kernel: k, chips: chips}, err
}

// wire is a line of the configuration and what it is for.
type wire struct {
	role string
	line config.Line
}

// relays asks for all relays at once, in the safe state from the first step.
func (r *requester) relays(c *config.Config) lines {
	wirings := c.Relays()
	wires := make([]wire, len(wirings))
	for i, w := range wirings {
		wires[i] = wire{w.Channel.String(), c.Relay[i].Line}
	}
	l, _ := r.open(wires, request{output: true, levels: relay.SafeLevels(wirings)})
	return l
}

// inputs asks for a bank. A bank without inputs is nil.
func (r *requester) inputs(c *config.Config, bank config.Bank, debounce time.Duration) *inputs {
	req := request{edge: gpio.BothEdges, debounce: debounce}
	var wires []wire
	for i, index := range bank.Index {
		in := &c.Input[index]
		wires = append(wires, wire{"input " + in.Name, bank.Lines[i]})
		req.pulls = append(req.pulls, pulls[in.Pull])
	}
	l, offsets := r.open(wires, req)
	if l == nil {
		return nil
	}
	return &inputs{l, offsets}
}

// reader asks for D0 and D1 in one request, so that their edges keep their
// order, and for falling edges only: the kernel tells the direction of an edge by
// looking at the line, and a pulse of 50 µs is over by then. A reader on a bus has
// neither.
func (r *requester) reader(c *config.Reader) *port {
	if c.OSDP() {
		return nil
	}
	role := "reader " + c.Name
	pull := pulls[c.Pull]
	req := request{edge: gpio.FallingEdge, pulls: []gpio.Pull{pull, pull}}
	l, offsets := r.open([]wire{{role + " d0", c.D0}, {role + " d1", c.D1}}, req)
	if l == nil {
		return nil
	}
	return &port{l, offsets[1]}
}

// panel asks for a reader's LED and buzzer, both off. A reader without either
// has none.
func (r *requester) panel(c *config.Reader) *panel {
	low := c.Active == config.Low
	output := func(name string, line config.Line) *output {
		if line == "" {
			return nil
		}
		l, _ := r.open([]wire{{"reader " + c.Name + " " + name, line}}, request{output: true, levels: bit(low)})
		return &output{l, low}
	}
	led, buzzer := output("led", c.LED), output("buzzer", c.Buzzer)
	if led == nil && buzzer == nil {
		return nil
	}
	return newPanel(led, buzzer)
}

var pulls = map[config.Pull]gpio.Pull{
	config.PullUp:   gpio.PullUp,
	config.PullDown: gpio.PullDown,
	config.PullNone: gpio.Float,
}

// open requests lines of one chip, bit i for wires[i]. It returns none if there
// are none, or if it cannot.
func (r *requester) open(wires []wire, req request) (lines, []uint32) {
	if len(wires) == 0 {
		return nil, nil
	}
	places, ok := r.resolve(wires)
	if !ok {
		return nil, nil
	}
	for _, p := range places {
		req.offsets = append(req.offsets, p.offset)
	}
	l, err := r.kernel.request(places[0].chip.path, req)
	if err != nil {
		r.refused(wires, places, err)
		return nil, nil
	}
	r.opened = append(r.opened, l)
	return l, req.offsets
}

// resolve finds the lines of one request, which are on one chip.
func (r *requester) resolve(wires []wire) (places []place, ok bool) {
	before := len(r.errs)
	for _, w := range wires {
		p, err := resolve(r.chips, w.line)
		if err != nil {
			r.fail("%s: %w", w.role, err)
		}
		places = append(places, p)
	}
	if len(r.errs) > before {
		return nil, false
	}
	for i, p := range places {
		if first := places[0]; p.chip != first.chip {
			r.fail("%s is on %s, but %s on %s: wire both to one chip", wires[i].role, p.chip, wires[0].role, first.chip)
		}
	}
	return places, len(r.errs) == before
}

// refused says for which lines a request failed, and why.
func (r *requester) refused(wires []wire, places []place, err error) {
	before := len(r.errs)
	if errors.Is(err, unix.EBUSY) {
		for i, p := range places {
			who, err := r.kernel.holder(p.chip.path, p.offset)
			if err == nil && who != "" {
				r.fail("%s: %s is in use by %q: %s", wires[i].role, p, who, evict(who))
			}
		}
	}
	if len(r.errs) == before {
		r.fail("%s: %s: %w: %s", roles(wires), places[0].chip, err, advice(err))
	}
}

// evict says how to get a line from its holder.
func evict(who string) string {
	if who == consumer {
		return "stop the other daemon: systemctl stop doord"
	}
	return "stop it, take it out of the device tree, or wire another line"
}

func (r *requester) fail(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}
