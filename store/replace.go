package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"

	"go.etcd.io/bbolt"

	"doord/policy"
)

const (
	chunkRecords = 4096 // in one transaction of a bulk load
	packed       = 0.95 // how full pages are that are written in the order of keys
)

// Replace puts a place's whole policy into force and returns its revision, one
// more than before. The records must be valid. A new file is written beside the
// old one and takes its name in one step: whatever happens on the way, a look-up
// finds the old policy or the new one, never a mixture; the old file's space
// comes back at once, and its damage, if any, is gone.
func (p *Policy) Replace(records *policy.Records) (revision uint64, err error) {
	p.replacing.Lock()
	defer p.replacing.Unlock()
	path := filepath.Join(p.dir, policyFile)
	next := p.revision + 1
	if err := policyLayout.make(path, p.o, func(f *file) error {
		return fillPolicy(f, p.key, next, records)
	}); err != nil {
		return p.revision, err
	}
	f, err := policyLayout.load(path, p.o, p.scan)
	if err != nil {
		return p.revision, fmt.Errorf("%w; the policy before it stays in force until doord ends", err)
	}
	p.revision = next
	old := p.live.Swap(f)
	return next, old.close()
}

// fillPolicy writes all buckets of a new file.
func fillPolicy(f *file, key placeKey, revision uint64, r *policy.Records) error {
	credentials, err := digestedTokens(key, r)
	if err != nil {
		return err
	}
	members, names, err := people(r)
	if err != nil {
		return err
	}
	if err := f.update(func(tx *bbolt.Tx) error {
		if err := tx.Bucket(metaBucket).Put(keyProof, sealed(keyProof, key.proof())); err != nil {
			return err
		}
		b, err := tx.CreateBucket(recordsBucket)
		if err != nil {
			return err
		}
		return putRecords(b, r)
	}); err != nil {
		return err
	}
	for _, large := range []struct {
		bucket []byte
		*table
	}{{credentialsBucket, credentials}, {membersBucket, members}, {namesBucket, names}} {
		if err := large.write(f, large.bucket, revision); err != nil {
			return err
		}
	}
	return nil
}

func digestedTokens(key placeKey, r *policy.Records) (*table, error) {
	t := &table{rows: make([]row, 0, len(r.Credentials)+len(r.GroupLinks))}
	h := key.hash()
	for token, holder := range r.Tokens() {
		t.begin()
		t.data = appendDigest(t.data, h, token)
		if err := t.holder(holder); err != nil {
			return nil, fmt.Errorf("credential %d: %w", holder.Credential, err)
		}
	}
	if twice := t.sort(); twice != nil {
		return nil, fmt.Errorf("credentials %d and %d are the same token", credentialOf(t.value(twice[0])), credentialOf(t.value(twice[1])))
	}
	return t, nil
}

// credentialOf reads the id out of a record that was just made.
func credentialOf(value []byte) int64 { return readID(value[8:]) }

func people(r *policy.Records) (members, names *table, err error) {
	members, names = &table{}, &table{}
	for m, holder := range r.People() {
		members.begin()
		members.data = appendID(members.data, m.ID)
		if err := members.holder(holder); err != nil {
			return nil, nil, fmt.Errorf("member %d: %w", m.ID, err)
		}
		if r.Place.NamesOnControllers && m.Name != "" {
			names.begin()
			names.data = appendID(names.data, m.ID)
			names.text(m.Name)
		}
	}
	if twice := members.sort(); twice != nil {
		return nil, nil, fmt.Errorf("two members have the id %d", readID(members.key(twice[0])))
	}
	names.sort()
	return members, names, nil
}

// table gathers the rows of a bucket in one piece of memory, so that they can be
// written in the order of their keys: in any other order a bulk load takes minutes.
type table struct {
	data []byte
	rows []row
}

// row is where a key and its sealed value lie in the table's data.
type row struct{ key, value, end int }

// begin starts a row; the caller appends its key to data.
func (t *table) begin() { t.rows = append(t.rows, row{key: len(t.data)}) }

// open ends the key and returns it.
func (t *table) open() (*row, []byte) {
	r := &t.rows[len(t.rows)-1]
	r.value = len(t.data)
	return r, t.data[r.key:r.value]
}

func (t *table) holder(h *policy.Holder) (err error) {
	r, key := t.open()
	t.data, err = appendHolder(t.data, key, h)
	r.end = len(t.data)
	return err
}

func (t *table) text(s string) {
	r, key := t.open()
	t.data = seal(append(t.data, s...), r.value, key)
	r.end = len(t.data)
}

func (t *table) key(r row) []byte   { return t.data[r.key:r.value] }
func (t *table) value(r row) []byte { return t.data[r.value:r.end] }

// sort puts the rows in the order of keys. It returns two rows with the same key
// if there are any.
func (t *table) sort() (twice []row) {
	slices.SortFunc(t.rows, func(a, b row) int { return bytes.Compare(t.key(a), t.key(b)) })
	for i := 1; i < len(t.rows); i++ {
		if bytes.Equal(t.key(t.rows[i-1]), t.key(t.rows[i])) {
			return t.rows[i-1 : i+1]
		}
	}
	return nil
}

// write makes the bucket, in transactions of bounded size, and notes in meta what
// must be found in it.
func (t *table) write(f *file, bucket []byte, revision uint64) error {
	var sum tally
	if err := f.update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket(bucket)
		if err != nil {
			return err
		}
		return b.SetSequence(revision)
	}); err != nil {
		return err
	}
	for chunk := range slices.Chunk(t.rows, chunkRecords) {
		if err := f.update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucket)
			b.FillPercent = packed
			for _, r := range chunk {
				if err := b.Put(t.key(r), t.value(r)); err != nil {
					return err
				}
				sum.add(t.value(r))
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return f.update(func(tx *bbolt.Tx) error {
		key := tallyKey(bucket)
		return tx.Bucket(metaBucket).Put(key, sealed(key, sum.append(nil)))
	})
}

// tally is how many records a bucket holds, and the sum of their checksums, which
// does not depend on their order. It finds a record that is missing.
type tally struct{ count, sum uint64 }

func tallyKey(bucket []byte) []byte { return append([]byte("tally "), bucket...) }

func (t *tally) add(value []byte) {
	t.count++
	t.sum += uint64(binary.BigEndian.Uint32(value[len(value)-sealSize:]))
}

func (t *tally) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, t.count), t.sum)
}
