package pages

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// paths are all that is served, with the ids of a place's things in them.
func (r *rig) paths(h house) (get, post []string) {
	for _, pattern := range r.pages.served {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.TrimPrefix(path, Root)
		kind := regexp.MustCompile(`^/p/\{place\}/(\w+)/`).FindStringSubmatch(path)
		id := h.front
		if kind != nil {
			id = map[string]int64{"groups": h.staff, "members": h.ada, "controllers": h.controller, "zones": h.zone,
				"anti_passback_areas": h.area, "interlocks": h.interlock, "elevators": h.elevator, "elevator_stops": h.stop, "wireless_locks": h.wireless}[kind[1]]
			if id == 0 {
				id = h.front
			}
		}
		path = strings.NewReplacer("{place}", r.place, "{id}", fmt.Sprint(id), "{block}", "0", "{kind}", "locks", "{action}", "lock_down", "{$}", "").Replace(path)
		if method == http.MethodPost {
			post = append(post, path)
		} else if path != "/live" { // it does not end
			get = append(get, path)
		}
	}
	return get, post
}

func TestPagesOfOtherSitesCanDoNothing(t *testing.T) {
	r := newRig(t)
	r.setUp()
	_, posts := r.paths(r.furnish())
	if len(posts) < 40 {
		t.Fatalf("there are only %v", posts)
	}
	before := r.logLength()
	for _, path := range posts {
		for name, header := range map[string][2]string{
			"another site": {"Sec-Fetch-Site", "cross-site"},
			"a sister":     {"Sec-Fetch-Site", "same-site"},
			"an origin":    {"Origin", "https://evil.example.org"},
			"a sandbox":    {"Origin", "null"},
		} {
			p := r.do(http.MethodPost, path, url.Values{"name": {"x"}}, func(q *http.Request) {
				q.Header.Del("Sec-Fetch-Site")
				q.Header.Set(header[0], header[1])
			})
			if p.status != http.StatusForbidden {
				t.Errorf("a form of %s at %s is answered %d", name, path, p.status)
			}
		}
	}
	if after := r.logLength(); after != before {
		t.Errorf("%d things were done", after-before)
	}
}

// logLength is how much has happened at the place.
func (r *rig) logLength() int {
	r.Helper()
	c := client{api: r.service.Handler(), auth: r.owner, remote: "127.0.0.1:1"}
	_, n, err := c.list(r.Context(), "events", q("place_id", r.place))
	if err != nil {
		r.Fatal(err)
	}
	return n
}

func TestEveryAnswerSaysWhatAPageMayDo(t *testing.T) {
	r := newRig(t)
	r.setUp()
	gets, _ := r.paths(r.furnish())
	for _, path := range append(gets, "/assets/app.js", "/assets/style.css", "/nothing") {
		p := r.get(path)
		csp := p.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: the policy is %q", path, csp)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy is %q", path, csp)
		}
		for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if cache := p.header.Get("Cache-Control"); !strings.HasPrefix(path, "/assets") && cache != "no-store" {
			t.Errorf("%s: it may be kept: %q", path, cache)
		}
		if p.status >= 500 {
			t.Errorf("%s: answered %d", path, p.status)
		}
	}
}

func TestNobodyGetsBeyondSigningIn(t *testing.T) {
	r := newRig(t)
	r.setUp()
	gets, posts := r.paths(r.furnish())
	before := r.logLength()
	r.browser = r.newBrowser()
	open := []string{"/sign-in", "/setup", "/invited", "/link", "/", "/link/doors", "/sign-out"}
	for _, path := range gets {
		if p := r.get(path); !slices.Contains(open, path) && !strings.Contains(p.path, "/sign-in") && p.status != http.StatusNotFound {
			t.Errorf("%s is shown: %d %s", path, p.status, p.path)
		}
	}
	for _, path := range posts {
		if p := r.post(path); p.status < 400 && !strings.Contains(p.path, "/sign-in") {
			t.Errorf("%s is done: %d %s", path, p.status, p.path)
		}
	}
	if after := r.logLength(); after != before {
		t.Errorf("%d things were done", after-before)
	}
}

// signInAs makes a member with a password and signs in as him in a new browser.
func (r *rig) signInAs(email, link string) {
	r.Helper()
	r.browser = r.newBrowser()
	_, code, _ := strings.Cut(link, "#")
	r.post("/invited", "code", code, "password", password).see(r, "My doors")
	_ = email
}

