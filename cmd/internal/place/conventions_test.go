package place

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The two calls of the public documentation, but for host, token and id.
func TestTheDocumentedCalls(t *testing.T) {
	r := newRig(t)
	made := r.ok(201, "POST", "/locks", r.owner, `{"lock":{"name":"New door","description":"My new door","place_id":%d}}`, r.place)
	if made["name"] != "New door" || made["description"] != "My new door" || id(made, "place_id") != r.place || made["resource_type"] != "Lock" {
		t.Errorf("made %v", made)
	}
	a := r.ask("GET", f("/locks?place_id=%d&limit=10&offset=0&favorite=*&sort=favorite", r.place), r.owner, "")
	if a.status != 200 || len(a.list()) != 1 || a.list()[0]["favorite"] != false || a.header.Get("X-Collection-Range") != "0-9/1" {
		t.Errorf("listed %d %s %s", a.status, a.header.Get("X-Collection-Range"), a.text)
	}
}

func TestPages(t *testing.T) {
	r := newRig(t)
	if a := r.ask("GET", "/locks", r.owner, ""); a.header.Get("X-Collection-Range") != "*/0" || string(a.text) != "[]" {
		t.Errorf("none: %s %s", a.header.Get("X-Collection-Range"), a.text)
	}
	for i := range 15 {
		r.made("/locks", `{"lock":{"name":"Lock %02d","place_id":%d}}`, 14-i, r.place)
		if i == 1 {
			if a := r.ask("GET", "/locks?limit=1", r.owner, ""); a.header.Get("X-Collection-Range") != "0-0/2" || len(a.list()) != 1 {
				t.Errorf("one of two: %s %s", a.header.Get("X-Collection-Range"), a.text)
			}
		}
	}
	for _, c := range []struct {
		query, want string
		n           int
		first       string
	}{
		{"offset=10&limit=10", "10-19/15", 5, "Lock 04"},
		{"", "0-49/15", 15, "Lock 14"},
		{"limit=250", "0-249/15", 15, "Lock 14"},
		{"limit=1000", "0-249/15", 15, "Lock 14"},
		{"offset=20000", "20000-20049/15", 0, ""},
		{"offset=15&limit=5", "15-19/15", 0, ""},
		{"sort=name&limit=1", "0-0/15", 1, "Lock 00"},
		{"sort=-name&limit=1&offset=1", "1-1/15", 1, "Lock 13"},
		{"query=lock+07", "0-49/1", 1, "Lock 07"},
		{"query=nothing", "*/0", 0, ""},
		{f("place_id=%d&limit=3", r.place), "0-2/15", 3, "Lock 14"},
		{"place_id=999", "*/0", 0, ""},
	} {
		a := r.ask("GET", "/locks?"+c.query, r.owner, "")
		if got := a.header.Get("X-Collection-Range"); a.status != 200 || got != c.want || len(a.list()) != c.n || c.n > 0 && a.list()[0]["name"] != c.first {
			t.Errorf("%s: %d %s, %d records\n%.200s", c.query, a.status, got, len(a.list()), a.text)
		}
	}
	for _, query := range []string{"limit=0", "limit=-1", "limit=x", "offset=-1", "offset=20001", "sort=color", "ids=x", "place_id=x", "online=maybe", "favorite=maybe"} {
		r.ok(400, "GET", "/locks?"+query, r.owner, "")
	}
}

