package daemon

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"doord/cmd/internal/api"
	"doord/cmd/internal/config"
	"doord/policy/controller"
	"doord/policy/door"
	"doord/relay/gateway"
)

// radio is a gateway of wireless locks at work.
//
//	loop ─want─▶ gateway.Loop ─events─▶ the loop, as inputs
type radio struct {
	daemon *Daemon
	config config.Gateway
	loop   *gateway.Loop
	doors  map[int]int // by address at the gateway: the door on the board
	faults [2]string   // of the line, and of the gateway
}

// lossOfRF is why a wireless lock is not online while its gateway is.
const lossOfRF = "loss_of_rf"

// newRadios makes the gateways; a door finds its own in d.radio.
func (d *Daemon) newRadios() error {
	d.told = make([]gateway.Want, len(d.Config.Doors))
	d.heard = make([]controller.WirelessReported, len(d.Config.Doors))
	d.radio = make([]*radio, len(d.Config.Doors))
	for i, g := range d.Config.Gateways {
		r := &radio{daemon: d, config: g, doors: map[int]int{}}
		c := gateway.Config{}
		for at, x := range d.Config.Doors {
			if x.Gateway == g.Name {
				c.Channels = append(c.Channels, x.Address)
				r.doors[x.Address], d.radio[at] = at, r
			}
		}
		var err error
		if c.Key, err = gatewayKey(g.KeyFile); err != nil {
			return fmt.Errorf("gateway %s: %w", g.Name, err)
		}
		r.loop = gateway.NewLoop(gateway.Adapters[g.Protocol](c), d.Hardware.Gateways[i], d.Hardware.Now)
		for address := range r.doors {
			r.loop.Want(address, gateway.Want{}) // locked, until the core says otherwise
		}
		d.radios = append(d.radios, r)
	}
	return nil
}

