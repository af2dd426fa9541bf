package fleet

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"doord/cmd/internal/place/storage"
	"doord/policy/ledger"
)

// Tables of the log.
const (
	tablePlaces = "fleet/places" // place → placeRow
	tableLog    = "fleet/log"    // place ‖ version → logEntry
	tableLive   = "fleet/live"   // place → logRow; place ‖ table ‖ key → value
)

// What is kept of a log, and how long a head is good.
const (
	keepEntries = 10_000
	keepBytes   = 16 << 20
	pruneStep   = 256 // entries that one change gives up, at most
	headLife    = 7 * 24 * time.Hour
	headRenew   = 24 * time.Hour
)

// placeRow is what a place has from its beginning.
type placeRow struct {
	Key []byte `json:"key"` // of the digests
}

// logRow is where a log is.
type logRow struct {
	Generation uint64         `json:"generation"`
	Step       *ledger.Signed `json:"step,omitempty"` // that began it; none for the first
	Version    uint64         `json:"version"`
	Chain      []byte         `json:"chain"`
	Root       []byte         `json:"root"`
	Count      uint64         `json:"count"`
	Oldest     uint64         `json:"oldest"` // of the entries that are kept; version+1 if none is
	Bytes      int            `json:"bytes"`  // of these
}

func (r logRow) position() ledger.Position {
	return ledger.Position{Generation: r.Generation, Version: r.Version, Chain: ledger.Hash(r.Chain)}
}

func (r logRow) row(place int64) (storage.Row, error) {
	b, err := json.Marshal(r)
	return storage.Row{Table: tableLive, Key: placeKey(place), Value: b}, err
}

func parseLogRow(b []byte) (r logRow, err error) {
	if err = json.Unmarshal(b, &r); err == nil && (len(r.Chain) != len(ledger.Hash{}) || len(r.Root) != len(ledger.Hash{})) {
		err = errors.New("a hash is cut off")
	}
	return r, err
}

// log is the policy log of a place, as it was published.
type log struct {
	place int64
	key   []byte

	mu      sync.Mutex
	row     logRow
	tree    ledger.Tree
	changed chan struct{} // closed, and replaced, when row changed or a later head is due
	signed  ledger.Signed // of row; none yet if it has no body
	head    ledger.Head
}

func (l *log) now() (logRow, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.row, l.changed
}

// announce wakes all that wait. The lock is held.
func (l *log) announce() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func placeKey(place int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(place)) }

func logKey(place int64, version uint64) []byte {
	return binary.BigEndian.AppendUint64(placeKey(place), version)
}

func liveKey(place int64, t ledger.Table, key []byte) []byte {
	return append(append(placeKey(place), byte(t)), key...)
}

func (f *Fleet) logOf(place int64) (*log, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.places[place]; l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("%w: %d", ErrNoPlace, place)
}

func (f *Fleet) loadPlaces() error {
	for row, err := range f.storage.Scan(tablePlaces, nil) {
		if err != nil {
			return err
		}
		var p placeRow
		if err := json.Unmarshal(row.Value, &p); err != nil || len(row.Key) != 8 {
			return fmt.Errorf("place %x: %w", row.Key, err)
		}
		l := &log{place: int64(binary.BigEndian.Uint64(row.Key)), key: p.Key, changed: make(chan struct{})}
		if err := f.loadLog(l); err != nil {
			return fmt.Errorf("place %d: %w", l.place, err)
		}
		f.places[l.place] = l
	}
	return nil
}

var errDamaged = errors.New("its live records are not those of its log: restore a backup")

// loadLog reads where a log is and makes its tree of the live records.
func (f *Fleet) loadLog(l *log) error {
	var b ledger.Builder
	found := false
	for rec, err := range f.live(l.place, func(r logRow) { l.row, found = r, true }) {
		if err != nil {
			return err
		}
		if err := b.Add(rec); err != nil {
			return err
		}
	}
	l.tree = *b.Finish()
	if root := l.tree.Root(); !found || !bytes.Equal(root[:], l.row.Root) || l.tree.Count != l.row.Count {
		return errDamaged
	}
	return nil
}

