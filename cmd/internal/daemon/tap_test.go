package daemon

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"doord/cmd/internal/config"
	"doord/policy"
	"doord/reader/osdp"
	"doord/sim"
	"doord/sim/pd"
)

// hall is a rig with an OSDP line: a reader at the front, for phones of ada's two
// keys, and one at the store that wants her phone unlocked.
type hall struct {
	*rig
	port         *pd.Port
	front, store *pd.PD
}

func newHall(t *testing.T) *hall {
	t.Helper()
	r := &rig{TB: t, dir: t.TempDir()}
	records := place(t)
	any1, unlocked := sim.NewPhone("ada").Keys()
	records.Credentials = append(records.Credentials, policy.Credential{ID: 9, MemberID: 1, Kind: policy.KindPhone, Status: policy.Activated,
		PublicKey: hex.EncodeToString(any1[:]), UnlockedPublicKey: hex.EncodeToString(unlocked[:])})
	for i, lock := range []int64{1, 3} {
		records.Readers = append(records.Readers, policy.Reader{ID: int64(11 + i), ControllerID: 1, Port: []string{"osdp:1", "osdp:2"}[i],
			LockID: lock, Direction: policy.In, Cards: true, Tap: true, PIN: policy.PINNone, TwoFactor: i == 1})
	}
	r.seed(records)
	h := &hall{rig: r, front: pd.New(pd.Config{Comm: osdp.Comm{Addr: 1, Baud: 115200}}), store: pd.New(pd.Config{Comm: osdp.Comm{Addr: 2, Baud: 115200}})}
	h.port = pd.NewPort(h.front, h.store)
	no := false
	r.start(func(r *rig, o *Options) {
		r.config.Buses = []config.Bus{{Name: "hall", Port: "sim", Speed: 115200}}
		for i, at := range []string{"front", "store"} {
			r.config.Readers = append(r.config.Readers, config.Reader{Name: at + "-osdp", Port: []string{"osdp:1", "osdp:2"}[i], Bus: "hall", Door: at, Secure: &no, Tap: true})
		}
		o.Hardware.Wiegand = append(o.Hardware.Wiegand, nil, nil)
		o.Hardware.Buses = []osdp.Line{h.port}
	})
	t.Cleanup(r.stop)
	r.pass(5 * time.Second)
	r.records()
	return h
}

// hold holds a phone to a reader for a while and returns what was told of it.
func (h *hall) hold(at *pd.PD, phone *sim.Applet) []string {
	h.Helper()
	h.port.Do(func() { at.Hold(phone) })
	h.pass(4 * time.Second)
	var lines []string
	for _, l := range h.events() {
		if strings.HasPrefix(l, "lock.unlock ") || strings.HasPrefix(l, "reader.") {
			lines = append(lines, l)
		}
	}
	return lines
}

