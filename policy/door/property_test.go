package door_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doord/policy"
	"doord/policy/door"
)

// stimulus is an input after a pause.
type stimulus struct {
	after time.Duration
	in    door.Input
}

// stimuli draws a life of a door: pauses from none to longer than any deadline.
func stimuli(t *rapid.T) []stimulus {
	one := rapid.Custom(func(t *rapid.T) stimulus {
		pause := rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Second, 5 * time.Second, 20 * time.Second, 2 * door.StuckAfter}).Draw(t, "scale")
		return stimulus{time.Duration(rapid.Int64Range(0, int64(pause)).Draw(t, "pause")), rapid.SampledFrom(inputs).Draw(t, "input")}
	})
	return rapid.SliceOfN(one, 10, 200).Draw(t, "stimuli")
}

func anySettings(t *rapid.T) door.Settings {
	s := settings
	s.ReleaseOnFire = rapid.Bool().Draw(t, "release on fire")
	s.RelockOn = rapid.SampledFrom([]policy.RelockOn{policy.RelockOpen, policy.RelockClose, policy.RelockTimeout}).Draw(t, "relock on")
	s.PreAlarm = rapid.SampledFrom([]time.Duration{0, 8 * time.Second}).Draw(t, "pre-alarm")
	s.OnePassage, s.PassageInput = rapid.Bool().Draw(t, "one passage"), rapid.Bool().Draw(t, "passage input")
	return s
}

func TestRulesHoldInEveryLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, up := door.Door{Settings: anySettings(t)}, time.Duration(0)
		for _, s := range stimuli(t) {
			up += s.after
			before := settled(d, up)
			events := d.Step(at(up), s.in)
			if err := broken(before, s.in, events, d); err != nil {
				t.Fatalf("%v after %T%+v at %v of %+v", err, s.in, s.in, up, before.State)
			}
		}
		rest(t, &d)
	})
}

// rest lets time pass: whatever was timed ends, and the door falls silent.
func rest(t *rapid.T, d *door.Door) {
	for range 100 {
		wake, ok := d.Wake()
		if !ok {
			s := &d.State
			lasting := s.Fire && d.Settings.ReleaseOnFire || s.Kept || s.REX != 0 || s.Scheduled && !s.LockedDown
			if d.Released() != lasting {
				t.Fatalf("released %t at rest in %+v", d.Released(), *s)
			}
			return
		}
		d.Step(at(wake), nil)
	}
	t.Fatalf("never comes to rest: %+v", d.State)
}

// The trace depends neither on how often the loop woke in between nor on whether
// the state was saved and loaded on the way.
func TestTheSameLifeGivesTheSameTrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once := door.Door{Settings: anySettings(t)}
		often, up := once, time.Duration(0)
		for _, s := range stimuli(t) {
			var stepped []policy.Event
			for up += s.after; ; {
				wake, ok := often.Wake()
				if !ok || wake > up {
					break
				}
				stepped = append(stepped, often.Step(at(wake), nil)...)
			}
			often.State = reloaded(t, often.State)
			stepped = append(stepped, often.Step(at(up), s.in)...)
			if whole := once.Step(at(up), s.in); len(whole)+len(stepped) > 0 && !reflect.DeepEqual(whole, stepped) {
				t.Fatalf("at once:\n%v\nstep by step:\n%v", whole, stepped)
			}
			if once.State != often.State {
				t.Fatalf("at once:\n%+v\nstep by step:\n%+v", once.State, often.State)
			}
		}
	})
}

func reloaded(t *rapid.T, s door.State) (loaded door.State) {
	saved, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(saved, &loaded)
	}
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}
