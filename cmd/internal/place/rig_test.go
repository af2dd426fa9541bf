package place

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"go.uber.org/goleak"

	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/storage"
	"doord/policy/ledger"
	"doord/store/cloudsync"
)

// keys is the folder of the fleet's keys, made once: only what is on a disk of its own
// has its own.
var keys string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "place")
	if err != nil {
		panic(err)
	}
	keys = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// boards is a fleet whose controllers do what the test says.
type boards struct {
	*fleet.Fleet
	mu       sync.Mutex
	do       func(controller int64, action cloudsync.Action, lock, object int64, body any) (cloudsync.Result, error)
	statuses map[int64]cloudsync.Status
	live     map[int64]map[string][]byte // what was staged and committed amounts to
	entries  int
}

func (b *boards) Do(_ context.Context, controller int64, action cloudsync.Action, lock, object int64, body any) (cloudsync.Result, error) {
	b.mu.Lock()
	do := b.do
	b.mu.Unlock()
	if do == nil {
		return cloudsync.Result{}, fleet.ErrOffline
	}
	return do(controller, action, lock, object, body)
}

func (b *boards) Status(controller int64) (cloudsync.Status, bool, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, online := b.statuses[controller]
	return s, online, time.Time{}
}

// Stage keeps what becomes of the log, beside the fleet itself.
func (b *boards) Stage(place int64, changes []ledger.Record) (fleet.Staged, error) {
	s, err := b.Fleet.Stage(place, changes)
	if err == nil && len(s.Rows) > 0 {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.entries++
		if b.live[place] == nil {
			b.live[place] = map[string][]byte{}
		}
		for _, c := range changes {
			key := string(rune(c.Table)) + string(c.Key)
			if len(c.Value) == 0 {
				delete(b.live[place], key)
			} else {
				b.live[place][key] = c.Value
			}
		}
	}
	return s, err
}

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// rig is a service of its own.
type rig struct {
	testing.TB
	*Service
	dir     string
	disk    bool // a real storage
	memory  *memory
	config  Config
	boards  *boards
	clock   *clock
	handler http.Handler
	stop    func()
	check   *checker

	owner  string // his authorization
	place  int64
	member int64 // the owner's
}

// newRig makes a service with a place and its owner.
func newRig(t testing.TB, change ...func(*rig)) *rig {
	r := &rig{TB: t, dir: t.TempDir(), memory: &memory{}, clock: &clock{t: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}}
	r.config = Config{Now: r.clock.now, Rate: 1e9, Burst: 1e9}
	for _, f := range change {
		f(r)
	}
	r.open()
	t.Cleanup(func() { r.stop() })
	in := r.ok(201, "POST", "/setup", "", `{"code":%q,"email":"owner@example.org","password":"correct horse","name":"Olivia","place":{"name":"HQ","time_zone":"Europe/Berlin"}}`, r.Setup())
	r.owner, r.place, r.member = "KISI-LOGIN "+in["secret"].(string), id(in, "place_id"), id(in, "member_id")
	return r
}

// open opens the service, again after stop.
func (r *rig) open() {
	r.Helper()
	var db storage.Storage = r.memory
	dir := keys
	if r.disk {
		dir = r.dir
		var err error
		if db, err = storage.Open(r.dir); err != nil {
			r.Fatal(err)
		}
	}
	f, err := fleet.Open(fleet.Config{Storage: db, Dir: dir, Now: r.clock.now, Hosts: []string{"localhost"}})
	if err != nil {
		r.Fatal(err)
	}
	r.boards = &boards{Fleet: f, statuses: map[int64]cloudsync.Status{}, live: map[int64]map[string][]byte{}}
	r.config.Storage, r.config.Fleet = db, r.boards
	if r.Service, err = New(r.config); err != nil {
		r.Fatal(err)
	}
	r.passwords.memory, r.passwords.time = 64, 1 // as slow as tests can bear
	r.handler = r.Handler()
	r.stop = sync.OnceFunc(func() {
		r.Close()
		if err := f.Close(); err != nil {
			r.Error(err)
		}
		if err := db.Close(); err != nil {
			r.Error(err)
		}
	})
	r.check = newChecker(r, r.described)
}

