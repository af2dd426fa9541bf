package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"doord/cmd/internal/api"
	"doord/cmd/internal/config"
	"doord/cmd/internal/daemon"
	"doord/policy"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/rex"
	"doord/sim"
	"doord/sim/board"
)

// bouncePeriod is how fast a simulated contact bounces.
const bouncePeriod = 4 * time.Millisecond

// simulator finds what people name on the simulated board.
type simulator struct {
	board    *board.Board
	config   *config.Config
	lines    *lines
	gateways *gateways
	daemon   *daemon.Daemon

	mu      sync.Mutex
	answers map[string]policy.Assertion // the last of each phone, for those who listened to it
}

// Tap holds a simulated phone to a reader.
func (s *simulator) Tap(ctx context.Context, v api.SimTap) error {
	i, err := s.reader(v.Reader)
	if err != nil {
		return err
	}
	if v.State != "locked" && v.State != "unlocked" {
		return wrong("a phone is locked, unlocked or out_of_range, not %q", v.State)
	}
	answer := func(t policy.Tap) policy.Assertion {
		s.mu.Lock()
		defer s.mu.Unlock()
		if old, ok := s.answers[v.Phone]; ok && v.Replay {
			return old
		}
		a := sim.NewPhone(v.Phone).Answer(t, v.State == "unlocked")
		s.answers[v.Phone] = a
		return a
	}
	if s.config.Readers[i].Tap && !v.Wave {
		return s.lines.hold(v.Reader, &sim.Applet{Forge: answer})
	}
	return s.daemon.Tap(ctx, i, v.Wave, answer) // as if a wire carried it that does not
}

func wrong(format string, args ...any) error {
	return &api.Error{Status: http.StatusBadRequest, Text: fmt.Sprintf(format, args...)}
}

func (s *simulator) reader(name string) (int, error) {
	i := slices.IndexFunc(s.config.Readers, func(r config.Reader) bool { return r.Name == name })
	if i < 0 {
		var names []string
		for _, r := range s.config.Readers {
			names = append(names, r.Name)
		}
		return 0, &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("there is no reader %q", name), Hint: "readers are " + strings.Join(names, ", ")}
	}
	return i, nil
}

// Bits sends a frame to a reader and returns once it is out.
func (s *simulator) Bits(ctx context.Context, v api.SimBits) error {
	i, err := s.reader(v.Reader)
	if err != nil {
		return err
	}
	bits, err := wiegand.ParseBits(v.Bits)
	if err != nil {
		return wrong("bits: %v", err)
	}
	if s.config.Readers[i].OSDP() {
		return s.lines.card(v.Reader, bits.String())
	}
	end, err := s.board.Present(i, bits, wiegand.Shape{Width: v.Width, Interval: v.Interval, Jitter: v.Jitter, Noise: v.Noise, Lose: v.Lose, Swap: v.Swap}, v.Seed)
	if err != nil {
		return wrong("%v", err)
	}
	return s.wait(ctx, end)
}

// Keys types at a reader's keypad and returns once it is out.
func (s *simulator) Keys(ctx context.Context, v api.SimKeys) error {
	i, err := s.reader(v.Reader)
	if err != nil {
		return err
	}
	if s.config.Readers[i].OSDP() {
		return s.lines.keys(v.Reader, v.Keys)
	}
	end, err := s.board.Type(i, v.Keys)
	if err != nil {
		return wrong("%v", err)
	}
	return s.wait(ctx, end)
}

func (s *simulator) wait(ctx context.Context, end time.Duration) error {
	select {
	case <-time.After(end - s.board.Now()):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Input brings an input into a state.
func (s *simulator) Input(_ context.Context, v api.SimInput) error {
	at := slices.IndexFunc(s.config.Input, func(in config.Input) bool { return in.Name == v.Input })
	if at < 0 {
		var names []string
		for _, in := range s.config.Input {
			names = append(names, in.Name)
		}
		return &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("there is no input %q", v.Input), Hint: "inputs are " + strings.Join(names, ", ")}
	}
	if in := s.config.Input[at]; in.Reader != "" {
		return s.lines.input(in, v.State)
	}
	bank, where, index := s.bank(at)
	measured := bank >= board.MeasuredEgress
	state, err := stateOf(v.State, where.Inputs[index])
	if err != nil && !(measured && v.State == "dead") {
		return err
	}
	if !(v.Drift > -0.9 && v.Drift < 10 && v.Noise >= 0 && v.Noise <= 1) {
		return wrong("the drift is more than -0.9 and less than 10, the noise 0 to 1")
	}
	if measured {
		s.board.Drift(bank, index, v.Drift)
		s.board.Noise(bank, index, rex.Share(v.Noise*float64(rex.Whole)), v.Seed)
		s.board.FailMeasure(bank, index, nil)
		if v.State == "dead" {
			s.board.FailMeasure(bank, index, errDead)
			return nil
		}
	}
	if v.Bounce > 0 && !measured {
		if _, err := s.board.Bounce(bank, index, state, v.Bounce, bouncePeriod); err != nil {
			return wrong("%v", err)
		}
		return nil
	}
	s.board.SetInput(bank, index, state)
	return nil
}

// bank finds the bank that an input is in, and its index there.
func (s *simulator) bank(at int) (board.Bank, config.Bank, int) {
	banks := [...]config.Bank{board.Egress: s.config.Egress(), board.Others: s.config.Others(),
		board.MeasuredEgress: s.config.MeasuredEgress(), board.MeasuredOthers: s.config.MeasuredOthers()}
	for i, b := range banks {
		if index := slices.Index(b.Index, at); index >= 0 {
			return board.Bank(i), b, index
		}
	}
	panic("doorsim: an input in no bank") // every input of the board is in one
}

// stateOf finds the loop's state that a word asks for.
func stateOf(word string, c rex.Config) (rex.State, error) {
	active := map[string]bool{"active": true, "inactive": false}
	switch word {
	case "open":
		return rex.Open, nil
	case "closed":
		return rex.Closed, nil
	case "cut", "short":
		s := map[string]rex.State{"cut": rex.Cut, "short": rex.Short}[word]
		bands, err := c.Bands()
		if c.Measured() && err == nil && slices.ContainsFunc(bands, func(b rex.Band) bool { return b.State == s }) {
			return s, nil
		}
		return 0, wrong("this input cannot tell a %s: it is no supervised one, or not for that", word)
	case "active", "inactive":
		for _, s := range []rex.State{rex.Open, rex.Closed} {
			if c.Active(s) == active[word] {
				return s, nil
			}
		}
	}
	return 0, wrong("an input is active, inactive, open, closed, cut or short, not %q", word)
}

var errDead = errors.New("the simulated converter is dead")

// Relay breaks or mends a relay's line.
func (s *simulator) Relay(_ context.Context, v api.SimRelay) error {
	if !slices.ContainsFunc(s.config.Relay, func(r config.Relay) bool { return r.Channel == v.Channel }) {
		return &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("there is no relay %d", v.Channel), Hint: "doorctl relays lists them"}
	}
	channel := relay.Channel(v.Channel)
	switch v.State {
	case "stuck_high":
		s.board.StickRelay(channel, true)
	case "stuck_low":
		s.board.StickRelay(channel, false)
	case "free":
		s.board.FreeRelay(channel)
	default:
		return wrong("a relay's line is stuck_high, stuck_low or free, not %q", v.State)
	}
	return nil
}
