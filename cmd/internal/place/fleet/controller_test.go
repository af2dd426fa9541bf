package fleet

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"doord/policy"
	"doord/policy/ledger"
	"doord/policy/zone"
	"doord/store"
	"doord/store/cloudsync"
)

// daemon stands for a controller's daemon.
type daemon struct {
	mu     sync.Mutex
	zones  map[int64]zone.Shared
	uses   int
	faults map[string]string
	moved  chan struct{} // something happened
}

func (d *daemon) change(f func()) {
	d.mu.Lock()
	f()
	d.mu.Unlock()
	select {
	case d.moved <- struct{}{}:
	default:
	}
}

func (d *daemon) UsePolicy(context.Context) error {
	d.change(func() { d.uses++ })
	return nil
}

func (d *daemon) Do(_ context.Context, c cloudsync.Command) cloudsync.Result {
	return cloudsync.Result{Done: true, Text: string(c.Action) + " " + string(c.Body)}
}

func (d *daemon) Zones(context.Context) (map[int64]zone.Shared, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[int64]zone.Shared{}
	for id, z := range d.zones {
		all[id] = z
	}
	return all, nil
}

func (d *daemon) Meet(_ context.Context, id int64, s zone.Shared) error {
	d.change(func() { d.zones[id] = d.zones[id].Merge(s, time.Now()) })
	return nil
}

func (d *daemon) Status(context.Context) (cloudsync.Status, error) {
	return cloudsync.Status{Version: "1", ClockSet: true}, nil
}

func (d *daemon) Note(context.Context, policy.Event) {}

func (d *daemon) Fault(what, hint string) {
	d.change(func() { d.faults[what] = hint })
}

// real is a controller with the client, the cache and the journal that it has.
type real struct {
	t       *testing.T
	daemon  *daemon
	policy  *store.Policy
	journal *store.Journal
	client  *cloudsync.Client
}

func newReal(t *testing.T) *real {
	dir := t.TempDir()
	c := &real{t: t, daemon: &daemon{zones: map[int64]zone.Shared{5: {}}, faults: map[string]string{}, moved: make(chan struct{}, 1)}}
	var err error
	if c.policy, err = store.OpenPolicy(dir, store.Options{}); err != nil {
		t.Fatal(err)
	}
	if c.journal, err = store.OpenJournal(dir, store.Options{BootID: "boot"}); err != nil {
		t.Fatal(err)
	}
	c.client, err = cloudsync.New(cloudsync.Options{
		Dir: filepath.Join(dir), DeviceID: device, Model: "test", Version: "1", Controller: c.daemon,
		Policy: c.policy, Journal: c.journal, ClockSet: func() bool { return true }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(c.policy.Close(), c.journal.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// run has the client do its duties until the test ends.
func (c *real) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { c.client.Run(ctx) })
	c.t.Cleanup(func() { cancel(); done.Wait() })
}

// until waits for something to be so.
func (c *real) until(what string, is func() bool) {
	c.t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit.C:
			c.t.Fatalf("not in time: %s: %+v, faults %v", what, c.client.Report(), c.daemon.faults)
		}
	}
}

// TestARealController plays a controller's life with the client that it really has.
func TestARealController(t *testing.T) {
	r := newRig(t)
	records := town(t, 1000, r.fleet.PlaceKey(1))
	r.put(1, append(records, small("zones", 5, `{"id":5,"name":"All"}`))...)
	c := newReal(t)
	claim, err := r.fleet.Claim(1, 7, device)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.client.Enroll(t.Context(), r.url, claim.Code); err != nil {
		t.Fatal(err)
	}
	c.run()
	there := func() bool { return c.policy.Position() == r.fleet.Position(1) }
	c.until("the snapshot", there)
	var h policy.Holder
	if _, found, err := c.policy.Lookup(policy.Token{Class: policy.TokenNumber, Format: "H10301", Number: 9}, &h); err != nil || !found || h.Member != 9 {
		t.Errorf("%v %v %+v", found, err, h)
	}
	r.put(1, ledger.Record{Table: ledger.Members, Key: ledger.IDKey(3)})
	c.until("a delta", there)

	happen(t, c.journal, 1200)
	c.until("events", func() bool { return c.journal.AckedThrough() == 1200 })
	if n := len(r.events(Query{})); n != 1200 {
		t.Errorf("%d events", n)
	}

	c.until("the stream", func() bool { _, online, _ := r.fleet.Status(7); return online })
	c.until("a status", func() bool { s, _, _ := r.fleet.Status(7); return s.Version == "1" && s.Policy != "" })
	result, err := r.fleet.Do(t.Context(), 7, cloudsync.ActionUnlock, 1, 0, cloudsync.Unlock{Member: 3})
	if err != nil || !result.Done || result.Text != `unlock {"member":3}` {
		t.Errorf("%+v %v", result, err)
	}

	at := time.Now().UTC().Truncate(time.Second)
	if _, err := r.fleet.SetZone(1, 5, func(s zone.Shared) zone.Shared {
		s.ViolatedAt = at
		return s
	}); err != nil {
		t.Fatal(err)
	}
	zoned := func() zone.Shared {
		all, _ := c.daemon.Zones(t.Context())
		return all[5]
	}
	c.until("a zone from the service", func() bool { return zoned().ViolatedAt.Equal(at) })
	c.daemon.change(func() {
		z := c.daemon.zones[5]
		z.Override = zone.Override{Level: policy.Disarmed, Until: at.Add(time.Hour)}
		c.daemon.zones[5] = z
	})
	c.client.Changed()
	c.until("a zone to the service, with its order", func() bool {
		order := r.fleet.Zone(5).Shared.Override.Order
		return order != 0 && zoned().Override.Order == order
	})

	var backup bytes.Buffer
	if err := r.storage.Backup(&backup); err != nil {
		t.Fatal(err)
	}
	r.put(1, ledger.Record{Table: ledger.Members, Key: ledger.IDKey(4)})
	c.until("another delta", there)
	happen(t, c.journal, 5)
	c.until("more events", func() bool { return c.journal.AckedThrough() == 1205 })

	// A new address would be a new service: the one that is restored listens where it did.
	r.stop()
	r.fixed = r.url
	r.restoreFiles(&backup)
	r.generation()
	r.start()
	c.until("the policy goes back by the root's word", there)
	if _, found, err := c.policy.Member(4, &h); err != nil || !found {
		t.Errorf("the member is not back: %v", err)
	}
	c.until("events that the backup had not", func() bool { return len(r.events(Query{})) == 1205 })
}
