package place

import (
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const signIn = `{"login":{"type":"device"},"user":{"email":%q,"password":%q}}`

func TestSigningInAndOut(t *testing.T) {
	r := newRig(t)
	in := r.ok(201, "POST", "/logins", "", signIn, "Owner@Example.org ", "correct horse")
	second := "KISI-LOGIN " + in["secret"].(string)
	a := r.ask("GET", "/logins", second, "")
	if len(a.list()) != 2 || a.header.Get("X-Collection-Range") != "0-49/2" || strings.Contains(string(a.text), in["secret"].(string)) {
		t.Errorf("sessions: %s", a.text)
	}
	for _, l := range a.list() {
		if l["current"] != (id(l, "id") == id(in, "id")) {
			t.Errorf("current: %v", l)
		}
	}
	r.ok(204, "DELETE", "/login", second, "")
	r.ok(401, "GET", "/locks", second, "")
	r.ok(401, "DELETE", "/login", second, "")
	r.ok(200, "GET", "/locks?limit=1", r.owner, "") // any other answer than a list would be an object
	in = r.ok(201, "POST", "/logins", "", signIn, "owner@example.org", "correct horse")
	r.ok(204, "DELETE", f("/logins/%d", id(in, "id")), r.owner, "")
	r.ok(401, "GET", "/locks", "KISI-LOGIN "+in["secret"].(string), "")
	for _, authorization := range []string{"", "KISI-LOGIN", "KISI-LOGIN x", "Bearer " + r.owner, "KISI-ACCESS-KEY x", "KISI-GROUP-LINK x", strings.Replace(r.owner, "LOGIN", "ACCESS-KEY", 1)} {
		r.ok(401, "GET", "/locks", authorization, "")
	}
	// A session ends when nobody uses it for long, and lasts while somebody does.
	for range 10 {
		r.clock.add(60 * 24 * time.Hour)
		r.ok(200, "GET", "/locks", r.owner, "")
	}
	r.clock.add(loginLife)
	r.ok(401, "GET", "/locks", r.owner, "")
}

func TestOldSessionsMakeRoom(t *testing.T) {
	r := newRig(t)
	for range maxLogins {
		r.clock.add(time.Second)
		r.ok(201, "POST", "/logins", "", signIn, "owner@example.org", "correct horse")
	}
	r.ok(401, "GET", "/locks", r.owner, "") // it was the oldest
	in := r.ok(201, "POST", "/logins", "", signIn, "owner@example.org", "correct horse")
	if a := r.ask("GET", "/logins", "KISI-LOGIN "+in["secret"].(string), ""); a.header.Get("X-Collection-Range") != f("0-49/%d", maxLogins) {
		t.Errorf("sessions: %s", a.header.Get("X-Collection-Range"))
	}
}

func TestWrongPasswordsLockOut(t *testing.T) {
	for name, email := range map[string]string{"of an account": "owner@example.org", "of nobody": "nobody@example.org"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for range maxWrong {
				r.ok(401, "POST", "/logins", "", signIn, email, "wrong")
			}
			a := r.ask("POST", "/logins", "", f(signIn, email, "correct horse"))
			if a.status != 429 || a.header.Get("Retry-After") != "900" || !strings.Contains(string(a.text), codeLockedOut) {
				t.Errorf("%d %v %s", a.status, a.header, a.text)
			}
			if email == "owner@example.org" {
				r.clock.add(lockoutLife)
				r.ok(201, "POST", "/logins", "", signIn, email, "correct horse")
				r.ok(401, "POST", "/logins", "", signIn, email, "wrong") // counted anew
			}
		})
	}
}

