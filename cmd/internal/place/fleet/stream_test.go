package fleet

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"doord/policy"
	"doord/policy/ledger"
	"doord/policy/zone"
	"doord/store/cloudsync"
)

var nonce = []byte("sixteen bytes ok")

// listening is a stream that a board has open.
type listening struct {
	b      *board
	lines  *bufio.Scanner
	cancel func()
	close  func() error
}

// listen opens a stream of a place that has no zones.
func (b *board) listen() *listening {
	b.r.t.Helper()
	l := b.open()
	var hello cloudsync.Hello
	l.next(cloudsync.StreamHello, &hello)
	if hello.Time.IsZero() {
		b.r.t.Error("no time")
	}
	l.next(cloudsync.StreamPolicy, nil)
	return l
}

func (b *board) open() *listening {
	b.r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, "GET", b.url(cloudsync.PathStream), nil)
	if err != nil {
		b.r.t.Fatal(err)
	}
	request.Header.Set(cloudsync.HeaderNonce, hex.EncodeToString(nonce))
	a, err := b.http.Do(request)
	if err != nil || a.StatusCode != http.StatusOK {
		b.r.t.Fatal(a, err)
	}
	l := &listening{b, bufio.NewScanner(a.Body), cancel, a.Body.Close}
	b.r.t.Cleanup(l.end)
	return l
}

func (l *listening) end() {
	l.cancel()
	l.close()
}

// next reads the next event, which must have this name.
func (l *listening) next(name string, into any) {
	l.b.r.t.Helper()
	got, data := "", ""
	for l.lines.Scan() {
		line := l.lines.Text()
		switch {
		case strings.HasPrefix(line, "event: "):
			got = line[7:]
		case strings.HasPrefix(line, "data: "):
			data = line[6:]
		case line == "" && got != "":
			if got != name {
				l.b.r.t.Fatalf("came %s %s, want %s", got, data, name)
			}
			if into != nil {
				if err := json.Unmarshal([]byte(data), into); err != nil {
					l.b.r.t.Fatal(err)
				}
			}
			return
		}
	}
	l.b.r.t.Fatalf("the stream ended: want %s", name)
}

// ended reports whether the stream ends.
func (l *listening) ended() bool {
	for l.lines.Scan() {
	}
	return true
}

func (l *listening) command() (c cloudsync.Command) {
	l.b.r.t.Helper()
	var signed ledger.Signed
	l.next(cloudsync.StreamCommand, &signed)
	if err := l.b.trust.Open(signed, ledger.ForCommand, l.b.r.now(), &c); err != nil {
		l.b.r.t.Fatal(err)
	}
	return c
}

func TestACommandIsCarriedOut(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	ctx := t.Context()
	if _, err := r.fleet.Do(ctx, 7, cloudsync.ActionUnlock, 1, 0, nil); !errors.Is(err, ErrOffline) {
		t.Fatal(err)
	}
	l := b.listen()
	for i := range 3 {
		var result cloudsync.Result
		done := make(chan error)
		go func() {
			var err error
			result, err = r.fleet.Do(ctx, 7, cloudsync.ActionUnlock, 4, 0, cloudsync.Unlock{Member: 9})
			done <- err
		}()
		c := l.command()
		if string(c.Nonce) != string(nonce) || c.Sequence != uint64(i+1) || c.Controller != 7 || c.Lock != 4 || string(c.Body) != `{"member":9}` || c.Elapsed < 0 {
			t.Errorf("%+v", c)
		}
		path := fmt.Sprintf(cloudsync.PathResult, c.ID)
		want := cloudsync.Result{Done: true, Event: "e"}
		if status := b.ask("POST", path, nil, want, nil); status != http.StatusNoContent {
			t.Error(status)
		}
		if err := <-done; err != nil || result.Event != "e" || !result.Done {
			t.Error(result, err)
		}
		if status := b.ask("POST", path, nil, want, nil); status != http.StatusNotFound {
			t.Errorf("a result that comes twice: %d", status)
		}
	}
}

func TestACommandThatIsNotAnsweredTimesOut(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	l := b.listen()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := r.fleet.Do(ctx, 7, cloudsync.ActionUnlock, 1, 0, nil)
		done <- err
	}()
	c := l.command()
	cancel()
	if err := <-done; !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	if status := b.ask("POST", fmt.Sprintf(cloudsync.PathResult, c.ID), nil, cloudsync.Result{}, nil); status != http.StatusNotFound {
		t.Errorf("a late result: %d", status)
	}
	if status := b.ask("POST", "/v1/commands/x/result", nil, cloudsync.Result{}, nil); status != http.StatusNotFound {
		t.Error(status)
	}
}

