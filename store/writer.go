package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"doord/policy"
)

const (
	maxGroup   = 100 // entries in one commit
	minBackoff = 100 * time.Millisecond
	maxBackoff = 10 * time.Second
	// Space is made in steps of this part of MaxEvents, so that not every commit
	// deletes, and gap records stay few.
	pruneStep = 64
)

// writer is the only one who writes the journal's file. Whatever is handed in
// while one group is being written makes up the next: a lone event is on the disk
// at once, and a flood takes few commits.
type writer struct {
	j       *Journal
	fetched []entry
	written int   // of these, how many are on the disk
	group   group // made of the first of the others
	next    group // made of those that follow, while the disk was busy

	file   *file
	tip    tip    // of the file
	fresh  bool   // nothing was written to this file yet
	broken error  // why the file must be begun anew
	moved  string // where it was set aside
}

// tip is how far a journal has come.
type tip struct {
	head   Head
	anchor uint64 // newest event that was given up
	acked  uint64
	last   policy.Now // stamp of the newest event of this run

	receipt []byte // the service's last; nil for none
}

// group is a commit in preparation. It is made once and stays the same however
// often it must be tried: should a failed attempt have reached the disk after
// all, the next one writes the same bytes.
type group struct {
	entries int
	keys    [][]byte
	values  [][]byte
	arena   []byte // in which the values lie
	state   []byte // nil: no change
	tip     tip    // once it is written
	bootID  string
}

func newEpoch() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

func (w *writer) run() {
	defer close(w.j.done)
	wait := minBackoff
	for w.fetch() {
		stopping := w.j.stopping()
		err := w.write()
		if err == nil {
			wait = minBackoff
			continue
		}
		w.j.failed(err)
		if stopping {
			return
		}
		select {
		case <-time.After(wait):
		case <-w.j.retry:
		case <-w.j.stop:
		}
		wait = min(2*wait, maxBackoff)
	}
}

// write makes one attempt to bring the next group to the disk. The group after it
// is made meanwhile.
func (w *writer) write() error {
	if w.broken != nil {
		if err := w.renew(); err != nil {
			return err
		}
	}
	pending := w.fetched[w.written:]
	if w.group.entries == 0 {
		w.group.make(pending, w.tip, w.j.o)
	}
	made := make(chan struct{})
	go func() {
		defer close(made)
		if w.next.entries == 0 {
			w.next.make(pending[w.group.entries:], w.group.tip, w.j.o)
		}
	}()
	err := w.commit()
	<-made
	switch {
	case err == nil:
		w.settle()
	case !w.fresh && (errors.Is(err, ErrDamaged) || errors.Is(err, berrors.ErrInvalidMapping)):
		// A new file that fails at once would show that the file is not to blame.
		w.broken = err
		poke(w.j.retry)
	}
	return err
}

// fetch makes sure that something is pending. It returns false when the journal
// is closed and all is written.
func (w *writer) fetch() bool {
	if w.written < len(w.fetched) {
		return true
	}
	w.written = 0
	for !w.j.take(&w.fetched) {
		select {
		case <-w.j.wake:
		case <-w.j.stop:
			return w.j.take(&w.fetched)
		}
	}
	return true
}

// take exchanges the queue for the empty slice.
func (j *Journal) take(into *[]entry) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.queue) == 0 {
		j.tellDropped()
	}
	*into, j.queue = j.queue, (*into)[:0]
	return len(*into) > 0
}

func (j *Journal) stopping() bool {
	select {
	case <-j.stop:
		return true
	default:
		return false
	}
}

// make makes a group of the first pending entries, to follow from.
func (g *group) make(pending []entry, from tip, o Options) {
	*g = group{keys: g.keys[:0], values: g.values[:0], arena: g.arena[:0], tip: from, bootID: o.BootID}
	g.entries = min(len(pending), maxGroup, o.MaxEvents/4)
	for i := range pending[:g.entries] {
		e := &pending[i]
		if e.isEvent {
			g.add(&e.event)
		}
		if e.state != nil {
			g.state = e.state
		}
		if e.isAck {
			g.tip.acked = e.acked
		}
		if e.receipt != nil {
			g.tip.receipt = e.receipt
		}
	}
	g.bound(o.MaxEvents)
}

// bound gives up the oldest events where there are more than may be kept. A gap
// record tells of those that the service does not have.
func (g *group) bound(most int) {
	over := int(g.tip.head.Sequence-g.tip.anchor) - most
	if over <= 0 {
		return
	}
	first := g.tip.anchor + 1
	through := g.tip.anchor + uint64(max(over, most/pruneStep))
	if through > g.tip.acked {
		through = g.tip.anchor + uint64(max(over+1, most/pruneStep)) // room for the record
		first = max(first, g.tip.acked+1)
		g.add(&policy.Event{
			At: g.tip.last, Type: policy.ControllerGap, Object: policy.Ref{Type: "controller"},
			Detail: fmt.Sprintf("%d events given up before upload, %d to %d: no space", through-first+1, first, through),
		})
	}
	g.tip.anchor = through
}

