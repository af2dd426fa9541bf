package rex

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// event moves a line, of which the queue hears some time later.
type event struct {
	at    time.Duration
	line  uint8
	high  bool
	delay time.Duration
}

// world is a set of lines with a clock of its own, which only calls move: each
// takes a little time, and Read waits. It ends when nothing more happens.
type world struct {
	events []event // in order of time
	levels uint64
	deaf   bool // no edge is ever queued
	room   int  // of the queue, which drops its oldest edges
	end    time.Duration
	slow   time.Duration // every call takes so long

	clock         time.Duration
	moved, queued int // events that have reached the lines, and the queue
	queue         []Edge
	looks         int // calls of Levels
}

func (w *world) now() time.Duration { return w.clock }

// advance moves the clock and lets happen what happens.
func (w *world) advance(to time.Duration) {
	w.clock = max(w.clock, to)
	for ; w.moved < len(w.events) && w.events[w.moved].at <= w.clock; w.moved++ {
		e := w.events[w.moved]
		w.levels &^= 1 << e.line
		if e.high {
			w.levels |= 1 << e.line
		}
	}
	for ; w.queued < len(w.events) && w.events[w.queued].at+w.events[w.queued].delay <= w.clock; w.queued++ {
		e := w.events[w.queued]
		if w.deaf {
			continue
		}
		w.queue = append(w.queue, Edge{At: e.at, Line: e.line, High: e.high, Seq: uint32(w.queued)})
		if len(w.queue) > w.room {
			w.queue = w.queue[1:]
		}
	}
}

func (w *world) Read(buf []Edge, wait time.Duration) (int, error) {
	w.advance(w.clock + w.slow)
	if len(w.queue) == 0 {
		until := w.clock + wait
		if w.queued < len(w.events) && !w.deaf {
			next := w.events[w.queued]
			until = min(until, max(next.at+next.delay, w.clock))
		}
		w.advance(until)
	}
	if w.clock >= w.end {
		return 0, io.EOF
	}
	n := copy(buf, w.queue)
	w.queue = w.queue[n:]
	return n, nil
}

func (w *world) Levels() (uint64, error) {
	w.advance(w.clock + w.slow)
	w.looks++
	return w.levels, nil
}

// run returns what Run delivers until the world ends.
func run(t interface{ Fatalf(string, ...any) }, w *world, inputs ...Config) []Change {
	if w.room == 0 {
		w.room = 1024
	}
	var got []Change
	err := Run(w, w.now, inputs, func(c Change) { got = append(got, c) })
	if !errors.Is(err, io.EOF) {
		t.Fatalf("Run: %v", err)
	}
	return got
}

func TestRun(t *testing.T) {
	rex := Config{Kind: REX, ClosedHigh: true}
	tests := []struct {
		name  string
		world world
		want  []string
	}{
		{"a press is reported when it is due",
			world{events: []event{{at: 100 * ms, high: true}, {at: 200 * ms}}},
			[]string{"30ms open initial", "130ms closed active", "230ms open"}},
		{"a button pressed before the start is found pressed",
			world{levels: 1, events: []event{{at: 100 * ms}}},
			[]string{"30ms closed active initial", "130ms open"}},
		{"a slow process reports late, but when it was due",
			world{slow: 7 * ms, events: []event{{at: 100 * ms, high: true}, {at: 200 * ms}}},
			[]string{"30ms open initial", "130ms closed active", "230ms open"}},
		{"an edge queued after the deadline but from before it still counts",
			world{slow: ms / 100, events: []event{{at: 100 * ms, high: true}, {at: 130*ms - 1, delay: ms / 200}}},
			[]string{"30ms open initial"}},
		{"a button whose interrupt is dead is seen within 400 ms",
			world{deaf: true, events: []event{{at: 100 * ms, high: true}, {at: 500*ms + 1}}},
			[]string{"30ms open initial", "260ms closed active", "690ms open"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := test.world
			w.end = time.Second
			var got []string
			for _, c := range run(t, &w, rex) {
				if c.At > w.now() {
					t.Errorf("%v is in the future", c)
				}
				got = append(got, line(c))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(test.want, "\n\t"))
			}
		})
	}
}

