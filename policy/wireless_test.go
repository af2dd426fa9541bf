package policy_test

import (
	"strings"
	"testing"
	"time"

	"doord/policy"
)

func wirelessPlace(t *testing.T, change ...string) (policy.Records, error) {
	t.Helper()
	text := `{"place": {"id": 1, "name": "Floor", "time_zone": "UTC"},
  "controllers": [{"id": 1, "name": "A", "device_id": "00d00d00d00d0001"}, {"id": 2, "name": "B", "device_id": "00d00d00d00d0002"}],
  "locks": [{"id": 1, "name": "Office"}, {"id": 2, "name": "Store"}, {"id": 3, "name": "Hall"}],
  "controller_relay_connections": [{"id": 1, "controller_id": 1, "channel": 1, "lock_id": 3, "duration": 5}],
  "wireless_locks": [
    {"id": 1, "name": "One", "lock_id": 1, "controller_id": 1, "channel": 1},
    {"id": 2, "name": "Two", "lock_id": 2, "controller_id": 2, "channel": 1, "presence_distance": 2.5, "presence_timeout": 10}]}`
	for i := 0; i < len(change); i += 2 {
		if !strings.Contains(text, change[i]) {
			t.Fatalf("no %s", change[i])
		}
		text = strings.Replace(text, change[i], change[i+1], 1)
	}
	return policy.ParseRecords([]byte(text))
}

func TestWirelessLocks(t *testing.T) {
	r, err := wirelessPlace(t)
	if err != nil {
		t.Fatal(err)
	}
	set := policy.Compile(&r, 1, "00d00d00d00d0001", time.UTC)
	if len(set.Wireless) != 1 || set.Wireless[0].ID != 1 || set.Wireless[0].Release() != policy.DefaultRelease.Duration() || set.Wireless[0].Presence() {
		t.Errorf("%+v", set.Wireless)
	}
	if w := r.WirelessLocks[1]; !w.Presence() || w.Release() != 10*time.Minute {
		t.Errorf("%+v", w)
	}
	for _, p := range policy.Lint(&r, time.UTC, noon) {
		if strings.Contains(p.Text, "no relay") {
			t.Errorf("%v", p)
		}
	}
	for _, tt := range []struct{ name, old, new, want string }{
		{"no lock", `"lock_id": 1, "controller_id": 1, "channel": 1}`, `"lock_id": 9, "controller_id": 1, "channel": 1}`, "wireless_locks[0].lock_id there is no lock 9"},
		{"no controller", `"controller_id": 1, "channel": 1}`, `"controller_id": 7, "channel": 1}`, "there is no controller 7"},
		{"a channel out of range", `"controller_id": 1, "channel": 1}`, `"controller_id": 1, "channel": 65}`, "65 is outside 1 to 64"},
		{"a channel twice", `"controller_id": 2, "channel": 1`, `"controller_id": 1, "channel": 1`, "channel 1 of controller 1 is that of wireless lock 1 already"},
		{"a lock twice", `"lock_id": 2, "controller_id": 2`, `"lock_id": 1, "controller_id": 2`, "lock 1 is that of wireless lock 1 already"},
		{"a lock with relays", `"lock_id": 1, "controller_id": 1`, `"lock_id": 3, "controller_id": 1`, "it is wireless or wired, not both"},
		{"an id twice", `"id": 2, "name": "Two"`, `"id": 1, "name": "Two"`, "wireless_locks[1].id"},
		{"no name", `"name": "One"`, `"name": ""`, "can't be blank"},
		{"a distance that no key has", `2.5`, `-1`, "presence_distance"},
		{"a timeout beyond all", `"presence_timeout": 10`, `"presence_timeout": 601`, "presence_timeout"},
		{"a release too short", `"channel": 1}`, `"channel": 1, "duration": 0.1}`, "wireless_locks[0].duration"},
		{"a key that is not known", `"channel": 1}`, `"channel": 1, "battery": 3}`, "battery"},
	} {
		if _, err := wirelessPlace(t, tt.old, tt.new); err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), ": ", " "), strings.ReplaceAll(tt.want, ": ", " ")) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
