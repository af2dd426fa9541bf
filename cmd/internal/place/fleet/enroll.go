package fleet

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"doord/cmd/internal/place/storage"
	"doord/store/cloudsync"
)

const (
	tableClaims = "fleet/claims" // SHA-256 of the secret → claimRow

	claimLife = 15 * time.Minute
)

// Claim is what enrols one controller.
type Claim struct {
	Code    string // as cloudsync.ParseClaim reads it
	Expires time.Time
}

// claimRow is a claim without its secret. It goes when it is used.
type claimRow struct {
	Place      int64     `json:"place"`
	Controller int64     `json:"controller"`
	DeviceID   string    `json:"device_id"`
	Expires    time.Time `json:"expires"`
}

// Claim gives out a code with which the device that has the id, 16 hex digits, can
// become the controller. Claims of the controller from before end.
func (f *Fleet) Claim(place, controller int64, deviceID string) (Claim, error) {
	if _, err := f.logOf(place); err != nil {
		return Claim{}, err
	}
	deviceID = strings.ToLower(deviceID)
	if b, err := hex.DecodeString(deviceID); err != nil || len(b) != 8 {
		return Claim{}, fmt.Errorf("fleet: the device id %q is not 16 hex digits", deviceID)
	}
	if controller <= 0 {
		return Claim{}, fmt.Errorf("%w: %d", ErrNoController, controller)
	}
	f.enrolling.Lock()
	defer f.enrolling.Unlock()
	rows, err := f.staleClaims(controller)
	if err != nil {
		return Claim{}, err
	}
	code := cloudsync.Claim{Root: f.Fingerprint()}
	_, _ = rand.Read(code.Secret[:]) // never fails
	c := claimRow{Place: place, Controller: controller, DeviceID: deviceID, Expires: f.now().Add(claimLife)}
	b, err := json.Marshal(c)
	if err != nil {
		return Claim{}, fmt.Errorf("fleet: %w", err)
	}
	hash := sha256.Sum256(code.Secret[:])
	if err := f.storage.Commit(append(rows, storage.Row{Table: tableClaims, Key: hash[:], Value: b})...); err != nil {
		return Claim{}, err
	}
	return Claim{Code: code.String(), Expires: c.Expires}, nil
}

// staleClaims deletes the claims that are over, and those of a controller.
func (f *Fleet) staleClaims(controller int64) (rows []storage.Row, err error) {
	now := f.now()
	for row, err := range f.storage.Scan(tableClaims, nil) {
		if err != nil {
			return nil, err
		}
		var c claimRow
		if json.Unmarshal(row.Value, &c) != nil || c.Controller == controller || !now.Before(c.Expires) {
			rows = append(rows, storage.Row{Table: tableClaims, Key: row.Key})
		}
	}
	return rows, nil
}

// errClaim is the same for every reason, so that nobody learns by trying.
var errClaim = refuse(http.StatusForbidden, cloudsync.CodeClaim, "the claim code is wrong, was used, has expired or is for another device")

