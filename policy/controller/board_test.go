package controller_test

import (
	"testing"
	"time"

	"doord/policy"
	"doord/policy/controller"
)

// The doors, inputs and readers of the test's board, by index.
const (
	front, lab, vault = 0, 1, 2

	frontREX, labREX, frontContact, labContact, fireInput, box, panel = 0, 1, 2, 3, 4, 5, 6

	frontIn, labIn, vaultIn, vaultOut = 0, 1, 2, 3
)

// board has a strike, a maglock, and a strike with readers on both sides and
// nothing else to leave by.
func board() controller.Board {
	rex := func(name string, channel, door int) controller.Line {
		return controller.Line{Name: name, Channel: channel, Kind: policy.InputREX, Doors: []int{door}, Releases: true, For: 4 * time.Second}
	}
	return controller.Board{
		DeviceID: "00d00d00d00d0001",
		Doors: []controller.Door{{Name: "front", Relays: []int{1}}, {Name: "lab", Relays: []int{2}, Magnetic: true, FailSafe: true},
			{Name: "vault", Relays: []int{3}}},
		Inputs: []controller.Line{rex("front-rex", 1, front), rex("lab-rex", 2, lab),
			{Name: "front-contact", Channel: 5, Kind: policy.InputContact, Doors: []int{front}},
			{Name: "lab-contact", Channel: 6, Kind: policy.InputContact, Doors: []int{lab}},
			{Name: "fire", Channel: 14, Kind: policy.InputFire}, {Name: "box", Channel: 13, Kind: policy.InputTamperS},
			{Name: "panel", Channel: 12, Kind: policy.InputPanel}},
		Readers: []controller.Port{{Name: "front", Port: "wiegand:1", Door: front}, {Name: "lab", Port: "wiegand:2", Door: lab},
			{Name: "vault-in", Port: "wiegand:3", Door: vault}, {Name: "vault-out", Port: "wiegand:4", Door: vault}},
		Secret: []byte("secret"),
	}
}

// place is a place with everything that a controller steps: schedules, a zone,
// alarm rules.
const place = `{
  "place": {"id": 1, "name": "Place", "time_zone": "UTC"},
  "controllers": [{"id": 1, "name": "Board", "device_id": "00d00d00d00d0001"}],
  "locks": [{"id": 1, "name": "Front"}, {"id": 2, "name": "Lab", "when_clock_unset": "allow"}, {"id": 3, "name": "Vault"}],
  "controller_relay_connections": [
    {"id": 1, "controller_id": 1, "channel": 1, "lock_id": 1, "duration": 5}, {"id": 2, "controller_id": 1, "channel": 2, "lock_id": 2, "duration": 6},
    {"id": 3, "controller_id": 1, "channel": 3, "lock_id": 3, "duration": 7},
    {"id": 4, "controller_id": 1, "channel": 5, "type": "siren", "zone_id": 1, "alarm_rule_id": 1}],
  "controller_input_connections": [
    {"id": 1, "controller_id": 1, "channel": 1, "type": "request_to_exit", "lock_id": 1, "duration": 5, "action": "last_to_leave"},
    {"id": 2, "controller_id": 1, "channel": 5, "type": "contact_sensor", "lock_id": 1, "duration": 20, "pre_alarm": 8},
    {"id": 3, "controller_id": 1, "channel": 6, "type": "contact_sensor", "lock_id": 2, "duration": 30}],
  "readers": [
    {"id": 1, "controller_id": 1, "port": "wiegand:1", "lock_id": 1, "tamper_enabled": true},
    {"id": 2, "controller_id": 1, "port": "wiegand:2", "lock_id": 2, "pin_mode": "card_and_pin"},
    {"id": 3, "controller_id": 1, "port": "wiegand:3", "lock_id": 3}, {"id": 4, "controller_id": 1, "port": "wiegand:4", "lock_id": 3, "direction": "out"}],
  "groups": [{"id": 1, "name": "Staff"}],
  "group_locks": [{"group_id": 1, "lock_id": 1}, {"group_id": 1, "lock_id": 2}, {"group_id": 1, "lock_id": 3}],
  "schedules": [
    {"id": 1, "name": "Open", "enabled": true, "consequence": "unlock", "scheduleable": {"type": "Lock", "id": 1}, "monday": true, "starts_at_time": "08:01", "ends_at_time": "08:10"},
    {"id": 2, "name": "First", "enabled": true, "consequence": "first_to_arrive", "scheduleable": {"type": "Lock", "id": 1}, "monday": true, "starts_at_time": "07:50", "ends_at_time": "08:10"},
    {"id": 3, "name": "Lab", "enabled": true, "consequence": "unlock", "scheduleable": {"type": "Lock", "id": 2}, "monday": true, "starts_at_time": "08:02", "ends_at_time": "08:04"}],
  "zones": [{"id": 1, "name": "Zone", "doors": [{"lock_id": 1, "exterior": true}, {"lock_id": 2}], "blocks": [
    {"weekdays": ["monday"], "start": "08:03", "end": "08:06", "level": "away", "override_on_access": "disarm", "override_duration": 60},
    {"weekdays": ["monday"], "start": "08:06", "end": "08:08", "level": "stay"}]}],
  "alarm_rules": [{"id": 1, "name": "Burglar", "causes": ["forced_open", "zone_violation", "tamper"], "duration": 30}, {"id": 2, "name": "Open", "causes": ["held_open", "alarm_panel"], "buzzer": true, "duration": 10}],
  "anti_passback_areas": [{"id": 1, "name": "Vault", "in_reader_ids": [3], "out_reader_ids": [4], "timeout": 40}, {"id": 2, "name": "Front", "mode": "soft", "in_reader_ids": [1]}],
  "interlocks": [{"id": 1, "name": "Trap", "lock_ids": [1, 2]}]
}`

// policies are the place's, and one that locks it down.
func policies(t testing.TB) (open, down *policy.Set) {
	r, err := policy.ParseRecords([]byte(place))
	if err != nil {
		t.Fatal(err)
	}
	open = policy.Compile(&r, 1, "00d00d00d00d0001", time.UTC)
	r.Place.LockedDown = true
	return open, policy.Compile(&r, 2, "00d00d00d00d0001", time.UTC)
}

// holder is whoever presents something; his PIN has the same holder.
func holder() *policy.Holder {
	return &policy.Holder{Credential: 1, Kind: policy.KindCard, Status: policy.Activated, Member: 7, AccessEnabled: true,
		Groups: []policy.Membership{{Group: 1}}}
}

// eight is Monday 8:00, when the monotonic clock shows an hour.
func eight(after time.Duration) policy.Now {
	return policy.Now{Up: time.Hour, Wall: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), WallSet: true}.At(time.Hour + after)
}
