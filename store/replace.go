package store

import (
	"fmt"
	"iter"
	"path/filepath"

	"go.etcd.io/bbolt"

	"doord/policy"
	"doord/policy/ledger"
)

const (
	chunkRecords = 4096    // in one transaction of a bulk load, at most
	chunkBytes   = 1 << 20 // of their values, about
	packed       = 0.95    // how full pages are that are written in the order of keys
)

// Replace puts a place's whole policy into force, which comes from no log, and
// returns its revision, one more than before. The records must be valid. A new file
// is written beside the old one and takes its name in one step: whatever happens on
// the way, a look-up finds the old policy or the new one, never a mixture; the old
// file's space comes back at once, and its damage, if any, is gone.
func (p *Policy) Replace(records *policy.Records) (revision uint64, err error) {
	p.replacing.Lock()
	defer p.replacing.Unlock()
	key, next := p.live.Load().key, p.revision+1
	if err := p.make(func(f *file) error { return fillLocal(f, key, next, records) }); err != nil {
		return p.revision, err
	}
	err = p.adopt(key)
	return p.revision, err
}

// make writes a new file under the policy's name.
func (p *Policy) make(fill func(*file) error) error {
	return policyLayout.make(filepath.Join(p.dir, policyFile), p.o, fill)
}

// adopt puts the file that was just made into force.
func (p *Policy) adopt(key placeKey) error {
	scan := policyScan{keys: []placeKey{key}}
	f, err := policyLayout.load(filepath.Join(p.dir, policyFile), p.o, scan.read)
	if err != nil {
		return fmt.Errorf("%w; the policy before it stays in force until doord ends", err)
	}
	p.revision = scan.revision
	old := p.live.Swap(&cache{f, key})
	p.synced.Store(scan.synced)
	return old.close()
}

func fillLocal(f *file, key placeKey, revision uint64, r *policy.Records) error {
	all, err := ledger.FromRecords(r, key)
	if err != nil {
		return err
	}
	_, err = fillPolicy(f, key, revision, ledger.Signed{}, func(yield func(ledger.Record, error) bool) {
		for record := range all {
			if !yield(record, nil) {
				return
			}
		}
	})
	return err
}

// fillPolicy writes all buckets of a new file, in transactions of bounded size, and
// returns the tree over the records, which come in the order of a snapshot: in any
// other order a bulk load takes minutes.
func fillPolicy(f *file, key placeKey, revision uint64, head ledger.Signed, all iter.Seq2[ledger.Record, error]) (*ledger.Tree, error) {
	if err := f.update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			b, err := tx.CreateBucket(name)
			if err != nil {
				return err
			}
			if err := b.SetSequence(revision); err != nil {
				return err
			}
		}
		if err := putHead(tx, head); err != nil {
			return err
		}
		return tx.Bucket(metaBucket).Put(keyProof, sealed(keyProof, key.proof()))
	}); err != nil {
		return nil, err
	}
	var tree ledger.Builder
	var c chunk
	for r, err := range all {
		if err == nil {
			err = tree.Add(r)
		}
		if err == nil {
			c.add(r)
			err = c.write(f, false)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := c.write(f, true); err != nil {
		return nil, err
	}
	return tree.Finish(), f.update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(leavesBucket)
		if err != nil {
			return err
		}
		for i, hash := range tree.Tree.Leaf {
			if err := putLeaf(b, i, hash); err != nil {
				return err
			}
		}
		return nil
	})
}

// chunk gathers records for one transaction.
type chunk struct {
	records []ledger.Record
	values  []byte // sealed, one after the other
	ends    []int
}

func (c *chunk) add(r ledger.Record) {
	start := len(c.values)
	c.values = seal(append(c.values, r.Value...), start, r.Key)
	c.records, c.ends = append(c.records, r), append(c.ends, len(c.values))
}

// write writes what was gathered if it is much, or the last.
func (c *chunk) write(f *file, last bool) error {
	if !last && len(c.records) < chunkRecords && len(c.values) < chunkBytes {
		return nil
	}
	if err := f.update(func(tx *bbolt.Tx) error {
		start := 0
		for i, r := range c.records {
			b := tx.Bucket(buckets[r.Table])
			b.FillPercent = packed
			if err := b.Put(r.Key, c.values[start:c.ends[i]]); err != nil {
				return err
			}
			start = c.ends[i]
		}
		return nil
	}); err != nil {
		return err
	}
	c.records, c.values, c.ends = c.records[:0], c.values[:0], c.ends[:0]
	return nil
}
