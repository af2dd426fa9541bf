package policy_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"doord/policy"
)

// office is the policy of the golden traces: it has a record of every kind.
func office(t testing.TB) []byte {
	data, err := os.ReadFile("../sim/testdata/office.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// beyond are records that the office has none of.
const beyond = `, "anti_passback_areas": [
  {"id": 1, "name": "Hall", "in_reader_ids": [1], "out_reader_ids": [3]},
  {"id": 2, "name": "Vault", "in_reader_ids": [4], "out_reader_ids": [5], "timeout": 600},
  {"id": 3, "name": "Laboratory", "mode": "soft", "in_reader_ids": [2], "timeout": 60}],
  "interlocks": [{"id": 1, "name": "Trap", "lock_ids": [1, 2]}],
  "elevators": [{"id": 1, "name": "Lift", "controller_id": 1}],
  "elevator_stops": [{"id": 3, "elevator_id": 1, "floor": {"number": 1}}, {"id": 4, "elevator_id": 1, "floor": {"number": 2}}],
  "group_elevator_stops": [{"id": 1, "group_id": 1, "elevator_stop_id": 3}]`

func TestParseRecordsNamesEveryFaultWithItsPath(t *testing.T) {
	for _, c := range []struct {
		name      string
		old, new  string // in the text of the office
		path, say string
	}{
		{"a kind of record that there is not", `"locks":`, `"doors":`, "doors", "no such kind of record"},
		{"a field that there is not", `"name": "Front door"`, `"nom": "Front door"`, "locks[0]", "unknown field"},
		{"also where there are no defaults", `"model"`, `"modell"`, "controllers[0]", "unknown field"},
		{"a value of the wrong type", `"duration": 5}`, `"duration": "5s"}`, "controller_relay_connections[0]", "cannot unmarshal"},
		{"an id that is given twice", `{"id": 2, "name": "Laboratory"`, `{"id": 1, "name": "Laboratory"`, "locks[1].id", "given twice"},
		{"an id that is not positive", `{"id": 7, "name": "Ada"`, `{"id": -7, "name": "Ada"`, "members[0].id", "positive"},
		{"a name that is blank", `"name": "Front door"`, `"name": " "`, "locks[0].name", "blank"},
		{"a device that is two controllers", `"controllers": [`, `"controllers": [{"id": 2, "device_id": "00d00d00d00d0001"}, `, "controllers[1].device_id", "controller 2 already"},
		{"a device id that is none", `"device_id": "00d00d00d00d0001"`, `"device_id": "door"`, "controllers[0].device_id", "16 hex digits"},
		{"a place without a zone", `"time_zone": "Europe/Berlin"`, `"time_zone": ""`, "place.time_zone", "IANA"},
		{"a latitude off the globe", `"latitude": 52.5`, `"latitude": 91`, "place.latitude", "-90 to 90"},
		{"a fence that is too wide", `"geofence_restriction_radius": 100`, `"geofence_restriction_radius": 1e9`, "locks[2].geofence_restriction_radius", "100000"},
		{"a rule that there is not", `"when_clock_unset": "allow"`, `"when_clock_unset": "maybe"`, "locks[2].when_clock_unset", "deny, allow"},
		{"a relay that is used twice", `"channel": 2, "lock_id": 2, "duration"`, `"channel": 1, "lock_id": 2, "duration"`, "controller_relay_connections[1].channel", "relay 1 of controller 1 is used by controller_relay_connections[0]"},
		{"a relay that there is not", `"channel": 5, "type": "siren"`, `"channel": 6, "type": "siren"`, "controller_relay_connections[4].channel", "1 to 5"},
		{"a relay of no lock", `"channel": 4, "lock_id": 4, "duration"`, `"channel": 4, "lock_id": 44, "duration"`, "controller_relay_connections[3].lock_id", "no lock 44"},
		{"a release that is too long", `"channel": 4, "lock_id": 4, "duration": 5`, `"channel": 4, "lock_id": 4, "duration": 601`, "controller_relay_connections[3].duration", "0.5 to 600"},
		{"a siren for nothing", `"zone_id": 1, "alarm_rule_id": 1}`, `"zone_id": 0}`, "controller_relay_connections[4].zone_id", "what the siren is for"},
		{"a siren of no zone", `"zone_id": 1, "alarm_rule_id": 1}`, `"zone_id": 3}`, "controller_relay_connections[4].zone_id", "no zone 3"},
		{"a siren of no rule", `"zone_id": 1, "alarm_rule_id": 1}`, `"alarm_rule_id": 9}`, "controller_relay_connections[4].alarm_rule_id", "no alarm rule 9"},
		{"an input that is used twice", `"channel": 3, "type": "request_to_exit"`, `"channel": 2, "type": "request_to_exit"`, "controller_input_connections[2].channel", "input 2 of controller 1 is used"},
		{"a held-open time that is too short", `"channel": 5, "type": "contact_sensor", "lock_id": 1, "duration": 30`, `"channel": 5, "type": "contact_sensor", "lock_id": 1, "duration": 2`, "controller_input_connections[3].duration", "3 to 600"},
		{"a warning after the alarm", `"channel": 5, "type": "contact_sensor", "lock_id": 1, "duration": 30`, `"channel": 5, "type": "contact_sensor", "lock_id": 1, "duration": 30, "pre_alarm": 30`, "controller_input_connections[3].pre_alarm", "shorter"},
		{"an action that there is not", `"action": "last_to_leave"`, `"action": "leave"`, "controller_input_connections[0].action", "last_to_leave"},
		{"a port that is used twice", `"port": "wiegand:2"`, `"port": "wiegand:1"`, "readers[1].port", "wiegand:1 of controller 1 is used"},
		{"a port that there is not", `"port": "wiegand:2"`, `"port": "wiegand:5"`, "readers[1].port", "wiegand:1 to wiegand:4"},
		{"a group lock of no group", `"group_id": 3, "lock_id": 1`, `"group_id": 33, "lock_id": 1`, "group_locks[5].group_id", "no group 33"},
		{"an assignment of no member", `{"id": 1, "member_id": 7, "applies_to"`, `{"id": 1, "member_id": 77, "applies_to"`, "role_assignments[0].member_id", "no member 77"},
		{"an assignment to another place", `{"type": "place", "id": 1}`, `{"type": "place", "id": 2}`, "role_assignments[4].applies_to.id", "the place is 1"},
		{"dates that end before they begin", `"valid_until": "2026-03-03T12:00:00+01:00"`, `"valid_until": "2026-03-01T12:00:00+01:00"`, "credentials[4].valid_until", "after valid_from"},
		{"the same card of two members", `"card": 1604`, `"card": 1603`, "credentials[1].id", "belongs to credentials[0] already"},
		{"the same secret of two links", `"secret_sha256": "b4dc66dde806261bdda8607d8707aa727d308cd80272381a5583f63899918467"`, `"secret_sha256": "41EF4BB0B23661E66301AAC36066912DAC037827B4AE63A7B1165A5AA93ED4EB"`, "group_links[1].id", "belongs to group_links[0] already"},
		{"a UID that is too short", `"04a1b2c3d4e5f6"`, `"04a1b2"`, "credentials[2].kind", "4 to 10 bytes"},
		{"a key that is no point of the curve", `"public_key": "0281`, `"public_key": "0581`, "credentials[3].kind", "P-256"},
		{"a second key that is none", `"unlocked_public_key": "03`, `"unlocked_public_key": "05`, "credentials[3].unlocked_public_key", "P-256"},
		{"a schedule of no lock", `"scheduleable": {"type": "Lock", "id": 2},`, `"scheduleable": {"type": "Lock", "id": 22},`, "schedules[2].scheduleable.id", "no lock 22"},
		{"a schedule that has no event", `"starts_at": "2026-03-02T09:00:00Z", "ends_at": "2026-03-02T09:30:00Z"`, `"name": "Nothing"`, "schedules[5].starts_at", "must be given"},
		{"a zone of no lock", `{"lock_id": 1, "exterior": true}`, `{"lock_id": 11, "exterior": true}`, "zones[0].doors[0].lock_id", "no lock 11"},
		{"a door that is in a zone twice", `{"lock_id": 1, "exterior": true}, {"lock_id": 2}`, `{"lock_id": 2, "exterior": true}, {"lock_id": 2}`, "zones[0].doors[1].lock_id", "in zone 1 already"},
		{"a day that there is not", `"weekdays": ["friday"]`, `"weekdays": ["frday"]`, "zones[0].blocks[1].weekdays", "monday"},
		{"no day at all", `"weekdays": ["friday"]`, `"weekdays": []`, "zones[0].blocks[1].weekdays", "at least one day"},
		{"a level that no block has", `"level": "away", "override_on_access": "stay"`, `"level": "disarmed", "override_on_access": "stay"`, "zones[0].blocks[2].level", "stay, away"},
		{"an override that is too long", `"override_duration": 600`, `"override_duration": 90000`, "zones[0].blocks[2].override_duration", "86400"},
		{"a cause that there is not", `"causes": ["held_open"]`, `"causes": ["noise"]`, "alarm_rules[2].causes", "forced_open"},
		{"an alarm of no lock", `"lock_ids": [2]`, `"lock_ids": [22]`, "alarm_rules[2].lock_ids", "no lock 22"},
		{"an area without a way in", `"in_reader_ids": [1]`, `"in_reader_ids": []`, "anti_passback_areas[0].in_reader_ids", "at least one"},
		{"an area of no reader", `"in_reader_ids": [1]`, `"in_reader_ids": [11]`, "anti_passback_areas[0].in_reader_ids", "no reader 11"},
		{"a reader into two areas", `"in_reader_ids": [1]`, `"in_reader_ids": [1, 4]`, "anti_passback_areas[1].in_reader_ids", "named by area 1 already"},
		{"a reader into an area and out of it", `"in_reader_ids": [1], "out_reader_ids": [3]`, `"in_reader_ids": [1], "out_reader_ids": [1]`, "anti_passback_areas[0].out_reader_ids", "into the area and out of it"},
		{"a mode that there is not", `"mode": "soft"`, `"mode": "mild"`, "anti_passback_areas[2].mode", "hard, soft"},
		{"whereabouts that are known for too long", `"timeout": 600`, `"timeout": 1e6`, "anti_passback_areas[1].timeout", "604800"},
		{"an interlock of one door", `"lock_ids": [1, 2]`, `"lock_ids": [1]`, "interlocks[0].lock_ids", "two locks"},
		{"an interlock of no lock", `"lock_ids": [1, 2]`, `"lock_ids": [1, 22]`, "interlocks[0].lock_ids", "no lock 22"},
		{"an interlock of a door with itself", `"lock_ids": [1, 2]`, `"lock_ids": [1, 1]`, "interlocks[0].lock_ids", "given twice"},
		{"an interlock on two controllers", `{"id": 2, "controller_id": 1, "channel": 2,`, `{"id": 2, "controller_id": 2, "channel": 2,`, "interlocks[0].lock_ids", "neither sees"},
		{"a second person who has no time", `{"id": 4, "name": "Vault",`, `{"id": 4, "name": "Vault", "two_person_within": 2,`, "locks[3].two_person_within", "3 to 120"},
		{"an escort who is long gone", `{"id": 4, "name": "Vault",`, `{"id": 4, "name": "Vault", "escort_within": 900,`, "locks[3].escort_within", "3 to 300"},
		{"an escort who needs one", `{"id": 8, "name": "Grace"}`, `{"id": 8, "name": "Grace", "may_escort": true, "escort_required": true}`, "members[1].escort_required", "may escort"},
		{"a card that calls for help", `"facility": 118, "card": 1603}`, `"facility": 118, "card": 1603, "duress": true}`, "credentials[0].duress", "for a PIN"},
		{"a call for help that beeps", `"causes": ["tamper", "alarm_panel"]`, `"causes": ["tamper", "duress"]`, "alarm_rules[1].buzzer", "nothing at the door"},
		{"a kind of lock that there is not", `{"id": 4, "name": "Vault",`, `{"id": 4, "name": "Vault", "kind": "hatch",`, "locks[3].kind", "turnstile, gate"},
		{"a door that turns", `{"id": 4, "name": "Vault",`, `{"id": 4, "name": "Vault", "direction": "in",`, "locks[3].direction", "for a turnstile"},
		{"a reader at the wrong side of a turnstile", `{"id": 4, "name": "Vault",`, `{"id": 4, "name": "Vault", "kind": "turnstile", "direction": "in",`, "readers[4].direction", "only turns in"},
		{"a loop in a door", `"channel": 12, "type": "alarm_panel"`, `"channel": 12, "type": "loop", "lock_id": 1`, "controller_input_connections[7].type", "for a gate"},
		{"a passage of no lock", `"channel": 12, "type": "alarm_panel"`, `"channel": 12, "type": "passage"`, "controller_input_connections[7].lock_id", "no lock 0"},
		{"a stop of no elevator", `{"id": 3, "elevator_id": 1`, `{"id": 3, "elevator_id": 11`, "elevator_stops[0].elevator_id", "no elevator 11"},
		{"two stops at a floor", `"floor": {"number": 2}`, `"floor": {"number": 1}`, "elevator_stops[1].floor", "floor 1 already"},
		{"an elevator on no controller", `"name": "Lift", "controller_id": 1`, `"name": "Lift", "controller_id": 7`, "elevators[0].controller_id", "no controller 7"},
		{"a group at no stop", `"elevator_stop_id": 3}]`, `"elevator_stop_id": 33}]`, "group_elevator_stops[0].elevator_stop_id", "no elevator stop 33"},
		{"a relay of no stop", `"channel": 5, "type": "siren"`, `"channel": 5, "type": "elevator_stop", "elevator_stop_id": 33`, "controller_relay_connections[4].elevator_stop_id", "no elevator stop 33"},
		{"a reader at a door and in a car", `"port": "wiegand:1", "lock_id": 1`, `"port": "wiegand:1", "elevator_id": 1, "lock_id": 1`, "readers[0].lock_id", "in a car"},
		{"a reader that leads out of a car", `"port": "wiegand:4", "lock_id": 4`, `"port": "wiegand:4", "elevator_id": 1`, "readers[4].direction", "in a car"},
		{"a reader in no car", `"port": "wiegand:4", "lock_id": 4`, `"port": "wiegand:4", "elevator_id": 11`, "readers[4].elevator_id", "no elevator 11"},
		{"a schedule of no stop", `"scheduleable": {"type": "Lock", "id": 2},`, `"scheduleable": {"type": "ElevatorStop", "id": 22},`, "schedules[2].scheduleable.id", "no elevator stop 22"},
		{"an alarm that lasts too long", `"duration": 60}`, `"duration": 7200}`, "alarm_rules[0].duration", "3600"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(string(office(t)), `"device_id"`, `"model": "four", "device_id"`, 1)
			text = strings.TrimSuffix(strings.TrimSpace(text), "}") + beyond + "}"
			if !strings.Contains(text, c.old) {
				t.Fatalf("the office has no %s", c.old)
			}
			_, err := policy.ParseRecords([]byte(strings.Replace(text, c.old, c.new, 1)))
			var problems policy.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v", err)
			}
			if !slices.ContainsFunc(problems, func(p policy.Problem) bool { return p.Path == c.path && strings.Contains(p.Text, c.say) }) {
				t.Errorf("want %s: …%s…; got\n%v", c.path, c.say, err)
			}
		})
	}
}

