package place

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/storage"
)

// tx is a change that is being made: records over those of the state. Nothing of it
// is seen by others before it is durable.
type tx struct {
	state *state
	now   time.Time
	last  int64
	over  map[at]record   // nil: deleted
	to    map[at][]at     // records that came to refer to one, or once did
	keys  map[string][]at // the same of keys
	news  []at            // in the order in which they were touched
	told  []told          // audit events
	bad   Invalid         // what was wrong with a body
	items map[at]string   // of the records of a list: where in it, before the names of fields
}

func newTx(s *state, now time.Time) *tx {
	return &tx{state: s, now: now, last: s.last, over: map[at]record{}, to: map[at][]at{}, keys: map[string][]at{}, items: map[at]string{}}
}

func (t *tx) get(k *kind, id int64) record {
	if r, is := t.over[at{k, id}]; is {
		return r
	}
	return t.state.get(k, id)
}

func (t *tx) by(k, to *kind, id int64) []record {
	link := at{to, id}
	list := slices.DeleteFunc(t.state.by(k, to, id), func(r record) bool {
		_, over := t.over[at{k, r.base().ID}]
		return over
	})
	more := len(list)
	for _, a := range t.to[link] {
		if r := t.over[a]; a.kind == k && r != nil && slices.Contains(links(r), link) && !slices.Contains(list[more:], r) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b record) int { return cmp.Compare(a.base().ID, b.base().ID) })
	return list
}

func (t *tx) find(k *kind, value string) record {
	for _, a := range t.keys[value] {
		if r := t.over[a]; a.kind == k && r != nil && hasKey(r, value) {
			return r
		}
	}
	if r := t.state.find(k, value); r != nil {
		if _, over := t.over[at{k, r.base().ID}]; !over {
			return r
		}
	}
	return nil
}

// put puts a record, which gets an id if it has none.
func (t *tx) put(k *kind, r record) {
	b := r.base()
	if b.ID == 0 {
		t.last++
		b.ID, b.CreatedAt = t.last, t.now
	}
	b.UpdatedAt = t.now
	t.keep(k, r)
}

// keep puts a record as it is: what happened to it is no change.
func (t *tx) keep(k *kind, r record) {
	a := at{k, r.base().ID}
	if _, again := t.over[a]; !again {
		t.news = append(t.news, a)
	}
	t.over[a] = r
	for _, l := range links(r) {
		t.to[l] = append(t.to[l], a)
	}
	for _, k := range r.keys() {
		t.keys[k.value] = append(t.keys[k.value], a)
	}
}

func hasKey(r record, value string) bool {
	return slices.ContainsFunc(r.keys(), func(k key) bool { return k.value == value })
}

// drop deletes a record with all that is nothing without it, and returns how many
// records went.
func (t *tx) drop(k *kind, id int64) int {
	a := at{k, id}
	if _, again := t.over[a]; !again {
		t.news = append(t.news, a)
	}
	t.over[a] = nil
	n := 1
	for _, other := range kinds {
		if other.alias != nil {
			continue
		}
		for _, r := range t.by(other, k, id) {
			if left := r.without(k, id); left != nil {
				t.put(other, left)
			} else if t.get(other, r.base().ID) != nil {
				n += t.drop(other, r.base().ID)
			}
		}
	}
	return n
}

// change makes a change: f says which, and nothing of it is done if it or anything
// after it fails. One change is one entry in the log of each place it touches.
func (s *Service) change(f func(*tx) error) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	t := newTx(s.state, s.now().UTC().Truncate(time.Millisecond))
	if err := f(t); err != nil {
		return err
	}
	return s.commit(t)
}

// placesOf returns the places that a change touches.
func (t *tx) placesOf() []int64 {
	var ids []int64
	for _, a := range t.news {
		for _, v := range []view{t.state, t} {
			if r := v.get(a.kind, a.id); r != nil {
				ids = append(ids, placeOf(a, r))
			}
		}
	}
	return slices.DeleteFunc(distinct(ids), func(id int64) bool { return id == 0 })
}

// placeOf returns the place that a record belongs to; 0: to none.
func placeOf(a at, r record) int64 {
	if a.kind == places {
		return a.id
	}
	return r.base().PlaceID
}

func (s *Service) commit(t *tx) error {
	if err := t.check(); err != nil {
		return err
	}
	var rows []storage.Row
	var staged []fleet.Staged
	for _, place := range t.placesOf() {
		if err := s.fleet.AddPlace(place); err != nil {
			return fmt.Errorf("place %d: %w", place, err)
		}
		changes, err := t.derive(place, s.fleet.PlaceKey(place))
		if err != nil {
			return fmt.Errorf("place %d: %w", place, err)
		}
		step, err := s.fleet.Stage(place, changes)
		if err != nil {
			return fmt.Errorf("place %d: %w", place, err)
		}
		staged = append(staged, step)
	}
	events, err := t.events(s.fleet)
	if err != nil {
		return err
	}
	staged = append(staged, events...)
	for _, step := range staged {
		rows = append(rows, step.Rows...)
	}
	for _, a := range slices.SortedFunc(maps.Keys(t.over), compareAt) {
		x, err := row(a, t.over[a])
		if err != nil {
			return err
		}
		rows = append(rows, x)
	}
	if t.last != t.state.last {
		rows = append(rows, storage.Row{Table: otherTable, Key: lastKey, Value: binary.BigEndian.AppendUint64(nil, uint64(t.last))})
	}
	if err := s.storage.Commit(rows...); err != nil {
		return err
	}
	t.state.mu.Lock()
	t.state.apply(t.over)
	t.state.last = t.last
	t.state.mu.Unlock()
	for _, step := range staged {
		step.Done()
	}
	return nil
}

func compareAt(a, b at) int { return cmp.Or(cmp.Compare(a.kind.n, b.kind.n), cmp.Compare(a.id, b.id)) }
