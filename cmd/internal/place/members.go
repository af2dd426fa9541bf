package place

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"doord/policy"
)

// Member is a person at a place; the field also says cardholder. He signs in by an
// account, which he has by an invitation.
type Member struct {
	Base
	memberRecord
	AccountID    int64       `json:"account_id,omitzero"`
	InviteSHA256 string      `json:"invite_sha256,omitempty"`
	InviteUntil  time.Time   `json:"invite_until,omitzero"`
	InviteRole   policy.Role `json:"invite_role,omitempty"` // of who invited him
}

type (
	memberRecord struct{ memberFields }
	memberFields policy.Member
)

var members = new(kind)

func init() {
	*members = kind{
		path: "members", envelope: "member", resource: "Member",
		fresh:    func() record { return &Member{memberRecord: memberRecord{memberFields{AccessEnabled: true}}} },
		object:   memberObject{},
		readOnly: []string{"account_id", "invite_sha256", "invite_until", "invite_role"},
		filters: map[string]filter{
			"group_id": through(func(s *shower, id int64) []int64 {
				return idsOf(s.v.by(roleAssignments, groups, id), record.owner)
			}),
			"user_id": people(func(_ *shower, member int64) []int64 { return []int64{member} }),
		},
		sorts: map[string]func(*shower, record, record) int{"name": byName},
		prepare: func(c *call, t *tx, old, r record) (any, error) {
			m := r.(*Member)
			m.Email = strings.ToLower(strings.TrimSpace(m.Email))
			if was, _ := old.(*Member); was != nil && was.Email != m.Email {
				// Whoever has the new address is invited anew, and nobody else.
				m.AccountID, m.InviteSHA256, m.InviteUntil, m.InviteRole = 0, "", time.Time{}, ""
			}
			if old != nil || m.Email == "" {
				return nil, nil
			}
			return once{Invitation: m.invite(c, t.now)}, nil
		},
		actions: []action{{name: "invite", reply: once{}, do: invite}},
	}
}

// people is a filter by a member: an id, or "me".
func people(find func(s *shower, member int64) []int64) filter {
	return filter{"string", func(s *shower, value string) (func(record) bool, error) {
		var who []int64
		if value == "me" {
			for _, x := range s.c.places {
				who = append(who, x.member)
			}
		} else {
			id, err := parseID("user_id", value)
			if err != nil {
				return nil, err
			}
			who = []int64{id}
		}
		var ids []int64
		for _, m := range who {
			ids = append(ids, find(s, m)...)
		}
		ids = distinct(ids)
		return func(r record) bool {
			_, found := slices.BinarySearch(ids, r.base().ID)
			return found
		}, nil
	}}
}

func (m *Member) text() string { return m.Name + " " + m.Email }
func (m *Member) owner() int64 { return m.ID }
func (m *Member) refs() []ref {
	return []ref{{field: "account_id", to: accounts, id: m.AccountID, may: true}}
}
func (m *Member) keys() []key {
	var list []key
	if m.Email != "" {
		list = append(list, key{"email", fmt.Sprint(m.PlaceID, " ", m.Email), "is another member's already", codeTaken})
	}
	if m.InviteSHA256 != "" {
		list = append(list, key{"base", "invite " + m.InviteSHA256, "try again", ""})
	}
	return list
}

// without the account the member stays.
func (m *Member) without(to *kind, _ int64) record {
	if to != accounts {
		return nil
	}
	left := *m
	left.AccountID = 0
	return &left
}

func (m *Member) groups(v view) []int64 {
	var ids []int64
	for _, a := range pick[RoleAssignment](v, roleAssignments, members, m.ID) {
		if g := a.group(); g != 0 {
			ids = append(ids, g)
		}
	}
	return ids
}

func (m *Member) check(_ view, bad *Invalid) {
	bad.must(strings.TrimSpace(m.Name) != "" || m.Email != "", "name", "can't be blank")
	if m.Email != "" {
		a, err := mail.ParseAddress(m.Email)
		bad.must(err == nil && a.Address == m.Email, "email", "is not an e-mail address")
	}
}

func (m *Member) addTo(r *policy.Records) {
	p := policy.Member(m.memberFields)
	p.ID, p.Email = m.ID, ""
	if !r.Place.NamesOnControllers {
		p.Name = ""
	}
	r.Members = append(r.Members, p)
}

type memberObject struct {
	*Member
	ResourceType string `json:"resource_type"`
	UserID       int64  `json:"user_id"`
	Account      hidden `json:"account_id,omitempty"`
	Invite       hidden `json:"invite_sha256,omitempty"`
	InviteUntil  hidden `json:"invite_until,omitempty"`
	InviteRole   hidden `json:"invite_role,omitempty"`
	Confirmed    bool   `json:"confirmed"` // he has an account
	Role         string `json:"role_id"`   // the strongest at the place
}

