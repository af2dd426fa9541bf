package relay

import (
	"strings"
	"testing"
)

// TestLevel spells the whole chain out, fail mode by contact by active level.
func TestLevel(t *testing.T) {
	tests := []struct {
		name              string
		wiring            Wiring
		secured, released bool // line high
	}{
		{"a fail-secure strike on NO: the coil releases it",
			Wiring{Use: Lock, LockType: ElectricStrike, FailMode: FailSecure, Contact: NO}, false, true},
		{"a fail-secure strike on NC: the coil secures it",
			Wiring{Use: Lock, LockType: ElectricStrike, FailMode: FailSecure, Contact: NC}, true, false},
		{"a fail-safe strike on NO: the coil secures it",
			Wiring{Use: Lock, LockType: ElectricStrike, FailMode: FailSafe, Contact: NO}, true, false},
		{"a fail-safe strike on NC: the coil releases it",
			Wiring{Use: Lock, LockType: ElectricStrike, FailMode: FailSafe, Contact: NC}, false, true},
		{"a maglock is fail-safe without saying so",
			Wiring{Use: Lock, LockType: Magnetic, Contact: NO}, true, false},
		{"a siren has its coil on while it sounds", Wiring{Use: Siren}, false, true},
		{"an aux relay has its coil on while wanted", Wiring{Use: Aux}, false, true},
		{"an elevator stop has its coil off while permitted", Wiring{Use: Elevator}, true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, activeLow := range []bool{false, true} {
				w := test.wiring
				w.ActiveLow = activeLow
				if got := w.level(false); got != (test.secured != activeLow) {
					t.Errorf("active low %v: secured or off is level %v", activeLow, got)
				}
				if got := w.level(true); got != (test.released != activeLow) {
					t.Errorf("active low %v: released or on is level %v", activeLow, got)
				}
			}
		})
	}
}

func TestValidate(t *testing.T) {
	strike := Wiring{Channel: 1, Use: Lock, LockType: ElectricStrike, FailMode: FailSecure, Contact: NO}
	with := func(change func(*Wiring)) Wiring { w := strike; change(&w); return w }
	tests := []struct {
		name   string
		wiring Wiring
		err    string // part of the error, empty if valid
	}{
		{"a strike is valid", strike, ""},
		{"a lock may hang on the aux relay", with(func(w *Wiring) { w.Channel = AuxChannel }), ""},
		{"there is no channel 0", with(func(w *Wiring) { w.Channel = 0 }), "relay 0: channel must be 1 to 5"},
		{"there is no channel 6", with(func(w *Wiring) { w.Channel = 6 }), "relay 6: channel must be 1 to 5"},
		{"the use must be given", with(func(w *Wiring) { w.Use = "" }), `relay 1: use "" is not one of ["lock" "siren" "elevator" "aux"]`},
		{"the lock type must be given", with(func(w *Wiring) { w.LockType = "" }), `lock_type ""`},
		{"the fail mode of a strike must be given", with(func(w *Wiring) { w.FailMode = "" }), `fail_mode ""`},
		{"the contact must be given", with(func(w *Wiring) { w.Contact = "" }), `contact ""`},
		{"an unknown contact is named", with(func(w *Wiring) { w.Contact = "com" }), `contact "com" is not one of ["no" "nc"]`},
		{"a maglock may leave its fail mode out", with(func(w *Wiring) { w.LockType, w.FailMode = Magnetic, "" }), ""},
		{"a maglock cannot be fail-secure", with(func(w *Wiring) { w.LockType = Magnetic }), "cannot be fail_secure"},
		{"a fail-secure lock on NC is allowed", with(func(w *Wiring) { w.Contact = NC }), ""},
		{"a fail-safe lock on NC is refused",
			with(func(w *Wiring) { w.FailMode, w.Contact = FailSafe, NC }), "acknowledge_dead_board_locked"},
		{"a maglock on NC is refused",
			with(func(w *Wiring) { w.LockType, w.FailMode, w.Contact = Magnetic, "", NC }), "acknowledge_dead_board_locked"},
		{"a fail-safe lock on NC can be acknowledged",
			with(func(w *Wiring) { w.FailMode, w.Contact, w.AcknowledgeDeadBoardLocked = FailSafe, NC, true }), ""},
		{"a siren is valid", Wiring{Channel: 5, Use: Siren}, ""},
		{"a siren has no contact", Wiring{Channel: 5, Use: Siren, Contact: NC}, `aux relay: lock_type, fail_mode and contact are of locks, not of use "siren"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.wiring.Validate()
			switch {
			case test.err == "" && err != nil:
				t.Errorf("error %q", err)
			case test.err != "" && err == nil:
				t.Errorf("no error, want %q", test.err)
			case test.err != "" && !strings.Contains(err.Error(), test.err):
				t.Errorf("error %q, want %q", err, test.err)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	tests := []struct {
		name    string
		wiring  Wiring
		warning string
	}{
		{"NO is as everybody expects", Wiring{Use: Lock, LockType: Magnetic, Contact: NO}, ""},
		{"fail-safe on NC", Wiring{Channel: 2, Use: Lock, LockType: Magnetic, Contact: NC, AcknowledgeDeadBoardLocked: true},
			"relay 2: a fail_safe lock on the nc contact: a dead board keeps the door locked"},
		{"fail-secure on NC", Wiring{Channel: 3, Use: Lock, LockType: ElectricStrike, FailMode: FailSecure, Contact: NC},
			"relay 3: a fail_secure lock on the nc contact: a dead board unlocks the door"},
		{"a siren has none", Wiring{Use: Siren}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.Join(test.wiring.Warnings(), "\n"); got != test.warning {
				t.Errorf("got %q, want %q", got, test.warning)
			}
		})
	}
}

func TestWords(t *testing.T) {
	var m FailMode
	if err := m.UnmarshalText([]byte("fail_safe")); err != nil || m != FailSafe {
		t.Errorf("got %q, %v", m, err)
	}
	err := m.UnmarshalText([]byte("failsafe"))
	if want := `fail_mode "failsafe" is not one of ["fail_safe" "fail_secure"]`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if m != FailSafe {
		t.Errorf("a wrong word changed the value to %q", m)
	}
	if text, err := Contact("").MarshalText(); err != nil || len(text) != 0 {
		t.Errorf("a contact that is not given: %q, %v", text, err)
	}
	if _, err := LockType("bolt").MarshalText(); err == nil {
		t.Error("a word that no one could read back was written")
	}
}
