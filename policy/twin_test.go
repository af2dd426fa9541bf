package policy_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doord/policy"
	"doord/policy/schedule"
)

// Decide agrees with a slow and obvious twin on random policies, requests and times.
func TestDecideAgreesWithItsTwin(t *testing.T) {
	reasons := map[policy.Reason]int{}
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			p := anyPlace(t)
			got, want := p.decide(false), twin(p)
			if got.Reason != want || got.Granted != (want == "") {
				t.Fatalf("granted %t, reason %q; the twin says %q", got.Granted, got.Reason, want)
			}
			reasons[want]++
		}
	})
	t.Logf("%v", reasons)
}

// anyPlace draws a place. Most of what can be wrong is right most of the time, so
// that every check gets its turn.
func anyPlace(t *rapid.T) *place {
	p := open()
	seldom := func(what string) bool { return rapid.IntRange(0, 11).Draw(t, what) == 0 }
	often := func(what string) bool { return !seldom(what) }
	even := func(what string) bool { return rapid.Bool().Draw(t, what) }
	dates := func(what string) policy.Validity {
		at := []time.Time{{}, {}, {}, yesterday, noon, tomorrow}
		return policy.Validity{From: rapid.SampledFrom(at[:5]).Draw(t, what+" from"), Until: rapid.SampledFrom([]time.Time{{}, {}, {}, {}, noon, tomorrow}).Draw(t, what+" until")}
	}
	restrictions := func(what string) policy.Restrictions {
		return policy.Restrictions{Time: even(what + " time"), Geofence: even(what + " fence"), ReaderNeeded: even(what + " reader"),
			GeofenceRadius: rapid.SampledFrom([]float64{10, 100, 300}).Draw(t, what+" radius")}
	}
	switch rapid.IntRange(0, 3).Draw(t, "what is presented") {
	case 1:
		p.tap()
		p.request.Proof.Signed, p.request.Proof.PhoneUnlocked = often("signed"), even("phone unlocked")
	case 2:
		p.inApp()
	case 3:
		p.link()
	}
	if seldom("no holder") {
		p.request.Holder = nil
	} else {
		h := p.holder()
		h.Status = rapid.SampledFrom([]policy.CredentialStatus{policy.Activated, policy.Activated, policy.Activated, policy.Deactivated}).Draw(t, "status")
		h.Validity, h.AccessEnabled, h.LinkAllowed = dates("credential"), often("access enabled"), even("link allowed")
		h.Groups = nil
		for range rapid.IntRange(0, 4).Draw(t, "groups") {
			h.Groups = append(h.Groups, policy.Membership{Group: rapid.SampledFrom([]int64{policy.WholePlace, 1, 2, 1, 2, 9}).Draw(t, "group"), Validity: dates("assignment")})
		}
	}
	if p.request.Method == policy.MethodCard && even("card and PIN") {
		p.request.Method = policy.MethodCardAndPIN
		p.request.PIN = &policy.Holder{Credential: 2, Status: policy.Activated, Member: rapid.Int64Range(7, 8).Draw(t, "whose PIN"), Validity: dates("PIN")}
	}
	*p.state() = policy.DoorState{Misconfigured: seldom("misconfigured"), LockedDown: seldom("technician's lockdown"),
		ReaderTampered: seldom("tampered"), PINBlocked: seldom("blocked"), UnlockingREX: even("request to exit")}
	if even("in a zone") {
		p.state().ZoneLevel, p.state().ZoneDenies, p.state().ZoneByClock = "some", seldom("zone denies"), even("zone by clock")
	}
	if even("in an area") {
		p.records.Areas = []policy.Area{{ID: 1, Mode: rapid.SampledFrom([]policy.AreaMode{policy.AreaHard, policy.AreaSoft}).Draw(t, "mode"), Into: []int64{1}}}
		p.state().Area, p.state().Passed = 1, seldom("passed")
	}
	if even("interlocked") {
		p.interlock()
		p.state().Blocker = rapid.SampledFrom([]int64{0, 0, 0, 2}).Draw(t, "blocker")
	}
	if h := p.holder(); h != nil {
		h.EscortNeeded = seldom("visitor")
	}
	if seldom("two persons") {
		p.door().TwoPersonWithin = 20
	}
	p.state().Escorted, p.state().First = even("escorted"), rapid.SampledFrom([]int64{0, 7, 8}).Draw(t, "first")
	p.records.Place.LockedDown = seldom("place locked down")
	d := p.door()
	d.Configured, d.LockedDown, d.TwoFactor, d.Restrictions = often("configured"), seldom("door locked down"), even("door two factor"), restrictions("door")
	d.WhenClockUnset = rapid.SampledFrom([]policy.ClockRule{policy.ClockDeny, policy.ClockAllow}).Draw(t, "when clock unset")
	d.WhenPolicyStale = rapid.SampledFrom([]policy.StaleRule{policy.StaleAdmit, policy.StaleDeny}).Draw(t, "when stale")
	r := p.reader()
	r.Direction = rapid.SampledFrom([]policy.Direction{policy.In, policy.Out}).Draw(t, "direction")
	r.Cards, r.Tap, r.Tamper, r.TwoFactor = often("cards"), often("tap"), even("tamper"), even("reader two factor")
	r.PIN = rapid.SampledFrom([]policy.PINMode{policy.PINNone, policy.PINNone, policy.PINCardAndPIN}).Draw(t, "pin mode")
	for i := range p.records.Groups {
		g := &p.records.Groups[i]
		g.Validity, g.Login, g.TapOnly, g.Restrictions = dates("group"), often("login"), seldom("tap only"), restrictions("group")
	}
	if even("second group has the door") {
		p.records.GroupLocks = append(p.records.GroupLocks, policy.GroupLock{ID: 2, GroupID: 2, LockID: 1})
	}
	for _, of := range []schedule.ScheduleableType{schedule.Lock, schedule.Group} {
		if even("hours") {
			p.hours(of, rapid.IntRange(0, 14).Draw(t, "from"), rapid.IntRange(15, 23).Draw(t, "to"))
		}
	}
	if even("a fix") {
		p.metres(rapid.Float64Range(0, 400).Draw(t, "away"), rapid.Float64Range(0, 150).Draw(t, "accuracy"))
		p.request.Proof.Location.Age = rapid.SampledFrom([]time.Duration{0, time.Minute, 2 * time.Minute}).Draw(t, "age")
	}
	p.request.Proof.AtReader = even("at the reader")
	p.now.WallSet = often("clock set")
	if seldom("looked up before") {
		p.request.Found = 2
	}
	p.expires = rapid.SampledFrom([]time.Time{{}, yesterday, tomorrow}).Draw(t, "expires")
	return p
}

