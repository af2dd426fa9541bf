package place

import (
	"slices"
	"strings"

	"doord/policy"
	"doord/store/cloudsync"
)

// WirelessLock is a lock that a gateway moves in place of a relay.
type WirelessLock struct {
	Base
	wirelessLockRecord
}

type (
	wirelessLockRecord struct{ wirelessLockFields }
	wirelessLockFields policy.WirelessLock
)

var wirelessLocks = new(kind)

func init() {
	*wirelessLocks = kind{
		path: "wireless_locks", envelope: "wireless_lock", resource: "WirelessLock",
		fresh:  func() record { return &WirelessLock{} },
		object: wirelessLockObject{},
		sorts:  map[string]func(*shower, record, record) int{"name": byName},
	}
}

func (w *WirelessLock) text() string { return w.Name }
func (w *WirelessLock) refs() []ref {
	return []ref{{field: "lock_id", to: locks, id: w.LockID}, {field: "controller_id", to: controllers, id: w.ControllerID}}
}
func (w *WirelessLock) check(_ view, bad *Invalid) {
	bad.must(w.Name == "" || strings.TrimSpace(w.Name) != "", "name", "can't be blank")
}
func (w *WirelessLock) addTo(r *policy.Records) {
	p := policy.WirelessLock(w.wirelessLockFields)
	p.ID = w.ID
	r.WirelessLocks = append(r.WirelessLocks, p)
}

// What a wireless lock tells of itself is null until its gateway does, and while the
// lock is not heard.
type wirelessLockObject struct {
	*WirelessLock
	ResourceType string   `json:"resource_type"`
	Lock         *nameRef `json:"lock"`
	Online       *bool    `json:"online"`        // null: the controller tells nothing of it
	BatteryLevel *int     `json:"battery_level"` // percent
	BatteryLow   *bool    `json:"battery_warning"`
	MotorStall   *bool    `json:"motor_stall"`
	Tampered     *bool    `json:"tampered"`
	LossOfRF     *bool    `json:"loss_of_rf"` // the gateway does not hear the lock
	Unlocked     *bool    `json:"unlocked"`
	Opened       *bool    `json:"opened"`
	Signal       *int     `json:"signal"` // dBm
}

func (w *WirelessLock) show(s *shower) any {
	o := &wirelessLockObject{WirelessLock: w, ResourceType: wirelessLocks.resource, Lock: s.named(locks, w.LockID)}
	st := s.status(w.ControllerID)
	i := slices.IndexFunc(st.Wireless, func(x cloudsync.WirelessStatus) bool { return x.Channel == w.Channel })
	if i < 0 {
		return o
	}
	x := st.Wireless[i]
	o.Online = new(st.online && x.Online)
	if !st.online {
		return o // what it was when it was last heard of is not what it is
	}
	o.LossOfRF = &x.LossOfRF
	if !x.Online {
		return o
	}
	o.BatteryLevel, o.BatteryLow, o.MotorStall, o.Tampered = x.Battery, &x.BatteryLow, &x.MotorStall, &x.Tampered
	o.Unlocked, o.Opened, o.Signal = &x.Unlocked, x.Open, x.Signal
	return o
}
