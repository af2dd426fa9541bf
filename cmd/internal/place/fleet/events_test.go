package fleet

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doord/policy"
	"doord/policy/ledger"
	"doord/store"
	"doord/store/cloudsync"
)

// journal is one of a real store, in which so many events happened.
func journal(t testing.TB, n int) *store.Journal {
	t.Helper()
	j, err := store.OpenJournal(t.TempDir(), store.Options{BootID: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	happen(t, j, n)
	return j
}

func happen(t testing.TB, j *store.Journal, n int) {
	t.Helper()
	for i := range n {
		j.Append(policy.Event{
			At:     policy.Now{Up: time.Duration(i) * time.Second, Wall: time.Date(2026, 3, 1, 8, 0, i, 0, time.UTC), WallSet: true},
			Type:   policy.LockUnlock,
			Object: policy.Ref{Type: "lock", ID: int64(i%3 + 1), Name: "gate"},
			Actor:  policy.Ref{Type: "member", ID: int64(i%5 + 1)}, Success: true, Revision: 7,
		})
	}
	if err := j.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// lines returns the events from one to another as they are sent.
func lines(t testing.TB, j *store.Journal, from, to uint64) []byte {
	t.Helper()
	all, err := j.Since(from-1, int(to-from+1))
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for _, r := range all {
		b = append(r.AppendJSON(b), '\n')
	}
	return b
}

func zipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(b)
	w.Close()
	return z.Bytes()
}

var gzipped = http.Header{"Content-Encoding": {"gzip"}}

// send uploads events and returns the status and the answer.
func (b *board) send(body []byte, since string) (int, cloudsync.Ack, cloudsync.Error) {
	b.r.t.Helper()
	header := gzipped.Clone()
	if since != "" {
		header.Set(cloudsync.HeaderSince, since)
	}
	status, text := raw(b.r.t, b.http, "POST", b.url(cloudsync.PathEvents), header, zipped(body))
	var ack cloudsync.Ack
	var e cloudsync.Error
	into := any(&ack)
	if status != http.StatusOK {
		into = &e
	}
	if err := json.Unmarshal(text, into); err != nil {
		b.r.t.Fatal(err)
	}
	return status, ack, e
}

// events returns what a query picks, but for those of enrolments.
func (r *rig) events(q Query) (all []Event) {
	r.t.Helper()
	for e, err := range r.fleet.Events(r.t.Context(), 1, q) {
		if err != nil {
			r.t.Fatal(err)
		}
		if has(string(e.Text), eventEnrolled) {
			continue
		}
		all = append(all, e)
	}
	return all
}

func sequences(t testing.TB, events []Event) (all []uint64) {
	for _, e := range events {
		var r store.Record
		if err := json.Unmarshal(e.Text, &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Sequence)
	}
	return all
}

// What a controller began to send before it was enrolled anew, or revoked, is not taken
// when it has come: its events come by the new enrolment, and would be there twice.
func TestAnEarlierEnrolmentsUploadIsNotTaken(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	r.put(1, small("zones", 3, "z"))
	j := journal(t, 10)
	if status, _, e := b.send(lines(t, j, 1, 5), ""); status != http.StatusOK {
		t.Fatal(status, e)
	}
	begin := func(method, path string, header http.Header, body []byte) (finish func() int) {
		piece, rest := io.Pipe()
		request, err := http.NewRequestWithContext(t.Context(), method, b.url(path), piece)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = header
		client, status := b.http, make(chan int, 1)
		go func() {
			a, err := client.Do(request)
			if err != nil {
				t.Error(err)
				status <- 0
				return
			}
			a.Body.Close()
			status <- a.StatusCode
		}()
		_, _ = rest.Write(body[:1])
		time.Sleep(100 * time.Millisecond) // the service knows who asks
		return func() int {
			_, _ = rest.Write(body[1:])
			rest.Close()
			return <-status
		}
	}
	upload := begin("POST", cloudsync.PathEvents, gzipped.Clone(), zipped(lines(t, j, 6, 10)))
	zone := begin("PUT", fmt.Sprintf(cloudsync.PathZone, 3), http.Header{"If-Match": {`"0"`}}, []byte(`{"violated_at":"2026-03-01T08:00:00Z"}`))
	again := r.enroll(1, 7)
	if status, ack, e := again.send(lines(t, j, 6, 10), ""); status != http.StatusOK || ack.AckedThrough != 10 {
		t.Fatal(status, ack, e)
	}
	if status := upload(); status != http.StatusForbidden {
		t.Errorf("events: %d", status)
	}
	if status := zone(); status != http.StatusForbidden || r.fleet.Zone(3).Version != 0 {
		t.Errorf("a zone: %d %+v", status, r.fleet.Zone(3))
	}
	if got := sequences(t, r.events(Query{})); len(got) != 10 {
		t.Errorf("events %v", got)
	}
}

func TestEventsComeOnce(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	j := journal(t, 30)
	var told int
	cancel := r.fleet.Subscribe(func(n Notice) {
		if n.Kind == NoticeEvents && n.Place == 1 && n.Controller == 7 {
			told += len(n.Events)
		}
	})
	defer cancel()
	for _, test := range []struct {
		name     string
		from, to uint64
		since    string
		acked    uint64
		are      int
	}{
		{"the first", 1, 10, "", 10, 10},
		{"the same again", 1, 10, "", 10, 10},
		{"some again, with new ones", 5, 15, "", 15, 15},
		{"not those that follow: the ones before are asked for", 18, 20, "", 15, 15},
		{"the journal says that those before are gone", 18, 20, "15", 20, 18},
		{"it read after what the service has not: that is asked for", 25, 30, "22", 20, 18},
		{"the rest", 21, 30, "", 30, 28},
	} {
		status, ack, e := b.send(lines(t, j, test.from, test.to), test.since)
		if status != http.StatusOK || ack.AckedThrough != test.acked {
			t.Errorf("%s: %d %+v %v", test.name, status, ack, e)
		}
		all := r.events(Query{})
		if len(all) != test.are {
			t.Errorf("%s: %d events", test.name, len(all))
		}
		if got := sequences(t, all); !slices.IsSortedFunc(got, func(a, b uint64) int { return int(b) - int(a) }) {
			t.Errorf("%s: not the newest first: %v", test.name, got)
		}
		if ack.Receipt != nil {
			var body cloudsync.ReceiptBody
			if err := b.trust.Open(*ack.Receipt, ledger.ForReceipt, r.now(), &body); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			if body.Controller != 7 || body.Epoch != j.Head().Epoch || body.Sequence != test.acked {
				t.Errorf("%s: %+v", test.name, body)
			}
		}
	}
	if told != 28 {
		t.Errorf("%d events were told", told)
	}
	r.stop()
	r.start()
	b.use(b.given.Certificate)
	if _, ack, _ := b.send(lines(t, j, 30, 30), ""); ack.AckedThrough != 30 {
		t.Errorf("after a restart: %+v", ack)
	}
	if all := r.events(Query{}); len(all) != 28 {
		t.Errorf("%d events", len(all))
	}
	other := journal(t, 3) // a journal begun anew is another epoch
	if _, ack, _ := b.send(lines(t, other, 1, 3), ""); ack.AckedThrough != 3 {
		t.Errorf("a new epoch: %+v", ack)
	}
}

func TestAJournalThatForkedIsRefused(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	j := journal(t, 10)
	if status, _, _ := b.send(lines(t, j, 1, 5), ""); status != http.StatusOK {
		t.Fatal(status)
	}
	fork := func(from, to int) []byte { // other events with the same numbers
		var out []byte
		var prev store.Hash
		for i := 1; i <= to; i++ {
			text := fmt.Sprintf(`{"version":1,"uuid":"00000000-0000-7000-8000-%012d","sequence":%d,"epoch":"%s","created_at":"2026-03-01T08:00:00Z","uptime":1,"boot_id":"b","clock_set":true,"type":"lock.opened","success":true}`, i, i, j.Head().Epoch)
			line, hash := chained(prev, text)
			prev = hash
			if i >= from {
				out = append(out, line...)
			}
		}
		return out
	}
	for name, body := range map[string][]byte{
		"events that the service has, told otherwise": fork(2, 4),
		"events that follow, but another past":        fork(6, 8),
	} {
		if status, _, e := b.send(body, ""); status != http.StatusConflict || e.Code != cloudsync.CodeForked {
			t.Errorf("%s: %d %v", name, status, e)
		}
	}
	if all := r.events(Query{}); len(all) != 5 {
		t.Errorf("%d events", len(all))
	}
}

// chained makes a line of a journal.
func chained(prev store.Hash, text string) ([]byte, store.Hash) {
	hash := store.Hash(ledger.Hash(prev).Next([]byte(text)))
	return fmt.Appendf(nil, "%s,\"hash\":\"%s\"}\n", text[:len(text)-1], hash), hash
}

func TestUploadsAreRefused(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	j := journal(t, cloudsync.MaxEvents+1)
	one := strings.TrimSpace(string(lines(t, j, 1, 1)))
	for _, test := range []struct {
		name   string
		header http.Header
		body   []byte
		want   int
	}{
		{"nothing", gzipped, zipped(nil), 422},
		{"no gzip", gzipped, []byte(one), 400},
		{"half a gzip", gzipped, zipped([]byte(one))[:40], 400},
		{"another packing", http.Header{"Content-Encoding": {"br"}}, []byte(one), 415},
		{"no JSON", nil, []byte("hello\n"), 422},
		{"an event without its hash", nil, []byte(`{"version":1,"sequence":1}`), 422},
		{"a number that JSON cannot hold", nil, []byte(strings.Replace(one, `"sequence":1`, `"sequence":9999999999999999999`, 1)), 422},
		{"the number 0", nil, []byte(strings.Replace(one, `"sequence":1`, `"sequence":0`, 1)), 422},
		{"an epoch that is none", nil, []byte(strings.Replace(one, j.Head().Epoch, strings.Repeat("x", 32), 1)), 422},
		{"a uuid that is none", nil, []byte(strings.Replace(one, `"uuid":"`, `"uuid":"x`, 1)), 422},
		{"an event without a type", nil, []byte(strings.Replace(one, `"lock.unlock"`, `""`, 1)), 422},
		{"the same event twice", nil, append(lines(t, j, 1, 1), lines(t, j, 1, 1)...), 422},
		{"a gap", nil, append(lines(t, j, 1, 1), lines(t, j, 3, 3)...), 422},
		{"an event that was changed", nil, []byte(strings.Replace(string(lines(t, j, 1, 3)), `"success":true`, `"success":false`, 2)), 422},
		{"two epochs", nil, append(lines(t, j, 1, 1), lines(t, journal(t, 2), 2, 2)...), 422},
		{"too many events", gzipped, zipped(lines(t, j, 1, cloudsync.MaxEvents+1)), 413},
		{"a line that is too long", gzipped, zipped(bytes.Repeat([]byte("x"), maxLine+1)), 413},
		{"a gzip bomb", gzipped, zipped(bytes.Repeat([]byte(strings.Repeat(" ", 1000)+"\n"), 20_000)), 422},
		{"a large gzip bomb of good events", gzipped, zipped(bombed(t, one)), 413},
		{"too many bytes", nil, bytes.Repeat([]byte("x"), cloudsync.MaxEventsBytes+1), 413},
		{"a header that is no number", http.Header{cloudsync.HeaderSince: {"x"}}, []byte(one), 400},
		{"a header beyond the events", http.Header{cloudsync.HeaderSince: {"1"}}, []byte(one), 400},
		{"a good one", nil, []byte(one), 200},
	} {
		if status, text := raw(t, b.http, "POST", b.url(cloudsync.PathEvents), test.header, test.body); status != test.want {
			t.Errorf("%s: %d %s, want %d", test.name, status, text, test.want)
		}
	}
}

// bombed is a line of many events that are long, but not too long.
func bombed(t *testing.T, one string) []byte {
	var out []byte
	var prev store.Hash
	detail := strings.Repeat("x", 60<<10)
	epoch := one[strings.Index(one, `"epoch":"`)+9:][:32]
	for i := 1; i <= 100; i++ {
		line, hash := chained(prev, fmt.Sprintf(`{"version":1,"uuid":"00000000-0000-7000-8000-%012d","sequence":%d,"epoch":"%s","created_at":"2026-03-01T08:00:00Z","uptime":1,"boot_id":"b","clock_set":true,"type":"lock.opened","success":true,"detail":"%s"}`, i, i, epoch, detail))
		out, prev = append(out, line...), hash
	}
	return out
}

func TestEventsArePicked(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	if status, _, e := b.send(lines(t, journal(t, 300), 1, 300), ""); status != 200 {
		t.Fatal(e)
	}
	at := time.Date(2026, 3, 1, 8, 2, 0, 500, time.UTC)
	own := r.fleet.AddEvents(1, at, []byte(`{"type":"group.created","actor_type":"member","actor_id":9,"object_type":"group","object_id":4}`))
	if err := r.storage.Commit(own.Rows...); err != nil {
		t.Fatal(err)
	}
	own.Done()
	all := r.events(Query{})
	if len(all) != 301 || all[301-122].Controller != 0 || !all[301-122].ID.Time().Equal(at) {
		t.Fatalf("%d events; the service's own is not in its place", len(all))
	}
	for _, test := range []struct {
		name string
		q    Query
		want int
	}{
		{"of a type", Query{Types: []policy.EventType{"group.created", "x"}}, 1},
		{"of an actor", Query{ActorType: "member", ActorID: 2}, 60},
		{"of an object", Query{ObjectType: "lock", ObjectID: 1}, 100},
		{"of a controller", Query{Controller: 7}, 300},
		{"from a time", Query{From: at}, 301 - 121},
		{"until a time", Query{To: at}, 121},
		{"between two", Query{From: at.Add(-10 * time.Second), To: at}, 10},
		{"before one", Query{Before: all[100].ID}, 200},
		{"before one, of an actor", Query{Before: all[100].ID, ActorID: 2}, 40},
		{"of none", Query{ActorID: 77}, 0},
	} {
		if got := len(r.events(test.q)); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
	if n := 0; true {
		for range r.fleet.Events(r.t.Context(), 2, Query{}) {
			n++
		}
		if n != 0 {
			t.Errorf("%d events of another place", n)
		}
	}
	id, err := ParseEventID(all[3].ID.String())
	if err != nil || id != all[3].ID {
		t.Error(id, err)
	}
	for _, s := range []string{"", "x", all[3].ID.String() + "00"} {
		if _, err := ParseEventID(s); err == nil {
			t.Errorf("%q is an id", s)
		}
	}
}

func TestManyControllersUploadAtOnce(t *testing.T) {
	r := newRig(t)
	var all sync.WaitGroup
	for i := range 10 {
		r.advance(time.Minute)
		b, j := r.enroll(1, int64(i+1)), journal(t, 200)
		all.Go(func() {
			for from := uint64(1); from <= 200; from += 20 {
				var twice sync.WaitGroup // the same upload, twice at once
				for range 2 {
					twice.Go(func() {
						if status, ack, e := b.send(lines(t, j, from, from+19), ""); status != 200 || ack.AckedThrough != from+19 {
							t.Errorf("%d %+v %v", status, ack, e)
						}
					})
				}
				twice.Wait()
			}
		})
	}
	all.Wait()
	if n := len(r.events(Query{})); n != 2000 {
		t.Errorf("%d events", n)
	}
}

func TestOldEventsAreDeleted(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	j := journal(t, 300)
	b.send(lines(t, j, 1, 300), "")
	count := func(table string) (n int) {
		for _, err := range r.storage.Scan(table, nil) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	last := time.Date(2026, 3, 1, 8, 4, 59, 0, time.UTC)
	for _, test := range []struct {
		keep time.Duration
		want int
	}{{0, 300}, {100 * time.Second, 100}, {time.Second, 1}} {
		r.fleet.keep = test.keep
		if err := r.fleet.pruneEvents(last.Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if events, index := count(tableEvents)-1, count(tableIndex); events != test.want || index != test.want {
			t.Errorf("kept for %v: %d events, %d in the index, want %d", test.keep, events, index, test.want)
		}
	}
	if status, ack, _ := b.send(lines(t, j, 1, 10), ""); status != 200 || ack.AckedThrough != 300 {
		t.Errorf("what was deleted comes again: %d %+v", status, ack)
	}
	if n := count(tableEvents) - 1; n != 1 {
		t.Errorf("%d events", n)
	}
}

func FuzzEvents(f *testing.F) {
	r := newRig(f)
	f.Add(lines(f, journal(f, 3), 1, 3))
	f.Add([]byte(`{"version":1,"sequence":1,"hash":"00"}`))
	c := newController(7, controllerRow{Place: 1, Enrolment: make([]byte, 8)})
	f.Fuzz(func(t *testing.T, body []byte) {
		u, err := parseUpload(bytes.NewReader(body))
		if err != nil {
			return
		}
		var again []byte
		for _, e := range u.events {
			again = append(e.AppendJSON(again), '\n')
		}
		if v, err := parseUpload(bytes.NewReader(again)); err != nil || len(v.events) != len(u.events) {
			t.Errorf("%q became %q: %v", body, again, err)
		}
		if _, err := r.fleet.take(c, u, u.events[0].Sequence-1); err != nil && !strings.Contains(err.Error(), "other events") {
			t.Error(err)
		}
	})
}

// A filter that picks nothing does not read a long history for somebody who has left.
func TestEventsEndWithTheirContext(t *testing.T) {
	r := newRig(t)
	now := r.now()
	for range 3 {
		staged := r.fleet.AddEvents(1, now, []byte(`{"type":"x"}`))
		if err := r.storage.Commit(staged.Rows...); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var ended error
	for e, err := range r.fleet.Events(ctx, 1, Query{}) {
		if err == nil {
			t.Errorf("event %s after the end", e.ID)
		}
		ended = err
	}
	if !errors.Is(ended, context.Canceled) {
		t.Errorf("it ended with %v", ended)
	}
}
