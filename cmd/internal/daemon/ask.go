package daemon

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"doord/cmd/internal/api"
	"doord/policy"
	"doord/policy/controller"
	"doord/policy/schedule"
)

// doorIndex finds a door by its name on the board.
func (d *Daemon) doorIndex(name string) (int, error) {
	i := slices.IndexFunc(d.board.Doors, func(b controller.Door) bool { return b.Name == name })
	if i < 0 {
		return 0, &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("there is no door %q", name), Hint: "doorctl doors lists them"}
	}
	return i, nil
}

// member finds a member as the holder who signs in.
func (d *Daemon) member(id int64) (*policy.Holder, uint64, error) {
	h := new(policy.Holder)
	if d.Policy == nil {
		return nil, 0, nil
	}
	revision, found, err := d.Policy.Member(id, h)
	if err != nil || !found {
		return nil, revision, err
	}
	return h, revision, nil
}

// WhatIf answers a question about another time or person. It touches no door, and
// nothing of it becomes an event.
func (s Server) WhatIf(ctx context.Context, q api.WhatIf) (api.Result, error) {
	i, err := -1, error(nil)
	if q.Stop == 0 {
		i, err = s.doorIndex(q.Door)
	}
	if err != nil {
		return api.Result{}, err
	}
	h, revision, err := s.member(q.Member)
	if err != nil {
		return api.Result{}, err
	}
	if h == nil {
		return api.Result{}, &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("there is no member %d in the policy", q.Member)}
	}
	pin := *h
	pin.Status = policy.Activated // as if the right PIN followed
	if q.At.IsZero() {
		q.At = time.Now()
	}
	r := api.Result{Version: api.Version, Door: q.Door, Member: q.Member}
	err = s.look(ctx, func(c *controller.Controller) {
		request := policy.Request{Stop: q.Stop, Method: q.Method, Reader: readerFor(c, i, q.Stop, q.Method), Holder: h, PIN: &pin, Found: revision,
			Proof: policy.Proof{Signed: true, PhoneUnlocked: q.Unlocked, AtReader: q.AtReader, Location: q.Location.Policy()}}
		if i >= 0 {
			request.Door = c.Door(i).Lock
		}
		at := q.At
		if set := c.Policy(); set != nil {
			at = at.In(set.Location)
		}
		d := c.WhatIf(request, at)
		r.Granted, r.Reason, r.Code, r.Text, r.Lock, r.Trace = d.Granted, d.Reason, d.Reason.Code(), d.Reason.Text(), request.Door, d.Trace
	})
	return r, err
}

// readerFor returns the entry reader of a door, or that in the car of a stop, for a
// method that needs one.
func readerFor(c *controller.Controller, door int, stop int64, m policy.Method) int64 {
	if stop == 0 && (m == policy.MethodInApp || m == policy.MethodLink) {
		return 0
	}
	var elevator int64
	for _, s := range c.Stops() {
		if s.ID == stop {
			elevator = s.ElevatorID
		}
	}
	for i, p := range c.Board().Readers {
		if p.Door != door {
			continue
		}
		if r := c.Policy().Reader(c.ReaderID(i)); r != nil && r.Direction == policy.In && r.ElevatorID == elevator {
			return r.ID
		}
	}
	return -1 // there is none: the method is not accepted
}

// InApp unlocks a door for a member who has signed in elsewhere.
func (s Server) InApp(ctx context.Context, q api.InApp) (api.Result, error) {
	i, err := s.doorIndex(q.Door)
	if err != nil {
		return api.Result{}, err
	}
	h, revision, err := s.member(q.Member)
	if err != nil {
		return api.Result{}, err
	}
	var lock int64
	if err := s.look(ctx, func(c *controller.Controller) { lock = c.Door(i).Lock }); err != nil {
		return api.Result{}, err
	}
	events, err := s.send(ctx, controller.Requested{Lock: lock, Method: policy.MethodInApp, Holder: h, Found: revision,
		Phone: policy.Proof{Location: q.Location.Policy()}, Code: q.Code})
	if err != nil {
		return api.Result{}, err
	}
	r := outcome(events, q.Door)
	r.Member = q.Member
	return r, nil
}

