package main

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"doord/cmd/internal/board"
	"doord/policy"
	"doord/reader/wiegand"
)

const program = "/bin/doord"

// gpio is everything that needs no disk.
func gpio() {
	startTrace()
	c := newChip(lineNames())
	for _, activeLow := range []bool{false, true} {
		for _, failSafe := range []bool{false, true} {
			starts(c, wiring{activeLow: activeLow, failSafe: failSafe, dir: "/tmp/starts"})
		}
	}
	b := wiring{dir: "/tmp/state"}
	c.rest(b)
	d := start(program, b)
	d.serves()
	held(b)
	d.loadPolicy()
	for _, shape := range []wiegand.Shape{
		{Width: 20 * time.Microsecond, Interval: 200 * time.Microsecond},
		{Width: 50 * time.Microsecond, Interval: time.Millisecond},
		{Width: 50 * time.Microsecond, Interval: 2 * time.Millisecond},
	} {
		allAtOnce(c, d, shape, "")
		stop := hogs()
		allAtOnce(c, d, shape, ", with two CPU hogs")
		stop()
	}
	stalled(c, d)
	egress(c)
	entry(c, d)
	fed(d)
	killed(c, b, d)
	wedged(c, b)
}

// starts looks at every level of every relay from before the start to the end.
func starts(c *chip, b wiring) {
	c.rest(b)
	c.written()
	d := start(program, b)
	took := d.serves()
	time.Sleep(100 * time.Millisecond)
	begun := c.written()
	err := d.end(syscall.SIGTERM)
	ended := c.written()

	// The coil is off in the safe state, and on while a fail-safe lock is locked.
	off := b.activeLow
	want, after := []bool{off}, []bool{off}
	if b.failSafe {
		want = []bool{off, !off}
	}
	good := true
	for n := 1; n <= doors; n++ {
		line := c.line(fmt.Sprintf("RELAY_%d", n))
		good = good && slices.Equal(highs(of(begun, line)), want) && slices.Equal(highs(of(ended, line)), after)
		if !good {
			fmt.Println("relay", n, "begun", highs(of(begun, line)), "want", want, "ended", highs(of(ended, line)), "want", after)
		}
	}
	check(good, "%s: no relay glitches from before the start to the end", b)
	check(err == nil, "%s: ready after %v, ends well with SIGTERM", b, took.Round(time.Millisecond))
}

func (b wiring) String() string {
	active, mode := "active high", "fail-secure"
	if b.activeLow {
		active = "active low"
	}
	if b.failSafe {
		mode = "fail-safe"
	}
	return active + ", " + mode
}

func highs(levels []level) []bool {
	var list []bool
	for _, l := range levels {
		list = append(list, l.high)
	}
	return list
}

// held tries to have the relays while the daemon has them.
func held(b wiring) {
	out, err := ordinary(program, "safe-state", "--config", b.file()).CombinedOutput()
	check(err != nil && strings.Contains(string(out), `relay 1: `) && strings.Contains(string(out), `"RELAY_1" is in use by "doord": stop the other daemon`),
		"a second program is told who has the lines: %q", firstLine(out))
	out, err = ordinary(program, "check-config", "--hardware", b.file()).CombinedOutput()
	check(err == nil, "check-config --hardware looks while doord serves: %q", firstLine(out))
}

