package rex

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// line describes a change on one line, its input only if it is not the first.
func line(c Change) string {
	words := []string{c.At.String()}
	if c.Input != 0 {
		words = append(words, fmt.Sprintf("input %d", c.Input))
	}
	words = append(words, c.State.String())
	for _, flag := range []struct {
		set  bool
		name string
	}{{c.Active, "active"}, {c.Initial, "initial"}, {c.Flood, "flood"}} {
		if flag.set {
			words = append(words, flag.name)
		}
	}
	return strings.Join(words, " ")
}

// sample is the state that a loop takes at a time.
type sample struct {
	at    time.Duration
	state State
}

// play returns the changes of one input, settled to the end.
func play(t *testing.T, c Config, samples []sample) []string {
	t.Helper()
	b, err := NewBank([]Config{c})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	take := func(changes []Change) {
		for _, c := range changes {
			got = append(got, line(c))
		}
	}
	for _, s := range samples {
		take(b.Sample(s.at, 0, s.state))
	}
	for at, ok := b.Wake(); ok; at, ok = b.Wake() {
		take(b.Settle(at))
	}
	return got
}

// bounce flips an input between two states, each for half the period.
func bounce(from, to, period time.Duration, a, b State) []sample {
	var s []sample
	for at := from; at < to; at += period {
		s = append(s, sample{at, a}, sample{at + period/2, b})
	}
	return s
}

func TestDebounce(t *testing.T) {
	rex, fire, contact := Config{Kind: REX}, Config{Kind: Fire}, Config{Kind: Contact}
	tests := []struct {
		name    string
		config  Config
		samples []sample
		want    []string
	}{
		{"the first state is reported after a debounce", contact,
			[]sample{{1000 * ms, Closed}},
			[]string{"1.03s closed initial"}},
		{"a door found open is reported as such", contact,
			[]sample{{1000 * ms, Open}},
			[]string{"1.03s open active initial"}},
		{"a press releases after the debounce and ends a debounce after it", rex,
			[]sample{{0, Open}, {100 * ms, Closed}, {300 * ms, Open}},
			[]string{"30ms open initial", "130ms closed active", "330ms open"}},
		{"a press of exactly the debounce counts", rex,
			[]sample{{0, Open}, {100 * ms, Closed}, {130 * ms, Open}},
			[]string{"30ms open initial", "130ms closed active", "160ms open"}},
		{"a shorter one does not", rex,
			[]sample{{0, Open}, {100 * ms, Closed}, {130*ms - 1, Open}},
			[]string{"30ms open initial"}},
		{"two short presses within twice the debounce add up", rex,
			[]sample{{0, Open}, {100 * ms, Closed}, {120 * ms, Open}, {140 * ms, Closed}, {155 * ms, Open}},
			[]string{"30ms open initial", "150ms closed active", "185ms open"}},
		{"too far apart they do not", rex,
			[]sample{{0, Open}, {100 * ms, Closed}, {120 * ms, Open}, {175 * ms, Closed}, {190 * ms, Open}},
			[]string{"30ms open initial"}},
		{"a button that bounces all the time releases", rex,
			append([]sample{{0, Open}}, bounce(100*ms, 200*ms, 2*ms, Closed, Open)...),
			[]string{"30ms open initial", "159ms closed active", "229ms open"}},
		{"a released button does not release again on what it had counted", rex,
			[]sample{{0, Open}, {100 * ms, Closed}, {200 * ms, Open}, {231 * ms, Closed}, {250 * ms, Open}},
			[]string{"30ms open initial", "130ms closed active", "230ms open"}},
		{"nor on what it had counted before it was active", rex,
			[]sample{{0, Open}, {100 * ms, Closed}, {129 * ms, Open}, {130 * ms, Closed}, {131 * ms, Open}, {162 * ms, Closed}, {165 * ms, Open}},
			[]string{"30ms open initial", "131ms closed active", "161ms open"}},
		{"bounces hold a press", rex,
			[]sample{{0, Open}, {100 * ms, Closed}, {150 * ms, Open}, {179 * ms, Closed}, {180 * ms, Open}},
			[]string{"30ms open initial", "130ms closed active", "210ms open"}},
		{"spikes are not pressed", rex,
			append([]sample{{0, Open}}, bounce(100*ms, 101*ms, 100*time.Microsecond, Closed, Open)...),
			[]string{"30ms open initial"}},
		{"a cut fire loop is fire", fire,
			[]sample{{0, Closed}, {100 * ms, Cut}},
			[]string{"30ms closed initial", "130ms cut active"}},
		{"a fire loop that flickers between open and cut is fire all the same", fire,
			append([]sample{{0, Closed}}, bounce(100*ms, 140*ms, 10*ms, Open, Cut)...),
			[]string{"30ms closed initial", "130ms cut active"}},
		{"a cut REX wire is no press", rex,
			[]sample{{0, Open}, {100 * ms, Cut}},
			[]string{"30ms open initial", "130ms cut"}},
		{"a pressed REX ends although its wire flickers between open and cut", rex,
			append([]sample{{0, Closed}}, bounce(100*ms, 200*ms, 10*ms, Open, Cut)...),
			[]string{"30ms closed active initial", "130ms cut"}},
		{"a contact that bounces as it opens is open", contact,
			append([]sample{{0, Closed}}, bounce(100*ms, 200*ms, 2*ms, Open, Closed)...),
			[]string{"30ms closed initial", "159ms open active", "229ms closed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := play(t, test.config, test.samples); !slices.Equal(got, test.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(test.want, "\n\t"))
			}
		})
	}
}

func TestFlood(t *testing.T) {
	fast := func(k Kind) Config { return Config{Kind: k, Debounce: ms, Normally: NormallyClosed} }
	chatter := append([]sample{{0, Closed}}, bounce(100*ms, 300*ms, 20*ms, Open, Closed)...)

	t.Run("a chattering contact is held back, says so once, and its last state comes out", func(t *testing.T) {
		want := []string{
			"1ms closed initial",
			"101ms open active", "111ms closed", "121ms open active", "131ms closed flood",
			"201ms open active", // 200 ms after the initial report, which counts, too
			"401ms closed",
		}
		if got := play(t, fast(Contact), chatter); !slices.Equal(got, want) {
			t.Errorf("got\n\t%s", strings.Join(got, "\n\t"))
		}
	})
	t.Run("a chattering REX is not", func(t *testing.T) {
		if got := play(t, fast(REX), chatter); len(got) != 21 {
			t.Errorf("%d changes\n\t%s", len(got), strings.Join(got, "\n\t"))
		}
	})
	t.Run("an activation that is over before it could be told is told", func(t *testing.T) {
		// The burst goes with 140 ms; the door opens and closes before 200 ms.
		samples := append([]sample{{0, Closed}}, bounce(100*ms, 140*ms, 20*ms, Open, Closed)...)
		samples = append(samples, sample{150 * ms, Open}, sample{160 * ms, Closed})
		got := play(t, fast(Contact), samples)
		if want := []string{"201ms open active", "401ms closed"}; !slices.Equal(got[len(got)-2:], want) {
			t.Errorf("got\n\t%s", strings.Join(got, "\n\t"))
		}
	})
	t.Run("after a quiet second a new flood says so again", func(t *testing.T) {
		samples := append(slices.Clone(chatter), bounce(2000*ms, 2200*ms, 20*ms, Open, Closed)...)
		floods := 0
		for _, l := range play(t, fast(Contact), samples) {
			if strings.HasSuffix(l, "flood") {
				floods++
			}
		}
		if floods != 2 {
			t.Errorf("%d floods", floods)
		}
	})
}

func TestBankReportsInOrderOfTime(t *testing.T) {
	b, err := NewBank([]Config{{Kind: Contact, Debounce: 50 * ms}, {Kind: Tamper, Debounce: 10 * ms}})
	if err != nil {
		t.Fatal(err)
	}
	b.Levels(0, 0)
	b.Settle(time.Second)
	b.Edge(Edge{At: 1000 * ms, Line: 0, High: true, Seq: 1})
	b.Edge(Edge{At: 1001 * ms, Line: 1, High: true, Seq: 2})
	var got []string
	for _, c := range b.Settle(2 * time.Second) {
		got = append(got, line(c))
	}
	want := []string{"1.011s input 1 open active", "1.05s open active"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBankNoticesLostEdges(t *testing.T) {
	b, err := NewBank([]Config{{Kind: REX}})
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		seq  uint32
		lost bool
	}{{1<<32 - 1, false}, {0, false}, {1, false}, {3, true}, {4, true}}
	for _, step := range steps {
		b.Edge(Edge{Seq: step.seq})
		if b.Lost() != step.lost {
			t.Errorf("after %d: lost %v", step.seq, b.Lost())
		}
	}
	b.Levels(0, 0)
	b.Edge(Edge{Seq: 5})
	if b.Lost() {
		t.Error("the levels did not make up for what was lost")
	}
}

func TestNewBankRefuses(t *testing.T) {
	if _, err := NewBank([]Config{{Kind: REX}, {}}); err == nil || !strings.HasPrefix(err.Error(), "input 1: kind") {
		t.Errorf("error %v", err)
	}
	if _, err := NewBank(make([]Config, 65)); err == nil {
		t.Error("65 inputs were accepted")
	}
}

func TestEmptyBankNeverWakes(t *testing.T) {
	b, err := NewBank(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Wake(); ok || len(b.Levels(time.Second, ^uint64(0))) != 0 {
		t.Error("an empty bank has something to do")
	}
}
