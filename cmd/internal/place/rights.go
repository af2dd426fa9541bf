package place

import (
	"slices"
	"time"

	"doord/policy"
)

// right says on which records of a place a role may do something. Rights add up.
type right uint8

const (
	own   right = 1 << iota // those that are his own
	group                   // those of his groups: a manager's are those he manages
	all                     // those of the place

	no right = 0
)

// rule is who may do something.
type rule struct{ link, member, manager, administrator, owner right }

// rights is who may do what: the one place where it is decided. What is not here
// nobody may do. Whoever sees nothing of a place is not told that it exists.
var rights = map[*kind]map[string]rule{}

func init() {
	byAdministrators := rule{no, no, no, all, all}
	table := []struct {
		kinds []*kind
		verbs []string
		rule
	}{
		//                                                                     link   member       manager      admin owner
		{[]*kind{places}, []string{"read"}, rule{all, all, all, all, all}},
		{[]*kind{places}, []string{"change", "lock_down", "cancel_lockdown"}, byAdministrators},
		{[]*kind{places}, []string{"create", "delete"}, rule{no, no, no, no, all}},

		{[]*kind{locks}, []string{"read", "unlock"}, rule{group, group, group, all, all}},
		{[]*kind{locks}, []string{"favorite", "unfavorite"}, rule{no, group, group, all, all}},
		{[]*kind{locks}, []string{"first_to_arrive", "last_to_leave"}, rule{no, no, group, all, all}},
		{[]*kind{locks}, []string{"create", "change", "delete", "lock_down", "cancel_lockdown"}, byAdministrators},

		{[]*kind{groups, groupLocks, groupStops, schedules}, []string{"read"}, rule{no, group, group, all, all}},
		{[]*kind{groups, groupLocks, groupStops, schedules}, []string{"create", "change", "delete"}, byAdministrators},
		{[]*kind{elevatorStops}, []string{"read"}, rule{no, group, group, all, all}},
		{[]*kind{elevatorStops}, []string{"create", "change", "delete", "lock_down", "cancel_lockdown"}, byAdministrators},

		{[]*kind{groupLinks}, []string{"read", "create", "change", "delete"}, rule{no, no, group, all, all}},
		{[]*kind{roleAssignments}, []string{"read"}, rule{no, own, own | group, all, all}},
		{[]*kind{roleAssignments}, []string{"create", "change", "delete"}, rule{no, no, group, all, all}},
		{[]*kind{members}, []string{"read"}, rule{no, own, own | group, all, all}},
		{[]*kind{members}, []string{"create", "change", "delete", "invite"}, byAdministrators},
		// Of cards only members' links have to do with groups.
		{[]*kind{cards}, []string{"read"}, rule{no, own, own | group, all, all}},
		{[]*kind{cards}, []string{"create", "change", "delete", "activate", "deactivate"}, rule{no, no, group, all, all}},

		{[]*kind{notificationSettings}, []string{"read", "create", "change"}, rule{no, own, own, all, all}},
		{[]*kind{events}, []string{"read"}, rule{no, no, group, all, all}},
		{
			[]*kind{controllers, controllerRelays, controllerInputs, relayConnections, inputConnections, readers, zones, alarmRules,
				wirelessLocks, elevators, areas, interlocks, accessKeys, webhooks},
			[]string{"read", "create", "change", "delete", "assign", "deassign", "reboot", "reset_tamper", "override", "reset", "silence", "forgive", "test"},
			byAdministrators,
		},
	}
	for _, row := range table {
		for _, k := range row.kinds {
			if rights[k] == nil {
				rights[k] = map[string]rule{}
			}
			for _, verb := range row.verbs {
				rights[k][verb] = row.rule
			}
		}
	}
}

// caller is who asks: nobody, somebody who signed in, an access key, or a link.
type caller struct {
	name    string // of whom requests are counted; "": nobody
	actor   policy.Ref
	account int64 // signed in
	login   int64
	link    *linked
	refused policy.Reason // of a link: why it is none
	places  map[int64]*standing
}

// standing is what a caller is at a place.
type standing struct {
	member  int64
	role    policy.Role    // the strongest at the place itself
	groups  map[int64]bool // he is in
	manages map[int64]bool
}

