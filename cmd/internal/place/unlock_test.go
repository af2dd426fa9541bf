package place

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"doord/cmd/internal/place/fleet"
	"doord/policy"
	"doord/store/cloudsync"
)

func TestUnlock(t *testing.T) {
	w := newWorld(t)
	path := f("/locks/%d/unlock", w.lock)
	bare := w.made("/locks", `{"lock":{"name":"Bare","place_id":%d}}`, w.place)
	for _, c := range []struct {
		name   string
		result cloudsync.Result
		err    error
		status int
		want   string
	}{
		{"done", cloudsync.Result{Done: true}, nil, 200, `{"message":"Unlocked!"}`},
		{"denied", cloudsync.Result{Reason: policy.OutsideSchedule}, nil, 403, `"code":"34ffaa"`},
		{"no access", cloudsync.Result{Reason: policy.AccessDenied}, nil, 403, `"code":"fcd8ef"`},
		{"scheduled", cloudsync.Result{Reason: policy.AlreadyUnlocked}, nil, 409, `"code":"fad110"`},
		{"not known there yet", cloudsync.Result{Reason: policy.DoorNotFound}, nil, 404, `"code":"fad10e"`},
		{"offline", cloudsync.Result{}, fleet.ErrOffline, 503, `"code":"fac001"`},
		{"silent", cloudsync.Result{}, fleet.ErrTimeout, 503, `"code":"fac001"`},
		{"busy", cloudsync.Result{}, fleet.ErrBusy, 503, `"code":"fac001"`},
		{"a fault there", cloudsync.Result{Reason: policy.InternalError}, nil, 503, `"code":"d00009"`},
		{"refused without a reason", cloudsync.Result{Text: "already so"}, nil, 409, `already so`},
		{"a fault here", cloudsync.Result{}, errors.New("secret"), 500, `"code":"d01500"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.boards.do = func(int64, cloudsync.Action, int64, int64, any) (cloudsync.Result, error) { return c.result, c.err }
			a := w.ask("POST", path, w.owner, "")
			if a.status != c.status || !strings.Contains(string(a.text), c.want) || strings.Contains(string(a.text), "secret") {
				t.Errorf("%d %s", a.status, a.text)
			}
		})
	}
	if a := w.ask("POST", f("/locks/%d/unlock", bare), w.owner, ""); a.status != 503 || !strings.Contains(string(a.text), `"code":"ff420a"`) {
		t.Errorf("without a controller: %d %s", a.status, a.text)
	}
	// What is wrong with the context is told before anybody is asked.
	w.boards.do = func(int64, cloudsync.Action, int64, int64, any) (cloudsync.Result, error) {
		t.Error("the controller was asked")
		return cloudsync.Result{}, nil
	}
	w.ok(422, "POST", path, w.owner, `{"context":{"location":{"latitude":91,"longitude":0,"horizontal_accuracy":1}}}`)
	w.ok(400, "POST", path, w.owner, `[`)
	w.ok(422, "POST", path, w.owner, `{"context":{"location":{"latitude":"x"}}}`)
}

// The controller learns who asks, and what his phone says.
func TestWhatTheControllerIsAsked(t *testing.T) {
	w := newWorld(t)
	type asked struct {
		controller, lock int64
		action           cloudsync.Action
		body             any
	}
	var got asked
	w.boards.do = func(controller int64, action cloudsync.Action, lock, _ int64, body any) (cloudsync.Result, error) {
		got = asked{controller, lock, action, body}
		return cloudsync.Result{Done: true}, nil
	}
	path := f("/locks/%d/unlock", w.lock)
	w.ok(200, "POST", path, w.who[2].authorization, `{"context":{"location":{"latitude":52.5,"longitude":13.4,"horizontal_accuracy":12.5},"services":[{"type":"GPS","available":true}]},"lock":{"proximity_proof":"ABCD2345"}}`)
	ask, _ := got.body.(cloudsync.Unlock)
	if got.controller != w.controller || got.lock != w.lock || got.action != cloudsync.ActionUnlock || ask.Member != w.memberOf(w.who[2]) ||
		ask.Code != "ABCD2345" || ask.Link != "" || *ask.Location != (cloudsync.Location{Latitude: 52.5, Longitude: 13.4, Accuracy: 12.5}) {
		t.Errorf("for a member: %+v", got)
	}
	w.ok(200, "POST", path, w.who[1].authorization, "")
	ask, _ = got.body.(cloudsync.Unlock)
	_, secret, _ := strings.Cut(w.who[1].authorization, " ")
	if ask.Member != 0 || ask.Link != hashed(secret) {
		t.Errorf("by a link: %+v", got)
	}
	if l := w.ask("GET", f("/group_links?group_id=%d", w.group), w.owner, "").list(); l[0]["last_used_at"] == nil {
		t.Errorf("its last use is not known: %v", l)
	}
	w.ok(200, "POST", f("/locks/%d/first_to_arrive", w.lock), w.who[3].authorization, "")
	if by, _ := got.body.(cloudsync.By); got.action != cloudsync.ActionFirstToArrive || by.Member != w.memberOf(w.who[3]) {
		t.Errorf("first to arrive: %+v", got)
	}
}

// A lock with relays on two boards opens if one says so, and otherwise tells the reason
// of the one that answered.
func TestALockOfTwoControllers(t *testing.T) {
	w := newWorld(t)
	second := w.fresh(controllers)
	w.made("/controller_relay_connections", `{"controller_relay_connection":{"controller_id":%d,"channel":1,"lock_id":%d}}`, second, w.lock)
	for _, c := range []struct {
		name   string
		first  cloudsync.Result
		status int
	}{
		{"one opens, the other is offline", cloudsync.Result{Done: true}, 200},
		{"one denies, the other is offline", cloudsync.Result{Reason: policy.ZoneDenied}, 403},
	} {
		w.boards.do = func(controller int64, _ cloudsync.Action, _, _ int64, _ any) (cloudsync.Result, error) {
			if controller == second {
				return cloudsync.Result{}, fleet.ErrOffline
			}
			return c.first, nil
		}
		if a := w.ask("POST", f("/locks/%d/unlock", w.lock), w.owner, ""); a.status != c.status {
			t.Errorf("%s: %d %s", c.name, a.status, a.text)
		}
	}
}

func TestAButtonPressedTwiceIsOneUnlock(t *testing.T) {
	w := newWorld(t)
	entered, leave := make(chan bool), make(chan bool)
	w.boards.do = func(int64, cloudsync.Action, int64, int64, any) (cloudsync.Result, error) {
		entered <- true
		<-leave
		return cloudsync.Result{Done: true}, nil
	}
	path := f("/locks/%d/unlock", w.lock)
	var all sync.WaitGroup
	all.Go(func() { w.ok(200, "POST", path, w.owner, "") })
	<-entered
	if a := w.ask("POST", path, w.owner, ""); a.status != 409 || !strings.Contains(string(a.text), codeInProgress) {
		t.Errorf("%d %s", a.status, a.text)
	}
	all.Go(func() { w.ok(200, "POST", path, w.who[2].authorization, "") }) // another is not held up
	<-entered
	close(leave)
	all.Wait()
}

func TestWhatALockShows(t *testing.T) {
	w := newWorld(t)
	path := f("/locks/%d", w.lock)
	if l := w.ok(200, "GET", path, w.owner, ""); l["online"] != false || l["open"] != nil || l["unlocked"] != false || l["configured"] != true {
		t.Errorf("offline: %v", l)
	}
	until := time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC)
	w.boards.statuses[w.controller] = cloudsync.Status{
		Doors: []cloudsync.DoorStatus{{LockID: w.lock, Open: new(true), Unlocked: true, OnScheduledUnlock: true, FirstToArriveUntil: until, FirstToArriveDone: true,
			LockType: "magnetic", FailMode: "fail_safe"}},
		Relays: []cloudsync.RelayStatus{{Channel: 5, Use: "lock", On: true, OK: true}},
		Inputs: []cloudsync.InputStatus{{Channel: 2, Kind: "contact_sensor", Status: "cut"}},
	}
	l := w.ok(200, "GET", path, w.owner, "")
	for field, want := range map[string]any{
		"online": true, "open": true, "unlocked": true, "on_scheduled_unlock": true, "first_to_arrive_satisfied": true,
		"first_to_arrive_required_until": "2026-03-02T18:00:00Z", "locked_down": false, "locked_down_since": nil, "latitude": nil,
	} {
		if l[field] != want {
			t.Errorf("%s is %v", field, l[field])
		}
	}
	for _, c := range []struct{ path, field, want string }{
		{"/locks?unlocked=true", "name", "Front"}, {"/controllers?online=true", "name", "Board"},
		{"/controller_relay_connections?lock_id=" + f("%d", w.lock), "lock_type", "magnetic"},
		{f("/controller_inputs?controller_id=%d&offset=1", w.controller), "status", "cut"},
	} {
		if list := w.ask("GET", c.path, w.owner, "").list(); len(list) == 0 || list[0][c.field] != c.want {
			t.Errorf("%s: %v", c.path, list)
		}
	}
	w.ok(200, "POST", f("/places/%d/lock_down", w.place), w.owner, "")
	if l := w.ok(200, "GET", path, w.owner, ""); l["locked_down"] != true || l["locked_down_since"] == nil {
		t.Errorf("the place is locked down: %v", l)
	}
	w.ok(200, "POST", f("/places/%d/cancel_lockdown", w.place), w.owner, "")
	w.ok(200, "POST", path+"/lock_down", w.owner, "")
	if r := w.Records(w.place); r.Place.LockedDown || !r.Locks[0].LockedDown {
		t.Errorf("controllers are told: place %t, lock %t", r.Place.LockedDown, r.Locks[0].LockedDown)
	}
}

func TestAssignAndZones(t *testing.T) {
	w := newWorld(t)
	first := w.ok(200, "POST", "/controllers/FFEEDDCCBBAA9988/assign", w.owner, `{"controller":{"place_id":%d,"name":"Hall"}}`, w.place)
	again := w.ok(200, "POST", "/controllers/ffeeddccbbaa9988/assign", w.owner, `{"controller":{"place_id":%d}}`, w.place)
	code, _ := first["claim"].(map[string]any)["code"].(string)
	if id(first, "id") != id(again, "id") || code == "" || again["name"] != "Hall" || code == again["claim"].(map[string]any)["code"] {
		t.Errorf("%v\n%v", first, again)
	}
	w.ok(422, "POST", "/controllers/nonsense/assign", w.owner, `{"controller":{"place_id":%d}}`, w.place)
	w.ok(200, "POST", f("/controllers/%d/deassign", id(first, "id")), w.owner, "")

	zone := w.made("/zones", `{"zone":{"name":"Ground","place_id":%d,"doors":[{"lock_id":%d,"exterior":true}]}}`, w.place, w.lock)
	w.ok(422, "POST", f("/zones/%d/override", zone), w.owner, `{"zone":{"level":"asleep"}}`)
	z := w.ok(200, "POST", f("/zones/%d/override", zone), w.owner, `{"zone":{"level":"away","duration":600}}`)
	shared := w.boards.Zone(zone).Shared
	if shared.Override.Level != policy.Away || !shared.Override.Until.Equal(w.clock.now().Add(10*time.Minute)) || shared.Override.Order == 0 {
		t.Errorf("%+v %v", shared, z)
	}
	w.ok(200, "POST", f("/zones/%d/reset", zone), w.owner, "")
	if shared := w.boards.Zone(zone).Shared; !shared.ResetAt.Equal(w.clock.now()) {
		t.Errorf("%+v", shared)
	}
	// A zone gets smaller with its doors, a rule about one door goes with it.
	rule := w.made("/alarm_rules", `{"alarm_rule":{"name":"R","place_id":%d,"causes":["tamper"],"lock_ids":[%d]}}`, w.place, w.lock)
	w.ok(204, "DELETE", f("/locks/%d", w.lock), w.owner, "")
	w.ok(404, "GET", f("/alarm_rules/%d", rule), w.owner, "")
	if z := w.ok(200, "GET", f("/zones/%d", zone), w.owner, ""); len(z["doors"].([]any)) != 0 {
		t.Errorf("%v", z)
	}
}

func TestCalendar(t *testing.T) {
	w := newWorld(t)
	w.made("/schedules", `{"schedule":{"name":"Open","consequence":"unlock","lock_id":%d,"monday":true,"tuesday":true,"starts_at_time":"08:00","ends_at_time":"18:00"}}`, w.lock)
	w.made("/schedules", `{"schedule":{"name":"Closed","consequence":"unlock","override":true,"lock_id":%d,"starts_at_date":"2026-03-03","ends_at_date":"2026-03-03"}}`, w.lock)
	query := f("/calendar/summary?around=2026-03-02T00:00:00%%2B01:00/2026-03-09T00:00:00%%2B01:00&consequence=unlock&lock_id=%d", w.lock)
	a := w.ask("GET", query, w.who[2].authorization, "")
	want := `{"consequence":"unlock","time_zone":"Europe/Berlin","intervals":[{"starts_at":"2026-03-02T08:00:00+01:00","ends_at":"2026-03-02T18:00:00+01:00"}],` +
		`"exceptions":[{"starts_at":"2026-03-03T00:00:00+01:00","ends_at":"2026-03-04T00:00:00+01:00"}],"truncated":false}`
	if string(a.text) != want {
		t.Errorf("%d\n%s\n%s", a.status, a.text, want)
	}
	// A + that was not escaped is taken for what was meant.
	if b := w.ask("GET", strings.ReplaceAll(query, "%2B", "+"), w.owner, ""); string(b.text) != want {
		t.Errorf("%d %s", b.status, b.text)
	}
	w.ok(422, "GET", "/calendar/summary", w.owner, "")
	w.ok(422, "GET", f("/calendar/summary?around=2026-01-01/2028-01-01&consequence=unlock&lock_id=%d", w.lock), w.owner, "")
	w.ok(404, "GET", "/calendar/summary?around=2026-01-01/2026-01-02&consequence=unlock&lock_id=999", w.owner, "")
}
