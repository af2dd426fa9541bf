package policy

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"doord/policy/schedule"
)

// Relay and input channels of the board.
const (
	Relays     = 5 // four door relays and one auxiliary
	AuxChannel = 5
	Inputs     = 14 // four REX, four contacts (or twelve generic inputs), tamper and fire
)

// Validate returns every fault in the records; none means that they compile.
// The place's time zone is checked by whoever loads the location.
func (r *Records) Validate() Problems {
	v := &validator{}
	v.place(r.Place)
	controllers := ids(v, "controllers", r.Controllers, func(c Controller) int64 { return c.ID })
	locks := ids(v, "locks", r.Locks, func(l Lock) int64 { return l.ID })
	groups := ids(v, "groups", r.Groups, func(g Group) int64 { return g.ID })
	members := ids(v, "members", r.Members, func(m Member) int64 { return m.ID })
	ids(v, "controller_relay_connections", r.RelayConnections, func(c RelayConnection) int64 { return c.ID })
	ids(v, "controller_input_connections", r.InputConnections, func(c InputConnection) int64 { return c.ID })
	ids(v, "wireless_locks", r.WirelessLocks, func(w WirelessLock) int64 { return w.ID })
	ids(v, "readers", r.Readers, func(x Reader) int64 { return x.ID })
	ids(v, "credentials", r.Credentials, func(c Credential) int64 { return c.ID })
	ids(v, "group_links", r.GroupLinks, func(l GroupLink) int64 { return l.ID })
	zones := ids(v, "zones", r.Zones, func(z Zone) int64 { return z.ID })
	ids(v, "elevators", r.Elevators, func(e Elevator) int64 { return e.ID })
	stops := ids(v, "elevator_stops", r.ElevatorStops, func(s ElevatorStop) int64 { return s.ID })
	ids(v, "group_elevator_stops", r.GroupStops, func(g GroupStop) int64 { return g.ID })
	alarms := ids(v, "alarm_rules", r.AlarmRules, func(a AlarmRule) int64 { return a.ID })
	ids(v, "interlocks", r.Interlocks, func(x Interlock) int64 { return x.ID })
	ids(v, "anti_passback_areas", r.Areas, func(a Area) int64 { return a.ID })

	devices := map[string]int64{}
	for i, c := range r.Controllers {
		v.at("controllers", i)
		v.must("device_id", devices[c.DeviceID] == 0, "%q is controller %d already", c.DeviceID, devices[c.DeviceID])
		devices[c.DeviceID] = c.ID
		v.must("device_id", hexDigits(c.DeviceID, 16), "%q must be 16 hex digits, as doorctl status shows them", c.DeviceID)
	}
	for i, l := range r.Locks {
		v.at("locks", i)
		v.must("name", strings.TrimSpace(l.Name) != "", "can't be blank")
		oneOf(v, "kind", l.Kind, KindDoor, KindTurnstile, KindGate)
		oneOf(v, "direction", l.Direction, "", In, Out)
		v.must("direction", l.Direction == "" || l.Kind == KindTurnstile, "is for a turnstile")
		v.coordinates(l.Latitude, l.Longitude)
		v.restrictions(l.Restrictions)
		oneOf(v, "when_clock_unset", l.WhenClockUnset, ClockDeny, ClockAllow)
		oneOf(v, "when_policy_stale", l.WhenPolicyStale, StaleAdmit, StaleDeny)
		oneOf(v, "on_fire", l.OnFire, FireStay, FireRelease)
		v.must("two_person_within", l.TwoPersonWithin == 0 || l.TwoPersonWithin >= 3 && l.TwoPersonWithin <= 120, "%v s is outside 3 to 120 s", l.TwoPersonWithin)
		v.must("escort_within", l.EscortWithin == 0 || l.EscortWithin >= 3 && l.EscortWithin <= 300, "%v s is outside 3 to 300 s", l.EscortWithin)
	}
	known := known{controllers, locks, zones, alarms, stops}
	v.wiring(r, known)
	v.elevators(r, known, groups)
	v.wirelessLocks(r, known)
	for i, g := range r.Groups {
		v.at("groups", i)
		v.must("name", strings.TrimSpace(g.Name) != "", "can't be blank")
		v.validity(g.Validity)
		v.restrictions(g.Restrictions)
	}
	for i, gl := range r.GroupLocks {
		v.at("group_locks", i)
		v.refers("group_id", gl.GroupID, "group", groups)
		v.refers("lock_id", gl.LockID, "lock", locks)
	}
	for i, a := range r.RoleAssignments {
		v.at("role_assignments", i)
		v.validity(a.Validity)
		oneOf(v, "role_id", a.Role, RoleMember, RoleManager, RoleAdministrator, RoleOwner)
		v.refers("member_id", a.MemberID, "member", members)
		switch a.AppliesTo.Type {
		case "group":
			v.refers("applies_to.id", a.AppliesTo.ID, "group", groups)
		case "place":
			v.must("applies_to.id", a.AppliesTo.ID == r.Place.ID, "is %d, but the place is %d", a.AppliesTo.ID, r.Place.ID)
		default:
			v.must("applies_to.type", false, "%q must be group or place", a.AppliesTo.Type)
		}
	}
	for i, m := range r.Members {
		v.at("members", i)
		v.must("escort_required", !m.EscortNeeded || !m.MayEscort, "is nothing for who may escort others")
	}
	v.credentials(r, members)
	for i, l := range r.GroupLinks {
		v.at("group_links", i)
		v.refers("group_id", l.GroupID, "group", groups)
		v.validity(l.Validity)
		v.must("secret_sha256", hexDigits(l.SecretSHA256, 64), "must be 64 hex digits")
	}
	v.schedules(r, groups, locks, stops)
	v.zones(r, locks)
	v.alarmRules(r, locks)
	v.areas(r)
	v.interlocks(r, locks)
	return v.problems
}

