package pages

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"doord/cmd/internal/place"
	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/storage"
	"doord/policy"
	"doord/store/cloudsync"
)

// boards is a fleet whose controllers are what the test says.
type boards struct {
	*fleet.Fleet
	mu       sync.Mutex
	statuses map[int64]cloudsync.Status
	deny     map[int64]policy.Reason // by door
	asked    []cloudsync.Unlock
}

func (b *boards) Do(_ context.Context, controller int64, action cloudsync.Action, lock, _ int64, body any) (cloudsync.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, online := b.statuses[controller]
	if !online {
		return cloudsync.Result{}, fleet.ErrOffline
	}
	if action != cloudsync.ActionUnlock {
		return cloudsync.Result{Done: true}, nil
	}
	ask, _ := body.(cloudsync.Unlock)
	b.asked = append(b.asked, ask)
	reason := b.deny[lock]
	switch {
	case reason == policy.LocationUnknown && ask.Location != nil, reason == policy.NotAtReader && ask.Code == "ABCD2345":
		reason = ""
	}
	if reason != "" {
		return cloudsync.Result{Reason: reason}, nil
	}
	for i := range s.Doors {
		if s.Doors[i].LockID == lock {
			s.Doors[i].Unlocked = true
		}
	}
	return cloudsync.Result{Done: true}, nil
}

func (b *boards) Status(controller int64) (cloudsync.Status, bool, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, online := b.statuses[controller]
	if !online {
		return s, false, time.Time{}
	}
	return s, online, time.Now()
}

// set changes what the controllers are.
func (b *boards) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// mails keeps what would be mailed.
type mails struct {
	mu   sync.Mutex
	sent []mailed
	fail error
}

type mailed struct{ to, subject, text string }

func (m *mails) Send(_ context.Context, to, subject, text string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		m.sent = append(m.sent, mailed{to, subject, text})
	}
	return m.fail
}

func (m *mails) last() mailed {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.sent) == 0 {
		return mailed{}
	}
	return m.sent[len(m.sent)-1]
}

// rig is a service with its pages and a browser without a window.
type rig struct {
	testing.TB
	service *place.Service
	boards  *boards
	mails   *mails
	pages   *Pages
	watch   *Watch
	server  *httptest.Server
	browser *http.Client

	owner string // authorization of the API
	place string
	p     string // path of the place's pages
}

