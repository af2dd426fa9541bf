package place

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"doord/cmd/internal/place/fleet"
	"doord/policy"
)

// events are the controllers' and the service's own. They are no records.
var events = &kind{path: "events", envelope: "event", resource: "Event"}

var eventParams = []param{
	{"limit", "integer", "how many, at most 250"}, {"offset", "integer", "from which on, at most 20000"},
	{"place_id", "integer", ""}, {"type", "string", "one or more, with commas between"},
	{"object_type", "string", ""}, {"object_id", "integer", ""}, {"actor_type", "string", ""}, {"actor_id", "integer", ""},
	{"object", "string", "TYPE or TYPE:ID"}, {"actor", "string", "TYPE or TYPE:ID"},
	{"after", "string", "a time: this one or later"}, {"before", "string", "a time: earlier than this"},
}

// eventObject is an event as it was made, and where.
type eventObject struct {
	ID           string `json:"id"`
	ResourceType string `json:"resource_type"`
	PlaceID      int64  `json:"place_id"`
	ControllerID *int64 `json:"controller_id"` // null: the service itself
	auditEvent
}

func showEvent(e fleet.Event) (any, error) {
	o := struct {
		ID           string `json:"id"`
		ResourceType string `json:"resource_type"`
		PlaceID      int64  `json:"place_id"`
		ControllerID *int64 `json:"controller_id"`
	}{ID: e.ID.String(), ResourceType: events.resource, PlaceID: e.Place}
	if e.Controller != 0 {
		o.ControllerID = &e.Controller
	}
	text := json.RawMessage(e.Text)
	var told map[string]json.RawMessage
	if err := json.Unmarshal(text, &told); err != nil {
		return nil, fmt.Errorf("place: event %s: %w", o.ID, err)
	}
	all := len(told)
	for name := range told {
		if slices.ContainsFunc(untold, func(u string) bool { return strings.EqualFold(u, name) }) {
			delete(told, name)
		}
	}
	if len(told) < all {
		var err error
		if text, err = json.Marshal(told); err != nil {
			return nil, fmt.Errorf("place: event %s: %w", o.ID, err)
		}
	}
	return joined(o, text)
}

// untold is what an event cannot tell: the service's own words, and the bits of a card
// that nobody knows, which are the technician's at the door.
var untold = []string{"id", "resource_type", "place_id", "controller_id", "bits"}

// listEvents answers events of one place. There may be millions: they are counted as
// far as they can be asked for.
func listEvents(c *call) (int, any, error) {
	p, err := c.page()
	if err != nil {
		return 0, nil, err
	}
	place, q, err := c.eventQuery()
	if err != nil {
		return 0, nil, err
	}
	shown, total := []any{}, 0
	sees := c.seesEvent(place)
	for e, err := range c.s.fleet.Events(c.r.Context(), place, q) {
		if err != nil {
			return 0, nil, err
		}
		if !sees(e) {
			continue
		}
		if total >= p.offset && total < p.offset+p.limit {
			o, err := showEvent(e)
			if err != nil {
				return 0, nil, err
			}
			shown = append(shown, o)
		}
		if total++; total == maxOffset+maxLimit {
			break
		}
	}
	c.ranged(p, total)
	return http.StatusOK, shown, nil
}

// seesEvent tells which events of a place the caller sees: those who manage groups see
// what happens at their groups' doors.
func (c *caller) seesEvent(v view, place int64) func(fleet.Event) bool {
	x := c.at(place)
	switch {
	case x == nil:
		return func(fleet.Event) bool { return false }
	case c.everything(events, "read", place):
		return func(fleet.Event) bool { return true }
	}
	doors := map[int64]bool{}
	for g := range x.manages {
		for _, gl := range pick[GroupLock](v, groupLocks, groups, g) {
			doors[gl.LockID] = true
		}
	}
	if x.managesAll() {
		for _, gl := range pick[GroupLock](v, groupLocks, places, place) {
			doors[gl.LockID] = true
		}
	}
	return func(e fleet.Event) bool {
		var about struct {
			Type string `json:"object_type"`
			ID   int64  `json:"object_id"`
		}
		return json.Unmarshal(e.Text, &about) == nil && about.Type == locks.envelope && doors[about.ID]
	}
}

func (c *call) eventQuery() (place int64, q fleet.Query, err error) {
	v := c.r.URL.Query()
	if s := v.Get("place_id"); s != "" {
		if place, err = parseID("place_id", s); err != nil {
			return 0, q, err
		}
	} else if len(c.caller.places) == 1 {
		for place = range c.caller.places {
		}
	} else {
		return 0, q, invalid("place_id", "can't be blank")
	}
	x := c.caller.at(place)
	switch {
	case x == nil:
		return 0, q, errMissing
	case c.caller.link != nil, !c.caller.everything(events, "read", place) && len(x.manages) == 0 && !x.managesAll():
		return 0, q, errForbidden
	}
	for _, t := range strings.FieldsFunc(v.Get("type"), func(r rune) bool { return r == ',' }) {
		q.Types = append(q.Types, policy.EventType(t))
	}
	subject := func(name string, kind *string, id *int64) {
		whole, number, _ := strings.Cut(v.Get(name), ":")
		*kind, number = whole+v.Get(name+"_type"), number+v.Get(name+"_id")
		if number != "" && err == nil {
			*id, err = parseID(name+"_id", number)
		}
	}
	subject("object", &q.ObjectType, &q.ObjectID)
	subject("actor", &q.ActorType, &q.ActorID)
	for name, t := range map[string]*time.Time{"after": &q.From, "before": &q.To} {
		if s := v.Get(name); s != "" && err == nil {
			if *t, err = time.Parse(time.RFC3339, s); err != nil {
				err = malformed("%s must be a time such as 2026-01-31T09:00:00Z", name)
			}
		}
	}
	return place, q, err
}

