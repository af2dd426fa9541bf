package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"doord/policy"
	"doord/policy/ledger"
)

// rewriteFrom is how many changes are too many for one transaction, in which each
// may hold a page in memory: then a new file is written, as for a snapshot.
const rewriteFrom = 2048

// synced is what is known of a policy that follows a log.
type synced struct {
	signed ledger.Signed
	head   ledger.Head
}

func putHead(tx *bbolt.Tx, head ledger.Signed) error {
	var body []byte
	if head.Body != nil {
		body = head.Encode()
	}
	return tx.Bucket(metaBucket).Put(keyHead, sealed(keyHead, body))
}

// readHead returns nil for a policy without one.
func readHead(f *file, tx *bbolt.Tx) (*synced, error) {
	body, err := metaValue(f, tx, keyHead)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	s := &synced{}
	if s.signed, err = ledger.DecodeSigned(body); err == nil {
		err = s.signed.Peek(&s.head)
	}
	if err != nil {
		return nil, damage(f.path, "its head", "%v", err)
	}
	return s, nil
}

// Position tells how far in its place's log the policy is; zero for one that came
// from a file, or none.
func (p *Policy) Position() ledger.Position {
	_, head := p.Head()
	return head.Position()
}

// Head returns the head of the policy in force as Load, Apply or Renew were last
// given it, also after a restart; zero for a policy that came from a file, or none.
// After a restart it is no better verified than the file is guarded.
func (p *Policy) Head() (ledger.Signed, ledger.Head) {
	if s := p.synced.Load(); s != nil {
		return s.signed, s.head
	}
	return ledger.Signed{}, ledger.Head{}
}

func diverged(format string, args ...any) error {
	return fmt.Errorf("store: %w: %s", ErrDiverged, fmt.Sprintf(format, args...))
}

// matches makes sure that the head is the one that was signed.
func matches(signed ledger.Signed, head ledger.Head) error {
	var h ledger.Head
	if err := signed.Peek(&h); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if h != head {
		return errors.New("store: the head is not the one that was signed")
	}
	return nil
}

// Load puts a whole snapshot into force, whose records next returns in order, and
// io.EOF after the last. Its revision is the head's version. The caller has verified
// the head, and that it may take the place of the one before. Like Replace, Load
// writes a new file and needs little memory however long it is. A snapshot that is
// not what its head says is ErrDiverged; one that this doord cannot use, because a
// later doord made it or its records contradict each other, is another error. In
// either case, and after an error of next, nothing has changed.
//
// placeKey, if it is not empty, is the key that the digests were made under, and is
// kept. After a crash on the way the old policy is there with the old key, or the
// new one with the new key.
func (p *Policy) Load(placeKey []byte, signed ledger.Signed, head ledger.Head, next func() (ledger.Record, error)) error {
	if err := matches(signed, head); err != nil {
		return err
	}
	p.replacing.Lock()
	defer p.replacing.Unlock()
	key := p.live.Load().key
	if len(placeKey) == 0 || bytes.Equal(placeKey, key) {
		return p.load(key, signed, head, next)
	}
	if len(placeKey) != keySize {
		return fmt.Errorf("store: a place key of %d bytes, not %d", len(placeKey), keySize)
	}
	key = bytes.Clone(placeKey)
	if err := announceKey(p.dir, key); err != nil {
		return err
	}
	err := p.load(key, signed, head, next)
	// If the new file has its name and could not be opened the key is needed at the
	// next start; it is looked at there.
	if taken := &p.live.Load().key[0] == &key[0]; taken {
		err = errors.Join(err, settleKey(p.dir, true))
	}
	return err
}

func (p *Policy) load(key placeKey, signed ledger.Signed, head ledger.Head, next func() (ledger.Record, error)) error {
	if err := p.make(func(f *file) error {
		return fillSynced(f, key, signed, head, func(yield func(ledger.Record, error) bool) {
			for {
				r, err := next()
				if errors.Is(err, io.EOF) || !yield(r, err) {
					return
				}
			}
		})
	}); err != nil {
		return err
	}
	return p.adopt(key)
}