// Another line floods the queue, which is never found empty, and loses the edges
// of the press.
func TestRunReadsTheLevelAgainAfterAGap(t *testing.T) {
	w := &world{end: time.Second, room: 1, slow: 3 * ms}
	for at := 50 * ms; at < 900*ms; at += ms / 2 {
		switch at {
		case 101 * ms:
			w.events = append(w.events, event{at: at, high: true})
		case 301 * ms:
			w.events = append(w.events, event{at: at})
		default:
			w.events = append(w.events, event{at: at, line: 1, high: at%ms == 0})
		}
	}
	got := run(t, w, Config{Kind: REX, ClosedHigh: true})
	if len(got) != 3 {
		t.Fatalf("got %v", got)
	}
	for i, at := range []time.Duration{131 * ms, 331 * ms} {
		if off := (got[i+1].At - at).Abs(); off > 2*w.slow || got[i+1].Active != (i == 0) {
			t.Errorf("got %v, due %v", line(got[i+1]), at)
		}
	}
}

func TestRunIdlesQuietly(t *testing.T) {
	w := &world{end: 10 * time.Second, slow: ms / 100}
	run(t, w, Config{Kind: REX})
	if w.looks > 60 {
		t.Errorf("%d looks at the levels in 10 s", w.looks)
	}
}

func TestRunClampsEdgesFromTheFuture(t *testing.T) {
	w := &world{end: time.Second, room: 16, events: []event{{at: 100 * ms, high: true}, {at: 200 * ms}}}
	var got []string
	err := Run(ahead{w}, w.now, []Config{{Kind: REX, ClosedHigh: true}}, func(c Change) { got = append(got, line(c)) })
	want := []string{"30ms open initial", "130ms closed active", "230ms open"}
	if !errors.Is(err, io.EOF) || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

// ahead stamps edges on a clock of another century.
type ahead struct{ *world }

func (a ahead) Read(buf []Edge, wait time.Duration) (int, error) {
	n, err := a.world.Read(buf, wait)
	for i := range buf[:n] {
		buf[i].At += 1 << 60
	}
	return n, err
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []Config{{}, {Kind: REX, EndOfLine: CutDetect, MainResistor: 2200}} {
		if err := Run(nil, nil, []Config{c}, nil); err == nil || !strings.HasPrefix(err.Error(), "input 0: ") {
			t.Errorf("%v: error %v", c, err)
		}
	}
}

// However slow the process, small the queue and wild the lines: once they are
// quiet, every input is reported as it is.
func TestRunEndsWithTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inputs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Config {
			return drawConfig(t, rapid.OneOf(serving, others))
		}), 1, 4).Draw(t, "inputs")
		w := &world{
			room: rapid.IntRange(1, 100).Draw(t, "room"),
			slow: time.Duration(rapid.Int64Range(1, int64(5*ms)).Draw(t, "slow")),
			deaf: rapid.Bool().Draw(t, "deaf"),
		}
		var at time.Duration
		for range rapid.IntRange(0, 300).Draw(t, "events") {
			at += time.Duration(rapid.OneOf(
				rapid.Int64Range(0, int64(ms)), rapid.Int64Range(0, int64(100*ms))).Draw(t, "pause"))
			w.events = append(w.events, event{
				at:   at,
				line: uint8(rapid.IntRange(0, len(inputs)-1).Draw(t, "line")),
				high: rapid.Bool().Draw(t, "high"),
			})
		}
		w.end = at + 2*time.Second
		last := make([]Change, len(inputs))
		var before time.Duration
		for _, c := range run(t, w, inputs...) {
			if c.At < before {
				t.Fatalf("%v after %v", c, before)
			}
			before = c.At
			last[c.Input] = c
		}
		for i, c := range last {
			if want := inputs[i].state(w.levels&(1<<i) != 0); c.State != want {
				t.Errorf("input %d is %v, reported %v", i, want, c.State)
			}
		}
	})
}
