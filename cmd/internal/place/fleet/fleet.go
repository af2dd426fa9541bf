package fleet

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"doord/cmd/internal/place/storage"
	"doord/policy/ledger"
)

// Config is what a fleet works with.
type Config struct {
	Storage     storage.Storage // stays the caller's, who closes it after the fleet
	Dir         string          // of the key files
	Log         *slog.Logger    // none: nothing is told
	Now         func() time.Time
	Hosts       []string         // names and addresses of the service, for its own certificate
	Certificate *tls.Certificate // none: one of our own CA, renewed by itself
	KeepEvents  time.Duration    // after which events are deleted; 0: never
}

// Fleet keeps the controllers of all places in step. Its methods may be called
// from any goroutine unless they say otherwise.
type Fleet struct {
	storage storage.Storage
	dir     string
	log     *slog.Logger
	now     func() time.Time
	hosts   []string
	keep    time.Duration // events
	uploads chan struct{} // held while events are taken in: each takes memory

	stop chan struct{} // closed by Close
	done sync.WaitGroup
	once sync.Once

	keys        keyring
	server      serverCertificate
	memo        memo
	waiting     atomic.Int64 // long polls
	limiter     limiter      // of enrolments
	enrolling   sync.Mutex   // a claim is good once
	zoning      sync.Mutex   // changes of zones, one at a time
	eventNumber atomic.Uint64
	commandID   atomic.Int64

	mu          sync.Mutex
	places      map[int64]*log
	controllers map[int64]*controller
	zones       map[int64]*zoneRow
	subscribers map[int]func(Notice)
	nextSub     int
	ended       bool // Close was called
}

// Errors of what is asked of a fleet.
var (
	ErrNoPlace      = errors.New("fleet: there is no such place")
	ErrNoController = errors.New("fleet: there is no such controller")
	ErrOffline      = errors.New("fleet: the controller is not connected")
	ErrTimeout      = errors.New("fleet: the controller did not answer in time")
	ErrBusy         = errors.New("fleet: the controller has too many commands to carry out")
	ErrClosed       = errors.New("fleet: closed")
)

// Open reads the keys, which are made if there are none, and where every place
// and controller stands.
func Open(c Config) (*Fleet, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	f := &Fleet{
		storage: c.Storage, dir: c.Dir, log: c.Log, now: c.Now, hosts: c.Hosts, keep: c.KeepEvents,
		uploads:     make(chan struct{}, maxUploads),
		stop:        make(chan struct{}),
		places:      map[int64]*log{},
		controllers: map[int64]*controller{},
		zones:       map[int64]*zoneRow{},
		subscribers: map[int]func(Notice){},
	}
	f.memo.limit = memoBytes
	f.server.given = c.Certificate
	start := c.Now()
	f.eventNumber.Store(uint64(start.UnixNano()))
	f.commandID.Store(start.UnixMicro())
	if err := f.keys.open(c.Dir, start); err != nil {
		return nil, err
	}
	for _, load := range []func() error{f.loadPlaces, f.loadControllers, f.loadZones} {
		if err := load(); err != nil {
			return nil, fmt.Errorf("fleet: %w", err)
		}
	}
	f.begin(f.tend)
	return f, nil
}

// begin starts a goroutine that Close waits for, unless Close was called.
func (f *Fleet) begin(run func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return false
	}
	f.done.Go(run)
	return true
}

func (f *Fleet) closed() bool {
	select {
	case <-f.stop:
		return true
	default:
		return false
	}
}

// Close ends all that waits, and then everything else. The storage stays open.
func (f *Fleet) Close() error {
	var err error
	f.once.Do(func() {
		f.mu.Lock()
		f.ended = true
		f.mu.Unlock()
		close(f.stop)
		f.done.Wait()
		err = f.saveStatuses(true)
	})
	return err
}

// tendEvery is how often the fleet looks after what ages.
const tendEvery = time.Minute

// tend looks after keys, heads and what is only kept in memory.
func (f *Fleet) tend() {
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	warned := time.Time{}
	for {
		select {
		case <-f.stop:
			return
		case <-ticker.C:
		}
		now := f.now()
		if err := f.keys.refresh(f.dir); err != nil {
			f.log.Error("the key files cannot be read", "err", err)
		}
		if now.Sub(warned) >= 24*time.Hour {
			warned = now
			for _, fault := range f.Faults() {
				f.log.Warn(fault)
			}
		}
		if err := f.saveStatuses(false); err != nil {
			f.log.Error("the status of controllers cannot be kept", "err", err)
		}
		f.renewHeads(now)
		if err := f.pruneEvents(now); err != nil {
			f.log.Error("old events cannot be deleted", "err", err)
		}
		f.limiter.forget(now)
	}
}

// Faults tells what somebody must do something about before it stops working.
func (f *Fleet) Faults() []string {
	var faults []string
	if last := f.keys.last(); f.now().After(last.Add(-lastGrantAlarm)) {
		faults = append(faults, fmt.Sprintf("the last policy key ends on %s: run doorcloud keys sign with root.key", last.UTC().Format(time.DateOnly)))
	}
	return faults
}

// Staged is what must become durable with the caller's own rows, in one commit.
type Staged struct {
	Rows []storage.Row
	done func()
}

// Done tells the controllers, once the rows are durable. It must not be called if
// they are not.
func (s Staged) Done() {
	if s.done != nil {
		s.done()
	}
}

// Notice tells that something became known of a place.
type Notice struct {
	Place      int64
	Controller int64 // 0: the service itself
	Kind       NoticeKind
	Zone       int64   // of NoticeZone
	Events     []Event // of NoticeEvents
}

// NoticeKind says what became known.
type NoticeKind string

// The kinds of notices.
const (
	NoticeStatus  NoticeKind = "status"
	NoticeOnline  NoticeKind = "online"
	NoticeOffline NoticeKind = "offline"
	NoticeEvents  NoticeKind = "events"
	NoticeZone    NoticeKind = "zone"
)

// Subscribe has a function called with every notice, on the goroutine of whoever
// caused it: it must not wait, and must not call Subscribe.
func (f *Fleet) Subscribe(call func(Notice)) (cancel func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := f.nextSub
	f.nextSub++
	f.subscribers[id] = call
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.subscribers, id)
	}
}

// tell calls the subscribers. No lock may be held.
func (f *Fleet) tell(n Notice) {
	f.mu.Lock()
	calls := make([]func(Notice), 0, len(f.subscribers))
	for _, call := range f.subscribers {
		calls = append(calls, call)
	}
	f.mu.Unlock()
	for _, call := range calls {
		call(n)
	}
}

// Fingerprint is what people compare: of the root key.
func (f *Fleet) Fingerprint() ledger.Fingerprint { return f.keys.fingerprint() }

// Authority is the certificate by which whoever asks the service knows its own.
func (f *Fleet) Authority() *x509.Certificate {
	f.keys.mu.RLock()
	defer f.keys.mu.RUnlock()
	return f.keys.file.ca
}
