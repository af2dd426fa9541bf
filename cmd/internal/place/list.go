package place

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"doord/store/cloudsync"
)

// Limits of lists.
const (
	defaultLimit = 50
	maxLimit     = 250
	maxOffset    = 20_000
)

// page is the part of a list that is asked for.
type page struct{ limit, offset int }

func (c *call) page() (p page, err error) {
	if p.limit, err = c.number("limit", defaultLimit, 1, maxLimit); err != nil {
		return p, err
	}
	p.offset, err = c.number("offset", 0, 0, maxOffset)
	return p, err
}

// number reads a query parameter. More than the most is taken for the most.
func (c *call) number(name string, otherwise, least, most int) (int, error) {
	s := c.r.URL.Query().Get(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least {
		return 0, malformed("%s must be a number from %d to %d", name, least, most)
	}
	if n > most && name == "offset" {
		return 0, malformed("offset must be at most %d", most)
	}
	return min(n, most), nil
}

// ranged tells which part of a list the answer is.
func (c *call) ranged(p page, total int) {
	s := "*/0"
	if total > 0 {
		s = fmt.Sprintf("%d-%d/%d", p.offset, p.offset+p.limit-1, total)
	}
	c.header.Set("X-Collection-Range", s)
}

// cut returns the page of a list.
func cut[T any](list []T, p page) []T {
	from := min(p.offset, len(list))
	return list[from:min(from+p.limit, len(list))]
}

// shower shows records to a caller, as of one moment.
type shower struct {
	s         *Service
	c         *caller
	v         view
	favorites map[int64]int // nil: nobody asks; the newest has the highest number
	statuses  map[int64]status
}

// status is what a controller last told.
type status struct {
	cloudsync.Status
	online bool
	since  time.Time
}

func (c *call) shower(v view) *shower {
	return &shower{s: c.s, c: c.caller, v: v, statuses: map[int64]status{}}
}

func (s *shower) status(controller int64) status {
	st, known := s.statuses[controller]
	if !known {
		st.Status, st.online, st.since = s.s.fleet.Status(controller)
		s.statuses[controller] = st
	}
	return st
}

func (s *shower) favorite(lock int64) bool { return s.favorites[lock] > 0 }

// params are the query parameters of a kind's list.
func (k *kind) params() []param {
	list := []param{
		{"limit", "integer", "how many, at most 250"}, {"offset", "integer", "from which on, at most 20000"},
		{"ids", "string", "numbers with commas between"}, {"query", "string", "a part of the name"},
	}
	if k != places && k != logins {
		list = append(list, param{"place_id", "integer", ""})
	}
	for name := range k.byRef() {
		list = append(list, param{name, "string", ""})
	}
	for name, f := range k.filters {
		list = append(list, param{name, f.schema, ""})
	}
	if len(k.sorts) > 0 {
		list = append(list, param{"sort", "string", "a - before it turns the order round"})
	}
	slices.SortFunc(list, func(a, b param) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(list, func(a, b param) bool { return a.name == b.name })
}

// byRef are the filters by what a record refers to, with the kind of that.
func (k *kind) byRef() map[string]*kind {
	return refFields[k.real()]
}

// refFields are the references that lists can be filtered by.
var refFields map[*kind]map[string]*kind

func init() {
	byLock, byController := map[string]*kind{"lock_id": locks}, map[string]*kind{"controller_id": controllers}
	both := map[string]*kind{"lock_id": locks, "controller_id": controllers}
	refFields = map[*kind]map[string]*kind{
		groupLocks: {"group_id": groups, "lock_id": locks}, groupLinks: {"group_id": groups},
		roleAssignments: {"group_id": groups, "member_id": members}, cards: {"member_id": members}, accessKeys: {"member_id": members}, notificationSettings: {"member_id": members},
		schedules:        {"lock_id": locks, "group_id": groups, "elevator_stop_id": elevatorStops},
		relayConnections: {"lock_id": locks, "controller_id": controllers, "elevator_stop_id": elevatorStops, "zone_id": zones},
		inputConnections: {"lock_id": locks, "controller_id": controllers, "zone_id": zones},
		readers:          {"lock_id": locks, "controller_id": controllers, "elevator_id": elevators}, wirelessLocks: both,
		zones: byLock, alarmRules: byLock, interlocks: byLock, areas: {"reader_id": readers},
		elevators: byController, elevatorStops: {"elevator_id": elevators},
		groupStops: {"group_id": groups, "elevator_stop_id": elevatorStops},
	}
}

func (k *kind) list(c *call) (int, any, error) {
	p, err := c.page()
	if err != nil {
		return 0, nil, err
	}
	q := c.r.URL.Query()
	if k.required != "" && q.Get(k.required) == "" {
		return 0, nil, invalid(k.required, "can't be blank")
	}
	var shown []any
	c.s.read(func(v view) {
		s := c.shower(v)
		if k == locks && q.Has("favorite") || q.Get("sort") == "favorite" {
			s.favorites = map[int64]int{}
			if a := lookup[Account](v, accounts, c.caller.account); a != nil {
				for i, id := range a.Favorites {
					s.favorites[id] = i + 1
				}
			}
		}
		var found []record
		if found, err = k.asked(c, s); err != nil {
			return
		}
		c.ranged(p, len(found))
		shown = make([]any, 0, p.limit)
		for _, r := range cut(found, p) {
			shown = append(shown, k.showAs(s, r))
		}
	})
	return http.StatusOK, shown, err
}

// asked returns the records that a list is asked for and the caller may see, in order.
func (k *kind) asked(c *call, s *shower) ([]record, error) {
	q := c.r.URL.Query()
	found, err := k.candidates(c, s)
	if err != nil {
		return nil, err
	}
	keep, err := k.wanted(c, s)
	if err != nil {
		return nil, err
	}
	if len(keep) > 0 || k.only != nil {
		found = slices.DeleteFunc(found, func(r record) bool {
			return !k.has(r) || slices.ContainsFunc(keep, func(f func(record) bool) bool { return !f(r) })
		})
	}
	if by := q.Get("sort"); by != "" {
		name, down := strings.CutPrefix(by, "-")
		order := k.sorts[name]
		if order == nil {
			return nil, malformed("there is no order %q here", by)
		}
		slices.SortFunc(found, func(a, b record) int {
			if down {
				a, b = b, a
			}
			return order(s, a, b)
		})
	}
	return found, nil
}

// candidates are the records that the caller may see, by the narrowest index there is.
func (k *kind) candidates(c *call, s *shower) ([]record, error) {
	real := k.real()
	switch real {
	case logins:
		return s.v.by(logins, accounts, c.caller.account), nil
	case places:
		var found []record
		for id := range c.caller.places {
			if r := s.v.get(places, id); r != nil && c.caller.may(s.v, k, "read", id, r) {
				found = append(found, r)
			}
		}
		slices.SortFunc(found, func(a, b record) int { return int(a.base().ID - b.base().ID) })
		return found, nil
	}
	q := c.r.URL.Query()
	var found []record
	indexed := false
	for name, to := range k.byRef() {
		if value := q.Get(name); value != "" && !indexed {
			id, err := parseID(name, value)
			if err != nil {
				return nil, err
			}
			found, indexed = s.v.by(real, to, id), true
		}
	}
	ids := make([]int64, 0, len(c.caller.places))
	for id := range c.caller.places {
		ids = append(ids, id)
	}
	if value := q.Get("place_id"); value != "" {
		id, err := parseID("place_id", value)
		if err != nil {
			return nil, err
		}
		ids = slices.DeleteFunc(ids, func(x int64) bool { return x != id })
	}
	whole := map[int64]bool{}
	for _, id := range ids {
		whole[id] = c.caller.everything(k, "read", id)
		if !indexed {
			found = append(found, s.v.by(real, places, id)...)
		}
	}
	found = slices.DeleteFunc(found, func(r record) bool {
		place := r.base().PlaceID
		everything, asked := whole[place]
		return !asked || !everything && !c.caller.may(s.v, k, "read", place, r)
	})
	if !indexed && len(ids) > 1 {
		slices.SortFunc(found, func(a, b record) int { return int(a.base().ID - b.base().ID) })
	}
	return found, nil
}

// wanted are the filters that were given.
func (k *kind) wanted(c *call, s *shower) ([]func(record) bool, error) {
	q := c.r.URL.Query()
	var keep []func(record) bool
	if given := q.Get("ids"); given != "" {
		var ids []int64
		for one := range strings.SplitSeq(given, ",") {
			id, err := parseID("ids", strings.TrimSpace(one))
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		ids = distinct(ids)
		keep = append(keep, func(r record) bool { _, is := slices.BinarySearch(ids, r.base().ID); return is })
	}
	if text := strings.ToLower(q.Get("query")); text != "" {
		keep = append(keep, func(r record) bool { return strings.Contains(strings.ToLower(r.text()), text) })
	}
	for name, to := range k.byRef() {
		value := q.Get(name)
		if value == "" {
			continue
		}
		id, err := parseID(name, value)
		if err != nil {
			return nil, err
		}
		keep = append(keep, func(r record) bool { return slices.Contains(links(r), at{to, id}) })
	}
	for name, f := range k.filters {
		if value := q.Get(name); value != "" {
			match, err := f.make(s, value)
			if err != nil {
				return nil, err
			}
			if match != nil {
				keep = append(keep, match)
			}
		}
	}
	return keep, nil
}
