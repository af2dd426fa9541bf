package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"doord/cmd/internal/place"
	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/storage"
	"doord/policy/ledger"
)

// host is what the service is called where there is no network.
const host = "doors.example"

// service is the place service as doorcloud puts it together.
type service struct {
	dir   string
	hosts []string
	now   func() time.Time
	wrap  func(http.Handler) http.Handler // of what controllers ask; nil: nothing

	storage *mortal
	fleet   *fleet.Fleet
	place   *place.Service
	server  *http.Server
	served  chan struct{}
}

// mortal is a storage that dies: from then on commits fail, the first of them maybe
// after it became durable.
type mortal struct {
	storage.Storage
	dead atomic.Bool
	last atomic.Bool // one more commit becomes durable, and nobody learns of it
}

var errDead = errors.New("the service was killed")

func (m *mortal) Commit(rows ...storage.Row) error {
	if m.dead.Load() {
		if m.last.CompareAndSwap(true, false) {
			return errors.Join(errDead, m.Storage.Commit(rows...))
		}
		return errDead
	}
	return m.Storage.Commit(rows...)
}

// open starts the service on a listener.
func (s *service) open(l net.Listener) error {
	db, err := storage.Open(s.dir)
	if err != nil {
		return err
	}
	s.storage = &mortal{Storage: db}
	if s.fleet, err = fleet.Open(fleet.Config{Storage: s.storage, Dir: s.dir, Hosts: s.hosts, Now: s.now}); err != nil {
		return errors.Join(err, db.Close())
	}
	if s.place, err = place.New(place.Config{Storage: s.storage, Fleet: s.fleet, Now: s.now, Rate: 1e9, Burst: 1e9}); err != nil {
		return errors.Join(err, s.fleet.Close(), db.Close())
	}
	mux, controllers := http.NewServeMux(), s.fleet.Handler()
	if s.wrap != nil {
		controllers = s.wrap(controllers)
	}
	mux.Handle("/v1/", controllers)
	mux.Handle("/", s.place.Handler())
	s.server = &http.Server{Handler: mux, TLSConfig: s.fleet.TLS(), ErrorLog: log.New(io.Discard, "", 0)}
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		_ = s.server.ServeTLS(l, "", "")
	}()
	return nil
}

// end ends the service, and everything that waits for it.
func (s *service) end() error {
	s.place.Close()
	err := errors.Join(s.fleet.Close(), s.server.Close())
	<-s.served
	if s.storage.dead.Load() {
		err = nil // what could not be kept any more
	}
	return errors.Join(err, s.storage.Close())
}

// backup copies the storage while it is in use.
func (s *service) backup() ([]byte, error) {
	var b bytes.Buffer
	err := s.storage.Backup(&b)
	return b.Bytes(), err
}

// restore puts a backup in the place of the storage, while no service runs, and if
// generation is set has the root key say that the policy goes back.
func (s *service) restore(ctx context.Context, backup []byte, generation bool) error {
	if err := os.Remove(filepath.Join(s.dir, storage.File)); err != nil {
		return err
	}
	if err := storage.Restore(s.dir, bytes.NewReader(backup)); err != nil || !generation {
		return err
	}
	db, err := storage.Open(s.dir)
	if err != nil {
		return err
	}
	_, err = fleet.BeginGeneration(ctx, db, s.dir, s.now())
	return errors.Join(err, db.Close())
}

// client asks the API as the first owner.
type client struct {
	url   string
	http  *http.Client
	owner string // authorization
	me    int64  // his member
	place int64
}

func newClient(url string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *client {
	return &client{url: url, http: &http.Client{Transport: &http.Transport{
		DialContext: dial, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // who the service is, its controllers find out
	}}}
}

// ask asks, and returns the status; 0 if there was no answer.
func (c *client) ask(method, path, body string) (status int, answer map[string]any) {
	status, text := c.send(method, path, body)
	_ = json.Unmarshal(text, &answer)
	return status, answer
}

// send asks, and returns the status and the answer as it came.
func (c *client) send(method, path, body string) (status int, answer []byte) {
	failed := func(err error) (int, []byte) { return 0, fmt.Appendf(nil, `{"error":%q}`, err) }
	q, err := http.NewRequest(method, c.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return failed(err)
	}
	q.Header.Set("Authorization", c.owner)
	a, err := c.http.Do(q)
	if err != nil {
		return failed(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return failed(err)
	}
	return a.StatusCode, text
}

// ok asks and must be answered with success.
func (c *client) ok(t testing.TB, method, path, body string, args ...any) map[string]any {
	t.Helper()
	status, answer := c.ask(method, path, fmt.Sprintf(body, args...))
	if status < 200 || status > 299 {
		t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

// made makes a record and returns its id.
func (c *client) made(t testing.TB, path, body string, args ...any) int64 {
	t.Helper()
	id, _ := c.ok(t, "POST", path, body, args...)["id"].(float64)
	return int64(id)
}

// setUp makes the first owner and the place.
func (c *client) setUp(t testing.TB, code string) {
	t.Helper()
	in := c.ok(t, "POST", "/setup", `{"code":%q,"email":"olivia@example.org","password":"correct horse battery","name":"Olivia",`+
		`"place":{"name":"HQ","time_zone":"Europe/Berlin"}}`, code)
	id, _ := in["place_id"].(float64)
	me, _ := in["member_id"].(float64)
	secret, _ := in["secret"].(string)
	c.owner, c.place, c.me = "KISI-LOGIN "+secret, int64(id), int64(me)
}

// path writes one with ids.
func path(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// rootOf computes the Merkle root of what the place is, from its resources.
func rootOf(t testing.TB, s *service, placeID int64) ledger.Hash {
	t.Helper()
	records := s.place.Records(placeID)
	all, err := ledger.FromRecords(&records, s.fleet.PlaceKey(placeID))
	if err != nil {
		t.Fatal(err)
	}
	var b ledger.Builder
	for r := range all {
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return b.Finish().Root()
}