// add makes the next record of the chain.
func (g *group) add(e *policy.Event) {
	g.tip.last = e.At
	head := &g.tip.head
	head.Sequence++
	r := Record{
		UUID:     newUUID(e.At.Wall, head.Sequence),
		Sequence: head.Sequence,
		Epoch:    head.Epoch,
		BootID:   g.bootID,
		Event:    *e,
	}
	key := idKey(r.Sequence)
	start := len(g.arena)
	g.arena = append(g.arena, head.Hash[:]...)
	g.arena = appendText(g.arena, &r)
	head.Hash = sha256.Sum256(g.arena[start:])
	copy(g.arena[start:], head.Hash[:]) // takes the place of the one before
	g.arena = seal(g.arena, start, key)
	g.keys = append(g.keys, key)
	g.values = append(g.values, g.arena[start:])
}

func (w *writer) commit() error {
	g := &w.group
	return w.file.update(func(tx *bbolt.Tx) error {
		events, meta := tx.Bucket(eventsBucket), tx.Bucket(metaBucket)
		events.FillPercent = packed
		for i := range g.keys {
			if err := events.Put(g.keys[i], g.values[i]); err != nil {
				return err
			}
		}
		if g.state != nil {
			if err := meta.Put(keyState, sealed(keyState, g.state)); err != nil {
				return err
			}
		}
		if g.tip.acked != w.tip.acked {
			if err := meta.Put(keyAcked, sealed(keyAcked, idKey(g.tip.acked))); err != nil {
				return err
			}
		}
		if !bytes.Equal(g.tip.receipt, w.tip.receipt) {
			if err := meta.Put(keyReceipt, sealed(keyReceipt, g.tip.receipt)); err != nil {
				return err
			}
		}
		return w.prune(tx, g.tip.anchor)
	})
}

// prune deletes all events through a sequence and keeps the hash of the last, so
// that the chain can still be verified from there.
func (w *writer) prune(tx *bbolt.Tx, through uint64) error {
	if through <= w.tip.anchor {
		return nil
	}
	events := tx.Bucket(eventsBucket)
	anchor := idKey(through)
	value := events.Get(anchor)
	if len(value) < len(Hash{}) {
		return damage(w.file.path, fmt.Sprintf("event %d", through), "it is missing")
	}
	anchor = append(anchor, value[:len(Hash{})]...)
	for s := w.tip.anchor + 1; s <= through; s++ {
		if err := events.Delete(idKey(s)); err != nil {
			return err
		}
	}
	return tx.Bucket(metaBucket).Put(keyAnchor, sealed(keyAnchor, anchor))
}

// settle tells the others that the group is on the disk.
func (w *writer) settle() {
	j, entries := w.j, w.group.entries
	w.tip, w.fresh = w.group.tip, false
	clear(w.fetched[w.written:][:entries]) // lets go of traces
	w.group.entries = 0
	w.group, w.next = w.next, w.group
	j.mu.Lock()
	defer j.mu.Unlock()
	w.written += entries
	j.head = w.tip.head
	j.durable += uint64(entries)
	j.health = nil
	j.announce()
}

func (j *Journal) failed(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.health = err
	j.failures++
	j.announce()
}

// renew opens the file again. A damaged one it sets aside first, and begins a new
// one under a new epoch, in which the first event tells of it: what the service
// had not acknowledged is then only in the file that was set aside.
func (w *writer) renew() (err error) {
	damaged := errors.Is(w.broken, ErrDamaged)
	switch {
	case !damaged:
		err = w.file.close()
	case w.moved == "":
		w.moved, err = quarantine(w.file.path)
	}
	if err != nil {
		return err
	}
	f, now, _, opened, err := openEvents(w.j.dir, w.j.o, w.j.State())
	if err != nil {
		return err
	}
	old, rest := w.file, w.fetched[w.written:]
	if damaged {
		opened.Quarantined, opened.Cause = w.moved, w.broken
	}
	if opened.Created {
		rest = append([]entry{{isEvent: true, event: policy.Event{
			At: w.group.tip.last, Type: policy.ControllerGap, Object: policy.Ref{Type: "controller"},
			Detail: fmt.Sprintf("journal damaged after event %d, of which %d were uploaded: begun anew", w.tip.head.Sequence, w.tip.acked),
		}}}, rest...)
	}
	*w = writer{j: w.j, fetched: rest, file: f, fresh: opened.Created, tip: now}
	w.j.renewed(w, opened)
	if damaged {
		return old.close() // its readers have the new one now
	}
	return nil
}

// renewed shows the others the new file. Acknowledgements of an old epoch mean
// nothing in a new one.
func (j *Journal) renewed(w *writer, opened Opened) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.live, j.head, j.acked = w.file, w.tip.head, w.tip.acked
	if opened.Created {
		j.opened, j.receipt = opened, nil
		j.handed++ // the event that tells of it
		for _, list := range [][]entry{w.fetched, j.queue} {
			for i := range list {
				list[i].isAck, list[i].receipt = false, nil
			}
		}
	}
	j.announce()
}

// decodeRecord reads a value of the events bucket. It copies what it keeps.
func decodeRecord(key, value []byte) (r Record, err error) {
	body, err := unseal(key, value)
	if err != nil {
		return r, err
	}
	if len(key) != 8 || len(body) < len(r.Hash) {
		return r, errShort
	}
	text := append([]byte{}, body[len(r.Hash):]...)
	if err := r.parse(text, Hash(body)); err != nil {
		return Record{}, err
	}
	if r.Sequence != binary.BigEndian.Uint64(key) {
		return Record{}, fmt.Errorf("it says that it is event %d", r.Sequence)
	}
	return r, nil
}
