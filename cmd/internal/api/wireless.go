package api

// WirelessLock is a door with a wireless lock.
type WirelessLock struct {
	Door    string `json:"door"`
	Lock    int64  `json:"lock"` // the place's id, 0 when not bound
	Channel int    `json:"channel"`
	Gateway string `json:"gateway"`
	Online  bool   `json:"online"`
	State   string `json:"state"` // locked, unlocked, or unknown while it is not heard
	Wanted  string `json:"wanted"`
	// Left is how long the lock stays unlocked, in seconds; 0: until told otherwise.
	Left             float64 `json:"left_s,omitempty"`
	PresenceDistance float64 `json:"presence_distance,omitempty"` // m, of the grant that runs
	PresenceTimeout  float64 `json:"presence_timeout,omitempty"`  // s, the same
	Battery          *int    `json:"battery_level,omitempty"`     // percent; absent if unknown
	BatteryLow       bool    `json:"battery_low"`
	Signal           int     `json:"signal_dbm,omitempty"`
	MotorStall       bool    `json:"motor_stall"`
	Tampered         bool    `json:"tampered"`
}

// WirelessLocks is the answer to GET /v1/wireless.
type WirelessLocks struct {
	Version int            `json:"version"`
	Locks   []WirelessLock `json:"wireless_locks"`
}

// SimWireless does something at a simulated wireless lock, or with its gateway: open,
// close, enter, leave, lock, unlock (by hand), stall, free, tamper, mend, deaf, hear,
// battery, key (Value is percent, or m; negative is silent), mute, unmute, reboot.
type SimWireless struct {
	Door   string  `json:"door"`
	Action string  `json:"action"`
	Value  float64 `json:"value,omitempty"`
}
