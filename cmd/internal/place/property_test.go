package place

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"doord/policy/ledger"
)

// After any history of changes, the records that were handed to the log, one change at
// a time, are those that the place as a whole comes to. The place is always valid.
func TestWhatControllersHoldIsWhatThePlaceIs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		defer w.stop()
		h := &history{world: w, t: rt}
		rt.Repeat(map[string]func(*rapid.T){
			"create": h.create, "change": h.change, "delete": h.delete, "lockdown": h.lockdown, "sweep": h.sweep,
			"reopen": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
					live := w.boards.live
					w.stop()
					w.open()
					w.boards.live = live
				}
			},
			"": h.compare,
		})
	})
}

type history struct {
	*world
	t *rapid.T
}

// made are the kinds that come to something in the log, and some that do not.
var made = []*kind{locks, groups, groupLocks, groupLinks, members, roleAssignments, cards, schedules, scheduledUnlocks,
	controllers, relayConnections, inputConnections, readers, zones, alarmRules,
	wirelessLocks, elevators, elevatorStops, groupStops, areas, interlocks}

// some draws a record of a kind, 0 if there is none.
func (h *history) some(t *rapid.T, k *kind) int64 {
	ids := h.state.tables[k.real().n].ids
	if len(ids) == 0 {
		return 0
	}
	return rapid.SampledFrom(slices.Clone(ids)).Draw(t, k.path)
}

func (h *history) create(t *rapid.T) {
	k := made[rapid.IntRange(0, len(made)-1).Draw(t, "kind")]
	body := ""
	switch k {
	case roleAssignments:
		to := f(`"group_id":%d`, h.some(t, groups))
		role := rapid.SampledFrom([]string{"member", "manager", "administrator", "owner"}).Draw(t, "role")
		if rapid.Bool().Draw(t, "place") {
			to = f(`"applies_to":{"type":"place","id":%d}`, h.place)
		}
		body = f(`{"role_assignment":{"member_id":%d,"role_id":%q,%s}}`, h.some(t, members), role, to)
	case cards:
		kind := rapid.SampledFrom([]string{
			`"format":"H10301","facility":1,"card":%d`, `"uid":"0102030%d"`, `"kind":"pin","pin":"1234%d"`, `"kind":"link"`,
			`"kind":"phone","public_key":"036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"`,
		}).Draw(t, "kind of card")
		if bytes.Contains([]byte(kind), []byte("%d")) {
			kind = f(kind, rapid.IntRange(1, 9).Draw(t, "number"))
		}
		member := h.some(t, members)
		if rapid.IntRange(0, 3).Draw(t, "unassigned") == 0 {
			member = 0
		}
		body = f(`{"card":{"place_id":%d,%s,"member_id":%d}}`, h.place, kind, member)
	case groupLocks:
		body = f(`{"group_lock":{"group_id":%d,"lock_id":%d}}`, h.some(t, groups), h.some(t, locks))
	case groupLinks:
		body = f(`{"group_link":{"group_id":%d}}`, h.some(t, groups))
	case zones:
		body = f(`{"zone":{"name":"Z","place_id":%d,"doors":[{"lock_id":%d,"exterior":true}]}}`, h.place, h.some(t, locks))
	case alarmRules:
		body = f(`{"alarm_rule":{"name":"R","place_id":%d,"causes":["tamper"],"lock_ids":[%d]}}`, h.place, h.some(t, locks))
	case relayConnections:
		what := rapid.SampledFrom([]string{f(`"lock_id":%d`, h.some(t, locks)), f(`"type":"elevator_stop","elevator_stop_id":%d`, h.some(t, elevatorStops))}).Draw(t, "what")
		body = f(`{"controller_relay_connection":{"controller_id":%d,"channel":%d,%s}}`, h.some(t, controllers), rapid.IntRange(1, 6).Draw(t, "channel"), what)
	case inputConnections:
		what := rapid.SampledFrom([]string{
			`"type":"tamper"`, f(`"type":"contact_sensor","lock_id":%d`, h.some(t, locks)), f(`"type":"passage","lock_id":%d`, h.some(t, locks)),
			f(`"type":"alarm_panel","zone_id":%d,"signal":"away"`, h.some(t, zones)),
		}).Draw(t, "what")
		body = f(`{"controller_input_connection":{"controller_id":%d,"channel":%d,%s}}`, h.some(t, controllers), rapid.IntRange(1, 6).Draw(t, "channel"), what)
	case readers:
		at := rapid.SampledFrom([]string{f(`"lock_id":%d`, h.some(t, locks)), f(`"elevator_id":%d`, h.some(t, elevators))}).Draw(t, "at")
		body = f(`{"reader":{"controller_id":%d,"port":"osdp:%d",%s}}`, h.some(t, controllers), rapid.IntRange(0, 9).Draw(t, "port"), at)
	case wirelessLocks:
		body = f(`{"wireless_lock":{"name":"W","controller_id":%d,"lock_id":%d,"channel":%d}}`, h.some(t, controllers), h.some(t, locks), rapid.IntRange(1, 3).Draw(t, "channel"))
	case elevators:
		body = f(`{"elevator":{"name":"L","controller_id":%d}}`, h.some(t, controllers))
	case elevatorStops:
		body = f(`{"elevator_stop":{"elevator_id":%d,"floor":{"number":%d}}}`, h.some(t, elevators), rapid.IntRange(1, 3).Draw(t, "floor"))
	case groupStops:
		body = f(`{"group_elevator_stop":{"group_id":%d,"elevator_stop_id":%d}}`, h.some(t, groups), h.some(t, elevatorStops))
	case areas:
		body = f(`{"anti_passback_area":{"name":"A","in_reader_ids":[%d],"out_reader_ids":[%d]}}`, h.some(t, readers), h.some(t, readers))
	case interlocks:
		body = f(`{"interlock":{"name":"I","lock_ids":[%d,%d,%d]}}`, h.some(t, locks), h.some(t, locks), h.some(t, locks))
	default:
		if k != groups && k != locks && k != members && h.some(t, groups) == 0 {
			return
		}
		if h.state.get(groups, h.group) == nil || h.state.get(locks, h.lock) == nil || h.state.get(elevators, h.elevator) == nil {
			return
		}
		body = h.body(k)
	}
	if slices.Contains(bulk, k) && rapid.Bool().Draw(t, "several") {
		var one map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &one); err != nil {
			t.Fatal(err)
		}
		h.sent(h.ask("POST", "/bulk/"+k.path, h.owner, f(`{%q:[%s,%[2]s]}`, k.path, one[k.envelope])), 201, 404, 422)
		return
	}
	h.sent(h.ask("POST", "/"+k.path, h.owner, body), 201, 404, 422)
}