// live yields the live records of a place in order, after it told where the log is
// with just these.
func (f *Fleet) live(place int64, at func(logRow)) func(func(ledger.Record, error) bool) {
	return func(yield func(ledger.Record, error) bool) {
		prefix := placeKey(place)
		for row, err := range f.storage.Scan(tableLive, prefix) {
			switch {
			case err != nil:
				yield(ledger.Record{}, err)
				return
			case !bytes.HasPrefix(row.Key, prefix):
				return
			case len(row.Key) == len(prefix):
				r, err := parseLogRow(row.Value)
				if err != nil {
					yield(ledger.Record{}, err)
					return
				}
				at(r)
				continue
			}
			if !yield(ledger.Record{Table: ledger.Table(row.Key[8]), Key: row.Key[9:], Value: row.Value}, nil) {
				return
			}
		}
	}
}

// AddPlace begins the log of a place, which is then empty. A place that is there
// already stays as it is.
func (f *Fleet) AddPlace(place int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.places[place] != nil {
		return nil
	}
	if place <= 0 {
		return fmt.Errorf("%w: %d", ErrNoPlace, place)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	p, err := json.Marshal(placeRow{Key: key})
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	l := &log{place: place, key: key, changed: make(chan struct{})}
	root := l.tree.Root()
	l.row = logRow{Generation: 1, Chain: make([]byte, len(ledger.Hash{})), Root: root[:], Oldest: 1}
	row, err := l.row.row(place)
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	if err := f.storage.Commit(storage.Row{Table: tablePlaces, Key: placeKey(place), Value: p}, row); err != nil {
		return err
	}
	f.places[place] = l
	return nil
}

// PlaceKey returns the key of a place's digests; nil if there is no such place.
func (f *Fleet) PlaceKey(place int64) []byte {
	if l, err := f.logOf(place); err == nil {
		return slices.Clone(l.key)
	}
	return nil
}

// Position returns where the log of a place is; zero if there is no such place.
func (f *Fleet) Position(place int64) ledger.Position {
	l, err := f.logOf(place)
	if err != nil {
		return ledger.Position{}
	}
	row, _ := l.now()
	return row.position()
}

// Stage makes one entry of what changes in a place: of changes of one key the last
// counts, and what is so already is left out; if nothing is left, there are no rows.
// Whoever changes a place must call Stage, Commit and Done before he calls Stage for
// it again.
func (f *Fleet) Stage(place int64, changes []ledger.Record) (Staged, error) {
	l, err := f.logOf(place)
	if err != nil {
		return Staged{}, err
	}
	changes, err = ordered(changes)
	if err != nil {
		return Staged{}, err
	}
	l.mu.Lock()
	row, tree := l.row, l.tree
	l.mu.Unlock()
	changes, leaves, err := f.apply(place, &tree, changes)
	if err != nil || len(changes) == 0 {
		return Staged{}, err
	}
	if len(changes) > ledger.MaxChanges {
		return Staged{}, fmt.Errorf("fleet: %d changes at once: at most %d are possible", len(changes), ledger.MaxChanges)
	}
	row.Version++
	entry := ledger.Entry{Version: row.Version, Changes: changes}.Encode()
	chain, root := ledger.Hash(row.Chain).Next(entry), tree.Root()
	row.Chain, row.Root, row.Count = chain[:], root[:], tree.Count
	value := appendLogEntry(nil, chain, len(changes), entry)
	row.Bytes += len(value)

	rows := make([]storage.Row, 0, len(changes)+2)
	for _, c := range changes {
		rows = append(rows, storage.Row{Table: tableLive, Key: liveKey(place, c.Table, c.Key), Value: c.Value})
	}
	rows = append(rows, storage.Row{Table: tableLog, Key: logKey(place, row.Version), Value: value})
	if rows, err = f.prune(place, &row, rows); err != nil {
		return Staged{}, err
	}
	last, err := row.row(place)
	if err != nil {
		return Staged{}, fmt.Errorf("fleet: %w", err)
	}
	return Staged{Rows: append(rows, last), done: func() { f.publish(l, row, &tree, leaves) }}, nil
}

// publish tells all who wait that the log has gone on.
func (f *Fleet) publish(l *log, row logRow, tree *ledger.Tree, leaves []int) {
	l.mu.Lock()
	l.row, l.tree.Count, l.signed = row, tree.Count, ledger.Signed{}
	for _, i := range leaves {
		l.tree.Leaf[i] = tree.Leaf[i]
	}
	l.announce()
	l.mu.Unlock()
	for _, s := range f.streams(l.place) {
		s.hint()
	}
}

// The value of a row of the log: the chain after it, how many changes it has, and
// the entry.
const logEntryHead = len(ledger.Hash{}) + 4

func appendLogEntry(b []byte, chain ledger.Hash, changes int, entry []byte) []byte {
	return append(binary.BigEndian.AppendUint32(append(b, chain[:]...), uint32(changes)), entry...)
}

func parseLogEntry(b []byte) (chain ledger.Hash, changes int, entry []byte, err error) {
	if len(b) <= logEntryHead {
		return chain, 0, nil, errors.New("an entry is cut off")
	}
	return ledger.Hash(b[:len(chain)]), int(binary.BigEndian.Uint32(b[len(chain):])), b[logEntryHead:], nil
}

// ordered sorts changes and leaves the last of each key.
func ordered(changes []ledger.Record) ([]ledger.Record, error) {
	for _, c := range changes {
		if !slices.Contains(ledger.Tables, c.Table) || len(c.Key) == 0 || len(c.Key) > ledger.MaxKey || len(c.Value) > ledger.MaxValue {
			return nil, fmt.Errorf("fleet: a record of table %d with a key of %d and a value of %d bytes is not possible", c.Table, len(c.Key), len(c.Value))
		}
	}
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, ledger.Compare)
	last := changes[:0]
	for i, c := range changes {
		if i+1 == len(changes) || ledger.Compare(c, changes[i+1]) != 0 {
			last = append(last, c)
		}
	}
	return last, nil
}