// validator collects problems; prefix is the record at hand.
type validator struct {
	problems Problems
	prefix   string
}

func (v *validator) at(kind string, i int) { v.prefix = fmt.Sprintf("%s[%d]", kind, i) }

// item is the path of a part of a list in the record at hand, to go before a field.
func (v *validator) item(list string, i int) string { return fmt.Sprintf("%s[%d].", list, i) }

func (v *validator) must(field string, ok bool, format string, args ...any) {
	if !ok {
		v.problems.add(v.prefix+"."+field, format, args...)
	}
}

func (v *validator) refers(field string, id int64, what string, known map[int64]bool) {
	v.must(field, known[id], "there is no %s %d", what, id)
}

// ids checks that the ids of a kind are positive and unique, and returns them.
func ids[T any](v *validator, kind string, records []T, id func(T) int64) map[int64]bool {
	seen := make(map[int64]bool, len(records))
	for i, r := range records {
		v.at(kind, i)
		n := id(r)
		v.must("id", n > 0, "must be a positive number")
		v.must("id", !seen[n], "%d is given twice", n)
		seen[n] = true
	}
	return seen
}

func oneOf[T ~string](v *validator, field string, got T, known ...T) {
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	v.must(field, slices.Contains(known, got), "%q must be one of %s", got, strings.Join(words, ", "))
}

func (v *validator) seconds(field string, s Seconds, least, most Seconds) {
	v.must(field, s >= least && s <= most, "%v s is outside %v to %v s", s, least, most)
}

func (v *validator) validity(x Validity) {
	v.must("valid_until", x.From.IsZero() || x.Until.IsZero() || x.From.Before(x.Until), "must be after valid_from")
}

func (v *validator) coordinates(lat, long float64) {
	v.must("latitude", lat >= -90 && lat <= 90, "%v is outside -90 to 90 degrees", lat)
	v.must("longitude", long >= -180 && long <= 180, "%v is outside -180 to 180 degrees", long)
}

func (v *validator) restrictions(r Restrictions) {
	v.must("geofence_restriction_radius", r.GeofenceRadius >= 0 && r.GeofenceRadius <= 100_000,
		"%v m is outside 0 to 100000 m", r.GeofenceRadius)
}

func (v *validator) place(p Place) {
	v.prefix = "place"
	v.must("id", p.ID > 0, "must be a positive number")
	v.must("time_zone", p.TimeZone != "" && p.TimeZone != "Local", "%q must be an IANA name such as Europe/Berlin", p.TimeZone)
	v.coordinates(p.Latitude, p.Longitude)
}

// known are the ids that connections refer to.
type known struct{ controllers, locks, zones, alarms, stops map[int64]bool }