func TestFilters(t *testing.T) {
	w := newWorld(t)
	back := w.made("/locks", `{"lock":{"name":"Back","place_id":%d,"floor_id":3}}`, w.place)
	w.ok(200, "POST", f("/locks/%d/lock_down", back), w.owner, "")
	w.ok(200, "POST", f("/locks/%d/favorite", back), w.owner, "")
	mia := w.memberOf(w.who[2])
	for _, c := range []struct {
		path string
		n    int
	}{
		{f("/locks?ids=%d", w.lock), 1}, {f("/locks?ids=%d,%d", w.lock, back), 2}, {f("/locks?group_id=%d", w.group), 1},
		{f("/locks?controller_id=%d", w.controller), 1}, {"/locks?configured=true", 1}, {"/locks?configured=false", 1},
		{"/locks?locked_down=true", 1}, {"/locks?online=true", 0}, {"/locks?online=false", 1}, {"/locks?unlocked=false", 2}, {"/locks?floor_id=3", 1},
		{"/locks?favorite=true", 1}, {"/locks?favorite=false", 1}, {"/locks?favorite=*", 2}, {"/locks?query=BACK", 1},
		{f("/group_locks?group_id=%d", w.group), 1}, {f("/group_locks?group_id=%d&lock_id=%d", w.group, back), 0},
		{f("/members?group_id=%d", w.group), 2}, {f("/members?user_id=%d", mia), 1}, {f("/members?place_id=%d&query=mia@", w.place), 1},
		{f("/role_assignments?user_id=%d", mia), 1}, {f("/role_assignments?place_id=%d&role_id=administrator", w.place), 1},
		{f("/groups?lock_id=%d", w.lock), 1}, {f("/groups?user_id=%d", mia), 1}, {"/controllers?online=true", 0},
		{f("/controller_relays?controller_id=%d", w.controller), 5}, {f("/controller_inputs?controller_id=%d", w.controller), 14},
	} {
		if a := w.ask("GET", c.path, w.owner, ""); a.status != 200 || len(a.list()) != c.n {
			t.Errorf("%s: %d, %d records, not %d\n%.300s", c.path, a.status, len(a.list()), c.n, a.text)
		}
	}
	w.ok(422, "GET", "/group_locks", w.owner, "")
	if a := w.ask("GET", "/locks", w.owner, ""); strings.Contains(string(a.text), `"favorite"`) {
		t.Error("favorite is told though nobody asked")
	}
	// The newest favourite comes first.
	w.ok(200, "POST", f("/locks/%d/favorite", w.lock), w.owner, "")
	if l := w.ask("GET", "/locks?favorite=true&sort=favorite", w.owner, "").list(); len(l) != 2 || id(l[0], "id") != w.lock {
		t.Errorf("favourites: %v", l)
	}
	w.ok(200, "POST", f("/locks/%d/unfavorite", w.lock), w.owner, "")
	if l := w.ask("GET", "/locks?favorite=true", w.owner, "").list(); len(l) != 1 {
		t.Errorf("favourites: %v", l)
	}
	// They are each one's own.
	if l := w.ask("GET", "/locks?favorite=true", w.who[4].authorization, "").list(); len(l) != 0 {
		t.Errorf("another's favourites: %v", l)
	}
}

