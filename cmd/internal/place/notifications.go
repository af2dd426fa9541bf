package place

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"doord/cmd/internal/place/fleet"
	"doord/policy"
)

// Topic is something that people are told of.
type Topic string

// The topics.
const (
	TopicZoneViolation     Topic = "zone_violation"
	TopicForcedOpen        Topic = "forced_open"
	TopicHeldOpen          Topic = "held_open"
	TopicTwoFactor         Topic = "two_factor_required"
	TopicControllerOffline Topic = "controller_offline"
	TopicPolicyStale       Topic = "policy_stale"
)

// Topics returns all of them.
func Topics() []Topic {
	return []Topic{TopicZoneViolation, TopicForcedOpen, TopicHeldOpen, TopicTwoFactor, TopicControllerOffline, TopicPolicyStale}
}

// ControllerOffline is the service's own event of a controller that was cut off for a
// while, ControllerOnline that of its return.
const (
	ControllerOffline policy.EventType = "controller.offline"
	ControllerOnline  policy.EventType = "controller.online"
)

// Events returns the types of the events of a topic.
func (t Topic) Events() []policy.EventType {
	switch t {
	case TopicZoneViolation:
		return []policy.EventType{policy.ZoneViolate}
	case TopicForcedOpen:
		return []policy.EventType{policy.LockForcedOpen}
	case TopicHeldOpen:
		return []policy.EventType{policy.LockHeldOpen}
	case TopicTwoFactor:
		return []policy.EventType{policy.LockUnlock}
	case TopicControllerOffline:
		return []policy.EventType{ControllerOffline}
	case TopicPolicyStale:
		return []policy.EventType{policy.ControllerStale}
	}
	return nil
}

// TopicOf returns the topic of an event by its type and its reason; "" if people are
// not told of it.
func TopicOf(kind policy.EventType, reason policy.Reason) Topic {
	for _, t := range Topics() {
		if slices.Contains(t.Events(), kind) && (t != TopicTwoFactor || reason == policy.TwoFactorRequired) {
			return t
		}
	}
	return ""
}

// NotificationSetting is what a member wants to be told of, and how far he has read
// what waits for him. Without one he is told of everything on the page, and of nothing
// by mail.
type NotificationSetting struct {
	Base
	MemberID    int64     `json:"member_id"`
	Page        []Topic   `json:"page"`
	Mail        []Topic   `json:"mail"`
	ReadThrough time.Time `json:"read_through,omitzero"`
}

var notificationSettings = &kind{
	path: "notification_settings", envelope: "notification_setting", resource: "NotificationSetting", verbs: "read create change",
	fresh:  func() record { return &NotificationSetting{Page: Topics(), Mail: []Topic{}} },
	object: notificationObject{},
}

func (n *NotificationSetting) owner() int64 { return n.MemberID }
func (n *NotificationSetting) refs() []ref {
	return []ref{{field: "member_id", to: members, id: n.MemberID}}
}
func (n *NotificationSetting) keys() []key {
	return []key{{"member_id", pair(n.MemberID, 0), "has settings already", codeTaken}}
}
func (n *NotificationSetting) check(_ view, bad *Invalid) {
	for field, list := range map[string][]Topic{"page": n.Page, "mail": n.Mail} {
		for i, t := range list {
			bad.must(slices.Contains(Topics(), t), field, "%q is none of %v", t, Topics())
			bad.must(!slices.Contains(list[:i], t), field, "%s is given twice", t)
		}
	}
}

type notificationObject struct {
	*NotificationSetting
	ResourceType string     `json:"resource_type"`
	Page         []Topic    `json:"page"`
	Mail         []Topic    `json:"mail"`
	ReadThrough  *time.Time `json:"read_through"`
}

func (n *NotificationSetting) show(*shower) any {
	return &notificationObject{n, notificationSettings.resource, append([]Topic{}, n.Page...), append([]Topic{}, n.Mail...), orNull(n.ReadThrough)}
}

// Named returns an event of a place with the name of what it is about, as that is called
// now: controllers do not tell names.
func (s *Service) Named(place int64, event []byte) []byte {
	var whole map[string]json.RawMessage
	var about struct {
		Type string `json:"object_type"`
		ID   int64  `json:"object_id"`
	}
	if json.Unmarshal(event, &whole) != nil || json.Unmarshal(event, &about) != nil {
		return event
	}
	s.read(func(v view) {
		for _, k := range []*kind{locks, zones, controllers, readers} {
			if r := v.get(k, about.ID); k.envelope == about.Type && r != nil && r.base().PlaceID == place {
				whole["object_name"], _ = json.Marshal(r.text()) // texts always can be
			}
		}
	})
	named, err := json.Marshal(whole)
	if err != nil {
		return event
	}
	return named
}

// Recipient is somebody who wants a mail.
type Recipient struct {
	Member      int64
	Name, Email string
}

// Recipients returns who wants a mail about an event of a place, and may see it: who
// runs the place, who manages a group that opens the door, and whose phone it was.
func (s *Service) Recipients(place int64, topic Topic, event []byte) []Recipient {
	var about struct {
		ObjectType string `json:"object_type"`
		ObjectID   int64  `json:"object_id"`
		ActorType  string `json:"actor_type"`
		ActorID    int64  `json:"actor_id"`
	}
	if json.Unmarshal(event, &about) != nil {
		return nil
	}
	now := s.now()
	var list []Recipient
	s.read(func(v view) {
		for _, n := range pick[NotificationSetting](v, notificationSettings, places, place) {
			m := lookup[Member](v, members, n.MemberID)
			if m == nil || m.Email == "" || m.AccountID == 0 || !slices.Contains(n.Mail, topic) {
				continue
			}
			own := topic == TopicTwoFactor && about.ActorType == members.envelope && about.ActorID == m.ID
			if c := callerOf(v, m, now); own || c.seesEvent(v, place)(fleet.Event{Text: event}) {
				list = append(list, Recipient{m.ID, m.Name, m.Email})
			}
		}
	})
	slices.SortFunc(list, func(a, b Recipient) int { return cmp.Compare(a.Member, b.Member) })
	return list
}

// callerOf is a member as if he asked.
func callerOf(v view, m *Member, now time.Time) *caller {
	c := &caller{places: map[int64]*standing{}}
	c.join(v, m, now)
	return c
}

// NoteController adds an event about a controller to the list of its place.
func (s *Service) NoteController(place, controller int64, kind policy.EventType) error {
	return s.change(func(t *tx) error {
		c := lookup[Controller](t, controllers, controller)
		if c == nil || c.PlaceID != place {
			return nil // it was deleted meanwhile
		}
		t.told = append(t.told, told{place, auditEvent{
			UUID: fleet.NewUUID(t.now), CreatedAt: t.now, Type: kind, Success: true,
			ObjectType: controllers.envelope, ObjectID: c.ID, ObjectName: c.Name,
		}})
		return nil
	})
}
