package place

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// items writes a list of so many records.
func items(path string, n int, one func(i int) string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = one(i)
	}
	return f(`{%q:[%s]}`, path, strings.Join(list, ","))
}

// A thousand visitors come within the bounds on how often somebody may ask.
func TestAThousandVisitorsAreThreeRequests(t *testing.T) {
	r := newRig(t, func(r *rig) { r.config.Rate, r.config.Burst = 0, 0 })
	group := r.made("/groups", `{"group":{"name":"Visitors","place_id":%d}}`, r.place)
	day := `"valid_from":"2026-03-03T07:00:00Z","valid_until":"2026-03-03T19:00:00Z"`
	entries := r.boards.entries
	begin := time.Now()
	people := r.ask("POST", "/bulk/members", r.owner, items("members", 1000, func(i int) string { return f(`{"name":"Visitor %d"}`, i) })).list()
	if len(people) != 1000 || people[999]["name"] != "Visitor 999" {
		t.Fatalf("%d people", len(people))
	}
	in := r.ask("POST", "/bulk/role_assignments", r.owner, items("role_assignments", 1000, func(i int) string {
		return f(`{"member_id":%d,"group_id":%d,%s}`, id(people[i], "id"), group, day)
	}))
	if in.status != 201 || len(in.list()) != 1000 {
		t.Fatalf("%d %.300s", in.status, in.text)
	}
	given := r.ask("POST", "/bulk/cards", r.owner, items("cards", 1000, func(i int) string {
		return f(`{"member_id":%d,"format":"H10301","facility":7,"card":%d,%s}`, id(people[i], "id"), i, day)
	}))
	if given.status != 201 || len(given.list()) != 1000 || given.list()[17]["card"] != 17.0 {
		t.Fatalf("%d %.300s", given.status, given.text)
	}
	links := r.ask("POST", "/bulk/group_links", r.owner, items("group_links", 1000, func(i int) string {
		return f(`{"group_id":%d,"name":"Link %d",%s}`, group, i, day)
	}))
	secrets := map[any]bool{}
	for _, l := range links.list() {
		secrets[l["secret"]] = true
	}
	if links.status != 201 || len(secrets) != 1000 || secrets[nil] {
		t.Fatalf("%d, %d secrets, %.300s", links.status, len(secrets), links.text)
	}
	t.Logf("4000 records in %v", time.Since(begin))
	if got := r.boards.entries - entries; got != 4 {
		t.Errorf("%d entries in the log, not one for each request", got)
	}
	if records := r.Records(r.place); len(records.Credentials) != 1000 || len(records.GroupLinks) != 1000 || len(records.Validate()) > 0 {
		t.Errorf("%d cards, %d links, %v", len(records.Credentials), len(records.GroupLinks), records.Validate())
	}
}

// Of a list that is wrong somewhere nothing is made, and all that is wrong is told.
func TestAListIsMadeAsAWholeOrNotAtAll(t *testing.T) {
	w := newWorld(t)
	mia := w.memberOf(w.who[2])
	w.made("/cards", `{"card":{"member_id":%d,"uid":"01020304"}}`, mia)
	before, last := w.boards.entries, w.state.last
	a := w.ask("POST", "/bulk/cards", w.owner, f(`{"cards":[{"member_id":%[1]d,"uid":"0a0b0c0d"},{"member_id":%[1]d,"uid":"0a0b0c0d"},{"member_id":%[1]d,"uid":"01020304"},
		{"member_id":%[1]d,"uid":"xyz"},{"member_id":%[1]d,"uid":7},{"member_id":%[1]d,"uid":"05060708","valid_from":"2026-03-03T07:00:00Z","valid_until":"2026-03-02T07:00:00Z"},
		{"member_id":%[1]d,"kind":"pin","pin":"4711","duress":true},{"member_id":%[1]d,"uid":"11121314","duress":true}]}`, mia))
	var bad struct {
		Errors map[string][]string `json:"errors"`
		Code   string              `json:"code"`
	}
	if err := json.Unmarshal(a.text, &bad); err != nil || a.status != 422 || bad.Code != codeTaken {
		t.Fatalf("%d %s", a.status, a.text)
	}
	want := []string{"cards[1].base", "cards[1].id", "cards[2].base", "cards[3].kind", "cards[4].kind", "cards[4].uid", "cards[5].valid_until", "cards[7].duress"}
	if got := slices.Sorted(maps.Keys(bad.Errors)); !slices.Equal(got, want) {
		t.Errorf("wrong are %q\nnot %q\n%s", got, want, a.text)
	}
	if text := bad.Errors["cards[1].id"]; !slices.Equal(text, []string{"the same token belongs to cards[0] already"}) {
		t.Errorf("%q", text)
	}
	if w.boards.entries != before || w.state.last != last || len(w.ask("GET", f("/cards?place_id=%d", w.place), w.owner, "").list()) != 1 {
		t.Error("some of it was made")
	}
	for body, status := range map[string]int{
		`{"cards":[]}`: 422, `{"cards":{}}`: 400, `{"card":[{}]}`: 400, `{"cards":[null]}`: 400, `{"cards":[1]}`: 400, `[]`: 400,
		items("cards", 1001, func(int) string { return "{}" }):                                                               422,
		f(`{"cards":[{"member_id":%d,"uid":"21222324"},{"member_id":999999,"uid":"31323334"}]}`, mia):                        404,
		f(`{"cards":[{"member_id":%d,"uid":"21222324"},{"place_id":%d,"member_id":999999,"uid":"31323334"}]}`, mia, w.place): 422,
	} {
		if a := w.ask("POST", "/bulk/cards", w.owner, body); a.status != status {
			t.Errorf("%.60s: %d, not %d: %s", body, a.status, status, a.text)
		}
	}
}

