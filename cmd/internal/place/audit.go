package place

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"doord/cmd/internal/place/fleet"
	"doord/policy"
)

// auditEvent is an event of the service itself, in the words of the controllers'.
// What was set to what is not in it: there may be secrets among it.
type auditEvent struct {
	UUID       string           `json:"uuid"`
	CreatedAt  time.Time        `json:"created_at"`
	Type       policy.EventType `json:"type"`
	ActorType  string           `json:"actor_type,omitempty"`
	ActorID    int64            `json:"actor_id,omitempty"`
	ByType     string           `json:"authenticated_by_type,omitempty"`
	ByID       int64            `json:"authenticated_by_id,omitempty"`
	ObjectType string           `json:"object_type,omitempty"`
	ObjectID   int64            `json:"object_id,omitempty"`
	ObjectName string           `json:"object_name,omitempty"`
	Success    bool             `json:"success"`
	Reason     policy.Reason    `json:"reason,omitempty"`
	Code       string           `json:"code,omitempty"`
	Changed    []string         `json:"changed,omitempty"` // fields
	Removed    int              `json:"removed,omitempty"` // records that went with it
}

type told struct {
	place int64
	auditEvent
}

// tell adds an event about a record to the change.
func (t *tx) tell(c *call, kind string, k *kind, r record, changed ...string) {
	place := placeOf(at{k, r.base().ID}, r)
	e := auditEvent{Type: policy.EventType(kind), ObjectType: k.real().envelope, ObjectID: r.base().ID, Success: true, Changed: changed}
	switch k.real() {
	case members, cards, groupLinks: // events do not name people, nor what opens a door
	default:
		if r.owner() == 0 {
			e.ObjectName = r.text()
		}
	}
	t.told = append(t.told, told{place, c.signed(t, place, e)})
}

// tellAccount tells every place of an account about it.
func (t *tx) tellAccount(c *call, a *Account, kind string, object int64) {
	for _, m := range pick[Member](t, members, accounts, a.ID) {
		e := auditEvent{Type: policy.EventType(kind), ObjectType: "login", ObjectID: object, Success: true, ActorType: "member", ActorID: m.ID}
		t.told = append(t.told, told{m.PlaceID, c.signed(t, m.PlaceID, e)})
	}
}

// signed adds who did it, and when.
func (c *call) signed(t *tx, place int64, e auditEvent) auditEvent {
	e.UUID, e.CreatedAt = fleet.NewUUID(t.now), t.now
	if e.ActorType == "" {
		e.ActorType, e.ActorID = c.caller.actor.Type, c.caller.actor.ID
		if x := c.caller.at(place); x != nil && x.member != 0 {
			e.ActorType, e.ActorID = "member", x.member
		} else if c.caller.account != 0 { // a place that he founds in this very change
			for _, m := range pick[Member](t, members, accounts, c.caller.account) {
				if m.PlaceID == place {
					e.ActorType, e.ActorID = "member", m.ID
				}
			}
		}
	}
	switch {
	case c.caller.login != 0:
		e.ByType, e.ByID = "login", c.caller.login
	case c.caller.actor.Type == accessKeys.envelope:
		e.ByType, e.ByID = c.caller.actor.Type, c.caller.actor.ID
	}
	return e
}

// events are the rows of what was told, by place.
func (t *tx) events(f Fleet) ([]fleet.Staged, error) {
	texts := map[int64][][]byte{}
	var order []int64
	for _, e := range t.told {
		text, err := json.Marshal(e.auditEvent)
		if err != nil {
			return nil, fmt.Errorf("place: event: %w", err)
		}
		if !slices.Contains(order, e.place) {
			order = append(order, e.place)
		}
		texts[e.place] = append(texts[e.place], text)
	}
	staged := make([]fleet.Staged, len(order))
	for i, place := range order {
		staged[i] = f.AddEvents(place, t.now, texts[place]...)
	}
	return staged, nil
}
