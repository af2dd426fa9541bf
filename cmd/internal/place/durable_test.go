package place

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEverythingIsThereAfterARestart(t *testing.T) {
	r := newRig(t, func(r *rig) { r.disk = true })
	paths := map[string]bool{"/places": true, "/members": true, "/logins": true, "/role_assignments": true}
	for _, s := range samples(r) {
		r.ok(201, "POST", s.path, r.owner, s.body)
		if s.path != "/group_locks" {
			paths[s.path] = true
		}
	}
	r.ok(200, "POST", "/locks/"+fmt.Sprint(id(r.ask("GET", "/locks", r.owner, "").list()[0], "id"))+"/favorite", r.owner, "")
	look := func() map[string]string {
		all := map[string]string{}
		for path := range paths {
			all[path] = string(r.ask("GET", path+"?limit=250", r.owner, "").text)
		}
		all["favorites"] = string(r.ask("GET", "/locks?favorite=true", r.owner, "").text)
		all["events"] = string(r.ask("GET", f("/events?place_id=%d", r.place), r.owner, "").text)
		return all
	}
	before, last := look(), r.state.last
	records := r.Records(r.place)
	r.stop()
	r.open()
	if diff := cmp.Diff(before, look()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(records, r.Records(r.place)); diff != "" {
		t.Error(diff)
	}
	if r.Setup() != "" {
		t.Error("there is a code for a first owner again")
	}
	// No id is given out twice, even that of the last record deleted.
	lock := r.made("/locks", `{"lock":{"name":"x","place_id":%d}}`, r.place)
	r.ok(204, "DELETE", f("/locks/%d", lock), r.owner, "")
	r.stop()
	r.open()
	if again := r.made("/locks", `{"lock":{"name":"x","place_id":%d}}`, r.place); lock <= last || again <= lock {
		t.Errorf("ids %d, %d, %d", last, lock, again)
	}
}

// A change that cannot be made durable did not happen, in memory neither.
func TestAFullDisk(t *testing.T) {
	r := newRig(t)
	lock := r.made("/locks", `{"lock":{"name":"Front","place_id":%d}}`, r.place)
	position := r.boards.Position(r.place)
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/locks", f(`{"lock":{"name":"Back","place_id":%d}}`, r.place)},
		{"PATCH", f("/locks/%d", lock), `{"lock":{"name":"Other"}}`},
		{"DELETE", f("/locks/%d", lock), ``},
		{"POST", f("/locks/%d/lock_down", lock), ``},
	} {
		r.memory.fail = errors.New("no space left on device")
		if a := r.ask(c.method, c.path, r.owner, c.body); a.status != 500 || strings.Contains(string(a.text), "space") {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.text)
		}
	}
	if l := r.ask("GET", "/locks", r.owner, "").list(); len(l) != 1 || l[0]["name"] != "Front" || l[0]["locked_down"] != false {
		t.Errorf("locks: %v", l)
	}
	if r.boards.Position(r.place) != position {
		t.Error("the log went on")
	}
	r.ok(204, "PATCH", f("/locks/%d", lock), r.owner, `{"lock":{"name":"Other"}}`)
}

// One change is one entry, whatever goes with it; what is no business of controllers
// is none.
func TestOneChangeIsOneEntry(t *testing.T) {
	w := newWorld(t)
	mia := w.memberOf(w.who[2])
	w.made("/cards", `{"card":{"member_id":%d,"uid":"01020304"}}`, mia)
	for _, c := range []struct {
		name, method, path, body string
		entries                  uint64
	}{
		{"a lock", "POST", "/locks", f(`{"lock":{"name":"Back","place_id":%d}}`, w.place), 1},
		{"its floor", "PATCH", f("/locks/%d", w.lock), `{"lock":{"floor_id":3}}`, 0},
		{"its name", "PATCH", f("/locks/%d", w.lock), `{"lock":{"name":"Main"}}`, 1},
		{"a member's name", "PATCH", f("/members/%d", mia), `{"member":{"name":"M."}}`, 0},
		{"names allowed", "PATCH", f("/places/%d", w.place), `{"place":{"names_on_controllers":true}}`, 1},
		{"a member's name then", "PATCH", f("/members/%d", mia), `{"member":{"name":"Mia"}}`, 1},
		{"a favourite", "POST", f("/locks/%d/favorite", w.lock), ``, 0},
		{"a webhook", "POST", "/webhooks", f(`{"webhook":{"url":"https://example.org/","place_id":%d}}`, w.place), 0},
		{"a group with all that hangs on it", "DELETE", f("/groups/%d", w.group), ``, 1},
		{"what was not valid", "POST", "/locks", f(`{"lock":{"place_id":%d}}`, w.place), 0},
	} {
		before := w.boards.Position(w.place).Version
		w.ask(c.method, c.path, w.owner, c.body)
		if got := w.boards.Position(w.place).Version - before; got != c.entries {
			t.Errorf("%s: %d entries", c.name, got)
		}
	}
	// Controllers get no addresses, and what they got of names they must give back.
	w.ok(204, "PATCH", f("/places/%d", w.place), w.owner, `{"place":{"names_on_controllers":false}}`)
	for key, value := range w.boards.live[w.place] {
		if strings.Contains(string(value), "@") || strings.Contains(string(value), "Mia") || key[0] == 4 {
			t.Errorf("a controller holds %q: %q", key, value)
		}
	}
}

