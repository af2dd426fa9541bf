package place

import (
	"slices"

	"doord/policy"
)

// Interlock is doors of which one at a time is open or released.
type Interlock struct {
	Base
	interlockRecord
}

type (
	interlockRecord struct{ interlockFields }
	interlockFields policy.Interlock
)

var interlocks = new(kind)

func init() {
	*interlocks = kind{
		path: "interlocks", envelope: "interlock", resource: "Interlock",
		fresh:  func() record { return &Interlock{} },
		object: interlockObject{},
		sorts:  map[string]func(*shower, record, record) int{"name": byName},
	}
}

func (x *Interlock) text() string { return x.Name }
func (x *Interlock) refs() []ref {
	list := make([]ref, len(x.LockIDs))
	for i, id := range x.LockIDs {
		list[i] = ref{field: "lock_ids", to: locks, id: id}
	}
	return list
}

// without the last but one of its doors an interlock holds nobody.
func (x *Interlock) without(to *kind, id int64) record {
	left := *x
	left.LockIDs = slices.DeleteFunc(slices.Clone(x.LockIDs), func(l int64) bool { return l == id })
	if to != locks || len(left.LockIDs) < 2 {
		return nil
	}
	return &left
}

func (x *Interlock) addTo(r *policy.Records) {
	p := policy.Interlock(x.interlockFields)
	p.ID, p.PlaceID = x.ID, x.PlaceID
	r.Interlocks = append(r.Interlocks, p)
}

type interlockObject struct {
	*Interlock
	ResourceType string  `json:"resource_type"`
	LockIDs      []int64 `json:"lock_ids"`
}

func (x *Interlock) show(*shower) any {
	return &interlockObject{x, interlocks.resource, orNone(x.LockIDs)}
}
