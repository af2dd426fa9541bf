package policy

import "doord/policy/schedule"

// Records are all records of one place, as its policy file and the place service
// write them. Ids are positive and unique within their kind. They are the source
// from which Compile makes a Set and Holders makes the credential records.
type Records struct {
	Place            Place               `json:"place"`
	Controllers      []Controller        `json:"controllers,omitempty"`
	Locks            []Lock              `json:"locks,omitempty"`
	RelayConnections []RelayConnection   `json:"controller_relay_connections,omitempty"`
	InputConnections []InputConnection   `json:"controller_input_connections,omitempty"`
	Readers          []Reader            `json:"readers,omitempty"`
	Groups           []Group             `json:"groups,omitempty"`
	GroupLocks       []GroupLock         `json:"group_locks,omitempty"`
	Members          []Member            `json:"members,omitempty"`
	RoleAssignments  []RoleAssignment    `json:"role_assignments,omitempty"`
	Credentials      []Credential        `json:"credentials,omitempty"`
	GroupLinks       []GroupLink         `json:"group_links,omitempty"`
	Schedules        []schedule.Schedule `json:"schedules,omitempty"`
	Zones            []Zone              `json:"zones,omitempty"`
	AlarmRules       []AlarmRule         `json:"alarm_rules,omitempty"`
	Areas            []Area              `json:"anti_passback_areas,omitempty"`
	Interlocks       []Interlock         `json:"interlocks,omitempty"`
	Elevators        []Elevator          `json:"elevators,omitempty"`
	ElevatorStops    []ElevatorStop      `json:"elevator_stops,omitempty"`
	GroupStops       []GroupStop         `json:"group_elevator_stops,omitempty"`
	WirelessLocks    []WirelessLock      `json:"wireless_locks,omitempty"`
}

// Place is a building or site. Everything else belongs to it.
type Place struct {
	ID         int64   `json:"id"`
	Name       string  `json:"name"`
	TimeZone   string  `json:"time_zone"` // IANA, "Europe/Berlin"
	Latitude   float64 `json:"latitude"`  // degrees
	Longitude  float64 `json:"longitude"`
	LockedDown bool    `json:"locked_down"`
	// NamesOnControllers lets controllers keep members' names for the technician.
	NamesOnControllers bool `json:"names_on_controllers"`
}

// Controller is one board.
type Controller struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	DeviceID string `json:"device_id"` // 16 hex digits
	Model    string `json:"model,omitempty"`
}

