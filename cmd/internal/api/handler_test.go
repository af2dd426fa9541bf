package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"doord/policy"
	"doord/store"
)

// fake is a daemon with one door. What it does not implement the tests do not call.
type fake struct {
	Daemon
	loaded *policy.Records
}

func (*fake) Status(context.Context) (Status, error) { return Status{Version: Version, Doors: 1}, nil }

func (*fake) Doors(context.Context) ([]Door, error) {
	return []Door{{Name: "front", State: "locked"}}, nil
}

func (*fake) Relays(context.Context) ([]Relay, error) { return nil, errors.New("the loop is gone") }

func (*fake) Command(_ context.Context, door string, c Command) (Result, error) {
	if door != "front" {
		return Result{}, &Error{Status: http.StatusNotFound, Text: "there is no door " + door, Hint: "doorctl doors lists them"}
	}
	return Result{Version: Version, Granted: true, Door: door, Text: c.Action}, nil
}

func (f *fake) LoadPolicy(_ context.Context, r *policy.Records) (Loaded, error) {
	f.loaded = r
	return Loaded{Version: Version, Revision: 1, Warnings: []string{}}, nil
}

func (*fake) Events() (*store.Journal, error) {
	return nil, fmt.Errorf("the journal: %w", &Error{Status: http.StatusServiceUnavailable, Text: "it cannot be opened", Hint: "mend the disk"})
}

func (*fake) Lint(context.Context) (policy.Problems, error) { return nil, nil }

// board is a simulated board that knows one input.
type board struct{ Simulator }

func (board) Relay(_ context.Context, v SimRelay) error {
	if v.Channel != 1 {
		return &Error{Status: http.StatusNotFound, Text: "there is no relay"}
	}
	return nil
}

func TestAnAnswerOtherThanSuccessIsAnError(t *testing.T) {
	tests := []struct {
		name, method, path, body string
		sim                      Simulator
		status                   int
		text, hint               string
	}{
		{"an unknown path", "GET", "/v1/nothing", "", nil, 404, "there is no GET /v1/nothing", "sim commands need a simulated board: start doorsim"},
		{"an unknown path of a simulated board", "GET", "/v1/nothing", "", board{}, 404, "there is no GET /v1/nothing", ""},
		{"a method that the path has not", "DELETE", "/v1/doors", "", board{}, 404, "there is no DELETE /v1/doors", ""},
		{"the root", "GET", "/", "", board{}, 404, "there is no GET /", ""},
		{"a simulation on a real board", "POST", "/v1/sim/relay", "{}", nil, 404, "there is no POST /v1/sim/relay", "sim commands need a simulated board: start doorsim"},
		{"a simulated relay that is not there", "POST", "/v1/sim/relay", `{"channel":2,"state":"free"}`, board{}, 404, "there is no relay", ""},
		{"no body", "POST", "/v1/doors/front", "", nil, 400, "the request is not as expected: EOF", ""},
		{"a body that is no JSON", "POST", "/v1/doors/front", "unlock", nil, 400, "the request is not as expected: invalid character 'u' looking for beginning of value", ""},
		{"a field that nobody knows", "POST", "/v1/doors/front", `{"action":"unlock","force":true}`, nil, 400, `the request is not as expected: json: unknown field "force"`, ""},
		{"a field of another type", "POST", "/v1/doors/front", `{"action":1}`, nil, 400, "the request is not as expected: json: cannot unmarshal number into Go struct field Command.action of type string", ""},
		{"a body that never ends", "POST", "/v1/doors/front", `{"action":"` + strings.Repeat("a", 2<<20), nil, 400, "the request is not as expected: unexpected EOF", ""},
		{"an unknown door", "POST", "/v1/doors/cellar", `{"action":"unlock"}`, nil, 404, "there is no door cellar", "doorctl doors lists them"},
		{"a fault of the daemon", "GET", "/v1/relays", "", nil, 500, "the loop is gone", ""},
		{"a journal that cannot be opened", "GET", "/v1/journal/verify", "", nil, 503, "it cannot be opened", "mend the disk"},
		{"events of a journal that cannot be opened", "GET", "/v1/events", "", nil, 503, "it cannot be opened", "mend the disk"},
		{"a sequence that is no number", "GET", "/v1/events?since=now", "", nil, 400, "since must be the sequence of an event", ""},
		{"a sequence below nothing", "GET", "/v1/events?since=-1", "", nil, 400, "since must be the sequence of an event", ""},
		{"a relay that is no number", "POST", "/v1/relays/front", "{}", nil, 400, "a relay's channel is a number, not front", ""},
		{"a zone that is no number", "POST", "/v1/zones/hall", "{}", nil, 400, "an id is a number, not hall", ""},
		{"a day that is none", "GET", "/v1/doors/front/week?from=2026-02-30", "", nil, 400, `from: "2026-02-30" is not a date: write YYYY-MM-DD`, ""},
		{"a policy that is no JSON", "POST", "/v1/policy", "{\n  \"place\": }", nil, 422, "not a policy: invalid character '}' looking for beginning of value (line 2, column 12)", "the policy in force stays"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			Handler(&fake{}, tt.sim).ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body)))
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("its type is %q", got)
			}
			var e Error
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
			if w.Code != tt.status || e.Status != tt.status || e.Version != Version {
				t.Errorf("status %d, in the body %d, of version %d", w.Code, e.Status, e.Version)
			}
			if e.Text != tt.text || e.Hint != tt.hint || len(e.Problems) != 0 {
				t.Errorf("got %q, hint %q, %v", e.Text, e.Hint, e.Problems)
			}
		})
	}
}

