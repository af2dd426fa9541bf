package policy

import (
	"math"
	"slices"
	"time"

	"doord/policy/schedule"
)

// Decision is the answer to a Request. A denial is a decision, never an error.
type Decision struct {
	Granted  bool
	Reason   Reason // "" when granted
	Revision uint64
	Trace    []Check // nil unless it was asked for
	// Exit: the request came from inside, at a door with no request to exit that
	// unlocks. Nothing that keeps people out applied to it.
	Exit bool
}

// The limits of a location fix.
const (
	oldestFix     = 60 * time.Second
	mostTolerance = 50.0 // m of a fix's inaccuracy that count in the phone's favour
	earthRadius   = 6_371_008.8
	tracedChecks  = 16
	radians       = math.Pi / 180
)

// Decide answers a request. It is a function of its arguments alone, and without
// a trace it allocates nothing.
func Decide(s *Set, r *Request, now Now, traced bool) Decision {
	d := decider{set: s, req: r, now: now}
	if s != nil {
		d.Revision = s.Revision
	}
	if traced {
		d.Trace = make([]Check, 0, tracedChecks)
	}
	// The order of the checks: the first reason found stands.
	d.Granted = !(d.denies(d.wired()) ||
		d.denies(d.current()) ||
		d.denies(d.method()) ||
		d.denies(d.credential()) ||
		d.denies(d.member()) ||
		d.denies(d.lockdown()) ||
		d.denies(d.zone()) ||
		d.denies(d.restrictions()) ||
		d.denies(d.groups()) ||
		d.denies(d.secondFactor()) ||
		d.denies(d.passback()) ||
		d.denies(d.interlock()) ||
		d.denies(d.escort()) ||
		d.denies(d.secondPerson()))
	return d.Decision
}

// decider is one decision on its way.
type decider struct {
	Decision
	set    *Set
	req    *Request
	now    Now
	door   *Door
	reader *Reader
}

// denies takes the outcome of a check, and reports whether the decision is made.
func (d *decider) denies(reason Reason) bool {
	d.Reason = reason
	return reason != ""
}

// note adds a check to the trace and returns its reason.
func (d *decider) note(name string, saw, rule Value, reason Reason) Reason {
	if d.Trace != nil {
		d.Trace = append(d.Trace, Check{Name: name, Saw: saw, Rule: rule, OK: reason == "", Reason: reason})
	}
	return reason
}

// unless returns the reason when ok does not hold.
func unless(ok bool, reason Reason) Reason {
	if ok {
		return ""
	}
	return reason
}

func (d *decider) wired() Reason {
	name, what := "door", Numbered("lock", d.req.Door)
	d.door = d.set.Door(d.req.Door)
	if d.req.Stop != 0 {
		name, what = "elevator_stop", Numbered("stop", d.req.Stop)
		d.door = d.set.stop(d.req.Stop)
	}
	if d.door == nil {
		return d.note(name, what, Text("is in the policy"), DoorNotFound)
	}
	d.reader = d.set.Reader(d.req.Reader)
	// Nothing that keeps people out may keep in those who have no other way out.
	d.Exit = d.reader != nil && d.reader.Direction == Out && !d.req.State.UnlockingREX
	wired := d.door.Configured && !d.req.State.Misconfigured
	return d.note(name, what, Text("is configured and wired here"), unless(wired, DoorMisconfigured))
}

func (d *decider) current() Reason {
	if d.req.Found != d.set.Revision {
		return d.note("policy", Measure(int64(d.req.Found), "looked up"), Measure(int64(d.set.Revision), "in force"), PolicyChanged)
	}
	if d.set.Expires.IsZero() {
		return ""
	}
	fresh := d.Exit || !d.set.Stale(d.now) || d.door.WhenPolicyStale == StaleAdmit
	return d.note("policy", Moment(d.set.Expires), Text(d.door.WhenPolicyStale), unless(fresh, PolicyStale))
}

