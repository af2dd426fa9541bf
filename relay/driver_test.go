package relay

import (
	"errors"
	"slices"
	"testing"
)

// fakeLines are lines that can be stuck, broken or unreadable.
type fakeLines struct {
	levels  uint64
	stuck   uint64 // Set has no effect on them
	broken  uint64 // Set fails on them
	unread  error  // what Get returns
	written []uint64
}

var errBroken = errors.New("broken")

func (f *fakeLines) Set(mask, levels uint64) error {
	if mask&f.broken != 0 {
		return errBroken
	}
	f.written = append(f.written, mask)
	mask &^= f.stuck
	f.levels = f.levels&^mask | levels&mask
	return nil
}

func (f *fakeLines) Get() (uint64, error) { return f.levels, f.unread }

// board has a siren, a strike, and a maglock through an active-low relay, wired
// in an order that is not that of the channels.
var board = []Wiring{
	{Channel: AuxChannel, Use: Siren},
	{Channel: 1, Use: Lock, LockType: ElectricStrike, FailMode: FailSecure, Contact: NO},
	{Channel: 3, Use: Lock, LockType: Magnetic, Contact: NO, ActiveLow: true},
}

const (
	siren   = uint64(1) << 0
	strike  = uint64(1) << 1
	maglock = uint64(1) << 2

	safeLevels    = maglock // high: its coil is off
	securedLevels = uint64(0)
)

// newBoard returns a driver whose relays are secured, and its lines.
func newBoard(t testing.TB) (*Driver, *fakeLines) {
	t.Helper()
	lines := &fakeLines{levels: SafeLevels(board)}
	d, err := New(board, lines)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, d, 0)
	lines.written = nil
	return d, lines
}

func apply(t testing.TB, d *Driver, wanted Outputs, want ...Mismatch) {
	t.Helper()
	got, err := d.Apply(wanted)
	if err != nil {
		t.Errorf("Apply: %v", err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("Apply returned %v, want %v", got, want)
	}
}

func TestSafeLevels(t *testing.T) {
	if got := SafeLevels(board); got != safeLevels {
		t.Errorf("got %03b, want %03b", got, safeLevels)
	}
}

func TestApplyWritesOnlyDifferencesInOneSet(t *testing.T) {
	d, lines := newBoard(t)
	steps := []struct {
		wanted  Outputs
		written []uint64
		levels  uint64
	}{
		{0, nil, securedLevels},
		{Outputs(0).With(1).With(3), []uint64{strike | maglock}, strike | maglock},
		{Outputs(0).With(1).With(3), nil, strike | maglock},
		{Outputs(0).With(3).With(AuxChannel), []uint64{strike | siren}, maglock | siren},
		{Outputs(0).With(2), []uint64{maglock | siren}, securedLevels}, // channel 2 is not wired
	}
	for i, step := range steps {
		lines.written = nil
		apply(t, d, step.wanted)
		if !slices.Equal(lines.written, step.written) || lines.levels != step.levels {
			t.Errorf("step %d: wrote %03b, levels %03b; want %03b, %03b",
				i, lines.written, lines.levels, step.written, step.levels)
		}
	}
}

func TestStuckLineIsReportedOnceAndTriedAgain(t *testing.T) {
	d, lines := newBoard(t)
	lines.stuck = strike
	released := Outputs(0).With(1)
	apply(t, d, released, Mismatch{Channel: 1, Wanted: true, Got: false})
	apply(t, d, released)
	apply(t, d, released)
	if want := []uint64{strike, strike, strike}; !slices.Equal(lines.written, want) {
		t.Errorf("wrote %03b, want a try for each Apply", lines.written)
	}
	lines.stuck = 0
	apply(t, d, released, Mismatch{Channel: 1, Wanted: true, Got: true})
	apply(t, d, released)
}

func TestStuckLineIsClearedWhenItIsWantedWhereItIs(t *testing.T) {
	d, lines := newBoard(t)
	lines.stuck = strike
	apply(t, d, Outputs(0).With(1), Mismatch{Channel: 1, Wanted: true, Got: false})
	apply(t, d, 0, Mismatch{Channel: 1, Wanted: false, Got: false})
}

func TestLineMovedBySomeoneElseIsReportedAndPutBack(t *testing.T) {
	d, lines := newBoard(t)
	lines.levels |= maglock
	apply(t, d, 0, Mismatch{Channel: 3, Wanted: false, Got: true})
	if lines.levels != securedLevels {
		t.Errorf("levels %03b", lines.levels)
	}
	apply(t, d, 0, Mismatch{Channel: 3, Wanted: false, Got: false})
}

func TestLineThatMovedBeforeItWasToldIsReported(t *testing.T) {
	d, lines := newBoard(t)
	lines.levels |= maglock
	released := Outputs(0).With(3)
	apply(t, d, released, Mismatch{Channel: 3, Wanted: false, Got: true})
	apply(t, d, released, Mismatch{Channel: 3, Wanted: true, Got: true})
}

func TestLinesNotSafeAtStartAreReported(t *testing.T) {
	lines := &fakeLines{levels: safeLevels | siren}
	d, err := New(board, lines)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, d, 0, Mismatch{Channel: AuxChannel, Wanted: false, Got: true})
}

