package board_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"doord/rex"
	"doord/sim/board"
)

// measured is a running bank of measured inputs, and what it told.
type measured struct {
	board   *board.Board
	changes []rex.Change
	faults  []string
	ended   chan error
}

func measure(inputs ...rex.Config) *measured {
	m := &measured{board: board.New(board.Spec{MeasuredEgress: inputs}), ended: make(chan error, 1)}
	go func() {
		m.ended <- rex.Measured(m.board.MeasuredEgress(), m.board.Now, inputs, func(c rex.Change) { m.changes = append(m.changes, c) },
			func(_ int, err error) {
				text := "readable"
				if err != nil {
					text = err.Error()
				}
				m.faults = append(m.faults, text)
			})
	}()
	m.pass(100 * time.Millisecond)
	return m
}

func (m *measured) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// took returns the states that were told since the last call, for one input.
func (m *measured) took() (states []rex.State) {
	for _, c := range m.changes {
		states = append(states, c.State)
	}
	m.changes = nil
	return states
}

func (m *measured) close(t rapid.TB) {
	t.Helper()
	m.board.Close()
	if err := <-m.ended; !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

func TestASupervisedLoopTellsItsFourStates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			c := rex.Config{Kind: rex.Fire, PullUp: 2200, EndOfLine: rex.CutAndShortDetect, MainResistor: 4700, SecondResistor: 1000}
			m := measure(c)
			defer m.close(t)
			if got := m.took(); !slices.Equal(got, []rex.State{rex.Closed}) {
				t.Fatalf("at first: %v", got)
			}
			m.board.Drift(board.MeasuredEgress, 0, rapid.Float64Range(-0.05, 0.05).Draw(t, "drift"))
			m.board.Noise(board.MeasuredEgress, 0, rex.Share(rapid.IntRange(0, 4000).Draw(t, "noise")), rapid.Uint64().Draw(t, "seed"))
			m.pass(5 * time.Second)
			if got := m.took(); got != nil {
				t.Fatalf("drift and noise alone: %v", got)
			}
			for _, s := range rapid.SliceOfN(rapid.SampledFrom([]rex.State{rex.Open, rex.Closed, rex.Cut, rex.Short}), 1, 8).Draw(t, "states") {
				was := len(m.changes)
				m.board.SetInput(board.MeasuredEgress, 0, s)
				m.pass(100 * time.Millisecond)
				for _, x := range m.changes[was:] {
					if x.State != s || x.Active != (s != rex.Closed) {
						t.Fatalf("%v: told %+v", s, x)
					}
				}
			}
		})
	})
}

func TestAMeasuredRequestToExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := measure(rex.Config{Kind: rex.REX, PullUp: 2200, EndOfLine: rex.CutAndShortDetect, MainResistor: 4700, SecondResistor: 1000})
		defer m.close(t)
		m.took()
		from := m.board.Now()
		m.board.SetInput(board.MeasuredEgress, 0, rex.Closed)
		m.pass(100 * time.Millisecond)
		if len(m.changes) != 1 || !m.changes[0].Active || m.changes[0].At-from > rex.DefaultDebounce+10*time.Millisecond {
			t.Errorf("pressed at %v: %+v", from, m.changes)
		}
		m.took()
		// A worn button: 10 ms there, 10 ms away, adds up.
		m.board.SetInput(board.MeasuredEgress, 0, rex.Open)
		m.pass(time.Second)
		m.took()
		for range 6 {
			m.board.SetInput(board.MeasuredEgress, 0, rex.Closed)
			m.pass(10 * time.Millisecond)
			m.board.SetInput(board.MeasuredEgress, 0, rex.Open)
			m.pass(10 * time.Millisecond)
		}
		if got := m.took(); !slices.Equal(got, []rex.State{rex.Closed}) {
			t.Errorf("a worn button: %v", got)
		}
	})
}

func TestALoopThatCannotBeMeasured(t *testing.T) {
	gone := errors.New("no such device")
	synctest.Test(t, func(t *testing.T) {
		m := measure(rex.Config{Kind: rex.Tamper, PullUp: 2200})
		defer m.close(t)
		m.took()
		m.board.FailMeasure(board.MeasuredEgress, 0, gone)
		m.pass(15 * time.Millisecond)
		m.board.FailMeasure(board.MeasuredEgress, 0, nil)
		m.pass(time.Second)
		if got := m.took(); got != nil || !slices.Equal(m.faults, []string{"readable"}) {
			t.Errorf("a hiccup: %v %q", got, m.faults)
		}
		m.board.FailMeasure(board.MeasuredEgress, 0, gone)
		m.pass(time.Second)
		m.board.FailMeasure(board.MeasuredEgress, 0, nil)
		m.pass(time.Second)
		if got := m.took(); !slices.Equal(got, []rex.State{rex.Cut, rex.Closed}) || !slices.Equal(m.faults, []string{"readable", "no such device", "readable"}) {
			t.Errorf("%v %q", got, m.faults)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		m := measure(rex.Config{Kind: rex.REX, PullUp: 2200})
		defer m.close(t)
		m.took()
		m.board.SetInput(board.MeasuredEgress, 0, rex.Closed)
		m.pass(time.Second)
		m.board.FailMeasure(board.MeasuredEgress, 0, gone)
		m.pass(time.Second)
		if got := m.took(); !slices.Equal(got, []rex.State{rex.Closed}) || m.faults[1] != gone.Error() {
			t.Errorf("a pressed button that cannot be measured: %v %q", got, m.faults)
		}
	})
}
