package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Seconds is a duration as the records write it: a number of seconds.
type Seconds float64

// Duration converts it, to the nearest millisecond.
func (s Seconds) Duration() time.Duration {
	return time.Duration(math.Round(float64(s)*1000)) * time.Millisecond
}

// Defaults of the records, in force where a field is left out.
const (
	DefaultRelease  Seconds = 3
	DefaultREX      Seconds = 5
	DefaultHeldOpen Seconds = 30
	DefaultRadius           = 300 // m
	DefaultOverride Seconds = 3600
	DefaultAlarm    Seconds = 180
)

// decode reads one record strictly over its defaults: a field that the record
// does not know is more likely a slip of the pen than a wish.
func decode(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("more than one value")
	}
	return nil
}

// UnmarshalJSON reads a lock over its defaults.
func (l *Lock) UnmarshalJSON(b []byte) error {
	type plain Lock
	*l = Lock{Configured: true, WhenClockUnset: ClockDeny, WhenPolicyStale: StaleAdmit, OnFire: FireStay,
		Restrictions: Restrictions{GeofenceRadius: DefaultRadius}}
	return decode(b, (*plain)(l))
}

// UnmarshalJSON reads a relay connection over its defaults.
func (c *RelayConnection) UnmarshalJSON(b []byte) error {
	type plain RelayConnection
	*c = RelayConnection{Type: RelayLock, Duration: DefaultRelease}
	return decode(b, (*plain)(c))
}

// UnmarshalJSON reads an input connection over its defaults.
func (c *InputConnection) UnmarshalJSON(b []byte) error {
	type plain InputConnection
	*c = InputConnection{}
	if err := decode(b, (*plain)(c)); err != nil {
		return err
	}
	switch {
	case c.Type == InputContact && c.Duration == 0:
		c.Duration = DefaultHeldOpen
	case c.Type == InputREX && c.Duration == 0:
		c.Duration = DefaultREX
	}
	if c.Type == InputREX && c.Action == "" {
		c.Action = REXUnlock
	}
	return nil
}

// UnmarshalJSON reads a reader over its defaults.
func (r *Reader) UnmarshalJSON(b []byte) error {
	type plain Reader
	*r = Reader{Direction: In, Cards: true, Tap: true, PIN: PINNone, Buzzer: true, HeldOpen: true}
	return decode(b, (*plain)(r))
}

// UnmarshalJSON reads a group over its defaults.
func (g *Group) UnmarshalJSON(b []byte) error {
	type plain Group
	*g = Group{Login: true, Restrictions: Restrictions{GeofenceRadius: DefaultRadius}}
	return decode(b, (*plain)(g))
}

// UnmarshalJSON reads a member over its defaults.
func (m *Member) UnmarshalJSON(b []byte) error {
	type plain Member
	*m = Member{AccessEnabled: true}
	return decode(b, (*plain)(m))
}

// UnmarshalJSON reads a role assignment over its defaults.
func (a *RoleAssignment) UnmarshalJSON(b []byte) error {
	type plain RoleAssignment
	*a = RoleAssignment{Role: RoleMember}
	return decode(b, (*plain)(a))
}

// UnmarshalJSON reads a credential over its defaults.
func (c *Credential) UnmarshalJSON(b []byte) error {
	type plain Credential
	*c = Credential{Status: Activated}
	return decode(b, (*plain)(c))
}

// UnmarshalJSON reads a link over its defaults.
func (l *GroupLink) UnmarshalJSON(b []byte) error {
	type plain GroupLink
	*l = GroupLink{Enabled: true}
	return decode(b, (*plain)(l))
}

// UnmarshalJSON reads a block over its defaults.
func (b *ZoneBlock) UnmarshalJSON(data []byte) error {
	type plain ZoneBlock
	*b = ZoneBlock{OnAccess: OnAccessNone, OverrideDuration: DefaultOverride}
	return decode(data, (*plain)(b))
}

// UnmarshalJSON reads an area over its defaults.
func (a *Area) UnmarshalJSON(b []byte) error {
	type plain Area
	*a = Area{Mode: AreaHard}
	return decode(b, (*plain)(a))
}

// UnmarshalJSON reads an alarm rule over its defaults.
func (a *AlarmRule) UnmarshalJSON(b []byte) error {
	type plain AlarmRule
	*a = AlarmRule{Duration: DefaultAlarm}
	return decode(b, (*plain)(a))
}
