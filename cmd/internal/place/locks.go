package place

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"doord/policy"
	"doord/store/cloudsync"
)

// Lock is a door.
type Lock struct {
	Base
	lockRecord
	FloorID         *int64    `json:"floor_id"`
	OrderID         *int64    `json:"order_id"`
	LockedDownSince time.Time `json:"locked_down_since,omitzero"`
}

type (
	lockRecord struct{ lockFields }
	lockFields policy.Lock
)

var locks = new(kind)

func init() {
	*locks = kind{
		path: "locks", envelope: "lock", resource: "Lock",
		fresh: func() record {
			return &Lock{lockRecord: lockRecord{lockFields{
				Configured: true, Restrictions: policy.Restrictions{GeofenceRadius: policy.DefaultRadius},
				WhenClockUnset: policy.ClockDeny, WhenPolicyStale: policy.StaleAdmit, OnFire: policy.FireStay,
			}}}
		},
		object:   lockObject{},
		readOnly: []string{"locked_down", "locked_down_since"},
		filters: map[string]filter{
			"configured":  lockIs(func(l *lockObject) *bool { return &l.Configured }),
			"online":      lockIs(func(l *lockObject) *bool { return l.Online }),
			"unlocked":    lockIs(func(l *lockObject) *bool { return &l.Unlocked }),
			"locked_down": lockIs(func(l *lockObject) *bool { return &l.LockedDown }),
			"group_id": through(func(s *shower, id int64) []int64 {
				return idsOf(s.v.by(groupLocks, groups, id), func(r record) int64 { return r.(*GroupLock).LockID })
			}),
			"controller_id": through(func(s *shower, id int64) []int64 {
				return idsOf(s.v.by(relayConnections, controllers, id), func(r record) int64 { return r.(*RelayConnection).LockID })
			}),
			"favorite": {"string", func(s *shower, value string) (func(record) bool, error) {
				if value == "*" {
					return nil, nil
				}
				want, err := strconv.ParseBool(value)
				if err != nil {
					return nil, malformed("favorite must be true, false or *")
				}
				return func(r record) bool { return s.favorite(r.base().ID) == want }, nil
			}},
			"floor_id": {"integer", func(_ *shower, value string) (func(record) bool, error) {
				id, err := parseID("floor_id", value)
				return func(r record) bool { l := r.(*Lock); return l.FloorID != nil && *l.FloorID == id }, err
			}},
		},
		sorts: map[string]func(*shower, record, record) int{
			"name": byName,
			// The newest favourites come first.
			"favorite": func(s *shower, a, b record) int {
				return cmp.Or(cmp.Compare(s.favorites[b.base().ID], s.favorites[a.base().ID]), cmp.Compare(a.base().ID, b.base().ID))
			},
		},
		actions: []action{
			{name: "unlock", body: unlockBody{}, reply: done{}, do: unlock},
			{name: "lock_down", reply: done{}, do: lockdown(true)},
			{name: "cancel_lockdown", reply: done{}, do: lockdown(false)},
			{name: "first_to_arrive", reply: done{}, do: command(cloudsync.ActionFirstToArrive, "First to arrive!")},
			{name: "last_to_leave", reply: done{}, do: command(cloudsync.ActionLastToLeave, "Last to leave!")},
			{name: "favorite", reply: done{}, do: setFavorite(true)},
			{name: "unfavorite", reply: done{}, do: setFavorite(false)},
		},
	}
}

func (l *Lock) text() string { return l.Name }

func (l *Lock) groups(v view) []int64 {
	return idsOf(v.by(groupLocks, locks, l.ID), func(r record) int64 { return r.(*GroupLock).GroupID })
}

func (l *Lock) addTo(r *policy.Records) {
	p := policy.Lock(l.lockFields)
	p.ID = l.ID
	r.Locks = append(r.Locks, p)
}

// controllersOf returns the controllers that move a lock.
func controllersOf(v view, lock int64) []int64 {
	var ids []int64
	for _, c := range pick[RelayConnection](v, relayConnections, locks, lock) {
		ids = append(ids, c.ControllerID)
	}
	for _, w := range pick[WirelessLock](v, wirelessLocks, locks, lock) {
		ids = append(ids, w.ControllerID)
	}
	return distinct(ids)
}

type lockObject struct {
	*Lock
	ResourceType string    `json:"resource_type"`
	Place        *placeRef `json:"place"`
	Latitude     *float64  `json:"latitude"`
	Longitude    *float64  `json:"longitude"`
	Configured   bool      `json:"configured"`
	LockedDown   bool      `json:"locked_down"`
	TimeZone     *string   `json:"time_restriction_time_zone"`
	Favorite     *bool     `json:"favorite,omitempty"`

	LockedDownSince   *time.Time `json:"locked_down_since"`
	Online            *bool      `json:"online"` // null: it has no controller
	Open              *bool      `json:"open"`   // null: nobody knows
	Unlocked          bool       `json:"unlocked"`
	OnScheduledUnlock bool       `json:"on_scheduled_unlock"`
	FirstToArrive     *time.Time `json:"first_to_arrive_required_until"`
	Arrived           bool       `json:"first_to_arrive_satisfied"`
	ForcedOpen        bool       `json:"forced_open"`
	HeldOpen          bool       `json:"held_open"`
	Misconfigured     string     `json:"misconfigured,omitempty"`
}

