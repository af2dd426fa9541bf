package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"doord/policy/schedule"
)

// lintFor is how far ahead schedules are looked at.
const lintFor = 366 * 24 * time.Hour

// leastRelease is the shortest release that a person can be expected to use.
//
// Source: IEC 60839-11-1.
const leastRelease Seconds = 3

// Lint returns what is valid in the records but unlikely to be meant, judged from
// now on: what never has an effect, lets nobody in, or keeps somebody in.
func Lint(r *Records, loc *time.Location, now time.Time) Problems {
	l := &linter{Records: r, now: now, set: Compile(r, 0, "", loc)}
	l.schedules(loc)
	l.locks()
	l.readers()
	l.groups()
	l.members()
	l.credentials()
	l.alarms()
	l.areas()
	l.elevators()
	l.interlocks()
	return l.problems
}

type linter struct {
	*Records
	set      *Set
	now      time.Time
	problems Problems
}

func (l *linter) warn(when bool, path, format string, args ...any) {
	if when {
		l.problems.add(path, format, args...)
	}
}

func (l *linter) schedules(loc *time.Location) {
	index := map[int64]int{}
	for i, s := range l.Schedules {
		index[s.ID] = i
	}
	for _, w := range schedule.Lint(l.Schedules, loc, l.now, l.now.Add(lintFor)) {
		l.problems.add(fmt.Sprintf("schedules[%d].%s", index[w.ScheduleID], w.Field), "%s", w.Text)
	}
}

func (l *linter) locks() {
	for i := range l.Locks {
		lock := &l.Locks[i]
		path := fmt.Sprintf("locks[%d]", i)
		d := l.set.Door(lock.ID)
		relay := slices.IndexFunc(l.RelayConnections, func(c RelayConnection) bool { return c.Type == RelayLock && c.LockID == lock.ID })
		wireless := slices.ContainsFunc(l.WirelessLocks, func(w WirelessLock) bool { return w.LockID == lock.ID })
		l.warn(relay < 0 && !wireless, path, "no relay is connected to it: it never opens")
		l.warn(len(d.Groups) == 0, path, "no group opens it")
		l.warn(lock.Time && d.Allow.Empty(), path+".time_restriction_enabled", "there is no allow schedule: it denies everyone")
		l.warn(!lock.Time && !d.Allow.Empty(), path+".time_restriction_enabled", "is off: the door's allow schedules have no effect")
		l.warn(d.Unlock.Empty() && !d.FirstToArrive.Empty(), path, "first_to_arrive has no unlock schedule to start")
		l.warn(lock.Geofence && l.nowhere(lock), path+".geofence_restriction_enabled", "neither the lock nor the place has coordinates")
		l.warn(l.holdsIn(lock.ID), path, "has a reader to leave by and no request to exit that unlocks: who has no valid credential stays inside")
		l.early(path, d)
		l.warn(lock.Kind == KindTurnstile && !l.counts(lock.ID), path+".kind", "has neither a contact nor a passage input: nobody sees who goes through, or behind")
		l.warn(lock.Kind == KindGate && !slices.ContainsFunc(l.InputConnections, func(c InputConnection) bool { return c.Type == InputLoop && c.LockID == lock.ID }),
			path+".kind", "has no loop input: nothing keeps it open over a vehicle")
	}
	for i, c := range l.RelayConnections {
		l.warn(c.Type == RelayLock && c.Duration < leastRelease, fmt.Sprintf("controller_relay_connections[%d].duration", i),
			"%v s is short: give people at least %v s", c.Duration, leastRelease)
	}
}

func (l *linter) readers() {
	for i, r := range l.Readers {
		l.warn(r.Tap && strings.HasPrefix(r.Port, "wiegand:"), fmt.Sprintf("readers[%d].tap_enabled", i),
			"a Wiegand reader cannot carry a tap: turn it off, or phones need an OSDP reader with transparent mode")
	}
}

// early warns of a first-to-arrive window that ends while the unlock schedule
// still runs: from then on the door is unlocked though nobody came.
func (l *linter) early(path string, d *Door) {
	for window := range d.FirstToArrive.Between(l.now, l.now.Add(lintFor)) {
		end := window.End
		if whole, ok := d.FirstToArrive.Covering(window.Start); ok {
			end = whole.End // Between cuts the last one off
		}
		if unlock, ok := d.Unlock.Covering(end); ok && !end.IsZero() && unlock.Start.Before(end) {
			l.problems.add(path, "first_to_arrive ends at %s inside the unlock schedule: from then on nobody need have arrived",
				end.Format("2006-01-02 15:04"))
			return
		}
	}
}

func (l *linter) nowhere(lock *Lock) bool {
	return lock.Latitude == 0 && lock.Longitude == 0 && l.Place.Latitude == 0 && l.Place.Longitude == 0
}

// counts reports whether an input tells passages.
func (l *linter) counts(lock int64) bool {
	return slices.ContainsFunc(l.InputConnections, func(c InputConnection) bool {
		return c.LockID == lock && (c.Type == InputContact || c.Type == InputPassage)
	})
}

// holdsIn reports whether only a credential lets people out.
func (l *linter) holdsIn(lock int64) bool {
	return slices.ContainsFunc(l.Readers, func(x Reader) bool { return x.LockID == lock && x.Direction == Out }) &&
		!slices.ContainsFunc(l.InputConnections, func(c InputConnection) bool {
			return c.LockID == lock && c.Type == InputREX && (c.Action == REXUnlock || c.Action == REXLastToLeave)
		})
}