func (d *decider) method() Reason {
	if d.reader == nil {
		if d.req.Reader == 0 {
			return ""
		}
		return d.note("method", Text(d.req.Method), Numbered("reader", d.req.Reader), MethodDisabled)
	}
	r := d.reader
	var accepted bool
	switch d.req.Method {
	case MethodCard:
		accepted = r.Cards && r.PIN != PINCardAndPIN
	case MethodTap:
		accepted = r.Tap
	case MethodPIN:
		accepted = r.PIN == PINOnly
	case MethodCardAndPIN:
		accepted = r.Cards && r.PIN == PINCardAndPIN
	case MethodWave:
		accepted = r.Wave
	case MethodInApp, MethodLink:
	}
	if reason := d.note("method", Text(d.req.Method), Numbered("reader", r.ID), unless(accepted, MethodDisabled)); reason != "" {
		return reason
	}
	halted := r.Tamper && d.req.State.ReaderTampered
	return d.note("reader_tamper", Yes(d.req.State.ReaderTampered), Text("halts the reader"), unless(!halted, ReaderTampered))
}

func (d *decider) credential() Reason {
	h := d.req.Holder
	withPIN := d.req.Method == MethodPIN || d.req.Method == MethodCardAndPIN
	if withPIN && d.req.State.PINBlocked {
		return d.note("pin", Text("blocked"), Text("5 wrong in 5 minutes block PINs here"), PINBlocked)
	}
	if h == nil {
		return d.note("credential", Text("unknown"), Text("is in the policy"), unknownBy(d.req.Method))
	}
	if d.req.Method == MethodTap || d.req.Method == MethodWave {
		if reason := d.note("tap", Yes(d.req.Proof.Signed), Text("the phone signs the reader's challenge"), unless(d.req.Proof.Signed, TapInvalid)); reason != "" {
			return reason
		}
	}
	if h.Credential != 0 {
		if reason := d.note("credential", Numbered(string(h.Kind), h.Credential), Text(h.Status), unless(h.Status == Activated, inactiveBy(d.req.Method))); reason != "" {
			return reason
		}
		if reason := d.valid("credential_dates", h.Validity); reason != "" {
			return reason
		}
	}
	if d.req.Method != MethodCardAndPIN {
		return ""
	}
	p := d.req.PIN
	if p == nil || p.Member != h.Member || p.Status != Activated {
		return d.note("pin", Text("wrong"), Text("belongs to the card's holder"), PINInvalid)
	}
	return d.valid("pin_dates", p.Validity)
}

// unknownBy is the reason when nothing is known of what was presented.
func unknownBy(m Method) Reason {
	switch m {
	case MethodPIN:
		return PINInvalid
	case MethodLink:
		return LinkInvalid
	case MethodInApp:
		return AccessDenied
	case MethodCard, MethodTap, MethodCardAndPIN, MethodWave:
		return CardNotFound
	}
	return CardNotFound
}

func inactiveBy(m Method) Reason {
	if m == MethodLink {
		return LinkDisabled
	}
	return CardNotActivated
}

func (d *decider) member() Reason {
	h := d.req.Holder
	if h.Member == 0 {
		return "" // a group link belongs to nobody
	}
	if reason := d.note("member", Numbered("member", h.Member), Text("access enabled"), unless(h.AccessEnabled, AccessDisabled)); reason != "" {
		return reason
	}
	if d.req.Method == MethodLink {
		return d.note("member_link", Yes(h.LinkAllowed), Text("a link is allowed"), unless(h.LinkAllowed, LinkDisabled))
	}
	return ""
}

func (d *decider) lockdown() Reason {
	if d.Exit {
		return ""
	}
	if reason := d.note("place_lockdown", Yes(d.set.Place.LockedDown), Text("denies entry"), unless(!d.set.Place.LockedDown, PlaceLockedDown)); reason != "" {
		return reason
	}
	locked := d.door.LockedDown || d.req.State.LockedDown
	return d.note("door_lockdown", Yes(locked), Text("denies entry"), unless(!locked, DoorLockedDown))
}

func (d *decider) zone() Reason {
	if d.Exit || d.req.State.ZoneLevel == "" {
		return ""
	}
	if d.req.State.ZoneByClock {
		if read, reason := d.clock("zone"); !read {
			return reason
		}
	}
	return d.note("zone", Text(d.req.State.ZoneLevel), Text("lets people in"), unless(!d.req.State.ZoneDenies, ZoneDenied))
}

// restrictions are the door's own: they bind everyone.
func (d *decider) restrictions() Reason {
	r := &d.door.Restrictions
	if r.Time {
		if reason := d.inside("door_time", d.door.Allow); reason != "" {
			return reason
		}
	}
	if r.Geofence {
		if reason := d.near("door_geofence", r.GeofenceRadius); reason != "" {
			return reason
		}
	}
	if r.ReaderNeeded {
		return d.standing("door_reader")
	}
	return ""
}

