package place

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"doord/cmd/internal/place/storage"
)

// state is all records. Whoever reads it holds mu for reading; it is written only
// by commit, which holds it for writing for as long as it takes to swap pointers.
type state struct {
	mu     sync.RWMutex
	tables []table
	last   int64 // id given out
}

// table holds the records of a kind with its indexes.
type table struct {
	rows map[int64]record
	ids  []int64        // in order
	to   map[at][]int64 // who refers to a record, in order
	keys map[string]int64
}

func newState() *state {
	s := &state{tables: make([]table, len(kinds))}
	for i := range s.tables {
		s.tables[i] = table{rows: map[int64]record{}, to: map[at][]int64{}, keys: map[string]int64{}}
	}
	return s
}

func (s *state) get(k *kind, id int64) record { return s.tables[k.n].rows[id] }

func (s *state) by(k, to *kind, id int64) []record {
	t := &s.tables[k.n]
	ids := t.to[at{to, id}]
	list := make([]record, len(ids))
	for i, id := range ids {
		list[i] = t.rows[id]
	}
	return list
}

func (s *state) find(k *kind, key string) record {
	return s.get(k, s.tables[k.n].keys[key])
}

// links returns everything that a record is indexed by: its references, its place.
func links(r record) []at {
	var list []at
	for _, x := range r.refs() {
		if x.id != 0 {
			list = append(list, at{x.to, x.id})
		}
	}
	if b := r.base(); b.PlaceID != 0 {
		list = append(list, at{places, b.PlaceID})
	}
	return list
}

// apply puts records in place of those with their ids; nil takes one away. What leaves
// an index leaves it with all others at once: a group of 100,000 members goes in one.
func (s *state) apply(over map[at]record) {
	type list struct {
		table int
		link  at
	}
	leave := map[list][]int64{}
	gone := map[int][]int64{}
	order := slices.SortedFunc(maps.Keys(over), compareAt)
	for _, a := range order {
		t := &s.tables[a.kind.n]
		old, r := t.rows[a.id], over[a]
		if old == nil {
			continue
		}
		for _, k := range old.keys() {
			if t.keys[k.value] == a.id {
				delete(t.keys, k.value)
			}
		}
		stays := linksOf(r)
		for _, l := range links(old) {
			if !slices.Contains(stays, l) {
				leave[list{a.kind.n, l}] = append(leave[list{a.kind.n, l}], a.id)
			}
		}
		if r == nil {
			gone[a.kind.n] = append(gone[a.kind.n], a.id)
			delete(t.rows, a.id)
		}
	}
	for l, ids := range leave {
		t := &s.tables[l.table]
		if left := without(t.to[l.link], ids); len(left) > 0 {
			t.to[l.link] = left
		} else {
			delete(t.to, l.link)
		}
	}
	for n, ids := range gone {
		s.tables[n].ids = without(s.tables[n].ids, ids)
	}
	for _, a := range order {
		if r := over[a]; r != nil {
			s.set(a, r)
		}
	}
}

// set puts a record. What only the one before had is gone already.
func (s *state) set(a at, r record) {
	t := &s.tables[a.kind.n]
	t.ids = insert(t.ids, a.id)
	t.rows[a.id] = r
	for _, l := range links(r) {
		t.to[l] = insert(t.to[l], a.id)
	}
	for _, k := range r.keys() {
		t.keys[k.value] = a.id
	}
	s.last = max(s.last, a.id)
}

func linksOf(r record) []at {
	if r == nil {
		return nil
	}
	return links(r)
}

// insert adds an id to a list in order. Most are the highest yet.
func insert(ids []int64, id int64) []int64 {
	if n := len(ids); n == 0 || ids[n-1] < id {
		return append(ids, id)
	}
	i, found := slices.BinarySearch(ids, id)
	if found {
		return ids
	}
	return slices.Insert(ids, i, id)
}

// without takes ids out of a list. Both are in order.
func without(ids, gone []int64) []int64 {
	return slices.DeleteFunc(ids, func(id int64) bool {
		_, found := slices.BinarySearch(gone, id)
		return found
	})
}

// Tables of the storage: one for each kind, and one with what else there is.
const (
	tablePrefix = "place."
	otherTable  = "place"
)

var lastKey = []byte("last id")

func idKey(id int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

// load reads the state.
func load(from storage.Storage) (*state, error) {
	s := newState()
	for _, k := range kinds {
		if k.alias != nil {
			continue
		}
		for row, err := range from.Scan(tablePrefix+k.path, nil) {
			if err != nil {
				return nil, err
			}
			r := k.fresh()
			if err := json.Unmarshal(row.Value, r); err != nil {
				return nil, fmt.Errorf("place: %s %x: %w", k.path, row.Key, err)
			}
			s.set(at{k, r.base().ID}, r)
		}
	}
	last, err := from.Get(otherTable, lastKey)
	if err != nil {
		return nil, err
	}
	if len(last) == 8 {
		s.last = max(s.last, int64(binary.BigEndian.Uint64(last)))
	}
	return s, nil
}

// row is a record as the storage keeps it; without one it is deleted.
func row(a at, r record) (storage.Row, error) {
	x := storage.Row{Table: tablePrefix + a.kind.path, Key: idKey(a.id)}
	if r == nil {
		return x, nil
	}
	var err error
	if x.Value, err = json.Marshal(r); err != nil {
		return x, fmt.Errorf("place: %s %d: %w", a.kind.path, a.id, err)
	}
	return x, nil
}
