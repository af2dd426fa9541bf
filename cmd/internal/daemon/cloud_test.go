package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"doord/cmd/internal/api"
	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/storage"
	"doord/policy"
	"doord/policy/controller"
	"doord/policy/ledger"
	"doord/policy/zone"
	"doord/store/cloudsync"
)

const serviceHost = "doors.example"

// service is the real fleet, served over connections in memory.
type service struct {
	testing.TB
	fleet    *fleet.Fleet
	storage  storage.Storage
	accept   chan net.Conn
	closed   chan struct{}
	close    sync.Once
	mu       sync.Mutex
	conns    []net.Conn
	down     bool
	behind   atomic.Int64    // its clock
	records  *policy.Records // as they are
	previous []ledger.Record
}

func newService(t testing.TB, behind time.Duration) *service {
	t.Helper()
	s := &service{TB: t, accept: make(chan net.Conn), closed: make(chan struct{})}
	s.behind.Store(int64(behind))
	var err error
	if s.storage, err = storage.Open(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if s.fleet, err = fleet.Open(fleet.Config{Storage: s.storage, Dir: t.TempDir(), Hosts: []string{serviceHost},
		Now: func() time.Time { return time.Now().Add(-time.Duration(s.behind.Load())) }}); err != nil {
		t.Fatal(err)
	}
	if err := s.fleet.AddPlace(1); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s.fleet.Handler(), TLSConfig: s.fleet.TLS(), ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.ServeTLS(s, "", "")
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
		if err := errors.Join(s.fleet.Close(), s.storage.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *service) Accept() (net.Conn, error) {
	select {
	case c := <-s.accept:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *service) Close() error {
	s.close.Do(func() { close(s.closed) })
	return nil
}

func (s *service) Addr() net.Addr { return &net.TCPAddr{} }

func (s *service) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		return nil, errors.New("the network is down")
	}
	client, server := net.Pipe()
	select {
	case s.accept <- server:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, client)
	return client, nil
}

// cut ends all connections, and with down takes no new ones.
func (s *service) cut(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
}

// put makes the place's records these, in one change.
func (s *service) put(records *policy.Records) {
	s.Helper()
	all, err := ledger.FromRecords(records, s.fleet.PlaceKey(1))
	if err != nil {
		s.Fatal(err)
	}
	next := slices.Collect(all)
	changes := slices.Clone(next)
	for _, old := range s.previous {
		if !slices.ContainsFunc(next, func(r ledger.Record) bool { return ledger.Compare(r, old) == 0 }) {
			old.Value = nil
			changes = append(changes, old)
		}
	}
	s.previous, s.records = next, records
	staged, err := s.fleet.Stage(1, changes)
	if err != nil {
		s.Fatal(err)
	}
	if err := s.storage.Commit(staged.Rows...); err != nil {
		s.Fatal(err)
	}
	staged.Done()
}

// change changes the records.
func (s *service) change(t testing.TB, f func(*policy.Records)) {
	t.Helper()
	r := copyOf(t, s.records)
	f(r)
	s.put(r)
}

// do sends a command and returns its result.
func (s *service) do(action cloudsync.Action, lock, object int64, body any) cloudsync.Result {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := s.fleet.Do(ctx, 1, action, lock, object, body)
	if err != nil {
		s.Fatal(err)
	}
	synctest.Wait()
	return r
}

// enrolled makes a controller of the place in testdata, on a board without a
// policy of its own.
func enrolled(t *testing.T) (*rig, *service) {
	t.Helper()
	return enrolledAt(t, newService(t, 0))
}

func enrolledAt(t *testing.T, s *service) (*rig, *service) {
	t.Helper()
	s.put(place(t))
	r := &rig{TB: t, dir: t.TempDir()}
	r.start(func(_ *rig, o *Options) { o.Dial = s.dial })
	t.Cleanup(r.stop)
	claim, err := s.fleet.Claim(1, 1, r.config.DeviceID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.server.Enroll(t.Context(), api.Enroll{URL: "https://" + serviceHost, Code: claim.Code}); err != nil {
		t.Fatal(err)
	}
	r.pass(5 * time.Second)
	return r, s
}

func TestAnEnrolledControllerServesTheServicesPolicy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, s := enrolled(t)
		r.tap("front", 118, 1603)
		r.want(front)
		r.happened("controller.policy", "lock.unlock front granted reader=front member:1 by=card:1")
		r.pass(time.Minute)
		s.change(t, func(p *policy.Records) { p.Credentials[0].Status = policy.Deactivated })
		r.pass(time.Millisecond)
		r.tap("front", 118, 1603)
		r.want()
		r.happened("controller.policy", "lock.unlock front denied reason=card_not_activated")
		r.pass(time.Minute)
		var types []string
		for e, err := range s.fleet.Events(context.Background(), 1, fleet.Query{Controller: 1}) {
			if err != nil {
				t.Fatal(err)
			}
			types = append(types, string(e.Text))
		}
		if len(types) == 0 || !slices.ContainsFunc(types, func(x string) bool { return strings.Contains(x, `"reason":"card_not_activated"`) }) {
			t.Errorf("the service has the events %q", types)
		}
		r.faulty()
		c, err := r.server.Cloud(t.Context())
		if err != nil || !c.Online || c.Queue != 0 || c.Stale || c.Position != s.fleet.Position(1).String() || len(c.Errors) != 0 {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestAnEnrolledControllerTakesNoPolicyFromAFile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := enrolled(t)
		var e *api.Error
		if _, err := r.server.LoadPolicy(t.Context(), place(t)); !errors.As(err, &e) || e.Status != http.StatusConflict || e.Hint == "" {
			t.Errorf("%v", err)
		}
		if err := r.server.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.tap("front", 118, 1603) // what was in force stays
		r.want(front)
		if _, err := r.server.LoadPolicy(t.Context(), place(t)); err != nil {
			t.Error(err)
		}
		if err := r.server.Leave(t.Context()); !errors.As(err, &e) || e.Status != http.StatusConflict {
			t.Errorf("left twice: %v", err)
		}
	})
}

