package store

import (
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

	file   *file
	fresh  bool   // nothing was written to this file yet
	broken error  // why the file must be begun anew
	moved  string // where it was set aside
	head   Head
	anchor uint64 // newest event that was given up
	acked  uint64
}

// group is a commit in preparation. It is made once and stays the same however
// often it must be tried: should a failed attempt have reached the disk after
// all, the next one writes the same bytes.
type group struct {
	entries int
	keys    [][]byte
	values  [][]byte
	arena   []byte
	last    policy.Now // stamp of the newest event, kept from group to group
	head    Head
	state   []byte // nil: no change
	acked   uint64
	through uint64 // give up events up to here
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

// write makes one attempt to bring the next group to the disk.
func (w *writer) write() error {
	if w.broken != nil {
		if err := w.renew(); err != nil {
			return err
		}
	}
	if w.group.entries == 0 {
		w.prepare()
	}
	err := w.commit()
	switch {
	case err == nil:
		w.settle()
	case !w.fresh && (errors.Is(err, ErrDamaged) || errors.Is(err, berrors.ErrInvalidMapping)):
		// A new file that fails at once would show that the file is not to blame.
		w.broken = err
		signal(w.j.retry)
	default:
		w.release()
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

// prepare makes a group of the first pending entries.
func (w *writer) prepare() {
	g := &w.group
	*g = group{keys: g.keys[:0], values: g.values[:0], arena: g.arena[:0], last: g.last,
		head: w.head, acked: w.acked, through: w.anchor}
	bound := w.j.o.MaxEvents
	pending := w.fetched[w.written:]
	g.entries = min(len(pending), maxGroup, bound/4)
	for i := range pending[:g.entries] {
		e := &pending[i]
		if e.isEvent {
			g.add(&e.event, w.j.o.BootID)
		}
		if e.state != nil {
			g.state = e.state
		}
		if e.isAck {
			g.acked = e.acked
		}
	}
	over := int(g.head.Sequence-w.anchor) - bound
	if over <= 0 {
		return
	}
	g.through = w.anchor + uint64(max(over, bound/pruneStep))
	if g.through <= g.acked {
		return
	}
	g.through = w.anchor + uint64(max(over+1, bound/pruneStep)) // room for the gap record
	from := max(w.anchor, g.acked) + 1
	g.add(&policy.Event{
		At: g.last, Type: policy.ControllerGap, Object: policy.Ref{Type: "controller"},
		Detail: fmt.Sprintf("%d events given up before upload, %d to %d: no space", g.through-from+1, from, g.through),
	}, w.j.o.BootID)
}

// add makes the next record of the chain.
func (g *group) add(e *policy.Event, bootID string) {
	g.last = e.At
	g.head.Sequence++
	r := Record{
		UUID:     newUUID(e.At.Wall, g.head.Sequence),
		Sequence: g.head.Sequence,
		Epoch:    g.head.Epoch,
		BootID:   bootID,
		Event:    *e,
	}
	key := idKey(r.Sequence)
	start := len(g.arena)
	g.arena = append(g.arena, g.head.Hash[:]...) // room for its own
	g.arena = appendText(g.arena, &r)
	text := g.arena[start+len(r.Hash):]
	g.head.Hash = chain(g.head.Hash, text)
	copy(g.arena[start:], g.head.Hash[:])
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
		if g.acked != w.acked {
			if err := meta.Put(keyAcked, sealed(keyAcked, idKey(g.acked))); err != nil {
				return err
			}
		}
		return w.prune(tx, g.through)
	})
}

// prune deletes all events through a sequence and keeps the hash of the last, so
// that the chain can still be verified from there.
func (w *writer) prune(tx *bbolt.Tx, through uint64) error {
	if through <= w.anchor {
		return nil
	}
	events := tx.Bucket(eventsBucket)
	anchor := idKey(through)
	value := events.Get(anchor)
	if len(value) < len(Hash{}) {
		return damage(w.file.path, fmt.Sprintf("event %d", through), "it is missing")
	}
	anchor = append(anchor, value[:len(Hash{})]...)
	for s := w.anchor + 1; s <= through; s++ {
		if err := events.Delete(idKey(s)); err != nil {
			return err
		}
	}
	return tx.Bucket(metaBucket).Put(keyAnchor, sealed(keyAnchor, anchor))
}

// settle tells the others that the group is on the disk.
func (w *writer) settle() {
	g, j := &w.group, w.j
	w.head, w.acked, w.anchor, w.fresh = g.head, g.acked, g.through, false
	clear(w.fetched[w.written:][:g.entries]) // lets go of traces
	w.written += g.entries
	j.mu.Lock()
	defer j.mu.Unlock()
	j.head = w.head
	j.durable += uint64(g.entries)
	j.health = nil
	j.announce()
	g.entries = 0
}

func (j *Journal) failed(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.health = err
	j.failures++
	j.announce()
}

// release frees pages by giving up events that the service has, a part at a time:
// on a full disk the next attempt may do with these.
func (w *writer) release() {
	through := min(w.acked, w.head.Sequence, w.anchor+uint64(w.j.o.MaxEvents/pruneStep+1))
	if through <= w.anchor {
		return
	}
	if err := w.file.update(func(tx *bbolt.Tx) error { return w.prune(tx, through) }); err == nil {
		w.anchor = through
		w.group.through = max(w.group.through, through)
	}
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
	f, now, opened, err := openEvents(w.j.dir, w.j.o, w.j.State())
	if err != nil {
		return err
	}
	old, rest := w.file, w.fetched[w.written:]
	if damaged {
		opened.Quarantined, opened.Cause = w.moved, w.broken
	}
	if opened.Created {
		rest = append([]entry{{isEvent: true, event: policy.Event{
			At: w.group.last, Type: policy.ControllerGap, Object: policy.Ref{Type: "controller"},
			Detail: fmt.Sprintf("journal damaged after event %d, of which %d were uploaded: begun anew", w.head.Sequence, w.acked),
		}}}, rest...)
	}
	*w = writer{j: w.j, fetched: rest, group: group{last: w.group.last}, file: f, fresh: opened.Created,
		head: now.head, anchor: now.anchor, acked: now.acked}
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
	j.live, j.head, j.acked = w.file, w.head, w.acked
	if opened.Created {
		j.opened = opened
		j.handed++ // the event that tells of it
		for _, list := range [][]entry{w.fetched, j.queue} {
			for i := range list {
				list[i].isAck = false
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
