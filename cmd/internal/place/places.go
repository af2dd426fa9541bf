package place

import (
	"cmp"
	"strings"
	"time"
	_ "time/tzdata" // places are anywhere, whatever the machine knows

	"doord/policy"
)

// Place is a building or site. Everything else but accounts belongs to one.
type Place struct {
	Base
	placeRecord
	LockedDownSince time.Time `json:"locked_down_since,omitzero"`
	ExpiredKept     int       `json:"expired_kept_days"` // what is over, before it is removed; 0: for ever
}

type (
	placeRecord struct{ placeFields } // a level deeper than Base, whose id is the one
	placeFields policy.Place          // without its JSON methods: a body is laid over what is there
)

var places = new(kind)

func init() {
	*places = kind{
		path: "places", envelope: "place", resource: "Place",
		fresh: func() record {
			return &Place{placeRecord: placeRecord{placeFields{TimeZone: "UTC"}}, ExpiredKept: defaultKept}
		},
		object:   placeObject{},
		readOnly: []string{"place_id", "locked_down", "locked_down_since"},
		sorts:    map[string]func(*shower, record, record) int{"name": byName},
		removed: func(_ *call, t *tx, r record) error {
			for range t.by(controllers, places, r.base().ID) {
				return conflict("the place still has controllers: delete them first")
			}
			return nil
		},
		actions: []action{
			{name: "lock_down", reply: done{}, do: lockdown(true)},
			{name: "cancel_lockdown", reply: done{}, do: lockdown(false)},
		},
	}
}

func (p *Place) text() string { return p.Name }

func (p *Place) addTo(r *policy.Records) {
	r.Place = policy.Place(p.placeFields)
	r.Place.ID = p.ID
}

func (p *Place) check(_ view, bad *Invalid) {
	bad.must(strings.TrimSpace(p.Name) != "", "name", "can't be blank")
	bad.must(p.ExpiredKept >= 0 && p.ExpiredKept <= mostKept, "expired_kept_days", "must be 0 to %d", mostKept)
	if _, err := time.LoadLocation(p.TimeZone); err != nil {
		bad.Add("time_zone", "is not known: it must be an IANA name such as Europe/Berlin")
	}
}

// location is the place's time zone. It was checked when it was given.
func (p *Place) location() *time.Location {
	loc, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return time.UTC
	}
	return loc
}

type placeObject struct {
	*Place
	ResourceType string `json:"resource_type"`
	PlaceID      hidden `json:"place_id,omitempty"`
}

func (p *Place) show(*shower) any { return placeObject{Place: p, ResourceType: places.resource} }

// hidden shadows a field that is not to be shown.
type hidden *struct{}

// placeRef is a place as other objects show it.
type placeRef struct {
	ID        int64   `json:"id"`
	Name      string  `json:"name"`
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// nameRef is a record as other objects show it.
type nameRef struct {
	ID           int64  `json:"id"`
	ResourceType string `json:"resource_type"`
	Name         string `json:"name"`
}

func (s *shower) place(id int64) *placeRef {
	p := lookup[Place](s.v, places, id)
	if p == nil {
		return nil
	}
	return &placeRef{p.ID, p.Name, p.Latitude, p.Longitude}
}

func (s *shower) named(k *kind, id int64) *nameRef {
	r := s.v.get(k, id)
	if r == nil {
		return nil
	}
	return &nameRef{id, k.resource, r.text()}
}

func byName(_ *shower, a, b record) int {
	return cmp.Or(strings.Compare(strings.ToLower(a.text()), strings.ToLower(b.text())), cmp.Compare(a.base().ID, b.base().ID))
}

// lockdown sets or ends a lockdown: a record of the policy, which holds until somebody
// ends it and whether or not controllers are online.
func lockdown(on bool) func(*call, record) (any, error) {
	return func(c *call, r record) (any, error) {
		k, verb := places, "lock_down"
		switch r.(type) {
		case *Lock:
			k = locks
		case *ElevatorStop:
			k = elevatorStops
		}
		if !on {
			verb = "cancel_lockdown"
		}
		err := c.s.change(func(t *tx) error {
			var since time.Time
			if on {
				since = t.now
			}
			switch x := t.get(k, r.base().ID).(type) {
			case *Place:
				next := *x
				next.LockedDown, next.LockedDownSince = on, since
				t.put(k, &next)
			case *Lock:
				next := *x
				next.LockedDown, next.LockedDownSince = on, since
				t.put(k, &next)
			case *ElevatorStop:
				next := *x
				next.LockedDown, next.LockedDownSince = on, since
				t.put(k, &next)
			default:
				return errMissing
			}
			t.tell(c, k.envelope+"."+verb, k, r)
			return nil
		})
		if on {
			return done{"Locked down!"}, err
		}
		return done{"Lockdown cancelled!"}, err
	}
}