// fillSynced writes a new file of what a head tells of.
func fillSynced(f *file, key placeKey, signed ledger.Signed, head ledger.Head, all iter.Seq2[ledger.Record, error]) error {
	var fit fitness
	tree, err := fillPolicy(f, key, head.Version, signed, func(yield func(ledger.Record, error) bool) {
		for r, err := range all {
			if err == nil {
				err = fit.check(r)
			}
			if err == nil && r.Table == ledger.Records {
				err = ledger.AddSmall(&fit.small, r.Key, r.Value)
			}
			if !yield(r, err) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if tree.Count != head.Count || tree.Root() != head.Root {
		return diverged("%d records came, which are not the %d of version %d", tree.Count, head.Count, head.Version)
	}
	if head.Count == 0 {
		return nil
	}
	return fit.whole()
}

// Apply puts what the next entries of the log change into force, through the last,
// which the head tells of. The caller has verified the head. What does not follow
// from the present position, or does not arrive at the head, is ErrDiverged; what
// this doord cannot use is another error, as for Load; nothing has changed then. It
// is one transaction: a look-up sees all of it or nothing, and the revision is that
// of what it sees.
func (p *Policy) Apply(signed ledger.Signed, head ledger.Head, entries []ledger.Entry) error {
	if err := matches(signed, head); err != nil {
		return err
	}
	p.replacing.Lock()
	defer p.replacing.Unlock()
	at := p.synced.Load()
	if at == nil {
		return diverged("the policy here comes from no log")
	}
	if err := follows(at.head, head, entries); err != nil {
		return err
	}
	changes := fold(entries)
	c := p.live.Load()
	if len(changes) >= rewriteFrom {
		if err := p.rewrite(c, signed, head, changes); err != nil {
			return err
		}
		return p.adopt(c.key)
	}
	if err := c.update(func(tx *bbolt.Tx) error {
		d := delta{f: c.file, tx: tx, count: at.head.Count}
		return d.apply(signed, head, changes)
	}); err != nil {
		return err
	}
	p.revision = head.Version
	p.synced.Store(&synced{signed, head})
	return nil
}

// follows checks the chain from one head to the next.
func follows(from, to ledger.Head, entries []ledger.Entry) error {
	if from.Place != to.Place || from.Generation != to.Generation {
		return diverged("from generation %d of place %d to generation %d of place %d", from.Generation, from.Place, to.Generation, to.Place)
	}
	version, chain := from.Version, from.Chain
	for _, e := range entries {
		if err := e.Check(); err != nil {
			return fmt.Errorf("store: entry %d: %w", e.Version, err)
		}
		version++
		if e.Version != version {
			return diverged("entry %d comes in the place of %d", e.Version, version)
		}
		chain = chain.Next(e.Encode())
	}
	if version != to.Version || chain != to.Chain {
		return diverged("the entries from version %d arrive at %d, and not at the chain of %d", from.Version, version, to.Version)
	}
	return nil
}

// fold returns what the entries change in the end, in the order of records.
func fold(entries []ledger.Entry) []ledger.Record {
	var all []ledger.Record
	for _, e := range entries {
		all = append(all, e.Changes...)
	}
	slices.SortStableFunc(all, ledger.Compare)
	last := all[:0]
	for i := range all {
		if i+1 == len(all) || ledger.Compare(all[i], all[i+1]) != 0 {
			last = append(last, all[i])
		}
	}
	return last
}

// delta is a change of the policy in one transaction.
type delta struct {
	f     *file
	tx    *bbolt.Tx
	fit   fitness
	count uint64 // of records
	leaf  [ledger.Leaves]bool
}

func (d *delta) apply(signed ledger.Signed, head ledger.Head, changes []ledger.Record) error {
	for _, r := range changes {
		if err := d.put(r); err != nil {
			return err
		}
		d.leaf[ledger.LeafOf(r.Table, r.Key)] = true
	}
	leaves := d.tx.Bucket(leavesBucket)
	if leaves == nil {
		return damage(d.f.path, string(leavesBucket), "%v", errMissing)
	}
	for i, touched := range d.leaf {
		if !touched {
			continue
		}
		hash, err := hashLeaf(d.f, d.tx, i, func(_, _ []byte) error { return nil })
		if err != nil {
			return err
		}
		if err := putLeaf(leaves, i, hash); err != nil {
			return err
		}
	}
	root, err := rootOf(d.f, d.tx)
	if err != nil {
		return err
	}
	if root != head.Root || d.count != head.Count {
		return diverged("%d records, which are not the %d of version %d", d.count, head.Count, head.Version)
	}
	if len(changes) > 0 && changes[0].Table == ledger.Records {
		if d.fit.small, err = smallRecords(d.f, d.tx); err == nil {
			err = d.fit.whole()
		}
		if err != nil {
			return err
		}
	}
	for _, name := range buckets {
		if err := d.tx.Bucket(name).SetSequence(head.Version); err != nil {
			return err
		}
	}
	return putHead(d.tx, signed)
}

func (d *delta) put(r ledger.Record) error {
	bucket := buckets[r.Table]
	b := d.tx.Bucket(bucket)
	if b == nil {
		return damage(d.f.path, string(bucket), "%v", errMissing)
	}
	if b.Get(r.Key) != nil {
		d.count--
	}
	if len(r.Value) == 0 {
		return b.Delete(r.Key)
	}
	if err := d.fit.check(r); err != nil {
		return err
	}
	d.count++
	return b.Put(r.Key, sealed(r.Key, r.Value))
}

// rewrite makes a new file of the old one and many changes.
func (p *Policy) rewrite(c *cache, signed ledger.Signed, head ledger.Head, changes []ledger.Record) error {
	return c.view(func(tx *bbolt.Tx) error {
		return p.make(func(f *file) error {
			return fillSynced(f, c.key, signed, head, merged(c.file, tx, changes))
		})
	})
}

// merged yields the records of a file with the changes in them.
func merged(f *file, tx *bbolt.Tx, changes []ledger.Record) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		// before yields the changes that come before a record, and tells whether one
		// takes its place.
		before := func(old ledger.Record) (instead, more bool) {
			for more = true; more && len(changes) > 0 && ledger.Compare(changes[0], old) <= 0; changes = changes[1:] {
				instead = ledger.Compare(changes[0], old) == 0
				if len(changes[0].Value) > 0 {
					more = yield(changes[0], nil)
				}
			}
			return instead, more
		}
		for _, table := range ledger.Tables {
			b := tx.Bucket(buckets[table])
			if b == nil {
				yield(ledger.Record{}, damage(f.path, string(buckets[table]), "%v", errMissing))
				return
			}
			c := b.Cursor()
			for key, value := c.First(); key != nil; key, value = c.Next() {
				body, err := unseal(key, value)
				if err != nil {
					yield(ledger.Record{}, damage(f.path, string(buckets[table]), "record %x: %v", key, err))
					return
				}
				old := ledger.Record{Table: table, Key: key, Value: body}
				instead, more := before(old)
				if !more || !instead && !yield(old, nil) {
					return
				}
			}
		}
		before(ledger.Record{Table: ledger.Names + 1})
	}
}

// Renew takes another head of the present position, which expires later: nothing
// has changed, and the service is still there. The caller has verified it.
func (p *Policy) Renew(signed ledger.Signed, head ledger.Head) error {
	if err := matches(signed, head); err != nil {
		return err
	}
	p.replacing.Lock()
	defer p.replacing.Unlock()
	at := p.synced.Load()
	if at == nil || at.head.Place != head.Place || at.head.Position() != head.Position() ||
		at.head.Root != head.Root || at.head.Count != head.Count {
		return diverged("the head is of another position")
	}
	if head.Expires <= at.head.Expires {
		return nil
	}
	if err := p.live.Load().update(func(tx *bbolt.Tx) error { return putHead(tx, signed) }); err != nil {
		return err
	}
	p.synced.Store(&synced{signed, head})
	return nil
}

// fitness tells whether this doord can use the records that come. It must know
// before they are in force: a cache that cannot be read at the next start, or a
// lock that is not there, would leave the doors without a policy.
type fitness struct {
	holder policy.Holder
	small  policy.Records
}

// check looks at one record.
func (c *fitness) check(r ledger.Record) error {
	var err error
	size, id := 8, int64(0)
	switch r.Table {
	case ledger.Records:
		return nil // they are looked at together
	case ledger.Credentials:
		size, err = ledger.DigestSize, ledger.DecodeHolder(r.Value, &c.holder)
	case ledger.Members:
		err = ledger.DecodeHolder(r.Value, &c.holder)
		id = c.holder.Member
	case ledger.Names:
	}
	if err == nil && (len(r.Key) != size || r.Table == ledger.Members && !bytes.Equal(r.Key, ledger.IDKey(id))) {
		err = errors.New("it is not under its key")
	}
	if err != nil {
		return fmt.Errorf("store: record %x in %s: %w", r.Key, buckets[r.Table], err)
	}
	return nil
}

// whole looks at the small records together.
func (c *fitness) whole() error {
	if problems := c.small.Validate(); len(problems) > 0 {
		return fmt.Errorf("store: the policy contradicts itself: %w", problems)
	}
	if _, err := time.LoadLocation(c.small.Place.TimeZone); err != nil {
		return fmt.Errorf("store: place.time_zone: %w", err)
	}
	return nil
}