func TestAControllerServesFromItsCacheBeforeThereIsANetwork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, s := enrolled(t)
		r.stop()
		s.cut(true)
		s.change(t, func(p *policy.Records) { p.Credentials[0].Status = policy.Deactivated })
		r.start(func(_ *rig, o *Options) { o.Dial = s.dial })
		r.tap("front", 118, 1603)
		r.want(front)
		r.pass(time.Hour)
		r.faulty("the place service at https://doors.example is not reached")
		s.cut(false)
		r.pass(90 * time.Second)
		r.tap("front", 118, 1603)
		r.want()
		r.faulty()
	})
}

func TestAnUnlockByNetworkIsDecidedHere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, s := enrolled(t)
		secret := sha256.Sum256([]byte("a link"))
		s.change(t, func(p *policy.Records) {
			p.GroupLinks = []policy.GroupLink{{ID: 9, GroupID: 1, Name: "Guests", Enabled: true, SecretSHA256: hex.EncodeToString(secret[:])}}
			for i := range p.Groups {
				p.Groups[i].Login = true
			}
		})
		r.pass(time.Second)
		tests := []struct {
			name string
			lock int64
			body cloudsync.Unlock
			want policy.Reason
		}{
			{"a member", 1, cloudsync.Unlock{Member: 1}, ""},
			{"a member who may not", 1, cloudsync.Unlock{Member: 3}, policy.AccessDisabled},
			{"a member whose groups have not the door", 2, cloudsync.Unlock{Member: 1}, policy.AccessDenied},
			{"a member that nobody knows", 1, cloudsync.Unlock{Member: 99}, policy.AccessDenied},
			{"a link", 1, cloudsync.Unlock{Link: hex.EncodeToString(secret[:])}, ""},
			{"a link that nobody made", 1, cloudsync.Unlock{Link: hex.EncodeToString(make([]byte, 32))}, policy.LinkInvalid},
			{"a door that is not here", 99, cloudsync.Unlock{Member: 1}, policy.DoorNotFound},
			{"a link that is none", 1, cloudsync.Unlock{Link: "x"}, policy.Unavailable},
		}
		for _, tt := range tests {
			got := s.do(cloudsync.ActionUnlock, tt.lock, 0, tt.body)
			if got.Done != (tt.want == "") || got.Reason != tt.want || tt.want != "" && got.Text == "" {
				t.Errorf("%s: %+v", tt.name, got)
			}
			if tt.want == "" {
				r.want(front)
			} else {
				r.want()
			}
			r.pass(10 * time.Second)
		}
		r.faulty()
	})
}

