package place

import (
	"time"

	"doord/policy"
	"doord/policy/schedule"
)

// Group says who may open what, under which restrictions.
type Group struct {
	Base
	groupRecord
	Description string `json:"description"`
}

type (
	groupRecord struct{ groupFields }
	groupFields policy.Group
)

var groups = new(kind)

func init() {
	*groups = kind{
		path: "groups", envelope: "group", resource: "Group",
		fresh: func() record {
			return &Group{groupRecord: groupRecord{groupFields{Login: true, Restrictions: policy.Restrictions{GeofenceRadius: policy.DefaultRadius}}}}
		},
		object: groupObject{},
		filters: map[string]filter{
			"lock_id": through(func(s *shower, id int64) []int64 {
				return idsOf(s.v.by(groupLocks, locks, id), func(r record) int64 { return r.(*GroupLock).GroupID })
			}),
			"user_id": people(func(s *shower, member int64) []int64 {
				return idsOf(s.v.by(roleAssignments, members, member), func(r record) int64 { return r.(*RoleAssignment).group() })
			}),
		},
		sorts: map[string]func(*shower, record, record) int{"name": byName},
	}
}

func (g *Group) text() string        { return g.Name }
func (g *Group) groups(view) []int64 { return []int64{g.ID} }
func (g *Group) addTo(r *policy.Records) {
	p := policy.Group(g.groupFields)
	p.ID = g.ID
	r.Groups = append(r.Groups, p)
}

type groupObject struct {
	*Group
	ResourceType  string    `json:"resource_type"`
	Place         *placeRef `json:"place"`
	Users         int       `json:"users_count"`
	Locks         int       `json:"locks_count"`
	ElevatorStops int       `json:"elevator_stops_count"`
}

func (g *Group) show(s *shower) any {
	o := &groupObject{Group: g, ResourceType: groups.resource, Place: s.place(g.PlaceID)}
	o.Users = len(distinct(idsOf(s.v.by(roleAssignments, groups, g.ID), record.owner)))
	o.Locks = len(distinct(idsOf(s.v.by(groupLocks, groups, g.ID), func(r record) int64 { return r.(*GroupLock).LockID })))
	o.ElevatorStops = len(distinct(idsOf(s.v.by(groupStops, groups, g.ID), func(r record) int64 { return r.(*GroupStop).StopID })))
	return o
}

// GroupLock says that a group opens a door.
type GroupLock struct {
	Base
	groupLockRecord
}

type (
	groupLockRecord struct{ groupLockFields }
	groupLockFields policy.GroupLock
)

var groupLocks = new(kind)

func init() {
	*groupLocks = kind{
		path: "group_locks", envelope: "group_lock", resource: "GroupLock",
		fresh:    func() record { return &GroupLock{} },
		object:   groupLockObject{},
		required: "group_id",
		verbs:    "read create delete",
	}
}

func (g *GroupLock) refs() []ref {
	return []ref{{field: "group_id", to: groups, id: g.GroupID}, {field: "lock_id", to: locks, id: g.LockID}}
}
func (g *GroupLock) keys() []key {
	return []key{{"lock_id", pair(g.GroupID, g.LockID), "is in the group already", ""}}
}
func (g *GroupLock) groups(view) []int64 { return []int64{g.GroupID} }
func (g *GroupLock) addTo(r *policy.Records) {
	p := policy.GroupLock(g.groupLockFields)
	p.ID = g.ID
	r.GroupLocks = append(r.GroupLocks, p)
}

type lockRef struct {
	ID          int64  `json:"id"`
	Description string `json:"description"`
	Name        string `json:"name"`
}

type groupLockObject struct {
	*GroupLock
	ResourceType string    `json:"resource_type"`
	Group        *nameRef  `json:"group"`
	Lock         *lockRef  `json:"lock"`
	Place        *placeRef `json:"place"`
}

