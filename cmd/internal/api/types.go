package api

import (
	"time"

	"doord/policy"
)

// Version is the version of the wire types.
const Version = 1

// Status is how the daemon is.
type Status struct {
	Version  int            `json:"version"`
	Build    string         `json:"build"`
	DeviceID string         `json:"device_id"`
	Uptime   float64        `json:"uptime"` // s
	Clock    Clock          `json:"clock"`
	Policy   PolicyState    `json:"policy"`
	Journal  JournalState   `json:"journal"`
	Fire     Fire           `json:"fire"`
	Doors    int            `json:"doors"`
	Cloud    Cloud          `json:"cloud"`
	Faults   []Fault        `json:"faults"`
	Counts   map[string]int `json:"counts,omitempty"`
}

// Clock is the wall clock as the daemon sees it.
type Clock struct {
	Wall time.Time `json:"wall"`
	Set  bool      `json:"set"`
}

// PolicyState is the policy in force; revision 0 is none.
type PolicyState struct {
	Revision uint64 `json:"revision"`
	Place    string `json:"place,omitempty"`
	TimeZone string `json:"time_zone,omitempty"`
	Bound    bool   `json:"bound"` // the place knows this controller
}

// JournalState is the event journal.
type JournalState struct {
	Epoch        string `json:"epoch"`
	Sequence     uint64 `json:"sequence"`
	AckedThrough uint64 `json:"acked_through"`
	Hash         string `json:"hash"`
}

// Fire is the fire alarm.
type Fire struct {
	Latched bool `json:"latched"`
	Active  bool `json:"active"`
}

// Fault is something that needs a person.
type Fault struct {
	What string `json:"what"`
	Hint string `json:"hint"` // what to do
}

// Door is one door.
type Door struct {
	Name          string   `json:"name"`
	Lock          int64    `json:"lock"`  // the place's id, 0 when not bound
	State         string   `json:"state"` // locked or released; of a wireless lock that is not heard unknown
	Cause         string   `json:"cause"` // fire, rex, loop, lockdown, hold, grant, schedule or rest
	Contact       string   `json:"contact"`
	LockedDown    bool     `json:"locked_down"`
	Forced        bool     `json:"forced_open"`
	HeldOpen      bool     `json:"held_open"`
	Hold          string   `json:"hold"`
	Scheduled     bool     `json:"on_scheduled_unlock"`
	InterlockedBy string   `json:"interlocked_by,omitempty"` // the door that must be closed and locked first
	Kind          string   `json:"kind,omitempty"`           // turnstile or gate
	Passages      uint64   `json:"passages,omitempty"`       // counted since the start
	Misconfigured string   `json:"misconfigured,omitempty"`
	Relays        []int    `json:"relays"`
	LockType      string   `json:"lock_type"`
	FailMode      string   `json:"fail_mode"`
	Readers       []string `json:"readers"`
}

// Relay is one relay.
type Relay struct {
	Channel int    `json:"channel"`
	Use     string `json:"use"`
	Door    string `json:"door,omitempty"`
	Wanted  string `json:"wanted"` // released or secured; permitted or restricted; on or off
	OK      bool   `json:"ok"`     // the line reads back as wanted
}

// Pulse switches a relay on for a moment.
type Pulse struct {
	For float64 `json:"for"` // s
}

// Input is one input.
type Input struct {
	Name    string   `json:"name"`
	Channel int      `json:"channel"`
	Kind    string   `json:"kind"`
	Doors   []string `json:"doors"`
	Status  string   `json:"status"` // open, closed, cut, short or unknown
	Active  bool     `json:"active"`
	Changes uint64   `json:"changes"` // since the start
}

// Reader is one reader.
type Reader struct {
	Name     string `json:"name"`
	Port     string `json:"port"`
	Door     string `json:"door"`
	ID       int64  `json:"id"` // the place's id, 0 when not bound
	Shows    string `json:"shows"`
	Tampered bool   `json:"tampered"`
	Blocked  bool   `json:"pin_blocked"`
	// Since the start: cards and PINs, known or not, and what was neither.
	Reads     uint64 `json:"reads"`
	BadFrames uint64 `json:"bad_frames"`
}