func (l *linter) groups() {
	for i, g := range l.Groups {
		path := fmt.Sprintf("groups[%d]", i)
		allow := l.set.groups[g.ID].allow
		l.warn(!slices.ContainsFunc(l.GroupLocks, func(x GroupLock) bool { return x.GroupID == g.ID }), path, "opens no door")
		l.warn(l.over(g.Validity), path+".valid_until", "is over: the group admits nobody")
		l.warn(g.Time && allow.Empty(), path+".time_restriction_enabled", "there is no allow schedule: it denies everyone")
		l.warn(!g.Time && !allow.Empty(), path+".time_restriction_enabled", "is off: the group's allow schedules have no effect")
	}
}

func (l *linter) members() {
	grouped := map[int64]bool{}
	for i, a := range l.RoleAssignments {
		grouped[a.MemberID] = grouped[a.MemberID] || a.AppliesTo.Type == "group"
		l.warn(l.over(a.Validity), fmt.Sprintf("role_assignments[%d].valid_until", i), "is over")
	}
	for i, m := range l.Members {
		l.warn(!grouped[m.ID], fmt.Sprintf("members[%d]", i), "is in no group: no door opens")
	}
}

func (l *linter) credentials() {
	duress := false
	defer func() {
		l.warn(duress && !slices.ContainsFunc(l.AlarmRules, func(a AlarmRule) bool { return slices.Contains(a.Causes, CauseDuress) }),
			"alarm_rules", "there are duress PINs, and no rule has duress among its causes")
	}()
	for i, c := range l.Credentials {
		path := fmt.Sprintf("credentials[%d]", i)
		l.warn(l.over(c.Validity), path+".valid_until", "is over")
		l.warn(c.Duress && !slices.ContainsFunc(l.Credentials, func(x Credential) bool { return x.Kind == KindPIN && !x.Duress && x.MemberID == c.MemberID }),
			path+".duress", "the member has no other PIN: this one calls for help every time")
		duress = duress || c.Duress
		l.warn(c.Kind == KindPhone && c.UnlockedPublicKey == "", path+".unlocked_public_key", "is missing: where two factors are asked for the phone is denied")
	}
}

func (l *linter) alarms() {
	for i, a := range l.AlarmRules {
		siren := slices.ContainsFunc(l.RelayConnections, func(c RelayConnection) bool { return c.Type == RelaySiren && c.AlarmRuleID == a.ID })
		l.warn(!siren && !a.Buzzer && !a.Notification, fmt.Sprintf("alarm_rules[%d]", i), "sounds nowhere and tells nobody")
	}
	for i, z := range l.Zones {
		path := fmt.Sprintf("zones[%d]", i)
		exterior := slices.ContainsFunc(z.Doors, func(d ZoneDoor) bool { return d.Exterior })
		l.warn(len(z.Doors) == 0, path, "has no doors")
		if z.Source == SourcePanel {
			l.warn(!slices.ContainsFunc(l.InputConnections, func(c InputConnection) bool {
				return c.ZoneID == z.ID && c.Signal != "" && c.Signal != SignalViolated
			}), path+".source", "no input of type alarm_panel tells when the panel is armed: the zone never is")
			l.warn(!slices.ContainsFunc(l.InputConnections, func(c InputConnection) bool { return c.ZoneID == z.ID && c.Signal == SignalViolated }),
				path+".source", "no input tells that the panel's alarm has gone off")
			continue
		}
		l.warn(len(z.Doors) > 0 && !exterior, path+".doors", "none is exterior: staying, the zone is never violated")
	}
}

// interlocks warns of doors that the same schedules would release at once: all but
// the first of them stay locked.
func (l *linter) interlocks() {
	for i, x := range l.Interlocks {
		scheduled := 0
		for _, id := range x.LockIDs {
			if !l.set.Door(id).Unlock.Empty() {
				scheduled++
			}
			contact := slices.ContainsFunc(l.InputConnections, func(c InputConnection) bool { return c.Type == InputContact && c.LockID == id })
			l.warn(!contact, fmt.Sprintf("interlocks[%d].lock_ids", i), "lock %d has no contact: nobody sees that it stands open", id)
		}
		l.warn(scheduled > 1, fmt.Sprintf("interlocks[%d].lock_ids", i), "%d of them have unlock schedules, and only one at a time is released", scheduled)
	}
}

func (l *linter) elevators() {
	for i, e := range l.Elevators {
		l.warn(!slices.ContainsFunc(l.Readers, func(x Reader) bool { return x.ElevatorID == e.ID }), fmt.Sprintf("elevators[%d]", i), "has no reader in its car")
	}
	for i, s := range l.ElevatorStops {
		path := fmt.Sprintf("elevator_stops[%d]", i)
		relay := slices.ContainsFunc(l.RelayConnections, func(c RelayConnection) bool { return c.Type == RelayStop && c.StopID == s.ID })
		scheduled := slices.ContainsFunc(l.Schedules, func(x schedule.Schedule) bool {
			return x.Scheduleable.Type == schedule.ElevatorStop && x.Scheduleable.ID == s.ID && x.Consequence == schedule.Permit
		})
		l.warn(!relay, path, "no relay is connected to it: it is never permitted")
		l.warn(len(l.set.stops[s.ID].Groups) == 0 && !scheduled, path, "neither a group nor a schedule permits it")
		l.warn(s.Time && l.set.stops[s.ID].Allow.Empty(), path+".time_restriction_enabled", "there is no allow schedule: it denies everyone")
	}
}

func (l *linter) areas() {
	for i, a := range l.Areas {
		l.warn(len(a.OutOf) == 0 && a.Timeout == 0, fmt.Sprintf("anti_passback_areas[%d].out_reader_ids", i),
			"there are none, and no timeout: who went in is inside for good")
	}
}

func (l *linter) over(v Validity) bool { return !v.Until.IsZero() && !l.now.Before(v.Until) }