func TestOtherCommandsOfTheService(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, s := enrolled(t)
		by := cloudsync.By{Member: 2}
		for _, tt := range []struct {
			action       cloudsync.Action
			lock, object int64
			want         policy.Reason
			event        string
		}{
			{cloudsync.ActionFirstToArrive, 1, 0, policy.OutsideSchedule, "lock.first_to_arrive front reason=outside_schedule member:2"},
			{cloudsync.ActionLastToLeave, 1, 0, "", "lock.last_to_leave front member:2"},
			{cloudsync.ActionLastToLeave, 99, 0, policy.DoorNotFound, "lock.last_to_leave reason=door_not_found"},
			{cloudsync.ActionResetTamper, 0, 2, "", "reader.reset_tamper lab"},
			{cloudsync.ActionResetTamper, 0, 99, policy.ReaderNotConnected, ""},
			{cloudsync.ActionSilence, 0, 7, "", ""}, // there is no such alarm: it is silent
			{cloudsync.ActionResetAlarm, 0, 7, "", ""},
			{"self_destruct", 0, 0, policy.Unavailable, ""},
		} {
			r.records()
			got := s.do(tt.action, tt.lock, tt.object, by)
			if got.Done != (tt.want == "") || got.Reason != tt.want {
				t.Errorf("%s: %+v", tt.action, got)
			}
			if tt.event != "" {
				r.happened(tt.event)
			}
		}
	})
}

func TestARebootEndsTheDaemonOnceItsResultIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, s := enrolled(t)
		if got := s.do(cloudsync.ActionReboot, 0, 0, nil); !got.Done {
			t.Errorf("%+v", got)
		}
		select {
		case <-r.ended:
			t.Error("it ended at once")
		default:
		}
		r.pass(2 * rebootAfter)
		select {
		case <-r.ended:
		default:
			t.Error("it goes on")
		}
		r.want(lab, shed) // without power, as at every end
		r.restart(func(_ *rig, o *Options) { o.Dial = s.dial })
		r.tap("front", 118, 1603)
		r.want(front)
	})
}

func TestAPolicyThatGoesStaleIsToldAndMayDeny(t *testing.T) {
	bubble(t, func(t *testing.T) {
		// Heads last for a week; this service is almost as late.
		r, s := enrolledAt(t, newService(t, 7*24*time.Hour-time.Hour))
		s.change(t, func(p *policy.Records) { p.Locks[0].WhenPolicyStale = policy.StaleDeny })
		r.pass(time.Second)
		s.cut(true)
		r.pass(30 * time.Minute)
		r.tap("front", 118, 1603)
		r.want(front)
		r.pass(time.Hour)
		r.happened("controller.policy_stale")
		r.tap("front", 118, 1603)
		r.want()
		r.tap("store", 118, 1603) // admits by default
		r.want(shed)
		if c, err := r.server.Cloud(t.Context()); err != nil || !c.Stale {
			t.Errorf("%+v, %v", c, err)
		}
		s.behind.Store(0)
		s.cut(false)
		r.pass(90 * time.Second)
		r.tap("front", 118, 1603)
		r.want(front)
		r.faulty()
	})
}