// apply brings changes, in order, into the tree: it reads the leaves that are
// touched and no others. It returns what does change, and where.
func (f *Fleet) apply(place int64, tree *ledger.Tree, changes []ledger.Record) (real []ledger.Record, leaves []int, err error) {
	for len(changes) > 0 {
		at := ledger.LeafOf(changes[0].Table, changes[0].Key)
		n := 1
		for n < len(changes) && ledger.LeafOf(changes[n].Table, changes[n].Key) == at {
			n++
		}
		changed, err := f.applyLeaf(place, tree, at, changes[:n])
		if err != nil {
			return nil, nil, err
		}
		if len(changed) > 0 {
			real, leaves = append(real, changed...), append(leaves, at)
		}
		changes = changes[n:]
	}
	return real, leaves, nil
}

func (f *Fleet) applyLeaf(place int64, tree *ledger.Tree, at int, changes []ledger.Record) (real []ledger.Record, err error) {
	var leaf ledger.Leaf
	var before uint64
	add := func(c ledger.Record) {
		if len(c.Value) > 0 {
			leaf.Add(c.Key, c.Value)
		}
	}
	prefix := liveKey(place, changes[0].Table, changes[0].Key[:1])
	for row, err := range f.storage.Scan(tableLive, prefix) {
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(row.Key, prefix) {
			break
		}
		before++
		key := row.Key[9:]
		for len(changes) > 0 && bytes.Compare(changes[0].Key, key) < 0 {
			if len(changes[0].Value) > 0 {
				real = append(real, changes[0])
				add(changes[0])
			}
			changes = changes[1:]
		}
		if len(changes) > 0 && bytes.Equal(changes[0].Key, key) {
			if !bytes.Equal(changes[0].Value, row.Value) {
				real = append(real, changes[0])
			}
			add(changes[0])
			changes = changes[1:]
			continue
		}
		leaf.Add(key, row.Value)
	}
	for _, c := range changes {
		if len(c.Value) > 0 {
			real = append(real, c)
			add(c)
		}
	}
	if len(real) == 0 {
		return nil, nil
	}
	sum, after := leaf.Sum()
	tree.Leaf[at] = sum
	tree.Count += after - before
	return real, nil
}

