package policy

import "time"

// Method is a way of asking for a door.
type Method string

// The methods.
const (
	MethodCard       Method = "card"
	MethodTap        Method = "tap"
	MethodPIN        Method = "pin"
	MethodCardAndPIN Method = "card_and_pin"
	MethodInApp      Method = "in_app"
	MethodLink       Method = "link"
	MethodWave       Method = "wave"
)

// atReader reports whether the method itself shows that the person stands at
// the reader, which satisfies geofence and reader restrictions.
func (m Method) atReader() bool {
	switch m {
	case MethodCard, MethodTap, MethodPIN, MethodCardAndPIN, MethodWave:
		return true
	case MethodInApp, MethodLink:
		return false
	}
	return false
}

// Request is everything that a decision depends on besides the policy and the
// time: which door, how it was asked for, what was found, and the state of
// things at the door. Nothing in it must be fetched.
type Request struct {
	Door   int64 // lock id
	Stop   int64 // of an elevator, instead of a door
	Method Method
	Reader int64 // reader id, 0 when the request came by network

	Holder *Holder // of the token, or of the signed-in member; nil: unknown
	PIN    *Holder // of the PIN that followed a card; nil: unknown

	// Found is the revision of the policy in which the holders were looked up.
	Found uint64

	Proof Proof

	State DoorState
}

// Proof is what a phone has shown beyond its credential.
type Proof struct {
	Signed        bool // the phone signed this reader's challenge
	PhoneUnlocked bool // and did so with the key that needs an unlocked phone
	AtReader      bool // a proximity code of this door's reader was given and is right
	Location      *Location
}

// Location is where a phone says it is.
type Location struct {
	Latitude, Longitude float64       // degrees
	Accuracy            float64       // m, of the horizontal position
	Age                 time.Duration // since the fix
}

// DoorState is the part of the door's state that a decision looks at.
type DoorState struct {
	Misconfigured  bool // policy and wiring disagree, or no relay of the door is here
	LockedDown     bool // by a technician; the policy's own lockdown is in the Set
	ReaderTampered bool
	PINBlocked     bool   // too many wrong PINs at this reader
	UnlockingREX   bool   // whoever is inside gets out without this decision
	ZoneLevel      string // of the zone that the door is in; "": in none
	ZoneDenies     bool   // the level lets nobody in
	ZoneByClock    bool   // the level needs the wall clock to be told
	Blocker        int64  // another lock of the door's interlocks that is open or released; 0: none
	Escorted       bool   // somebody who may escort others entered a moment ago
	First          int64  // the member who waits at this door for a second one; 0: none
	Area           int64  // that the reader leads into or out of; 0: none
	Passed         bool   // the holder went that way already, and did not come back
}

// Duress reports whether the PIN of the request calls for help, whatever becomes of it.
func (q *Request) Duress() bool {
	pin := q.Holder
	switch q.Method {
	case MethodCardAndPIN:
		if pin = q.PIN; pin == nil || q.Holder == nil || pin.Member != q.Holder.Member {
			return false
		}
	case MethodPIN:
	case MethodCard, MethodTap, MethodInApp, MethodLink, MethodWave:
		return false
	}
	return pin != nil && pin.Duress && pin.Status == Activated
}
