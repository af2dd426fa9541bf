package wiegand

import (
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"doord/reader"
)

// kernel is the queue of a simulated kernel and the clock beside it. Each edge
// enters the queue at its time stamp; the process sleeps through the stalls.
type kernel struct {
	edges  []Edge // not yet read
	now    time.Duration
	stalls []time.Duration // the process, awake at one of these, sleeps for 200 ms
}

func (k *kernel) clock() time.Duration { return k.now }

func (k *kernel) Read(buf []Edge, wait time.Duration) (int, error) {
	if len(k.edges) == 0 && wait < 0 {
		return 0, io.EOF
	}
	until := k.now + wait
	if len(k.edges) > 0 && (wait < 0 || k.edges[0].At < until) {
		until = max(k.now, k.edges[0].At)
	}
	k.now = until
	if len(k.stalls) > 0 && k.now >= k.stalls[0] {
		k.stalls = k.stalls[1:]
		k.now += 200 * time.Millisecond
		return 0, nil // woken by the time-out, before it looks at the queue
	}
	n := 0
	for n < len(buf) && n < len(k.edges) && k.edges[n].At <= k.now {
		buf[n] = k.edges[n]
		n++
	}
	k.edges = k.edges[n:]
	return n, nil
}

func TestOnlyTimeStampsCutFrames(t *testing.T) {
	c := Config{Formats: []string{"H10301", "H10304"}}
	card26 := mustEncode(t, "H10301", number("", 12, 3456, 0))
	card37 := mustEncode(t, "H10304", number("", 1234, 56789, 0))
	edges := FallingEdges(slices.Concat(
		Shape{}.Train(card37, 0, nil),
		Shape{}.Train(card26, 100*ms, nil),
		Shape{Interval: 2 * ms}.Train(card37, 160*ms, nil),
	), 0)
	want := feed(mustPort(t, c), edges)
	if len(want) != 3 {
		t.Fatalf("without a loop: %+v", want)
	}
	tests := []struct {
		name   string
		stalls []time.Duration
	}{
		{"a process that is always on time", nil},
		{"a stall in the middle of a frame", []time.Duration{18 * ms}},
		{"a stall from bit 26 over the end of the frame and into the third", []time.Duration{25 * ms}},
		{"a stall that begins in the silence after a frame", []time.Duration{40 * ms}},
		{"a stall at every turn", slices.Repeat([]time.Duration{0}, 5)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := &kernel{edges: edges, stalls: tt.stalls}
			var got []reader.Read
			err := Run(k, k.clock, mustPort(t, c), func(r reader.Read) { got = append(got, r) })
			if !errors.Is(err, io.EOF) {
				t.Errorf("ended with %v", err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestRunDeliversBeforeTheNextEdge(t *testing.T) {
	card := mustEncode(t, "H10301", number("", 12, 3456, 0))
	k := &kernel{edges: FallingEdges(Shape{}.Train(card, 0, nil), 0)}
	var at time.Duration
	_ = Run(k, k.clock, mustPort(t, Config{Formats: []string{"H10301"}}), func(reader.Read) { at = k.now })
	if at != 30*ms { // 25 ms of bits and five intervals
		t.Errorf("delivered at %v", at)
	}
}

func TestRunReadsTheEdgesThatComeWithAnError(t *testing.T) {
	card := mustEncode(t, "H10301", number("", 12, 3456, 0))
	edges := FallingEdges(Shape{}.Train(card, 0, nil), 0)
	edges = append(edges, Edge{At: time.Second, Seq: 26})
	gone := errors.New("the line is gone")
	n := 0
	err := Run(edgesFunc(func(buf []Edge, _ time.Duration) (int, error) { return copy(buf, edges), gone }),
		func() time.Duration { return 0 }, mustPort(t, Config{Formats: []string{"H10301"}}),
		func(r reader.Read) {
			n++
			if r.Kind != reader.Card {
				t.Errorf("read %+v", r)
			}
		})
	if n != 1 || !errors.Is(err, gone) {
		t.Errorf("%d reads, error %v", n, err)
	}
}

type edgesFunc func([]Edge, time.Duration) (int, error)

func (f edgesFunc) Read(buf []Edge, wait time.Duration) (int, error) { return f(buf, wait) }