// prune gives up the oldest entries where there are more than are kept.
func (f *Fleet) prune(place int64, row *logRow, rows []storage.Row) ([]storage.Row, error) {
	over := func() bool { return row.Version-row.Oldest+1 > keepEntries || row.Bytes > keepBytes }
	if !over() || row.Oldest >= row.Version {
		return rows, nil
	}
	pruned := 0
	for old, err := range f.storage.Scan(tableLog, logKey(place, row.Oldest)) {
		if err != nil {
			return nil, err
		}
		if !over() || row.Oldest >= row.Version || pruned == pruneStep || !bytes.Equal(old.Key, logKey(place, row.Oldest)) {
			break
		}
		rows = append(rows, storage.Row{Table: tableLog, Key: old.Key})
		row.Bytes -= len(old.Value)
		row.Oldest++
		pruned++
	}
	return rows, nil
}

// sign returns the head of where a log is, which is signed once and then a day later.
func (f *Fleet) sign(l *log, row logRow) (ledger.Signed, ledger.Head, error) {
	now := f.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	current := row.position() == l.row.position()
	if current && l.signed.Body != nil && now.Unix() < l.head.Issued+int64(headRenew/time.Second) {
		return l.signed, l.head, nil
	}
	key, ends, err := f.keys.now().current(now)
	if err != nil {
		return ledger.Signed{}, ledger.Head{}, err
	}
	head := ledger.Head{
		Place: l.place, Generation: row.Generation, Version: row.Version,
		Chain: ledger.Hash(row.Chain), Root: ledger.Hash(row.Root), Count: row.Count,
		Issued: now.Unix(), Expires: min(now.Add(headLife).Unix(), ends.Unix()),
	}
	signed := ledger.Sign(ledger.ForHead, head, key)
	if current {
		l.signed, l.head = signed, head
	}
	return signed, head, nil
}

// renewHeads wakes those who wait with a head that is to be signed anew.
func (f *Fleet) renewHeads(now time.Time) {
	for _, l := range f.logs() {
		l.mu.Lock()
		if l.signed.Body != nil && now.Unix() >= l.head.Issued+int64(headRenew/time.Second) {
			l.signed = ledger.Signed{}
			l.announce()
		}
		l.mu.Unlock()
	}
}

func (f *Fleet) logs() []*log {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*log, 0, len(f.places))
	for _, l := range f.places {
		all = append(all, l)
	}
	return all
}

// BeginGeneration has the root sign a new generation of every place: controllers
// then take a log that is older than what they have. It is for a storage that was
// restored from a backup, and that no service uses meanwhile. The number is the time,
// so that it is later than any that was begun after the backup.
func BeginGeneration(ctx context.Context, s storage.Storage, dir string, now time.Time) (places int, err error) {
	_, root, err := readBoth(dir)
	if err != nil {
		return 0, err
	}
	var rows []storage.Row
	for p, err := range s.Scan(tablePlaces, nil) {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return 0, err
		}
		b, err := s.Get(tableLive, p.Key)
		if err != nil {
			return 0, err
		}
		r, err := parseLogRow(b)
		if err != nil {
			return 0, fmt.Errorf("fleet: place %x: %w", p.Key, err)
		}
		place := int64(binary.BigEndian.Uint64(p.Key))
		r.Generation = max(r.Generation+1, uint64(now.Unix()))
		step := ledger.Sign(ledger.ForStep, ledger.Step{Place: place, Generation: r.Generation, Issued: now.Unix()}, root)
		r.Step = &step
		row, err := r.row(place)
		if err != nil {
			return 0, fmt.Errorf("fleet: %w", err)
		}
		rows = append(rows, row)
	}
	return len(rows), s.Commit(rows...)
}