// One error may be the answer to many at once.
func TestAnErrorThatIsSharedStaysAsItIs(t *testing.T) {
	e := &Error{Status: http.StatusServiceUnavailable, Text: "not now"}
	w := httptest.NewRecorder()
	Refuse(e).ServeHTTP(w, httptest.NewRequest("GET", "/v1/status", nil))
	if w.Code != http.StatusServiceUnavailable || e.Version != 0 {
		t.Errorf("status %d, and it became %+v", w.Code, e)
	}
}

func TestEveryProblemOfAPolicyIsToldWithItsPath(t *testing.T) {
	f := &fake{}
	w := httptest.NewRecorder()
	Handler(f, nil).ServeHTTP(w, httptest.NewRequest("POST", "/v1/policy", strings.NewReader(
		`{"place":{"id":1,"name":"P","time_zone":"UTC"},"group_locks":[{"id":1,"group_id":7,"lock_id":8}]}`)))
	var e Error
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusUnprocessableEntity || e.Hint != "mend these and load it again" || f.loaded != nil {
		t.Errorf("%d %+v", w.Code, e)
	}
	want := map[string]bool{"group_locks[0].group_id": true, "group_locks[0].lock_id": true}
	for _, p := range e.Problems {
		delete(want, p.Path)
	}
	if len(want) > 0 {
		t.Errorf("not told: %v, but %v", want, e.Problems)
	}
}

func TestAnswersStateTheirVersion(t *testing.T) {
	for _, path := range []string{"/v1/status", "/v1/doors", "/v1/lint"} {
		w := httptest.NewRecorder()
		Handler(&fake{}, nil).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		var v map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != http.StatusOK || v["version"] != float64(Version) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	Handler(&fake{}, nil).ServeHTTP(w, httptest.NewRequest("GET", "/v1/lint", nil))
	if got := w.Body.String(); got != `{"version":1,"warnings":[]}`+"\n" {
		t.Errorf("no warnings are %s", got)
	}
}

// The client makes of the handler's answers what they were.
func TestClientAndHandlerAgree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doord.sock")
	f := &fake{}
	serve(t, listen(t, path), Handler(f, board{}))
	c, ctx := NewClient(path), context.Background()

	var doors Doors
	if err := c.Get(ctx, "/v1/doors", &doors); err != nil || len(doors.Doors) != 1 || doors.Doors[0].Name != "front" {
		t.Errorf("%+v, %v", doors, err)
	}
	var r Result
	if err := c.Post(ctx, "/v1/doors/front", Command{Action: "unlock"}, &r); err != nil || !r.Granted || r.Text != "unlock" {
		t.Errorf("%+v, %v", r, err)
	}
	if l, err := c.LoadPolicy(ctx, []byte(`{"place":{"id":1,"name":"P","time_zone":"UTC"}}`)); err != nil || l.Revision != 1 || f.loaded == nil {
		t.Errorf("%+v, %v", l, err)
	}
	err := c.Post(ctx, "/v1/doors/cellar", Command{Action: "unlock"}, &r)
	var e *Error
	if !errors.As(err, &e) || errors.Is(err, ErrUnreachable) || err.Error() != "there is no door cellar\ndoorctl doors lists them" {
		t.Errorf("got %v", err)
	}
	for record, err := range c.Events(ctx, 0, true) {
		if !errors.As(err, &e) || e.Status != http.StatusServiceUnavailable {
			t.Errorf("%+v, %v", record, err)
		}
	}
}

func TestAnAnswerThatIsNotTheDaemonsIsNamedByItsStatus(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doord.sock")
	serve(t, listen(t, path), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/garbage" {
			_, _ = w.Write([]byte("garbage"))
			return
		}
		http.Error(w, "another program", http.StatusTeapot)
	}))
	c := NewClient(path)
	var v any
	if err := c.Get(context.Background(), "/v1/status", &v); err == nil || err.Error() != "GET /v1/status: 418 I'm a teapot" {
		t.Errorf("got %v", err)
	}
	if err := c.Get(context.Background(), "/garbage", &v); err == nil || !strings.HasPrefix(err.Error(), "GET /garbage: the answer cannot be read: ") {
		t.Errorf("got %v", err)
	}
}
