package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"doord/policy"
)

const (
	eventsFile = "events.db"
	eventSize  = 1 << 10 // on the disk, with its share of pages; a decision with its trace may take more
)

var (
	eventsBucket = []byte("events") // sequence → hash ‖ text

	keyEpoch  = []byte("epoch")
	keyAnchor = []byte("anchor") // sequence ‖ hash of the newest event that was given up
	keyAcked  = []byte("acked")  // sequence
	keyState  = []byte("state")  // what the daemon keeps over a restart

	// What the service countersigned of this epoch; not there before the first.
	keyReceipt = []byte("receipt")
)

var eventsLayout = layout{name: eventsFile, marker: "doord events"}

// Head is a place in the chain of events: the controller signs it, so that a
// chain that was computed anew shows.
type Head struct {
	Epoch    string
	Sequence uint64 // 0 before the first event
	Hash     Hash
}

// Journal keeps what happened. Its methods may be called from any goroutine, and
// only Sync and Close wait for the disk.
type Journal struct {
	dir  string
	o    Options
	lock *os.File

	mu     sync.Mutex
	opened Opened
	live   *file // replaced when it turns out to be damaged
	head   Head  // the newest event on the disk
	acked  uint64
	state  []byte
	// The service's last receipt, nil for none.
	receipt []byte

	queue    []entry // handed in, not yet fetched by the writer
	handed   uint64  // entries since the start
	durable  uint64  // of these, how many are on the disk
	dropped  int     // events that found no room since the last gap record
	lastDrop policy.Now

	health   error         // of the last attempt to write
	failures uint64        // attempts that failed
	changed  chan struct{} // closed, and replaced, when any of the above moved
	closed   bool

	wake  chan struct{} // there is something to write
	retry chan struct{} // somebody waits: do not sit out the back-off
	stop  chan struct{} // closed by Close
	done  chan struct{} // closed when the writer has ended
}

// entry is what is handed to the writer in one piece: an event, or what must not
// reach the disk before the events that came before it.
type entry struct {
	event   policy.Event
	isEvent bool
	state   []byte // nil: no change
	acked   uint64
	isAck   bool
	receipt []byte // with an acknowledgement; nil: no change
}

// OpenJournal opens the journal in dir, which is made if need be. Only its head is
// read. A damaged file is set aside and an empty one begun under a new epoch: see
// Opened. The state is carried over if it can still be read. ErrInUse and ErrNewer
// leave everything untouched.
func OpenJournal(dir string, o Options) (_ *Journal, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, advise(err)
	}
	j := &Journal{
		dir:     dir,
		o:       o.withDefaults(),
		changed: make(chan struct{}),
		wake:    make(chan struct{}, 1),
		retry:   make(chan struct{}, 1),
		stop:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	if j.lock, err = lockFile(dir, eventsFile); err != nil {
		return nil, err
	}
	f, tip, state, opened, err := openEvents(dir, j.o, nil)
	if err != nil {
		return nil, errors.Join(err, j.lock.Close())
	}
	j.opened, j.live, j.head, j.acked, j.state, j.receipt = opened, f, tip.head, tip.acked, state, tip.receipt
	w := &writer{j: j, file: f, tip: tip}
	go w.run()
	return j, nil
}

// openEvents opens the file, or begins one that keeps the state.
func openEvents(dir string, o Options, state []byte) (*file, tip, []byte, Opened, error) {
	var t tip
	f, opened, err := eventsLayout.open(dir, o,
		func(f *file, tx *bbolt.Tx) error { return t.scan(f, tx, &state) },
		func(f *file) error { return fillEvents(f, state) })
	if err == nil && o.ReserveSpace {
		opened.Unreserved = reserve(f.path, o.MaxEvents*eventSize)
	}
	return f, t, state, opened, err
}

// scan reads what lies outside the events, the state first, and the newest event.
func (t *tip) scan(f *file, tx *bbolt.Tx, state *[]byte) error {
	kept, err := metaValue(f, tx, keyState)
	if err != nil {
		return err
	}
	*state = slices.Clone(kept)
	epoch, err := metaValue(f, tx, keyEpoch)
	if err != nil {
		return err
	}
	acked, err := metaValue(f, tx, keyAcked)
	if err != nil {
		return err
	}
	if len(acked) != 8 {
		return damage(f.path, "meta", "acked: too short")
	}
	t.receipt = nil
	if tx.Bucket(metaBucket).Get(keyReceipt) != nil {
		receipt, err := metaValue(f, tx, keyReceipt)
		if err != nil {
			return err
		}
		t.receipt = slices.Clone(receipt)
	}
	sequence, hash, err := anchor(f, tx)
	if err != nil {
		return err
	}
	t.acked, t.anchor = binary.BigEndian.Uint64(acked), sequence
	t.head = Head{Epoch: string(epoch), Sequence: sequence, Hash: hash}
	events := tx.Bucket(eventsBucket)
	if events == nil {
		return damage(f.path, "its buckets", "one is missing")
	}
	key, value := events.Cursor().Last()
	if key == nil {
		return nil
	}
	r, err := decodeRecord(key, value)
	if err != nil {
		return damage(f.path, "its newest event", "%v", err)
	}
	t.head.Sequence, t.head.Hash = r.Sequence, r.Hash
	return nil
}

