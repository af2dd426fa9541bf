package place

import (
	"fmt"
	"strings"
	"testing"
)

func TestWhoIsToldIsWhoWantsItAndMaySeeIt(t *testing.T) {
	w := newWorld(t)
	people := map[string]int64{}
	for _, m := range w.ask("GET", "/members", w.owner, "").list() {
		people[m["name"].(string)] = id(m, "id")
	}
	for _, name := range []string{"Mia", "Max", "Ada"} {
		w.made("/notification_settings", `{"notification_setting":{"member_id":%d,"mail":["forced_open","two_factor_required"]}}`, people[name])
	}
	names := func(topic Topic, event string) string {
		var list []string
		for _, r := range w.Recipients(w.place, topic, []byte(event)) {
			list = append(list, r.Name)
		}
		return strings.Join(list, " ")
	}
	other := w.made("/locks", `{"lock":{"name":"Vault","place_id":%d}}`, w.place)
	forced := `{"type":"lock.forced_open","object_type":"lock","object_id":%d}`
	for name, c := range map[string]struct {
		topic       Topic
		event, want string
	}{
		"the group's door":      {TopicForcedOpen, fmt.Sprintf(forced, w.lock), "Max Ada"},
		"another door":          {TopicForcedOpen, fmt.Sprintf(forced, other), "Ada"},
		"what nobody asked for": {TopicHeldOpen, fmt.Sprintf(forced, w.lock), ""},
		"one's own phone":       {TopicTwoFactor, fmt.Sprintf(`{"object_type":"lock","object_id":%d,"actor_type":"member","actor_id":%d}`, w.lock, people["Mia"]), "Mia Max Ada"},
		"another's phone":       {TopicTwoFactor, fmt.Sprintf(`{"object_type":"lock","object_id":%d,"actor_type":"member","actor_id":%d}`, w.lock, people["Max"]), "Max Ada"},
		"what is no event":      {TopicForcedOpen, `[]`, ""},
	} {
		if got := names(c.topic, c.event); got != c.want {
			t.Errorf("%s: %q are told, not %q", name, got, c.want)
		}
	}
	if got := string(w.Named(w.place, fmt.Appendf(nil, forced, w.lock))); !strings.Contains(got, `"object_name":"Front"`) {
		t.Errorf("named it is %s", got)
	}
}

func TestTopicsAreKnownAndGivenOnce(t *testing.T) {
	w := newWorld(t)
	asMember := w.who[2].authorization
	mia := id(w.ask("GET", "/members", asMember, "").list()[0], "id")
	for body, status := range map[string]int{
		`"mail":["thunder"]`:                  422,
		`"page":["held_open","held_open"]`:    422,
		`"page":[],"mail":["zone_violation"]`: 201,
	} {
		w.ok(status, "POST", "/notification_settings", asMember, f(`{"notification_setting":{"member_id":%d,`, mia)+body+`}}`)
	}
	w.ok(422, "POST", "/notification_settings", asMember, f(`{"notification_setting":{"member_id":%d}}`, mia)) // he has some
	w.ok(403, "POST", "/notification_settings", asMember, f(`{"notification_setting":{"member_id":%d}}`, w.member))
}

func TestAControllersAbsenceIsAnEvent(t *testing.T) {
	w := newWorld(t)
	if err := w.NoteController(w.place, w.controller, ControllerOffline); err != nil {
		t.Fatal(err)
	}
	list := w.ask("GET", f("/events?place_id=%d&type=controller.offline", w.place), w.owner, "").list()
	if len(list) != 1 || list[0]["object_name"] != "Board" {
		t.Errorf("the events are %v", list)
	}
	if err := w.NoteController(w.place, 999999, ControllerOffline); err != nil {
		t.Errorf("of a controller that is gone: %v", err)
	}
}