func (v *validator) wiring(r *Records, known known) {
	type place struct {
		controller int64
		where      string
	}
	taken, kinds, driven := map[place]string{}, map[int64]Lock{}, map[int64]bool{}
	for _, l := range r.Locks {
		kinds[l.ID] = l
	}
	panels := map[int64]bool{}
	for _, z := range r.Zones {
		panels[z.ID] = z.Source == SourcePanel
	}
	claim := func(field string, controller int64, where string) {
		p := place{controller, where}
		v.must(field, taken[p] == "", "%s of controller %d is used by %s already", where, controller, taken[p])
		taken[p] = v.prefix
	}
	for i, c := range r.RelayConnections {
		v.at("controller_relay_connections", i)
		v.refers("controller_id", c.ControllerID, "controller", known.controllers)
		v.must("channel", c.Channel >= 1 && c.Channel <= Relays, "%d is outside 1 to %d", c.Channel, Relays)
		claim("channel", c.ControllerID, fmt.Sprintf("relay %d", c.Channel))
		oneOf(v, "type", c.Type, RelayLock, RelaySiren, RelayStop, RelayKeySwitch)
		oneOf(v, "relock_on", c.RelockOn, RelockDefault, RelockOpen, RelockClose, RelockTimeout)
		switch c.Type {
		case RelayLock:
			v.refers("lock_id", c.LockID, "lock", known.locks)
			v.seconds("duration", c.Duration, 0.5, 600)
		case RelayStop:
			v.must("elevator_stop_id", known.stops[c.StopID], "there is no elevator stop %d", c.StopID)
			v.must("elevator_stop_id", !driven[c.StopID], "stop %d has a relay already", c.StopID)
			driven[c.StopID] = true
			v.seconds("duration", c.Duration, 0.5, 600)
		case RelayKeySwitch:
			v.must("zone_id", panels[c.ZoneID], "there is no zone %d that a panel arms", c.ZoneID)
			v.seconds("duration", c.Duration, 0.5, 10)
		case RelaySiren:
			v.must("zone_id", c.ZoneID != 0 || c.AlarmRuleID != 0, "or alarm_rule_id must say what the siren is for")
			v.must("zone_id", c.ZoneID == 0 || known.zones[c.ZoneID], "there is no zone %d", c.ZoneID)
			v.must("alarm_rule_id", c.AlarmRuleID == 0 || known.alarms[c.AlarmRuleID], "there is no alarm rule %d", c.AlarmRuleID)
		}
	}
	for i, c := range r.InputConnections {
		v.at("controller_input_connections", i)
		v.refers("controller_id", c.ControllerID, "controller", known.controllers)
		v.must("channel", c.Channel >= 1 && c.Channel <= Inputs, "%d is outside 1 to %d", c.Channel, Inputs)
		claim("channel", c.ControllerID, fmt.Sprintf("input %d", c.Channel))
		oneOf(v, "type", c.Type, InputContact, InputREX, InputTamperS, InputFire, InputPanel, InputPassage, InputLoop)
		switch c.Type {
		case InputContact:
			v.refers("lock_id", c.LockID, "lock", known.locks)
			v.seconds("duration", c.Duration, 3, 600)
			v.must("pre_alarm", c.PreAlarm >= 0 && c.PreAlarm < c.Duration, "%v s must be shorter than the duration of %v s", c.PreAlarm, c.Duration)
		case InputREX:
			v.refers("lock_id", c.LockID, "lock", known.locks)
			v.seconds("duration", c.Duration, 0.5, 600)
			oneOf(v, "action", c.Action, REXUnlock, REXShunt, REXLastToLeave, REXNone)
		case InputPassage:
			v.refers("lock_id", c.LockID, "lock", known.locks)
		case InputLoop:
			v.refers("lock_id", c.LockID, "lock", known.locks)
			v.must("type", !known.locks[c.LockID] || kinds[c.LockID].Kind == KindGate, "a loop is for a gate, and lock %d is none", c.LockID)
		case InputTamperS, InputFire, InputPanel:
			if c.Signal != "" || c.ZoneID != 0 {
				v.must("signal", c.Type == InputPanel, "is of an alarm panel")
				oneOf(v, "signal", c.Signal, SignalAway, SignalStay, SignalDisarmed, SignalViolated)
				v.must("zone_id", panels[c.ZoneID], "there is no zone %d that a panel arms", c.ZoneID)
			}
			v.must("lock_id", c.LockID == 0 || known.locks[c.LockID], "there is no lock %d", c.LockID)
		}
	}
	for i, x := range r.Readers {
		v.at("readers", i)
		v.refers("controller_id", x.ControllerID, "controller", known.controllers)
		v.must("lock_id", known.locks[x.LockID] || x.ElevatorID != 0, "there is no lock %d", x.LockID)
		v.must("port", validPort(x.Port), "%q must be wiegand:1 to wiegand:4 or osdp:0 to osdp:126", x.Port)
		claim("port", x.ControllerID, x.Port)
		oneOf(v, "direction", x.Direction, In, Out)
		turns := kinds[x.LockID].Direction
		v.must("direction", turns == "" || turns == x.Direction, "is %s, and the turnstile only turns %s", x.Direction, turns)
		oneOf(v, "pin_mode", x.PIN, PINNone, PINOnly, PINCardAndPIN)
	}
}

// validPort reports whether port names a reader port of the board.
func validPort(port string) bool {
	kind, number, _ := strings.Cut(port, ":")
	n, err := strconv.Atoi(number)
	return err == nil && strconv.Itoa(n) == number &&
		(kind == "wiegand" && n >= 1 && n <= 4 || kind == "osdp" && n >= 0 && n <= 126)
}