// twin answers the same as Decide, by the words of the rules: one list of reasons
// in order, nothing shared, nothing precomputed.
func twin(p *place) policy.Reason {
	q, d, r, h, s := &p.request, p.door(), p.reader(), p.request.Holder, p.state()
	atReader := q.Reader != 0
	exit := atReader && r.Direction == policy.Out && !s.UnlockingREX
	leaves := atReader && r.Direction == policy.Out
	tapped := q.Method == policy.MethodTap
	first := func(reasons ...policy.Reason) policy.Reason {
		i := slices.IndexFunc(reasons, func(r policy.Reason) bool { return r != "" })
		if i < 0 {
			return ""
		}
		return reasons[i]
	}
	is := func(wrong bool, reason policy.Reason) policy.Reason {
		if wrong {
			return reason
		}
		return ""
	}
	clock := func(then policy.Reason) policy.Reason { // what a check that reads the clock answers
		switch {
		case p.now.WallSet:
			return then
		case d.WhenClockUnset == policy.ClockAllow:
			return ""
		}
		return policy.ClockNotSet
	}
	dates := func(v policy.Validity) policy.Reason {
		if exit || v == (policy.Validity{}) {
			return ""
		}
		return clock(first(is(!v.From.IsZero() && noon.Before(v.From), policy.NotYetValid),
			is(!v.Until.IsZero() && !noon.Before(v.Until), policy.NoLongerValid)))
	}
	hours := func(of schedule.ScheduleableType, id int64) policy.Reason {
		if exit {
			return ""
		}
		inside := slices.ContainsFunc(p.records.Schedules, func(x schedule.Schedule) bool { // all are in UTC, on Mondays
			return x.Scheduleable == schedule.Scheduleable{Type: of, ID: id} && *x.StartsAtTime <= 12*60 && 12*60 < *x.EndsAtTime
		})
		return clock(is(!inside, policy.OutsideSchedule))
	}
	fence := func(radius float64) policy.Reason {
		at := q.Proof.Location
		if atReader || q.Method == policy.MethodLink {
			return ""
		}
		if at == nil || at.Age > time.Minute || at.Accuracy > radius {
			return policy.LocationUnknown
		}
		away := (at.Latitude - 52.5) * 111_195 // north of the place
		return is(away > radius+min(50, at.Accuracy), policy.TooFarAway)
	}
	beside := is(!atReader && q.Method != policy.MethodLink && !q.Proof.AtReader, policy.NotAtReader)

	accepted := map[policy.Method]bool{
		policy.MethodCard:       r.Cards && r.PIN != policy.PINCardAndPIN,
		policy.MethodTap:        r.Tap,
		policy.MethodCardAndPIN: r.Cards && r.PIN == policy.PINCardAndPIN,
	}
	credential := func() policy.Reason {
		if q.Method == policy.MethodCardAndPIN && s.PINBlocked {
			return policy.PINBlocked
		}
		if h == nil {
			unknown := map[policy.Method]policy.Reason{policy.MethodLink: policy.LinkInvalid, policy.MethodInApp: policy.AccessDenied}
			return first(unknown[q.Method], policy.CardNotFound)
		}
		var reason policy.Reason
		if h.Credential != 0 {
			inactive := policy.CardNotActivated
			if q.Method == policy.MethodLink {
				inactive = policy.LinkDisabled
			}
			reason = first(is(h.Status != policy.Activated, inactive), dates(h.Validity))
		}
		reason = first(is(tapped && !q.Proof.Signed, policy.TapInvalid), reason)
		if q.Method == policy.MethodCardAndPIN {
			reason = first(reason, is(q.PIN == nil || q.PIN.Member != h.Member, policy.PINInvalid))
			if reason == "" {
				reason = dates(q.PIN.Validity)
			}
		}
		return reason
	}
	groups := func() policy.Reason {
		runs := slices.ContainsFunc(h.Groups, func(m policy.Membership) bool {
			return m.Group == policy.WholePlace && dates(m.Validity) == ""
		})
		furthest, reason := 0, policy.AccessDenied
		for _, m := range h.Groups {
			has := slices.ContainsFunc(p.records.GroupLocks, func(x policy.GroupLock) bool { return x.GroupID == m.Group })
			if !has {
				continue
			}
			g := p.records.Groups[m.Group-1]
			steps := []policy.Reason{dates(g.Validity), dates(m.Validity)}
			if !runs {
				steps = append(steps,
					is(q.Method == policy.MethodInApp && !g.Login, policy.NoApps),
					is(g.TapOnly && !atReader, policy.TapOnly),
					"", "", "")
				if g.Time && !d.Time {
					steps[4] = hours(schedule.Group, g.ID)
				}
				if g.Geofence && !d.Geofence {
					steps[5] = fence(g.GeofenceRadius)
				}
				if g.ReaderNeeded && !d.ReaderNeeded {
					steps[6] = beside
				}
			}
			passed := slices.IndexFunc(steps, func(r policy.Reason) bool { return r != "" })
			if passed < 0 {
				return ""
			}
			if passed+1 > furthest {
				furthest, reason = passed+1, steps[passed]
			}
		}
		return reason
	}

	if reason := first(
		is(!d.Configured || s.Misconfigured, policy.DoorMisconfigured),
		is(q.Found != 3, policy.PolicyChanged),
		is(!exit && p.now.WallSet && p.expires == yesterday && d.WhenPolicyStale == policy.StaleDeny, policy.PolicyStale),
		is(atReader && !accepted[q.Method], policy.MethodDisabled),
		is(atReader && s.ReaderTampered && r.Tamper, policy.ReaderTampered),
		credential(),
	); reason != "" {
		return reason
	}
	var zone, byDoor policy.Reason
	if s.ZoneLevel != "" && !exit {
		if s.ZoneByClock {
			zone = clock("")
		}
		// Where the level cannot be told and the door lets in without a clock, it is not asked.
		if zone == "" && (p.now.WallSet || !s.ZoneByClock) {
			zone = is(s.ZoneDenies, policy.ZoneDenied)
		}
	}
	if d.Time {
		byDoor = hours(schedule.Lock, 1)
	}
	if d.Geofence {
		byDoor = first(byDoor, fence(d.GeofenceRadius))
	}
	if d.ReaderNeeded {
		byDoor = first(byDoor, beside)
	}
	return first(
		is(h.Member != 0 && !h.AccessEnabled, policy.AccessDisabled),
		is(h.Member != 0 && q.Method == policy.MethodLink && !h.LinkAllowed, policy.LinkDisabled),
		is(!exit && p.records.Place.LockedDown, policy.PlaceLockedDown),
		is(!exit && (d.LockedDown || s.LockedDown), policy.DoorLockedDown),
		zone, byDoor, groups(),
		is(tapped && (d.TwoFactor || r.TwoFactor) && !q.Proof.PhoneUnlocked, policy.TwoFactorRequired),
		is(!exit && s.Passed && p.records.Areas[0].Mode == policy.AreaHard, policy.AntiPassback),
		is(!exit && s.Blocker != 0, policy.Interlocked),
		is(!leaves && h.EscortNeeded && !s.Escorted, policy.EscortRequired),
		is(!leaves && d.TwoPersonWithin > 0 && (!atReader || h.Member == 0 || s.First == 0 || s.First == h.Member), policy.SecondPerson),
	)
}
