package cloudsync

import (
	"time"

	"doord/policy"
	"doord/policy/ledger"
	"doord/policy/zone"
)

// Paths of the sync protocol. All but the first two ask for the controller's
// certificate, and take controller and place from it.
const (
	PathIdentity = "/v1/identity"           // GET
	PathEnroll   = "/v1/enroll"             // POST
	PathRenew    = "/v1/renew"              // POST
	PathPolicy   = "/v1/policy"             // GET, long poll; no entries upon the head's own position: a later head alone
	PathEvents   = "/v1/events"             // POST, gzip, lines of JSON
	PathStream   = "/v1/stream"             // GET, server-sent events
	PathResult   = "/v1/commands/%d/result" // POST
	PathZone     = "/v1/zones/%d"           // GET, PUT with If-Match
	PathStatus   = "/v1/status"             // POST
)

// Headers of the protocol.
const (
	// HeaderNonce comes with the request for a stream: 16 random bytes in hex, over
	// which its commands are signed.
	HeaderNonce = "Doord-Nonce"
	// HeaderSince comes with an upload of events: the sequence after which these are
	// the first that the journal still has. Without it the first must follow what
	// the service has. An answer with a lower acked_through asks for those after it.
	HeaderSince = "Doord-Since"
	// HeaderExpires comes with a request for the policy: when the head that the
	// controller has ends, in seconds since 1970 UTC. If the service has one of the same
	// position that ends later it answers with that, at once.
	HeaderExpires = "Doord-Head-Expires"
)

// Codes of errors (Error.Code) that a controller can do something about.
const (
	CodeForked  = "journal_forked" // 409: the service has other events of these numbers; begin a new epoch
	CodeBehind  = "service_behind" // 409: the service was restored and the root did not sign that; keep the policy
	CodeUnknown = "not_enrolled"   // 403: revoked, or enrolled anew elsewhere
	CodeClaim   = "claim_invalid"  // 403: no such claim code, used, expired or for another device
	CodeChanged = "zone_changed"   // 412: with the ZoneState that there is
)

// Error is the body of every answer that is no success.
type Error struct {
	Text string `json:"error"`
	Code string `json:"code,omitempty"`
}

// Limits of the protocol.
const (
	MaxEvents      = 500              // in one upload
	MaxEventsBytes = 4 << 20          // of one upload, unpacked
	LongPoll       = 50 * time.Second // that a policy request waits, at most
	PingEvery      = 25 * time.Second // on an idle stream
	CommandLife    = 10 * time.Second // after which a command is not carried out any more
)

// Identity is who the service says it is, signed by its root (ledger.ForIdentity):
// the fingerprint of the root's key is in the claim code.
type Identity struct {
	RootKey []byte        `json:"root_key"` // Ed25519
	Signed  ledger.Signed `json:"signed"`   // of IdentityBody
}

// IdentityBody is what the root signs of the service.
type IdentityBody struct {
	_  struct{} `cbor:",toarray"`
	CA []byte   // certificate, DER: who signs controllers, and the service's own certificate if it was given no other
}

// EnrollRequest asks for a certificate by a claim code's secret.
type EnrollRequest struct {
	Secret   string `json:"secret"` // 32 hex digits
	DeviceID string `json:"device_id"`
	CSR      string `json:"csr"` // PEM
	Model    string `json:"model,omitempty"`
	Version  string `json:"version"` // of doord
}

// Enrollment is what a controller keeps.
type Enrollment struct {
	PlaceID      int64           `json:"place_id"`
	ControllerID int64           `json:"controller_id"`
	Certificate  string          `json:"certificate"` // PEM
	PlaceKey     []byte          `json:"place_key"`   // 32 bytes: of the digests
	Grants       []ledger.Signed `json:"grants"`
}

// RenewRequest asks for a new certificate for a new key.
type RenewRequest struct {
	CSR string `json:"csr"` // PEM
}

// Renewal answers it.
type Renewal struct {
	Certificate string `json:"certificate"` // PEM
}

