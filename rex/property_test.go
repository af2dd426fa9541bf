package rex

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	serving = rapid.SampledFrom([]Kind{REX, Fire})
	others  = rapid.SampledFrom([]Kind{Contact, Tamper, AlarmPanel, Passage, Loop})
	digital = []State{Open, Closed}
	all     = []State{Open, Closed, Cut, Short}
)

// drawConfig draws an input that is active while its loop is closed.
func drawConfig(t *rapid.T, kinds *rapid.Generator[Kind]) Config {
	return Config{
		Kind:     kinds.Draw(t, "kind"),
		Normally: NormallyOpen,
		Debounce: time.Duration(rapid.Int64Range(int64(MinDebounce), int64(MaxDebounce)).Draw(t, "debounce")),
	}
}

// drawHistory draws what happens to a loop: bounces, presses and pauses.
func drawHistory(t *rapid.T, states []State) []sample {
	lengths := rapid.SliceOfN(rapid.OneOf(
		rapid.Int64Range(0, int64(2*ms)),
		rapid.Int64Range(0, int64(50*ms)),
		rapid.Int64Range(0, int64(time.Second)),
	), 1, 60).Draw(t, "lengths")
	var at time.Duration
	var h []sample
	for _, l := range lengths {
		at += time.Duration(l)
		h = append(h, sample{at, rapid.SampledFrom(states).Draw(t, "state")})
	}
	return h
}

// drawPieces cuts a duration into n pieces, some of which may be nothing.
func drawPieces(t *rapid.T, d time.Duration, n int) []time.Duration {
	marks := rapid.SliceOfN(rapid.Int64Range(0, int64(d)), n-1, n-1).Draw(t, "marks")
	slices.Sort(marks)
	var from int64
	var pieces []time.Duration
	for _, m := range append(marks, int64(d)) {
		pieces = append(pieces, time.Duration(m-from))
		from = m
	}
	return pieces
}

// drawBounces draws samples that begin at a time, and are active for the
// debounce in all within twice the debounce.
func drawBounces(t *rapid.T, from, debounce time.Duration) []sample {
	n := rapid.IntRange(1, 50).Draw(t, "pieces")
	active, idle := drawPieces(t, debounce, n), drawPieces(t, debounce, n)
	var h []sample
	for i := range n {
		h = append(h, sample{from, Open})
		from += idle[i]
		h = append(h, sample{from, Closed})
		from += active[i]
	}
	return append(h, sample{from, Open})
}

// listener hears what a bank of one input reports.
type listener struct {
	bank  *Bank
	heard []Change
}

func listen(t *rapid.T, c Config) *listener {
	b, err := NewBank([]Config{c})
	if err != nil {
		t.Fatal(err)
	}
	return &listener{bank: b}
}

func (l *listener) play(h []sample) time.Duration {
	for _, s := range h {
		l.heard = append(l.heard, l.bank.Sample(s.at, 0, s.state)...)
	}
	return h[len(h)-1].at
}

func (l *listener) settle(at time.Duration) {
	l.heard = append(l.heard, l.bank.Settle(at)...)
}

// last is what the listener believes.
func (l *listener) last() Change {
	if len(l.heard) == 0 {
		return Change{}
	}
	return l.heard[len(l.heard)-1]
}

// activeWithin reports whether the listener believed in activity at some time.
func (l *listener) activeWithin(from, to time.Duration) bool {
	believed := false
	for _, c := range l.heard {
		if c.At > to {
			break
		}
		if c.At > from && believed {
			return true
		}
		believed = c.Active
	}
	return believed
}

// Whatever came before, and however it bounces.
func TestREXActiveForHalfTheTimeIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t, serving)
		l := listen(t, c)
		from := l.play(drawHistory(t, digital))
		to := l.play(drawBounces(t, from, c.Debounce))
		if !l.activeWithin(from, to) {
			t.Fatalf("not active between %v and %v: %v", from, to, l.heard)
		}
	})
}

// The same for the others, but for what the rate limit may hold back.
func TestBouncingInputIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t, others)
		l := listen(t, c)
		from := l.play(drawHistory(t, digital))
		to := l.play(drawBounces(t, from, c.Debounce)) + limitEvery
		l.settle(to)
		if !l.activeWithin(from, to) {
			t.Fatalf("not active between %v and %v: %v", from, to, l.heard)
		}
	})
}

// EN/IEC 60839-11-1: 400 ms, even in the middle of a flood.
func TestInputActiveFor400msIsSeenWithin400ms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := listen(t, drawConfig(t, rapid.OneOf(serving, others)))
		from := l.play(drawHistory(t, digital))
		l.play([]sample{{from, Closed}})
		l.settle(from + 400*ms)
		if !l.last().Active {
			t.Fatalf("active since %v, not seen: %v", from, l.heard)
		}
	})
}

func TestFloodIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := listen(t, drawConfig(t, others))
		l.play(drawHistory(t, all))
		l.settle(time.Hour)
		for i := MaxRate; i < len(l.heard); i++ {
			if first, last := l.heard[i-MaxRate], l.heard[i]; last.At-first.At < time.Second {
				t.Fatalf("%d changes from %v to %v", MaxRate+1, first.At, last.At)
			}
		}
	})
}

func TestOnceQuietTheTrueStateIsReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t, rapid.OneOf(serving, others))
		h := drawHistory(t, all)
		l := listen(t, c)
		quiet := l.play(h)
		if c.serves() {
			l.settle(quiet + c.Debounce)
		} else {
			l.settle(quiet + c.Debounce + 2*limitEvery) // an activation may go first
		}
		if l.last().State != h[len(h)-1].state {
			t.Fatalf("the line is %v, reported %v", h[len(h)-1].state, l.heard)
		}
		if at, ok := l.bank.Wake(); ok {
			t.Fatalf("something is left for %v", at)
		}
	})
}

// Each report differs from the one before, and the first alone is initial.
func TestReportsAreChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t, rapid.OneOf(serving, others))
		l := listen(t, c)
		l.play(drawHistory(t, all))
		l.settle(time.Hour)
		var before Change
		for i, now := range l.heard {
			if now.State == before.State || now.At < before.At || now.Initial != (i == 0) || now.Active != c.Active(now.State) {
				t.Fatalf("%+v after %+v", now, before)
			}
			before = now
		}
	})
}

// A slow process gives the same trace as a quick one.
func TestTraceDoesNotDependOnWhenItIsSettled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t, rapid.OneOf(serving, others))
		h := drawHistory(t, all)
		lazy, eager := listen(t, c), listen(t, c)
		lazy.play(h)
		lazy.settle(time.Hour)
		for i, s := range h {
			eager.play(h[i : i+1])
			next := time.Hour
			if i+1 < len(h) {
				next = h[i+1].at
			}
			if s.at < next {
				eager.settle(time.Duration(rapid.Int64Range(int64(s.at), int64(next)).Draw(t, "settle")))
			}
		}
		eager.settle(time.Hour)
		if !slices.Equal(lazy.heard, eager.heard) {
			t.Fatalf("lazy  %v\neager %v", lazy.heard, eager.heard)
		}
	})
}

// twin is the debounce as the doc comments put it, millisecond by millisecond.
// The debounce is a multiple of 8 ms.
func twin(c Config, h []sample) []Change {
	debounce := int(c.Debounce / ms)
	slot := debounce / 8
	var changes []Change
	var settled State
	var line []State // line[i] from i to i+1
	counted := 0     // activity before is forgotten
	for t, next := 0, 0; t <= int(h[len(h)-1].at/ms)+2*debounce; t++ {
		if t > 0 {
			seen := line[t-1]
			// run counts the milliseconds up to now for which it was so.
			run := func(so func(State) bool) (n int) {
				for n < t && so(line[t-1-n]) {
					n++
				}
				return n
			}
			active := 0
			for i := max(counted, ((t-1)/slot-slots)*slot, 0); i < t; i++ {
				if c.Active(line[i]) {
					active++
				}
			}
			due := false
			switch is, was := c.Active(seen), c.Active(settled); {
			case seen == settled || seen == 0:
			case is && !was:
				due = active >= debounce
			case !is && was:
				due = run(func(s State) bool { return !c.Active(s) }) >= debounce
			default:
				due = run(func(s State) bool { return s == seen }) >= debounce
			}
			if due {
				changes = append(changes, Change{
					At: time.Duration(t) * ms, State: seen, Active: c.Active(seen), Initial: settled == 0,
				})
				if c.Active(settled) && !c.Active(seen) {
					counted = t
				}
				settled = seen
			}
		}
		seen := State(0)
		if t > 0 {
			seen = line[t-1]
		}
		for ; next < len(h) && h[next].at <= time.Duration(t)*ms; next++ {
			seen = h[next].state
		}
		line = append(line, seen)
	}
	return changes
}

func TestDebounceAgreesWithItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{
			Kind:     serving.Draw(t, "kind"),
			Normally: NormallyOpen,
			Debounce: time.Duration(rapid.IntRange(1, 5).Draw(t, "debounce")) * 8 * ms,
		}
		var h []sample
		var at time.Duration
		for range rapid.IntRange(1, 80).Draw(t, "samples") {
			h = append(h, sample{at, rapid.SampledFrom(all).Draw(t, "state")})
			at += time.Duration(rapid.IntRange(1, 25).Draw(t, "length")) * ms
		}
		l := listen(t, c)
		l.play(h)
		l.settle(time.Hour)
		if want := twin(c, h); !slices.Equal(l.heard, want) {
			t.Fatalf("got  %v\nwant %v", l.heard, want)
		}
	})
}