func TestBodies(t *testing.T) {
	r := newRig(t)
	lock := r.made("/locks", `{"lock":{"name":"Front","place_id":%d}}`, r.place)
	one := f("/locks/%d", lock)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string // in the answer
	}{
		{"not JSON", "POST", "/locks", `{"lock":`, 400, `"code"`},
		{"empty", "POST", "/locks", ``, 400, `"code"`},
		{"a list", "POST", "/locks", `[1]`, 400, `"code"`},
		{"null", "POST", "/locks", `null`, 400, `"code"`},
		{"no envelope", "POST", "/locks", `{"name":"x"}`, 400, `lock`},
		{"an envelope of null", "POST", "/locks", `{"lock":null}`, 400, `lock`},
		{"not UTF-8", "POST", "/locks", "{\"lock\":{\"name\":\"\xff\"}}", 400, `UTF-8`},
		{"more behind", "POST", "/locks", `{"lock":{"name":"x"}} {}`, 400, `"code"`},
		{"too large", "POST", "/locks", `{"lock":{"name":"` + strings.Repeat("x", maxBody) + `"}}`, 413, `1 MiB`},
		{"blank name", "POST", "/locks", f(`{"lock":{"name":" ","place_id":%d}}`, r.place), 422, `{"errors":{"name":["can't be blank"]}}`},
		{"no name", "POST", "/locks", f(`{"lock":{"place_id":%d}}`, r.place), 422, `"name":["can't be blank"]`},
		{"no place is the only one", "POST", "/locks", `{"lock":{"name":"Side"}}`, 201, `"name":"Side"`},
		{"unknown place", "POST", "/locks", `{"lock":{"name":"x","place_id":999}}`, 404, `"code"`},
		{"place of another type", "POST", "/locks", `{"lock":{"name":"x","place_id":"HQ"}}`, 422, `"place_id":["must be a whole number"]`},
		{"everything at once", "PATCH", one, `{"lock":{"name":"","latitude":91,"longitude":"x","geofence_restriction_radius":-1,"on_fire":"run"}}`, 422,
			`{"errors":{"geofence_restriction_radius":["-1 m is outside 0 to 100000 m"],"latitude":["91 is outside -90 to 90 degrees"],"longitude":["must be a number"],"name":["can't be blank"],"on_fire":["\"run\" must be one of stay, release"]}}`},
		{"too long", "PATCH", one, f(`{"lock":{"name":%q}}`, strings.Repeat("x", 1001)), 422, `"name":["is too long`},
		{"unknown fields", "PATCH", one, `{"lock":{"color":"red","name":"Front"},"more":1}`, 204, ``},
		{"what is not his to set", "PATCH", one, `{"lock":{"id":7,"place_id":999,"created_at":"x","locked_down":true,"Name":"NO"}}`, 204, ``},
		{"nothing changes", "PATCH", one, `{"lock":{}}`, 204, ``},
		{"null is the default", "PATCH", one, `{"lock":{"geofence_restriction_radius":null}}`, 204, ``},
		{"not there", "GET", "/locks/999", ``, 404, `"code"`},
		{"no number", "GET", "/locks/x", ``, 404, `"code"`},
		{"no path", "GET", "/nothing", ``, 404, `"code"`},
		{"no method", "PATCH", "/locks", `{}`, 405, `GET, POST`},
		{"a reference to nothing", "POST", "/group_locks", f(`{"group_lock":{"group_id":999,"lock_id":%d}}`, lock), 404, `"code"`},
		{"no reference", "POST", "/group_locks", `{"group_lock":{}}`, 422, `can't be blank`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := *r
			r.TB = t
			a := r.ask(c.method, c.path, r.owner, c.body)
			if a.status != c.status || !strings.Contains(string(a.text), c.want) || c.status == 204 && len(a.text) > 0 {
				t.Errorf("%d %s", a.status, a.text)
			}
		})
	}
	got := r.ok(200, "GET", one, r.owner, "")
	if id(got, "id") != lock || id(got, "place_id") != r.place || got["locked_down"] != false || got["name"] != "Front" {
		t.Errorf("after all that: %v", got)
	}
	if a := r.ask("PATCH", "/locks", r.owner, `{}`); a.header.Get("Allow") != "GET, POST" {
		t.Errorf("Allow: %s", a.header.Get("Allow"))
	}
}

