package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"doord/cmd/internal/board"
	"doord/store"
)

// onDisk is a board whose state is on the disk.
var onDisk = wiring{dir: "/data/state"}

// power looks at what the last power cut left, and then makes events until the
// next. The order is SEQUENCE[:HASH[:last]] of the last event that was told of.
func power(order []string) {
	startTrace()
	c := newChip(lineNames())
	c.rest(onDisk)
	must(os.MkdirAll(onDisk.dir, 0o755))
	d := start(program, onDisk)
	took := d.serves()
	since, err := strconv.ParseUint(order[0], 10, 64)
	must(err)
	if since == 0 {
		d.loadPolicy()
	} else {
		intact(d, since, order[1], took)
	}
	if len(order) > 2 {
		check(d.end(syscall.SIGTERM) == nil, "SIGTERM ends it well")
		return
	}
	go press(c)
	for r, err := range d.client.Events(context.Background(), since, true) {
		must(err)
		fmt.Printf("ack: %d %s\n", r.Sequence, r.Hash)
	}
}

// intact looks whether all is there that was told of before the power cut.
func intact(d *doord, sequence uint64, hash string, took time.Duration) {
	var found store.Record
	for _, r := range d.events(sequence - 1) {
		if r.Sequence == sequence {
			found = r
		}
	}
	check(found.Hash.String() == hash, "event %d is there as it was told", sequence)
	text, ok := d.verify()
	check(ok, "the journal verifies: %s", text)
	status := d.status()
	check(status.Policy.Revision == 1 && len(status.Faults) == 0, "the policy is there, and no fault: %v", status.Faults)
	up := board.Now()
	// The emulated processor is slow and its disk takes 20 ms for a flush: machine
	// gpio holds the start to a second.
	check(took < 5*time.Second, "ready after %v, %v after boot", took.Round(time.Millisecond), up.Round(time.Millisecond))
}

// press makes traffic: two events each time.
func press(c *chip) {
	for i := 0; ; i++ {
		rex := c.line(fmt.Sprintf("REX_%d", i%doors+1))
		c.drive(rex, false)
		time.Sleep(10 * time.Millisecond)
		c.drive(rex, true)
		time.Sleep(40 * time.Millisecond)
	}
}

// damage starts on damaged files.
func damage() {
	startTrace()
	c := newChip(lineNames())
	b := onDisk
	for _, t := range []struct {
		what string
		file string
		do   func(path string)
	}{
		{"events.db cut off", "events.db", func(path string) { must(os.Truncate(path, 4*page+100)) }},
		{"events.db with flipped bits", "events.db", flip},
		{"policy.db cut off", "policy.db", func(path string) { must(os.Truncate(path, 4*page+100)) }},
		{"policy.db with flipped bits", "policy.db", flip},
		{"policy.db empty", "policy.db", func(path string) { must(os.Truncate(path, 0)) }},
	} {
		must(os.RemoveAll(b.dir))
		c.rest(b)
		d := start(program, b)
		d.serves()
		d.loadPolicy()
		must(d.end(syscall.SIGTERM))
		t.do(filepath.Join(b.dir, t.file))

		d = start(program, b)
		within(10*time.Second, func() bool { return d.beats.Load() > 0 })
		_, lost := c.pressAll(1) // while it looks at the files
		d.serves()
		_, lost2 := c.pressAll(1)
		var aside []string
		within(5*time.Second, func() bool {
			aside, _ = filepath.Glob(filepath.Join(b.dir, t.file+".damaged*")) // the pattern is good
			return len(aside) > 0
		})
		faults := d.status().Faults
		check(lost+lost2 == 0 && len(faults) > 0, "%s: told of, and the way out is served: %v", t.what, faults)
		check(len(aside) > 0, "%s: set aside as %s", t.what, strings.Join(aside, ", "))
		err := d.end(syscall.SIGTERM)
		check(err == nil, "%s: SIGTERM ends it well", t.what)
	}
}

// page is the size of one of a database.
const page = 4096

// flip turns bits over in every page but the first ones of the file.
func flip(path string) {
	data, err := os.ReadFile(path)
	must(err)
	for i := 2 * page; i < len(data); i += page {
		data[i+10] ^= 0x55 // in the head of the page
		data[i+40] ^= 0x55
	}
	must(os.WriteFile(path, data, 0o600))
}

// stalledStart starts doord, whose own pages are in memory, on a disk that answers
// nothing.
func stalledStart(c *chip, b wiring) {
	must(os.MkdirAll(b.dir, 0o755))
	unix.Sync()
	must(os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0))
	fmt.Println("disk: hold")
	time.Sleep(500 * time.Millisecond)
	d := start(program, b)
	begun := within(10*time.Second, func() bool { return d.beats.Load() > 0 })
	took, lost := c.pressAll(3)
	check(begun && lost == 0, "the disk stands still at the start: %d of %d requests to exit release their doors, %s", len(took), len(took)+lost, spread(took))
	select {
	case <-d.ready:
		check(false, "ready though its files are not open")
	default:
	}
	fmt.Println("disk: release")
	note("ready %v after the start, once the disk goes on", d.serves().Round(time.Millisecond))
	check(d.end(syscall.SIGTERM) == nil, "SIGTERM ends it well")
}

// stall presses buttons while the disk answers nothing and nothing of what the
// kernel can read anew is in memory.
func stall() {
	startTrace()
	c := newChip(lineNames())
	b := onDisk
	c.rest(b)
	stalledStart(c, b)
	d := start("/data/doord", b) // its own pages come from the disk, too
	d.serves()
	d.loadPolicy()
	time.Sleep(12 * time.Second) // until what there is is kept in memory

	unix.Sync()
	must(os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0))
	fmt.Println("disk: hold")
	time.Sleep(500 * time.Millisecond)
	frozen := make(chan error, 1)
	go func() { frozen <- os.WriteFile("/data/frozen", make([]byte, 1<<20), 0o600) }()
	time.Sleep(200 * time.Millisecond)

	took, lost := c.pressAll(15)
	check(lost == 0, "the disk stands still and the cache is cold: %d of %d requests to exit release their doors", len(took), len(took)+lost)
	// The clock here is the host's, whose other work may take any of them 2 s at most.
	check(percentile(took, 50) < 50*time.Millisecond, "from the button to the relay meanwhile: %s", spread(took))
	before := d.beats.Load()
	time.Sleep(2 * watchdog)
	check(d.beats.Load() > before, "the watchdog is fed meanwhile")
	stuck := errors.New("not yet")
	select {
	case stuck = <-frozen:
	default:
	}
	note("a write of 1 MB to the disk meanwhile: %v", stuck)
	fmt.Println("disk: release")
	all := within(20*time.Second, func() bool {
		s := d.status()
		return s.Journal.Sequence >= uint64(15*doors)
	})
	text, ok := d.verify()
	check(all && ok, "afterwards all of it is in the journal: %s", text)
	check(d.end(syscall.SIGTERM) == nil, "SIGTERM ends it well")
}
