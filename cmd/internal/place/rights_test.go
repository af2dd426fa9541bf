package place

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doord/store/cloudsync"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/rights.txt anew; commit only differences you can explain")

// world is a place with somebody in each role, around one group with one door.
type world struct {
	*rig
	group, lock, controller, elevator int64
	card                              int // the next number
	who                               []actor
}

type actor struct{ name, authorization string }

func newWorld(t testing.TB) *world {
	w := &world{rig: newRig(t)}
	w.boards.do = func(int64, cloudsync.Action, int64, int64, any) (cloudsync.Result, error) {
		return cloudsync.Result{Done: true}, nil
	}
	w.group = w.made("/groups", `{"group":{"name":"Staff","place_id":%d}}`, w.place)
	w.lock = w.made("/locks", `{"lock":{"name":"Front","place_id":%d}}`, w.place)
	w.controller = w.made("/controllers", `{"controller":{"name":"Board","device_id":"00112233aabbccdd","place_id":%d}}`, w.place)
	w.made("/controller_relay_connections", `{"controller_relay_connection":{"controller_id":%d,"channel":5,"lock_id":%d}}`, w.controller, w.lock)
	w.made("/group_locks", `{"group_lock":{"group_id":%d,"lock_id":%d}}`, w.group, w.lock)
	w.elevator = w.made("/elevators", `{"elevator":{"name":"Lift","controller_id":%d}}`, w.controller)
	member, asMember := w.person(w.place, "Mia")
	manager, asManager := w.person(w.place, "Max")
	administrator, asAdministrator := w.person(w.place, "Ada")
	w.assign(member, "member", w.group)
	w.assign(manager, "manager", w.group)
	w.assign(administrator, "administrator", 0)
	link := w.ok(201, "POST", "/group_links", w.owner, `{"group_link":{"group_id":%d,"name":"Courier"}}`, w.group)
	key := w.ok(201, "POST", "/access_keys", w.owner, `{"access_key":{"name":"ERP","member_id":%d}}`, administrator)
	other := w.ok(201, "POST", "/places", w.owner, `{"place":{"name":"Elsewhere"}}`)
	stranger, asStranger := w.person(id(other, "id"), "Sam")
	w.ok(201, "POST", "/role_assignments", w.owner, `{"role_assignment":{"member_id":%d,"role_id":"owner","applies_to":{"type":"place","id":%d}}}`, stranger, id(other, "id"))
	w.who = []actor{
		{"nobody", ""}, {"link", "KISI-GROUP-LINK " + link["secret"].(string)}, {"member", asMember}, {"manager", asManager},
		{"admin", asAdministrator}, {"owner", w.owner}, {"key", "KISI-ACCESS-KEY " + key["secret"].(string)}, {"stranger", asStranger},
	}
	return w
}

// assign gives a member a role in a group, or at the place.
func (w *world) assign(member int64, role string, group int64) {
	w.Helper()
	to := f(`"applies_to":{"type":"place","id":%d}`, w.place)
	if group != 0 {
		to = f(`"group_id":%d`, group)
	}
	w.made("/role_assignments", `{"role_assignment":{"member_id":%d,"role_id":%q,%s}}`, member, role, to)
}

