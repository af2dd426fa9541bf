package relay

import (
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

// wirings draws boards that pass Validate.
func wirings(t *rapid.T) []Wiring {
	channels := rapid.SliceOfNDistinct(rapid.Uint8Range(1, 5), 0, 5, rapid.ID).Draw(t, "channels")
	ws := make([]Wiring, len(channels))
	for i, c := range channels {
		w := Wiring{
			Channel:   Channel(c),
			Use:       rapid.SampledFrom(uses.valid).Draw(t, "use"),
			ActiveLow: rapid.Bool().Draw(t, "active low"),
		}
		if w.Use == Lock {
			w.LockType = rapid.SampledFrom([]LockType{ElectricStrike, Magnetic}).Draw(t, "lock type")
			w.Contact = rapid.SampledFrom(contacts.valid).Draw(t, "contact")
			w.FailMode = rapid.SampledFrom(failModes.valid).Draw(t, "fail mode")
			if w.LockType == Magnetic {
				w.FailMode = rapid.SampledFrom([]FailMode{"", FailSafe}).Draw(t, "fail mode of a maglock")
			}
			w.AcknowledgeDeadBoardLocked = true
		}
		if err := w.Validate(); err != nil {
			t.Fatal(err)
		}
		ws[i] = w
	}
	return ws
}

// powered follows the copper from the line to the lock.
func powered(w Wiring, high bool) bool {
	coil := high
	if w.ActiveLow {
		coil = !high
	}
	if w.Use == Lock && w.Contact == NC {
		return !coil
	}
	return coil
}

func TestSafeNeverPowersALock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ws := wirings(t)
		levels := SafeLevels(ws)
		for i, w := range ws {
			if powered(w, levels&(1<<i) != 0) {
				t.Errorf("%+v has power", w)
			}
		}
	})
}

func TestReleasedIsPowerOnlyForFailSecure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, w := range wirings(t) {
			if w.Use != Lock {
				continue
			}
			failSecure := w.LockType == ElectricStrike && w.FailMode == FailSecure
			if powered(w, w.level(true)) != failSecure || powered(w, w.level(false)) == failSecure {
				t.Errorf("%+v", w)
			}
		}
	})
}

func TestApplyReachesTheLevelsAndWritesOnlyDifferences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ws := wirings(t)
		lines := &fakeLines{levels: SafeLevels(ws)}
		d, err := New(ws, lines)
		if err != nil {
			t.Fatal(err)
		}
		for _, wanted := range rapid.SliceOf(rapid.Uint8()).Draw(t, "wanted") {
			before := lines.levels
			lines.written = nil
			ms, err := d.Apply(Outputs(wanted))
			if err != nil || ms != nil {
				t.Fatalf("Apply: %v, %v", ms, err)
			}
			if want := levels(ws, Outputs(wanted)); lines.levels != want {
				t.Fatalf("levels %05b, want %05b", lines.levels, want)
			}
			var written uint64
			for _, mask := range lines.written {
				written |= mask
			}
			if written != before^lines.levels || len(lines.written) > 1 {
				t.Fatalf("wrote %05b for a difference of %05b", lines.written, before^lines.levels)
			}
		}
	})
}

// Whatever the lines do, each channel's reports alternate: wrong, right, wrong…
func TestMismatchesAlternate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ws := wirings(t)
		lines := &fakeLines{levels: SafeLevels(ws)}
		d, err := New(ws, lines)
		if err != nil {
			t.Fatal(err)
		}
		var faulty Outputs
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			lines.stuck = rapid.Uint64Range(0, 31).Draw(t, "stuck")
			lines.levels ^= rapid.Uint64Range(0, 31).Draw(t, "slip") & all(ws)
			ms, err := d.Apply(Outputs(rapid.Uint8().Draw(t, "wanted")))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range ms {
				if (m.Wanted != m.Got) == faulty.Has(m.Channel) {
					t.Fatalf("%v told twice", m)
				}
				faulty ^= bit(m.Channel)
			}
			if bits.OnesCount8(uint8(faulty)) != bits.OnesCount64(d.faulty) {
				t.Fatalf("told of %05b, holds %05b", faulty, d.faulty)
			}
		}
	})
}