func TestEveryChangeIsAnEvent(t *testing.T) {
	w := newWorld(t)
	ada := w.memberOf(w.who[4])
	in := w.ok(201, "POST", "/cards", w.owner, `{"card":{"member_id":%d,"kind":"pin","pin":"73519468"}}`, w.memberOf(w.who[2]))
	w.ok(204, "PATCH", f("/locks/%d", w.lock), w.who[4].authorization, `{"lock":{"name":"Main","description":"new"}}`)
	w.ok(204, "PATCH", f("/locks/%d", w.lock), w.who[6].authorization, `{"lock":{"name":"Front"}}`)
	w.ok(204, "DELETE", f("/groups/%d", w.group), w.owner, "")
	a := w.ask("GET", f("/events?place_id=%d&limit=250", w.place), w.owner, "")
	list := a.list()
	types := map[string]int{}
	for i, e := range list {
		types[e["type"].(string)]++
		if i > 0 && e["id"].(string) >= list[i-1]["id"].(string) {
			t.Error("not the newest first")
		}
		if e["actor_id"] == nil || e["created_at"] == nil || len(e["uuid"].(string)) != 36 || e["object_type"] == nil {
			t.Errorf("who, what, when: %v", e)
		}
	}
	for _, want := range []string{"place.create", "login.create", "lock.create", "group.create", "member.create", "member.accept", "role_assignment.create",
		"card.create", "lock.change", "group.delete", "access_key.create", "group_link.create"} {
		if want != "login.create" && types[want] == 0 {
			t.Errorf("no %s among %v", want, keysOf(types))
		}
	}
	if g := list[0]; g["type"] != "group.delete" || id(g, "removed") == 0 || id(g, "actor_id") != w.member {
		t.Errorf("the group: %v", g)
	}
	if k := list[1]; id(k, "actor_id") != ada || k["authenticated_by_type"] != "access_key" {
		t.Errorf("by a key: %v", k)
	}
	if l := list[2]; id(l, "actor_id") != ada || fmt.Sprint(l["changed"]) != "[name description]" || l["authenticated_by_type"] != "login" {
		t.Errorf("by a login: %v", l)
	}
	for _, secret := range []string{"73519468", "swordfish", "Mia", "mia@", "correct horse"} {
		if strings.Contains(string(a.text), secret) {
			t.Errorf("%q is in the events", secret)
		}
	}
	for _, c := range []struct {
		query string
		n     int
	}{
		{"type=group.delete", 1}, {"type=group.delete,card.create", 2}, {f("object=card:%d", id(in, "id")), 1}, {f("object_type=card&object_id=%d", id(in, "id")), 1},
		{f("actor=member:%d", ada), 3}, {"after=2026-03-02T10:00:00Z", 0}, {"before=2026-03-02T10:00:00Z&type=group.delete", 1}, {"before=2026-03-02T09:00:00Z", 0},
	} {
		if a := w.ask("GET", f("/events?place_id=%d&%s", w.place, c.query), w.owner, ""); len(a.list()) != c.n {
			t.Errorf("%s: %d events", c.query, len(a.list()))
		}
	}
	w.ok(400, "GET", f("/events?place_id=%d&after=yesterday", w.place), w.owner, "")
	w.ok(422, "GET", "/events", w.owner, "") // he has two places
	one := w.ok(200, "GET", "/events/"+list[3]["id"].(string), w.owner, "")
	if one["uuid"] != list[3]["uuid"] {
		t.Errorf("one: %v", one)
	}
	w.ok(404, "GET", "/events/00", w.owner, "")
}

// No answer that is not the one to a creation has a secret in it.
func TestSecretsAreShownOnce(t *testing.T) {
	w := newWorld(t)
	mia := w.memberOf(w.who[2])
	for _, c := range []struct{ path, body string }{
		{"/group_links", f(`{"group_link":{"group_id":%d}}`, w.group)},
		{"/access_keys", f(`{"access_key":{"name":"x","member_id":%d}}`, mia)},
		{"/webhooks", f(`{"webhook":{"url":"https://example.org/","place_id":%d}}`, w.place)},
		{"/cards", f(`{"card":{"member_id":%d,"kind":"link"}}`, mia)},
	} {
		made := w.ok(201, "POST", c.path, w.owner, c.body)
		secret, _ := made["secret"].(string)
		if len(secret) < 40 {
			t.Errorf("%s: %v", c.path, made)
		}
		one := w.ask("GET", f("%s/%d", c.path, id(made, "id")), w.owner, "")
		if text := string(one.text); strings.Contains(text, secret) || strings.Contains(text, hashed(secret)) || strings.Contains(text, "sha256") {
			t.Errorf("%s shows %s", c.path, text)
		}
	}
	w.ok(201, "POST", "/cards", w.owner, `{"card":{"member_id":%d,"kind":"pin","pin":"73519468"}}`, mia)
	if a := w.ask("GET", "/cards", w.owner, ""); strings.Contains(string(a.text), "73519468") {
		t.Errorf("a PIN is shown: %s", a.text)
	}
}