// A head that is renewed each day is no new policy: the journal is not filled.
func TestARenewedHeadIsNoEvent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, s := enrolled(t)
		r.records()
		_, before := r.policy.Head()
		s.behind.Store(-25 * int64(time.Hour)) // as if a day had passed there
		r.pass(5 * time.Minute)
		if got := r.events(); len(got) != 0 {
			t.Errorf("a quiet day has the events %q", got)
		}
		if _, head := r.policy.Head(); head.Expires < before.Expires+int64(24*time.Hour/time.Second) {
			t.Errorf("the head ends on %v", time.Unix(head.Expires, 0))
		}
		set := func() (expires time.Time) {
			_ = r.daemon.look(t.Context(), func(c *controller.Controller) { expires = c.Policy().Expires })
			return expires
		}
		if _, head := r.policy.Head(); !set().Equal(time.Unix(head.Expires, 0)) {
			t.Errorf("the core believes that it ends on %v", set())
		}
	})
}

func TestAZoneIsSharedWithTheService(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, s := enrolled(t)
		s.change(t, func(p *policy.Records) {
			p.Zones = []policy.Zone{{ID: 5, Name: "House", Doors: []policy.ZoneDoor{{LockID: 1, Exterior: true}}}}
		})
		r.pass(time.Second)
		if _, err := r.server.ZoneCommand(t.Context(), 5, api.ZoneCommand{Action: "override", Level: policy.Away, For: 3600}); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		if z := s.fleet.Zone(5); z.Shared.Override.Level != policy.Away || z.Shared.Override.Order == 0 {
			t.Errorf("the service has %+v", z)
		}
		r.tap("front", 118, 1603)
		r.want()
		r.happened("lock.unlock front denied reason=zone_denied")
		if _, err := s.fleet.SetZone(1, 5, func(z zone.Shared) zone.Shared {
			z.Override = zone.Override{Level: policy.Disarmed, Until: time.Now().Add(time.Hour)}
			return z
		}); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Second)
		r.tap("front", 118, 1603)
		r.want(front)
	})
}

func TestTheStatusOfTheBoardIsAtTheService(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, s := enrolled(t)
		r.settle("front-contact", true)
		r.pass(time.Second)
		st, online, _ := s.fleet.Status(1)
		if !online || len(st.Doors) != 3 || len(st.Relays) != 4 || len(st.Inputs) == 0 || len(st.Readers) == 0 || st.BootID != "boot" || !st.ClockSet {
			t.Fatalf("%+v", st)
		}
		if d := st.Doors[0]; d.LockID != 1 || d.Open == nil || !*d.Open || d.Unlocked {
			t.Errorf("%+v", d)
		}
		if d := st.Doors[2]; d.Open != nil {
			t.Errorf("a door without a contact is open: %t", *d.Open)
		}
	})
}

// A command that waited for the loop until nobody expects it any more opens no door.
func TestACommandThatWaitedTooLongIsDropped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, s := enrolled(t)
		s.change(t, func(p *policy.Records) {
			for i := range p.Groups {
				p.Groups[i].Login = true
			}
		})
		r.pass(time.Second)
		release := make(chan struct{})
		r.daemon.work <- message{query: func(*controller.Controller) { <-release }} // a loop that is held up
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := make(chan cloudsync.Result)
		go func() {
			got <- cloud{r.daemon}.Do(ctx, cloudsync.Command{Action: cloudsync.ActionUnlock, Lock: 1, Body: []byte(`{"member":1}`)})
		}()
		if result := <-got; result.Done {
			t.Errorf("%+v", result)
		}
		r.pass(time.Second)
		close(release)
		r.pass(0)
		r.want()
		if got := s.do(cloudsync.ActionUnlock, 1, 0, cloudsync.Unlock{Member: 1}); !got.Done {
			t.Errorf("the next: %+v", got)
		}
		r.want(front)
	})
}
