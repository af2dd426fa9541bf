package board

import (
	"sync"
	"time"

	"doord/policy"
)

// tick is the length of one step of a pattern.
const tick = 100 * time.Millisecond

// pattern is what an LED or a buzzer does, in ticks: '#' on, '.' off. It repeats,
// or if it ends in '!' plays once and stays as it ended.
type pattern string

// on returns the state at a tick.
func (p pattern) on(n int) bool {
	once := len(p) > 0 && p[len(p)-1] == '!'
	if once {
		p = p[:len(p)-1]
	}
	switch {
	case len(p) == 0:
		return false
	case once:
		return p[min(n, len(p)-1)] == '#'
	default:
		return p[n%len(p)] == '#'
	}
}

// steady reports whether nothing changes from a tick on.
func (p pattern) steady(n int) bool {
	if len(p) > 0 && p[len(p)-1] == '!' {
		return n >= len(p)-2
	}
	return len(p) <= 1
}

// showing is what a panel plays.
type showing struct{ led, buzzer pattern }

// patterns say what a reader shows: long light for yes, short sounds for no.
var patterns = map[policy.Feedback]showing{
	policy.ShowIdle:         {".", "."},
	policy.ShowReleased:     {"#", "."},
	policy.ShowGranted:      {"#", "##.!"},
	policy.ShowDenied:       {"#.#.#.!", "#.#.#.!"},
	policy.ShowAskPIN:       {"#####.....", "#.!"},
	policy.ShowTwoFactor:    {"##...", "#.#.!"},
	policy.ShowSecondPerson: {"###..", "#..#.!"},
	policy.ShowWarning:      {".", "#........."},
	policy.ShowAlarm:        {"#.", "#####....."},
}

// panel is what a reader has to show with: an LED, a buzzer, or both. A goroutine
// of its own plays the patterns, so that a line on a slow bus delays nobody.
type panel struct {
	led, buzzer *output // nil if there is none
	next        chan showing
	done        chan struct{}
	once        sync.Once
}

func newPanel(led, buzzer *output) *panel {
	p := &panel{led: led, buzzer: buzzer, next: make(chan showing, 1), done: make(chan struct{})}
	go p.play()
	return p
}

// show makes the panel show something else, with a sound or without. What it has
// not begun to show yet is dropped for it.
func (p *panel) show(f policy.Feedback, sound bool) {
	s := patterns[f]
	if !sound {
		s.buzzer = ""
	}
	for {
		select {
		case p.next <- s:
			return
		default:
		}
		select {
		case <-p.next:
		default:
		}
	}
}

func (p *panel) stop() { p.once.Do(func() { close(p.done) }) }

func (p *panel) play() {
	shown, n := patterns[policy.ShowIdle], 0
	ticker := time.NewTicker(tick)
	ticker.Stop()
	for {
		select {
		case shown = <-p.next:
			n = 0
			ticker.Reset(tick)
		case <-ticker.C:
			n++
		case <-p.done:
			ticker.Stop()
			return
		}
		// A line that fails shows nothing: that is for whoever stands before it.
		_ = p.led.set(shown.led.on(n))
		_ = p.buzzer.set(shown.buzzer.on(n))
		if shown.led.steady(n) && shown.buzzer.steady(n) {
			ticker.Stop()
		}
	}
}
