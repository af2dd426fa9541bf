package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"doord/cmd/internal/board"
	"doord/policy"
	"doord/reader/wiegand"
	"doord/store"
)

// wave is a frame that a reader sends.
type wave struct {
	reader int // from 0
	bits   wiegand.Bits
	shape  wiegand.Shape
	delay  time.Duration // after the start
}

// step is one change of a line.
type step struct {
	at   time.Duration
	line int
	high bool
}

// send plays frames, all at once, and returns when the last pulse of each fell,
// by the clock of the kernel's time stamps. Between is called at some point in
// the middle. When it is late it is late for the rest: pulses never crowd.
func (c *chip) send(waves []wave, between func()) []time.Duration {
	var steps []step
	last := make([]step, len(waves))
	for i, w := range waves {
		lines := [2]int{4 * w.reader, 4*w.reader + 1}
		for _, p := range w.shape.Train(w.bits, w.delay, nil) {
			last[i] = step{p.At, lines[p.Line], false}
			steps = append(steps, last[i], step{p.At + p.Width, lines[p.Line], true})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	start := board.Now()
	fell := make([]time.Duration, len(waves))
	for i, s := range steps {
		start += pause(start + s.at)
		if i == len(steps)/2 && between != nil {
			between()
		}
		c.drive(s.line, s.high)
		if w := slices.Index(last, s); w >= 0 {
			fell[w] = board.Now()
		}
	}
	return fell
}

// pause waits until a time, of which the last part is spent looking at the clock,
// and returns how late it came.
func pause(until time.Duration) (late time.Duration) {
	for {
		rest := until - board.Now()
		switch {
		case rest <= 0:
			return -rest
		case rest > 60*time.Microsecond:
			t := unix.NsecToTimespec(int64(rest - 30*time.Microsecond))
			_ = unix.Nanosleep(&t, nil) // woken early it goes on
		}
	}
}

// card returns a frame of a card that nobody has.
func card(format string) wiegand.Bits {
	bits, err := wiegand.Encode(format, policy.Token{Class: policy.TokenNumber, Facility: rand.Uint64N(100), Number: 2000 + rand.Uint64N(50_000)})
	must(err)
	return bits
}

// read returns the frames that each reader delivered, by its events, and what was
// wrong with those that were bad.
func read(events []store.Record) (frames [doors][]string, bad []string) {
	for _, e := range events {
		switch {
		case e.Type == policy.ReaderBadFrame:
			bad = append(bad, e.Detail)
		case e.Bits != "":
			n := int(e.Reader[len(e.Reader)-1] - '1')
			frames[n] = append(frames[n], e.Bits)
		}
	}
	return frames, bad
}

// checkRead checks that the events hold the frames, each reader's in order, and
// nothing else.
func checkRead(d *doord, since uint64, sent [doors][]string, what string) {
	var frames [doors][]string
	var bad []string
	within(5*time.Second, func() bool {
		frames, bad = read(d.events(since))
		return slices.EqualFunc(frames[:], sent[:], slices.Equal[[]string])
	})
	all, right := 0, 0
	for n := range sent {
		all += len(sent[n])
		for i, f := range sent[n] {
			if i < len(frames[n]) && frames[n][i] == f {
				right++
			}
		}
	}
	check(right == all && len(bad) == 0, "%s: %d of %d frames read, %d bad %v", what, right, all, len(bad), bad)
}

// allAtOnce has four readers send frames of all lengths at once, again and again.
func allAtOnce(c *chip, d *doord, shape wiegand.Shape, what string) {
	since := d.status().Journal.Sequence
	var sent [doors][]string
	const times = 12
	for i := range times {
		var waves []wave
		for n := range doors {
			bits := card(formats[(n+i)%len(formats)])
			sent[n] = append(sent[n], bits.String())
			waves = append(waves, wave{n, bits, shape, time.Duration(rand.Int64N(int64(shape.Interval)))})
		}
		c.send(waves, nil)
		time.Sleep(40 * time.Millisecond)
	}
	checkRead(d, since, sent, fmt.Sprintf("four readers at once, 26 to 48 bits, %v every %v%s", shape.Width, shape.Interval, what))
}

// hogs starts programs that only burn time.
func hogs() (stop func()) {
	var list []*exec.Cmd
	for range 2 {
		h := ordinary("/proc/self/exe", "hog")
		must(h.Start())
		list = append(list, h)
	}
	return func() {
		for _, h := range list {
			must(h.Process.Kill())
			_ = h.Wait() // it was killed
		}
	}
}

// stalled stops doord for 200 ms in the middle of frames.
func stalled(c *chip, d *doord) {
	since := d.status().Journal.Sequence
	var sent [doors][]string
	for i := range 12 {
		bits := card(formats[i%len(formats)])
		sent[i%doors] = append(sent[i%doors], bits.String())
		c.send([]wave{{i % doors, bits, wiegand.Shape{Interval: 2 * time.Millisecond}, 0}}, func() {
			must(d.cmd.Process.Signal(syscall.SIGSTOP))
			time.AfterFunc(200*time.Millisecond, func() { must(d.cmd.Process.Signal(syscall.SIGCONT)) })
		})
		time.Sleep(250 * time.Millisecond)
	}
	checkRead(d, since, sent, "doord stopped for 200ms in the middle of a frame")

	since = d.status().Journal.Sequence
	sent = [doors][]string{}
	must(d.cmd.Process.Signal(syscall.SIGSTOP))
	for range 3 {
		bits := card("H10301")
		sent[0] = append(sent[0], bits.String())
		c.send([]wave{{bits: bits}}, nil)
		time.Sleep(60 * time.Millisecond)
	}
	must(d.cmd.Process.Signal(syscall.SIGCONT))
	checkRead(d, since, sent, "three frames while doord is stopped")

	since = d.status().Journal.Sequence
	must(d.cmd.Process.Signal(syscall.SIGSTOP))
	for range 12 {
		c.send([]wave{{bits: card("H10301"), shape: wiegand.Shape{Interval: 300 * time.Microsecond}}}, nil)
		time.Sleep(60 * time.Millisecond)
	}
	must(d.cmd.Process.Signal(syscall.SIGCONT))
	var found string
	within(5*time.Second, func() bool {
		for _, e := range d.events(since) {
			if e.Type == policy.ReaderBadFrame && strings.Contains(e.Detail, "lost") {
				found = e.Detail
			}
		}
		return found != ""
	})
	check(found != "", "312 edges into a queue of 256: the frame that lost some is void and says so: %q", found)
}