func (v *validator) credentials(r *Records, members map[int64]bool) {
	owner := make(map[string]string, len(r.Credentials))
	var key []byte
	claim := func(t Token) {
		key = t.AppendCanonical(key[:0])
		first, taken := owner[string(key)]
		v.must("id", !taken, "the same token belongs to %s already", first)
		if !taken {
			owner[string(key)] = v.prefix
		}
	}
	for i, l := range r.GroupLinks {
		v.at("group_links", i)
		if hash, err := hex.DecodeString(l.SecretSHA256); err == nil {
			claim(Token{Class: TokenLink, Value: string(hash)})
		}
	}
	for i := range r.Credentials {
		c := &r.Credentials[i]
		v.prefix = "credentials[" + strconv.Itoa(i) + "]"
		v.validity(c.Validity)
		oneOf(v, "status", c.Status, Activated, Deactivated, Unassigned)
		if c.Status != Unassigned {
			v.refers("member_id", c.MemberID, "member", members)
		}
		token, err := c.Token()
		if err != nil {
			v.must("kind", false, "%s", err)
			continue
		}
		claim(token)
		v.must("duress", !c.Duress || c.Kind == KindPIN, "is for a PIN")
		if c.UnlockedPublicKey == "" {
			continue
		}
		second, ok := c.unlockedToken()
		if ok {
			claim(second)
		}
		v.must("unlocked_public_key", ok, "must be a compressed P-256 point, 66 hex digits, of a phone")
		v.must("unlocked_public_key", !strings.EqualFold(c.UnlockedPublicKey, c.PublicKey), "must be another key than public_key")
	}
}

func (v *validator) schedules(r *Records, groups, locks, stops map[int64]bool) {
	for i, s := range r.Schedules {
		v.at("schedules", i)
		for _, p := range s.Validate() {
			v.must(p.Field, false, "%s", p.Text)
		}
		switch s.Scheduleable.Type {
		case schedule.Group:
			v.refers("scheduleable.id", s.Scheduleable.ID, "group", groups)
		case schedule.Lock:
			v.refers("scheduleable.id", s.Scheduleable.ID, "lock", locks)
		case schedule.ElevatorStop:
			v.refers("scheduleable.id", s.Scheduleable.ID, "elevator stop", stops)
		}
	}
}

var pinDigits = regexp.MustCompile(`^[0-9]{4,8}$`)

// Token returns what a reader sees of the credential.
func (c Credential) Token() (Token, error) {
	switch c.Kind {
	case KindCard, KindFob, KindTag:
		if c.UID != "" {
			uid, err := hex.DecodeString(c.UID)
			if err != nil || len(uid) < 4 || len(uid) > 10 {
				return Token{}, fmt.Errorf("uid %q must be 4 to 10 bytes in hex", c.UID)
			}
			return Token{Class: TokenUID, Value: string(uid)}, nil
		}
		if c.Format == "" {
			return Token{}, fmt.Errorf("a %s needs a format with its number, or a uid", c.Kind)
		}
		return Token{Class: TokenNumber, Format: c.Format, Facility: c.Facility, Number: c.Card, Issue: c.Issue}, nil
	case KindPIN:
		if !pinDigits.MatchString(c.PIN) {
			return Token{}, fmt.Errorf("a PIN must be 4 to 8 digits")
		}
		return Token{Class: TokenPIN, Value: c.PIN}, nil
	case KindPhone:
		key, ok := pointOf(c.PublicKey)
		if !ok {
			return Token{}, fmt.Errorf("public_key must be a compressed P-256 point, 66 hex digits")
		}
		return Token{Class: TokenKey, Value: key}, nil
	case KindLink:
		hash, err := hex.DecodeString(c.SecretSHA256)
		if err != nil || len(hash) != 32 {
			return Token{}, fmt.Errorf("secret_sha256 must be 64 hex digits")
		}
		return Token{Class: TokenLink, Value: string(hash)}, nil
	default:
		return Token{}, fmt.Errorf("kind %q must be one of card, fob, tag, phone, pin, link", c.Kind)
	}
}

// unlockedToken returns what a reader sees of a phone that is unlocked, if it can
// show that.
func (c Credential) unlockedToken() (Token, bool) {
	key, ok := pointOf(c.UnlockedPublicKey)
	return Token{Class: TokenUnlockedKey, Value: key}, ok && c.Kind == KindPhone
}

// pointOf reads a compressed point of P-256 in hex.
func pointOf(digits string) (string, bool) {
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != len(PublicKey{}) {
		return "", false
	}
	_, err = PublicKey(raw).parse()
	return string(raw), err == nil
}

func hexDigits(s string, n int) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == n
}