// body makes a record of a kind that has to do with the group.
func (w *world) body(k *kind) string {
	w.card++
	device := f("%016x", w.card)
	switch k {
	case places:
		return `{"place":{"name":"Annex"}}`
	case locks:
		return f(`{"lock":{"name":"Back","place_id":%d}}`, w.place)
	case groups:
		return f(`{"group":{"name":"Guests","place_id":%d}}`, w.place)
	case controllers:
		return f(`{"controller":{"name":"Second","device_id":%q,"place_id":%d}}`, device, w.place)
	case relayConnections:
		return f(`{"controller_relay_connection":{"controller_id":%d,"channel":1,"lock_id":%d}}`, w.fresh(controllers), w.lock)
	case inputConnections:
		return f(`{"controller_input_connection":{"controller_id":%d,"channel":1,"type":"tamper"}}`, w.fresh(controllers))
	case readers:
		return f(`{"reader":{"controller_id":%d,"port":"osdp:3","lock_id":%d}}`, w.fresh(controllers), w.lock)
	case wiegandConnections:
		return f(`{"controller_wiegand_connection":{"controller_id":%d,"channel":2,"lock_id":%d}}`, w.fresh(controllers), w.lock)
	case groupLocks:
		return f(`{"group_lock":{"group_id":%d,"lock_id":%d}}`, w.group, w.made("/locks", `{"lock":{"name":"Side","place_id":%d}}`, w.place))
	case groupLinks:
		return f(`{"group_link":{"group_id":%d,"name":"Visitor"}}`, w.group)
	case members:
		return f(`{"member":{"name":"Bob","email":"bob%d@example.org","place_id":%d}}`, w.card, w.place)
	case roleAssignments:
		return f(`{"role_assignment":{"user_id":%d,"group_id":%d,"role_id":"member"}}`, w.made("/members", `{"member":{"name":"Bob","place_id":%d}}`, w.place), w.group)
	case cards:
		return f(`{"card":{"place_id":%d,"format":"H10301","facility":12,"card":%d}}`, w.place, w.card)
	case schedules:
		return f(`{"schedule":{"name":"Day","consequence":"allow","group_id":%d,"starts_at_date":"2026-05-01","ends_at_date":"2026-05-02"}}`, w.group)
	case scheduledUnlocks:
		return f(`{"scheduled_unlock":{"name":"Day","lock_id":%d,"starts_at_date":"2026-05-01","ends_at_date":"2026-05-02"}}`, w.lock)
	case zones:
		return f(`{"zone":{"name":"Ground","place_id":%d}}`, w.place)
	case alarmRules:
		return f(`{"alarm_rule":{"name":"Forced","place_id":%d,"causes":["forced_open"]}}`, w.place)
	case wirelessLocks:
		return f(`{"wireless_lock":{"name":"Cylinder","controller_id":%d,"lock_id":%d,"channel":1}}`, w.fresh(controllers), w.door())
	case elevators:
		return f(`{"elevator":{"name":"Lift","controller_id":%d}}`, w.controller)
	case elevatorStops:
		return f(`{"elevator_stop":{"name":"1","elevator_id":%d,"floor":{"number":%d}}}`, w.elevator, w.card)
	case groupStops:
		return f(`{"group_elevator_stop":{"group_id":%d,"elevator_stop_id":%d}}`, w.group, w.made("/elevator_stops", w.body(elevatorStops)))
	case areas:
		return f(`{"anti_passback_area":{"name":"Vault","in_reader_ids":[%d]}}`, w.fresh(readers))
	case interlocks:
		return f(`{"interlock":{"name":"Man-trap","lock_ids":[%d,%d]}}`, w.door(), w.door())
	case notificationSettings:
		return f(`{"notification_setting":{"member_id":%d}}`, w.made("/members", `{"member":{"name":"Bob","place_id":%d}}`, w.place))
	case accessKeys:
		return f(`{"access_key":{"name":"BI","member_id":%d}}`, w.made("/members", `{"member":{"name":"Bot","place_id":%d}}`, w.place))
	case webhooks:
		return f(`{"webhook":{"url":"https://hooks.example.org/","enabled":false,"place_id":%d}}`, w.place)
	}
	w.Fatalf("there is no sample of %s", k.path)
	return ""
}

// door makes a door that nothing moves yet.
func (w *world) door() int64 {
	w.Helper()
	return w.made("/locks", `{"lock":{"name":"Inner","place_id":%d}}`, w.place)
}

// atFloor makes a stop of the elevator at a floor, and returns the elevator.
func (w *world) atFloor(floor int) int64 {
	w.Helper()
	w.made("/elevator_stops", `{"elevator_stop":{"name":"Hall","elevator_id":%d,"floor":{"number":%d}}}`, w.elevator, floor)
	return w.elevator
}

// permitted makes a stop of the elevator that has its relay.
func (w *world) permitted() int64 {
	w.Helper()
	n := w.fresh(elevatorStops)
	w.made("/controller_relay_connections", `{"controller_relay_connection":{"controller_id":%d,"channel":1,"type":"elevator_stop","elevator_stop_id":%d}}`, w.controller, n)
	return n
}

// fresh makes a record of a kind, as the owner, in the group if it can be.
func (w *world) fresh(k *kind) int64 {
	w.Helper()
	n := w.made("/"+k.path, w.body(k))
	switch k {
	case locks:
		w.made("/group_locks", `{"group_lock":{"group_id":%d,"lock_id":%d}}`, w.group, n)
		w.made("/controller_relay_connections", `{"controller_relay_connection":{"controller_id":%d,"channel":5,"lock_id":%d}}`, w.fresh(controllers), n)
	case groups:
		for _, a := range w.who {
			if a.name == "member" || a.name == "manager" {
				w.assign(w.memberOf(a), a.name, n)
			}
		}
	case elevatorStops:
		w.made("/group_elevator_stops", `{"group_elevator_stop":{"group_id":%d,"elevator_stop_id":%d}}`, w.group, n)
	case members:
		w.assign(n, "member", w.group)
	}
	return n
}

// memberOf returns the id of who asks.
func (w *world) memberOf(a actor) int64 {
	w.Helper()
	for _, m := range w.ask("GET", "/members?user_id=me", a.authorization, "").list() {
		return id(m, "id")
	}
	w.Fatalf("%s is no member", a.name)
	return 0
}

