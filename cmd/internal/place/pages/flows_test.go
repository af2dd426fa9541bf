package pages

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"doord/policy"
)

var (
	inputTag    = regexp.MustCompile(`<input\s[^>]*>`)
	selectTag   = regexp.MustCompile(`(?s)<select\s[^>]*name="([^"]*)"[^>]*>(.*?)</select>`)
	optionTag   = regexp.MustCompile(`<option value="([^"]*)"( selected)?`)
	textareaTag = regexp.MustCompile(`(?s)<textarea\s[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>`)
	attribute   = regexp.MustCompile(`(\w+)="([^"]*)"`)
	formTag     = regexp.MustCompile(`(?s)<form method="post" class="stack">(.*?)</form>`)
)

// form is what a browser would send of a page's form if nobody touched it.
func (p page) form(t *testing.T) url.Values {
	t.Helper()
	m := formTag.FindStringSubmatch(p.text)
	if m == nil {
		t.Fatalf("%s has no form", p.path)
	}
	values := url.Values{}
	for _, tag := range inputTag.FindAllString(m[1], -1) {
		a := map[string]string{}
		for _, x := range attribute.FindAllStringSubmatch(tag, -1) {
			a[x[1]] = html.UnescapeString(x[2])
		}
		if a["type"] != "checkbox" || strings.Contains(tag, " checked") {
			values.Add(a["name"], a["value"])
		}
	}
	for _, s := range selectTag.FindAllStringSubmatch(m[1], -1) {
		options := optionTag.FindAllStringSubmatch(s[2], -1)
		chosen := ""
		for i, o := range options {
			if i == 0 || o[2] != "" {
				chosen = html.UnescapeString(o[1])
			}
		}
		values.Add(s[1], chosen)
	}
	for _, a := range textareaTag.FindAllStringSubmatch(m[1], -1) {
		values.Add(a[1], html.UnescapeString(a[2]))
	}
	return values
}

func TestSavingAFormUntouchedChangesNothing(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	r.made("group_links", "group_link", Object{"group_id": h.staff, "name": "Courier", "valid_until": "2031-03-01T10:00:00Z"})
	r.made("webhooks", "webhook", Object{"name": "ERP", "url": "https://hooks.example.org/", "enabled": false, "types": []string{"lock.unlock", "lock.opened"}})
	r.made("cards", "card", Object{"member_id": h.ada, "kind": "pin", "pin": "2468"})
	r.made("schedules", "schedule", Object{"name": "Holidays", "override": true, "consequence": "unlock", "scheduleable": Object{"type": "Lock", "id": h.front},
		"holidays": []Object{{"date": "2030-12-25", "name": "Christmas"}, {"date": "2031-01-01", "name": "New Year"}}})
	r.made("schedules", "schedule", Object{"name": "Fair", "consequence": "unlock", "scheduleable": Object{"type": "Lock", "id": h.front},
		"starts_at_date": "2030-05-01", "ends_at_date": "2030-05-03"})
	c := client{api: r.service.Handler(), auth: r.owner, remote: "127.0.0.1:1"}
	for _, e := range editors {
		kinds := q("place_id", r.place)
		list, err := c.all(t.Context(), e.kind, kinds)
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %d, %v", e.kind, len(list), err)
		}
		for _, before := range list {
			path := fmt.Sprintf("%s/%s/%d/edit", r.p, e.kind, before.ID())
			p := r.do(http.MethodPost, path, r.get(path).see(t).form(t))
			if p.status >= 400 || strings.HasSuffix(p.path, "/edit") {
				t.Errorf("%s is refused: %d\n%s", path, p.status, p.main())
				continue
			}
			after, err := c.get(t.Context(), e.kind, before.ID())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range []Object{before, after} {
				delete(o, "updated_at")
				delete(o, "last_seen_at")
			}
			if fmt.Sprint(before) != fmt.Sprint(after) {
				t.Errorf("%s\nwas %v\nis  %v", path, before, after)
			}
		}
	}
	path := fmt.Sprint(r.p, "/zones/", h.zone, "/blocks/0")
	before := r.api(http.MethodGet, fmt.Sprint("/zones/", h.zone), nil)
	r.do(http.MethodPost, path, r.get(path).form(t)).see(t, "Saved")
	if after := r.api(http.MethodGet, fmt.Sprint("/zones/", h.zone), nil); fmt.Sprint(before["blocks"]) != fmt.Sprint(after["blocks"]) {
		t.Errorf("the hours were %v and are %v", before["blocks"], after["blocks"])
	}
}