// enroll makes whoever has a claim's secret the controller.
func (f *Fleet) enroll(w http.ResponseWriter, r *http.Request) error {
	if wait := f.limiter.take(r.RemoteAddr, f.now()); wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(wait/time.Second)+1))
		return refuse(http.StatusTooManyRequests, "", "too many attempts from this address")
	}
	var ask cloudsync.EnrollRequest
	if err := readJSON(w, r, maxBody, &ask); err != nil {
		return err
	}
	secret, err := hex.DecodeString(ask.Secret)
	if err != nil || len(secret) != len(cloudsync.Claim{}.Secret) {
		return errClaim
	}
	f.enrolling.Lock()
	defer f.enrolling.Unlock()
	hash := sha256.Sum256(secret)
	b, err := f.storage.Get(tableClaims, hash[:])
	if err != nil {
		return err
	}
	var claim claimRow
	now := f.now()
	if b == nil || json.Unmarshal(b, &claim) != nil || !now.Before(claim.Expires) || !strings.EqualFold(claim.DeviceID, ask.DeviceID) {
		return errClaim
	}
	l, err := f.logOf(claim.Place)
	if err != nil {
		return errClaim
	}
	row := controllerRow{Place: claim.Place, DeviceID: claim.DeviceID, Enrolment: make([]byte, 8), At: now, Model: short(ask.Model)}
	_, _ = rand.Read(row.Enrolment)                 // never fails
	row.Enrolment[0] = row.Enrolment[0]&0x7f | 0x40 // a serial number of always the same length
	c := newController(claim.Controller, row)
	keys := f.keys.now()
	certificate, err := keys.certify(c.place, c.id, c.enrolment, ask.CSR, now)
	if errors.Is(err, errCSR) {
		return refuse(http.StatusUnprocessableEntity, "", err.Error())
	}
	if err != nil {
		return err
	}
	registered, err := json.Marshal(row)
	if err != nil {
		return err
	}
	event, err := enrolled(c, now)
	if err != nil {
		return err
	}
	told := f.AddEvents(c.place, now, event)
	if err := f.storage.Commit(append(told.Rows,
		storage.Row{Table: tableControllers, Key: idKey(c.id), Value: registered},
		storage.Row{Table: tableClaims, Key: hash[:]},
	)...); err != nil {
		return err
	}
	f.put(c.id, c)
	told.Done()
	f.log.Info("a controller was enrolled", "place", c.place, "controller", c.id, "device", c.deviceID)
	answer(w, http.StatusOK, cloudsync.Enrollment{
		PlaceID: c.place, ControllerID: c.id, Certificate: certificate, PlaceKey: l.key, Grants: keys.signed(),
	})
	return nil
}

// eventEnrolled is the one event that nobody asked for by the API.
const eventEnrolled = "controller.enrolled"

// enrolled makes the event of it, in the words of the controllers' events.
func enrolled(c *controller, now time.Time) ([]byte, error) {
	return json.Marshal(struct {
		UUID       string    `json:"uuid"`
		CreatedAt  time.Time `json:"created_at"`
		Type       string    `json:"type"`
		ObjectType string    `json:"object_type"`
		ObjectID   int64     `json:"object_id"`
		Success    bool      `json:"success"`
	}{NewUUID(now), now.UTC(), eventEnrolled, "controller", c.id, true})
}

// NewUUID makes a UUID of version 7, for the service's own events.
func NewUUID(now time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[6:]) // never fails
	ms := idKey(max(now.UnixMilli(), 0))
	copy(b[:6], ms[2:])
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func short(s string) string { return strings.ToValidUTF8(s[:min(len(s), 100)], "") }

// limiter lets each address try so often.
type limiter struct {
	mu   sync.Mutex
	seen map[string]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

const (
	limitBurst = 10
	limitEvery = 6 * time.Second
	limitSeen  = 10_000 // addresses; all others together are one
)

// take returns how long the address has to wait, 0 if it may go on.
func (l *limiter) take(remote string, now time.Time) time.Duration {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		host = ip.Mask(net.CIDRMask(64, 128)).String() // whoever has one of these has them all
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[string]bucket{}
	}
	b, ok := l.seen[host]
	if !ok && len(l.seen) >= limitSeen {
		host = ""
		b, ok = l.seen[host]
	}
	if !ok {
		b = bucket{limitBurst, now}
	}
	b.tokens = min(limitBurst, b.tokens+float64(now.Sub(b.at))/float64(limitEvery))
	b.at = now
	wait := time.Duration(0)
	if b.tokens < 1 {
		wait = time.Duration((1 - b.tokens) * float64(limitEvery))
	} else {
		b.tokens--
	}
	l.seen[host] = b
	return wait
}

// forget drops those that may go on as if they were new.
func (l *limiter) forget(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for host, b := range l.seen {
		if now.Sub(b.at) > limitBurst*limitEvery {
			delete(l.seen, host)
		}
	}
}