func TestParseRecordsTellsWhereTheTextIsBroken(t *testing.T) {
	_, err := policy.ParseRecords([]byte("{\n  \"place\": {,}\n}"))
	if err == nil || !strings.Contains(err.Error(), "line 2, column 13") {
		t.Errorf("got %v", err)
	}
}

func TestDefaultsOfTheRecords(t *testing.T) {
	r, err := policy.ParseRecords(office(t))
	if err != nil {
		t.Fatal(err)
	}
	l, x, g := r.Locks[0], r.Readers[0], r.Groups[0]
	if !l.Configured || l.GeofenceRadius != 300 || l.WhenClockUnset != policy.ClockDeny || l.WhenPolicyStale != policy.StaleAdmit || l.OnFire != policy.FireStay {
		t.Errorf("lock %+v", l)
	}
	if !x.Cards || !x.Tap || x.Direction != policy.In || x.PIN != policy.PINNone || !x.Buzzer || !x.HeldOpen {
		t.Errorf("reader %+v", x)
	}
	if !g.Login || !r.Members[0].AccessEnabled || r.Credentials[0].Status != policy.Activated {
		t.Errorf("group %+v", g)
	}
	if b := r.Zones[0].Blocks[0]; b.OnAccess != policy.OnAccessNone || b.OverrideDuration != policy.DefaultOverride {
		t.Errorf("block %+v", b)
	}
}