func TestAMemberRunsNothing(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	gets, posts := r.paths(h)
	invitation := r.post(fmt.Sprint(r.p, "/members/", h.ada, "/invite")).see(t, "Mailed to ada@example.org")
	r.signInAs("ada@example.org", regexp.MustCompile(`/app/invited#[\w-]+`).FindString(invitation.text))
	before := r.logLength()
	r.get("/").see(t, "Front door")
	for _, path := range gets {
		p := r.get(path)
		if strings.HasPrefix(path, r.p+"/") && strings.Contains(p.text, "Grace") {
			t.Errorf("%s tells of others", path)
		}
	}
	for _, path := range posts {
		if !strings.HasPrefix(path, r.p+"/") || path == r.p+"/read" || strings.HasSuffix(path, "/unlock") {
			continue
		}
		if p := r.post(path, "name", "x", "on", "1", "back", Root+"/you"); p.status < 400 {
			t.Errorf("%s is done: %d %s", path, p.status, p.path)
		}
	}
	if after := r.logLength(); after != before {
		t.Errorf("%d things were done", after-before)
	}
	r.boards.set(func() { delete(r.boards.statuses, h.controller) })
	r.post(fmt.Sprint("/doors/", h.front, "/unlock")).see(t, "The door is offline")
}

// hostile is what somebody would write who wants to run a script in others' pages.
const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}</textarea><!--`

var (
	values   = regexp.MustCompile(`"[^"]*"`)
	scripts  = regexp.MustCompile(`(?i)<script[^>]*>`)
	handlers = regexp.MustCompile(`(?i)<[^>]+\son[a-z]+\s*=`)
	styles   = regexp.MustCompile(`(?i)<[^>]+\sstyle\s*=|<style|javascript:`)
)

// clean fails if a page has a script, a handler or a style that is not a file of ours.
func (p page) clean(t *testing.T, what string) {
	t.Helper()
	for _, tag := range scripts.FindAllString(p.text, -1) {
		if !strings.HasPrefix(tag, `<script type="module" src="/app/assets/`) {
			t.Errorf("%s: %s has %s", what, p.path, tag)
		}
	}
	bare := values.ReplaceAllString(p.text, `""`)
	if found := handlers.FindString(bare); found != "" {
		t.Errorf("%s: %s has %s", what, p.path, found)
	}
	if found := styles.FindString(bare); found != "" {
		t.Errorf("%s: %s has %s", what, p.path, found)
	}
	if strings.Contains(p.text, "<img src=x") || strings.Contains(p.text, "ZgotmplZ") {
		t.Errorf("%s: %s lets it through:\n%s", what, p.path, p.main())
	}
}

func TestWhatPeopleWriteStaysText(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	set := func(kind, envelope string, id int64, fields ...string) {
		o := Object{}
		for _, f := range fields {
			o[f] = hostile
		}
		r.api(http.MethodPatch, fmt.Sprintf("/%s/%d", kind, id), Object{envelope: o})
	}
	set("locks", "lock", h.front, "name", "description")
	set("locks", "lock", h.lab, "name")
	set("groups", "group", h.staff, "name", "description")
	set("members", "member", h.ada, "name")
	set("controllers", "controller", h.controller, "name")
	set("zones", "zone", h.zone, "name")
	set("anti_passback_areas", "anti_passback_area", h.area, "name")
	set("interlocks", "interlock", h.interlock, "name")
	set("elevators", "elevator", h.elevator, "name")
	set("elevator_stops", "elevator_stop", h.stop, "name")
	set("wireless_locks", "wireless_lock", h.wireless, "name", "model")
	place := Object{"id": r.place}.Int("id")
	set("places", "place", place, "name")
	for kind, envelope := range map[string]string{"schedules": "schedule", "cards": "card", "readers": "reader"} {
		c := client{api: r.service.Handler(), auth: r.owner, remote: "127.0.0.1:1"}
		list, err := c.all(t.Context(), kind, q("place_id", r.place))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list {
			set(kind, envelope, o.ID(), "name")
		}
	}
	r.made("group_links", "group_link", Object{"group_id": h.staff, "name": hostile})
	r.made("webhooks", "webhook", Object{"name": hostile, "url": "https://hooks.example.org/?" + url.QueryEscape(hostile), "enabled": false})
	r.boards.set(func() {
		s := r.boards.statuses[h.controller]
		s.Version, s.Faults = hostile, []string{hostile}
		s.Doors[0].Misconfigured = hostile
		s.Inputs[0].Name, s.Inputs[0].Kind, s.Relays[0].Door = hostile, hostile, hostile
		r.boards.statuses[h.controller] = s
	})
	gets, posts := r.paths(h)
	for _, path := range gets {
		sep := "?"
		r.get(path).clean(t, "kept")
		r.get(path+sep+q("q", hostile, "week", hostile, "type", hostile, "door", "1", "back", hostile, "next", hostile, "kind", hostile,
			"member_id", h.ada, "status", "activated", "after", hostile, "name", hostile).Encode()).clean(t, "in an address")
	}
	for _, path := range posts {
		if strings.HasSuffix(path, "/sign-out") || strings.HasSuffix(path, "/delete") || strings.HasSuffix(path, "/end") {
			continue
		}
		form := []string{"back", "https://evil.example.org/" + hostile}
		for _, name := range []string{"name", "description", "email", "device_id", "latitude", "geofence_restriction_radius", "when_clock_unset", "code", "password", "place.name",
			"place.time_zone", "time_zone", "url", "types", "starts_at", "ends_at", "starts_at_time", "ends_at_time", "holidays", "region", "port", "pin", "uid", "format", "card",
			"start", "end", "level", "duration", "lock_id", "member_id", "controller_id", "channel", "current", "new", "role_id", "valid_from", "kind", "direction",
			"two_person_within", "mode", "timeout", "in_reader_ids", "lock_ids", "floor.number", "elevator_id", "elevator_stop_id", "signal", "source", "presence_distance", "model"} {
			form = append(form, name, hostile)
		}
		p := r.post(path, form...)
		p.clean(t, "typed")
		if strings.Contains(p.path, "evil") {
			t.Errorf("%s leads to %s", path, p.path)
		}
	}
}