// Who tries from many addresses at once tries no more often.
func TestWrongPasswordsAtOnceLockOut(t *testing.T) {
	r := newRig(t)
	r.passwords.turns = make(chan struct{}, 1)
	end, err := r.passwords.turn(t.Context()) // all of them come before the first is done
	if err != nil {
		t.Fatal(err)
	}
	var wrong, locked atomic.Int64
	var all sync.WaitGroup
	for range 3 * maxWrong {
		all.Go(func() {
			q := httptest.NewRequest("POST", "/logins", strings.NewReader(f(signIn, "owner@example.org", "wrong")))
			w := httptest.NewRecorder()
			r.handler.ServeHTTP(w, q)
			switch w.Code {
			case 401:
				wrong.Add(1)
			case 429:
				locked.Add(1)
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	end()
	all.Wait()
	if wrong.Load() != maxWrong || locked.Load() != 2*maxWrong {
		t.Errorf("%d passwords were tried, %d refused", wrong.Load(), locked.Load())
	}
}

func TestTheFirstOwner(t *testing.T) {
	r := newRig(t)
	if code := r.Setup(); code != "" {
		t.Error("there is a second code")
	}
	r.ok(403, "POST", "/setup", "", `{"code":"x"}`)
	fresh := &rig{TB: t, dir: t.TempDir(), memory: &memory{}, clock: r.clock, config: Config{Now: r.clock.now, Rate: 1e9, Burst: 1e9}}
	fresh.open()
	defer fresh.stop()
	fresh.ok(403, "POST", "/setup", "", `{"code":""}`) // before there is a code
	old, code := fresh.Setup(), fresh.Setup()
	fresh.ok(403, "POST", "/setup", "", `{"code":%q}`, old)
	if a := fresh.ask("POST", "/setup", "", f(`{"code":%q}`, code)); a.status != 422 || string(a.text) !=
		`{"errors":{"email":["can't be blank"],"password":["must have 8 to 256 characters"],"place":["must be a name, or a place"]}}` {
		t.Errorf("%d %s", a.status, a.text)
	}
	in := fresh.ok(201, "POST", "/setup", "", `{"code":%q,"email":"o@example.org","password":"correct horse","name":"O","place":"HQ"}`, code)
	fresh.ok(403, "POST", "/setup", "", `{"code":%q,"email":"o@example.org","password":"correct horse","name":"O","place":"HQ"}`, code)
	if m := fresh.ok(200, "GET", f("/members/%d", id(in, "member_id")), "KISI-LOGIN "+in["secret"].(string), ""); m["role_id"] != "owner" || m["confirmed"] != true {
		t.Errorf("the owner: %v", m)
	}
}

func TestInvitations(t *testing.T) {
	r := newRig(t)
	ann := r.ok(201, "POST", "/members", r.owner, `{"member":{"place_id":%d,"name":"Ann","email":"ann@example.org"}}`, r.place)
	first := ann["invitation"].(map[string]any)["code"]
	second := r.ok(200, "POST", f("/members/%d/invite", id(ann, "id")), r.owner, "")["invitation"].(map[string]any)["code"]
	const take = `{"invitation":{"code":%q,"password":%q}}`
	r.ok(403, "POST", "/invitations", "", take, first, "swordfish!")
	r.ok(422, "POST", "/invitations", "", take, second, "short")
	r.ok(201, "POST", "/invitations", "", take, second, "swordfish!")
	r.ok(403, "POST", "/invitations", "", take, second, "swordfish!") // used
	r.ok(409, "POST", f("/members/%d/invite", id(ann, "id")), r.owner, "")

	// Another place invites the same address: who does not know its password gets nothing.
	annex := r.made("/places", `{"place":{"name":"Annex"}}`)
	again := r.ok(201, "POST", "/members", r.owner, `{"member":{"place_id":%d,"name":"Ann","email":"ann@example.org"}}`, annex)["invitation"].(map[string]any)["code"]
	r.ok(401, "POST", "/invitations", "", take, again, "my own password")
	in := r.ok(201, "POST", "/invitations", "", take, again, "swordfish!")
	if a := r.ask("GET", "/places", "KISI-LOGIN "+in["secret"].(string), ""); len(a.list()) != 2 {
		t.Errorf("places: %s", a.text)
	}

	// Who was invited by an address that the member no longer has is not invited any more.
	eve := r.ok(201, "POST", "/members", r.owner, `{"member":{"place_id":%d,"name":"Eve","email":"eve@example.org"}}`, r.place)
	r.ok(204, "PATCH", f("/members/%d", id(eve, "id")), r.owner, `{"member":{"email":"eva@example.org"}}`)
	r.ok(403, "POST", "/invitations", "", take, eve["invitation"].(map[string]any)["code"], "swordfish!")

	late := r.ok(201, "POST", "/members", r.owner, `{"member":{"place_id":%d,"name":"Bob","email":"bob@example.org"}}`, r.place)["invitation"].(map[string]any)["code"]
	r.clock.add(inviteLife)
	r.ok(403, "POST", "/invitations", "", take, late, "swordfish!")
}

func TestOnesOwnPassword(t *testing.T) {
	r := newRig(t)
	other := r.ok(201, "POST", "/logins", "", signIn, "owner@example.org", "correct horse")
	r.ok(422, "PUT", "/password", r.owner, `{"password":{"current":"wrong","new":"battery staple"}}`)
	r.ok(422, "PUT", "/password", r.owner, `{"password":{"current":"correct horse","new":"short"}}`)
	for range maxWrong - 1 {
		r.ok(422, "PUT", "/password", r.owner, `{"password":{"current":"wrong","new":"battery staple"}}`)
	}
	r.ok(429, "PUT", "/password", r.owner, `{"password":{"current":"correct horse","new":"battery staple"}}`)
	r.clock.add(lockoutLife)
	r.ok(204, "PUT", "/password", r.owner, `{"password":{"current":"correct horse","new":"battery staple"}}`)
	r.ok(401, "GET", "/locks", "KISI-LOGIN "+other["secret"].(string), "")
	r.ok(401, "POST", "/logins", "", signIn, "owner@example.org", "correct horse")
	r.ok(201, "POST", "/logins", "", signIn, "owner@example.org", "battery staple")
}

// Nobody makes himself stronger, or those above him weaker.
func TestNobodyClimbs(t *testing.T) {
	w := newWorld(t)
	as := map[string]string{}
	for _, a := range w.who {
		as[a.name] = a.authorization
	}
	mia, ada := w.memberOf(w.who[2]), w.memberOf(w.who[4])
	other := w.made("/groups", `{"group":{"name":"Vault","place_id":%d}}`, w.place)
	atPlace := f(`"applies_to":{"type":"place","id":%d}`, w.place)
	owners := w.ask("GET", "/role_assignments?role_id=owner", w.owner, "").list()
	for _, c := range []struct{ name, who, method, path, body string }{
		{"a manager assigns a manager", "manager", "POST", "/role_assignments", f(`{"role_assignment":{"member_id":%d,"role_id":"manager","group_id":%d}}`, mia, w.group)},
		{"a manager assigns to another group", "manager", "POST", "/role_assignments", f(`{"role_assignment":{"member_id":%d,"role_id":"member","group_id":%d}}`, mia, other)},
		{"a manager assigns an administrator", "manager", "POST", "/role_assignments", f(`{"role_assignment":{"member_id":%d,"role_id":"administrator",%s}}`, mia, atPlace)},
		{"a manager makes a link to another group", "manager", "POST", "/group_links", f(`{"group_link":{"group_id":%d}}`, other)},
		{"an administrator assigns an owner", "admin", "POST", "/role_assignments", f(`{"role_assignment":{"member_id":%d,"role_id":"owner",%s}}`, ada, atPlace)},
		{"an administrator takes an owner's role", "admin", "DELETE", f("/role_assignments/%d", id(owners[0], "id")), ""},
		{"an administrator deletes an owner", "admin", "DELETE", f("/members/%d", w.member), ""},
		{"an administrator takes an owner's address", "admin", "PATCH", f("/members/%d", w.member), `{"member":{"email":"ada@example.org"}}`},
		{"an administrator makes an owner's key", "admin", "POST", "/access_keys", f(`{"access_key":{"name":"x","member_id":%d}}`, w.member)},
		{"an administrator makes an owner's card", "admin", "POST", "/cards", f(`{"card":{"member_id":%d,"uid":"01020304"}}`, w.member)},
		{"a key climbs", "key", "POST", "/role_assignments", f(`{"role_assignment":{"member_id":%d,"role_id":"owner",%s}}`, ada, atPlace)},
		{"a member changes himself", "member", "PATCH", f("/members/%d", mia), `{"member":{"link_allowed":true}}`},
	} {
		if a := w.ask(c.method, c.path, as[c.who], c.body); a.status != 403 {
			t.Errorf("%s: %d %s", c.name, a.status, a.text)
		}
	}
	// What a manager may: people of his group, by an address too.
	w.ok(201, "POST", "/role_assignments", as["manager"], `{"role_assignment":{"email":"new@example.org","group_id":%d}}`, w.group)
	w.ok(201, "POST", "/role_assignments", as["manager"], `{"role_assignment":{"member_id":%d,"role_id":"member","group_id":%d}}`, w.member, w.group)

	// A manager of the place is one of all its groups.
	w.assign(mia, "manager", 0)
	w.ok(201, "POST", "/group_links", as["member"], `{"group_link":{"group_id":%d}}`, other)

	// A role that is over, or access that is off, is none.
	w.clock.add(time.Hour)
	until := w.clock.now().Add(time.Hour).Format(time.RFC3339)
	for _, x := range w.ask("GET", f("/role_assignments?member_id=%d", mia), w.owner, "").list() {
		w.ok(204, "PATCH", f("/role_assignments/%d", id(x, "id")), w.owner, `{"role_assignment":{"valid_until":%q}}`, until)
	}
	w.ok(200, "GET", f("/locks/%d", w.lock), as["member"], "")
	w.clock.add(time.Hour)
	w.ok(403, "GET", f("/locks/%d", w.lock), as["member"], "")
	w.ok(204, "PATCH", f("/members/%d", ada), w.owner, `{"member":{"access_enabled":false}}`)
	w.ok(404, "GET", f("/locks/%d", w.lock), as["admin"], "")
	w.ok(404, "GET", f("/locks/%d", w.lock), as["key"], "")
}

// What somebody made while another was no stronger than he does not make him stronger
// when the other becomes so.
func TestNobodyClimbsByWhatHeMadeBefore(t *testing.T) {
	r := newRig(t)
	ada, admin := r.person(r.place, "Ada")
	r.made("/role_assignments", `{"role_assignment":{"member_id":%d,"role_id":"administrator"}}`, ada)
	bob := r.ok(201, "POST", "/members", admin, `{"member":{"place_id":%d,"name":"Bob","email":"bob@example.org"}}`, r.place)
	key := "KISI-ACCESS-KEY " + r.ok(201, "POST", "/access_keys", admin, `{"access_key":{"name":"x","member_id":%d}}`, id(bob, "id"))["secret"].(string)
	const take = `{"invitation":{"code":%q,"password":"swordfish!"}}`
	r.made("/role_assignments", `{"role_assignment":{"member_id":%d,"role_id":"owner"}}`, id(bob, "id"))

	r.ok(403, "POST", "/role_assignments", key, `{"role_assignment":{"member_id":%d,"role_id":"owner"}}`, ada)
	r.ok(201, "POST", "/locks", key, `{"lock":{"name":"Front","place_id":%d}}`, r.place) // it is an administrator's
	r.ok(403, "POST", "/invitations", "", take, bob["invitation"].(map[string]any)["code"])
	again := r.ok(200, "POST", f("/members/%d/invite", id(bob, "id")), r.owner, "")
	r.ok(201, "POST", "/invitations", "", take, again["invitation"].(map[string]any)["code"])
	key = "KISI-ACCESS-KEY " + r.ok(201, "POST", "/access_keys", r.owner, `{"access_key":{"name":"y","member_id":%d}}`, id(bob, "id"))["secret"].(string)
	r.ok(201, "POST", "/role_assignments", key, `{"role_assignment":{"member_id":%d,"role_id":"owner"}}`, ada)
}

// References lead to nothing of another place, even for who is at home in both.
func TestPlacesAreApart(t *testing.T) {
	r := newRig(t)
	annex := r.made("/places", `{"place":{"name":"Annex"}}`)
	lock, there := r.made("/locks", `{"lock":{"name":"A","place_id":%d}}`, r.place), r.made("/locks", `{"lock":{"name":"B","place_id":%d}}`, annex)
	group := r.made("/groups", `{"group":{"name":"G","place_id":%d}}`, r.place)
	if a := r.ask("POST", "/group_locks", r.owner, f(`{"group_lock":{"group_id":%d,"lock_id":%d}}`, group, there)); a.status != 422 || !strings.Contains(string(a.text), f("there is no lock %d", there)) {
		t.Errorf("%d %s", a.status, a.text)
	}
	r.ok(422, "POST", "/zones", r.owner, `{"zone":{"name":"Z","place_id":%d,"doors":[{"lock_id":%d}]}}`, r.place, there)
	zone := r.made("/zones", `{"zone":{"name":"Z","place_id":%d,"doors":[{"lock_id":%d}]}}`, r.place, lock)
	r.ok(422, "PATCH", f("/zones/%d", zone), r.owner, `{"zone":{"doors":[{"lock_id":%d}]}}`, there)
	r.ok(422, "POST", "/role_assignments", r.owner, `{"role_assignment":{"member_id":%d,"group_id":%d,"place_id":%d}}`, r.member, group, annex)
	// The same names, cards and devices may be at both.
	for _, place := range []int64{r.place, annex} {
		r.made("/cards", `{"card":{"place_id":%d,"uid":"01020304"}}`, place)
		r.made("/controllers", `{"controller":{"place_id":%d,"device_id":"0011223344556677"}}`, place)
		r.made("/members", `{"member":{"place_id":%d,"email":"x@example.org"}}`, place)
	}
}