// answer is what a request was answered with.
type answer struct {
	status int
	header http.Header
	text   []byte
}

func (a answer) object() (o map[string]any) {
	_ = json.Unmarshal(a.text, &o)
	return o
}

func (a answer) list() (l []map[string]any) {
	_ = json.Unmarshal(a.text, &l)
	return l
}

// ask makes a request, and checks the answer against the description.
func (r *rig) ask(method, path, authorization, body string) answer {
	r.Helper()
	q := httptest.NewRequest(method, "http://place.test"+path, strings.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Accept", "application/json")
	if authorization != "" {
		q.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, q)
	a := answer{w.Code, w.Header(), w.Body.Bytes()}
	r.check.answer(r, q, a)
	return a
}

// ok makes a request that must be answered with a status.
func (r *rig) ok(status int, method, path, authorization, body string, args ...any) map[string]any {
	r.Helper()
	if len(args) > 0 {
		body = fmt.Sprintf(body, args...)
	}
	a := r.ask(method, path, authorization, body)
	if a.status != status {
		r.Fatalf("%s %s %s\nanswered %d, not %d: %s", method, path, body, a.status, status, a.text)
	}
	return a.object()
}

// made creates something as the owner and returns its id.
func (r *rig) made(path, body string, args ...any) int64 {
	r.Helper()
	return id(r.ok(201, "POST", path, r.owner, body, args...), "id")
}

func id(o map[string]any, name string) int64 {
	n, _ := o[name].(float64)
	return int64(n)
}

// checker judges answers by the OpenAPI description.
type checker struct {
	router routers.Router
	mu     sync.Mutex
	seen   map[string]bool // "GET /locks 200"
}

// newChecker reads the description once: it is the same of every service.
func newChecker(t testing.TB, description []byte) *checker {
	t.Helper()
	oneChecker.Do(func() { theChecker = readChecker(t, description) })
	return theChecker
}

var (
	oneChecker sync.Once
	theChecker *checker
)

func readChecker(t testing.TB, description []byte) *checker {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		t.Fatalf("the description cannot be read: %v", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatalf("the description is not valid: %v", err)
	}
	doc.Servers = nil // they are relative to where it is served
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &checker{router: router, seen: map[string]bool{}}
}

func (c *checker) answer(t testing.TB, q *http.Request, a answer) {
	t.Helper()
	route, params, err := c.router.FindRoute(q)
	if err != nil || a.status == 405 { // 404 and 405 have no route
		if a.status != 404 && a.status != 405 && a.status != 204 {
			t.Errorf("%s %s is not described, but answered %d", q.Method, q.URL.Path, a.status)
		}
		return
	}
	c.mu.Lock()
	c.seen[fmt.Sprint(route.Method, " ", route.Path, " ", a.status)] = true
	c.mu.Unlock()
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: q, PathParams: params, Route: route},
		Status:                 a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.text)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
	if err != nil {
		t.Errorf("%s %s answered %d, which is not as described: %v\n%s", q.Method, q.URL.Path, a.status, err, a.text)
	}
}

// person makes a member with a password, and returns his id and authorization.
func (r *rig) person(place int64, name string) (int64, string) {
	r.Helper()
	m := r.ok(201, "POST", "/members", r.owner, `{"member":{"place_id":%d,"name":%q,"email":"%s@example.org"}}`, place, name, strings.ToLower(name))
	in := r.ok(201, "POST", "/invitations", "", `{"invitation":{"code":%q,"password":"swordfish!"}}`, m["invitation"].(map[string]any)["code"])
	return id(m, "id"), "KISI-LOGIN " + in["secret"].(string)
}

func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
