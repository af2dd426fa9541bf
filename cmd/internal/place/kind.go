package place

import (
	"encoding/json"
	"reflect"
	"sync"
	"time"
)

// kind declares a kind of resource: where it is, what it is made of and what can be
// done with it beyond what all kinds have. What its records mean is in their methods,
// who may do what is in rights.go.
type kind struct {
	path     string // "locks", of the list; also the name of its table
	envelope string // "lock", around it in bodies
	resource string // "Lock", in resource_type and events

	fresh    func() record // a record with its defaults
	object   any           // what show returns, for the description
	readOnly []string      // fields that bodies cannot set, besides those of Base
	verbs    string        // of "read create change delete"; "": all

	filters  map[string]filter // besides ids, query, place_id and the fields of refs
	required string            // a filter that must be given
	sorts    map[string]func(s *shower, a, b record) int

	// prepare completes a record that is about to be put; old is nil for a new one.
	// What it returns is put into the answer to a creation, once and never again.
	prepare func(c *call, t *tx, old, r record) (once any, err error)
	// removed is called before a record is deleted by a person.
	removed func(c *call, t *tx, r record) error
	actions []action

	words func(body map[string]json.RawMessage) // puts other words for a field into those of the record
	alias *kind                                 // whose records these are; nil: its own
	only  func(record) bool                     // of an alias: which of them

	shape *shape
	n     int // its place in kinds
}

// action is something to be done with a record by POST.
type action struct {
	name  string
	body  any // for the description; nil: none is looked at
	reply any // for the description
	do    func(c *call, r record) (any, error)
}

// filter tells whether a record is asked for. It is made once for each request of
// the value that was given.
type filter struct {
	schema string // of the value, in the description: "integer", "boolean", "string"
	make   func(s *shower, value string) (func(record) bool, error)
}

// real returns the kind whose records these are.
func (k *kind) real() *kind {
	if k.alias != nil {
		return k.alias
	}
	return k
}

// has reports whether a record is one of the kind.
func (k *kind) has(r record) bool { return k.only == nil || k.only(r) }

// kinds are all of them; those without an envelope are not served. Each is filled in
// by an init of its own: what is done with one leads to others, and back.
var kinds = []*kind{
	places, controllers, locks, relayConnections, inputConnections, readers, wiegandConnections,
	groups, groupLocks, groupLinks, members, roleAssignments, cards, schedules, scheduledUnlocks,
	zones, alarmRules, wirelessLocks, elevators, elevatorStops, groupStops, areas, interlocks, accessKeys, webhooks, notificationSettings, logins, accounts,
}

// placeRoles stands for a place in references of roles at the place itself.
var placeRoles = &kind{path: "place_roles"}

// complete finishes what the declarations leave to be found out.
var complete = sync.OnceFunc(func() {
	for i, k := range kinds {
		k.n = i
		if k.alias == nil {
			k.shape = shapeOf(reflect.TypeOf(k.fresh()).Elem())
		}
	}
	for _, k := range kinds {
		if k.alias != nil {
			k.fresh, k.shape = k.alias.fresh, k.alias.shape
		}
	}
})

// Setup and the like are made in a moment, and live for a while.
const (
	inviteLife = 7 * 24 * time.Hour
	loginLife  = 90 * 24 * time.Hour // since it was last used
)

// done is what actions without a better word answer.
type done struct {
	Message string `json:"message"`
}

func rename(body map[string]json.RawMessage, from, to string) {
	if raw, given := body[from]; given && body[to] == nil {
		body[to] = raw
	}
}