// Controllers do not tell each other who went where.
func TestAnAreaIsOnOneController(t *testing.T) {
	p := open()
	p.records.Controllers = append(p.records.Controllers, policy.Controller{ID: 2, DeviceID: "00d00d00d00d0002"})
	p.records.Readers = append(p.records.Readers, policy.Reader{ID: 2, ControllerID: 2, Port: "osdp:1", LockID: 1, Direction: policy.Out, PIN: policy.PINNone})
	p.area(policy.AreaHard)
	if problems := p.records.Validate(); len(problems) != 0 {
		t.Fatal(problems)
	}
	p.records.Areas[0].OutOf = []int64{2}
	if problems := p.records.Validate(); len(problems) != 1 || !strings.Contains(problems[0].Text, "do not tell each other") {
		t.Errorf("got %v", problems)
	}
}

// An alarm panel's zone is by itself, and all of it on one controller.
func TestZonesOfAnAlarmPanel(t *testing.T) {
	shop, err := os.ReadFile("../sim/testdata/shop.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, path, say string }{
		{"beside a zone of its own hours", `"zones": [`, `"zones": [{"id": 2, "name": "Native"}, `, "zones[1].source", "zone 2 has hours of its own"},
		{"with hours of its own", `"source": "panel",`, `"source": "panel", "blocks": [{"weekdays": ["monday"], "start": "01:00", "end": "02:00", "level": "stay"}],`, "zones[0].blocks", "nothing for a zone"},
		{"that no panel arms", `"source": "panel", "override_on_access": "disarm"`, `"source": "bell"`, "zones[0].source", "panel"},
		{"that access puts to stay", `"override_on_access": "disarm"`, `"override_on_access": "stay"`, "zones[0].override_on_access", "none, disarm"},
		{"without a key switch", `"type": "key_switch", "zone_id": 1, "duration": 1`, `"type": "siren", "zone_id": 1`, "zones[0].override_on_access", "key switch"},
		{"with a key that is held", `"type": "key_switch", "zone_id": 1, "duration": 1`, `"type": "key_switch", "zone_id": 1, "duration": 60`, "controller_relay_connections[4].duration", "0.5 to 10"},
		{"of another zone's key", `"type": "key_switch", "zone_id": 1,`, `"type": "key_switch", "zone_id": 9,`, "controller_relay_connections[4].zone_id", "no zone 9"},
		{"with two inputs for one signal", `"signal": "stay"`, `"signal": "away"`, "zones[0].source", "two inputs"},
		{"with a signal that there is not", `"signal": "stay"`, `"signal": "asleep"`, "controller_input_connections[9].signal", "away, stay"},
		{"with its panel elsewhere", `{"id": 9, "controller_id": 1, "channel": 9,`, `{"id": 9, "controller_id": 2, "channel": 9,`, "zones[0].source", "only one sees the panel"},
	} {
		if !strings.Contains(string(shop), c.old) {
			t.Fatalf("%s: the shop has no %s", c.name, c.old)
		}
		_, err := policy.ParseRecords([]byte(strings.Replace(string(shop), c.old, c.new, 1)))
		var problems policy.Problems
		if !errors.As(err, &problems) || !slices.ContainsFunc(problems, func(p policy.Problem) bool { return p.Path == c.path && strings.Contains(p.Text, c.say) }) {
			t.Errorf("%s: want %s: …%s…; got\n%v", c.name, c.path, c.say, err)
		}
	}
}

