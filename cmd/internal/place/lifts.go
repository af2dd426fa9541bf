package place

import (
	"strings"

	"doord/policy"
)

// Elevator is a lift whose stops are permitted as doors are unlocked. Its records are
// kept and served; controllers do not know of them yet.
type Elevator struct {
	Base
	Name         string `json:"name"`
	ControllerID int64  `json:"controller_id"`
}

var elevators = new(kind)

func init() {
	*elevators = kind{
		path: "elevators", envelope: "elevator", resource: "Elevator",
		fresh:  func() record { return &Elevator{} },
		object: elevatorObject{},
		sorts:  map[string]func(*shower, record, record) int{"name": byName},
	}
}

func (e *Elevator) text() string { return e.Name }
func (e *Elevator) refs() []ref {
	return []ref{{field: "controller_id", to: controllers, id: e.ControllerID, may: true}}
}
func (e *Elevator) without(to *kind, _ int64) record {
	if to != controllers {
		return nil
	}
	left := *e
	left.ControllerID = 0
	return &left
}
func (e *Elevator) check(_ view, bad *Invalid) {
	bad.must(strings.TrimSpace(e.Name) != "", "name", "can't be blank")
}

type elevatorObject struct {
	*Elevator
	ResourceType string    `json:"resource_type"`
	Place        *placeRef `json:"place"`
	Stops        int       `json:"elevator_stops_count"`
}

func (e *Elevator) show(s *shower) any {
	return &elevatorObject{e, elevators.resource, s.place(e.PlaceID), len(s.v.by(elevatorStops, elevators, e.ID))}
}

// Floor is where an elevator stops.
type Floor struct {
	Number int `json:"number"`
}

// ElevatorStop is a floor that an elevator serves.
type ElevatorStop struct {
	Base
	Name       string `json:"name"`
	ElevatorID int64  `json:"elevator_id"`
	Floor      Floor  `json:"floor"`
	LockedDown bool   `json:"locked_down"`
	Time       bool   `json:"time_restriction_enabled"`
	Channel    *int   `json:"channel"` // of the relay that permits it
}

var elevatorStops = new(kind)

func init() {
	*elevatorStops = kind{
		path: "elevator_stops", envelope: "elevator_stop", resource: "ElevatorStop",
		fresh:  func() record { return &ElevatorStop{} },
		object: elevatorStopObject{},
		sorts:  map[string]func(*shower, record, record) int{"name": byName},
	}
}

func (e *ElevatorStop) text() string { return e.Name }
func (e *ElevatorStop) refs() []ref {
	return []ref{{field: "elevator_id", to: elevators, id: e.ElevatorID}}
}
func (e *ElevatorStop) check(_ view, bad *Invalid) {
	bad.must(strings.TrimSpace(e.Name) != "", "name", "can't be blank")
	bad.must(e.Channel == nil || *e.Channel >= 1 && *e.Channel <= policy.Relays, "channel", "must be 1 to %d", policy.Relays)
}

type elevatorStopObject struct {
	*ElevatorStop
	ResourceType string   `json:"resource_type"`
	Elevator     *nameRef `json:"elevator"`
	Permitted    *bool    `json:"permitted"` // null: nobody knows
	OnSchedule   *bool    `json:"on_scheduled_permit"`
}

func (e *ElevatorStop) show(s *shower) any {
	return &elevatorStopObject{ElevatorStop: e, ResourceType: elevatorStops.resource, Elevator: s.named(elevators, e.ElevatorID)}
}

// WirelessLock is a lock that a gateway moves in place of a relay. Its record is kept
// and served; controllers do not know of it yet.
type WirelessLock struct {
	Base
	Name             string         `json:"name"`
	LockID           int64          `json:"lock_id"`
	ControllerID     int64          `json:"controller_id"`
	Model            string         `json:"model"`
	Channel          int            `json:"channel"`
	PresenceDistance float64        `json:"presence_distance"` // m
	PresenceTimeout  policy.Seconds `json:"presence_timeout"`
}

var wirelessLocks = new(kind)

func init() {
	*wirelessLocks = kind{
		path: "wireless_locks", envelope: "wireless_lock", resource: "WirelessLock",
		fresh:  func() record { return &WirelessLock{PresenceDistance: 5, PresenceTimeout: 30} },
		object: wirelessLockObject{},
		sorts:  map[string]func(*shower, record, record) int{"name": byName},
	}
}

func (w *WirelessLock) text() string { return w.Name }
func (w *WirelessLock) refs() []ref {
	return []ref{{field: "lock_id", to: locks, id: w.LockID}, {field: "controller_id", to: controllers, id: w.ControllerID}}
}
func (w *WirelessLock) check(_ view, bad *Invalid) {
	bad.must(strings.TrimSpace(w.Name) != "", "name", "can't be blank")
	bad.must(w.PresenceDistance > 0 && w.PresenceDistance <= 100, "presence_distance", "must be more than 0 and at most 100 m")
	bad.must(w.PresenceTimeout >= 1 && w.PresenceTimeout <= 3600, "presence_timeout", "must be 1 to 3600 s")
	bad.must(w.Channel >= 0 && w.Channel <= 255, "channel", "must be 0 to 255")
}

// What a wireless lock tells of itself is null until its gateway does.
type wirelessLockObject struct {
	*WirelessLock
	ResourceType string   `json:"resource_type"`
	Lock         *nameRef `json:"lock"`
	Online       *bool    `json:"online"`
	BatteryLevel *float64 `json:"battery_level"`
	MotorStall   *bool    `json:"motor_stall"`
	LossOfRF     *bool    `json:"loss_of_rf"`
	Unlocked     *bool    `json:"unlocked"`
	Opened       *bool    `json:"opened"`
}

func (w *WirelessLock) show(s *shower) any {
	return &wirelessLockObject{WirelessLock: w, ResourceType: wirelessLocks.resource, Lock: s.named(locks, w.LockID)}
}