func (g *GroupLock) show(s *shower) any {
	o := &groupLockObject{GroupLock: g, ResourceType: groupLocks.resource, Group: s.named(groups, g.GroupID), Place: s.place(g.PlaceID)}
	if l := lookup[Lock](s.v, locks, g.LockID); l != nil {
		o.Lock = &lockRef{l.ID, l.Description, l.Name}
	}
	return o
}

// GroupLink is a quick access link: whoever has its secret opens the group's doors.
// The secret is shown once, when the link is made; its hash is all that is kept.
type GroupLink struct {
	Base
	groupLinkRecord
	Email      string    `json:"email"`
	Phone      string    `json:"phone"`
	Code       *string   `json:"quick_response_code_type"` // online, offline
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

type (
	groupLinkRecord struct{ groupLinkFields }
	groupLinkFields policy.GroupLink
)

var groupLinks = new(kind)

func init() {
	*groupLinks = kind{
		path: "group_links", envelope: "group_link", resource: "GroupLink",
		fresh:    func() record { return &GroupLink{groupLinkRecord: groupLinkRecord{groupLinkFields{Enabled: true}}} },
		object:   groupLinkObject{},
		readOnly: []string{"secret_sha256", "last_used_at"},
		sorts:    map[string]func(*shower, record, record) int{"name": byName},
		prepare: func(_ *call, _ *tx, old, r record) (any, error) {
			if old != nil {
				return nil, nil
			}
			secret := newSecret()
			r.(*GroupLink).SecretSHA256 = hashed(secret)
			return once{Secret: secret}, nil
		},
	}
}

// once is what the answer to a creation has beyond the object, and no later answer.
type once struct {
	Secret     string      `json:"secret,omitempty"`
	Invitation *invitation `json:"invitation,omitempty"`
}

func (g *GroupLink) text() string        { return g.Name + " " + g.Email }
func (g *GroupLink) refs() []ref         { return []ref{{field: "group_id", to: groups, id: g.GroupID}} }
func (g *GroupLink) groups(view) []int64 { return []int64{g.GroupID} }
func (g *GroupLink) keys() []key {
	return []key{{"base", g.SecretSHA256, "the secret is another link's", codeTaken}}
}
func (g *GroupLink) check(_ view, bad *Invalid) {
	bad.must(g.Code == nil || *g.Code == "online" || *g.Code == "offline", "quick_response_code_type", "must be online, offline or null")
}
func (g *GroupLink) addTo(r *policy.Records) {
	p := policy.GroupLink(g.groupLinkFields)
	p.ID, p.Name = g.ID, "" // names are nothing to controllers
	r.GroupLinks = append(r.GroupLinks, p)
}

type groupLinkObject struct {
	*GroupLink
	ResourceType string     `json:"resource_type"`
	Secret       hidden     `json:"secret_sha256,omitempty"`
	ValidFrom    *time.Time `json:"valid_from"`
	ValidUntil   *time.Time `json:"valid_until"`
	LastUsedAt   *time.Time `json:"last_used_at"`
	Group        *nameRef   `json:"group"`
}

func (g *GroupLink) show(s *shower) any {
	return &groupLinkObject{GroupLink: g, ResourceType: groupLinks.resource, Group: s.named(groups, g.GroupID),
		ValidFrom: orNull(g.From), ValidUntil: orNull(g.Until), LastUsedAt: orNull(g.LastUsedAt)}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// groupsOf returns the groups that a schedule's subject has to do with.
func groupsOf(v view, about schedule.Scheduleable) []int64 {
	switch about.Type {
	case schedule.Group:
		return []int64{about.ID}
	case schedule.Lock:
		if l := lookup[Lock](v, locks, about.ID); l != nil {
			return l.groups(v)
		}
	case schedule.ElevatorStop:
		if e := lookup[ElevatorStop](v, elevatorStops, about.ID); e != nil {
			return e.groups(v)
		}
	}
	return nil
}
