package controller_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doord/policy"
	"doord/policy/controller"
	"doord/policy/door"
	"doord/policy/zone"
)

// stimulus is an input after a pause, and how the wall clock was stepped before it.
type stimulus struct {
	after, jump time.Duration
	set         bool
	in          controller.Input
}

// inputs are all that can happen to the board.
func inputs(t testing.TB) []controller.Input {
	open, down := policies(t)
	until := eight(10 * time.Minute).Wall
	list := []controller.Input{
		nil,
		controller.SetPolicy{Set: open}, controller.SetPolicy{Set: open}, controller.SetPolicy{Set: open}, controller.SetPolicy{Set: down}, controller.SetPolicy{},
		controller.Unlocked{Door: front},
		controller.Held{Door: front, Hold: door.HoldReleased, For: 30 * time.Second},
		controller.Held{Door: lab, Hold: door.HoldSecured, For: 30 * time.Second},
		controller.Held{Door: front},
		controller.LockedDown{Door: lab, On: true}, controller.LockedDown{Door: lab},
		controller.LockedDown{Door: vault, On: true}, controller.LockedDown{Door: vault},
		controller.FireReset{},
		controller.ReaderChanged{Reader: frontIn, Online: true}, controller.ReaderChanged{Reader: frontIn, Tampered: true},
		controller.ReaderReset{Reader: frontIn},
		controller.Challenged{Reader: frontIn, Challenge: policy.Challenge{1}},
		controller.Presented{Reader: frontIn, Class: policy.TokenKey, Holder: holder(), Tap: &policy.Assertion{}},
		controller.BadFrame{Reader: labIn, Fault: "parity", Bits: "0101"},
		controller.Requested{Lock: 1, Method: policy.MethodInApp, Holder: holder(), Code: "AAAAAAAA"},
		controller.Requested{Lock: 9, Method: policy.MethodLink},
		controller.ZoneOverridden{Zone: 1, Level: policy.Away, For: time.Minute},
		controller.ZoneOverridden{Zone: 1, Level: policy.Disarmed, For: time.Minute},
		controller.ZoneOverridden{Zone: 1}, controller.ZoneReset{Zone: 1},
		controller.ZoneMet{Zone: 1, Shared: zone.Shared{ViolatedAt: until, Override: zone.Override{Level: policy.Stay, Until: until, Order: 4}}},
		controller.AlarmSilenced{Rule: 1}, controller.AlarmReset{Rule: 1}, controller.AlarmReset{Rule: 2}, controller.Forgiven{Member: 7},
		controller.Noted{Event: policy.Event{Type: policy.ControllerClockSet, Success: true}},
	}
	for reader := range board().Readers {
		list = append(list, controller.Presented{Reader: reader, Class: policy.TokenNumber, Holder: holder()},
			controller.Presented{Reader: reader, Class: policy.TokenNumber, Bits: "1"},
			controller.Presented{Reader: reader, Class: policy.TokenPIN, Holder: holder()},
			controller.Presented{Reader: reader, Class: policy.TokenPIN})
	}
	for line := range board().Inputs {
		list = append(list, controller.Changed{Line: line, Status: controller.InputOpen, Active: true},
			controller.Changed{Line: line, Status: controller.InputOpen, Active: true},
			controller.Changed{Line: line, Status: controller.InputClosed}, controller.Changed{Line: line, Status: controller.InputClosed, Initial: true})
	}
	return append(list, controller.Changed{Line: frontContact, Status: controller.InputCut}, controller.Changed{Line: labREX, Status: controller.InputShort},
		controller.Changed{Line: fireInput, Status: controller.InputCut, Active: true}, controller.Changed{Line: box, Status: controller.InputOpen, Flood: true})
}

// stimuli draws a life of a board: it begins with a policy.
func stimuli(t *rapid.T, all []controller.Input) []stimulus {
	one := rapid.Custom(func(t *rapid.T) stimulus {
		scale := rapid.SampledFrom([]time.Duration{0, time.Second, 5 * time.Second, 30 * time.Second, 3 * time.Minute}).Draw(t, "scale")
		s := stimulus{after: time.Duration(rapid.Int64Range(0, int64(scale)).Draw(t, "pause")), set: true,
			in: rapid.SampledFrom(all).Draw(t, "input")}
		switch rapid.IntRange(0, 40).Draw(t, "clock") {
		case 7:
			s.jump = time.Duration(rapid.IntRange(-400, 400).Draw(t, "jump")) * time.Second
		case 11:
			s.set = false
		}
		return s
	})
	return append([]stimulus{{set: true, in: all[1]}}, rapid.SliceOfN(one, 10, 150).Draw(t, "stimuli")...)
}

// lookedUp is the input as if its holder had been looked up in the policy in force.
func lookedUp(c *controller.Controller, in controller.Input) controller.Input {
	switch in := in.(type) {
	case controller.Presented:
		in.Found = c.Revision()
		return in
	case controller.Requested:
		in.Found = c.Revision()
		return in
	}
	return in
}

func TestRulesHoldInEveryLife(t *testing.T) {
	all := inputs(t)
	rapid.Check(t, func(t *rapid.T) {
		c, now, pressed := controller.New(board(), controller.State{}), eight(0), map[int]bool{}
		for _, s := range stimuli(t, all) {
			now = now.At(now.Up + s.after)
			now.Wall, now.WallSet = now.Wall.Add(s.jump), s.set
			c.Step(now, nil)
			before := status(c)
			events := c.Step(now, lookedUp(c, s.in))
			if in, ok := s.in.(controller.Changed); ok {
				pressed[in.Line] = in.Active
			}
			if err := broken(c, before, events, pressed, now); err != nil {
				t.Fatalf("%v after %T%+v", err, s.in, s.in)
			}
		}
	})
}