// Lock is a door; one word in the API, the other in talk.
type Lock struct {
	ID          int64    `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Kind        LockKind `json:"kind,omitempty"`
	// Direction is the only way that a turnstile turns; "": both.
	Direction  Direction `json:"direction,omitempty"`
	Latitude   float64   `json:"latitude,omitempty"` // 0, 0: the place's
	Longitude  float64   `json:"longitude,omitempty"`
	Configured bool      `json:"configured"`
	LockedDown bool      `json:"locked_down"`

	Restrictions
	TwoFactor bool `json:"two_factor_enabled"`
	// TwoPersonWithin is how long the first of two members waits for the second, whom
	// this door then lets in together; 3 to 120 s, 0: one is enough.
	TwoPersonWithin Seconds `json:"two_person_within,omitempty"`
	// EscortWithin is how long after his escort a visitor may follow; 3 to 300 s, 0: 30 s.
	EscortWithin Seconds `json:"escort_within,omitempty"`

	WhenClockUnset  ClockRule `json:"when_clock_unset"`
	WhenPolicyStale StaleRule `json:"when_policy_stale"`
	OnFire          FireRule  `json:"on_fire"`
}

// LockKind is what a lock locks.
type LockKind string

// The kinds of locks. A turnstile lets one pass for each grant; a gate is not closed
// on a vehicle. The default is a door.
const (
	KindDoor      LockKind = ""
	KindTurnstile LockKind = "turnstile"
	KindGate      LockKind = "gate"
)

// Restrictions bind when and where a door or a group admits.
type Restrictions struct {
	Geofence       bool    `json:"geofence_restriction_enabled"`
	GeofenceRadius float64 `json:"geofence_restriction_radius"` // m, default 300
	ReaderNeeded   bool    `json:"reader_restriction_enabled"`
	Time           bool    `json:"time_restriction_enabled"`
}

// ClockRule says what checks that read the clock answer while it is not set.
type ClockRule string

// StaleRule says whether a door serves when the policy's head has expired.
type StaleRule string

// FireRule says what a fail-secure lock does on fire.
type FireRule string

// The rules; the first of each is the default.
const (
	ClockDeny   ClockRule = "deny"
	ClockAllow  ClockRule = "allow"
	StaleAdmit  StaleRule = "admit"
	StaleDeny   StaleRule = "deny"
	FireStay    FireRule  = "stay"
	FireRelease FireRule  = "release"
)

// RelayConnection binds a relay of a controller to what it drives.
type RelayConnection struct {
	ID           int64     `json:"id"`
	ControllerID int64     `json:"controller_id"`
	Channel      int       `json:"channel"` // 1 to 4, 5 for aux
	Type         RelayType `json:"type"`
	LockID       int64     `json:"lock_id,omitempty"`
	ZoneID       int64     `json:"zone_id,omitempty"`       // of a siren: sounds while the zone is violated; of a key switch
	AlarmRuleID  int64     `json:"alarm_rule_id,omitempty"` // of a siren: sounds with the rule's alarm
	StopID       int64     `json:"elevator_stop_id,omitempty"`
	Duration     Seconds   `json:"duration"`  // 0.5 to 600 s, default 3
	RelockOn     RelockOn  `json:"relock_on"` // default: open for a strike, close for a maglock
}

// RelayType is what a relay drives.
type RelayType string

// The types of relay connections.
const (
	RelayLock      RelayType = "lock"
	RelaySiren     RelayType = "siren"
	RelayStop      RelayType = "elevator_stop"
	RelayKeySwitch RelayType = "key_switch" // of an alarm panel: a pulse arms or disarms it
)

// RelockOn is what ends a release before its time.
type RelockOn string

// What ends a release: the door opening, closing, or nothing but the time.
const (
	RelockDefault RelockOn = ""
	RelockOpen    RelockOn = "open"
	RelockClose   RelockOn = "close"
	RelockTimeout RelockOn = "timeout"
)

// InputConnection binds an input of a controller to what it means.
type InputConnection struct {
	ID           int64       `json:"id"`
	ControllerID int64       `json:"controller_id"`
	Channel      int         `json:"channel"` // 1 to 12
	Type         InputType   `json:"type"`
	LockID       int64       `json:"lock_id,omitempty"`
	Duration     Seconds     `json:"duration,omitempty"`  // contact: held open after 3 to 600 s; REX: 0.5 to 600 s
	PreAlarm     Seconds     `json:"pre_alarm,omitempty"` // before held open
	Action       REXAction   `json:"action,omitempty"`    // of a request to exit
	ZoneID       int64       `json:"zone_id,omitempty"`   // of an alarm panel: the zone that it tells of
	Signal       PanelSignal `json:"signal,omitempty"`    // and what
}

// InputType is what an input watches.
type InputType string

// The types of input connections.
const (
	InputContact InputType = "contact_sensor"
	InputREX     InputType = "request_to_exit"
	InputTamperS InputType = "tamper"
	InputFire    InputType = "fire"
	InputPanel   InputType = "alarm_panel"
	InputPassage InputType = "passage" // somebody goes through
	InputLoop    InputType = "loop"    // a vehicle stands in a gate
)

// REXAction is what a request to exit does.
type REXAction string

// The actions of a request to exit.
const (
	REXUnlock      REXAction = "unlock"
	REXShunt       REXAction = "shunt"
	REXLastToLeave REXAction = "last_to_leave"
	REXNone        REXAction = "none"
)

// Reader is a reader and the ways of unlocking that it accepts.
type Reader struct {
	ID           int64     `json:"id"`
	ControllerID int64     `json:"controller_id"`
	Port         string    `json:"port"` // "wiegand:1" to "wiegand:4", "osdp:0" to "osdp:126"
	LockID       int64     `json:"lock_id,omitempty"`
	ElevatorID   int64     `json:"elevator_id,omitempty"` // of a reader in a car, which has no lock
	Direction    Direction `json:"direction"`
	Cards        bool      `json:"cards_enabled"`
	Tap          bool      `json:"tap_enabled"`
	Wave         bool      `json:"wave_to_unlock_enabled"`
	PIN          PINMode   `json:"pin_mode"`
	TwoFactor    bool      `json:"device_unlock_restriction_enabled"`
	Tamper       bool      `json:"tamper_enabled"`
	Buzzer       bool      `json:"buzzer_enabled"`          // it may beep
	HeldOpen     bool      `json:"held_open_alarm_enabled"` // it warns and alarms about a door held open
}

// Direction is the way that a reader lets people pass.
type Direction string

// The directions.
const (
	In  Direction = "in"
	Out Direction = "out"
)

// PINMode says what a keypad is for.
type PINMode string

// The PIN modes.
const (
	PINNone       PINMode = "none"
	PINOnly       PINMode = "pin_only"
	PINCardAndPIN PINMode = "card_and_pin"
)

// Group says who may open what, under which restrictions.
type Group struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Validity
	Login bool `json:"login_enabled"` // in-app unlock allowed
	Restrictions
	TapOnly bool `json:"tap_to_access_restriction_enabled"`
}

// GroupLock says that a group opens a door.
type GroupLock struct {
	ID      int64 `json:"id"`
	GroupID int64 `json:"group_id"`
	LockID  int64 `json:"lock_id"`
}

// Member is a person; the field also says cardholder.
type Member struct {
	ID            int64  `json:"id"`
	Name          string `json:"name,omitempty"`
	Email         string `json:"email,omitempty"`
	AccessEnabled bool   `json:"access_enabled"`
	LinkAllowed   bool   `json:"link_allowed"`
	// EscortNeeded says that a visitor enters only after somebody who may escort.
	EscortNeeded bool `json:"escort_required,omitempty"`
	MayEscort    bool `json:"may_escort,omitempty"`
}

// RoleAssignment puts a member into a group, or gives a role at the place.
type RoleAssignment struct {
	ID        int64     `json:"id"`
	Role      Role      `json:"role_id"`
	AppliesTo AppliesTo `json:"applies_to"`
	MemberID  int64     `json:"member_id"`
	Validity
}

// AppliesTo names a group or the place.
type AppliesTo struct {
	Type string `json:"type"` // "group" or "place"
	ID   int64  `json:"id"`
}

// Role is what a member may do.
type Role string

// The roles, the weaker first.
const (
	RoleMember        Role = "member"
	RoleManager       Role = "manager"
	RoleAdministrator Role = "administrator"
	RoleOwner         Role = "owner"
)

// Credential is what a member presents.
type Credential struct {
	ID        int64          `json:"id"`
	MemberID  int64          `json:"member_id"`
	Kind      CredentialKind `json:"kind"`
	Format    string         `json:"format,omitempty"` // with a number: "H10301"
	Facility  uint64         `json:"facility,omitempty"`
	Card      uint64         `json:"card,omitempty"`
	Issue     uint32         `json:"issue,omitempty"`
	UID       string         `json:"uid,omitempty"`        // 4 to 10 bytes in hex
	PIN       string         `json:"pin,omitempty"`        // 4 to 8 digits
	Duress    bool           `json:"duress,omitempty"`     // a PIN that opens, and calls for help without a sign
	PublicKey string         `json:"public_key,omitempty"` // of a phone: a compressed P-256 point, 66 hex digits
	// UnlockedPublicKey is the phone's second key, usable only while it is unlocked.
	UnlockedPublicKey string `json:"unlocked_public_key,omitempty"`
	// SecretSHA256 is the hash of a member's own link, 64 hex digits.
	SecretSHA256 string           `json:"secret_sha256,omitempty"`
	Status       CredentialStatus `json:"status"`
	Validity
}

// CredentialKind is what a credential is to its holder.
type CredentialKind string

// The kinds of credentials.
const (
	KindCard  CredentialKind = "card"
	KindFob   CredentialKind = "fob"
	KindTag   CredentialKind = "tag"
	KindPhone CredentialKind = "phone"
	KindPIN   CredentialKind = "pin"
	KindLink  CredentialKind = "link"
)

// CredentialStatus says whether a credential may be used.
type CredentialStatus string

// The states of a credential.
const (
	Activated   CredentialStatus = "activated"
	Deactivated CredentialStatus = "deactivated"
	Unassigned  CredentialStatus = "unassigned"
)

// GroupLink is a quick access link: it opens a group's doors.
type GroupLink struct {
	ID      int64  `json:"id"`
	GroupID int64  `json:"group_id"`
	Name    string `json:"name,omitempty"`
	Enabled bool   `json:"link_enabled"`
	// SecretSHA256 is the hash of the link's secret, 64 hex digits.
	SecretSHA256 string `json:"secret_sha256"`
	Validity
}