// target is a record for a path with an id.
func (w *world) target(r route) string {
	switch {
	case !strings.Contains(r.path, "{id}"):
		return ""
	case r.verb == "assign":
		w.card++
		return f("%016x", w.card)
	case r.kind == logins:
		in := w.ok(201, "POST", "/logins", "", `{"login":{"type":"device"},"user":{"email":"owner@example.org","password":"correct horse"}}`)
		return f("%d", id(in, "id"))
	case r.kind == controllerRelays, r.kind == controllerInputs:
		return f("%d", w.controller*partsOfBoard+1)
	case r.kind == events:
		return w.ask("GET", f("/events?place_id=%d&object=lock:%d&limit=1", w.place, w.lock), w.owner, "").list()[0]["id"].(string)
	case r.kind == places && r.verb != "delete":
		return f("%d", w.place)
	}
	return f("%d", w.fresh(r.kind))
}

// request is a good request to a route.
func (w *world) request(r route) (path, body string) {
	target := w.target(r)
	path = strings.Replace(r.path, "{id}", target, 1)
	switch {
	case r.path == "/calendar/summary":
		path += f("?around=2026-01-01/2026-02-01&consequence=allow&lock_id=%d", w.lock)
	case r.kind != nil && r.lists && r.kind.required == "group_id":
		path += f("?group_id=%d", w.group)
	case r.path == "/events", r.path == "/presented_cards":
		path += f("?place_id=%d", w.place)
	case r.many:
		var one map[string]json.RawMessage
		if err := json.Unmarshal([]byte(w.body(r.kind)), &one); err != nil {
			w.Fatal(err)
		}
		body = f(`{%q:[%s]}`, r.kind.path, one[r.kind.envelope])
	case r.verb == "create":
		body = w.body(r.kind)
	case r.verb == "change":
		body = f(`{%q:{"name":"Changed","valid_until":"2027-01-01T00:00:00Z"}}`, r.kind.envelope)
	case r.verb == "assign":
		body = f(`{"controller":{"place_id":%d}}`, w.place)
	case r.verb == "invite":
	case r.path == "/logins":
		body = `{"login":{"type":"device"},"user":{"email":"mia@example.org","password":"wrong"}}`
	case r.path == "/password":
		body = `{"password":{"current":"wrong","new":"longer than before"}}`
	case r.path == "/invitations":
		body = `{"invitation":{"code":"wrong","password":"swordfish!"}}`
	case r.path == "/setup":
		body = `{"code":"wrong"}`
	}
	return path, body
}

// Everybody tries everything. Routes come from the declarations, so that none is left
// out; what is right is in a file that people read.
func TestEveryRoleOnEveryPath(t *testing.T) {
	w := newWorld(t)
	var table bytes.Buffer
	fmt.Fprintf(&table, "%-60s", "# What each is answered")
	for _, a := range w.who {
		fmt.Fprintf(&table, " %8s", a.name)
	}
	fmt.Fprintln(&table)
	for _, r := range w.routes {
		if r.path == "/login" {
			continue // who signs out asks nothing further
		}
		fmt.Fprintf(&table, "%-60s", r.method+" "+r.path)
		for _, a := range w.who {
			path, body := w.request(r)
			got := w.ask(r.method, path, a.authorization, body)
			fmt.Fprintf(&table, " %8s", w.word(r, got))
			switch {
			case a.name == "nobody" && !r.open && got.status != 401:
				t.Errorf("nobody: %s %s: %d", r.method, path, got.status)
			case a.name == "stranger" && strings.Contains(r.path, "{id}") && got.status != 404:
				t.Errorf("a stranger: %s %s: %d %s", r.method, path, got.status, got.text)
			case a.name == "stranger" && r.verb == "create" && r.kind != places && got.status != 404:
				t.Errorf("a stranger: %s %s %s: %d %s", r.method, path, body, got.status, got.text)
			}
			w.tidy()
		}
		fmt.Fprintln(&table)
	}
	compare(t, "rights.txt", table.Bytes())
}

// word is the status, and of lists how many are seen: none, or some.
func (w *world) word(r route, a answer) string {
	switch {
	case !r.lists || a.status != 200:
		return fmt.Sprint(a.status)
	case len(a.list()) == 0:
		return "none"
	}
	for _, o := range a.list() { // nothing of another place is among it
		if place := id(o, "place_id"); place != 0 && place != w.place && r.kind != places {
			return "other"
		}
	}
	return "some"
}

// tidy keeps what is bounded from filling up, and everybody signed in.
func (w *world) tidy() {
	for _, h := range w.ask("GET", f("/webhooks?place_id=%d", w.place), w.owner, "").list() {
		w.ok(204, "DELETE", f("/webhooks/%d", id(h, "id")), w.owner, "")
	}
	w.lockout.wrong = nil
}

func compare(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		var g, w string
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Errorf("%s:%d\n is %s\nnot %s", path, i+1, g, w)
		}
	}
}
