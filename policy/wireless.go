package policy

import "time"

// WirelessChannels is how many wireless locks one controller serves.
const WirelessChannels = 64

// LongestPresence is the longest that a key that stays near keeps a door unlocked.
const LongestPresence Seconds = 600

// WirelessLock is a lock without a relay: commands go to its gateway by radio. The
// board's configuration says which gateway a channel is at.
type WirelessLock struct {
	ID           int64  `json:"id"`
	Name         string `json:"name"`
	LockID       int64  `json:"lock_id"`
	ControllerID int64  `json:"controller_id"`
	Model        string `json:"model,omitempty"`
	Channel      int    `json:"channel"` // 1 to WirelessChannels
	// Duration is how long a grant unlocks, 0.5 to 600 s; 0 stands for the default.
	// With presence it is until the key is gone, at most LongestPresence.
	Duration Seconds `json:"duration,omitempty"`
	// The lock locks again by itself when the key is farther away than
	// PresenceDistance, in m, or has not been heard for PresenceTimeout. 0: it does not
	// look for that.
	PresenceDistance float64 `json:"presence_distance,omitempty"`
	PresenceTimeout  Seconds `json:"presence_timeout,omitempty"`
}

// Presence reports whether the key's signal keeps the lock unlocked.
func (w *WirelessLock) Presence() bool { return w.PresenceDistance > 0 || w.PresenceTimeout > 0 }

// Release is how long a grant unlocks at most.
func (w *WirelessLock) Release() time.Duration {
	switch {
	case w.Presence():
		return LongestPresence.Duration()
	case w.Duration == 0:
		return DefaultRelease.Duration()
	default:
		return w.Duration.Duration()
	}
}

// The events of wireless locks.
const (
	WirelessLocked   EventType = "wireless_lock.locked"
	WirelessUnlocked EventType = "wireless_lock.unlocked"
	WirelessBattery  EventType = "wireless_lock.battery_warning"
	WirelessTampered EventType = "wireless_lock.tampered"
	WirelessStalled  EventType = "wireless_lock.motor_stall" // the bolt does not move; with success it does again
	WirelessOnline   EventType = "wireless_lock.online"
	WirelessOffline  EventType = "wireless_lock.offline" // from now on nobody knows whether it is locked
	WirelessEntered  EventType = "wireless_lock.entered"
	WirelessLeft     EventType = "wireless_lock.left"
)

// wirelessLocks checks the wireless locks against the rest.
func (v *validator) wirelessLocks(r *Records, known known) {
	wired := map[int64]bool{}
	for _, c := range r.RelayConnections {
		wired[c.LockID] = wired[c.LockID] || c.Type == RelayLock
	}
	type place struct {
		controller int64
		channel    int
	}
	channels, locks := map[place]int64{}, map[int64]int64{}
	for i, w := range r.WirelessLocks {
		v.at("wireless_locks", i)
		v.must("name", w.Name != "", "can't be blank")
		v.refers("lock_id", w.LockID, "lock", known.locks)
		v.refers("controller_id", w.ControllerID, "controller", known.controllers)
		v.must("lock_id", !wired[w.LockID], "lock %d has relays: it is wireless or wired, not both", w.LockID)
		v.must("lock_id", locks[w.LockID] == 0, "lock %d is that of wireless lock %d already", w.LockID, locks[w.LockID])
		v.must("channel", w.Channel >= 1 && w.Channel <= WirelessChannels, "%d is outside 1 to %d", w.Channel, WirelessChannels)
		at := place{w.ControllerID, w.Channel}
		v.must("channel", channels[at] == 0, "channel %d of controller %d is that of wireless lock %d already", w.Channel, w.ControllerID, channels[at])
		channels[at], locks[w.LockID] = w.ID, w.ID
		if w.Duration != 0 {
			v.seconds("duration", w.Duration, 0.5, 600)
		}
		v.must("presence_distance", w.PresenceDistance >= 0 && w.PresenceDistance <= 100, "%v m is outside 0 to 100", w.PresenceDistance)
		v.must("presence_timeout", w.PresenceTimeout >= 0 && w.PresenceTimeout <= LongestPresence, "%v s is outside 0 to %v", w.PresenceTimeout, LongestPresence)
	}
}