// Many at once: nothing is lost, nothing is there twice, nobody sees half of it.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	const people, each = 8, 15
	var all sync.WaitGroup
	for p := range people {
		all.Go(func() {
			for i := range each {
				lock := w.made("/locks", `{"lock":{"name":"Lock %d.%d","place_id":%d}}`, p, i, w.place)
				w.made("/group_locks", `{"group_lock":{"group_id":%d,"lock_id":%d}}`, w.group, lock)
				w.ok(204, "PATCH", f("/locks/%d", lock), w.owner, `{"lock":{"order_id":%d}}`, i)
				// One token, whoever is first.
				w.ask("POST", "/cards", w.owner, f(`{"card":{"place_id":%d,"uid":"%08x"}}`, w.place, i))
				if i%3 == 0 {
					w.ok(204, "DELETE", f("/locks/%d", lock), w.owner, "")
				}
			}
		})
		all.Go(func() {
			for range each {
				w.ask("GET", "/locks?sort=name&query=lock", w.who[p%7+1].authorization, "")
				w.ask("GET", f("/group_locks?group_id=%d", w.group), w.owner, "")
				w.ask("GET", f("/events?place_id=%d", w.place), w.owner, "")
			}
		})
	}
	all.Wait()
	if got, want := w.ask("GET", "/locks?query=lock", w.owner, "").header.Get("X-Collection-Range"), f("0-49/%d", people*each*2/3); got != want {
		t.Errorf("locks: %s, not %s", got, want)
	}
	if got := w.ask("GET", "/cards", w.owner, "").header.Get("X-Collection-Range"); got != f("0-49/%d", each) {
		t.Errorf("cards: %s", got)
	}
	records := w.Records(w.place)
	if p := records.Validate(); len(p) > 0 {
		t.Error(p)
	}
}

// A client that is slow holds up no other: a change is made when its body is there.
func TestASlowBody(t *testing.T) {
	r := newRig(t)
	body := &slow{started: make(chan bool), proceed: make(chan bool)}
	var all sync.WaitGroup
	all.Go(func() {
		q := httptest.NewRequest("POST", "/locks", body)
		q.Header.Set("Authorization", r.owner)
		r.handler.ServeHTTP(httptest.NewRecorder(), q)
	})
	<-body.started
	r.made("/locks", `{"lock":{"name":"Meanwhile","place_id":%d}}`, r.place)
	close(body.proceed)
	all.Wait()
}

// A body that does not come is not waited for for ever: whoever needs no password to
// send one must not fill the memory with them. In virtual time.
func TestABodyThatDoesNotCome(t *testing.T) {
	r := newRig(t)
	for name, head := range map[string]string{
		"a sign-in":              "POST /logins HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
		"one that has no secret": "POST /locks HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
		"a question of a page":   "OPTIONS /locks HTTP/1.1\r\nHost: x\r\nAccess-Control-Request-Method: GET\r\nContent-Length: 1000\r\n\r\n{",
		"one that needs no body": "GET /openapi.json HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				l := &oneConn{conn: server, closed: make(chan bool)}
				s := &http.Server{Handler: r.handler}
				go s.Serve(l)
				if _, err := client.Write([]byte(head)); err != nil {
					t.Fatal(err)
				}
				ended := make(chan bool)
				go func() {
					_, _ = io.Copy(io.Discard, client)
					close(ended)
				}()
				select {
				case <-ended:
				case <-time.After(2 * readPatience):
					t.Error("the connection is still held")
				}
				client.Close()
				s.Close()
			})
		})
	}
}

// Who asks and does not read the answer holds the connection for a time only.
func TestNobodyIsWrittenToForEver(t *testing.T) {
	r := newRig(t)
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		s := &http.Server{Handler: r.handler}
		go s.Serve(&oneConn{conn: server, closed: make(chan bool)})
		if _, err := client.Write([]byte("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * writePatience)
		text, err := io.ReadAll(client)
		if err != nil || len(text) > 0 {
			t.Errorf("it is still there to be read: %d bytes, %v", len(text), err)
		}
		client.Close()
		s.Close()
	})
}

// oneConn listens for one connection.
type oneConn struct {
	conn   net.Conn
	closed chan bool
	once   sync.Once
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

type slow struct {
	started, proceed chan bool
	once             sync.Once
}

func (s *slow) Read([]byte) (int, error) {
	s.once.Do(func() { close(s.started) })
	<-s.proceed
	return 0, errors.New("gone")
}