func status(c *controller.Controller) (doors []controller.DoorStatus) {
	for i := range c.Board().Doors {
		doors = append(doors, c.Door(i))
	}
	return doors
}

// released counts the doors of the interlock that somebody keeps released who comes in.
func released(doors []controller.DoorStatus) (n int) {
	for _, s := range doors[:vault] {
		if s.Released && s.Cause != "rex" && s.Cause != "fire" {
			n++
		}
	}
	return n
}

// isExcuse reports whether what was hidden before may come to light: two doors may
// have been let open while there was a fire, or no policy.
func isExcuse(e policy.Event) bool {
	return e.Type == policy.ControllerFireReset || e.Type == policy.ControllerPolicy
}

// broken checks what must hold of every step, and returns the rule that does not.
func broken(c *controller.Controller, before []controller.DoorStatus, events []policy.Event, pressed map[int]bool, now policy.Now) error {
	on, set := c.Outputs(), c.Policy() != nil
	wake, waits := c.Wake()
	switch {
	case pressed[frontREX] && !on.On(1) || pressed[labREX] && !on.On(2):
		return fmt.Errorf("egress was refused")
	case pressed[fireInput] && !c.Fire().Latched:
		return fmt.Errorf("fire is not latched")
	case c.Fire().Latched && !on.On(2):
		return fmt.Errorf("fire does not release the fail-safe door")
	case waits && wake <= now.Up:
		return fmt.Errorf("a deadline that is due was left")
	case on.On(5) != (set && (c.Zones()[1].Violated() || c.Alarms()[1].Sounding)):
		return fmt.Errorf("the siren is %t", on.On(5))
	}
	if set && !c.Fire().Latched && released(before) <= 1 && released(status(c)) > 1 && len(before) > 0 && !slices.ContainsFunc(events, isExcuse) {
		return fmt.Errorf("two doors of an interlock are released")
	}
	for i := range before {
		s := c.Door(i)
		switch {
		case on.On(i+1) != s.Released:
			return fmt.Errorf("the relay of %s is not as the door", s.Name)
		case s.Released && s.Cause == "rest":
			return fmt.Errorf("%s is released without a cause", s.Name)
		case s.LockedDown && s.Released && s.Cause != "rex" && s.Cause != "fire":
			return fmt.Errorf("%s is in lockdown and released by %s", s.Name, s.Cause)
		case s.Scheduled && (i == front && s.ZoneLevel.Armed() || !now.WallSet):
			return fmt.Errorf("%s is unlocked by schedule, the zone being %q", s.Name, s.ZoneLevel)
		}
	}
	for _, e := range events {
		i := slices.IndexFunc(before, func(s controller.DoorStatus) bool { return s.Name == e.Object.Name && e.Object.Type == "lock" })
		switch {
		case e.Type == policy.LockUnlock && e.Success && before[i].LockedDown && e.Reader != "vault-out":
			return fmt.Errorf("entry under lockdown at %s", e.Object.Name)
		case e.Reason == policy.AntiPassback && e.Reader == "vault-out":
			return fmt.Errorf("%s held somebody in", e.Object.Name)
		case e.Type == policy.LockForcedOpen && (before[i].Released || c.Fire().Latched):
			return fmt.Errorf("forced open while released")
		}
	}
	return nil
}

// The trace depends neither on how often the loop woke in between nor on whether
// the state was saved and loaded on the way.
func TestTheSameLifeGivesTheSameTrace(t *testing.T) {
	all := inputs(t)
	rapid.Check(t, func(t *rapid.T) {
		once, often := controller.New(board(), controller.State{}), controller.New(board(), controller.State{})
		now := eight(0)
		for _, s := range stimuli(t, all) {
			var stepped []policy.Event
			if s.jump == 0 && s.set == now.WallSet { // the clocks only go on
				for wake, ok := often.Wake(); ok && wake <= now.Up+s.after; wake, ok = often.Wake() {
					stepped = append(stepped, often.Step(now.At(wake), nil)...)
				}
			}
			if rapid.Bool().Draw(t, "save and load") {
				often = reloaded(t, often, now)
			}
			now = now.At(now.Up + s.after)
			now.Wall, now.WallSet = now.Wall.Add(s.jump), s.set
			stepped = append(stepped, often.Step(now, lookedUp(often, s.in))...)
			if whole := once.Step(now, lookedUp(once, s.in)); len(whole)+len(stepped) > 0 && !reflect.DeepEqual(whole, stepped) {
				t.Fatalf("at once:\n%+v\nstep by step:\n%+v", whole, stepped)
			}
			if once.Outputs() != often.Outputs() {
				t.Fatalf("at once relays are %b, step by step %b", once.Outputs(), often.Outputs())
			}
		}
	})
}

// reloaded is a new controller from what an old one saved.
func reloaded(t *rapid.T, old *controller.Controller, now policy.Now) *controller.Controller {
	var state controller.State
	saved, err := json.Marshal(old.State())
	if err == nil {
		err = json.Unmarshal(saved, &state)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := controller.New(board(), state)
	if old.Policy() != nil {
		c.Step(now.At(max(now.Up, state.Last)), controller.SetPolicy{Set: old.Policy()})
	}
	return c
}