// anchor reads what the oldest kept event follows.
func anchor(f *file, tx *bbolt.Tx) (sequence uint64, hash Hash, err error) {
	b, err := metaValue(f, tx, keyAnchor)
	if err == nil && len(b) != 8+len(hash) {
		err = damage(f.path, "meta", "anchor: too short")
	}
	if err != nil {
		return 0, hash, err
	}
	return binary.BigEndian.Uint64(b), Hash(b[8:]), nil
}

func fillEvents(f *file, state []byte) error {
	return f.update(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(metaBucket)
		_, err := tx.CreateBucket(eventsBucket)
		return errors.Join(err,
			meta.Put(keyState, sealed(keyState, state)),
			meta.Put(keyEpoch, sealed(keyEpoch, []byte(newEpoch()))),
			meta.Put(keyAcked, sealed(keyAcked, make([]byte, 8))),
			meta.Put(keyAnchor, sealed(keyAnchor, make([]byte, 8+len(Hash{})))),
		)
	})
}

// Opened tells what OpenJournal found, or what was set aside since.
func (j *Journal) Opened() Opened {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.opened
}

// BootID names this boot in the events.
func (j *Journal) BootID() string { return j.o.BootID }

// Head returns the newest event that is on the disk.
func (j *Journal) Head() Head {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.head
}

// State returns what SaveState was last given, in this run or the one before.
func (j *Journal) State() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.state)
}

// AckedThrough returns the newest event that the service has.
func (j *Journal) AckedThrough() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.acked
}

// Health returns why the last attempt to write failed; nil when all is well. The
// journal goes on trying, and meanwhile keeps MaxQueue events in memory.
func (j *Journal) Health() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.health
}

// Append hands in events, in order, and never waits. It returns how many found no
// room in memory, because the disk is slow or full: they are lost, and a
// controller.gap event in their place says how many. The caller must not change
// the events' traces afterwards.
func (j *Journal) Append(events ...policy.Event) (dropped int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range events {
		if j.closed || j.backlog() >= j.o.MaxQueue {
			j.dropped++
			j.lastDrop = events[i].At
			dropped++
			continue
		}
		j.tellDropped()
		j.push(entry{event: events[i], isEvent: true})
	}
	return dropped
}

// SaveState hands in what must survive a restart. It is on the disk no sooner than
// the events handed in before it; the last of several counts.
func (j *Journal) SaveState(state []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state = append([]byte{}, state...)
	if !j.closed {
		j.tail().state = j.state
	}
}

// Acked tells that the service has all events through sequence, which are then
// given up when their space is needed. It may also go back: a service that was
// restored from a backup needs them again.
func (j *Journal) Acked(sequence uint64) { j.AckedBy(sequence, nil) }

// AckedBy is Acked with what the service countersigned, which is kept beside it as
// it is, in place of the one before: it proves what the service had. Of an empty one
// nothing is kept, and the one before stays.
func (j *Journal) AckedBy(sequence uint64, receipt []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.acked = min(sequence, j.head.Sequence)
	if len(receipt) > 0 {
		j.receipt = slices.Clone(receipt)
	}
	if j.closed {
		return
	}
	e := j.tail()
	e.acked, e.isAck = j.acked, true
	if len(receipt) > 0 {
		e.receipt = j.receipt
	}
}

// Receipt returns the last receipt of this epoch that AckedBy was given, in this run
// or one before; nil for none.
func (j *Journal) Receipt() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.receipt)
}

// backlog is how many entries are in memory, here and at the writer.
func (j *Journal) backlog() int { return int(j.handed - j.durable) }

func (j *Journal) push(e entry) {
	j.queue = append(j.queue, e)
	j.handed++
	poke(j.wake)
}

// tail is the youngest entry: what joins it takes no room of its own.
func (j *Journal) tail() *entry {
	if len(j.queue) == 0 {
		j.push(entry{})
	}
	return &j.queue[len(j.queue)-1]
}

// tellDropped puts a gap record where events were dropped, as soon as there is room.
func (j *Journal) tellDropped() {
	if j.dropped == 0 {
		return
	}
	j.push(entry{isEvent: true, event: policy.Event{
		At: j.lastDrop, Type: policy.ControllerGap, Object: policy.Ref{Type: "controller"},
		Detail: fmt.Sprintf("%d events not recorded: no room in memory", j.dropped),
	}})
	j.dropped = 0
}

// poke wakes whoever waits on c, now or when he next does.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// announce wakes everybody who waits for a change.
func (j *Journal) announce() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// Sync waits until all that was handed in before is on the disk. It returns at
// once when an attempt to write fails: then Health tells why, and the events are
// still in memory. Events that Append reported as dropped are not waited for.
func (j *Journal) Sync(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	target, failures := j.handed, j.failures
	if j.health != nil {
		poke(j.retry)
	}
	for j.durable < target {
		if j.failures > failures && j.health != nil {
			return fmt.Errorf("store: events are not on the disk yet: %w", j.health)
		}
		if err := j.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for a change, without the lock.
func (j *Journal) wait(ctx context.Context) error {
	changed := j.changed
	j.mu.Unlock()
	defer j.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-j.done:
		return fmt.Errorf("store: %s: %w", eventsFile, ErrClosed)
	}
}

// Close writes what was handed in, with one last attempt if the disk is failing,
// and ends followers. It returns how many events were lost, if any.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	close(j.stop)
	j.mu.Unlock()
	<-j.done
	j.mu.Lock()
	defer j.mu.Unlock()
	var lost error
	if n := j.backlog(); n > 0 {
		lost = fmt.Errorf("store: %d entries could not be written: %w", n, j.health)
	}
	return errors.Join(lost, j.live.close(), j.lock.Close())
}
