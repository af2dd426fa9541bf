package place

import (
	"fmt"
	"slices"
	"time"

	"doord/policy"
)

// record is a resource as it is kept: immutable once it is in the state, a change
// puts another in its place. Base has an answer to everything that most kinds have
// no answer of their own to.
type record interface {
	base() *Base
	// refs are the records without which this one is nothing.
	refs() []ref
	// without returns what is left when a record it refers to goes; nil: nothing.
	without(to *kind, id int64) record
	// keys are what no two records of the kind have alike.
	keys() []key
	// groups are those whose managers and members have to do with it.
	groups(view) []int64
	// owner is the member whose own it is; 0: nobody's.
	owner() int64
	// text is what a query searches.
	text() string
	// check adds what is wrong and package policy does not know of.
	check(view, *Invalid)
	// addTo adds the part that controllers need.
	addTo(*policy.Records)
	// show returns what the API answers with.
	show(*shower) any
}

// Base is what every record has.
type Base struct {
	ID        int64     `json:"id"`
	PlaceID   int64     `json:"place_id,omitzero"` // 0: of a place itself, and of what belongs to a person
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (b *Base) base() *Base                 { return b }
func (b *Base) refs() []ref                 { return nil }
func (b *Base) without(*kind, int64) record { return nil }
func (b *Base) keys() []key                 { return nil }
func (b *Base) groups(view) []int64         { return nil }
func (b *Base) owner() int64                { return 0 }
func (b *Base) text() string                { return "" }
func (b *Base) check(view, *Invalid)        {}
func (b *Base) addTo(*policy.Records)       {}

// ref names another record.
type ref struct {
	field string
	to    *kind
	id    int64
	may   bool // be 0
}

// key is a value that only one record of a kind may have.
type key struct {
	field, value string
	text, code   string // of the refusal
}

// at is where a record is.
type at struct {
	kind *kind
	id   int64
}

// view is the state of all places at one moment, with or without a change that is
// being made.
type view interface {
	get(k *kind, id int64) record
	// by returns the records of a kind that refer to another one, in the order of ids.
	by(k, to *kind, id int64) []record
	// find returns the record of a kind with a key.
	find(k *kind, key string) record
}

// lookup returns a record as what it is; nil if there is none.
func lookup[R any](v view, k *kind, id int64) *R {
	r, _ := any(v.get(k, id)).(*R)
	return r
}

// pick returns the records of a kind that refer to another one, as what they are.
func pick[R any](v view, k, to *kind, id int64) []*R {
	found := v.by(k, to, id)
	list := make([]*R, len(found))
	for i, r := range found {
		list[i], _ = any(r).(*R)
	}
	return list
}

// distinct returns the ids in order, each once.
func distinct(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// pair is a key of two ids.
func pair(a, b int64) string { return fmt.Sprint(a, " ", b) }
