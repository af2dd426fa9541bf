package ledger

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func anyRecord(deletions bool) *rapid.Generator[Record] {
	return rapid.Custom(func(t *rapid.T) Record {
		r := Record{
			Table: rapid.SampledFrom(Tables).Draw(t, "table"),
			Key:   rapid.SliceOfN(rapid.ByteRange(0, 3), 1, 3).Draw(t, "key"),
			Value: rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "value"),
		}
		if deletions && rapid.IntRange(0, 2).Draw(t, "delete") == 0 {
			r.Value = nil
		}
		return r
	})
}

// anyEntry draws an entry in its one order.
func anyEntry(t *rapid.T, version uint64) Entry {
	e := Entry{Version: version}
	for _, r := range rapid.SliceOfN(anyRecord(true), 0, 8).Draw(t, "changes") {
		at, twice := slices.BinarySearchFunc(e.Changes, r, Compare)
		if !twice {
			e.Changes = slices.Insert(e.Changes, at, r)
		}
	}
	return e
}

// place holds live records by table and key.
type place map[string]Record

func (p place) apply(r Record) {
	id := string(byte(r.Table)) + string(r.Key)
	if len(r.Value) == 0 {
		delete(p, id)
	} else {
		p[id] = r
	}
}

func (p place) sorted() []Record { return slices.SortedFunc(maps.Values(p), Compare) }

// TestDeltasAndASnapshotArriveAtTheSameRoot applies a history and hashes anew only
// the leaves that it touches, as a controller does.
func TestDeltasAndASnapshotArriveAtTheSameRoot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		live, tree := place{}, Tree{}
		var chain, again Hash
		for version := range uint64(rapid.IntRange(1, 8).Draw(rt, "entries")) {
			e := anyEntry(rt, version+1)
			touched := map[int]bool{}
			for _, r := range e.Changes {
				live.apply(r)
				touched[LeafOf(r.Table, r.Key)] = true
			}
			for at := range touched {
				var leaf Leaf
				for _, r := range live.sorted() {
					if LeafOf(r.Table, r.Key) == at {
						leaf.Add(r.Key, r.Value)
					}
				}
				tree.Leaf[at], _ = leaf.Sum()
			}
			decoded, err := DecodeEntry(e.Encode())
			if err != nil || !cmp.Equal(e, decoded, encoded, cmpopts.EquateEmpty()) {
				rt.Fatalf("%+v came back as %+v, %v", e, decoded, err)
			}
			chain, again = chain.Next(e.Encode()), again.Next(decoded.Encode())
		}
		snapshot := treeOf(t, live.sorted()...)
		if snapshot.Root() != tree.Root() || snapshot.Count != uint64(len(live)) || chain != again {
			rt.Fatalf("%d records: root %v by snapshot, %v by deltas", snapshot.Count, snapshot.Root(), tree.Root())
		}
	})
}

func TestAnotherSetOfRecordsIsAnotherRoot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		live := place{}
		for _, r := range rapid.SliceOfN(anyRecord(false), 1, 20).Draw(rt, "records") {
			live.apply(r)
		}
		all := live.sorted()
		root := treeOf(t, all...).Root()
		at := rapid.IntRange(0, len(all)-1).Draw(rt, "at")
		other := slices.Clone(all)
		switch rapid.SampledFrom([]string{"drop", "add", "change", "move", "shift"}).Draw(rt, "how") {
		case "drop":
			other = slices.Delete(other, at, at+1)
		case "add":
			r := anyRecord(false).Draw(rt, "new")
			if _, twice := slices.BinarySearchFunc(other, r, Compare); twice {
				return
			}
			other = append(other, r)
		case "change":
			other[at].Value = append(bytes.Clone(other[at].Value), 0)
		case "move": // to another table
			other[at].Table = other[at].Table%4 + 1
			if _, twice := slices.BinarySearchFunc(all, other[at], Compare); twice {
				return
			}
		case "shift": // a byte from the value to the key
			r := &other[at]
			if len(r.Value) < 2 {
				return
			}
			r.Key, r.Value = append(bytes.Clone(r.Key), r.Value[0]), r.Value[1:]
			if _, twice := slices.BinarySearchFunc(all, *r, Compare); twice {
				return
			}
		}
		if treeOf(t, other...).Root() == root {
			rt.Fatalf("%v and %v have one root", all, other)
		}
	})
}

func TestASnapshotOutOfOrderIsRefused(t *testing.T) {
	for name, records := range map[string][]Record{
		"keys":        {put(Records, "b", "1"), put(Records, "a", "1")},
		"tables":      {put(Members, "a", "1"), put(Records, "b", "1")},
		"a key twice": {put(Members, "a", "1"), put(Members, "a", "1")},
		"no value":    {put(Members, "a", "")},
		"no key":      {put(Members, "", "1")},
		"no table":    {put(0, "a", "1")},
	} {
		var b Builder
		var err error
		for _, r := range records {
			err = b.Add(r)
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