// sweep removes what is over, after a while.
func (h *history) sweep(t *rapid.T) {
	h.clock.add(time.Duration(rapid.IntRange(0, 80).Draw(t, "days")) * 24 * time.Hour)
	if _, err := h.removeExpired(); err != nil {
		t.Fatal(err)
	}
	h.ask("GET", "/places", h.owner, "") // he stays signed in
}

func (h *history) change(t *rapid.T) {
	k := made[rapid.IntRange(0, len(made)-1).Draw(t, "kind")]
	n := h.some(t, k)
	if n == 0 || k == groupLocks || k == scheduledUnlocks {
		return
	}
	field := rapid.SampledFrom([]string{
		`"name":"Other"`, `"valid_until":"2027-01-01T00:00:00Z"`, `"valid_until":"2026-03-10T00:00:00Z"`, `"valid_until":null`, `"access_enabled":false`, `"access_enabled":true`,
		`"link_allowed":true`, `"status":"deactivated"`, `"status":"activated"`, `"enabled":false`, `"link_enabled":false`, `"tap_enabled":false`,
		f(`"member_id":%d`, h.some(t, members)), f(`"group_id":%d`, h.some(t, groups)), f(`"lock_id":%d`, h.some(t, locks)),
		`"role_id":"administrator"`, `"role_id":"owner"`, `"geofence_restriction_enabled":true`, `"duration":5`, `"lock_ids":[]`, `"doors":[]`,
		`"may_escort":true`, `"may_escort":false`, `"escort_required":true`, `"escort_required":false`, `"kind":"turnstile"`, `"kind":"gate"`, `"kind":""`,
		`"direction":"out"`, `"two_person_within":30`, `"source":"panel"`, `"source":""`, `"duress":true`, `"duress":false`, `"mode":"soft"`,
		f(`"elevator_stop_id":%d`, h.some(t, elevatorStops)), f(`"elevator_id":%d`, h.some(t, elevators)), f(`"controller_id":%d`, h.some(t, controllers)),
		f(`"in_reader_ids":[%d]`, h.some(t, readers)), `"zone_id":null`, `"presence_timeout":20`, `"floor":{"number":4}`,
	}).Draw(t, "field")
	h.sent(h.ask("PATCH", f("/%s/%d", k.path, n), h.owner, f(`{%q:{%s}}`, k.envelope, field)), 204, 422, 404)
}

func (h *history) delete(t *rapid.T) {
	k := made[rapid.IntRange(0, len(made)-1).Draw(t, "kind")]
	if n := h.some(t, k); n != 0 {
		h.sent(h.ask("DELETE", f("/%s/%d", k.path, n), h.owner, ""), 204, 422, 404)
	}
}

func (h *history) lockdown(t *rapid.T) {
	names := rapid.Bool().Draw(t, "names")
	h.sent(h.ask("PATCH", f("/places/%d", h.place), h.owner, f(`{"place":{"names_on_controllers":%t}}`, names)), 204)
	if n := h.some(t, locks); n != 0 {
		h.sent(h.ask("POST", f("/locks/%d/lock_down", n), h.owner, ""), 200, 404)
	}
	if n := h.some(t, elevatorStops); n != 0 {
		h.sent(h.ask("POST", f("/elevator_stops/%d/lock_down", n), h.owner, ""), 200, 404)
	}
}

func (h *history) sent(a answer, allowed ...int) {
	h.Helper()
	// The owner may have given the place away.
	if !slices.Contains(append(allowed, 403, 404), a.status) {
		h.t.Fatalf("answered %d: %s", a.status, a.text)
	}
}

func (h *history) compare(t *rapid.T) {
	records := h.Records(h.place)
	if problems := records.Validate(); len(problems) > 0 {
		t.Fatalf("the place is not valid any more: %v", problems)
	}
	want := map[string]string{}
	all, err := ledger.FromRecords(&records, h.fleet.PlaceKey(h.place))
	if err != nil {
		t.Fatal(err)
	}
	for r := range all {
		want[string(rune(r.Table))+string(r.Key)] = string(r.Value)
	}
	got := map[string]string{}
	for key, value := range h.boards.live[h.place] {
		got[key] = string(value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("what controllers hold is not what the place is (- place, + controllers):\n%s", fmt.Sprintf("%.3000s", diff))
	}
}
