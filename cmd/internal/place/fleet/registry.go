package fleet

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"doord/cmd/internal/place/storage"
	"doord/store/cloudsync"
)

const tableControllers = "fleet/controllers" // controller → controllerRow

// controllerRow is who may speak as a controller.
type controllerRow struct {
	Place     int64     `json:"place"`
	DeviceID  string    `json:"device_id"`
	Enrolment []byte    `json:"enrolment"` // its certificates begin with it; none: revoked
	At        time.Time `json:"at"`
	Model     string    `json:"model,omitempty"`
}

// controller is one that is or was enrolled. It lasts for one enrolment: a later one
// makes another.
type controller struct {
	id, place int64
	deviceID  string
	enrolment [8]byte

	putting chan struct{} // held by the one upload of events at a time

	mu       sync.Mutex
	epochs   map[string]epochRow // that events came of, in this run
	stream   *stream
	pending  map[int64]*command
	since    time.Time // of stream, or when the last one ended
	status   cloudsync.Status
	statusAt time.Time
	saved    time.Time // when status was kept
}

func newController(id int64, row controllerRow) *controller {
	return &controller{
		id: id, place: row.Place, deviceID: row.DeviceID, enrolment: [8]byte(row.Enrolment),
		putting: make(chan struct{}, 1), epochs: map[string]epochRow{}, pending: map[int64]*command{},
	}
}

func idKey(id int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

func (f *Fleet) loadControllers() error {
	for row, err := range f.storage.Scan(tableControllers, nil) {
		if err != nil {
			return err
		}
		var c controllerRow
		if err := json.Unmarshal(row.Value, &c); err != nil || len(row.Key) != 8 {
			return fmt.Errorf("controller %x: %w", row.Key, err)
		}
		if len(c.Enrolment) != 8 {
			continue
		}
		id := int64(binary.BigEndian.Uint64(row.Key))
		f.controllers[id] = newController(id, c)
	}
	return f.loadStatuses()
}

var errUnknown = refuse(http.StatusForbidden, cloudsync.CodeUnknown, "this controller is not enrolled any more")

// still is asked again once a body has come, which may take a while.
func (f *Fleet) still(c *controller) error {
	if !f.enrolled(c) {
		return errUnknown
	}
	return nil
}

// asks tells who asks, by the certificate alone.
func (f *Fleet) asks(r *http.Request) (*controller, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return nil, refuse(http.StatusUnauthorized, "", "a controller's certificate is needed")
	}
	leaf := r.TLS.VerifiedChains[0][0]
	place, id, ok := whose(leaf)
	if !ok {
		return nil, refuse(http.StatusUnauthorized, "", "this is no controller's certificate")
	}
	c := f.controller(id)
	e := enrolmentOf(leaf)
	if c == nil || c.place != place || !bytes.Equal(e[:], c.enrolment[:]) {
		return nil, errUnknown
	}
	return c, nil
}

func (f *Fleet) controller(id int64) *controller {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.controllers[id]
}

// enrolled reports whether c is still the enrolment of its controller.
func (f *Fleet) enrolled(c *controller) bool { return f.controller(c.id) == c }

// put makes a controller the one that there is from now on. Whoever was connected
// as it before is cut off.
func (f *Fleet) put(id int64, c *controller) {
	f.mu.Lock()
	old := f.controllers[id]
	if c == nil {
		delete(f.controllers, id)
	} else {
		f.controllers[id] = c
	}
	f.mu.Unlock()
	if old == nil {
		return
	}
	old.mu.Lock()
	s := old.stream
	old.mu.Unlock()
	if s != nil {
		s.end()
	}
	if l, err := f.logOf(old.place); err == nil { // its long poll looks again who it is
		l.mu.Lock()
		l.announce()
		l.mu.Unlock()
	}
}

// Revoke ends a controller's enrolment, and the claims by which it could have another.
// What it is connected by ends, too. ErrNoController is that it never was enrolled;
// its claims have ended all the same.
func (f *Fleet) Revoke(controller int64) error {
	f.enrolling.Lock()
	defer f.enrolling.Unlock()
	b, err := f.storage.Get(tableControllers, idKey(controller))
	if err != nil {
		return err
	}
	rows, err := f.staleClaims(controller)
	if err != nil {
		return err
	}
	if b == nil {
		if err := f.storage.Commit(rows...); err != nil {
			return err
		}
		return fmt.Errorf("%w: %d", ErrNoController, controller)
	}
	var row controllerRow
	if err := json.Unmarshal(b, &row); err != nil {
		return fmt.Errorf("fleet: controller %d: %w", controller, err)
	}
	row.Enrolment = nil
	if b, err = json.Marshal(row); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	rows = append(rows, storage.Row{Table: tableControllers, Key: idKey(controller), Value: b})
	if err := f.storage.Commit(rows...); err != nil {
		return err
	}
	f.put(controller, nil)
	return nil
}

// renew gives a controller a certificate for another key. The ones before stay good
// until they end: the answer may be lost.
func (f *Fleet) renew(w http.ResponseWriter, r *http.Request, c *controller) error {
	var ask cloudsync.RenewRequest
	if err := readJSON(w, r, maxBody, &ask); err != nil {
		return err
	}
	certificate, err := f.keys.now().certify(c.place, c.id, c.enrolment, ask.CSR, f.now())
	if errors.Is(err, errCSR) {
		return refuse(http.StatusUnprocessableEntity, "", err.Error())
	}
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, cloudsync.Renewal{Certificate: certificate})
	return nil
}