// Validation of what has rules of its own.
func TestRulesOfKinds(t *testing.T) {
	w := newWorld(t)
	card := f(`{"card":{"place_id":%d,"format":"H10301","facility":12,"card":3456}}`, w.place)
	w.ok(201, "POST", "/cards", w.owner, card)
	second := w.made("/cards", `{"card":{"place_id":%d,"uid":"01020304"}}`, w.place)
	mia := w.memberOf(w.who[2])
	for _, c := range []struct{ name, method, path, body, want string }{
		{"the same card twice", "POST", "/cards", card, `"code":"cabbeb"`},
		{"the same uid twice", "POST", "/cards", f(`{"card":{"place_id":%d,"uid":"01020304","kind":"tag"}}`, w.place), `"code":"cabbeb"`},
		{"changed to the same", "PATCH", f("/cards/%d", second), `{"card":{"uid":"","format":"H10301","facility":12,"card":3456}}`, `"code":"cabbeb"`},
		{"an activated card without a member", "POST", "/cards", f(`{"card":{"place_id":%d,"uid":"0102030405","status":"activated"}}`, w.place), `"member_id":["can't be blank"]`},
		{"a status that is none", "POST", "/cards", f(`{"card":{"place_id":%d,"uid":"0102030405","status":"lost"}}`, w.place), `"status"`},
		{"a PIN of letters", "POST", "/cards", f(`{"card":{"member_id":%d,"kind":"pin","pin":"abcd"}}`, mia), `"kind":["a PIN must be 4 to 8 digits"]`},
		{"a schedule of no kind", "POST", "/schedules", f(`{"schedule":{"name":"x","consequence":"allow","group_id":%d}}`, w.group), `"starts_at"`},
		{"start after end", "POST", "/schedules", f(`{"schedule":{"name":"x","consequence":"allow","group_id":%d,"starts_at":"2026-05-02T00:00:00Z","ends_at":"2026-05-01T00:00:00Z"}}`, w.group), `"starts_at":["must be before ends_at"]`},
		{"no weekday", "POST", "/schedules", f(`{"schedule":{"name":"x","consequence":"allow","group_id":%d,"starts_at_time":"08:00","ends_at_time":"09:00"}}`, w.group), `"monday"`},
		{"two kinds at once", "POST", "/schedules", f(`{"schedule":{"name":"x","consequence":"allow","group_id":%d,"monday":true,"starts_at_time":"08:00","ends_at_time":"09:00","starts_at_date":"2026-05-01","ends_at_date":"2026-05-01"}}`, w.group), `"starts_at_time"`},
		{"no clock", "POST", "/schedules", f(`{"schedule":{"name":"x","consequence":"allow","group_id":%d,"monday":true,"starts_at_time":"8","ends_at_time":"09:00"}}`, w.group), `"starts_at_time"`},
		{"holidays of nowhere", "POST", "/schedules", f(`{"schedule":{"name":"x","consequence":"allow","override":true,"group_id":%d,"region":"atlantis"}}`, w.group), `"holidays"`},
		{"a permit of a door", "POST", "/schedules", f(`{"schedule":{"name":"x","consequence":"permit","lock_id":%d,"monday":true,"starts_at_time":"08:00","ends_at_time":"09:00"}}`, w.lock), `"consequence"`},
		{"an unlock of an elevator stop", "POST", "/schedules", f(`{"schedule":{"name":"x","consequence":"unlock","elevator_stop_id":%d,"monday":true,"starts_at_time":"08:00","ends_at_time":"09:00"}}`, w.fresh(elevatorStops)), `"consequence"`},
		{"an elevator without a controller", "POST", "/elevators", f(`{"elevator":{"name":"x","place_id":%d}}`, w.place), `"controller_id":["can't be blank"]`},
		{"a stop at the same floor", "POST", "/elevator_stops", f(`{"elevator_stop":{"elevator_id":%d,"floor":{"number":0}}}`, w.atFloor(0)), `"floor":["elevator`},
		{"a stop with a second relay", "POST", "/controller_relay_connections", f(`{"controller_relay_connection":{"controller_id":%d,"channel":2,"type":"elevator_stop","elevator_stop_id":%d}}`, w.controller, w.permitted()), `"elevator_stop_id":["stop`},
		{"a relay of a stop on another board", "POST", "/controller_relay_connections", f(`{"controller_relay_connection":{"controller_id":%d,"channel":2,"type":"elevator_stop","elevator_stop_id":%d}}`, w.fresh(controllers), w.fresh(elevatorStops)), `"elevator_stop_id":["stop`},
		{"a relay of no stop", "POST", "/controller_relay_connections", f(`{"controller_relay_connection":{"controller_id":%d,"channel":2,"type":"elevator_stop"}}`, w.controller), `"elevator_stop_id":["can't be blank"`},
		{"a reader in a car at a door", "POST", "/readers", f(`{"reader":{"controller_id":%d,"port":"osdp:9","elevator_id":%d,"lock_id":%d}}`, w.controller, w.elevator, w.lock), `"lock_id":["is nothing for a reader in a car"]`},
		{"a wireless lock with a relay", "POST", "/wireless_locks", f(`{"wireless_lock":{"name":"x","controller_id":%d,"lock_id":%d,"channel":1}}`, w.controller, w.lock), `it is wireless or wired, not both`},
		{"a wireless channel that is none", "POST", "/wireless_locks", f(`{"wireless_lock":{"name":"x","controller_id":%d,"lock_id":%d,"channel":65}}`, w.controller, w.door()), `"channel":["65 is outside 1 to 64"]`},
		{"an area without a reader", "POST", "/anti_passback_areas", f(`{"anti_passback_area":{"name":"x","place_id":%d}}`, w.place), `"in_reader_ids":["must name at least one reader"]`},
		{"an area on two boards", "POST", "/anti_passback_areas", f(`{"anti_passback_area":{"name":"x","in_reader_ids":[%d,%d]}}`, w.fresh(readers), w.fresh(readers)), `"in_reader_ids":["reader`},
		{"an area of a mode that is none", "POST", "/anti_passback_areas", f(`{"anti_passback_area":{"name":"x","in_reader_ids":[%d],"mode":"gentle"}}`, w.fresh(readers)), `"mode"`},
		{"forgiving nobody that is here", "POST", f("/anti_passback_areas/%d/forgive", w.fresh(areas)), `{"member_id":999999}`, `"member_id":["is no member of the place"]`},
		{"an interlock of one door", "POST", "/interlocks", f(`{"interlock":{"name":"x","lock_ids":[%d]}}`, w.lock), `"lock_ids":["must name two locks at least"]`},
		{"a door that turns one way", "PATCH", f("/locks/%d", w.lock), `{"lock":{"direction":"in"}}`, `"direction":["is for a turnstile"]`},
		{"a lock of a kind that is none", "PATCH", f("/locks/%d", w.lock), `{"lock":{"kind":"hatch"}}`, `"kind"`},
		{"two people within an hour", "PATCH", f("/locks/%d", w.lock), `{"lock":{"two_person_within":3600}}`, `"two_person_within"`},
		{"an escort who needs one", "PATCH", f("/members/%d", mia), `{"member":{"escort_required":true,"may_escort":true}}`, `"escort_required"`},
		{"a card of duress", "POST", "/cards", f(`{"card":{"member_id":%d,"uid":"0102030405","duress":true}}`, mia), `"duress":["is for a PIN"]`},
		{"a signal of no panel", "POST", "/controller_input_connections", f(`{"controller_input_connection":{"controller_id":%d,"channel":9,"type":"alarm_panel","signal":"away","zone_id":%d}}`, w.controller, w.fresh(zones)), `"zone_id":["there is no zone`},
		{"a loop at a door", "POST", "/controller_input_connections", f(`{"controller_input_connection":{"controller_id":%d,"channel":9,"type":"loop","lock_id":%d}}`, w.controller, w.lock), `"type":["a loop is for a gate`},
		{"zones of two sorts", "POST", "/zones", f(`{"zone":{"name":"x","place_id":%d,"source":"panel"}}`, w.place), `"source":["is panel, but zone`},
		{"a relay that is taken", "POST", "/controller_relay_connections", f(`{"controller_relay_connection":{"controller_id":%d,"channel":5,"lock_id":%d}}`, w.controller, w.lock), `"channel":["relay 5 of controller`},
		{"a door in two zones", "POST", "/zones", f(`{"zone":{"name":"A","place_id":%d,"doors":[{"lock_id":%d,"exterior":true},{"lock_id":%d,"exterior":true}]}}`, w.place, w.lock, w.lock), `is in zone`},
		{"an alarm without a cause", "POST", "/alarm_rules", f(`{"alarm_rule":{"name":"A","place_id":%d}}`, w.place), `"causes"`},
		{"the same address twice", "POST", "/members", f(`{"member":{"place_id":%d,"email":"MIA@example.org"}}`, w.place), `"email":["is another member's already"]`},
		{"no address", "POST", "/members", f(`{"member":{"place_id":%d,"email":"mia"}}`, w.place), `"email":["is not an e-mail address"]`},
		{"the same device twice", "POST", "/controllers", f(`{"controller":{"place_id":%d,"device_id":"00112233AABBCCDD"}}`, w.place), `"device_id"`},
		{"no time zone", "PATCH", f("/places/%d", w.place), `{"place":{"time_zone":"Mars/Olympus"}}`, `"time_zone"`},
		{"the last owner", "DELETE", f("/members/%d", w.member), ``, `the place must keep an owner`},
		{"a webhook without TLS", "POST", "/webhooks", f(`{"webhook":{"place_id":%d,"url":"http://example.org"}}`, w.place), `"url"`},
		{"the same door twice", "POST", "/group_locks", f(`{"group_lock":{"group_id":%d,"lock_id":%d}}`, w.group, w.lock), `is in the group already`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := *w
			r := *w.rig
			w.rig, r.TB = &r, t
			if a := w.ask(c.method, c.path, w.owner, c.body); a.status != 422 || !strings.Contains(string(a.text), c.want) {
				t.Errorf("%d %s", a.status, a.text)
			}
		})
	}
	// A kind is inferred, and a region's holidays are found.
	for body, kind := range map[string]string{
		`"starts_at":"2026-05-01T00:00:00Z","ends_at":"2026-05-02T00:00:00Z"`: "single event",
		`"starts_at_date":"2026-05-01","ends_at_date":"2026-05-01"`:           "all-day event",
		`"sunday":true,"starts_at_time":"22:00","ends_at_time":"06:00"`:       "recurring event",
		`"region":"de","override":true`:                                       "holiday calendar",
	} {
		if got := w.ok(201, "POST", "/schedules", w.owner, `{"schedule":{"name":"x","consequence":"allow","group_id":%d,%s}}`, w.group, body); got["kind"] != kind {
			t.Errorf("%s is a %v", body, got["kind"])
		}
	}
}