// groups lets the holder in by any one group that has the door and admits now.
// Otherwise the reason is that of the group that got furthest.
func (d *decider) groups() Reason {
	free := d.overrides()
	best, reason := -1, AccessDenied
	for i := range d.req.Holder.Groups {
		m := &d.req.Holder.Groups[i]
		g := d.set.groups[m.Group]
		if _, has := slices.BinarySearch(d.door.Groups, m.Group); g == nil || !has {
			continue
		}
		got, why := d.admits(g, m, free)
		if why == "" {
			return ""
		}
		if got > best {
			best, reason = got, why
		}
	}
	if best < 0 {
		return d.note("groups", Measure(int64(len(d.req.Holder.Groups)), "groups"), Text("one of them opens this door"), AccessDenied)
	}
	return reason
}

// admits runs one group's checks; its restrictions do not bind who is free of
// them. It returns how many passed, and the reason of the one that did not.
func (d *decider) admits(g *groupPlan, m *Membership, free bool) (passed int, reason Reason) {
	if reason = d.note("group", Numbered("group", g.ID), Text("opens this door"), ""); reason != "" {
		return 0, reason
	}
	if reason = d.valid("group_dates", g.Validity); reason != "" {
		return 1, reason
	}
	if reason = d.valid("assignment_dates", m.Validity); reason != "" {
		return 2, reason
	}
	if free {
		d.note("role", Text(d.req.Holder.Role), Text("overrides group restrictions"), "")
		return 3, ""
	}
	if d.req.Method == MethodInApp {
		if reason = d.note("group_login", Yes(g.Login), Text("in-app unlock allowed"), unless(g.Login, NoApps)); reason != "" {
			return 3, reason
		}
	}
	if g.TapOnly {
		tap := d.req.Method == MethodTap || d.req.Method == MethodCard || d.req.Method == MethodCardAndPIN
		if reason = d.note("group_tap_only", Text(d.req.Method), Text("a tap at a reader"), unless(tap, TapOnly)); reason != "" {
			return 4, reason
		}
	}
	// A restriction that the door has itself replaces the group's of its kind.
	own := &d.door.Restrictions
	if g.Time && !own.Time {
		if reason = d.inside("group_time", g.allow); reason != "" {
			return 5, reason
		}
	}
	if g.Geofence && !own.Geofence {
		if reason = d.near("group_geofence", g.GeofenceRadius); reason != "" {
			return 6, reason
		}
	}
	if g.ReaderNeeded && !own.ReaderNeeded {
		if reason = d.standing("group_reader"); reason != "" {
			return 7, reason
		}
	}
	return 8, ""
}

// overrides reports whether the holder runs the place now, which lifts group
// restrictions.
func (d *decider) overrides() bool {
	for i := range d.req.Holder.Groups {
		m := &d.req.Holder.Groups[i]
		if m.Group == WholePlace && d.valid("role_dates", m.Validity) == "" {
			return true
		}
	}
	return false
}

func (d *decider) secondFactor() Reason {
	if d.req.Method != MethodTap && d.req.Method != MethodWave {
		return ""
	}
	if !d.door.TwoFactor && (d.reader == nil || !d.reader.TwoFactor) {
		return ""
	}
	unlocked := d.req.Proof.PhoneUnlocked
	return d.note("two_factor", Yes(unlocked), Text("the phone is unlocked"), unless(unlocked, TwoFactorRequired))
}

// passback denies a passage that cannot be, where the area is hard about it.
func (d *decider) passback() Reason {
	if d.Exit || d.req.State.Area == 0 {
		return ""
	}
	area, saw := d.set.Area(d.req.State.Area), Text("may go this way")
	if d.req.State.Passed {
		saw = Text("went this way already")
	}
	hard := area != nil && area.Mode == AreaHard
	return d.note("anti_passback", saw, Numbered("area", d.req.State.Area), unless(!d.req.State.Passed || !hard, AntiPassback))
}

// interlock denies a door while another one of its interlocks is open or released.
func (d *decider) interlock() Reason {
	if d.Exit || len(d.door.Interlocked) == 0 {
		return ""
	}
	saw := Text("the others are closed and locked")
	if d.req.State.Blocker != 0 {
		saw = Numbered("open or released: lock", d.req.State.Blocker)
	}
	return d.note("interlock", saw, Text("one at a time"), unless(d.req.State.Blocker == 0, Interlocked))
}

// leaves reports whether the request is to get out: nobody needs company for that.
func (d *decider) leaves() bool { return d.Exit || d.reader != nil && d.reader.Direction == Out }