func firstLine(out []byte) string {
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// egress measures from the press of a button to the level of the relay.
func egress(c *chip) {
	took, lost := c.pressAll(25)
	check(lost == 0, "every request to exit releases its door: %d of %d", len(took), len(took)+lost)
	p99 := percentile(took, 99)
	check(p99 <= 5*time.Millisecond, "from the button to the relay (besides the debounce of %v): %s", debounce, spread(took))
}

// pressAll presses all buttons, one after the other, again and again. It returns
// how long the doors took, besides the debounce, and how many stayed locked.
func (c *chip) pressAll(times int) (took []time.Duration, lost int) {
	for range times {
		for n := 1; n <= doors; n++ {
			c.written()
			rex := c.line(fmt.Sprintf("REX_%d", n))
			pressed := board.Now()
			c.drive(rex, false)
			at, ok := c.released(n, 2*time.Second)
			c.drive(rex, true)
			if ok {
				took = append(took, at-pressed-debounce)
			} else {
				lost++
			}
		}
		time.Sleep(700 * time.Millisecond) // until they are locked again
	}
	return took, lost
}

// released waits until a door's relay is on, and returns when it came on.
func (c *chip) released(door int, limit time.Duration) (time.Duration, bool) {
	line := c.line(fmt.Sprintf("RELAY_%d", door))
	if !within(limit, func() bool { return c.high(line) }) {
		return 0, false
	}
	for _, l := range c.written() {
		if l.line == line && l.high {
			return l.at, true
		}
	}
	return 0, false
}

// entry measures from the last bit of a good card to the level of the relay.
func entry(c *chip, d *doord) {
	bits, err := wiegand.Encode("H10301", policy.Token{Class: policy.TokenNumber, Facility: 118, Number: 1603})
	must(err)
	var took []time.Duration
	lost := 0
	for range 20 {
		for n := range doors {
			c.written()
			fell := c.send([]wave{{reader: n, bits: bits}}, nil)
			at, ok := c.released(n+1, time.Second)
			if !ok {
				lost++
				continue
			}
			took = append(took, at-fell[0]-wiegand.DefaultEndOfFrame)
		}
		time.Sleep(700 * time.Millisecond)
	}
	check(lost == 0, "every good card opens its door: %d of %d", len(took), len(took)+lost)
	p99 := percentile(took, 99)
	check(p99 <= 10*time.Millisecond, "from the last bit to the relay (besides the end of frame of %v, as longer cards are accepted): %s",
		wiegand.DefaultEndOfFrame, spread(took))
	text, ok := d.verify()
	check(ok, "the journal of all that verifies: %s", text)
}

func percentile(list []time.Duration, p int) time.Duration {
	slices.Sort(list)
	if len(list) == 0 {
		return 0
	}
	return list[(len(list)-1)*p/100]
}

func spread(list []time.Duration) string {
	return fmt.Sprintf("p50 %v, p99 %v, max %v", percentile(list, 50), percentile(list, 99), percentile(list, 100))
}

// fed counts what the watchdog was fed while nothing happened.
func fed(d *doord) {
	before := d.beats.Load()
	time.Sleep(2 * watchdog)
	n := d.beats.Load() - before
	check(n >= 2 && n <= 10, "an idle loop feeds the watchdog %d times in %v", n, 2*watchdog)
}

// killed kills the daemon while a door is released and does what the service
// manager does then.
func killed(c *chip, b wiring, d *doord) {
	c.written()
	c.drive(c.line("REX_1"), false)
	_, released := c.released(1, time.Second)
	err := d.end(syscall.SIGKILL)
	c.drive(c.line("REX_1"), true)
	out, safe := ordinary(program, "safe-state", "--config", b.file()).CombinedOutput()
	last := of(c.written(), c.line("RELAY_1"))
	good := released && err != nil && safe == nil && len(last) > 0 && last[len(last)-1].high == b.activeLow
	check(good, "kill -9 while a door is released: safe-state takes its lock's power %s", out)

	d = start(program, b)
	took := d.serves()
	check(took < time.Second && d.status().Policy.Revision == 1, "started again after %v, with its policy", took.Round(time.Millisecond))
	check(d.end(syscall.SIGTERM) == nil, "SIGTERM ends it well")
}

// wedged stops the daemon as a deadlock does: nothing feeds the watchdog.
func wedged(c *chip, b wiring) {
	d := start(program, b)
	d.serves()
	must(d.cmd.Process.Signal(syscall.SIGSTOP))
	time.Sleep(watchdog / 2) // what was on its way
	before := d.beats.Load()
	time.Sleep(2 * watchdog)
	check(d.beats.Load() == before, "a daemon that stands still feeds no watchdog")
	err := d.end(syscall.SIGKILL)
	var exit *exec.ExitError
	check(errors.As(err, &exit), "and is killed")
}