// Lists wrap what there can be many of.
type (
	// Doors is the answer to GET /v1/doors.
	Doors struct {
		Version int    `json:"version"`
		Doors   []Door `json:"doors"`
	}
	// Relays is the answer to GET /v1/relays.
	Relays struct {
		Version int     `json:"version"`
		Relays  []Relay `json:"relays"`
	}
	// Inputs is the answer to GET /v1/inputs.
	Inputs struct {
		Version int     `json:"version"`
		Inputs  []Input `json:"inputs"`
	}
	// Readers is the answer to GET /v1/readers.
	Readers struct {
		Version int      `json:"version"`
		Readers []Reader `json:"readers"`
	}
)

// Policy is the policy in force, without members and credentials: those are
// stored as digests, or not in a form to show.
type Policy struct {
	Version  int            `json:"version"`
	Revision uint64         `json:"revision"`
	Records  policy.Records `json:"records"`
}

// Loaded is the answer to a policy load.
type Loaded struct {
	Version  int      `json:"version"`
	Revision uint64   `json:"revision"`
	Warnings []string `json:"warnings"` // doors that the policy does not fit
}

// Command is something a technician does to a door.
type Command struct {
	Action string  `json:"action"` // unlock, hold_released, hold_secured, unhold, lock_down, cancel_lockdown
	For    float64 `json:"for,omitempty"`
}

// Result is what a command or a read came to.
type Result struct {
	Version int            `json:"version"`
	Granted bool           `json:"granted"`
	Reason  policy.Reason  `json:"reason"`
	Code    string         `json:"code"`
	Text    string         `json:"text"`
	Door    string         `json:"door"`
	Lock    int64          `json:"lock"`
	Member  int64          `json:"member"`
	Type    string         `json:"type,omitempty"` // of the event
	Event   uint64         `json:"event,omitempty"`
	Pending string         `json:"pending,omitempty"` // "pin": the reader now asks for it
	Fault   string         `json:"fault,omitempty"`   // of a frame that was no credential
	Bits    string         `json:"bits,omitempty"`
	Trace   []policy.Check `json:"trace,omitempty"`
}

// Error is what an answer other than success carries.
type Error struct {
	Version  int             `json:"version"`
	Status   int             `json:"status"` // the HTTP status
	Text     string          `json:"error"`
	Hint     string          `json:"hint,omitempty"`
	Problems policy.Problems `json:"problems,omitempty"`
}

func (e *Error) Error() string {
	text := e.Text
	for _, p := range e.Problems {
		text += "\n  " + p.String()
	}
	if e.Hint != "" {
		text += "\n" + e.Hint
	}
	return text
}

// Reads and stimuli of a simulated board.
type (
	// SimBits sends a frame to a reader.
	SimBits struct {
		Reader   string        `json:"reader"`
		Bits     string        `json:"bits"`
		Width    time.Duration `json:"width,omitempty"` // ns, as everything below
		Interval time.Duration `json:"interval,omitempty"`
		Jitter   time.Duration `json:"jitter,omitempty"`
		Noise    int           `json:"noise,omitempty"`
		Lose     int           `json:"lose,omitempty"`
		Swap     bool          `json:"swap,omitempty"`
		Seed     uint64        `json:"seed,omitempty"`
	}
	// SimKeys types at a reader's keypad.
	SimKeys struct {
		Reader string `json:"reader"`
		Keys   string `json:"keys"`
	}
	// SimInput sets an input: active or inactive, open or closed.
	SimInput struct {
		Input  string `json:"input"`
		State  string `json:"state"`
		Bounce int    `json:"bounce,omitempty"` // so many times before it settles
		// Of an input that is measured: how far off its resistors are (0.05 is 5 %
		// more), and noise up to so much of the reference, drawn from Seed.
		Drift float64 `json:"drift,omitempty"`
		Noise float64 `json:"noise,omitempty"`
		Seed  uint64  `json:"seed,omitempty"`
	}
	// SimRelay breaks a relay's line: stuck_high, stuck_low or free.
	SimRelay struct {
		Channel int    `json:"channel"`
		State   string `json:"state"`
	}
)