// What parses is valid, compiles, and re-encodes to what parses to the same.
func FuzzParseRecords(f *testing.F) {
	f.Add(office(f))
	if small, err := os.ReadFile("../sim/testdata/place.json"); err == nil {
		f.Add(small)
	}
	f.Add([]byte(strings.TrimSuffix(strings.TrimSpace(string(office(f))), "}") + beyond + "}"))
	f.Add([]byte(`{"place":{"id":1,"time_zone":"UTC"},"locks":[null],"zones":[{"id":1,"blocks":[{}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := policy.ParseRecords(data)
		if err != nil {
			return
		}
		if problems := r.Validate(); len(problems) > 0 {
			t.Fatalf("parsed, and is not valid: %v", problems)
		}
		policy.Compile(&r, 1, "00d00d00d00d0001", time.UTC)
		policy.Lint(&r, time.UTC, noon)
		once, err := json.Marshal(&r)
		if err != nil {
			t.Fatalf("does not encode: %v", err)
		}
		again, err := policy.ParseRecords(once)
		if err != nil {
			t.Fatalf("does not parse again: %v\n%s", err, once)
		}
		if twice, err := json.Marshal(&again); err != nil || string(twice) != string(once) {
			t.Fatalf("encodes differently, %v:\n%s\n%s", err, once, twice)
		}
	})
}
