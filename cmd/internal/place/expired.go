package place

import (
	"context"
	"time"

	"doord/cmd/internal/place/fleet"
	"doord/policy"
)

// What is over admits nobody: controllers know the dates. A place keeps it for so many
// days more, for who looks back, and then it is removed without anybody's doing:
// cards, links and assignments that have an end, and members who had nothing else.
// Events about them stay.
const (
	defaultKept = 30   // days
	mostKept    = 3650 // days

	firstSweep = time.Minute // after the start, which has enough to do
	sweepEvery = time.Hour
	// maxSwept bounds one change: others wait for it, and its entry in the log.
	maxSwept = 500
)

// until is when a record is over; zero: never.
func until(r record) time.Time {
	switch x := r.(type) {
	case *Card:
		return x.Until
	case *GroupLink:
		return x.Until
	case *RoleAssignment:
		return x.Until
	}
	return time.Time{}
}

// sweep removes what is over, until the context ends.
func (s *Service) sweep(ctx context.Context) {
	for wait := firstSweep; ; wait = sweepEvery {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		for ctx.Err() == nil {
			n, err := s.removeExpired()
			if err != nil {
				s.log.Warn("what is over could not be removed: it is tried again", "err", err)
			}
			if err != nil || n < maxSwept {
				break
			}
		}
	}
}

// overdue returns what is to be removed at a time, at most so many.
func overdue(v view, now time.Time) (list []at) {
	for _, id := range v.(*state).tables[places.n].ids {
		home := lookup[Place](v, places, id)
		if home == nil || home.ExpiredKept == 0 {
			continue
		}
		before := now.AddDate(0, 0, -home.ExpiredKept)
		for _, k := range []*kind{cards, groupLinks, roleAssignments} {
			for _, r := range v.by(k, places, id) {
				if end := until(r); !end.IsZero() && end.Before(before) {
					if list = append(list, at{k, r.base().ID}); len(list) == maxSwept {
						return list
					}
				}
			}
		}
	}
	return list
}

// removeExpired removes some of what is over, and returns how many records.
func (s *Service) removeExpired() (n int, err error) {
	s.read(func(v view) { n = len(overdue(v, s.now())) })
	if n == 0 {
		return 0, nil // nobody's change waits for that
	}
	err = s.change(func(t *tx) error {
		var people []int64
		gone := overdue(t.state, t.now)
		n = len(gone)
		for _, a := range gone {
			r := t.get(a.kind, a.id)
			people = append(people, r.owner())
			t.drop(a.kind, a.id)
			t.tellExpired(a.kind, r)
		}
		for _, id := range distinct(people) {
			if m := lookup[Member](t, members, id); m != nil && t.idle(m) {
				t.drop(members, id)
				t.tellExpired(members, m)
			}
		}
		return nil
	})
	return n, err
}

// idle reports whether a member has nothing left: no account, no card, no place in a
// group, no key.
func (t *tx) idle(m *Member) bool {
	if m.AccountID != 0 {
		return false
	}
	for _, k := range []*kind{roleAssignments, cards, accessKeys} {
		if len(t.by(k, members, m.ID)) > 0 {
			return false
		}
	}
	return true
}

// tellExpired adds an event about a record that was removed because it is over.
func (t *tx) tellExpired(k *kind, r record) {
	e := auditEvent{UUID: fleet.NewUUID(t.now), CreatedAt: t.now, Type: policy.EventType(k.envelope + ".delete"), ByType: "expiry",
		ObjectType: k.envelope, ObjectID: r.base().ID, Success: true}
	t.told = append(t.told, told{r.base().PlaceID, e})
}