func TestBrokenLineDoesNotHoldUpTheOthers(t *testing.T) {
	d, lines := newBoard(t)
	lines.broken = strike
	ms, err := d.Apply(Outputs(0).With(1).With(3))
	if !errors.Is(err, errBroken) || err.Error() != "set relay 1: broken" {
		t.Errorf("error %v", err)
	}
	if want := []Mismatch{{Channel: 1, Wanted: true, Got: false}}; !slices.Equal(ms, want) {
		t.Errorf("got %v, want %v", ms, want)
	}
	if lines.levels != maglock {
		t.Errorf("levels %03b: the maglock was not released", lines.levels)
	}
	lines.broken = 0
	apply(t, d, Outputs(0).With(1).With(3), Mismatch{Channel: 1, Wanted: true, Got: true})
}

func TestUnreadableLinesAreWrittenAll(t *testing.T) {
	d, lines := newBoard(t)
	lines.unread = errBroken
	_, err := d.Apply(Outputs(0).With(1))
	if !errors.Is(err, errBroken) || err.Error() != "read aux relay, relay 1, relay 3: broken" {
		t.Errorf("error %v", err)
	}
	if want := []uint64{siren | strike | maglock}; !slices.Equal(lines.written, want) || lines.levels != strike {
		t.Errorf("wrote %03b, levels %03b", lines.written, lines.levels)
	}
	lines.unread = nil
	apply(t, d, Outputs(0).With(1))
}

func TestApplyAfterMakeSafeSeesWhatItDid(t *testing.T) {
	d, lines := newBoard(t)
	released := Outputs(0).With(1)
	apply(t, d, released)
	if err := MakeSafe(board, lines); err != nil {
		t.Fatal(err)
	}
	apply(t, d, released,
		Mismatch{Channel: 1, Wanted: true, Got: false},
		Mismatch{Channel: 3, Wanted: false, Got: true})
	if lines.levels != strike {
		t.Errorf("levels %03b: the strike is not released again", lines.levels)
	}
}

func TestMakeSafe(t *testing.T) {
	tests := []struct {
		name   string
		lines  fakeLines
		err    string
		levels uint64
	}{
		{"writes every line, whatever it was", fakeLines{levels: siren | strike}, "", safeLevels},
		{"goes on past a broken line", fakeLines{levels: siren | strike, broken: siren},
			"set aux relay: broken\naux relay not in the safe state", siren | safeLevels},
		{"names the line that does not follow", fakeLines{levels: strike, stuck: strike},
			"relay 1 not in the safe state", strike | safeLevels},
		{"writes what it cannot read", fakeLines{levels: siren, unread: errBroken},
			"read aux relay, relay 1, relay 3: broken", safeLevels},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := MakeSafe(board, &test.lines)
			if got := errString(err); got != test.err {
				t.Errorf("error %q, want %q", got, test.err)
			}
			if test.lines.levels != test.levels {
				t.Errorf("levels %03b, want %03b", test.lines.levels, test.levels)
			}
		})
	}
}

func errString(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestNewRefuses(t *testing.T) {
	if _, err := New([]Wiring{board[1], board[1]}, nil); errString(err) != "relay 1 is wired twice" {
		t.Errorf("error %v", err)
	}
	if _, err := New([]Wiring{{}}, nil); err == nil {
		t.Error("an empty wiring was accepted")
	}
}
