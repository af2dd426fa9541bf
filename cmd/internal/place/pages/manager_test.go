package pages

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestAManagerLooksAfterHisGroupAndSeesNothingElse(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	visitors := r.made("members", "member", Object{"name": "Mary Visitor", "email": "mary@example.org", "link_allowed": true})
	r.made("role_assignments", "role_assignment", Object{"role_id": "member", "member_id": visitors, "applies_to": Object{"type": "group", "id": h.guests}})
	max := r.made("members", "member", Object{"name": "Max Manager", "email": "max@example.org"})
	r.made("role_assignments", "role_assignment", Object{"role_id": "manager", "member_id": max, "applies_to": Object{"type": "group", "id": h.guests}})
	invitation := r.post(fmt.Sprint(r.p, "/members/", max, "/invite")).see(t, "max@example.org")
	r.signInAs("max@example.org", regexp.MustCompile(`/app/invited#[\w-]+`).FindString(invitation.text))

	r.get("/manage").see(t, "Front door")
	for path, texts := range map[string][2]string{
		"/doors":     {"Front door", "Laboratory"},
		"/groups":    {"Guests", "Staff"},
		"/members":   {"Mary Visitor", "Ada Lovelace"},
		"/schedules": {"Visiting hours", "Laboratory hours"},
		"/events":    {"Events", "Grace"},
	} {
		p := r.get(r.p+path).see(t, texts[0])
		if strings.Contains(p.main(), texts[1]) {
			t.Errorf("%s shows %s", path, texts[1])
		}
		for _, only := range []string{"/locks/new", "/groups/new", "/members/new", "/controllers\"", "/zones\"", "/lock_down"} {
			if strings.Contains(p.text, only) {
				t.Errorf("%s leads to %s, which is not his", path, only)
			}
		}
	}
	group := fmt.Sprint(r.p, "/groups/", h.guests)
	r.get(group).see(t, "Mary Visitor", "New link")
	r.get(fmt.Sprint(r.p, "/doors/", h.front)).see(t, "Unlocked by schedule")
	r.post(fmt.Sprint(r.p, "/group_links/new?group_id=", h.guests), "name", "Courier", "email", "courier@example.org").see(t, "Mailed to courier@example.org")
	r.post(fmt.Sprint(r.p, "/members/", visitors, "/link")).see(t, "Mailed to mary@example.org")
	if p := r.get(fmt.Sprint(r.p, "/groups/", h.staff)); p.status != http.StatusForbidden && p.status != http.StatusNotFound {
		t.Errorf("another group is shown: %d", p.status)
	}
	if p := r.post(fmt.Sprint(r.p, "/group_links/new?group_id=", h.staff), "name", "Courier"); p.status < 400 {
		t.Errorf("another group's link was made: %d", p.status)
	}
}
