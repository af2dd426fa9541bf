package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"doord/policy"
)

// many makes records of a list by one request, and returns their ids.
func (s *site) many(kind string, n int, one func(i int) string) []int64 {
	s.Helper()
	list := make([]string, n)
	for i := range list {
		list[i] = one(i)
	}
	body := fmt.Sprintf(`{%q:[%s]}`, kind, strings.Join(list, ","))
	before := s.service.fleet.Position(s.place)
	status, text := s.send("POST", "/bulk/"+kind, body)
	var made []struct {
		ID int64 `json:"id"`
	}
	if err := json.Unmarshal(text, &made); err != nil || status != 201 || len(made) != n {
		s.Fatalf("%s: %d, %d made, %v: %.300s", kind, status, len(made), err, text)
	}
	if after := s.service.fleet.Position(s.place); after.Version != before.Version+1 {
		s.Errorf("%s: from %v to %v, which is not one entry", kind, before, after)
	}
	ids := make([]int64, n)
	for i := range made {
		ids[i] = made[i].ID
	}
	return ids
}

// A thousand visitors are announced for one day, come on that day and not on another,
// and are gone from the place a while after it, without anybody's doing.
func TestAThousandVisitorsForOneDay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const visitors, first = 1000, 20_000
		s := newSite(t, "visitors", 1, 1, nil)
		a := s.units[0]
		s.ok(s, "PATCH", path("/places/%d", s.place), `{"place":{"expired_kept_days":1}}`)
		from := time.Now().Add(12 * time.Hour).Truncate(time.Hour)
		until := from.Add(8 * time.Hour)
		day := fmt.Sprintf(`"valid_from":%q,"valid_until":%q`, from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339))
		people := s.many("members", visitors, func(i int) string { return fmt.Sprintf(`{"name":"Visitor %d"}`, i) })
		s.many("role_assignments", visitors, func(i int) string {
			return fmt.Sprintf(`{"member_id":%d,"group_id":%d,%s}`, people[i], s.group, day)
		})
		s.many("cards", visitors, func(i int) string {
			return fmt.Sprintf(`{"member_id":%d,"format":"H10301","facility":%d,"card":%d,%s}`, people[i], facility, first+i, day)
		})
		s.many("group_links", visitors, func(i int) string { return fmt.Sprintf(`{"group_id":%d,%s}`, s.group, day) })
		s.pass(5 * time.Second)
		s.agreed()

		come := func(every int, want policy.Reason) {
			t.Helper()
			for i := 0; i < visitors; i += every {
				before := a.journal.Head().Sequence
				granted := a.tap("front", first+uint64(i))
				for _, e := range a.since(before) {
					if e.Type == policy.LockUnlock && (granted != (want == "") || e.Reason != want) {
						t.Fatalf("visitor %d: %q, not %q", i, e.Reason, want)
					}
				}
				s.pass(5 * time.Second)
			}
		}
		come(100, policy.NotYetValid)
		s.pass(time.Until(from))
		come(1, "")
		s.pass(time.Until(until))
		come(100, policy.NoLongerValid)
		s.pass(23 * time.Hour)
		come(500, policy.NoLongerValid)
		s.pass(2*time.Hour + time.Minute)
		come(100, policy.CardNotFound)
		s.agreed()
		r := s.service.place.Records(s.place)
		if len(r.Credentials) != len(s.cards) || len(r.Members) != 2 || len(r.RoleAssignments) != 3 || len(r.GroupLinks) != 0 {
			t.Errorf("left are %d cards, %d members, %d assignments, %d links", len(r.Credentials), len(r.Members), len(r.RoleAssignments), len(r.GroupLinks))
		}
		if !a.tap("front", s.cards[0].number) {
			t.Error("who is no visitor is not admitted any more")
		}
	})
}
