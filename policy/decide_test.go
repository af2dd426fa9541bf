package policy_test

import (
	"slices"
	"testing"
	"time"

	"doord/policy"
	"doord/policy/schedule"
)

// A case is a place with one door, one reader and one member, as far as it differs
// from one in which a card opens.
type place struct {
	records policy.Records
	request policy.Request
	now     policy.Now
	expires time.Time
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// open returns a place in which the card of member 7 opens door 1 at reader 1.
func open() *place {
	return &place{
		records: policy.Records{
			Place:       policy.Place{ID: 1, Name: "Place", TimeZone: "UTC", Latitude: 52.5, Longitude: 13.4},
			Controllers: []policy.Controller{{ID: 1, Name: "Board", DeviceID: "00d00d00d00d0001"}},
			Locks: []policy.Lock{{ID: 1, Name: "Door", Configured: true, WhenClockUnset: policy.ClockDeny,
				WhenPolicyStale: policy.StaleAdmit, OnFire: policy.FireStay}},
			Readers: []policy.Reader{{ID: 1, ControllerID: 1, Port: "wiegand:1", LockID: 1, Direction: policy.In,
				Cards: true, Tap: true, PIN: policy.PINNone, Tamper: true}},
			Groups:     []policy.Group{{ID: 1, Name: "Staff", Login: true}, {ID: 2, Name: "Others", Login: true}},
			GroupLocks: []policy.GroupLock{{ID: 1, GroupID: 1, LockID: 1}},
		},
		request: policy.Request{Door: 1, Reader: 1, Method: policy.MethodCard, Found: 3, Holder: &policy.Holder{
			Credential: 1, Kind: policy.KindCard, Status: policy.Activated, Member: 7, AccessEnabled: true,
			Groups: []policy.Membership{{Group: 1}}}},
		now: policy.Now{Up: time.Hour, Wall: noon, WallSet: true},
	}
}

func (p *place) decide(traced bool) policy.Decision {
	set := policy.Compile(&p.records, 3, "00d00d00d00d0001", time.UTC)
	set.Expires = p.expires
	return policy.Decide(set, &p.request, p.now, traced)
}

// The parts of a place that cases change.
func (p *place) door() *policy.Lock       { return &p.records.Locks[0] }
func (p *place) reader() *policy.Reader   { return &p.records.Readers[0] }
func (p *place) group() *policy.Group     { return &p.records.Groups[0] }
func (p *place) holder() *policy.Holder   { return p.request.Holder }
func (p *place) second() *policy.Group    { return &p.records.Groups[1] }
func (p *place) state() *policy.DoorState { return &p.request.State }

// inApp has the member ask in the app.
func (p *place) inApp() {
	p.request.Method, p.request.Reader = policy.MethodInApp, 0
	p.request.Holder = &policy.Holder{Member: 7, AccessEnabled: true, Groups: []policy.Membership{{Group: 1}}}
}

// link has somebody ask by a group's link.
func (p *place) link() {
	p.request.Method, p.request.Reader = policy.MethodLink, 0
	p.request.Holder = &policy.Holder{Credential: 1, Kind: policy.KindLink, Status: policy.Activated, Groups: []policy.Membership{{Group: 1}}}
}

// tap has the member tap a phone that signs the challenge.
func (p *place) tap() {
	p.request.Method, p.holder().Kind, p.request.Proof.Signed = policy.MethodTap, policy.KindPhone, true
}

// out makes the reader one to leave by.
func (p *place) out() { p.reader().Direction = policy.Out }

// area has the reader lead into an area.
func (p *place) area(mode policy.AreaMode) {
	p.records.Areas = []policy.Area{{ID: 1, Name: "Area", Mode: mode, Into: []int64{1}}}
	p.state().Area = 1
}

// interlock puts another door beside the door, of which one at a time is open.
func (p *place) interlock() {
	p.records.Locks = append(p.records.Locks, policy.Lock{ID: 2, Name: "Other", Configured: true})
	p.records.Interlocks = []policy.Interlock{{ID: 1, Name: "Trap", LockIDs: []int64{1, 2}}}
}

// stop puts the reader into the car of an elevator with one stop.
func (p *place) stop() {
	p.records.Elevators = []policy.Elevator{{ID: 1, Name: "Lift", ControllerID: 1}}
	p.records.ElevatorStops = []policy.ElevatorStop{{ID: 3, ElevatorID: 1}}
	p.records.GroupStops = []policy.GroupStop{{ID: 1, GroupID: 1, StopID: 3}}
	p.reader().LockID, p.reader().ElevatorID = 0, 1
	p.request.Door, p.request.Stop = 0, 3
}

// hours adds an allow schedule of the day's hours to the door or the group.
func (p *place) hours(of schedule.ScheduleableType, from, to int) {
	start, end := schedule.ClockAt(from, 0), schedule.ClockAt(to, 0)
	p.records.Schedules = append(p.records.Schedules, schedule.Schedule{ID: int64(len(p.records.Schedules) + 1), Enabled: true,
		Consequence: schedule.Allow, Scheduleable: schedule.Scheduleable{Type: of, ID: 1},
		Monday: true, StartsAtTime: &start, EndsAtTime: &end})
}

// metres puts the phone that far north of the place.
func (p *place) metres(away, accuracy float64) {
	p.request.Proof.Location = &policy.Location{Latitude: 52.5 + away/111_195, Longitude: 13.4, Accuracy: accuracy, Age: time.Second}
}

func (p *place) unset() { p.now.WallSet = false }

var (
	yesterday = noon.AddDate(0, 0, -1)
	tomorrow  = noon.AddDate(0, 0, 1)
	past      = policy.Validity{Until: yesterday}
	future    = policy.Validity{From: tomorrow}
)

func TestDecide(t *testing.T) {
	granted := policy.Reason("")
	for _, c := range []struct {
		name   string
		change func(p *place)
		want   policy.Reason
	}{
		{"a known card of a member whose group has the door opens it", func(*place) {}, granted},

		{"a door that is not in the policy is not found", func(p *place) { p.request.Door = 9 }, policy.DoorNotFound},
		{"a door that is not configured is misconfigured", func(p *place) { p.door().Configured = false }, policy.DoorMisconfigured},
		{"a door whose wiring disagrees is misconfigured", func(p *place) { p.state().Misconfigured = true }, policy.DoorMisconfigured},

		{"a look-up in an old policy is done again", func(p *place) { p.request.Found = 2 }, policy.PolicyChanged},
		{"a stale policy admits by default", func(p *place) { p.expires = yesterday }, granted},
		{"a stale policy denies where the door says so", func(p *place) { p.expires, p.door().WhenPolicyStale = yesterday, policy.StaleDeny }, policy.PolicyStale},
		{"a fresh policy admits where a stale one would not", func(p *place) { p.expires, p.door().WhenPolicyStale = tomorrow, policy.StaleDeny }, granted},
		{"without a clock nobody knows that the policy is stale", func(p *place) {
			p.expires, p.door().WhenPolicyStale = yesterday, policy.StaleDeny
			p.unset()
		}, granted},

		{"a reader that takes no cards takes none", func(p *place) { p.reader().Cards = false }, policy.MethodDisabled},
		{"a reader that wants card and PIN takes no card alone", func(p *place) { p.reader().PIN = policy.PINCardAndPIN }, policy.MethodDisabled},
		{"a reader that takes no taps takes none", func(p *place) { p.tap(); p.reader().Tap = false }, policy.MethodDisabled},
		{"a reader takes no wave unless it is set to", func(p *place) { p.tap(); p.request.Method = policy.MethodWave }, policy.MethodDisabled},
		{"a reader that takes waves takes them", func(p *place) {
			p.tap()
			p.request.Method, p.reader().Wave = policy.MethodWave, true
		}, granted},
		{"a keypad that is for PINs alone takes them", func(p *place) { p.request.Method, p.reader().PIN = policy.MethodPIN, policy.PINOnly }, granted},
		{"a keypad for card and PIN takes no PIN alone", func(p *place) {
			p.request.Method, p.reader().PIN = policy.MethodPIN, policy.PINCardAndPIN
		}, policy.MethodDisabled},
		{"an app is not presented at a reader", func(p *place) { p.request.Method = policy.MethodInApp }, policy.MethodDisabled},
		{"a reader that the policy does not know takes nothing", func(p *place) { p.request.Reader = -1 }, policy.MethodDisabled},
		{"a tampered reader is halted", func(p *place) { p.state().ReaderTampered = true }, policy.ReaderTampered},
		{"a tampered reader without protection goes on", func(p *place) { p.state().ReaderTampered, p.reader().Tamper = true, false }, granted},

		{"an unknown card is not found", func(p *place) { p.request.Holder = nil }, policy.CardNotFound},
		{"an unknown PIN is invalid", func(p *place) {
			p.request.Method, p.reader().PIN, p.request.Holder = policy.MethodPIN, policy.PINOnly, nil
		}, policy.PINInvalid},
		{"an unknown link is invalid", func(p *place) { p.link(); p.request.Holder = nil }, policy.LinkInvalid},
		{"an unknown member in the app has no access", func(p *place) { p.inApp(); p.request.Holder = nil }, policy.AccessDenied},
		{"a deactivated card is denied", func(p *place) { p.holder().Status = policy.Deactivated }, policy.CardNotActivated},
		{"an unassigned card is denied", func(p *place) { p.holder().Status = policy.Unassigned }, policy.CardNotActivated},
		{"a link that was turned off is denied", func(p *place) { p.link(); p.holder().Status = policy.Deactivated }, policy.LinkDisabled},
		{"a card before its first day is denied", func(p *place) { p.holder().Validity = future }, policy.NotYetValid},
		{"a card after its last day is denied", func(p *place) { p.holder().Validity = past }, policy.NoLongerValid},
		{"a card counts from the first instant of its dates", func(p *place) { p.holder().From = noon }, granted},
		{"a card does not count at the end of its dates", func(p *place) { p.holder().Until = noon }, policy.NoLongerValid},
		{"a phone that did not sign the challenge is denied", func(p *place) { p.tap(); p.request.Proof.Signed = false }, policy.TapInvalid},
		{"blocked PINs are refused even if right", func(p *place) {
			p.request.Method, p.reader().PIN, p.state().PINBlocked = policy.MethodPIN, policy.PINOnly, true
		}, policy.PINBlocked},
		{"cards go on while PINs are blocked", func(p *place) { p.state().PINBlocked = true }, granted},
		{"card and PIN of one member open", func(p *place) {
			p.request.Method, p.reader().PIN = policy.MethodCardAndPIN, policy.PINCardAndPIN
			p.request.PIN = &policy.Holder{Credential: 2, Kind: policy.KindPIN, Status: policy.Activated, Member: 7}
		}, granted},
		{"the PIN of another member does not", func(p *place) {
			p.request.Method, p.reader().PIN = policy.MethodCardAndPIN, policy.PINCardAndPIN
			p.request.PIN = &policy.Holder{Credential: 2, Kind: policy.KindPIN, Status: policy.Activated, Member: 8}
		}, policy.PINInvalid},
		{"a PIN that has ended does not", func(p *place) {
			p.request.Method, p.reader().PIN = policy.MethodCardAndPIN, policy.PINCardAndPIN
			p.request.PIN = &policy.Holder{Credential: 2, Kind: policy.KindPIN, Status: policy.Activated, Member: 7, Validity: past}
		}, policy.NoLongerValid},

		{"a member whose access is off is denied", func(p *place) { p.holder().AccessEnabled = false }, policy.AccessDisabled},
		{"a group's link needs no member", (*place).link, granted},
		{"a member's link needs leave", func(p *place) {
			p.link()
			p.holder().Member, p.holder().AccessEnabled = 7, true
		}, policy.LinkDisabled},
		{"a member's link with leave opens", func(p *place) {
			p.link()
			p.holder().Member, p.holder().AccessEnabled, p.holder().LinkAllowed = 7, true, true
		}, granted},

		{"a lockdown of the place denies", func(p *place) { p.records.Place.LockedDown = true }, policy.PlaceLockedDown},
		{"a lockdown of the door denies", func(p *place) { p.door().LockedDown = true }, policy.DoorLockedDown},
		{"a technician's lockdown denies", func(p *place) { p.state().LockedDown = true }, policy.DoorLockedDown},
		{"a lockdown denies an administrator", func(p *place) {
			p.door().LockedDown = true
			p.holder().Groups = append(p.holder().Groups, policy.Membership{Group: policy.WholePlace})
		}, policy.DoorLockedDown},

		{"a zone that is away denies", func(p *place) { p.state().ZoneLevel, p.state().ZoneDenies = "away", true }, policy.ZoneDenied},
		{"a zone that stays admits", func(p *place) { p.state().ZoneLevel = "stay" }, granted},
		{"a zone that only the clock can tell denies without one", func(p *place) {
			p.state().ZoneLevel, p.state().ZoneByClock = "unknown", true
			p.unset()
		}, policy.ClockNotSet},
		{"unless the door allows it", func(p *place) {
			p.state().ZoneLevel, p.state().ZoneByClock, p.door().WhenClockUnset = "unknown", true, policy.ClockAllow
			p.unset()
		}, granted},

		{"inside the door's hours it opens", func(p *place) { p.door().Time = true; p.hours(schedule.Lock, 8, 18) }, granted},
		{"outside the door's hours it does not", func(p *place) { p.door().Time = true; p.hours(schedule.Lock, 13, 18) }, policy.OutsideSchedule},
		{"a time restriction without any schedule denies", func(p *place) { p.door().Time = true }, policy.OutsideSchedule},
		{"hours without a restriction have no effect", func(p *place) { p.hours(schedule.Lock, 13, 18) }, granted},
		{"hours need the clock", func(p *place) { p.door().Time = true; p.hours(schedule.Lock, 8, 18); p.unset() }, policy.ClockNotSet},
		{"unless the door allows it without", func(p *place) {
			p.door().Time, p.door().WhenClockUnset = true, policy.ClockAllow
			p.unset()
		}, granted},
		{"dates need the clock", func(p *place) { p.holder().Until = tomorrow; p.unset() }, policy.ClockNotSet},
		{"what has neither dates nor hours needs no clock", (*place).unset, granted},
		{"the door's hours bind an administrator", func(p *place) {
			p.door().Time = true
			p.holder().Groups = append(p.holder().Groups, policy.Membership{Group: policy.WholePlace})
		}, policy.OutsideSchedule},
		{"the door's hours bind a link", func(p *place) { p.link(); p.door().Time = true }, policy.OutsideSchedule},

		{"a phone inside the fence opens", func(p *place) { p.inApp(); p.door().Geofence, p.door().GeofenceRadius = true, 100; p.metres(90, 5) }, granted},
		{"the inaccuracy counts in its favour", func(p *place) { p.inApp(); p.door().Geofence, p.door().GeofenceRadius = true, 100; p.metres(130, 40) }, granted},
		{"but not more than 50 m of it", func(p *place) { p.inApp(); p.door().Geofence, p.door().GeofenceRadius = true, 100; p.metres(160, 90) }, policy.TooFarAway},
		{"a phone outside the fence does not", func(p *place) { p.inApp(); p.door().Geofence, p.door().GeofenceRadius = true, 100; p.metres(110, 5) }, policy.TooFarAway},
		{"a fix that is worse than the fence is none", func(p *place) { p.inApp(); p.door().Geofence, p.door().GeofenceRadius = true, 100; p.metres(0, 101) }, policy.LocationUnknown},
		{"a fix that is older than a minute is none", func(p *place) {
			p.inApp()
			p.door().Geofence, p.door().GeofenceRadius = true, 100
			p.metres(0, 5)
			p.request.Proof.Location.Age = 61 * time.Second
		}, policy.LocationUnknown},
		{"no fix is none", func(p *place) { p.inApp(); p.door().Geofence, p.door().GeofenceRadius = true, 100 }, policy.LocationUnknown},
		{"the door's own coordinates come before the place's", func(p *place) {
			p.inApp()
			p.door().Geofence, p.door().GeofenceRadius, p.door().Latitude, p.door().Longitude = true, 100, 48.1, 11.5
			p.metres(0, 5)
		}, policy.TooFarAway},
		{"a card satisfies the fence", func(p *place) { p.door().Geofence = true }, granted},
		{"a link is free of the fence", func(p *place) { p.link(); p.door().Geofence = true }, granted},
		{"a phone that is not at the reader does not open", func(p *place) { p.inApp(); p.door().ReaderNeeded = true }, policy.NotAtReader},
		{"one that proves it does", func(p *place) { p.inApp(); p.door().ReaderNeeded, p.request.Proof.AtReader = true, true }, granted},
		{"a card satisfies the reader restriction", func(p *place) { p.door().ReaderNeeded = true }, granted},
		{"a link is free of it", func(p *place) { p.link(); p.door().ReaderNeeded = true }, granted},

		{"a member of no group is denied", func(p *place) { p.holder().Groups = nil }, policy.AccessDenied},
		{"a group without the door is none", func(p *place) { p.holder().Groups[0].Group = 2 }, policy.AccessDenied},
		{"a group that is deleted is none", func(p *place) { p.holder().Groups[0].Group = 9 }, policy.AccessDenied},
		{"an administrator of no group is denied", func(p *place) { p.holder().Groups[0].Group = policy.WholePlace }, policy.AccessDenied},
		{"a group that has not begun denies", func(p *place) { p.group().Validity = future }, policy.NotYetValid},
		{"an assignment that has ended denies", func(p *place) { p.holder().Groups[0].Validity = past }, policy.NoLongerValid},
		{"a group without login denies the app", func(p *place) { p.inApp(); p.group().Login = false }, policy.NoApps},
		{"and not the card", func(p *place) { p.group().Login = false }, granted},
		{"a group of taps only denies the app", func(p *place) { p.inApp(); p.group().TapOnly = true }, policy.TapOnly},
		{"and a link", func(p *place) { p.link(); p.group().TapOnly = true }, policy.TapOnly},
		{"and not the card", func(p *place) { p.group().TapOnly = true }, granted},
		{"outside the group's hours it does not open", func(p *place) { p.group().Time = true; p.hours(schedule.Group, 13, 18) }, policy.OutsideSchedule},
		{"the door's hours replace the group's", func(p *place) {
			p.group().Time, p.door().Time = true, true
			p.hours(schedule.Group, 13, 18)
			p.hours(schedule.Lock, 8, 18)
		}, granted},
		{"the door's fence replaces the group's", func(p *place) {
			p.inApp()
			p.group().Geofence, p.group().GeofenceRadius = true, 10
			p.door().Geofence, p.door().GeofenceRadius = true, 100
			p.metres(50, 5)
		}, granted},
		{"the group's fence binds where the door has none", func(p *place) {
			p.inApp()
			p.group().Geofence, p.group().GeofenceRadius = true, 10
			p.metres(50, 5)
		}, policy.TooFarAway},
		{"the group's reader restriction binds", func(p *place) { p.inApp(); p.group().ReaderNeeded = true }, policy.NotAtReader},
		{"an administrator is free of the group's restrictions", func(p *place) {
			p.inApp()
			p.group().Time, p.group().Geofence, p.group().ReaderNeeded, p.group().Login, p.group().TapOnly = true, true, true, false, true
			p.holder().Groups = append(p.holder().Groups, policy.Membership{Group: policy.WholePlace})
		}, granted},
		{"as long as the role lasts", func(p *place) {
			p.group().Time = true
			p.holder().Groups = append(p.holder().Groups, policy.Membership{Group: policy.WholePlace, Validity: past})
		}, policy.OutsideSchedule},
		{"an administrator is not free of the group's dates", func(p *place) {
			p.group().Validity = past
			p.holder().Groups = append(p.holder().Groups, policy.Membership{Group: policy.WholePlace})
		}, policy.NoLongerValid},
		{"one group that admits is enough", func(p *place) {
			p.group().Time = true
			p.records.GroupLocks = append(p.records.GroupLocks, policy.GroupLock{ID: 2, GroupID: 2, LockID: 1})
			p.holder().Groups = append(p.holder().Groups, policy.Membership{Group: 2})
		}, granted},
		{"if none admits the reason is that of the one that got furthest", func(p *place) {
			p.group().Time = true
			p.second().Validity = past
			p.records.GroupLocks = append(p.records.GroupLocks, policy.GroupLock{ID: 2, GroupID: 2, LockID: 1})
			p.holder().Groups = append(p.holder().Groups, policy.Membership{Group: 2})
		}, policy.OutsideSchedule},

		{"a locked phone is one factor", func(p *place) { p.tap(); p.door().TwoFactor = true }, policy.TwoFactorRequired},
		{"an unlocked phone is two", func(p *place) {
			p.tap()
			p.door().TwoFactor, p.request.Proof.PhoneUnlocked = true, true
		}, granted},
		{"a reader can ask for two as well", func(p *place) { p.tap(); p.reader().TwoFactor = true }, policy.TwoFactorRequired},
		{"a card is not asked for two", func(p *place) { p.door().TwoFactor, p.reader().TwoFactor = true, true }, granted},

		{"who has no other way out leaves under lockdown", func(p *place) { p.out(); p.records.Place.LockedDown, p.state().LockedDown = true, true }, granted},
		{"and whatever the zone", func(p *place) { p.out(); p.state().ZoneLevel, p.state().ZoneDenies = "away", true }, granted},
		{"and outside the hours", func(p *place) { p.out(); p.door().Time, p.group().Time = true, true }, granted},
		{"and by a card that has ended", func(p *place) { p.out(); p.holder().Validity, p.holder().Groups[0].Validity = past, past }, granted},
		{"and without a clock", func(p *place) { p.out(); p.door().Time, p.holder().Validity = true, past; p.unset() }, granted},
		{"and with a stale policy", func(p *place) { p.out(); p.expires, p.door().WhenPolicyStale = yesterday, policy.StaleDeny }, granted},
		{"but not by an unknown card", func(p *place) { p.out(); p.request.Holder = nil }, policy.CardNotFound},
		{"where a request to exit unlocks, lockdown may deny an exit", func(p *place) {
			p.out()
			p.state().UnlockingREX, p.state().LockedDown = true, true
		}, policy.DoorLockedDown},

		{"who went in already does not go in again", func(p *place) { p.area(policy.AreaHard); p.state().Passed = true }, policy.AntiPassback},
		{"who came out since does", func(p *place) { p.area(policy.AreaHard) }, granted},
		{"a soft area only tells", func(p *place) { p.area(policy.AreaSoft); p.state().Passed = true }, granted},
		{"who has no other way out leaves twice", func(p *place) { p.area(policy.AreaHard); p.state().Passed = true; p.out() }, granted},
		{"where a request to exit unlocks, anti-passback may deny an exit", func(p *place) {
			p.area(policy.AreaHard)
			p.state().Passed, p.state().UnlockingREX = true, true
			p.out()
		}, policy.AntiPassback},

		{"a door waits for the others of its interlock", func(p *place) { p.interlock(); p.state().Blocker = 2 }, policy.Interlocked},
		{"and opens when they are closed and locked", (*place).interlock, granted},
		{"who has no other way out does not wait", func(p *place) { p.interlock(); p.state().Blocker = 2; p.out() }, granted},

		{"a stop is permitted as a door is unlocked", (*place).stop, granted},
		{"a stop that is not in the policy is not found", func(p *place) { p.stop(); p.request.Stop = 9 }, policy.DoorNotFound},
		{"a stop of another group is not permitted", func(p *place) { p.stop(); p.records.GroupStops = nil }, policy.AccessDenied},
		{"a stop has hours", func(p *place) { p.stop(); p.records.ElevatorStops[0].Time = true }, policy.OutsideSchedule},
		{"a stop that is locked down is not permitted", func(p *place) { p.stop(); p.records.ElevatorStops[0].LockedDown = true }, policy.DoorLockedDown},
		{"a visitor does not ride alone", func(p *place) { p.stop(); p.holder().EscortNeeded = true }, policy.EscortRequired},
		{"a visitor does not enter alone", func(p *place) { p.holder().EscortNeeded = true }, policy.EscortRequired},
		{"a visitor enters after an escort", func(p *place) { p.holder().EscortNeeded, p.state().Escorted = true, true }, granted},
		{"a visitor leaves alone", func(p *place) { p.holder().EscortNeeded = true; p.out() }, granted},
		{"also where a request to exit unlocks", func(p *place) {
			p.holder().EscortNeeded, p.state().UnlockingREX = true, true
			p.out()
		}, granted},
		{"the first of two waits", func(p *place) { p.door().TwoPersonWithin = 20 }, policy.SecondPerson},
		{"the second of two opens", func(p *place) { p.door().TwoPersonWithin, p.state().First = 20, 8 }, granted},
		{"nobody is his own second", func(p *place) { p.door().TwoPersonWithin, p.state().First = 20, 7 }, policy.SecondPerson},
		{"who asks by network is nobody's second", func(p *place) {
			p.inApp()
			p.door().TwoPersonWithin, p.state().First = 20, 8
		}, policy.SecondPerson},
		{"one leaves alone where two enter", func(p *place) { p.door().TwoPersonWithin = 20; p.out() }, granted},
		{"a duress PIN opens like any other", func(p *place) {
			p.request.Method, p.reader().PIN, p.holder().Duress = policy.MethodPIN, policy.PINOnly, true
		}, granted},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := open()
			c.change(p)
			plain, traced := p.decide(false), p.decide(true)
			if plain.Reason != c.want || plain.Granted != (c.want == "") {
				t.Errorf("granted %t, reason %q; want %q", plain.Granted, plain.Reason, c.want)
			}
			if traced.Reason != plain.Reason || plain.Trace != nil {
				t.Errorf("with a trace the reason is %q, without %q", traced.Reason, plain.Reason)
			}
			failed := slices.ContainsFunc(traced.Trace, func(k policy.Check) bool { return k.Reason == c.want && !k.OK })
			if c.want != "" && !failed {
				t.Errorf("no check of the trace failed with %s: %v", c.want, traced.Trace)
			}
		})
	}
}