func (m *Member) show(s *shower) any {
	o := &memberObject{Member: m, ResourceType: members.resource, UserID: m.ID, Confirmed: m.AccountID != 0, Role: string(policy.RoleMember)}
	rank := -1
	for _, a := range pick[RoleAssignment](s.v, roleAssignments, members, m.ID) {
		if r := rankOf(a.Role); a.group() == 0 && r > rank {
			rank, o.Role = r, string(a.Role)
		}
	}
	return o
}

// RoleAssignment puts a member into a group, or gives him a role at the place.
type RoleAssignment struct {
	Base
	roleAssignmentRecord
}

type (
	roleAssignmentRecord struct{ roleAssignmentFields }
	roleAssignmentFields policy.RoleAssignment
)

const (
	toGroup = "group"
	toPlace = "place"
)

var roleAssignments = new(kind)

func init() {
	*roleAssignments = kind{
		path: "role_assignments", envelope: "role_assignment", resource: "RoleAssignment",
		fresh: func() record {
			return &RoleAssignment{roleAssignmentRecord: roleAssignmentRecord{roleAssignmentFields{Role: policy.RoleMember}}}
		},
		object: roleAssignmentObject{},
		filters: map[string]filter{
			"user_id": people(func(s *shower, member int64) []int64 {
				return idsOf(s.v.by(roleAssignments, members, member), func(r record) int64 { return r.base().ID })
			}),
			"role_id": {"string", func(_ *shower, value string) (func(record) bool, error) {
				return func(r record) bool { return string(r.(*RoleAssignment).Role) == value }, nil
			}},
		},
		// user_id and group_id are the words of the path's neighbours.
		words: func(body map[string]json.RawMessage) {
			rename(body, "user_id", "member_id")
			if id, given := body["group_id"]; given && string(id) != "null" {
				body["applies_to"] = fmt.Appendf(nil, `{"type":"group","id":%s}`, id)
			}
		},
		prepare: func(c *call, t *tx, _, r record) (any, error) {
			a := r.(*RoleAssignment)
			if a.AppliesTo.Type == "" || a.AppliesTo.Type == toPlace && a.AppliesTo.ID == 0 {
				a.AppliesTo = policy.AppliesTo{Type: toPlace, ID: a.PlaceID}
			}
			if a.MemberID != 0 {
				return nil, nil
			}
			return c.invitee(t, a)
		},
	}
}

// invitee gives the assignment to whom the body names by an e-mail address, a new
// member if nobody has it.
func (c *call) invitee(t *tx, a *RoleAssignment) (any, error) {
	var email string
	if raw, given := c.body["email"]; !given || json.Unmarshal(raw, &email) != nil {
		return nil, nil
	}
	m := &Member{Base: Base{PlaceID: a.PlaceID}, memberRecord: memberRecord{memberFields{Email: strings.ToLower(strings.TrimSpace(email)), AccessEnabled: true}}}
	if known := t.find(members, m.keys()[0].value); known != nil {
		a.MemberID = known.base().ID
		return nil, nil
	}
	invitation := m.invite(c, t.now)
	t.put(members, m)
	t.tell(c, "member.create", members, m)
	a.MemberID = m.ID
	return once{Invitation: invitation}, nil
}

// group returns the group that the assignment is to; 0: it is to the place.
func (a *RoleAssignment) group() int64 {
	if a.AppliesTo.Type == toGroup {
		return a.AppliesTo.ID
	}
	return 0
}

func (a *RoleAssignment) owner() int64 { return a.MemberID }
func (a *RoleAssignment) groups(view) []int64 {
	if g := a.group(); g != 0 {
		return []int64{g}
	}
	return nil
}
func (a *RoleAssignment) refs() []ref {
	list := []ref{{field: "member_id", to: members, id: a.MemberID}}
	switch a.AppliesTo.Type {
	case toGroup:
		list = append(list, ref{field: "group_id", to: groups, id: a.AppliesTo.ID})
	case toPlace:
		list = append(list, ref{field: "applies_to.id", to: placeRoles, id: a.AppliesTo.ID})
	}
	return list
}
func (a *RoleAssignment) addTo(r *policy.Records) {
	p := policy.RoleAssignment(a.roleAssignmentFields)
	p.ID = a.ID
	r.RoleAssignments = append(r.RoleAssignments, p)
}

type roleAssignmentObject struct {
	*RoleAssignment
	ResourceType string     `json:"resource_type"`
	UserID       int64      `json:"user_id"`
	User         *nameRef   `json:"user"`
	Group        *nameRef   `json:"group"`
	GroupID      *int64     `json:"group_id"`
	ValidFrom    *time.Time `json:"valid_from"`
	ValidUntil   *time.Time `json:"valid_until"`
}

func (a *RoleAssignment) show(s *shower) any {
	o := &roleAssignmentObject{RoleAssignment: a, ResourceType: roleAssignments.resource, UserID: a.MemberID,
		ValidFrom: orNull(a.From), ValidUntil: orNull(a.Until)}
	if m := lookup[Member](s.v, members, a.MemberID); m != nil {
		o.User = &nameRef{m.ID, members.resource, cmp.Or(m.Name, m.Email)}
	}
	if g := a.group(); g != 0 {
		o.Group, o.GroupID = s.named(groups, g), &g
	}
	return o
}