// Ack answers an upload: the service has all events of the epoch through this one,
// on its disk. Receipt is a signed ReceiptBody (ledger.ForReceipt).
type Ack struct {
	AckedThrough uint64         `json:"acked_through"`
	Receipt      *ledger.Signed `json:"receipt,omitempty"`
}

// ReceiptBody is what the service countersigns.
type ReceiptBody struct {
	_          struct{} `cbor:",toarray"`
	Controller int64
	Epoch      string
	Sequence   uint64
	Hash       ledger.Hash // of the event
}

// Events on the stream, by their names.
const (
	StreamHello   = "hello"   // data: Hello, first of all
	StreamPolicy  = "policy"  // data: the position that there is now, a hint
	StreamZone    = "zone"    // data: ZoneState
	StreamCommand = "command" // data: ledger.Signed of a Command
)

// Hello begins a stream.
type Hello struct {
	Time time.Time `json:"time"` // of the service
}

// Command is something to do at once. It is signed over the nonce that the
// controller opened its stream with, and numbered from 1 on each stream.
type Command struct {
	_          struct{} `cbor:",toarray"`
	ID         int64
	Controller int64
	Nonce      []byte
	Sequence   uint64
	Action     Action
	Lock       int64  // 0 where none is meant
	Object     int64  // reader, alarm rule, zone, area
	Body       []byte // JSON, by the action: Unlock for ActionUnlock, Forgive for ActionForgive, else By
	// Elapsed is the time in ms from when the service took the stream's request until
	// it gave this command. A controller that counts from before it sent the request
	// knows an upper bound of the command's age, without a wall clock.
	Elapsed int64
}

// Action is what a command does.
type Action string

// The actions.
const (
	ActionUnlock        Action = "unlock" // for a member or by a link; decided by the core
	ActionFirstToArrive Action = "first_to_arrive"
	ActionLastToLeave   Action = "last_to_leave"
	ActionResetTamper   Action = "reset_tamper" // of a reader
	ActionSilence       Action = "silence"      // an alarm rule
	ActionResetAlarm    Action = "reset_alarm"
	ActionReboot        Action = "reboot"  // the daemon ends and is started anew
	ActionForgive       Action = "forgive" // where a member is, or everybody, in an anti-passback area
)

// Unlock is the body of ActionUnlock. It names a member who has signed in, or a
// link by its secret's hash.
type Unlock struct {
	Member   int64     `json:"member,omitempty"`
	Link     string    `json:"link,omitempty"` // SHA-256 of the secret, 64 hex digits
	Location *Location `json:"location,omitempty"`
	Code     string    `json:"code,omitempty"` // proximity proof
}

// By is the body of the other actions, or none: who asked, if it was a member.
type By struct {
	Member int64 `json:"member,omitempty"`
}

// Forgive is the body of ActionForgive: who asked, and whose whereabouts do not
// matter any more; 0 is everybody.
type Forgive struct {
	By
	Whom int64 `json:"whom,omitempty"`
}

// Location is where a phone says that it is.
type Location struct {
	Latitude  float64 `json:"latitude"` // degrees
	Longitude float64 `json:"longitude"`
	Accuracy  float64 `json:"accuracy"` // m, of the horizontal position
	Age       float64 `json:"age"`      // s, since the fix
}

// Result answers a command: it was carried out, or why not.
type Result struct {
	Done   bool           `json:"done"`
	Reason policy.Reason  `json:"reason,omitempty"`
	Text   string         `json:"text,omitempty"`
	Event  string         `json:"event,omitempty"` // uuid
	Trace  []policy.Check `json:"trace,omitempty"`
}

// ZoneState is a zone as the service knows it.
type ZoneState struct {
	Zone    int64       `json:"zone"`
	Version uint64      `json:"version"` // the ETag
	Shared  zone.Shared `json:"shared"`
}