// The order of the checks is that of the issue of most help to whoever stands at
// the door: of several things wrong, the first named is told.
func TestTheFirstCheckThatFailsIsTheReason(t *testing.T) {
	p := open()
	want := []policy.Reason{policy.SecondPerson, policy.EscortRequired, policy.Interlocked, policy.AntiPassback, policy.TwoFactorRequired, policy.AccessDenied, policy.OutsideSchedule, policy.ZoneDenied,
		policy.DoorLockedDown, policy.PlaceLockedDown, policy.AccessDisabled, policy.NoLongerValid, policy.CardNotActivated,
		policy.TapInvalid, policy.ReaderTampered, policy.MethodDisabled, policy.PolicyStale, policy.PolicyChanged, policy.DoorMisconfigured}
	for i, spoil := range []func(){
		func() { p.door().TwoPersonWithin = 20 },
		func() { p.holder().EscortNeeded = true },
		func() { p.interlock(); p.state().Blocker = 2 },
		func() { p.area(policy.AreaHard); p.state().Passed = true },
		func() { p.tap(); p.door().TwoFactor = true },
		func() { p.holder().Groups = nil },
		func() { p.door().Time = true },
		func() { p.state().ZoneLevel, p.state().ZoneDenies = "away", true },
		func() { p.door().LockedDown = true },
		func() { p.records.Place.LockedDown = true },
		func() { p.holder().AccessEnabled = false },
		func() { p.holder().Validity = past },
		func() { p.holder().Status = policy.Deactivated },
		func() { p.request.Proof.Signed = false },
		func() { p.state().ReaderTampered = true },
		func() { p.reader().Tap = false },
		func() { p.expires, p.door().WhenPolicyStale = yesterday, policy.StaleDeny },
		func() { p.request.Found = 2 },
		func() { p.door().Configured = false },
	} {
		spoil()
		if got := p.decide(false).Reason; got != want[i] {
			t.Errorf("after spoiling %d things the reason is %q, want %q", i+1, got, want[i])
		}
	}
}

