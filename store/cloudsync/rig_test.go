package cloudsync

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"doord/policy"
	"doord/policy/ledger"
	"doord/policy/zone"
	"doord/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// rig is a client with real files and a scripted service, in a synctest bubble.
type rig struct {
	testing.TB
	dir     string
	service *scripted
	daemon  *daemon
	cache   *store.Policy
	journal *store.Journal
	client  *Client

	stop func()
}

// daemon is what the client keeps in step: it notes what it is told.
type daemon struct {
	client  *Client
	journal *store.Journal
	cache   *store.Policy

	mu      sync.Mutex
	clock   bool // set
	used    []uint64
	done    []Command
	answer  Result
	zones   map[int64]zone.Shared
	met     int
	notes   []string
	faults  map[string]string
	open    bool          // the door
	slow    time.Duration // of Do
	useless error
	then    func() // after a policy came into force
}

func (d *daemon) UsePolicy(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.useless != nil {
		return d.useless
	}
	d.used = append(d.used, d.cache.Position().Version)
	if d.then != nil {
		d.then()
	}
	return nil
}

func (d *daemon) Do(_ context.Context, c Command) Result {
	time.Sleep(d.slow)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done = append(d.done, c)
	return d.answer
}

func (d *daemon) Zones(context.Context) (map[int64]zone.Shared, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.zones), nil
}

func (d *daemon) Meet(_ context.Context, id int64, s zone.Shared) error {
	d.mu.Lock()
	d.zones[id] = d.zones[id].Merge(s, time.Now())
	d.met++
	d.mu.Unlock()
	d.client.Changed()
	return nil
}

func (d *daemon) Status(context.Context) (Status, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Status{Version: "test", ClockSet: d.clock, Doors: []DoorStatus{{Name: "front", Open: &d.open}}, Faults: slices.Sorted(maps.Keys(d.faults))}, nil
}

func (d *daemon) Note(_ context.Context, e policy.Event) {
	d.mu.Lock()
	d.notes = append(d.notes, e.Detail)
	d.mu.Unlock()
	d.journal.Append(e)
}

func (d *daemon) Fault(what, hint string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if hint == "" {
		delete(d.faults, what)
		return
	}
	d.faults[what] = hint
}

func (d *daemon) set(change func()) {
	d.mu.Lock()
	change()
	d.mu.Unlock()
	d.client.Changed()
}

// place is a policy with one lock.
func place(t testing.TB) []ledger.Record {
	t.Helper()
	r, err := policy.ParseRecords([]byte(`{"place": {"id": 7, "name": "Workshop", "time_zone": "Europe/Berlin"}, "locks": [{"id": 1, "name": "Front"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	all, err := ledger.FromRecords(&r, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(all)
}

// newRig makes a controller that is enrolled and has the policy, but for what
// change does to the service first.
func newRig(t testing.TB) *rig {
	t.Helper()
	r := newStranger(t)
	if err := r.client.Enroll(t.Context(), address, r.service.claim()); err != nil {
		t.Fatal(err)
	}
	r.pass(3 * time.Second)
	r.at(1)
	return r
}

// newStranger makes a controller that belongs to no place.
func newStranger(t testing.TB) *rig {
	t.Helper()
	r := &rig{TB: t, dir: t.TempDir(), service: newScripted(t, place(t))}
	r.daemon = &daemon{clock: true, answer: Result{Done: true}, zones: map[int64]zone.Shared{}, faults: map[string]string{}}
	r.start()
	t.Cleanup(func() { r.end() })
	return r
}

func (r *rig) start() {
	r.Helper()
	var err error
	if r.cache, err = store.OpenPolicy(r.dir, store.Options{}); err != nil {
		r.Fatal(err)
	}
	if r.journal, err = store.OpenJournal(r.dir, store.Options{BootID: "boot"}); err != nil {
		r.Fatal(err)
	}
	r.daemon.cache, r.daemon.journal = r.cache, r.journal
	clock := func() bool {
		r.daemon.mu.Lock()
		defer r.daemon.mu.Unlock()
		return r.daemon.clock
	}
	r.client, err = New(Options{Dir: r.dir, DeviceID: "00d00d00d00d0001", Version: "test", Controller: r.daemon, Policy: r.cache, Journal: r.journal,
		ClockSet: clock, Log: slog.New(slog.DiscardHandler), Dial: r.service.listener.dial})
	if err != nil {
		r.Fatal(err)
	}
	r.daemon.client = r.client
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.client.Run(ctx)
	}()
	r.stop = func() {
		cancel()
		<-ended
	}
}

func (r *rig) end() {
	r.Helper()
	if r.stop == nil {
		return
	}
	r.stop()
	r.stop = nil
	if err := r.cache.Close(); err != nil {
		r.Error(err)
	}
	if err := r.journal.Close(); err != nil {
		r.Error(err)
	}
}

// pass lets virtual time pass, and everything happen that is due in it.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// at checks that a version is in force here.
func (r *rig) at(version uint64) {
	r.Helper()
	r.daemon.mu.Lock()
	defer r.daemon.mu.Unlock()
	if got := r.cache.Position().Version; got != version || len(r.daemon.used) == 0 || r.daemon.used[len(r.daemon.used)-1] != version {
		r.Fatalf("version %d is here, and %v were used, not %d: %+v", got, r.daemon.used, version, r.client.Report())
	}
}

// happen makes events, and waits until they are on the disk.
func (r *rig) happen(n int) {
	r.Helper()
	for range n {
		r.journal.Append(policy.Event{Type: policy.LockOpened, At: policy.Now{Wall: time.Now(), WallSet: true}})
	}
	if err := r.journal.Sync(context.Background()); err != nil {
		r.Fatal(err)
	}
}

// uploaded checks that the service has every event of the journal, once.
func (r *rig) uploaded() {
	r.Helper()
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	head := r.journal.Head()
	if got := r.service.acked[head.Epoch]; got != head.Sequence || r.service.doubles != 0 || r.journal.AckedThrough() != head.Sequence {
		r.Fatalf("the service has events through %d of %d, acknowledged through %d, %d differ: %+v", got, head.Sequence, r.journal.AckedThrough(), r.service.doubles, r.client.Report())
	}
}

// faulty checks that there is a fault that begins so for each text, and no other.
func (r *rig) faulty(texts ...string) {
	r.Helper()
	r.daemon.mu.Lock()
	defer r.daemon.mu.Unlock()
	ok := len(texts) == len(r.daemon.faults)
	for _, text := range texts {
		found := false
		for what, hint := range r.daemon.faults {
			found = found || strings.HasPrefix(what, text) && hint != ""
		}
		ok = ok && found
	}
	if !ok {
		r.Errorf("the faults are %q, not %q", slices.Sorted(maps.Keys(r.daemon.faults)), texts)
	}
}