// Week tells what the schedules of a door amount to on seven days.
func (s Server) Week(ctx context.Context, name string, from schedule.Date) (api.DoorWeek, error) {
	i, err := s.doorIndex(name)
	if err != nil {
		return api.DoorWeek{}, err
	}
	week := api.DoorWeek{Version: api.Version, Door: name, Days: []api.ScheduleDay{}}
	err = s.look(ctx, func(c *controller.Controller) {
		set := c.Policy()
		if set == nil {
			return
		}
		week.TimeZone = set.Place.TimeZone
		if from.IsZero() {
			from = schedule.DateOf(time.Now().In(set.Location))
		}
		w, ok := set.Week(c.Door(i).Lock, from)
		for day := 0; ok && day < len(w.Allow); day++ {
			week.Days = append(week.Days, api.ScheduleDay{Date: w.Allow[day].Date,
				Allow: spans(w.Allow[day]), Unlock: spans(w.Unlock[day]), FirstToArrive: spans(w.FirstToArrive[day])})
		}
	})
	return week, err
}

func spans(d schedule.Day) []api.Span {
	list := []api.Span{}
	for _, h := range d.Hours {
		list = append(list, api.Span{From: h.From, To: h.To})
	}
	return list
}

// Lint tells what is valid in the policy but unlikely to be meant.
func (s Server) Lint(context.Context) (policy.Problems, error) {
	if s.Daemon.Policy == nil {
		return nil, nil
	}
	records, revision, err := s.Daemon.Policy.Records()
	if err != nil || revision == 0 {
		return nil, err
	}
	loc, err := time.LoadLocation(records.Place.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("place.time_zone: %w", err)
	}
	return policy.Lint(&records, loc, time.Now()), nil
}

// Proximity returns the code that the readers of a door show now.
func (s Server) Proximity(ctx context.Context, name string) (code string, err error) {
	i, err := s.doorIndex(name)
	if err != nil {
		return "", err
	}
	err = s.look(ctx, func(c *controller.Controller) { code = c.ProximityCode(i, s.Hardware.Now()) })
	return code, err
}

// Zones lists the zones that have a door here.
func (s Server) Zones(ctx context.Context) ([]api.Zone, error) {
	list := []api.Zone{}
	err := s.look(ctx, func(c *controller.Controller) {
		for id, z := range c.Zones() {
			list = append(list, api.Zone{ID: id, Name: zoneOf(c.Policy(), id).Name, Source: string(zoneOf(c.Policy(), id).Source), Level: string(z.Level), Until: z.Override.Until, Violated: z.Violated()})
		}
	})
	slices.SortFunc(list, func(a, b api.Zone) int { return int(a.ID - b.ID) })
	return list, err
}

func zoneOf(set *policy.Set, id int64) policy.Zone {
	if set != nil {
		for _, z := range set.Zones {
			if z.ID == id {
				return z.Zone
			}
		}
	}
	return policy.Zone{}
}

// technician is who acts at the board itself.
var technician = policy.Ref{Type: "technician"}

// ZoneCommand overrides a zone's level for a time, or resets its violation.
func (s Server) ZoneCommand(ctx context.Context, id int64, c api.ZoneCommand) (api.Result, error) {
	var in controller.Input
	switch c.Action {
	case "override":
		in = controller.ZoneOverridden{Zone: id, Level: c.Level, For: time.Duration(c.For * float64(time.Second)), By: technician}
	case "reset":
		in = controller.ZoneReset{Zone: id, By: technician}
	default:
		return api.Result{}, &api.Error{Status: http.StatusBadRequest, Text: fmt.Sprintf("there is no action %q", c.Action), Hint: "one of override, reset"}
	}
	events, err := s.send(ctx, in)
	return outcome(events, ""), err
}