func TestPhonesAtAnOSDPReader(t *testing.T) {
	ada := sim.NewPhone("ada")
	forge := func(f func(*policy.Tap)) func(policy.Tap) policy.Assertion {
		return func(t policy.Tap) policy.Assertion { f(&t); return ada.Answer(t, true) }
	}
	thief := sim.NewPhone("thief")
	var heard policy.Assertion
	bubble(t, func(t *testing.T) {
		h := newHall(t)
		for _, tt := range []struct {
			name  string
			at    *pd.PD
			phone *sim.Applet
			slow  time.Duration
			want  string
			told  policy.Reason
		}{
			{"a locked phone", h.front, &sim.Applet{Phone: ada}, 0, "lock.unlock front granted reader=front-osdp member:1 by=tap:9", ""},
			{"a locked phone where it must be unlocked", h.store, &sim.Applet{Phone: ada}, 0, "lock.unlock store denied reason=two_factor_required", policy.TwoFactorRequired},
			{"an unlocked one there", h.store, &sim.Applet{Phone: ada, Unlocked: true}, 0, "lock.unlock store granted", ""},
			{"a replay", h.front, &sim.Applet{Forge: func(policy.Tap) policy.Assertion { return heard }}, 0, "lock.unlock front denied reason=tap_invalid", policy.TapInvalid},
			{"an answer for another reader", h.front, &sim.Applet{Forge: forge(func(t *policy.Tap) { t.Reader = 12 })}, 0, "lock.unlock front denied reason=tap_invalid", policy.TapInvalid},
			{"an answer for another door", h.front, &sim.Applet{Forge: forge(func(t *policy.Tap) { t.Door = 3 })}, 0, "lock.unlock front denied reason=tap_invalid", policy.TapInvalid},
			{"an answer for another place", h.front, &sim.Applet{Forge: forge(func(t *policy.Tap) { t.Place = 2 })}, 0, "lock.unlock front denied reason=tap_invalid", policy.TapInvalid},
			{"an answer for another controller", h.front, &sim.Applet{Forge: forge(func(t *policy.Tap) { t.Controller = 2 })}, 0, "lock.unlock front denied reason=tap_invalid", policy.TapInvalid},
			{"a late answer", h.front, &sim.Applet{Phone: ada}, policy.ChallengeFor + 100*time.Millisecond, "lock.unlock front denied reason=tap_invalid", policy.TapInvalid},
			{"one that never comes", h.front, &sim.Applet{Phone: ada, Silent: true}, 0, "reader.bad_frame", ""},
			{"a clone that knows only the public key", h.front, &sim.Applet{Forge: func(t policy.Tap) policy.Assertion {
				a := thief.Answer(t, true)
				a.Key, _ = ada.Keys()
				return a
			}}, 0, "lock.unlock front denied reason=tap_invalid", policy.TapInvalid},
			{"a first key that claims nothing", h.store, &sim.Applet{Forge: func(t policy.Tap) policy.Assertion {
				a := ada.Answer(t, false)
				_, a.Key = ada.Keys() // says that the second signed
				return a
			}}, 0, "lock.unlock store denied reason=tap_invalid", policy.TapInvalid},
			{"a phone that nobody knows", h.front, &sim.Applet{Phone: thief}, 0, "lock.unlock front denied reason=", "?"},
			{"a card", h.front, &sim.Applet{Absent: true}, 0, "reader.bad_frame", ""},
			{"an owner who would not", h.front, &sim.Applet{Phone: ada, Refuse: true}, 0, "reader.bad_frame", ""},
			{"a phone again", h.front, &sim.Applet{Phone: ada, Unlocked: true}, 0, "lock.unlock front granted", ""},
		} {
			h.port.Do(func() { tt.at.CardTime = 0 })
			if tt.slow > 0 {
				tt.phone.Forge = func(t policy.Tap) policy.Assertion {
					tt.at.CardTime = tt.slow
					return ada.Answer(t, true)
				}
			}
			got := h.hold(tt.at, tt.phone)
			if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
				t.Errorf("%s: got %q, want %s", tt.name, got, tt.want)
			}
			if code := tt.told.Code(); strings.HasPrefix(tt.want, "lock.unlock") && tt.told != "?" && tt.phone.Told != code && (code != "" || tt.phone.Told != "000000") {
				t.Errorf("%s: the phone was told %q, not %q", tt.name, tt.phone.Told, code)
			}
			if tt.phone.Last != (policy.Assertion{}) {
				heard = tt.phone.Last
			}
			h.pass(10 * time.Second)
		}
	})
}

func TestAPolicyThatChangesUnderATapIsLookedUpAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHall(t)
		records := place(t) // without the phone
		records.Readers = append(records.Readers, policy.Reader{ID: 11, ControllerID: 1, Port: "osdp:1", LockID: 1, Direction: policy.In, Tap: true, PIN: policy.PINNone})
		ada := sim.NewPhone("ada")
		ctx, loaded := t.Context(), make(chan error, 1)
		got := h.hold(h.front, &sim.Applet{Forge: func(t policy.Tap) policy.Assertion {
			go func() {
				_, err := h.daemon.LoadPolicy(ctx, records)
				loaded <- err
			}()
			h.front.CardTime = 500 * time.Millisecond
			return ada.Answer(t, true)
		}})
		if err := <-loaded; err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], "lock.unlock front denied reason=card_not_found") {
			t.Errorf("got %q", got)
		}
	})
}

func TestAReaderThatCannotCarryATapIsAFault(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHall(t)
		h.faulty()
		h.port.Do(func() {
			h.front.Capabilities = osdp.Capabilities{{Function: osdp.CapLED, Compliance: 4, Number: 1}}
			h.front.Reset()
		})
		h.pass(10 * time.Second)
		h.faulty("reader front-osdp cannot carry a tap")
		h.port.Do(func() {
			h.front.Capabilities = pd.DefaultCapabilities
			h.front.Reset()
		})
		h.pass(10 * time.Second)
		h.faulty()
	})
}
