package main

import (
	"context"
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
	board  *board.Board
	config *config.Config
	lines  *lines
	daemon *daemon.Daemon

	mu      sync.Mutex
	answers map[string]answered // the last of each phone
}

// answered is a phone's answer, for those who listened to it.
type answered struct {
	assertion policy.Assertion
	class     policy.TokenClass
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
	return s.daemon.Tap(ctx, i, v.Wave, func(t policy.Tap) (policy.Assertion, policy.TokenClass) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if old, ok := s.answers[v.Phone]; ok && v.Replay {
			return old.assertion, old.class
		}
		a := answered{sim.NewPhone(v.Phone).Answer(t, v.State == "unlocked"), policy.TokenKey}
		if v.State == "unlocked" {
			a.class = policy.TokenUnlockedKey
		}
		s.answers[v.Phone] = a
		return a.assertion, a.class
	})
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
	bank, where := board.Egress, s.config.Egress()
	index := slices.Index(where.Index, at)
	if index < 0 {
		bank, where = board.Others, s.config.Others()
		index = slices.Index(where.Index, at)
	}
	state, err := stateOf(v.State, where.Inputs[index])
	if err != nil {
		return err
	}
	if v.Bounce > 0 {
		if _, err := s.board.Bounce(bank, index, state, v.Bounce, bouncePeriod); err != nil {
			return wrong("%v", err)
		}
		return nil
	}
	s.board.SetInput(bank, index, state)
	return nil
}

// stateOf finds the loop's state that a word asks for.
func stateOf(word string, c rex.Config) (rex.State, error) {
	active := map[string]bool{"active": true, "inactive": false}
	switch word {
	case "open":
		return rex.Open, nil
	case "closed":
		return rex.Closed, nil
	case "active", "inactive":
		for _, s := range []rex.State{rex.Open, rex.Closed} {
			if c.Active(s) == active[word] {
				return s, nil
			}
		}
	}
	return 0, wrong("an input is active, inactive, open or closed, not %q", word)
}

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
