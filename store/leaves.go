package store

import (
	"encoding/binary"

	"go.etcd.io/bbolt"

	"doord/policy/ledger"
)

// The leaves of the tree over the records (see package ledger) lie beside them, each
// under its number: a change costs the hash of the leaves that it touches, and Check
// finds a record that is missing, or one too many, also in a policy from a file.

func leafKey(leaf int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(leaf)) }

// putLeaf writes the hash of a leaf; one without records has no entry.
func putLeaf(b *bbolt.Bucket, leaf int, hash ledger.Hash) error {
	key := leafKey(leaf)
	if hash == (ledger.Hash{}) {
		return b.Delete(key)
	}
	return b.Put(key, sealed(key, hash[:]))
}

// readLeaf returns the hash of a leaf as it was written.
func readLeaf(f *file, tx *bbolt.Tx, leaf int) (hash ledger.Hash, err error) {
	key := leafKey(leaf)
	b := tx.Bucket(leavesBucket)
	if b == nil {
		return hash, damage(f.path, string(leavesBucket), "%v", errMissing)
	}
	value := b.Get(key)
	if value == nil {
		return hash, nil
	}
	body, err := unseal(key, value)
	if err == nil && len(body) != len(hash) {
		err = errShort
	}
	if err != nil {
		return hash, damage(f.path, string(leavesBucket), "leaf %d: %v", leaf, err)
	}
	return ledger.Hash(body), nil
}

// rootOf returns the hash over all leaves.
func rootOf(f *file, tx *bbolt.Tx) (ledger.Hash, error) {
	var tree ledger.Tree
	for i := range tree.Leaf {
		var err error
		if tree.Leaf[i], err = readLeaf(f, tx, i); err != nil {
			return ledger.Hash{}, err
		}
	}
	return tree.Root(), nil
}

// hashLeaf computes the hash of a leaf from its records, each of which see looks at.
func hashLeaf(f *file, tx *bbolt.Tx, leaf int, see func(key, body []byte) error) (ledger.Hash, error) {
	bucket := buckets[ledger.TableOf(leaf)]
	b := tx.Bucket(bucket)
	if b == nil {
		return ledger.Hash{}, damage(f.path, string(bucket), "%v", errMissing)
	}
	var l ledger.Leaf
	first := byte(leaf)
	c := b.Cursor()
	for key, value := c.Seek([]byte{first}); len(key) > 0 && key[0] == first; key, value = c.Next() {
		body, err := unseal(key, value)
		if err == nil {
			err = see(key, body)
		}
		if err != nil {
			return ledger.Hash{}, damage(f.path, string(bucket), "record %x: %v", key, err)
		}
		l.Add(key, body)
	}
	hash, _ := l.Sum()
	return hash, nil
}
