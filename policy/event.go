package policy

import "time"

// EventType names what happened. The strings are stable.
type EventType string

// The events that a controller makes.
const (
	// A decision about a door, granted or denied, with its trace.
	LockUnlock EventType = "lock.unlock"
	// The door is locked again after a release, a hold or a scheduled unlock.
	LockLocked           EventType = "lock.locked"
	LockOpened           EventType = "lock.opened"
	LockClosed           EventType = "lock.closed"
	LockForcedOpen       EventType = "lock.forced_open"
	LockHeldOpenWarning  EventType = "lock.held_open_warning"
	LockHeldOpen         EventType = "lock.held_open"
	LockGrantedNotEnter  EventType = "lock.granted_not_entered"
	LockLockDown         EventType = "lock.lock_down"
	LockCancelLockdown   EventType = "lock.cancel_lockdown"
	LockHold             EventType = "lock.hold"
	LockREX              EventType = "lock.rex"
	LockREXStuck         EventType = "lock.rex_stuck"
	LockMisconfigured    EventType = "lock.misconfigured"
	ScheduledStarted     EventType = "lock.scheduled_unlock_started"
	ScheduledEnded       EventType = "lock.scheduled_unlock_ended"
	FirstToArrive        EventType = "lock.first_to_arrive"
	LastToLeave          EventType = "lock.last_to_leave"
	PlaceLockDown        EventType = "place.lock_down"
	PlaceCancelLockdown  EventType = "place.cancel_lockdown"
	InputOpened          EventType = "controller_input.opened"
	InputClosed          EventType = "controller_input.closed"
	InputTriggered       EventType = "controller_input.triggered"
	InputTamper          EventType = "controller_input.tamper"
	ControllerReboot     EventType = "controller.reboot"
	ControllerTamper     EventType = "controller.tamper"
	ControllerClockSet   EventType = "controller.clock_set"
	ControllerFire       EventType = "controller.fire"
	ControllerFireReset  EventType = "controller.fire_reset"
	ControllerPolicy     EventType = "controller.policy"
	ControllerStale      EventType = "controller.policy_stale"
	ControllerGap        EventType = "controller.gap"
	ControllerFault      EventType = "controller.fault"
	RelayMismatch        EventType = "controller.relay_mismatch"
	RelayTest            EventType = "controller.relay_test" // a technician switched it on for a moment
	ReaderAccess         EventType = "reader.access"
	ReaderBadFrame       EventType = "reader.bad_frame"
	ReaderTamper         EventType = "reader.tamper"
	ReaderResetTamper    EventType = "reader.reset_tamper"
	ReaderOnline         EventType = "reader.online"
	ReaderOffline        EventType = "reader.offline"
	ReaderSecureLost     EventType = "reader.secure_lost" // its encrypted channel ended
	ReaderCommission     EventType = "reader.commission"  // it was given a key of its own
	LockAntiPassback     EventType = "lock.anti_passback" // somebody passes who has gone this way already
	ElevatorPermit       EventType = "elevator.permit"    // a decision in a car: stops can be chosen, or none
	ElevatorScheduled    EventType = "elevator.scheduled_permit_started"
	ElevatorUnscheduled  EventType = "elevator.scheduled_permit_ended"
	ElevatorLockDown     EventType = "elevator.lock_down"
	ElevatorCancel       EventType = "elevator.cancel_lockdown"
	LockPassage          EventType = "lock.passage"  // somebody went through, as a sensor tells
	LockTailgate         EventType = "lock.tailgate" // and another one behind, whom nobody let in
	LockDuress           EventType = "lock.duress"   // somebody was made to open, or to try
	AreaForgiven         EventType = "anti_passback_area.forgiven"
	ExcessivePINAttempts EventType = "controller_wiegand_connection.excessive_pin_attempts"
	ZoneActivate         EventType = "zone.policy_activate"   // a weekly block arms it
	ZoneTransition       EventType = "zone.policy_transition" // the calendar changes its level otherwise
	ZoneOnAccess         EventType = "zone.policy_override"   // a granted unlock does
	ZoneOverride         EventType = "zone.override"          // a person does
	ZoneViolate          EventType = "zone.policy_violate"    // a door of it opens when none may
	ZoneReset            EventType = "zone.reset"
	AlarmStarted         EventType = "alarm.started"
	AlarmSilenced        EventType = "alarm.silenced"
	AlarmReset           EventType = "alarm.reset"
)

// Ref points at the subject of an event: a lock, a member, a reader.
type Ref struct {
	Type string `json:"type,omitempty"`
	ID   int64  `json:"id,omitempty"`
	Name string `json:"name,omitempty"` // as the board calls it; never a person's
}

// Event is one thing that happened, as the core tells it. The journal adds what
// makes it a record: sequence, uuid, boot and chain.
type Event struct {
	At      Now
	Type    EventType
	Object  Ref
	Actor   Ref // who caused it, when somebody did
	By      Ref // how they proved it: card, tap, login, link
	Reader  string
	Success bool
	Reason  Reason
	// Until is the monotonic time at which what began here ends by itself; 0 when it does not.
	Until    time.Duration
	Detail   string // one or two words that tell kinds of the same event apart
	Bits     string // raw bits of undecodable frames and unknown cards only
	Revision uint64 // of the policy that decided
	Trace    []Check
}