// seesEvent tells which events of a place the caller sees.
func (c *call) seesEvent(place int64) (sees func(fleet.Event) bool) {
	c.s.read(func(v view) { sees = c.caller.seesEvent(v, place) })
	return sees
}

func getEvent(c *call) (int, any, error) {
	id, err := fleet.ParseEventID(c.r.PathValue("id"))
	if err != nil {
		return 0, nil, errMissing
	}
	for place, x := range c.caller.places {
		if c.caller.link != nil || !c.caller.everything(events, "read", place) && len(x.manages) == 0 && !x.managesAll() {
			continue
		}
		sees := c.seesEvent(place)
		for e, err := range c.s.fleet.Events(c.r.Context(), place, fleet.Query{From: id.Time(), To: id.Time().Add(1)}) {
			if err != nil {
				return 0, nil, err
			}
			if e.ID == id && sees(e) {
				o, err := showEvent(e)
				return http.StatusOK, o, err
			}
		}
	}
	return 0, nil, errMissing
}

// controllerRelays and controllerInputs are what the boards tell of themselves.
var (
	controllerRelays = &kind{path: "controller_relays", envelope: "controller_relay", resource: "ControllerRelay"}
	controllerInputs = &kind{path: "controller_inputs", envelope: "controller_input", resource: "ControllerInput"}
)

var boardParams = []param{
	{"limit", "integer", "how many, at most 250"}, {"offset", "integer", "from which on, at most 20000"},
	{"place_id", "integer", ""}, {"controller_id", "integer", ""},
}

// part is something of a board: its id is the controller's and the channel together.
type part struct {
	ID           int64  `json:"id"`
	ResourceType string `json:"resource_type"`
	ControllerID int64  `json:"controller_id"`
	PlaceID      int64  `json:"place_id"`
	Channel      int    `json:"channel"`
	ConnectionID *int64 `json:"connection_id"` // that binds it; null: none
}

const partsOfBoard = 32 // ids of one controller

type relayObject struct {
	part
	Use  string `json:"use"`
	Door string `json:"door"`
	On   *bool  `json:"on"` // null: nobody knows
	OK   *bool  `json:"ok"`
}

type inputObject struct {
	part
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Status string `json:"status"`
	Active *bool  `json:"active"`
}

func newPart(k *kind, c *Controller, channel int) part {
	return part{ID: c.ID*partsOfBoard + int64(channel), ResourceType: k.resource, ControllerID: c.ID, PlaceID: c.PlaceID, Channel: channel}
}

func relaysOf(s *shower, c *Controller) (list []any) {
	st := s.status(c.ID)
	for channel := 1; channel <= policy.Relays; channel++ {
		o := &relayObject{part: newPart(controllerRelays, c, channel)}
		for _, x := range pick[RelayConnection](s.v, relayConnections, controllers, c.ID) {
			if x.Channel == channel {
				o.ConnectionID = &x.ID
			}
		}
		for _, r := range st.Relays {
			if r.Channel == channel {
				o.Use, o.Door, o.On, o.OK = r.Use, r.Door, &r.On, &r.OK
			}
		}
		list = append(list, o)
	}
	return list
}

func inputsOf(s *shower, c *Controller) (list []any) {
	st := s.status(c.ID)
	for channel := 1; channel <= policy.Inputs; channel++ {
		o := &inputObject{part: newPart(controllerInputs, c, channel), Status: "unknown"}
		for _, x := range pick[InputConnection](s.v, inputConnections, controllers, c.ID) {
			if x.Channel == channel {
				o.ConnectionID = &x.ID
			}
		}
		for _, r := range st.Inputs {
			if r.Channel == channel {
				o.Name, o.Kind, o.Status, o.Active = r.Name, r.Kind, r.Status, &r.Active
			}
		}
		list = append(list, o)
	}
	return list
}

func listBoard(parts func(*shower, *Controller) []any) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		p, err := c.page()
		if err != nil {
			return 0, nil, err
		}
		only := int64(0)
		if s := c.r.URL.Query().Get("controller_id"); s != "" {
			if only, err = parseID("controller_id", s); err != nil {
				return 0, nil, err
			}
		}
		var list []any
		c.s.read(func(v view) {
			s := c.shower(v)
			var found []record
			if found, err = controllers.candidates(c, s); err != nil {
				return
			}
			for _, r := range found {
				if only == 0 || only == r.base().ID {
					list = append(list, parts(s, r.(*Controller))...)
				}
			}
		})
		if err != nil {
			return 0, nil, err
		}
		c.ranged(p, len(list))
		return http.StatusOK, append([]any{}, cut(list, p)...), nil
	}
}

func getBoard(parts func(*shower, *Controller) []any) func(*call) (int, any, error) {
	return func(c *call) (status int, body any, err error) {
		id, bad := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
		if bad != nil {
			return 0, nil, errMissing
		}
		err = errMissing
		c.s.read(func(v view) {
			x := lookup[Controller](v, controllers, id/partsOfBoard)
			if x == nil || c.caller.at(x.PlaceID) == nil {
				return
			}
			if !c.caller.may(v, controllers, "read", x.PlaceID, x) {
				err = errForbidden
				return
			}
			if list, i := parts(c.shower(v), x), int(id%partsOfBoard)-1; i >= 0 && i < len(list) {
				body, err = list[i], nil
			}
		})
		return http.StatusOK, body, err
	}
}