func TestNoPolicyFindsNoDoor(t *testing.T) {
	if d := policy.Decide(nil, &open().request, policy.Now{}, true); d.Granted || d.Reason != policy.DoorNotFound {
		t.Errorf("granted %t, reason %q", d.Granted, d.Reason)
	}
}

func TestEveryReasonHasItsOwnCodeAndText(t *testing.T) {
	seen := map[string]policy.Reason{}
	for _, r := range policy.Reasons() {
		if len(r.Code()) != 6 || r.Text() == "" {
			t.Errorf("%s: code %q, text %q", r, r.Code(), r.Text())
		}
		if other, taken := seen[r.Code()]; taken {
			t.Errorf("%s and %s share the code %s", r, other, r.Code())
		}
		seen[r.Code()] = r
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, c := range []struct {
		name   string
		change func(p *place)
	}{
		{"card", func(*place) {}},
		{"card with hours and dates", func(p *place) {
			p.group().Time, p.holder().Until = true, tomorrow
			p.hours(schedule.Group, 8, 18)
		}},
		{"app with a fence", func(p *place) { p.inApp(); p.door().Geofence, p.door().GeofenceRadius = true, 100; p.metres(90, 5) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := open()
			c.change(p)
			set := policy.Compile(&p.records, 3, "00d00d00d00d0001", time.UTC)
			b.ReportAllocs()
			for b.Loop() {
				if !policy.Decide(set, &p.request, p.now, false).Granted {
					b.Fatal("denied")
				}
			}
		})
	}
}

func TestADecisionWithoutATraceAllocatesNothing(t *testing.T) {
	p := open()
	p.group().Time, p.door().Geofence, p.holder().Until = true, true, tomorrow
	p.hours(schedule.Group, 8, 18)
	p.area(policy.AreaSoft)
	p.interlock()
	p.door().TwoPersonWithin, p.holder().EscortNeeded = 20, true
	p.state().First, p.state().Escorted = 8, true
	p.state().Passed = true
	set := policy.Compile(&p.records, 3, "00d00d00d00d0001", time.UTC)
	if n := testing.AllocsPerRun(100, func() { policy.Decide(set, &p.request, p.now, false) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