// Times that no clock shows are refused, or are as far away as they are.
func TestTimesBeyondAllClocks(t *testing.T) {
	r := newRig(t)
	lock := r.made("/locks", `{"lock":{"name":"A","place_id":%d}}`, r.place)
	r.made("/schedules", `{"schedule":{"name":"always","lock_id":%d,"consequence":"unlock","starts_at":"2026-01-01T00:00:00Z","ends_at":"9999-12-31T23:59:59-12:00"}}`, lock)
	for _, around := range []string{"9999-01-01/9999-12-31", "0000-01-01/0000-02-01"} {
		if a := r.ask("GET", f("/calendar/summary?around=%s&consequence=unlock&lock_id=%d", around, lock), r.owner, ""); a.status != 422 {
			t.Errorf("%s: %d %s", around, a.status, a.text)
		}
	}
	for query, some := range map[string]bool{
		"after=0000-01-01T00:00:00Z": true, "before=0000-01-01T00:00:00Z": false, "after=9999-01-01T00:00:00Z": false,
		"before=9999-01-01T00:00:00Z": true, "before=2263-01-01T00:00:00Z": true, "before=1600-01-01T00:00:00Z": false,
	} {
		if a := r.ask("GET", f("/events?place_id=%d&%s", r.place, query), r.owner, ""); a.status != 200 || len(a.list()) > 0 != some {
			t.Errorf("%s: %d %s", query, a.status, a.text)
		}
	}
}

