package board

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"doord/policy"
)

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern pattern
		shown   string // the first ticks
		steady  int    // the tick from which nothing changes; -1 is never
	}{
		{"", "....", 0},
		{"!", "....", 0},
		{".", "....", 0},
		{"#", "####", 0},
		{"#.", "#.#.#.", -1},
		{"##...", "##...##...##", -1},
		{"#.!", "#.....", 1},
		{"##.!", "##....", 2},
		{"#.#!", "#.####", 2},
	} {
		for n, want := range tt.shown {
			if got := tt.pattern.on(n); got != (want == '#') {
				t.Errorf("%q at tick %d: %t", tt.pattern, n, got)
			}
			if got, want := tt.pattern.steady(n), tt.steady >= 0 && n >= tt.steady; got != want {
				t.Errorf("%q at tick %d is steady: %t", tt.pattern, n, got)
			}
		}
	}
}

// Whoever is colour-blind or deaf tells yes from no by the other of the two.
func TestYesAndNoDifferInLightAndInSound(t *testing.T) {
	yes, no := patterns[policy.ShowGranted], patterns[policy.ShowDenied]
	if yes.led == no.led || yes.buzzer == no.buzzer {
		t.Errorf("granted is %q, denied %q", yes, no)
	}
	for f := policy.ShowIdle; f <= policy.ShowAlarm; f++ {
		p, ok := patterns[f]
		if !ok || strings.Trim(string(p.led), "#.!") != "" || strings.Trim(string(p.buzzer), "#.!") != "" {
			t.Errorf("feedback %d is %q", f, p)
		}
	}
}

// played returns what a line showed in each of the first ticks.
func played(l *fakeLines, start time.Time, ticks int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for n := range ticks {
		at := '.'
		for _, s := range l.sets {
			if s.at.Sub(start) <= time.Duration(n)*tick && s.levels&s.mask != 0 {
				at = '#'
			} else if s.at.Sub(start) <= time.Duration(n)*tick {
				at = '.'
			}
		}
		b.WriteRune(at)
	}
	return b.String()
}

func TestAPanelPlaysInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		led, buzzer := &fakeLines{}, &fakeLines{}
		p := newPanel(&output{lines: led}, &output{lines: buzzer})
		defer p.stop()
		start := time.Now()
		p.show(policy.ShowDenied, true)
		<-time.After(time.Second)
		synctest.Wait()
		if l, b := played(led, start, 10), played(buzzer, start, 10); l != "#.#.#....." || b != "#.#.#....." {
			t.Errorf("denied is %s and %s", l, b)
		}
		told := len(led.sets)
		<-time.After(time.Hour)
		synctest.Wait()
		if len(led.sets) != told {
			t.Errorf("a pattern that has ended was played on: %d more", len(led.sets)-told)
		}
		start = time.Now()
		p.show(policy.ShowAlarm, true)
		<-time.After(time.Second)
		p.show(policy.ShowIdle, true)
		<-time.After(tick)
		synctest.Wait()
		if l, b := played(led, start, 11), played(buzzer, start, 11); l[:10] != "#.#.#.#.#." || b[:10] != "#####....." || l[10] != '.' || b[10] != '.' {
			t.Errorf("an alarm that ends is %s and %s", l, b)
		}
	})
}

func TestASilentPanelShowsWithoutASound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		led, buzzer := &fakeLines{}, &fakeLines{}
		p := newPanel(&output{lines: led}, &output{lines: buzzer})
		defer p.stop()
		start := time.Now()
		p.show(policy.ShowDenied, false)
		<-time.After(time.Second)
		synctest.Wait()
		if l, b := played(led, start, 10), played(buzzer, start, 10); l != "#.#.#....." || b != ".........." {
			t.Errorf("denied without a sound is %s and %s", l, b)
		}
	})
}

func TestAnActiveLowPanelIsOnWhileItsLineIsLow(t *testing.T) {
	l := &fakeLines{levels: 1}
	o := &output{lines: l, low: true}
	for _, on := range []bool{true, false} {
		if err := o.set(on); err != nil || l.levels != bit(!on) {
			t.Errorf("on %t: level %d, %v", on, l.levels, err)
		}
	}
	var none *output
	if err := none.set(true); err != nil {
		t.Errorf("an output that is not there: %v", err)
	}
}

// slow is a line on a bus that hangs until it is let go.
type slow struct {
	*fakeLines
	begun, free chan struct{}
}

func (s slow) Set(mask, levels uint64) error {
	select {
	case s.begun <- struct{}{}:
	default:
	}
	<-s.free
	return s.fakeLines.Set(mask, levels)
}

func TestALineThatHangsDelaysNobodyAndTheLastIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := slow{&fakeLines{}, make(chan struct{}, 1), make(chan struct{})}
		p := newPanel(&output{lines: l}, nil)
		defer p.stop()
		p.show(policy.ShowIdle, true)
		<-l.begun
		for range 100 {
			p.show(policy.ShowDenied, true)
		}
		p.show(policy.ShowReleased, true)
		close(l.free)
		synctest.Wait()
		var levels []uint64
		for _, s := range l.sets {
			levels = append(levels, s.levels)
		}
		if !slices.Equal(levels, []uint64{0, 1}) {
			t.Errorf("it showed %d: idle, and then the last", levels)
		}
	})
}

func TestAPanelIsStoppedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPanel(nil, nil)
		p.show(policy.ShowAlarm, true)
		p.stop()
		p.stop()
	})
}