// gatewayKey reads the key that a gateway shares; without a file there is none.
func gatewayKey(file string) (k gateway.Key, err error) {
	if file == "" {
		return k, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return k, err
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(b) != len(k) {
		return k, fmt.Errorf("%s must hold 64 hex digits: openssl rand -hex 32 makes them", file)
	}
	if copy(k[:], b); k.IsZero() {
		return k, fmt.Errorf("%s holds zeros, and no key", file)
	}
	return k, nil
}

// run serves a gateway until the context ends, and leaves its locks locked then.
func (r *radio) run(ctx context.Context) {
	r.fault(1, "gateway "+r.config.Name+" does not answer: nobody knows whether its doors are locked",
		"see that it has power, and that port, protocol and key_file are right")
	r.loop.Run(ctx, func(e gateway.Event) { r.handle(ctx, e) }, func(err error) {
		if err == nil {
			r.fault(0, "", "")
			return
		}
		r.fault(0, "the line of gateway "+r.config.Name+" is gone", err.Error())
	})
	for address := range r.doors {
		r.loop.Want(address, gateway.Want{})
	}
	r.loop.Flush()
}

// fault tells of one of two faults, or ends it.
func (r *radio) fault(i int, what, hint string) {
	if r.faults[i] == what {
		return
	}
	if r.faults[i] != "" {
		r.daemon.fault(r.faults[i], "")
	}
	if r.faults[i] = what; what != "" {
		r.daemon.fault(what, hint)
	}
}

// handle makes inputs of what a gateway says.
func (r *radio) handle(ctx context.Context, e gateway.Event) {
	d := r.daemon
	at, known := r.doors[e.Channel]
	switch x := e.Body.(type) {
	case gateway.Found:
		r.fault(1, "", "")
	case gateway.Lost:
		if e.Channel != 0 {
			d.post(ctx, controller.WirelessReported{Door: at, Why: lossOfRF})
			return
		}
		r.fault(1, "gateway "+r.config.Name+" is lost: nobody knows whether its doors are locked", "see that it has power, and its line is whole")
		for _, at := range r.doors {
			d.post(ctx, controller.WirelessReported{Door: at, Why: "gateway_lost"})
		}
	case gateway.Report:
		if known {
			d.post(ctx, reported(at, x))
		}
	case gateway.Passage:
		if known {
			d.post(ctx, controller.WirelessPassed{Door: at, Entered: x.Entered})
		}
	case gateway.Refused:
		if known {
			d.say("a wireless lock was not set", "door", d.board.Doors[at].Name, "why", x.Result.String())
		}
	}
}

func reported(at int, x gateway.Report) controller.WirelessReported {
	r := controller.WirelessReported{Door: at, Online: true, Unlocked: x.Unlocked, Battery: x.Battery, Signal: x.Signal, Stalled: x.Stalled, Tampered: x.Tampered}
	switch x.Cause {
	case gateway.KeyGone:
		r.Cause = controller.WirelessPresence
	case gateway.TimeOver:
		r.Cause = controller.WirelessTime
	case gateway.ByHand:
		r.Cause = controller.WirelessHand
	case gateway.Commanded:
	}
	switch {
	case x.Contact && x.Open:
		r.Contact = door.Open
	case x.Contact:
		r.Contact = door.Closed
	}
	return r
}

// actWireless tells gateways which locks are wanted otherwise than before. The relays
// have moved by then.
func (d *Daemon) actWireless() {
	for i, r := range d.radio {
		if r == nil {
			continue
		}
		want := d.wirelessWant(i)
		if want != d.told[i] {
			d.told[i] = want
			r.loop.Want(d.Config.Doors[i].Address, want)
		}
	}
}

func (d *Daemon) wirelessWant(i int) gateway.Want {
	switch {
	case d.crash.down:
		return gateway.Want{Unlocked: d.fallback.releasesDoor(d.Hardware.Now(), i)}
	case d.audit.holds(d.core, i):
		return gateway.Want{}
	}
	w := d.core.WirelessWant(i)
	return gateway.Want{Unlocked: w.Unlocked, Until: w.Until, Distance: w.Distance, Timeout: w.Timeout}
}

// WirelessLocks lists the doors with wireless locks.
func (s Server) WirelessLocks(ctx context.Context) ([]api.WirelessLock, error) {
	list := []api.WirelessLock{}
	err := s.look(ctx, func(c *controller.Controller) {
		for i, b := range s.board.Doors {
			if b.Wireless == 0 {
				continue
			}
			w, want := c.Wireless(i), c.WirelessWant(i)
			x := api.WirelessLock{Door: b.Name, Lock: c.Door(i).Lock, Channel: b.Wireless, Gateway: s.Config.Doors[i].Gateway, Online: w.Online,
				State: wirelessState(w), Wanted: word(want.Unlocked, "unlocked", "locked"), BatteryLow: w.Low, MotorStall: w.Stalled, Tampered: w.Tampered,
				PresenceDistance: want.Distance, PresenceTimeout: want.Timeout.Seconds()}
			if w.Online {
				x.Signal = w.Signal
			}
			if w.Battery >= 0 {
				x.Battery = &w.Battery
			}
			if want.Until != 0 {
				x.Left = (want.Until - s.Hardware.Now()).Round(time.Millisecond).Seconds()
			}
			list = append(list, x)
		}
	})
	return list, err
}

func wirelessState(w controller.Wireless) string {
	if !w.Online {
		return "unknown"
	}
	return word(w.Unlocked, "unlocked", "locked")
}

// doorWord is the state of a door in a word: of a wireless lock it is what the lock
// said last, and unknown while it is not heard.
func doorWord(c *controller.Controller, i int) string {
	if c.Board().Doors[i].Wireless == 0 {
		return word(c.Door(i).Released, "released", "locked")
	}
	return cmp.Or(map[string]string{"unlocked": "released"}[wirelessState(c.Wireless(i))], wirelessState(c.Wireless(i)))
}
