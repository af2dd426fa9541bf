package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Leaves is how many leaves the tree over the live records has: 256 of each table,
// by the first byte of the key. Digests are uniform, and ids have their low byte
// first so that they are, too. The records of a leaf lie side by side, and a change
// of one record costs the hash of one leaf.
const Leaves = 4 * 256

// Tree holds the hash of each leaf, zero for one without records, and how many
// records there are.
type Tree struct {
	Leaf  [Leaves]Hash
	Count uint64
}

// LeafOf returns the leaf of a record, 0 to Leaves-1.
func LeafOf(t Table, key []byte) int { return int(t-1)<<8 | int(key[0]) }

// Root returns the hash over all leaves.
func (t *Tree) Root() Hash {
	h := sha256.New()
	for i := range t.Leaf {
		h.Write(t.Leaf[i][:])
	}
	return Hash(h.Sum(nil))
}

// Leaf hashes the records of one leaf, which come in the order of their keys.
type Leaf struct {
	h     hash.Hash
	count uint64
}

// Add adds a record.
func (l *Leaf) Add(key, value []byte) {
	if l.h == nil {
		l.h = sha256.New()
	}
	var b [5]byte
	b[0] = byte(len(key))
	binary.BigEndian.PutUint32(b[1:], uint32(len(value)))
	l.h.Write(b[:])
	l.h.Write(key)
	l.h.Write(value)
	l.count++
}

// Sum returns the leaf's hash and how many records it has, and empties it.
func (l *Leaf) Sum() (Hash, uint64) {
	if l.count == 0 {
		return Hash{}, 0
	}
	sum, n := Hash(l.h.Sum(nil)), l.count
	l.h.Reset()
	l.count = 0
	return sum, n
}

// Builder makes the tree of a snapshot, whose records come in order.
type Builder struct {
	Tree Tree

	last Record
	leaf Leaf
}

// Add adds the next record.
func (b *Builder) Add(r Record) error {
	if err := r.whole(); err != nil {
		return err
	}
	if b.last.Table != 0 {
		if Compare(b.last, r) >= 0 {
			return errOrder
		}
		if at := LeafOf(b.last.Table, b.last.Key); at != LeafOf(r.Table, r.Key) {
			b.end(at)
		}
	}
	b.last.Table, b.last.Key = r.Table, append(b.last.Key[:0], r.Key...)
	b.leaf.Add(r.Key, r.Value)
	return nil
}

// Finish ends the snapshot and returns its tree.
func (b *Builder) Finish() *Tree {
	if b.last.Table != 0 {
		b.end(LeafOf(b.last.Table, b.last.Key))
		b.last.Table = 0
	}
	return &b.Tree
}

func (b *Builder) end(at int) {
	sum, n := b.leaf.Sum()
	b.Tree.Leaf[at] = sum
	b.Tree.Count += n
}

// TableOf returns the table of a leaf.
func TableOf(leaf int) Table { return Records + Table(leaf>>8) }