func TestTheResultMustComeFromItsController(t *testing.T) {
	r := newRig(t)
	b, other := r.enroll(1, 7), r.enroll(1, 8)
	l := b.listen()
	done := make(chan error)
	go func() {
		_, err := r.fleet.Do(t.Context(), 7, cloudsync.ActionUnlock, 1, 0, nil)
		done <- err
	}()
	path := fmt.Sprintf(cloudsync.PathResult, l.command().ID)
	if status := other.ask("POST", path, nil, cloudsync.Result{Done: true}, nil); status != http.StatusNotFound {
		t.Error(status)
	}
	b.ask("POST", path, nil, cloudsync.Result{Done: true}, nil)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestCommandsAreBounded(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	l := b.listen()
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for range maxCommands {
		all.Go(func() { r.fleet.Do(ctx, 7, cloudsync.ActionUnlock, 1, 0, nil) })
		l.command()
	}
	if _, err := r.fleet.Do(ctx, 7, cloudsync.ActionUnlock, 1, 0, nil); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	cancel()
	all.Wait()
}

func TestANewerStreamReplacesTheOlder(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	var mu sync.Mutex
	var kinds []NoticeKind
	cancel := r.fleet.Subscribe(func(n Notice) {
		mu.Lock()
		defer mu.Unlock()
		kinds = append(kinds, n.Kind)
	})
	defer cancel()
	old := b.listen()
	l := b.listen()
	if !old.ended() {
		t.Error("two streams")
	}
	if _, online, since := r.fleet.Status(7); !online || since.IsZero() {
		t.Error("not online")
	}
	done := make(chan error)
	go func() {
		_, err := r.fleet.Do(t.Context(), 7, cloudsync.ActionReboot, 0, 0, nil)
		done <- err
	}()
	c := l.command()
	if c.Sequence != 1 {
		t.Errorf("a new stream begins with %d", c.Sequence)
	}
	if err := r.fleet.Revoke(7); err != nil {
		t.Fatal(err)
	}
	if !l.ended() {
		t.Error("the stream of a controller that was revoked goes on")
	}
	b.http.CloseIdleConnections()
	r.fleet.Close()
	if err := <-done; !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(kinds) != "[online offline]" {
		t.Error(kinds)
	}
}

func TestAStreamNeedsItsNonce(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	for _, n := range []string{"", "00", strings.Repeat("x", 32), strings.Repeat("0", 34)} {
		if status := b.ask("GET", cloudsync.PathStream, http.Header{cloudsync.HeaderNonce: {n}}, nil, nil); status != http.StatusBadRequest {
			t.Errorf("%q: %d", n, status)
		}
	}
}

func TestStreamsHintAtChanges(t *testing.T) {
	r := newRig(t)
	l := r.enroll(1, 7).listen()
	r.put(1, small("zones", 5, "{}"))
	var at string
	l.next(cloudsync.StreamPolicy, &at)
	if at != r.fleet.Position(1).String() {
		t.Error(at)
	}
}

func TestStatusesAreKept(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	if status := b.ask("POST", cloudsync.PathStatus, nil, cloudsync.Status{Version: "9", Queue: 4}, nil); status != http.StatusNoContent {
		t.Error(status)
	}
	if status := b.ask("POST", cloudsync.PathStatus, nil, []byte("x"), nil); status != http.StatusBadRequest {
		t.Error(status)
	}
	for range 2 {
		if s, online, _ := r.fleet.Status(7); s.Version != "9" || s.Queue != 4 || online {
			t.Errorf("%+v", s)
		}
		r.stop()
		r.start()
	}
	if s, _, _ := r.fleet.Status(8); s.Version != "" {
		t.Error("a status of nobody")
	}
}

func TestControllersShareAZone(t *testing.T) {
	r := newRig(t)
	if err := r.fleet.AddPlace(2); err != nil {
		t.Fatal(err)
	}
	a, b, stranger := r.enroll(1, 7), r.enroll(1, 8), r.enroll(2, 9)
	path := fmt.Sprintf(cloudsync.PathZone, 5)
	if status := a.ask("GET", path, nil, nil, nil); status != http.StatusNotFound {
		t.Errorf("a zone that there is not: %d", status)
	}
	r.put(1, small("zones", 5, "{}"))
	listens := b.listen()
	until := r.now().Add(time.Hour).UTC().Truncate(time.Second)
	put := func(match string, s zone.Shared) (int, cloudsync.ZoneState) {
		var z cloudsync.ZoneState
		status, text := raw(t, a.http, "PUT", a.url(path), http.Header{"If-Match": {match}}, s)
		json.Unmarshal(text, &z)
		return status, z
	}
	disarmed := zone.Shared{Override: zone.Override{Level: policy.Disarmed, Until: until, Order: 99}}
	status, z := put(`"0"`, disarmed)
	first := z.Shared.Override.Order
	if status != 200 || z.Version != 1 || first <= 99 {
		t.Errorf("%d %+v", status, z)
	}
	var told cloudsync.ZoneState
	listens.next(cloudsync.StreamZone, &told)
	if told.Version != 1 || told.Shared.Override.Level != policy.Disarmed {
		t.Errorf("%+v", told)
	}
	if status, z := put(`"0"`, zone.Shared{}); status != http.StatusPreconditionFailed || z.Version != 1 {
		t.Errorf("an old version: %d %+v", status, z)
	}
	if status, z := put(`"1"`, disarmed); status != 200 || z.Version != 1 {
		t.Errorf("the same again: %d %+v", status, z)
	}
	ahead := r.now().Add(24 * time.Hour)
	if _, z := put(`"1"`, zone.Shared{ViolatedAt: ahead}); z.Version != 2 || !z.Shared.ViolatedAt.Equal(ahead) || z.Shared.Override.Level != policy.Disarmed {
		t.Errorf("a violation by a clock that is ahead, which leaves the override: %+v", z)
	}
	listens.next(cloudsync.StreamZone, &told)
	away := zone.Shared{Override: zone.Override{Level: policy.Away, Until: until}}
	if _, z := put(`"2"`, away); z.Shared.Override.Order <= first || z.Shared.Override.Level != policy.Away {
		t.Errorf("a later override: %+v", z)
	}
	listens.next(cloudsync.StreamZone, &told)
	for name, test := range map[string]struct {
		match string
		body  any
		want  int
	}{
		"without If-Match":        {"", away, http.StatusPreconditionRequired},
		"with another If-Match":   {"x", away, http.StatusBadRequest},
		"with any version":        {"*", away, http.StatusBadRequest},
		"a level that is not one": {`"3"`, []byte(`{"override":{"level":"open"}}`), http.StatusUnprocessableEntity},
		"no JSON":                 {`"3"`, []byte(`x`), http.StatusBadRequest},
	} {
		if status, _ := raw(t, a.http, "PUT", a.url(path), http.Header{"If-Match": {test.match}}, test.body); status != test.want {
			t.Errorf("%s: %d", name, status)
		}
	}
	for _, method := range []string{"GET", "PUT"} {
		if status, _ := raw(t, stranger.http, method, stranger.url(path), http.Header{"If-Match": {`"3"`}}, away); status != http.StatusNotFound {
			t.Errorf("%s from another place: %d", method, status)
		}
	}
	if _, err := r.fleet.SetZone(2, 5, func(s zone.Shared) zone.Shared { return zone.Shared{} }); err == nil {
		t.Error("changed from another place")
	}
	z, err := r.fleet.SetZone(1, 5, func(s zone.Shared) zone.Shared {
		s.Override = zone.Override{Until: until} // cancelled
		return s
	})
	if err != nil || z.Version != 4 || z.Shared.Override.Order <= first {
		t.Errorf("%+v, %v", z, err)
	}
	listens.next(cloudsync.StreamZone, &told)
	r.stop()
	r.start()
	if got := r.fleet.Zone(5); got.Version != 4 || got.Shared.Override.Order != z.Shared.Override.Order {
		t.Errorf("after a restart: %+v", got)
	}
	b.use(b.given.Certificate)
	again := b.open()
	again.next(cloudsync.StreamHello, nil)
	again.next(cloudsync.StreamZone, &told) // a new stream begins with what there is
	if told.Version != 4 {
		t.Errorf("%+v", told)
	}
}

func FuzzIfNoneMatch(f *testing.F) {
	f.Add(`"1.2.` + strings.Repeat("0", 64) + `"`)
	f.Add(`W/"x"`)
	f.Fuzz(func(t *testing.T, s string) {
		p, has, err := parsePosition([]string{s})
		if err == nil && (!has || strings.TrimPrefix(strings.TrimSpace(s), "W/") != `"`+p.String()+`"`) {
			t.Errorf("%q is %v", s, p)
		}
		if wait := parseWait([]string{s, "wait=" + s}); wait < 0 || wait > cloudsync.LongPoll {
			t.Error(wait)
		}
	})
}
