package board

import (
	"errors"
	"slices"
	"testing"
	"time"

	"doord/relay"
)

// driver returns the Apply of a driver of the board's relays.
func driver(t *testing.T, b *Board) func(relay.Outputs) []relay.Mismatch {
	t.Helper()
	d, err := relay.New(fourDoors.Relays, b.Relays())
	if err != nil {
		t.Fatal(err)
	}
	return func(wanted relay.Outputs) []relay.Mismatch {
		t.Helper()
		mismatches, err := d.Apply(wanted)
		if err != nil {
			t.Error(err)
		}
		return mismatches
	}
}

func TestRelaysStartInTheSafeState(t *testing.T) {
	b := New(fourDoors)
	levels, err := b.Relays().Get()
	if want := relay.SafeLevels(fourDoors.Relays); levels != want || err != nil {
		t.Errorf("levels %05b, %v; want %05b", levels, err, want)
	}
	for _, w := range fourDoors.Relays {
		if b.LockPowered(w.Channel) {
			t.Errorf("%s has power", w.Channel)
		}
	}
	if len(b.Transitions()) != 0 {
		t.Errorf("transitions %v", b.Transitions())
	}
}

// The driver's way from the door to the line and the board's way back agree, for
// every wiring and every state.
func TestReleasedIsWhatTheDriverWanted(t *testing.T) {
	b := New(fourDoors)
	apply := driver(t, b)
	for wanted := range relay.Outputs(32) {
		apply(wanted)
		for _, w := range fourDoors.Relays {
			if got := b.Released(w.Channel); got != wanted.Has(w.Channel) {
				t.Errorf("%s: released %v, wanted %v", w.Channel, got, !got)
			}
		}
	}
}

func TestFromTheLineToTheLock(t *testing.T) {
	tests := []struct {
		name                    string
		channel                 relay.Channel
		coil, powered, released bool // with the line high
	}{
		{"a siren", relay.AuxChannel, true, false, true},
		{"a fail-secure strike on NO", 1, true, true, true},
		{"a maglock on NO, active low", 2, false, false, true},
		{"a fail-secure strike on NC", 3, true, false, false},
		{"a fail-safe strike on NC", 4, true, false, true},
	}
	b := New(fourDoors)
	for _, test := range tests {
		b.StickRelay(test.channel, true)
		coil, powered, released := b.Coil(test.channel), b.LockPowered(test.channel), b.Released(test.channel)
		if coil != test.coil || powered != test.powered || released != test.released {
			t.Errorf("%s: coil %v, powered %v, released %v", test.name, coil, powered, released)
		}
	}
}

func TestTransitions(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		apply := driver(t, b)
		apply(0)
		var heard []Transition
		b.OnRelay(func(tr Transition) {
			if b.Released(tr.Channel) != tr.On {
				t.Error("told before it was done")
			}
			heard = append(heard, tr)
		})
		before := len(b.Transitions())
		time.Sleep(time.Second)
		apply(relay.Outputs(0).With(1).With(2))
		time.Sleep(time.Second)
		apply(relay.Outputs(0).With(1))
		want := []Transition{
			{At: 1 * time.Second, Channel: 1, High: true, On: true},
			{At: 1 * time.Second, Channel: 2, High: true, On: true},
			{At: 2 * time.Second, Channel: 2, High: false, On: false},
		}
		if got := b.Transitions()[before:]; !slices.Equal(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
		if !slices.Equal(heard, want) {
			t.Errorf("heard %+v\nwant %+v", heard, want)
		}
	})
}

func TestTransitionsAreBounded(t *testing.T) {
	b := New(fourDoors)
	for i := range MaxTransitions + 1 {
		b.StickRelay(1, i%2 == 0)
	}
	got := b.Transitions()
	if len(got) != MaxTransitions || got[0].High || !got[len(got)-1].High {
		t.Errorf("%d transitions, from %+v to %+v", len(got), got[0], got[len(got)-1])
	}
}

func TestAStuckRelayIsAMismatchUntilItIsFree(t *testing.T) {
	b := New(fourDoors)
	apply := driver(t, b)
	apply(0)
	b.StickRelay(1, false)
	released := relay.Outputs(0).With(1)
	if got, want := apply(released), (relay.Mismatch{Channel: 1, Wanted: true}); !slices.Equal(got, []relay.Mismatch{want}) {
		t.Errorf("stuck: %+v", got)
	}
	if b.Released(1) {
		t.Error("the door is released")
	}
	b.FreeRelay(1)
	if !b.Released(1) {
		t.Error("the relay forgot what it was told")
	}
	if got, want := apply(released), (relay.Mismatch{Channel: 1, Wanted: true, Got: true}); !slices.Equal(got, []relay.Mismatch{want}) {
		t.Errorf("free: %+v", got)
	}
}

func TestABrokenRelayDoesNotHoldUpTheOthers(t *testing.T) {
	b := New(fourDoors)
	d, err := relay.New(fourDoors.Relays, b.Relays())
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	b.FailSet(broken, 1)
	if _, err := d.Apply(relay.Outputs(0).With(1).With(2)); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if b.Released(1) || !b.Released(2) {
		t.Errorf("released %v, %v", b.Released(1), b.Released(2))
	}
	b.FailSet(broken)
	if err := b.Relays().Set(0b100, 0); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	b.FailSet(nil)
	if err := b.Relays().Set(0b10, 0b10); err != nil || !b.Released(1) {
		t.Errorf("error %v, released %v", err, b.Released(1))
	}
}

func TestRelaysThatCannotBeRead(t *testing.T) {
	b := New(fourDoors)
	blind := errors.New("blind")
	b.FailGet(blind)
	if _, err := b.Relays().Get(); !errors.Is(err, blind) {
		t.Errorf("error %v", err)
	}
	b.FailGet(nil)
	if _, err := b.Relays().Get(); err != nil {
		t.Errorf("error %v", err)
	}
}

func TestAChannelThatIsNotWiredPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(Spec{}).Released(1)
}