// Alarms lists the alarm rules that have gone off.
func (s Server) Alarms(ctx context.Context) ([]api.Alarm, error) {
	list := []api.Alarm{}
	err := s.look(ctx, func(c *controller.Controller) {
		for id, a := range c.Alarms() {
			list = append(list, api.Alarm{ID: id, Active: a.Active, Sounding: a.Sounding})
		}
	})
	slices.SortFunc(list, func(a, b api.Alarm) int { return int(a.ID - b.ID) })
	return list, err
}

// AlarmCommand silences or resets an alarm.
func (s Server) AlarmCommand(ctx context.Context, rule int64, action string) (api.Result, error) {
	var in controller.Input
	switch action {
	case "silence":
		in = controller.AlarmSilenced{Rule: rule, By: technician}
	case "reset":
		in = controller.AlarmReset{Rule: rule, By: technician}
	default:
		return api.Result{}, &api.Error{Status: http.StatusBadRequest, Text: fmt.Sprintf("there is no action %q", action), Hint: "one of silence, reset"}
	}
	events, err := s.send(ctx, in)
	return outcome(events, ""), err
}

// Areas lists the anti-passback areas with whom they know of.
func (s Server) Areas(ctx context.Context) ([]api.Area, error) {
	list := []api.Area{}
	err := s.look(ctx, func(c *controller.Controller) {
		if c.Policy() == nil {
			return
		}
		known := c.Areas()
		for _, a := range c.Policy().Areas {
			x := api.Area{ID: a.ID, Name: a.Name, Mode: a.Mode, Inside: []int64{}, Outside: []int64{}}
			for _, w := range known[a.ID] {
				if w.Inside {
					x.Inside = append(x.Inside, w.Member)
				} else {
					x.Outside = append(x.Outside, w.Member)
				}
			}
			list = append(list, x)
		}
	})
	return list, err
}

// Forgive forgets where a member is, or everybody, in one area.
func (s Server) Forgive(ctx context.Context, area int64, f api.Forgive) (api.Result, error) {
	known := false
	if err := s.look(ctx, func(c *controller.Controller) { known = c.Policy() != nil && c.Policy().Area(area) != nil }); err != nil {
		return api.Result{}, err
	}
	if !known {
		return api.Result{}, &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("there is no area %d here", area), Hint: "doorctl areas lists them"}
	}
	events, err := s.send(ctx, controller.Forgiven{Area: area, Member: f.Member, By: technician})
	return outcome(events, ""), err
}

// Elevators lists the elevator stops.
func (s Server) Elevators(ctx context.Context) ([]api.Stop, error) {
	list := []api.Stop{}
	err := s.look(ctx, func(c *controller.Controller) {
		for _, x := range c.Stops() {
			list = append(list, api.Stop{ID: x.ID, Elevator: x.Elevator.Name, Name: x.Name, Floor: x.Floor.Number, Relay: x.Relay.Channel,
				Permitted: x.Permitted, Scheduled: x.Scheduled, LockedDown: x.LockedDown, Wired: x.Wired})
		}
	})
	return list, err
}

// StopCommand does something to an elevator stop, for a technician.
func (s Server) StopCommand(ctx context.Context, id int64, action string) (api.Result, error) {
	var in controller.Input
	switch action {
	case "permit":
		in = controller.StopPermitted{Stop: id}
	case "lock_down", "cancel_lockdown":
		in = controller.StopLockedDown{Stop: id, On: action == "lock_down"}
	default:
		return api.Result{}, &api.Error{Status: http.StatusBadRequest, Text: fmt.Sprintf("there is no action %q", action), Hint: "one of permit, lock_down, cancel_lockdown"}
	}
	known := false
	if err := s.look(ctx, func(c *controller.Controller) {
		known = slices.ContainsFunc(c.Stops(), func(x controller.StopStatus) bool { return x.ID == id })
	}); err != nil {
		return api.Result{}, err
	}
	if !known {
		return api.Result{}, &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("there is no elevator stop %d here", id), Hint: "doorctl elevators lists them"}
	}
	events, err := s.send(ctx, in)
	return outcome(events, ""), err
}