func (l *Lock) show(s *shower) any {
	o := &lockObject{Lock: l, ResourceType: locks.resource, Place: s.place(l.PlaceID), LockedDown: l.LockedDown}
	if l.Latitude != 0 || l.Longitude != 0 {
		o.Latitude, o.Longitude = &l.Latitude, &l.Longitude
	}
	if !l.LockedDownSince.IsZero() {
		o.LockedDownSince = &l.LockedDownSince
	}
	if home := lookup[Place](s.v, places, l.PlaceID); home != nil {
		if home.LockedDown && !o.LockedDown {
			o.LockedDown, o.LockedDownSince = true, &home.LockedDownSince
		}
		if l.Time {
			o.TimeZone = &home.TimeZone
		}
	}
	if s.favorites != nil {
		o.Favorite = new(s.favorite(l.ID))
	}
	s.live(o)
	return o
}

// live adds what the lock's controllers tell. A lock with several is online when all
// of them are.
func (s *shower) live(o *lockObject) {
	ids := controllersOf(s.v, o.ID)
	o.Configured = o.Lock.Configured && len(ids) > 0
	for _, id := range ids {
		st := s.status(id)
		o.Online = new(st.online && (o.Online == nil || *o.Online))
		for _, w := range st.Wireless {
			if w.LockID == o.ID && !w.Online {
				o.Online = new(false) // its controller is, and nothing reaches the lock
			}
		}
		i := slices.IndexFunc(st.Doors, func(d cloudsync.DoorStatus) bool { return d.LockID == o.ID })
		if !st.online || i < 0 {
			continue // what it was when it was last heard of is not what it is
		}
		d := st.Doors[i]
		if d.Open != nil {
			o.Open = new(*d.Open || o.Open != nil && *o.Open)
		}
		o.Unlocked = o.Unlocked || d.Unlocked
		o.OnScheduledUnlock = o.OnScheduledUnlock || d.OnScheduledUnlock
		o.LockedDown = o.LockedDown || d.LockedDown
		o.ForcedOpen, o.HeldOpen = o.ForcedOpen || d.Forced, o.HeldOpen || d.HeldOpen
		o.Arrived = o.Arrived || d.FirstToArriveDone
		if !d.FirstToArriveUntil.IsZero() {
			o.FirstToArrive = new(d.FirstToArriveUntil)
		}
		o.Misconfigured = cmp.Or(o.Misconfigured, d.Misconfigured)
	}
}

// lockIs is a filter on what a lock is shown to be.
func lockIs(get func(*lockObject) *bool) filter {
	return filter{"boolean", func(s *shower, value string) (func(record) bool, error) {
		want, err := strconv.ParseBool(value)
		if err != nil {
			return nil, malformed("%q must be true or false", value)
		}
		return func(r record) bool {
			is := get(r.show(s).(*lockObject))
			return is != nil && *is == want
		}, nil
	}}
}

// through is a filter by another record's id, which leads to those asked for.
func through(find func(s *shower, id int64) []int64) filter {
	return filter{"integer", func(s *shower, value string) (func(record) bool, error) {
		id, err := parseID("id", value)
		if err != nil {
			return nil, err
		}
		ids := distinct(find(s, id))
		return func(r record) bool {
			_, found := slices.BinarySearch(ids, r.base().ID)
			return found
		}, nil
	}}
}

func parseID(name, value string) (int64, error) {
	id, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, malformed("%s must be a number, not %q", name, value)
	}
	return id, nil
}

func idsOf(records []record, id func(record) int64) []int64 {
	list := make([]int64, len(records))
	for i, r := range records {
		list[i] = id(r)
	}
	return list
}

// setFavorite marks a lock for who is signed in.
func setFavorite(on bool) func(*call, record) (any, error) {
	return func(c *call, r record) (any, error) {
		id := r.base().ID
		err := c.s.change(func(t *tx) error {
			a := lookup[Account](t, accounts, c.caller.account)
			if a == nil {
				return errForbidden
			}
			next := *a
			next.Favorites = slices.DeleteFunc(slices.Clone(a.Favorites), func(f int64) bool { return f == id })
			if on {
				if len(next.Favorites) >= maxFavorites {
					return invalid("base", "you have too many favourites")
				}
				next.Favorites = append(next.Favorites, id)
			}
			t.keep(accounts, &next)
			return nil
		})
		if on {
			return done{"Marked as favorite!"}, err
		}
		return done{"No longer a favorite!"}, err
	}
}

const maxFavorites = 1000