func TestFormsLeadToOurOwnPagesOnly(t *testing.T) {
	r := newRig(t)
	r.setUp()
	h := r.furnish()
	for _, to := range []string{"https://evil.example.org/", "//evil.example.org/app/", "/\\evil.example.org", "/app/../v1/", "javascript:alert(1)", "/v1/identity",
		"https:/app/", "/app/\r\nSet-Cookie: x=y", "/app/%2e%2e/../x", "\x00", "/app"} {
		q, err := http.NewRequest(http.MethodPost, r.url(fmt.Sprint("/doors/", h.lab, "/unlock")).String(), strings.NewReader(url.Values{"back": {to}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		browser := *r.browser
		browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		a, err := browser.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if got := a.Header.Get("Location"); got != Root+"/" {
			t.Errorf("%q leads to %q", to, got)
		}
		signIn := r.do(http.MethodPost, "/sign-in?next="+url.QueryEscape(to), url.Values{"email": {"owner@example.org"}, "password": {password}})
		if signIn.path != Root+"/" {
			t.Errorf("signing in with %q leads to %q", to, signIn.path)
		}
	}
}

func TestTheLoginIsInACookieThatScriptsCannotRead(t *testing.T) {
	r := newRig(t)
	r.setUp()
	r.browser = r.newBrowser()
	r.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if p := r.post("/sign-in", "email", "owner@example.org", "password", "wrong"); p.status != 422 || p.header.Get("Set-Cookie") != "" ||
		!strings.Contains(p.text, "password is wrong") || strings.Contains(p.text, `value="wrong"`) {
		t.Errorf("a wrong password: %d %q\n%s", p.status, p.header.Get("Set-Cookie"), p.main())
	}
	p := r.post("/sign-in?next=%2Fapp%2Fyou", "email", "owner@example.org", "password", password)
	cookie := p.header.Get("Set-Cookie")
	for _, part := range []string{"__Host-login=", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie is %q", cookie)
		}
	}
	if p.header.Get("Location") != "/app/you" {
		t.Errorf("it leads to %q", p.header.Get("Location"))
	}
	r.get("/you").see(t, "Sign out")
	secret := ""
	for _, c := range r.browser.Jar.Cookies(r.url("/")) {
		secret = c.Value
	}
	r.post("/sign-out")
	c := client{api: r.service.Handler(), auth: "KISI-LOGIN " + secret, remote: "127.0.0.1:1"}
	var refused *Refusal
	if _, _, err := c.list(t.Context(), "locks", q()); !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		t.Errorf("signed out, the login answers %v", err)
	}
}

func TestFormsThatAreTooLargeAreRefused(t *testing.T) {
	r := newRig(t)
	r.setUp()
	if p := r.post(r.p+"/groups/new", "name", strings.Repeat("x", maxForm)); p.status < 400 {
		t.Errorf("answered %d", p.status)
	}
}
