package relay

import (
	"errors"
	"fmt"
)

// Channel is the number of a relay on the board: 1 to 4 for the door relays, 5
// for the auxiliary one.
type Channel uint8

// The channels at either end.
const (
	FirstChannel Channel = 1
	AuxChannel   Channel = 5
)

// String names the relay as it is printed on the board.
func (c Channel) String() string {
	if c == AuxChannel {
		return "aux relay"
	}
	return fmt.Sprintf("relay %d", uint8(c))
}

// Use is what a relay switches.
type Use string

// The uses of a relay.
const (
	Lock  Use = "lock"  // a door's lock: wanted means released
	Siren Use = "siren" // wanted means coil on, and off in the safe state
	// Elevator is the button of an elevator stop, through the normally closed contact:
	// wanted means permitted, with the coil off. A dead board, and the safe state, leave
	// the elevator to itself.
	Elevator Use = "elevator"
	Aux      Use = "aux" // anything else: as a siren
)

// LockType is the mechanism of a lock.
type LockType string

// The types of locks.
const (
	ElectricStrike LockType = "electric_strike"
	Magnetic       LockType = "magnetic" // holds by power alone: always fail-safe
	Wireless       LockType = "wireless" // has no relay: see package relay/gateway
)

// FailMode is what a lock does without power.
type FailMode string

// The fail modes.
const (
	FailSafe   FailMode = "fail_safe"   // released without power: power secures it
	FailSecure FailMode = "fail_secure" // secured without power: power releases it
)

// Contact is the contact of the relay through which the lock gets its power.
type Contact string

// The contacts of a relay.
const (
	NO Contact = "no" // normally open: the lock has power while the coil is on
	NC Contact = "nc" // normally closed: the lock has power while the coil is off
)

var (
	uses      = words[Use]{"use", []Use{Lock, Siren, Elevator, Aux}}
	lockTypes = words[LockType]{"lock_type", []LockType{ElectricStrike, Magnetic, Wireless}}
	failModes = words[FailMode]{"fail_mode", []FailMode{FailSafe, FailSecure}}
	contacts  = words[Contact]{"contact", []Contact{NO, NC}}
)

// MarshalText returns the word, or an error if it is none of the uses.
func (u Use) MarshalText() ([]byte, error) { return uses.marshal(u) }

// UnmarshalText accepts the uses above; the error lists them.
func (u *Use) UnmarshalText(text []byte) error { return uses.unmarshal(u, text) }

// MarshalText returns the word, or an error if it is none of the types.
func (t LockType) MarshalText() ([]byte, error) { return lockTypes.marshal(t) }

// UnmarshalText accepts the types above; the error lists them.
func (t *LockType) UnmarshalText(text []byte) error { return lockTypes.unmarshal(t, text) }

// MarshalText returns the word, or an error if it is none of the modes.
func (m FailMode) MarshalText() ([]byte, error) { return failModes.marshal(m) }

// UnmarshalText accepts the modes above; the error lists them.
func (m *FailMode) UnmarshalText(text []byte) error { return failModes.unmarshal(m, text) }

// MarshalText returns the word, or an error if it is none of the contacts.
func (c Contact) MarshalText() ([]byte, error) { return contacts.marshal(c) }

// UnmarshalText accepts the contacts above; the error lists them.
func (c *Contact) UnmarshalText(text []byte) error { return contacts.unmarshal(c, text) }

// Wiring says how one relay is wired. The installer owns it.
type Wiring struct {
	Channel   Channel
	Use       Use
	ActiveLow bool // the coil is on while the line is low

	// Of a lock only.
	LockType LockType
	FailMode FailMode // may be left out for a magnetic lock
	Contact  Contact

	// AcknowledgeDeadBoardLocked is the installer's word that a fail-safe lock on
	// the NC contact is meant: a dead board then keeps the door locked, so that
	// egress needs a button that cuts the lock's power by itself.
	AcknowledgeDeadBoardLocked bool
}

// Validate returns an error that names the relay and the setting that is wrong.
func (w Wiring) Validate() error {
	if err := w.check(); err != nil {
		return fmt.Errorf("%s: %w", w.Channel, err)
	}
	return nil
}

func (w Wiring) check() error {
	if w.Channel < FirstChannel || w.Channel > AuxChannel {
		return fmt.Errorf("channel must be %d to %d", FirstChannel, AuxChannel)
	}
	if err := uses.check(w.Use); err != nil {
		return err
	}
	if w.Use != Lock {
		if w.LockType != "" || w.FailMode != "" || w.Contact != "" {
			return fmt.Errorf("lock_type, fail_mode and contact are of locks, not of use %q", string(w.Use))
		}
		return nil
	}
	if err := lockTypes.check(w.LockType); err != nil {
		return err
	}
	if w.LockType == Wireless {
		return errors.New("a wireless lock has no relay: its gateway speaks to it")
	}
	if err := failModes.check(w.failMode()); err != nil {
		return err
	}
	if err := contacts.check(w.Contact); err != nil {
		return err
	}
	if w.LockType == Magnetic && w.FailMode == FailSecure {
		return errors.New("a magnetic lock cannot be fail_secure: it holds by power alone")
	}
	if w.deadBoardLocked() && !w.AcknowledgeDeadBoardLocked {
		return errors.New("a fail_safe lock on the nc contact stays locked when the board is dead: " +
			"use the no contact, or set acknowledge_dead_board_locked")
	}
	return nil
}

// Warnings returns what a technician should hear at every start about a wiring
// that is allowed but does something unexpected when the board is dead.
func (w Wiring) Warnings() []string {
	switch {
	case w.deadBoardLocked():
		return []string{fmt.Sprintf("%s: a fail_safe lock on the nc contact: a dead board keeps the door locked", w.Channel)}
	case w.Use == Lock && w.Contact == NC:
		return []string{fmt.Sprintf("%s: a fail_secure lock on the nc contact: a dead board unlocks the door", w.Channel)}
	}
	return nil
}

func (w Wiring) deadBoardLocked() bool {
	return w.Use == Lock && w.Contact == NC && w.failMode() == FailSafe
}

func (w Wiring) failMode() FailMode {
	if w.LockType == Magnetic && w.FailMode == "" {
		return FailSafe
	}
	return w.FailMode
}

// level is the whole chain of the package's diagram: the level of the line for a
// lock that is released, or another output that is on.
func (w Wiring) level(on bool) bool {
	coil := on
	switch w.Use {
	case Siren, Aux:
	case Elevator:
		coil = !on
	case Lock:
		powered := on == (w.failMode() == FailSecure)
		coil = powered == (w.Contact == NO)
	}
	return coil != w.ActiveLow
}

// safe is the state in which a lock has no power, an elevator is left to itself and
// anything else is off: of a lock, released if it is fail-safe.
func (w Wiring) safe() bool {
	return w.Use == Elevator || w.Use == Lock && w.failMode() == FailSafe
}
