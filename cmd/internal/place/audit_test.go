package place

import (
	"strings"
	"testing"
)

// Events go to webhooks and to people who may not see what they are about.
func TestEventsTellNoCardsAndNobodysAddress(t *testing.T) {
	r := newRig(t)
	card := r.made("/cards", `{"card":{"place_id":%d,"name":"Spare","format":"H10301","facility":118,"card":16031}}`, r.place)
	r.ok(204, "PATCH", f("/cards/%d", card), r.owner, `{"card":{"name":"Other"}}`)
	r.ok(204, "DELETE", f("/cards/%d", card), r.owner, "")
	r.made("/cards", `{"card":{"place_id":%d,"uid":"a1b2c3d4"}}`, r.place)
	group := r.made("/groups", `{"group":{"name":"Visitors","place_id":%d}}`, r.place)
	r.made("/group_links", `{"group_link":{"group_id":%d,"name":"Jane","email":"jane@example.org"}}`, group)
	a := r.ask("GET", f("/events?place_id=%d", r.place), r.owner, "")
	for _, secret := range []string{"16031", "a1b2c3d4", "A1B2C3D4", "jane@example.org", "Jane"} {
		if strings.Contains(string(a.text), secret) {
			t.Errorf("%s is among the events: %s", secret, a.text)
		}
	}
	if !strings.Contains(string(a.text), `"object_name":"Visitors"`) {
		t.Errorf("the group has no name: %s", a.text)
	}
}
