package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"

	"doord/cmd/internal/api"
	realboard "doord/cmd/internal/board"
	"doord/cmd/internal/config"
	"doord/relay/gateway"
	simgateway "doord/sim/gateway"
)

// gateways are the gateways of wireless locks: simulated ones for the port "sim", and
// real serial ports and connections.
type gateways struct {
	lines []gateway.Line
	ports map[string]*simgateway.Port // by name
}

func newGateways(c *config.Config) *gateways {
	g := &gateways{ports: map[string]*simgateway.Port{}}
	for _, x := range c.Gateways {
		if address, ok := x.TCP(); ok {
			g.lines = append(g.lines, realboard.NewTCP(address))
			continue
		}
		if x.Port != "sim" {
			g.lines = append(g.lines, realboard.NewSerial(config.Bus{Name: x.Name, Port: x.Port, Speed: x.Speed, RS485: config.RS485Off}))
			continue
		}
		var channels []int
		for _, d := range c.Doors {
			if d.Gateway == x.Name {
				channels = append(channels, d.Address)
			}
		}
		port := simgateway.NewPort(simgateway.New(gateway.Key{}, func(b []byte) { _, _ = rand.Read(b) }, channels...)) // crypto/rand does not fail
		g.ports[x.Name] = port
		g.lines = append(g.lines, port)
	}
	return g
}

// Wireless does something at a simulated wireless lock, or with its gateway.
func (s *simulator) Wireless(_ context.Context, v api.SimWireless) error {
	i := slices.IndexFunc(s.config.Doors, func(d config.Door) bool { return d.Name == v.Door && d.Gateway != "" })
	if i < 0 {
		return &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("there is no door %q with a wireless lock", v.Door), Hint: "doorctl wireless lists them"}
	}
	d := s.config.Doors[i]
	port, ok := s.gateways.ports[d.Gateway]
	if !ok {
		return &api.Error{Status: http.StatusConflict, Text: fmt.Sprintf("gateway %q is a real one", d.Gateway), Hint: "do it at the lock"}
	}
	f := wirelessActions[v.Action]
	if f == nil {
		return wrong("there is no action %q at a wireless lock", v.Action)
	}
	port.Do(func(g *simgateway.Gateway) { f(g, g.Locks[d.Address], d.Address, v.Value) })
	return nil
}

var wirelessActions = map[string]func(g *simgateway.Gateway, l *simgateway.Lock, channel int, value float64){
	"open":   func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, _ float64) { l.Open = true },
	"close":  func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, _ float64) { l.Open = false },
	"lock":   func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, _ float64) { l.Turn(false) },
	"unlock": func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, _ float64) { l.Turn(true) },
	"stall":  func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, _ float64) { l.Stalled = true },
	"free":   func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, _ float64) { l.Stalled = false },
	"tamper": func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, _ float64) { l.Tampered = true },
	"mend":   func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, _ float64) { l.Tampered = false },
	"deaf":   func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, _ float64) { l.Deaf = true },
	"hear":   func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, _ float64) { l.Deaf = false },
	"battery": func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, value float64) {
		l.Battery = int(max(0, min(value, 100)))
	},
	"key":    func(_ *simgateway.Gateway, l *simgateway.Lock, _ int, value float64) { l.Key = value },
	"enter":  func(g *simgateway.Gateway, _ *simgateway.Lock, channel int, _ float64) { g.Pass(channel, true) },
	"leave":  func(g *simgateway.Gateway, _ *simgateway.Lock, channel int, _ float64) { g.Pass(channel, false) },
	"mute":   func(g *simgateway.Gateway, _ *simgateway.Lock, _ int, _ float64) { g.Mute = true },
	"unmute": func(g *simgateway.Gateway, _ *simgateway.Lock, _ int, _ float64) { g.Mute = false },
	"reboot": func(g *simgateway.Gateway, _ *simgateway.Lock, _ int, _ float64) { g.Reboot() },
}