// escort lets a visitor in after somebody who may escort.
func (d *decider) escort() Reason {
	if !d.req.Holder.EscortNeeded || d.leaves() {
		return ""
	}
	ok := d.req.State.Escorted
	return d.note("escort", Yes(ok), Text("an escort entered just before"), unless(ok, EscortRequired))
}

// secondPerson lets two members in together: the one that waits, and another. A link
// is nobody, and who asks by network is not here.
func (d *decider) secondPerson() Reason {
	if d.door.TwoPersonWithin == 0 || d.leaves() {
		return ""
	}
	saw, first := Text("nobody waits"), d.req.State.First
	if first != 0 {
		saw = Numbered("waiting: member", first)
	}
	ok := d.reader != nil && first != 0 && d.req.Holder.Member != 0 && d.req.Holder.Member != first
	return d.note("second_person", saw, Text("two members at the reader"), unless(ok, SecondPerson))
}

// clock returns whether the wall clock may be read. Where it may not, and the
// door does not deny for it, the check counts as passed.
func (d *decider) clock(name string) (read bool, reason Reason) {
	if d.now.WallSet {
		return true, ""
	}
	if d.door.WhenClockUnset == ClockAllow {
		return false, d.note(name, Text("clock not set"), Text("the door allows it"), "")
	}
	return false, d.note(name, Text("clock not set"), Text("the clock is needed"), ClockNotSet)
}

func (d *decider) valid(name string, v Validity) Reason {
	if d.Exit || !v.Bounded() {
		return ""
	}
	read, reason := d.clock(name)
	if !read {
		return reason
	}
	return d.note(name, Moment(d.now.Wall), Span(v), v.check(d.now.Wall))
}

func (d *decider) inside(name string, plan *schedule.Plan) Reason {
	if d.Exit {
		return ""
	}
	read, reason := d.clock(name)
	if !read {
		return reason
	}
	if d.Trace == nil {
		return unless(plan.At(d.now.Wall), OutsideSchedule)
	}
	v := plan.Explain(d.now.Wall)
	rule := Text("inside an allow schedule")
	switch {
	case v.Override != 0:
		rule = Numbered("outside exception", v.Override)
	case v.Event != 0:
		rule = Numbered("inside schedule", v.Event)
	}
	return d.note(name, Moment(d.now.Wall), rule, unless(v.Effective, OutsideSchedule))
}

// near checks a geofence. A tap or a link satisfies it.
func (d *decider) near(name string, radius float64) Reason {
	if d.req.Method.atReader() || d.req.Method == MethodLink {
		return d.note(name, Text(d.req.Method), Text("satisfies it"), "")
	}
	at := d.req.Proof.Location
	if at == nil || at.Age > oldestFix || at.Age < 0 || !(at.Accuracy >= 0 && at.Accuracy <= radius) {
		return d.note(name, Text("no usable fix"), Measure(int64(radius), "m"), LocationUnknown)
	}
	lat, long := d.door.Latitude, d.door.Longitude
	if lat == 0 && long == 0 {
		lat, long = d.set.Place.Latitude, d.set.Place.Longitude
	}
	away := distance(lat, long, at.Latitude, at.Longitude)
	within := away <= radius+min(at.Accuracy, mostTolerance)
	return d.note(name, Measure(int64(math.Round(away)), "m away"), Measure(int64(radius), "m"), unless(within, TooFarAway))
}

// standing checks a reader restriction. A tap or a link satisfies it.
func (d *decider) standing(name string) Reason {
	if d.req.Method.atReader() || d.req.Method == MethodLink {
		return d.note(name, Text(d.req.Method), Text("satisfies it"), "")
	}
	at := d.req.Proof.AtReader
	return d.note(name, Yes(at), Text("the phone is at the reader"), unless(at, NotAtReader))
}

// distance is the great-circle distance in metres between two points in
// degrees, by the haversine formula on a sphere of the mean earth radius.
func distance(lat1, long1, lat2, long2 float64) float64 {
	p1, p2 := lat1*radians, lat2*radians
	dp, dl := p2-p1, (long2-long1)*radians
	a := math.Sin(dp/2)*math.Sin(dp/2) + math.Cos(p1)*math.Cos(p2)*math.Sin(dl/2)*math.Sin(dl/2)
	return 2 * earthRadius * math.Asin(math.Min(1, math.Sqrt(a)))
}
