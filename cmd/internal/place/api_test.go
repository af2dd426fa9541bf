package place

import (
	"fmt"
	"testing"
)

func TestEveryKindIsMadeReadChangedAndDeleted(t *testing.T) {
	r := newRig(t)
	for _, c := range samples(r) {
		t.Run(c.path, func(t *testing.T) {
			r := *r
			r.TB = t
			made := r.ok(201, "POST", c.path, r.owner, c.body)
			one := fmt.Sprintf("%s/%d", c.path, id(made, "id"))
			if got := r.ok(200, "GET", one, r.owner, ""); got["resource_type"] == "" || id(got, "id") != id(made, "id") {
				t.Errorf("read %v", got)
			}
			query := ""
			if c.path == "/group_locks" || c.path == "/group_elevator_stops" {
				query = f("?group_id=%d", id(made, "group_id"))
			}
			if list := r.ask("GET", c.path+query, r.owner, ""); list.status != 200 || len(list.list()) == 0 {
				t.Errorf("listed %d %s", list.status, list.text)
			}
			if c.change != "" {
				r.ok(204, "PATCH", one, r.owner, c.change)
				r.ok(204, "PUT", one, r.owner, c.change)
			}
			if c.path == "/places" {
				return // it would be another place's
			}
			r.ok(204, "DELETE", one, r.owner, "")
			r.ok(404, "GET", one, r.owner, "")
		})
	}
}

func f(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// sample is a record of a kind to be made, and a change to it.
type sample struct{ path, body, change string }

// samples are of every kind that can be made.
func samples(r *rig) []sample {
	lock := r.made("/locks", `{"lock":{"name":"Front","place_id":%d}}`, r.place)
	controller := r.made("/controllers", `{"controller":{"name":"Board","device_id":"FFEEDDCC00112233","place_id":%d}}`, r.place)
	group := r.made("/groups", `{"group":{"name":"Staff","place_id":%d}}`, r.place)
	member := r.made("/members", `{"member":{"name":"Ann","email":"ann@example.org","place_id":%d}}`, r.place)
	lift := r.made("/elevators", `{"elevator":{"name":"Lift","place_id":%d,"controller_id":%d}}`, r.place, controller)
	other := r.made("/locks", `{"lock":{"name":"Inner","place_id":%d}}`, r.place)
	reader := r.made("/readers", `{"reader":{"controller_id":%d,"port":"osdp:9","lock_id":%d}}`, controller, lock)
	stop := r.made("/elevator_stops", `{"elevator_stop":{"name":"Ground","elevator_id":%d}}`, lift)
	return []sample{
		{"/places", `{"place":{"name":"Annex","time_zone":"Europe/Paris"}}`, `{"place":{"name":"Annexe"}}`},
		{"/locks", f(`{"lock":{"name":"Back","place_id":%d}}`, r.place), `{"lock":{"description":"at the back"}}`},
		{"/controllers", f(`{"controller":{"name":"Second","device_id":"0011223344556677","place_id":%d}}`, r.place), `{"controller":{"name":"2nd"}}`},
		{"/controller_relay_connections", f(`{"controller_relay_connection":{"controller_id":%d,"channel":1,"lock_id":%d}}`, controller, lock), `{"controller_relay_connection":{"duration":7.5}}`},
		{"/controller_input_connections", f(`{"controller_input_connection":{"controller_id":%d,"channel":1,"type":"contact_sensor","lock_id":%d}}`, controller, lock), `{"controller_input_connection":{"debounce":50}}`},
		{"/readers", f(`{"reader":{"controller_id":%d,"port":"osdp:3","lock_id":%d}}`, controller, lock), `{"reader":{"pin_mode":"pin_only"}}`},
		{"/controller_wiegand_connections", f(`{"controller_wiegand_connection":{"controller_id":%d,"channel":2,"lock_id":%d}}`, controller, lock), `{"controller_wiegand_connection":{"channel":3}}`},
		{"/groups", f(`{"group":{"name":"Guests","place_id":%d}}`, r.place), `{"group":{"login_enabled":false}}`},
		{"/group_locks", f(`{"group_lock":{"group_id":%d,"lock_id":%d}}`, group, lock), ""},
		{"/group_links", f(`{"group_link":{"group_id":%d,"name":"Courier","email":"c@example.org"}}`, group), `{"group_link":{"link_enabled":false}}`},
		{"/members", f(`{"member":{"name":"Bob","place_id":%d}}`, r.place), `{"member":{"access_enabled":false}}`},
		{"/role_assignments", f(`{"role_assignment":{"user_id":%d,"group_id":%d,"role_id":"member"}}`, member, group), `{"role_assignment":{"valid_until":"2027-01-01T00:00:00Z"}}`},
		{"/cards", f(`{"card":{"member_id":%d,"format":"H10301","facility":12,"card":3456}}`, member), `{"card":{"status":"deactivated"}}`},
		{"/schedules", f(`{"schedule":{"name":"Office","consequence":"allow","scheduleable":{"type":"Group","id":%d},"monday":true,"starts_at_time":"08:00","ends_at_time":"18:00"}}`, group), `{"schedule":{"enabled":false}}`},
		{"/scheduled_unlocks", f(`{"scheduled_unlock":{"name":"Open day","lock_id":%d,"starts_at":"2026-05-01T08:00:00Z","ends_at":"2026-05-01T18:00:00Z"}}`, lock), `{"scheduled_unlock":{"name":"Open house"}}`},
		{"/zones", f(`{"zone":{"name":"Ground","place_id":%d,"doors":[{"lock_id":%d,"exterior":true}],"blocks":[{"weekdays":["monday"],"start":"20:00","end":"06:00","level":"away"}]}}`, r.place, lock), `{"zone":{"name":"Ground floor"}}`},
		{"/alarm_rules", f(`{"alarm_rule":{"name":"Forced","place_id":%d,"causes":["forced_open"],"lock_ids":[%d]}}`, r.place, lock), `{"alarm_rule":{"buzzer":true}}`},
		{"/wireless_locks", f(`{"wireless_lock":{"name":"Cylinder","controller_id":%d,"lock_id":%d,"model":"X1","channel":4}}`, controller, other), `{"wireless_lock":{"presence_distance":3}}`},
		{"/elevators", f(`{"elevator":{"name":"Goods lift","controller_id":%d}}`, controller), `{"elevator":{"name":"Freight"}}`},
		{"/elevator_stops", f(`{"elevator_stop":{"name":"1st floor","elevator_id":%d,"floor":{"number":1}}}`, lift), `{"elevator_stop":{"floor":{"number":2}}}`},
		{"/group_elevator_stops", f(`{"group_elevator_stop":{"group_id":%d,"elevator_stop_id":%d}}`, group, stop), ""},
		{"/anti_passback_areas", f(`{"anti_passback_area":{"name":"Vault","in_reader_ids":[%d]}}`, reader), `{"anti_passback_area":{"mode":"soft","timeout":3600}}`},
		{"/interlocks", f(`{"interlock":{"name":"Man-trap","lock_ids":[%d,%d]}}`, lock, other), `{"interlock":{"name":"Airlock"}}`},
		{"/access_keys", f(`{"access_key":{"name":"ERP","member_id":%d}}`, member), ""},
		{"/webhooks", f(`{"webhook":{"name":"SIEM","url":"https://hooks.example.org/x","types":["lock.unlock"],"place_id":%d}}`, r.place), `{"webhook":{"enabled":false}}`},
	}
}
