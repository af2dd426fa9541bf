package daemon

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"doord/cmd/internal/api"
	"doord/policy"
	"doord/policy/controller"
	"doord/relay"
)

// longestPulse bounds how long a relay is switched on for a test.
const longestPulse = 10 * time.Second

// Pulse switches a relay on for a moment, one that no door has: a door's relays
// follow the door, and to test them is to unlock it.
func (s Server) Pulse(ctx context.Context, channel int, p api.Pulse) (api.Result, error) {
	i := slices.IndexFunc(s.wirings, func(w relay.Wiring) bool { return int(w.Channel) == channel })
	if i < 0 {
		return api.Result{}, &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("there is no relay %d", channel), Hint: "doorctl relays lists them"}
	}
	if s.wirings[i].Use == relay.Lock {
		return api.Result{}, &api.Error{Status: http.StatusConflict, Text: fmt.Sprintf("relay %d is a door's", channel), Hint: "doorctl unlock releases the door"}
	}
	length := time.Duration(p.For * float64(time.Second))
	if length <= 0 || length > longestPulse {
		return api.Result{}, &api.Error{Status: http.StatusBadRequest, Text: fmt.Sprintf("a relay is tested for at most %v, not %v", longestPulse, length)}
	}
	until := s.Hardware.Now() + length
	events, err := s.ask(ctx, message{
		first: func() {
			if !s.crash.down {
				s.pulses[channel] = until
			}
		},
		in: controller.Noted{Event: policy.Event{Type: policy.RelayTest, Success: true, Detail: "on for " + length.String(), Actor: technician,
			Object: policy.Ref{Type: "controller_relay", ID: int64(channel), Name: s.wirings[i].Channel.String()}}},
	})
	if err != nil {
		return api.Result{}, err
	}
	return outcome(events, ""), nil
}

// pulsed returns the relays that are on for a test, and when the next of them
// goes off, 0 if none is.
func (d *Daemon) pulsed() (o controller.Outputs, next time.Duration) {
	now := d.Hardware.Now()
	for channel, until := range d.pulses {
		if now >= until {
			delete(d.pulses, channel)
			continue
		}
		o |= 1 << (channel - 1)
		if next == 0 || until < next {
			next = until
		}
	}
	return o, next
}

// count counts what inputs and readers did, for a technician who looks at the
// wires.
func (d *Daemon) count(in controller.Input) {
	switch in := in.(type) {
	case controller.Changed:
		if !in.Initial {
			d.changes[in.Line]++
		}
	case controller.Presented:
		d.reads[in.Reader].good++
	case controller.BadFrame:
		d.reads[in.Reader].bad++
	}
}
