package pages

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"doord/policy"
)

func TestTheFormsOfRulesElevatorsAndWirelessLocksSave(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	id := func(n int64) string { return fmt.Sprint(n) }
	c := client{api: r.service.Handler(), auth: r.owner, remote: "127.0.0.1:1"}
	last := func(kind string) Object {
		t.Helper()
		list, err := c.all(t.Context(), kind, q("place_id", r.place))
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %v %v", kind, list, err)
		}
		o := list[0]
		for _, x := range list {
			if x.ID() > o.ID() {
				o = x
			}
		}
		return o
	}
	reader := fmt.Sprint(last("readers")["id"])
	shed := r.made("locks", "lock", Object{"name": "Second shed"})

	r.post(r.p+"/anti_passback_areas/new", "name", "Vault", "mode", "hard", "timeout", "60", "in_reader_ids", reader).see(t, "Made.", "Vault", "Car, North lift (in)")
	r.post(r.p+"/interlocks/new", "name", "Lock-in", "lock_ids", id(h.front), "lock_ids", id(h.lab)).see(t, "Made.", "Lock-in", "Front door, Laboratory")
	r.post(r.p+"/elevators/new", "name", "South lift", "controller_id", id(h.controller)).see(t, "Made.", "South lift")
	south := last("elevators").ID()
	r.post(fmt.Sprint(r.p, "/elevator_stops/new?elevator_id=", south), "elevator_id", id(south), "floor.number", "3").see(t, "Made.", "Floor 3")
	third := last("elevator_stops")
	if third.Int("elevator_id") != south || third.In("floor").Int("number") != 3 {
		t.Errorf("made %v", third)
	}
	r.post(r.p+"/wireless_locks/new", "name", "Knob", "lock_id", id(shed), "controller_id", id(h.controller), "channel", "8").see(t, "Made.", "Wireless lock Knob", "Not known yet")
	r.post(r.p+"/readers/new?elevator_id="+id(south), "name", "Car 2", "controller_id", id(h.controller), "port", "osdp:9", "elevator_id", id(south), "direction", "in", "pin_mode", "none").see(t, "Made.")

	r.post(fmt.Sprint(r.p, "/locks/", shed, "/edit"), "name", "Second shed", "kind", "turnstile", "direction", "out", "two_person_within", "15", "escort_within", "40",
		"geofence_restriction_radius", "300", "when_clock_unset", "deny", "when_policy_stale", "admit", "on_fire", "stay").see(t, "Saved.", "A turnstile that turns out only", "the second within 15 s", "within 40 s")
	r.post(fmt.Sprint(r.p, "/members/", h.ada, "/edit"), "name", "Ada", "access_enabled", "on", "may_escort", "on").see(t, "Saved.", "may escort")
	r.post(fmt.Sprint(r.p, "/cards/new?kind=pin&format=&member_id=", h.ada), "pin", "8642", "duress", "on", "status", "activated").see(t, "Made.", "for use under duress")

	r.post(fmt.Sprint(r.p, "/groups/", h.guests, "/stops"), "elevator_stop_id", id(third.ID())).see(t, "Saved.", "South lift: Floor 3")
	link := regexp.MustCompile(`/out/group_elevator_stops/\d+`).FindString(r.get(fmt.Sprint(r.p, "/groups/", h.guests)).text)
	r.post(r.p+link, "back", Root+r.p+"/groups/"+id(h.guests)).see(t, "Saved.", "It may choose no stop yet.")

	r.post(fmt.Sprint(r.p, "/do/elevator_stops/", h.stop, "/lock_down"), "back", Root+r.p+"/elevators/"+id(h.elevator)).see(t, "Nobody can choose this stop.", "End the lockdown")
	r.post(fmt.Sprint(r.p, "/do/elevator_stops/", h.stop, "/cancel_lockdown"), "back", Root+r.p+"/elevators/"+id(h.elevator)).see(t, "The lockdown is over.")

	area := fmt.Sprint(r.p, "/anti_passback_areas/", h.area)
	r.post(area+"/forgive", "member_id", id(h.ada)).see(t, "Forgiven")
	r.post(area+"/forgive").see(t, "Forgiven")
	if p := r.post(area+"/forgive", "member_id", "999999"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("forgiving nobody is answered %d", p.status)
	}
	for _, e := range []*editor{areaEditor, interlockEditor, wirelessEditor, stopEditor, elevatorEditor} {
		o := last(e.kind)
		r.post(fmt.Sprintf("%s/%s/%d/delete", r.p, e.kind, o.ID())).see(t, "Deleted.")
		if after := last(e.kind); after.ID() == o.ID() {
			t.Errorf("%s is still there: %v", e.kind, after)
		}
	}
}

func TestWhatIsWrongWithARuleStandsAtItsField(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	id := func(n int64) string { return fmt.Sprint(n) }
	for path, c := range map[string]struct {
		field string
		form  []string
	}{
		"/interlocks/new":          {"lock_ids", []string{"name", "Alone", "lock_ids", id(h.front)}},
		"/anti_passback_areas/new": {"in_reader_ids", []string{"name", "Nowhere", "mode", "hard"}},
		"/elevators/new":           {"controller_id", []string{"name", "Lift"}},
		"/elevator_stops/new":      {"floor.number", []string{"elevator_id", id(h.elevator), "floor.number", "9"}},
		"/wireless_locks/new":      {"lock_id", []string{"name", "Knob", "controller_id", id(h.controller), "channel", "8", "lock_id", id(h.front)}},
		"/locks/new": {"direction", []string{"name", "Door", "direction", "in", "geofence_restriction_radius", "300", "when_clock_unset", "deny",
			"when_policy_stale", "admit", "on_fire", "stay"}},
		"/members/new": {"escort_required", []string{"name", "Both", "access_enabled", "on", "escort_required", "on", "may_escort", "on"}},
	} {
		p := r.post(r.p+path, c.form...)
		if p.status != http.StatusUnprocessableEntity || !strings.Contains(p.text, `href="#f-`+c.field+`"`) || !strings.Contains(p.text, `class="wrong"`) {
			t.Errorf("%s is answered %d, without a mistake at %s:\n%s", path, p.status, c.field, p.main())
		}
	}
}

func TestAZoneThatAnAlarmPanelArms(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	zone := fmt.Sprint(r.p, "/zones/", h.zone)
	if p := r.post(zone+"/edit", "name", "House", "source", "panel"); p.status != http.StatusUnprocessableEntity || !strings.Contains(p.text, "are nothing for a zone that a panel arms") {
		t.Errorf("with hours it is answered %d:\n%s", p.status, p.main())
	}
	r.post(zone+"/blocks/0/delete").see(t, "Saved.")
	p := r.post(zone+"/edit", "name", "House", "source", "panel").see(t, "Saved.", "By an alarm panel", "Add an input")
	if strings.Contains(p.main(), "/override") || strings.Contains(p.main(), "/blocks/") {
		t.Errorf("it can be armed from here:\n%s", p.main())
	}
	board := r.made("controllers", "controller", Object{"name": "Attic", "device_id": "00a1b2c3d4e5f608"})
	attic := fmt.Sprint(board)
	r.post(r.p+"/controller_input_connections/new?type=alarm_panel", "controller_id", attic, "channel", "9", "zone_id", fmt.Sprint(h.zone), "signal", "away").see(t, "Made.", "alarm panel, away")
	r.post(r.p+"/controller_relay_connections/new?type=key_switch", "controller_id", attic, "channel", "2", "zone_id", fmt.Sprint(h.zone), "duration", "1").see(t, "Made.", "key switch, 1 s")
	r.get(zone+"/edit").see(t, "When somebody who may comes in")
}

func TestARelayOfAnElevatorStop(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	attic := r.made("controllers", "controller", Object{"name": "Attic", "device_id": "00a1b2c3d4e5f608"})
	lift := r.made("elevators", "elevator", Object{"name": "South lift", "controller_id": attic})
	stop := r.made("elevator_stops", "elevator_stop", Object{"elevator_id": lift, "floor": Object{"number": 2}})
	path := fmt.Sprint(r.p, "/controller_relay_connections/new?type=elevator_stop&controller_id=", attic, "&elevator_stop_id=", stop)
	r.get(path).see(t, fmt.Sprintf(`value="%d" selected>South lift: Floor 2`, stop))
	r.post(path, "controller_id", fmt.Sprint(attic), "channel", "1", "elevator_stop_id", fmt.Sprint(stop), "duration", "5").see(t, "Made.", "elevator stop, 5 s")
	if p := r.post(path, "controller_id", fmt.Sprint(attic), "channel", "2", "elevator_stop_id", fmt.Sprint(h.stop), "duration", "5"); !strings.Contains(p.text, `href="#f-elevator_stop_id"`) {
		t.Errorf("a second relay of a stop is answered %d:\n%s", p.status, p.main())
	}
}

func TestEveryEventOfAControllerHasWords(t *testing.T) {
	named := regexp.MustCompile(`(?m)^\s+\w+\s+EventType = "([a-z_.]+)"`)
	for _, file := range []string{"event.go", "wireless.go"} {
		source, err := os.ReadFile("../../../../policy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		all := named.FindAllSubmatch(source, -1)
		if len(all) < 8 {
			t.Fatalf("%s names only %d", file, len(all))
		}
		for _, m := range all {
			if eventTexts[policy.EventType(m[1])] == "" {
				t.Errorf("%s has no words", m[1])
			}
		}
	}
}
