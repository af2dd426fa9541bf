package board

import (
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"doord/rex"
)

// changes returns what rex.Run makes of a bank, from before the stimuli until
// long after them, without the initial states.
func changes(t *testing.T, b *Board, lines rex.Lines, inputs []rex.Config, stimuli func()) []rex.Change {
	t.Helper()
	var got []rex.Change
	done := make(chan error)
	go func() {
		done <- rex.Run(lines, b.Now, inputs, func(c rex.Change) {
			if !c.Initial {
				got = append(got, c)
			}
		})
	}()
	synctest.Wait()
	stimuli()
	time.Sleep(time.Minute)
	b.Close()
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("Run: %v", err)
	}
	return got
}

func TestInputsAreAtRestAtFirst(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		// REX and contact are low while closed: one is open at rest, the other not.
		egress, _ := b.Egress().Levels()
		others, _ := b.Others().Levels()
		if egress != 0b01 || others != 0b10 {
			t.Errorf("levels %02b and %02b", egress, others)
		}
		if got := changes(t, b, b.Egress(), fourDoors.Egress, func() {}); len(got) != 0 {
			t.Errorf("changes %+v", got)
		}
	})
}

func TestADigitalLineShowsOpenOrClosed(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		for _, test := range []struct {
			state rex.State
			high  bool // on a line that is high while closed
		}{{rex.Open, false}, {rex.Closed, true}, {rex.Cut, false}, {rex.Short, true}} {
			b.SetInput(Others, 1, test.state)
			levels, err := b.Others().Levels()
			if high := levels&0b10 != 0; err != nil || high != test.high {
				t.Errorf("%v: high %v, %v", test.state, high, err)
			}
		}
	})
}

func TestAPressIsReported(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		got := changes(t, b, b.Egress(), fourDoors.Egress, func() {
			until(b, 100*ms)
			b.SetInput(Egress, 0, rex.Closed)
			until(b, 300*ms)
			b.SetInput(Egress, 0, rex.Open)
		})
		want := []rex.Change{
			{At: 130 * ms, Input: 0, State: rex.Closed, Active: true},
			{At: 330 * ms, Input: 0, State: rex.Open},
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	})
}

func TestAStuckButtonIsPressedForGood(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		got := changes(t, b, b.Egress(), fourDoors.Egress, func() {
			until(b, 100*ms)
			b.SetInput(Egress, 0, rex.Closed)
		})
		want := []rex.Change{{At: 130 * ms, Input: 0, State: rex.Closed, Active: true}}
		if !slices.Equal(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestABouncingButtonIsPressedOnce(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		var end time.Duration
		got := changes(t, b, b.Egress(), fourDoors.Egress, func() {
			until(b, 100*ms)
			var err error
			if end, err = b.Bounce(Egress, 0, rex.Closed, 50, 2*ms); err != nil {
				t.Fatal(err)
			}
		})
		// Half of the time counts: 30 ms are there after 59.
		want := []rex.Change{{At: 159 * ms, Input: 0, State: rex.Closed, Active: true}}
		if !slices.Equal(got, want) || end != 200*ms {
			t.Errorf("got %+v, bounced until %v", got, end)
		}
	})
}

func TestBounce(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		if _, err := b.Bounce(Others, 0, rex.Open, 2, 10*ms); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		buf := make([]rex.Edge, 8)
		n, err := b.Others().Read(buf, 0)
		want := []rex.Edge{
			{At: 0, High: true, Seq: 1},
			{At: 5 * ms, High: false, Seq: 2},
			{At: 10 * ms, High: true, Seq: 3},
			{At: 15 * ms, High: false, Seq: 4},
			{At: 20 * ms, High: true, Seq: 5},
		}
		if err != nil || !slices.Equal(buf[:n], want) {
			t.Errorf("got %+v, %v", buf[:n], err)
		}
	})
}

func TestSetInputEndsABounce(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		for _, input := range []int{0, 1} {
			if _, err := b.Bounce(Others, input, rex.Open, 1000, 10*ms); err != nil {
				t.Fatal(err)
			}
		}
		until(b, 12*ms)
		b.SetInput(Others, 0, rex.Closed)
		time.Sleep(20 * ms)
		buf := make([]rex.Edge, 64)
		n, _ := b.Others().Read(buf, 0)
		var at [2]time.Duration
		for _, e := range buf[:n] {
			at[e.Line] = e.At
		}
		if at[0] != 12*ms || at[1] != 30*ms {
			t.Errorf("the last edges are at %v", at)
		}
	})
}

func TestAFullQueueLosesItsOldestChanges(t *testing.T) {
	b := New(fourDoors)
	for range QueueLen {
		b.SetInput(Egress, 0, rex.Closed)
		b.SetInput(Egress, 0, rex.Open)
	}
	buf := make([]rex.Edge, 2*QueueLen)
	n, err := b.Egress().Read(buf, 0)
	if err != nil || n != QueueLen || buf[0].Seq != QueueLen+1 {
		t.Errorf("read %d edges, %v, from %d on", n, err, buf[0].Seq)
	}
}

func TestTheTruthIsFoundAfterLostEdges(t *testing.T) {
	bubble(t, fourDoors, func(t *testing.T, b *Board) {
		got := changes(t, b, b.Egress(), fourDoors.Egress, func() {
			until(b, 100*ms)
			for range 2 * QueueLen {
				b.SetInput(Egress, 0, rex.Closed)
				b.SetInput(Egress, 0, rex.Open)
			}
			b.SetInput(Egress, 0, rex.Closed)
		})
		want := []rex.Change{{At: 130 * ms, Input: 0, State: rex.Closed, Active: true}}
		if !slices.Equal(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestBounceRefuses(t *testing.T) {
	b := New(fourDoors)
	for _, test := range []struct {
		times  int
		period time.Duration
	}{{-1, ms}, {maxAhead, ms}, {1, 0}, {1, time.Hour}} {
		if _, err := b.Bounce(Egress, 0, rex.Closed, test.times, test.period); err == nil {
			t.Errorf("%d times in %v was accepted", test.times, test.period)
		}
	}
	if levels, _ := b.Egress().Levels(); levels != 0b01 {
		t.Errorf("levels %02b", levels)
	}
}