// Status is how a controller is, told when it changes and every minute.
type Status struct {
	Version     string         `json:"version"` // of doord
	BootID      string         `json:"boot_id"`
	Uptime      float64        `json:"uptime"` // s
	ClockSet    bool           `json:"clock_set"`
	Policy      string         `json:"policy"` // position in force
	PolicyError string         `json:"policy_error,omitempty"`
	LastPolicy  time.Time      `json:"last_policy,omitzero"` // success
	Queue       uint64         `json:"queue"`                // events not acknowledged
	Epoch       string         `json:"epoch"`
	Faults      []string       `json:"faults,omitempty"`
	Head        *ledger.Signed `json:"head,omitempty"` // ReceiptBody of the journal's newest event, by the device key (ForReceipt)
	Doors       []DoorStatus   `json:"doors"`
	Relays      []RelayStatus  `json:"relays"`
	Inputs      []InputStatus  `json:"inputs"`
	Readers     []ReaderStatus `json:"readers"`

	Wireless []WirelessStatus `json:"wireless_locks,omitempty"`
	Stops    []StopStatus     `json:"elevator_stops,omitempty"`
}

// DoorStatus is a door as its controller sees it.
type DoorStatus struct {
	LockID             int64     `json:"lock_id,omitempty"` // 0: bound to none
	Name               string    `json:"name"`              // on the board
	LockType           string    `json:"lock_type"`
	FailMode           string    `json:"fail_mode"`
	Relays             []int     `json:"relays"`
	Open               *bool     `json:"open"` // null without a contact
	Unlocked           bool      `json:"unlocked"`
	Cause              string    `json:"cause,omitempty"`
	LockedDown         bool      `json:"locked_down"`
	Forced             bool      `json:"forced"`
	HeldOpen           bool      `json:"held_open"`
	OnScheduledUnlock  bool      `json:"on_scheduled_unlock"`
	FirstToArriveUntil time.Time `json:"first_to_arrive_required_until,omitzero"`
	FirstToArriveDone  bool      `json:"first_to_arrive_satisfied"`
	Misconfigured      string    `json:"misconfigured,omitempty"`
}

// RelayStatus is a relay of the board.
type RelayStatus struct {
	Channel int    `json:"channel"`
	Use     string `json:"use"`
	Door    string `json:"door,omitempty"`
	On      bool   `json:"on"`
	OK      bool   `json:"ok"`
}

// InputStatus is an input of the board.
type InputStatus struct {
	Name    string   `json:"name"`
	Channel int      `json:"channel"`
	Kind    string   `json:"kind"`
	Doors   []string `json:"doors"`
	Status  string   `json:"status"` // open, closed, cut, short, unknown
	Active  bool     `json:"active"`
}

// ReaderStatus is a reader of the board.
type ReaderStatus struct {
	Name     string `json:"name"`
	Port     string `json:"port"`
	Door     string `json:"door"`
	Online   bool   `json:"online"`
	Tampered bool   `json:"tampered"`
}

// WirelessStatus is a wireless lock as its gateway tells. While it is not online
// nothing but that is known.
type WirelessStatus struct {
	LockID     int64 `json:"lock_id,omitempty"` // 0: bound to none
	Channel    int   `json:"channel"`
	Online     bool  `json:"online"`
	LossOfRF   bool  `json:"loss_of_rf"` // the gateway is there and does not hear it
	Unlocked   bool  `json:"unlocked"`
	Open       *bool `json:"open"`    // null without a contact
	Battery    *int  `json:"battery"` // percent; null where it does not tell
	BatteryLow bool  `json:"battery_low"`
	MotorStall bool  `json:"motor_stall"`
	Tampered   bool  `json:"tampered"`
	Signal     *int  `json:"signal"` // dBm; null where it does not tell
}

// StopStatus is an elevator stop as its controller sees it.
type StopStatus struct {
	StopID        int64 `json:"elevator_stop_id"`
	Permitted     bool  `json:"permitted"`
	OnSchedule    bool  `json:"on_scheduled_permit"`
	LockedDown    bool  `json:"locked_down"`
	Misconfigured bool  `json:"misconfigured"` // its relay is not one for stops
}