func newRig(t testing.TB) *rig {
	t.Helper()
	dir := t.TempDir()
	db, err := storage.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fleet.Open(fleet.Config{Storage: db, Dir: dir, Hosts: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{TB: t, boards: &boards{Fleet: f, statuses: map[int64]cloudsync.Status{}, deny: map[int64]policy.Reason{}}, mails: &mails{}}
	if r.service, err = place.New(place.Config{Storage: db, Fleet: r.boards, Rate: 1e6, Burst: 1e6}); err != nil {
		t.Fatal(err)
	}
	watch := NewWatch(f.Subscribe)
	r.watch = watch
	r.pages = New(Config{API: r.service.Handler(), Watch: watch.Changes, Mail: r.mails, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	mux := http.NewServeMux()
	mux.Handle(Root+"/", r.pages)
	mux.Handle("/", r.service.Handler())
	r.server = httptest.NewUnstartedServer(mux)
	r.server.StartTLS()
	t.Cleanup(func() {
		watch.Close()
		r.server.CloseClientConnections()
		r.server.Close()
		r.service.Close()
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	r.browser = r.newBrowser()
	return r
}

// newBrowser returns a browser that nobody has used.
func (r *rig) newBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // the server is ours
}

const password = "correct horse battery"

// setUp makes the owner and his place, through the pages.
func (r *rig) setUp() {
	r.Helper()
	page := r.post("/setup", "code", r.service.Setup(), "name", "Olivia Owner", "email", "owner@example.org", "password", password,
		"place.name", "Harbour House", "place.time_zone", "Europe/Berlin")
	m := regexp.MustCompile(`/app/p/(\d+)/guide`).FindStringSubmatch(page.path)
	if m == nil {
		r.Fatalf("the set-up led to %s: %s", page.path, page.text)
	}
	r.place, r.p = m[1], "/p/"+m[1]
	for _, c := range r.browser.Jar.Cookies(r.url("/")) {
		if c.Name == loginCookie {
			r.owner = "KISI-LOGIN " + c.Value
		}
	}
}

// page is what a browser shows.
type page struct {
	status int
	path   string // after redirects
	text   string
	header http.Header
}

func (r *rig) url(path string) *url.URL {
	u, err := url.Parse(r.server.URL + Root + path)
	if err != nil {
		r.Fatal(err)
	}
	return u
}

func (r *rig) get(path string) page { r.Helper(); return r.do(http.MethodGet, path, nil) }

// post sends a form of names and values in turn, as a browser would.
func (r *rig) post(path string, pairs ...string) page {
	r.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return r.do(http.MethodPost, path, form)
}

func (r *rig) do(method, path string, form url.Values, change ...func(*http.Request)) page {
	r.Helper()
	q, err := http.NewRequest(method, r.url(path).String(), strings.NewReader(form.Encode()))
	if err != nil {
		r.Fatal(err)
	}
	if form != nil {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, f := range change {
		f(q)
	}
	a, err := r.browser.Do(q)
	if err != nil {
		r.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		r.Fatal(err)
	}
	return page{a.StatusCode, strings.TrimPrefix(a.Request.URL.RequestURI(), ""), string(text), a.Header}
}

// api makes something by the API, as the owner.
func (r *rig) api(method, path string, body any) Object {
	r.Helper()
	c := client{api: r.service.Handler(), auth: r.owner, remote: "127.0.0.1:1"}
	o, err := c.send(r.Context(), method, path, body)
	if err != nil {
		r.Fatalf("%s %s: %v", method, path, describe(err))
	}
	return o
}

func describe(err error) string {
	if refused := refusal(err); refused != nil {
		return fmt.Sprintf("%d %s %v", refused.Status, refused.Text, refused.Fields)
	}
	return err.Error()
}

// made makes something of the place and returns its id.
func (r *rig) made(kind, envelope string, o Object) int64 {
	r.Helper()
	o["place_id"] = number(r.place)
	return r.api(http.MethodPost, "/"+kind, Object{envelope: o}).ID()
}

// see fails unless a page is there and shows all of the texts.
func (p page) see(t testing.TB, texts ...string) page {
	t.Helper()
	if p.status >= 400 {
		t.Fatalf("%s: answered %d: %s", p.path, p.status, p.main())
	}
	for _, text := range texts {
		if !strings.Contains(p.text, text) {
			t.Fatalf("%s: does not show %q:\n%s", p.path, text, p.main())
		}
	}
	return p
}

// main is the part of a page that is its own.
func (p page) main() string {
	_, main, found := strings.Cut(p.text, "<main")
	if !found {
		return p.text
	}
	return cmp.Or(strings.TrimSpace(main), p.text)
}

// furnish makes a place with what a place has.
type house struct {
	front, lab, back, gate, controller, staff, guests, ada, zone int64
	area, interlock, elevator, stop, cellar, wireless, shed      int64
}

func (r *rig) furnish() house {
	r.Helper()
	var h house
	door := func(name, description string, more Object) int64 {
		o := Object{"name": name, "description": description}
		for k, v := range more {
			o[k] = v
		}
		return r.made("locks", "lock", o)
	}
	h.front = door("Front door", "Quay side", nil)
	h.lab = door("Laboratory", "Second floor", Object{"time_restriction_enabled": true})
	h.back = door("Back door", "", Object{"geofence_restriction_enabled": true, "latitude": 53.54, "longitude": 9.99})
	h.gate = door("Car park gate", "", Object{"reader_restriction_enabled": true})
	h.controller = r.made("controllers", "controller", Object{"name": "Cabinet in the basement", "device_id": "00a1b2c3d4e5f607"})
	for i, lock := range []int64{h.front, h.lab, h.back, h.gate} {
		r.made("controller_relay_connections", "controller_relay_connection", Object{"controller_id": h.controller, "channel": i + 1, "lock_id": lock})
		r.made("controller_input_connections", "controller_input_connection", Object{"controller_id": h.controller, "channel": 2*i + 1, "type": "request_to_exit", "lock_id": lock})
		r.made("controller_input_connections", "controller_input_connection", Object{"controller_id": h.controller, "channel": 2*i + 2, "type": "contact_sensor", "lock_id": lock})
		r.made("readers", "reader", Object{"name": []string{"Front", "Lab", "Back", "Gate"}[i], "controller_id": h.controller, "port": fmt.Sprintf("wiegand:%d", i+1), "lock_id": lock})
	}
	h.staff = r.made("groups", "group", Object{"name": "Staff", "description": "Everybody who works here"})
	h.guests = r.made("groups", "group", Object{"name": "Guests", "time_restriction_enabled": true})
	for _, lock := range []int64{h.front, h.lab, h.back, h.gate} {
		r.made("group_locks", "group_lock", Object{"group_id": h.staff, "lock_id": lock})
	}
	r.made("group_locks", "group_lock", Object{"group_id": h.guests, "lock_id": h.front})
	h.ada = r.made("members", "member", Object{"name": "Ada Lovelace", "email": "ada@example.org", "link_allowed": true})
	grace := r.made("members", "member", Object{"name": "Grace Hopper", "email": "grace@example.org"})
	linus := r.made("members", "member", Object{"name": "Linus Pauling", "access_enabled": false})
	me := number(regexp.MustCompile(`/members/(\d+)`).FindStringSubmatch(r.get(r.p + "/members?q=Olivia").text)[1])
	for _, m := range []any{h.ada, grace, linus, me} {
		r.made("role_assignments", "role_assignment", Object{"role_id": "member", "member_id": m, "applies_to": Object{"type": "group", "id": h.staff}})
	}
	for i, m := range []int64{h.ada, grace, linus} {
		r.made("cards", "card", Object{"member_id": m, "kind": "card", "format": "H10301", "facility": 118, "card": 1603 + i})
	}
	week := Object{"monday": true, "tuesday": true, "wednesday": true, "thursday": true, "friday": true}
	schedule := func(name, consequence string, kind string, id int64, more Object) {
		o := Object{"name": name, "consequence": consequence, "scheduleable": Object{"type": kind, "id": id}}
		for k, v := range more {
			o[k] = v
		}
		r.made("schedules", "schedule", o)
	}
	weekly := func(from, to string) Object {
		o := Object{"starts_at_time": from, "ends_at_time": to}
		for k, v := range week {
			o[k] = v
		}
		return o
	}
	schedule("Office hours", "unlock", "Lock", h.front, weekly("08:00", "18:00"))
	schedule("Saturday market", "unlock", "Lock", h.front, Object{"saturday": true, "starts_at_time": "09:00", "ends_at_time": "13:00"})
	today := time.Now().In(time.UTC)
	wednesday := today.AddDate(0, 0, 3-int((today.Weekday()+6)%7)-1)
	schedule("Staff meeting", "unlock", "Lock", h.front, Object{"override": true, "starts_at": wednesday.Format("2006-01-02") + "T11:00:00Z", "ends_at": wednesday.Format("2006-01-02") + "T13:00:00Z"})
	schedule("Laboratory hours", "allow", "Lock", h.lab, weekly("07:00", "20:00"))
	schedule("Visiting hours", "allow", "Group", h.guests, weekly("10:00", "16:00"))
	h.zone = r.made("zones", "zone", Object{"name": "Ground floor", "doors": []Object{{"lock_id": h.back, "exterior": true}, {"lock_id": h.front, "exterior": true}},
		"blocks": []Object{{"weekdays": weekdays, "start": "20:00", "end": "06:00", "level": "away", "override_on_access": "disarm", "override_duration": 3600}}})
	readers, err := client{api: r.service.Handler(), auth: r.owner, remote: "127.0.0.1:1"}.all(r.Context(), "readers", q("place_id", r.place, "query", "Gate"))
	if err != nil {
		r.Fatal(err)
	}
	h.area = r.made("anti_passback_areas", "anti_passback_area", Object{"name": "Car park", "mode": "soft", "timeout": 7200, "in_reader_ids": []int64{readers[0].ID()}})
	h.interlock = r.made("interlocks", "interlock", Object{"name": "Clean room", "lock_ids": []int64{h.lab, h.back}})
	h.elevator = r.made("elevators", "elevator", Object{"name": "North lift", "controller_id": h.controller})
	h.stop = r.made("elevator_stops", "elevator_stop", Object{"elevator_id": h.elevator, "name": "Roof", "floor": Object{"number": 9}})
	h.cellar = r.made("elevator_stops", "elevator_stop", Object{"elevator_id": h.elevator, "floor": Object{"number": -1}})
	r.made("readers", "reader", Object{"name": "Car", "controller_id": h.controller, "port": "osdp:7", "elevator_id": h.elevator})
	r.made("controller_relay_connections", "controller_relay_connection", Object{"controller_id": h.controller, "channel": 5, "type": "elevator_stop", "elevator_stop_id": h.stop})
	r.made("group_elevator_stops", "group_elevator_stop", Object{"group_id": h.staff, "elevator_stop_id": h.stop})
	r.made("schedules", "schedule", Object{"name": "Roof garden", "consequence": "permit", "scheduleable": Object{"type": "ElevatorStop", "id": h.stop}, "saturday": true, "starts_at_time": "10:00", "ends_at_time": "16:00"})
	h.shed = door("Shed", "", Object{"two_person_within": 20, "escort_within": 60, "kind": "turnstile", "direction": "in"})
	h.wireless = r.made("wireless_locks", "wireless_lock", Object{"name": "Cylinder", "controller_id": h.controller, "lock_id": h.shed, "channel": 7})
	no, yes := false, true
	r.boards.set(func() {
		r.boards.statuses[h.controller] = cloudsync.Status{Version: "1.0.0", ClockSet: true, Doors: []cloudsync.DoorStatus{
			{LockID: h.front, Name: "front", LockType: "electric_strike", FailMode: "fail_secure", Open: &no, Unlocked: true, OnScheduledUnlock: true},
			{LockID: h.lab, Name: "lab", LockType: "magnetic", FailMode: "fail_safe", Open: &no},
			{LockID: h.back, Name: "back", LockType: "electric_strike", FailMode: "fail_secure", Open: &yes, HeldOpen: true},
			{LockID: h.gate, Name: "gate", LockType: "electric_strike", FailMode: "fail_secure", Open: &no},
		}, Relays: []cloudsync.RelayStatus{{Channel: 1, Use: "lock", Door: "front", On: true, OK: true}, {Channel: 2, Use: "lock", Door: "lab", OK: true}},
			Stops:    []cloudsync.StopStatus{{StopID: h.stop, Permitted: true, OnSchedule: true}, {StopID: h.cellar}},
			Wireless: []cloudsync.WirelessStatus{{LockID: h.shed, Channel: 7, Online: true, Unlocked: true, BatteryLow: true, Battery: new(11), MotorStall: true, Signal: new(-71)}},
			Inputs:   []cloudsync.InputStatus{{Name: "front-rex", Channel: 1, Kind: "request_to_exit", Status: "open"}, {Name: "back-contact", Channel: 6, Kind: "contact_sensor", Status: "cut"}},
			Readers:  []cloudsync.ReaderStatus{{Name: "front", Port: "wiegand:1", Online: true}, {Name: "lab", Port: "wiegand:2", Online: true, Tampered: true}}}
	})
	return h
}
