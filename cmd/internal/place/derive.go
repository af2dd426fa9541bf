package place

import (
	"bytes"
	"slices"

	"doord/policy"
	"doord/policy/ledger"
)

// large are the kinds of which a place has many: their records are looked at one by
// one, those of all others together.
func (k *kind) large() bool {
	switch k {
	case members, roleAssignments, cards, groupLinks:
		return true
	}
	return false
}

// derive returns what the change does to a place's log: what the records it touches
// come to with it, less what they came to without. Who is in a member's groups is
// part of each of his credentials, so a touched member takes his cards with him.
func (t *tx) derive(place int64, key []byte) ([]ledger.Record, error) {
	touched := t.closure(place)
	before, err := t.records(t.state, place, touched, key)
	if err != nil {
		return nil, err
	}
	after, err := t.records(t, place, touched, key)
	if err != nil {
		return nil, err
	}
	var changes []ledger.Record
	for len(before) > 0 || len(after) > 0 {
		switch order := compareFirst(before, after); {
		case order < 0:
			changes = append(changes, ledger.Record{Table: before[0].Table, Key: before[0].Key})
			before = before[1:]
		case order > 0:
			changes = append(changes, after[0])
			after = after[1:]
		default:
			if !bytes.Equal(before[0].Value, after[0].Value) {
				changes = append(changes, after[0])
			}
			before, after = before[1:], after[1:]
		}
	}
	return changes, nil
}

// compareFirst compares the first of two lists, an empty one being the last.
func compareFirst(a, b []ledger.Record) int {
	switch {
	case len(b) == 0:
		return -1
	case len(a) == 0:
		return 1
	}
	return ledger.Compare(a[0], b[0])
}

// closure returns the records of a place whose part in the log may be another.
func (t *tx) closure(place int64) []at {
	var touched []at
	var people []int64
	for _, v := range []view{t.state, t} {
		for _, a := range t.news {
			r := v.get(a.kind, a.id)
			if r == nil || placeOf(a, r) != place {
				continue
			}
			touched = append(touched, a)
			switch a.kind {
			case members:
				people = append(people, a.id)
			case roleAssignments:
				people = append(people, r.owner())
			case places:
				if t.namesChange(a.id) {
					for _, m := range v.by(members, places, place) {
						people = append(people, m.base().ID)
					}
				}
			}
		}
	}
	for _, id := range distinct(people) {
		touched = append(touched, at{members, id})
		for _, v := range []view{t.state, t} {
			for _, k := range []*kind{roleAssignments, cards} {
				for _, r := range v.by(k, members, id) {
					touched = append(touched, at{k, r.base().ID})
				}
			}
		}
	}
	// A card says what its member is.
	for _, a := range touched {
		if a.kind != cards {
			continue
		}
		for _, v := range []view{t.state, t} {
			if r := v.get(cards, a.id); r != nil && r.owner() != 0 {
				touched = append(touched, at{members, r.owner()})
				for _, x := range v.by(roleAssignments, members, r.owner()) {
					touched = append(touched, at{roleAssignments, x.base().ID})
				}
			}
		}
	}
	slices.SortFunc(touched, compareAt)
	return slices.Compact(touched)
}

// namesChange reports whether controllers get to know names, or are to forget them.
func (t *tx) namesChange(place int64) bool {
	was, is := lookup[Place](t.state, places, place), lookup[Place](t, places, place)
	return was == nil || is == nil || was.NamesOnControllers != is.NamesOnControllers
}

// records returns what some records of a place come to in its log, in order.
func (t *tx) records(v view, place int64, touched []at, key []byte) ([]ledger.Record, error) {
	home := lookup[Place](v, places, place)
	if home == nil {
		return nil, nil // a place that is not there yet, or not any more, has nothing in its log
	}
	var r policy.Records
	home.addTo(&r)
	for _, a := range touched {
		if x := v.get(a.kind, a.id); x != nil && a.kind != places {
			x.addTo(&r)
		}
	}
	all, err := ledger.FromRecords(&r, key)
	if err != nil {
		return nil, err
	}
	return slices.Collect(all), nil
}

// Records returns all records of a place as its policy: what its controllers hold is
// made of these and nothing else.
func (s *Service) Records(place int64) policy.Records {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	return everything(s.state, place)
}

func everything(v view, place int64) policy.Records {
	var r policy.Records
	if home := lookup[Place](v, places, place); home != nil {
		home.addTo(&r)
	}
	for _, k := range kinds {
		if k.alias == nil && k != places {
			for _, x := range v.by(k, places, place) {
				x.addTo(&r)
			}
		}
	}
	return r
}