// A manager makes links of his own groups only, and not one if another is among them.
func TestAListIsBoundByTheRightsToEachOfIt(t *testing.T) {
	w := newWorld(t)
	other := w.made("/groups", `{"group":{"name":"Others","place_id":%d}}`, w.place)
	manager := w.who[3].authorization
	w.ok(201, "POST", "/bulk/group_links", manager, `{"group_links":[{"group_id":%d},{"group_id":%d}]}`, w.group, w.group)
	w.ok(403, "POST", "/bulk/group_links", manager, `{"group_links":[{"group_id":%d},{"group_id":%d}]}`, w.group, other)
	w.ok(403, "POST", "/bulk/role_assignments", manager, `{"role_assignments":[{"member_id":%d,"group_id":%d},{"member_id":%d,"applies_to":{"type":"place"},"role_id":"owner"}]}`,
		w.memberOf(w.who[2]), w.group, w.memberOf(w.who[2]))
	if n := len(w.ask("GET", f("/group_links?group_id=%d", w.group), w.owner, "").list()); n != 3 {
		t.Errorf("%d links, not the courier's and two", n)
	}
}

// What is over for as long as the place keeps it goes, with the members who had
// nothing else; what is not, stays.
func TestWhatIsOverIsRemoved(t *testing.T) {
	w := newWorld(t)
	day := `"valid_from":"2026-03-03T07:00:00Z","valid_until":"2026-03-03T19:00:00Z"`
	visitor := w.made("/members", `{"member":{"name":"Vera","place_id":%d}}`, w.place)
	w.made("/role_assignments", `{"role_assignment":{"member_id":%d,"group_id":%d,%s}}`, visitor, w.group, day)
	card := w.made("/cards", `{"card":{"member_id":%d,"uid":"01020304",%s}}`, visitor, day)
	link := w.made("/group_links", `{"group_link":{"group_id":%d,%s}}`, w.group, day)
	mia := w.memberOf(w.who[2])
	hers := w.made("/cards", `{"card":{"member_id":%d,"uid":"11121314",%s}}`, mia, day)
	stays := w.made("/cards", `{"card":{"member_id":%d,"uid":"21222324"}}`, mia)
	bob := w.made("/members", `{"member":{"name":"Bob","place_id":%d}}`, w.place)
	w.made("/role_assignments", `{"role_assignment":{"member_id":%d,"group_id":%d,%s}}`, bob, w.group, day)
	badge := w.made("/cards", `{"card":{"member_id":%d,"uid":"31323334","valid_until":"2026-12-31T00:00:00Z"}}`, bob)

	sweep := func() {
		t.Helper()
		if _, err := w.removeExpired(); err != nil {
			t.Fatal(err)
		}
	}
	there := func(status int, paths ...string) {
		t.Helper()
		for _, p := range paths {
			w.ok(status, "GET", p, w.owner, "")
		}
	}
	over := []string{f("/members/%d", visitor), f("/cards/%d", card), f("/group_links/%d", link), f("/cards/%d", hers)}
	w.clock.add(31 * 24 * time.Hour) // the 2nd of April, 09:00
	sweep()
	there(200, over...)
	w.ok(204, "PATCH", f("/places/%d", w.place), w.owner, `{"place":{"expired_kept_days":0}}`)
	w.clock.add(24 * time.Hour)
	sweep()
	there(200, over...)
	w.ok(204, "PATCH", f("/places/%d", w.place), w.owner, `{"place":{"expired_kept_days":null}}`)
	entries := w.boards.entries
	sweep()
	there(404, over...)
	there(200, f("/members/%d", mia), f("/cards/%d", stays), f("/members/%d", bob), f("/cards/%d", badge))
	sweep()
	if w.boards.entries != entries+1 {
		t.Errorf("%d entries in the log, not one", w.boards.entries-entries)
	}
	if list := w.ask("GET", f("/events?place_id=%d&type=member.delete", w.place), w.owner, "").list(); len(list) != 1 || id(list[0], "object_id") != visitor {
		t.Errorf("told %v", list)
	}
	w.ok(422, "PATCH", f("/places/%d", w.place), w.owner, `{"place":{"expired_kept_days":-1}}`)
}