// manager of the place is one of all its groups.
func (x *standing) managesAll() bool { return rankOf(x.role) >= rankOf(policy.RoleManager) }

func rankOf(r policy.Role) int {
	return slices.Index([]policy.Role{policy.RoleMember, policy.RoleManager, policy.RoleAdministrator, policy.RoleOwner}, r)
}

// join adds what a member is. Access that is turned off counts for nothing here, too.
func (c *caller) join(v view, m *Member, now time.Time) {
	if !m.AccessEnabled {
		return
	}
	x := &standing{member: m.ID, groups: map[int64]bool{}, manages: map[int64]bool{}}
	for _, a := range pick[RoleAssignment](v, roleAssignments, members, m.ID) {
		if !a.From.IsZero() && now.Before(a.From) || !a.Until.IsZero() && !now.Before(a.Until) {
			continue
		}
		if g := a.group(); g == 0 {
			if rankOf(a.Role) > rankOf(x.role) {
				x.role = a.Role
			}
		} else if home := lookup[Group](v, groups, g); home != nil && within(home.Validity, now) {
			x.groups[g] = true
			if rankOf(a.Role) >= rankOf(policy.RoleManager) {
				x.manages[g] = true
			}
		}
	}
	c.places[m.PlaceID] = x
}

func within(v policy.Validity, now time.Time) bool {
	return (v.From.IsZero() || !now.Before(v.From)) && (v.Until.IsZero() || now.Before(v.Until))
}

// at returns what the caller is at a place; nil: nothing.
func (c *caller) at(place int64) *standing { return c.places[place] }

// may reports whether the caller may do something with a record of a place.
func (c *caller) may(v view, k *kind, verb string, place int64, r record) bool {
	x := c.at(place)
	if x == nil {
		return false
	}
	rule := rights[k.real()][verb]
	if c.link != nil {
		return allows(v, rule.link, r, 0, x.groups, false)
	}
	allowed := allows(v, rule.member, r, x.member, x.groups, false) ||
		(x.managesAll() || len(x.manages) > 0) && allows(v, rule.manager, r, x.member, x.manages, x.managesAll())
	switch x.role {
	case policy.RoleOwner:
		allowed = allowed || rule.owner&all != 0
	case policy.RoleAdministrator:
		allowed = allowed || rule.administrator&all != 0
	case policy.RoleManager, policy.RoleMember:
	}
	return allowed
}

func allows(v view, has right, r record, member int64, groups map[int64]bool, every bool) bool {
	switch {
	case has&all != 0:
		return true
	case r == nil:
		return false
	case has&own != 0 && member != 0 && r.owner() == member:
		return true
	case has&group != 0:
		return slices.ContainsFunc(r.groups(v), func(id int64) bool { return every || groups[id] })
	}
	return false
}

// everything reports whether the caller may do something with all records of a place,
// so that they need not be asked one by one.
func (c *caller) everything(k *kind, verb string, place int64) bool {
	return c.may(nil, k, verb, place, nil)
}

// guard refuses what would make somebody stronger than who does it: nobody changes
// those above him, gives a role above his own, or takes one from them.
func (c *caller) guard(v view, k *kind, place int64, r record) error {
	if r == nil || c.at(place) == nil {
		return nil
	}
	x := c.at(place)
	mine := max(rankOf(x.role), 0)
	switch k.real() {
	case roleAssignments:
		a := r.(*RoleAssignment)
		if mine < rankOf(policy.RoleAdministrator) && a.Role != policy.RoleMember || rankOf(a.Role) > mine && a.Role != policy.RoleMember {
			return errForbidden
		}
	case members, cards, accessKeys:
		if id := r.owner(); id != 0 && strength(v, id) > mine {
			return errForbidden
		}
		if card, is := r.(*Card); is && mine < rankOf(policy.RoleAdministrator) {
			return x.guardLink(v, card)
		}
	}
	return nil
}

// strength is the rank of the strongest role that a member has at his place.
func strength(v view, member int64) int {
	rank := 0
	for _, a := range pick[RoleAssignment](v, roleAssignments, members, member) {
		if a.group() == 0 {
			rank = max(rank, rankOf(a.Role))
		}
	}
	return rank
}