func TestHolidays(t *testing.T) {
	dates := map[string]string{}
	for region := range regions {
		for _, h := range holidays(region, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
			dates[region+" "+h.Date.String()] = h.Name
		}
	}
	for day, name := range map[string]string{
		"us 2026-01-19": "Birthday of Martin Luther King, Jr.", "us 2026-05-25": "Memorial Day", "us 2026-11-26": "Thanksgiving Day",
		"de 2026-04-03": "Karfreitag", "de 2026-05-14": "Christi Himmelfahrt", "de 2027-03-29": "Ostermontag", "de 2029-05-21": "Pfingstmontag",
		"fr 2026-05-25": "Lundi de Pentecôte", "gb 2026-08-31": "Summer bank holiday", "gb 2027-03-26": "Good Friday",
	} {
		if dates[day] != name {
			t.Errorf("%s is %q, not %q", day, dates[day], name)
		}
	}
}

func TestHowOften(t *testing.T) {
	r := newRig(t, func(r *rig) { r.config.Rate, r.config.Burst = 0, 0 })
	r.clock.add(time.Hour)
	for i := range 20 {
		if a := r.ask("GET", "/locks", r.owner, ""); a.status != 200 {
			t.Fatalf("request %d: %d", i, a.status)
		}
	}
	a := r.ask("GET", "/locks", r.owner, "")
	if a.status != 429 || a.header.Get("Retry-After") != "1" {
		t.Errorf("the 21st: %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	// Others are not held up.
	if a := r.ask("GET", "/openapi.json", "", ""); a.status != 200 {
		t.Errorf("another: %d", a.status)
	}
	r.clock.add(time.Second)
	n := 0
	for r.ask("GET", "/locks", r.owner, "").status == 200 {
		n++
	}
	if n != 5 {
		t.Errorf("%d more after a second", n)
	}
	// Who is not signed in is counted by address, whatever secrets he tries.
	n = 0
	for i := 0; r.ask("GET", "/locks", f("KISI-LOGIN guess%d", i), "").status == 401; i++ {
		n++
	}
	if n != 20 {
		t.Errorf("%d tries", n)
	}
	if network("192.0.2.7:1234") == network("192.0.2.8:1234") || network("[2001:db8::1]:1") != network("[2001:db8::2]:1") {
		t.Error("addresses are counted wrongly")
	}
}

func TestOrigins(t *testing.T) {
	r := newRig(t, func(r *rig) { r.config.Origins = []string{"https://admin.example.org"} })
	ask := func(method, origin string) http.Header {
		q := httptest.NewRequest(method, "/locks", nil)
		q.Header.Set("Origin", origin)
		q.Header.Set("Authorization", r.owner)
		if method == "OPTIONS" {
			q.Header.Set("Access-Control-Request-Method", "POST")
		}
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, q)
		return w.Result().Header
	}
	for _, method := range []string{"GET", "OPTIONS"} {
		if h := ask(method, "https://admin.example.org"); h.Get("Access-Control-Allow-Origin") != "https://admin.example.org" || h.Get("Vary") != "Origin" {
			t.Errorf("%s: %v", method, h)
		}
		if h := ask(method, "https://evil.example.org"); h.Get("Access-Control-Allow-Origin") != "" || h.Get("Access-Control-Allow-Headers") != "" {
			t.Errorf("%s by another: %v", method, h)
		}
	}
	if h := ask("GET", "https://admin.example.org"); !strings.Contains(h.Get("Access-Control-Expose-Headers"), "X-Collection-Range") {
		t.Errorf("not exposed: %v", h)
	}
}

// What the description promises is really looked at: an answer that lacks a field, or
// has one of another type, is found out.
func TestTheCheckerFindsWrongAnswers(t *testing.T) {
	r := newRig(t)
	for _, text := range []string{`[]`, `{"id":1}`, `{"id":"1","secret":"x","email":"x","expires_at":"2026-01-01T00:00:00Z"}`} {
		q := httptest.NewRequest("POST", "http://place.test/logins", nil)
		var mock recorder
		r.check.answer(&mock, q, answer{201, http.Header{"Content-Type": {"application/json"}}, []byte(text)})
		if !mock.failed {
			t.Errorf("%s passed", text)
		}
	}
}

type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }
