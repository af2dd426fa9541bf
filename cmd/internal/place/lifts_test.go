package place

import (
	"slices"
	"testing"

	"doord/policy"
	"doord/store/cloudsync"
)

// An elevator is made by the API, to the relay of its stop, the group that may choose
// it and the hours in which anybody may. What it is like its controller tells.
func TestAnElevatorStop(t *testing.T) {
	w := newWorld(t)
	stop := w.made("/elevator_stops", `{"elevator_stop":{"name":"Roof","elevator_id":%d,"floor":{"number":9}}}`, w.elevator)
	one := f("/elevator_stops/%d", stop)
	w.made("/controller_relay_connections", `{"controller_relay_connection":{"controller_id":%d,"channel":1,"type":"elevator_stop","elevator_stop_id":%d}}`, w.controller, stop)
	w.made("/group_elevator_stops", `{"group_elevator_stop":{"group_id":%d,"elevator_stop_id":%d}}`, w.group, stop)
	w.made("/schedules", `{"schedule":{"name":"Open","elevator_stop_id":%d,"monday":true,"starts_at_time":"08:00","ends_at_time":"18:00"}}`, stop)
	w.made("/readers", `{"reader":{"controller_id":%d,"port":"osdp:7","elevator_id":%d}}`, w.controller, w.elevator)
	r := w.Records(w.place)
	if len(r.Elevators) != 1 || len(r.ElevatorStops) != 1 || len(r.GroupStops) != 1 || r.Schedules[0].Consequence != "permit" || r.Readers[0].ElevatorID != w.elevator {
		t.Errorf("%+v", r)
	}
	if g := w.ok(200, "GET", f("/groups/%d", w.group), w.owner, ""); g["elevator_stops_count"] != 1.0 {
		t.Errorf("%v", g)
	}
	is := func(permitted, scheduled, lockedDown any) {
		t.Helper()
		if x := w.ok(200, "GET", one, w.owner, ""); x["permitted"] != permitted || x["on_scheduled_permit"] != scheduled || x["locked_down"] != lockedDown {
			t.Errorf("%v", x)
		}
	}
	is(nil, nil, false)
	w.boards.statuses[w.controller] = cloudsync.Status{Stops: []cloudsync.StopStatus{{StopID: stop, Permitted: true, OnSchedule: true}}}
	is(true, true, false)
	w.ok(200, "POST", one+"/lock_down", w.owner, "")
	is(true, true, true)
	if !w.Records(w.place).ElevatorStops[0].LockedDown {
		t.Error("controllers do not know of the lockdown")
	}
	w.ok(200, "POST", one+"/cancel_lockdown", w.owner, "")
	is(true, true, false)
	w.ok(200, "POST", f("/places/%d/lock_down", w.place), w.owner, "")
	is(true, true, true)
	w.ok(204, "DELETE", f("/elevators/%d", w.elevator), w.owner, "")
	r = w.Records(w.place)
	if len(r.ElevatorStops)+len(r.GroupStops)+len(r.Schedules)+len(r.Readers) != 0 || len(r.RelayConnections) != 1 {
		t.Errorf("without the elevator there is left %+v", r)
	}
}

func TestAWirelessLockIsWhatItsGatewayTells(t *testing.T) {
	w := newWorld(t)
	door := w.door()
	lock := w.made("/wireless_locks", `{"wireless_lock":{"name":"Cylinder","controller_id":%d,"lock_id":%d,"channel":7}}`, w.controller, door)
	is := func(online, lossOfRF, unlocked, battery any) {
		t.Helper()
		x := w.ok(200, "GET", f("/wireless_locks/%d", lock), w.owner, "")
		if x["online"] != online || x["loss_of_rf"] != lossOfRF || x["unlocked"] != unlocked || x["battery_level"] != battery {
			t.Errorf("%v", x)
		}
	}
	is(nil, nil, nil, nil)
	tell := func(s cloudsync.WirelessStatus) {
		s.LockID, s.Channel = door, 7
		w.boards.statuses[w.controller] = cloudsync.Status{Wireless: []cloudsync.WirelessStatus{{Channel: 6}, s}, Doors: []cloudsync.DoorStatus{{LockID: door, Unlocked: s.Unlocked}}}
	}
	online := func(want any) {
		t.Helper()
		if x := w.ok(200, "GET", f("/locks/%d", door), w.owner, ""); x["online"] != want {
			t.Errorf("the door is online: %v", x["online"])
		}
	}
	tell(cloudsync.WirelessStatus{Online: true, Unlocked: true, Battery: new(80)})
	is(true, false, true, 80.0)
	online(true)
	tell(cloudsync.WirelessStatus{LossOfRF: true})
	is(false, true, nil, nil)
	online(false)
	delete(w.boards.statuses, w.controller)
	online(false)
}

// An area's controller forgets whom it is told to.
func TestForgiving(t *testing.T) {
	w := newWorld(t)
	mia := w.memberOf(w.who[2])
	reader := w.made("/readers", `{"reader":{"controller_id":%d,"port":"osdp:7","lock_id":%d}}`, w.controller, w.lock)
	area := w.made("/anti_passback_areas", `{"anti_passback_area":{"name":"Vault","in_reader_ids":[%d]}}`, reader)
	var asked []cloudsync.Forgive
	w.boards.do = func(controller int64, action cloudsync.Action, _, object int64, body any) (cloudsync.Result, error) {
		if controller != w.controller || action != cloudsync.ActionForgive || object != area {
			t.Errorf("%s of %d at controller %d", action, object, controller)
		}
		asked = append(asked, body.(cloudsync.Forgive))
		return cloudsync.Result{Done: true}, nil
	}
	w.ok(200, "POST", f("/anti_passback_areas/%d/forgive", area), w.owner, `{"member_id":%d}`, mia)
	w.ok(200, "POST", f("/anti_passback_areas/%d/forgive", area), w.owner, "")
	by := cloudsync.By{Member: w.member}
	if want := []cloudsync.Forgive{{By: by, Whom: mia}, {By: by}}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v, not %v", asked, want)
	}
	if list := w.ask("GET", f("/events?place_id=%d&type=anti_passback_area.forgive", w.place), w.owner, "").list(); len(list) != 2 {
		t.Errorf("told %v", list)
	}
	w.boards.do = nil
	w.ok(503, "POST", f("/anti_passback_areas/%d/forgive", area), w.owner, "")
	w.ok(204, "DELETE", f("/readers/%d", reader), w.owner, "")
	w.ok(404, "GET", f("/anti_passback_areas/%d", area), w.owner, "")
}

// A zone is armed by an alarm panel once it has inputs of the panel; it is not armed
// from here then.
func TestAZoneThatAPanelArms(t *testing.T) {
	w := newWorld(t)
	zone := w.made("/zones", `{"zone":{"name":"House","place_id":%d,"source":"panel","doors":[{"lock_id":%d,"exterior":true}]}}`, w.place, w.lock)
	one := f("/zones/%d", zone)
	w.ok(422, "PATCH", one, w.owner, `{"zone":{"override_on_access":"disarm"}}`)
	input := w.made("/controller_input_connections", `{"controller_input_connection":{"controller_id":%d,"channel":9,"type":"alarm_panel","zone_id":%d,"signal":"away"}}`, w.controller, zone)
	key := w.made("/controller_relay_connections", `{"controller_relay_connection":{"controller_id":%d,"channel":4,"type":"key_switch","zone_id":%d,"duration":1}}`, w.controller, zone)
	w.ok(204, "PATCH", one, w.owner, `{"zone":{"override_on_access":"disarm"}}`)
	w.ok(409, "POST", one+"/override", w.owner, `{"level":"disarmed"}`)
	w.ok(422, "DELETE", f("/controller_relay_connections/%d", key), w.owner, "")
	w.ok(204, "DELETE", one, w.owner, "")
	r := w.Records(w.place)
	if x := w.ok(200, "GET", f("/controller_input_connections/%d", input), w.owner, ""); x["signal"] != nil || r.InputConnections[0].Type != policy.InputPanel {
		t.Errorf("%v", x)
	}
}

// A man-trap without its second door holds nobody.
func TestAnInterlockThatLosesADoor(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.door(), w.door(), w.door()
	trap := w.made("/interlocks", `{"interlock":{"name":"Trap","lock_ids":[%d,%d,%d]}}`, a, b, c)
	w.ok(204, "DELETE", f("/locks/%d", a), w.owner, "")
	if x := w.ok(200, "GET", f("/interlocks/%d", trap), w.owner, ""); len(x["lock_ids"].([]any)) != 2 {
		t.Errorf("%v", x)
	}
	w.ok(204, "DELETE", f("/locks/%d", b), w.owner, "")
	w.ok(404, "GET", f("/interlocks/%d", trap), w.owner, "")
}