func TestAFormThatIsRefusedComesBackWithWhatWasTyped(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	p := r.post(fmt.Sprint(r.p, "/locks/", h.front, "/edit"), "name", " ", "description", "kept & typed", "geofence_restriction_radius", "far", "when_clock_unset", "deny", "when_policy_stale", "admit", "on_fire", "stay")
	if p.status != http.StatusUnprocessableEntity {
		t.Fatalf("answered %d", p.status)
	}
	p.status = 200
	p.see(t, "kept &amp; typed", `value="far"`, "How near: must be a number", `href="#f-geofence_restriction_radius"`, `aria-invalid="true"`)
}

func TestAPressSaysWhyTheDoorStaysShut(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	unlock := func(form url.Values) page {
		return r.do(http.MethodPost, fmt.Sprint("/doors/", h.lab, "/unlock"), form)
	}
	for _, reason := range policy.Reasons() {
		r.boards.set(func() { r.boards.deny[h.lab] = reason })
		unlock(url.Values{}).see(t, html.EscapeString(sentence(reasonWords(string(reason)))))
	}
	r.boards.set(func() { r.boards.deny[h.lab] = policy.NotAtReader })
	unlock(url.Values{}).see(t, `id="code-`+fmt.Sprint(h.lab))
	unlock(url.Values{"code": {"abcd-2345 "}}).see(t, "Unlocked.")
	r.boards.set(func() { r.boards.deny[h.lab] = policy.LocationUnknown })
	unlock(url.Values{"latitude": {"53.5"}, "longitude": {"10"}, "accuracy": {"12"}, "age": {"3"}}).see(t, "Unlocked.")
	last := r.boards.asked[len(r.boards.asked)-1]
	if last.Location == nil || last.Location.Latitude != 53.5 || last.Location.Accuracy != 12 || last.Location.Age != 3 {
		t.Errorf("the controller was told %+v", last.Location)
	}
}

func TestAMailThatDoesNotGoOutIsSaid(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	link := fmt.Sprint(r.p, "/group_links/new?group_id=", h.staff)
	r.post(link, "name", "Courier", "email", "courier@example.org").see(t, "Mailed to courier@example.org")
	if last := r.mails.last(); last.to != "courier@example.org" || !strings.Contains(last.text, "/app/link#") {
		t.Errorf("mailed %+v", last)
	}
	r.mails.fail = errors.New("the server is down")
	r.post(link, "name", "Courier 2", "email", "courier@example.org").see(t, "could not be sent", "/app/link#")
	r.post(link, "name", "Nobody's").see(t, "/app/link#")
}

func TestPagesAreToldThatSomethingChanged(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url("/live?place="+r.place).String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.browser.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	lines := bufio.NewScanner(a.Body)
	next := func(want string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == want {
				return
			}
		}
		t.Fatalf("%q did not come: %v", want, lines.Err())
	}
	next("retry: 3000")
	r.api(http.MethodPatch, fmt.Sprint("/locks/", h.front), Object{"lock": Object{"name": "Main door"}})
	next("event: change")
	r.watch.Close()
	for lines.Scan() {
		if lines.Text() != "" && lines.Text() != "data:" && lines.Text() != "event: change" {
			t.Errorf("after the end comes %q", lines.Text())
		}
	}
	if r.get("/live?place=999").status != http.StatusNotFound {
		t.Error("of another place something is told")
	}
}

func TestWhatHappenedWaitsUntilItIsRead(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	place := Object{"id": r.place}.Int("id")
	if err := r.service.NoteController(place, h.controller, "controller.offline"); err != nil {
		t.Fatal(err)
	}
	r.get(r.p+"/doors").see(t, "Since you last looked", "Cabinet in the basement is offline", `class="banner alarm"`)
	member := regexp.MustCompile(`page-(\d+)`).FindStringSubmatch(r.get("/you").text)[1]
	r.post("/you/notifications", "page-"+member, "forced_open", "mail-"+member, "held_open").see(t, "Saved")
	p := r.get(r.p+"/doors").see(t, "Since you last looked", "is offline")
	if strings.Contains(p.text, `class="banner alarm"`) {
		t.Error("what is off is told at once")
	}
	r.post(r.p+"/read").see(t, "All read")
	if p := r.get(r.p + "/doors"); strings.Contains(p.text, "Since you last looked") {
		t.Error("what was read waits still")
	}
	settings := r.get("/you").text
	if strings.Count(settings, " checked") != 2 {
		t.Errorf("the settings are\n%s", settings)
	}
}
