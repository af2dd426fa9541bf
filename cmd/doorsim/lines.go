package main

import (
	"fmt"
	"net/http"

	"doord/cmd/internal/api"
	realboard "doord/cmd/internal/board"
	"doord/cmd/internal/config"
	"doord/cmd/internal/daemon"
	"doord/reader/osdp"
	"doord/sim/pd"
)

// lines are the RS-485 lines: simulated ones with simulated readers for the port
// "sim", and real serial ports, on which real readers or another program's answer.
type lines struct {
	lines   []osdp.Line
	readers map[string]simulated
}

// simulated is a simulated reader and the line that it is on.
type simulated struct {
	port *pd.Port
	pd   *pd.PD
}

func newLines(c *config.Config) (*lines, error) {
	l := &lines{readers: map[string]simulated{}}
	for i, bus := range c.Buses {
		if bus.Port != "sim" {
			l.lines = append(l.lines, realboard.NewSerial(bus))
			continue
		}
		var pds []*pd.PD
		var names []string
		for _, r := range c.Readers {
			if r.Bus != bus.Name {
				continue
			}
			at, key, err := daemon.ReaderAt(c, r)
			if err != nil {
				return nil, err
			}
			// The key that the controller gave it is what a reader keeps in its flash.
			pds = append(pds, pd.New(pd.Config{Comm: at, Key: key, UID: osdp.UID{0, 0xd0, 0x0d, byte(i), r.Address()},
				Identity: osdp.Identity{OUI: [3]byte{0x00, 0xd0, 0x0d}, Model: 1, Version: 1, Serial: uint32(100*i) + uint32(r.Address()), Firmware: [3]byte{1, 0, 0}}}))
			names = append(names, r.Name)
		}
		port := pd.NewPort(pds...)
		for n, name := range names {
			l.readers[name] = simulated{port, pds[n]}
		}
		l.lines = append(l.lines, port)
	}
	return l, nil
}

// at does something with a simulated reader while it is not at work.
func (l *lines) at(name string, f func(*pd.PD)) error {
	r, ok := l.readers[name]
	if !ok {
		return &api.Error{Status: http.StatusConflict, Text: fmt.Sprintf("reader %q is on a real serial port", name), Hint: "present a real card"}
	}
	r.port.Do(func() { f(r.pd) })
	return nil
}

func (l *lines) card(name, bits string) error {
	return l.at(name, func(p *pd.PD) { p.Card(bits) })
}

func (l *lines) keys(name, keys string) error {
	return l.at(name, func(p *pd.PD) { p.Keys(keys) })
}

func (l *lines) hold(name string, c pd.Card) error {
	return l.at(name, func(p *pd.PD) { p.Hold(c) })
}

func (l *lines) input(in config.Input, state string) error {
	states := map[string]osdp.InputState{"active": osdp.Active, "open": osdp.Active, "inactive": osdp.Inactive, "closed": osdp.Inactive}
	s, ok := states[state]
	if !ok {
		return wrong("an input is active, inactive, open or closed, not %q", state)
	}
	return l.at(in.Reader, func(p *pd.PD) { p.SetInput(in.ReaderInput, s) })
}
