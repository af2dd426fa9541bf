package daemon

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"doord/cmd/internal/api"
	"doord/policy"
	"doord/policy/controller"
	"doord/policy/zone"
	"doord/store/cloudsync"
)

// cloud is the daemon as cloudsync sees it.
type cloud struct{ *Daemon }

var _ cloudsync.Controller = cloud{}

// newCloud makes the client of the place service. Where the controller is not
// enrolled it does nothing.
func (d *Daemon) newCloud() {
	o := cloudsync.Options{Dir: d.Config.StateDir, DeviceID: d.Config.DeviceID, Version: d.Build,
		Controller: cloud{d}, Journal: d.Journal, ClockSet: d.WallSet, Log: d.Log, Dial: d.Dial}
	if d.Policy != nil {
		o.Policy = d.Policy
	}
	var err error
	if d.cloud, err = cloudsync.New(o); err != nil {
		d.fault(err.Error(), "the policy in the cache stays in force; enrol the controller anew: doorctl enroll URL CODE")
	}
}

// runCloud keeps in step with the place service, once what is here is in force.
func (d *Daemon) runCloud(ctx context.Context) {
	select {
	case <-d.begun:
		d.cloud.Run(ctx)
	case <-ctx.Done():
	}
}

// UsePolicy puts the cached policy into force.
func (c cloud) UsePolicy(ctx context.Context) error {
	c.loading.Lock()
	defer c.loading.Unlock()
	return c.usePolicy(ctx)
}

// Note puts something into the journal.
func (c cloud) Note(ctx context.Context, e policy.Event) { c.note(ctx, e) }

// Fault records something that needs a person.
func (c cloud) Fault(what, hint string) { c.fault(what, hint) }

// Zones returns what is shared of the zones in the policy.
func (c cloud) Zones(ctx context.Context) (map[int64]zone.Shared, error) {
	shared := map[int64]zone.Shared{}
	err := c.look(ctx, func(c *controller.Controller) {
		if c.Policy() == nil {
			return
		}
		for id, z := range c.Zones() {
			shared[id] = z.Shared
		}
	})
	return shared, err
}

// Meet tells the core what the service knows of a zone.
func (c cloud) Meet(ctx context.Context, id int64, s zone.Shared) error {
	_, err := c.send(ctx, controller.ZoneMet{Zone: id, Shared: s})
	return err
}

// Do carries out a command of the place service.
func (c cloud) Do(ctx context.Context, cmd cloudsync.Command) cloudsync.Result {
	in, about, err := c.input(ctx, cmd)
	if err != nil {
		return failure(err)
	}
	if cmd.Action == cloudsync.ActionReboot {
		c.reboot()
		return cloudsync.Result{Done: true}
	}
	events, err := c.send(ctx, in)
	if err != nil {
		return failure(err)
	}
	// Deadlines that were due come first; what is not there changed nothing, which
	// is no failure.
	i := slices.IndexFunc(events, func(e policy.Event) bool { return e.Type == about })
	if i < 0 {
		return cloudsync.Result{Done: true}
	}
	e := events[i]
	return cloudsync.Result{Done: e.Success, Reason: e.Reason, Text: e.Reason.Text(), Trace: e.Trace}
}

// failure is the result of a command that never came to a decision.
func failure(err error) cloudsync.Result {
	var no *api.Error
	if errors.As(err, &no) && no.Status == http.StatusNotFound {
		return cloudsync.Result{Reason: policy.ReaderNotConnected, Text: no.Text}
	}
	return cloudsync.Result{Reason: policy.Unavailable, Text: err.Error()}
}

// input makes of a command what the core takes, and names the event that answers it.
func (c cloud) input(ctx context.Context, cmd cloudsync.Command) (controller.Input, policy.EventType, error) {
	if cmd.Action == cloudsync.ActionUnlock {
		in, err := c.unlock(ctx, cmd)
		return in, policy.LockUnlock, err
	}
	by, err := by(cmd.Body)
	if err != nil {
		return nil, "", err
	}
	switch cmd.Action {
	case cloudsync.ActionFirstToArrive:
		return controller.Arrived{Lock: cmd.Lock, By: by}, policy.FirstToArrive, nil
	case cloudsync.ActionLastToLeave:
		return controller.Left{Lock: cmd.Lock, By: by}, policy.LastToLeave, nil
	case cloudsync.ActionResetTamper:
		i, err := c.readerAt(ctx, cmd.Object)
		return controller.ReaderReset{Reader: i}, policy.ReaderResetTamper, err
	case cloudsync.ActionSilence:
		return controller.AlarmSilenced{Rule: cmd.Object, By: by}, policy.AlarmSilenced, nil
	case cloudsync.ActionResetAlarm:
		return controller.AlarmReset{Rule: cmd.Object, By: by}, policy.AlarmReset, nil
	case cloudsync.ActionForgive:
		var f cloudsync.Forgive
		if err := json.Unmarshal(cmd.Body, &f); err != nil {
			return nil, "", fmt.Errorf("whom to forgive: %w", err)
		}
		if cmd.Object == 0 {
			return nil, "", errors.New("forgive: it names no area") // to the core that is all of them
		}
		return controller.Forgiven{Area: cmd.Object, Member: f.Whom, By: by}, policy.AreaForgiven, nil
	case cloudsync.ActionReboot:
		return nil, "", nil
	default:
		return nil, "", fmt.Errorf("this doord does not know how to %q", cmd.Action)
	}
}

// by reads who asked.
func by(body []byte) (policy.Ref, error) {
	var who cloudsync.By
	if len(body) > 0 {
		if err := json.Unmarshal(body, &who); err != nil {
			return policy.Ref{}, fmt.Errorf("who asked: %w", err)
		}
	}
	if who.Member == 0 {
		return policy.Ref{}, nil
	}
	return policy.Ref{Type: "member", ID: who.Member}, nil
}

// unlock looks up who asks for a door: a member who has signed in, or a link.
func (c cloud) unlock(ctx context.Context, cmd cloudsync.Command) (controller.Input, error) {
	var u cloudsync.Unlock
	if err := json.Unmarshal(cmd.Body, &u); err != nil {
		return nil, fmt.Errorf("unlock: %w", err)
	}
	in := controller.Requested{Lock: cmd.Lock, Method: policy.MethodInApp, Code: u.Code}
	if l := u.Location; l != nil {
		in.Phone.Location = &policy.Location{Latitude: l.Latitude, Longitude: l.Longitude, Accuracy: l.Accuracy, Age: time.Duration(l.Age * float64(time.Second))}
	}
	var err error
	find := func() (*policy.Holder, uint64) {
		h, revision, bad := c.member(u.Member)
		err = bad
		return h, revision
	}
	if u.Link != "" {
		hash, bad := hex.DecodeString(u.Link)
		if bad != nil || u.Member != 0 {
			return nil, errors.New("unlock: it is for a member, or by a link")
		}
		in.Method = policy.MethodLink
		find = func() (*policy.Holder, uint64) {
			return c.lookUp(policy.Token{Class: policy.TokenLink, Value: string(hash)})
		}
	}
	in.Holder, in.Found = c.find(ctx, find)
	return in, err
}

// readerAt finds a reader of the board by the place's id.
func (c cloud) readerAt(ctx context.Context, id int64) (index int, err error) {
	index = -1
	err = c.look(ctx, func(core *controller.Controller) {
		for i := range c.board.Readers {
			if id != 0 && core.ReaderID(i) == id {
				index = i
			}
		}
	})
	if err == nil && index < 0 {
		err = &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("no reader here has the id %d", id)}
	}
	return index, err
}

// rebootAfter leaves time to tell that it is done.
const rebootAfter = time.Second

// reboot ends the daemon soon, as SIGTERM does; the service manager starts it anew.
func (d *Daemon) reboot() {
	select {
	case d.rebooting <- struct{}{}:
	default: // it is to end already
	}
}

// endWhenAsked ends the daemon when it is to be started anew.
func (d *Daemon) endWhenAsked(ctx context.Context, end func()) {
	select {
	case <-d.rebooting:
	case <-ctx.Done():
		return
	}
	d.say("the place service asks for a new start")
	select {
	case <-time.After(rebootAfter):
		end()
	case <-ctx.Done():
	}
}

// Status tells how the board is.
func (c cloud) Status(ctx context.Context) (cloudsync.Status, error) {
	d := c.Daemon
	now := d.now()
	st := cloudsync.Status{Version: d.Build, Uptime: now.Up.Seconds(), ClockSet: now.WallSet}
	if d.Journal != nil {
		st.BootID = d.Journal.BootID()
	}
	err := d.look(ctx, func(core *controller.Controller) {
		for i := range d.board.Doors {
			st.Doors = append(st.Doors, d.doorStatus(core, i))
		}
		for _, w := range d.wirings {
			r := cloudsync.RelayStatus{Channel: int(w.Channel), Use: string(w.Use), On: d.outputs().On(int(w.Channel)), OK: !d.broken[w.Channel]}
			for _, b := range d.board.Doors {
				if slices.Contains(b.Relays, r.Channel) {
					r.Door = b.Name
				}
			}
			st.Relays = append(st.Relays, r)
		}
		for i, in := range d.Config.Input {
			s := cloudsync.InputStatus{Name: in.Name, Channel: in.Channel, Kind: string(in.Kind), Doors: in.Doors, Status: "unknown", Active: d.lines[i].Active}
			if d.lines[i].Status != "" {
				s.Status = string(d.lines[i].Status)
			}
			if s.Doors == nil {
				s.Doors = []string{}
			}
			st.Inputs = append(st.Inputs, s)
		}
		for i, b := range d.board.Readers {
			r := core.Reader(i)
			// A Wiegand reader cannot tell whether it is there.
			st.Readers = append(st.Readers, cloudsync.ReaderStatus{Name: b.Name, Port: b.Port, Door: d.doorOf(b),
				Online: r.Online || !d.Config.Readers[i].OSDP(), Tampered: r.Tampered})
		}
		for i, b := range d.board.Doors {
			if b.Wireless != 0 {
				st.Wireless = append(st.Wireless, d.wirelessStatus(core, i))
			}
		}
		for _, x := range core.Stops() {
			st.Stops = append(st.Stops, cloudsync.StopStatus{StopID: x.ID, Permitted: x.Permitted, OnSchedule: x.Scheduled, LockedDown: x.LockedDown, Misconfigured: !x.Wired})
		}
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	for what := range d.faults {
		st.Faults = append(st.Faults, what)
	}
	slices.Sort(st.Faults)
	return st, err
}

func (d *Daemon) doorStatus(core *controller.Controller, i int) cloudsync.DoorStatus {
	s, wired := core.Door(i), d.Config.Doors[i]
	x := cloudsync.DoorStatus{LockID: s.Lock, Name: s.Name, LockType: string(wired.Lock), FailMode: string(wired.FailMode), Relays: wired.Relays,
		Unlocked: s.Released, Cause: s.Cause, LockedDown: s.LockedDown, Forced: s.Forced, HeldOpen: s.HeldOpen, OnScheduledUnlock: s.Scheduled,
		FirstToArriveUntil: s.ArriveUntil, FirstToArriveDone: s.Arrived, Misconfigured: s.Misconfigured}
	if d.board.Doors[i].Wireless != 0 {
		w := core.Wireless(i)
		x.Unlocked = w.Online && w.Unlocked // what the lock said, not what it is told
	}
	x.Open = opened(s)
	return x
}

// opened reports whether a door is open; nil: nobody knows.
func opened(s controller.DoorStatus) *bool {
	if s.Contact != "open" && s.Contact != "closed" {
		return nil
	}
	return new(s.Contact == "open")
}

func (d *Daemon) wirelessStatus(core *controller.Controller, i int) cloudsync.WirelessStatus {
	s, w := core.Door(i), core.Wireless(i)
	x := cloudsync.WirelessStatus{LockID: s.Lock, Channel: d.board.Doors[i].Wireless, Online: w.Online,
		LossOfRF: !w.Online && d.heard[i].Why == lossOfRF, Unlocked: w.Online && w.Unlocked, BatteryLow: w.Low, MotorStall: w.Stalled, Tampered: w.Tampered}
	if !w.Online {
		return x
	}
	x.Open = opened(s)
	if w.Battery >= 0 {
		x.Battery = new(w.Battery)
	}
	if w.Signal != 0 {
		x.Signal = new(w.Signal)
	}
	return x
}

// errEnrolled refuses a policy from a file.
var errEnrolled = &api.Error{Status: http.StatusConflict, Text: "the policy of this controller comes from its place service",
	Hint: "change it there; or doorctl leave, if the controller is not to belong to it any more"}

// Cloud tells how the controller stands with its place service.
func (s Server) Cloud(context.Context) (api.Cloud, error) { return s.cloudState(), nil }

func (s Server) cloudState() api.Cloud {
	r := s.cloud.Report()
	c := api.Cloud{Version: api.Version, Enrolled: r.Enrolled, URL: r.URL, Place: r.Place, Controller: r.Controller, Online: r.Online,
		Expires: r.Expires, Stale: r.Stale, LastAnswer: r.LastOnline, LastPolicy: r.LastPolicy, Errors: r.Errors, Queue: r.Queue,
		Certificate: r.Until, LastKey: r.LastGrant}
	if r.Position.Version != 0 {
		c.Position = r.Position.String()
	}
	return c
}

// Enroll joins the controller to a place.
func (s Server) Enroll(ctx context.Context, e api.Enroll) (api.Cloud, error) {
	err := s.cloud.Enroll(ctx, e.URL, e.Code)
	switch {
	case errors.Is(err, cloudsync.ErrEnrolled):
		return api.Cloud{}, &api.Error{Status: http.StatusConflict, Text: "the controller is enrolled already", Hint: "doorctl cloud says where; doorctl leave ends that"}
	case errors.Is(err, cloudsync.ErrImpostor):
		return api.Cloud{}, &api.Error{Status: http.StatusBadGateway, Text: err.Error(),
			Hint: "the code's secret was not sent; see that the address is that of the service which made the code, and that nobody stands between"}
	case err != nil:
		return api.Cloud{}, &api.Error{Status: http.StatusBadGateway, Text: err.Error(),
			Hint: "nothing has changed; a code is good once and for 15 minutes, and the controller must reach the address"}
	}
	return s.Cloud(ctx)
}

// Leave ends the enrolment. The policy stays in force.
func (s Server) Leave(ctx context.Context) error {
	err := s.cloud.Leave(ctx)
	if errors.Is(err, cloudsync.ErrNotEnrolled) {
		return &api.Error{Status: http.StatusConflict, Text: "the controller is not enrolled"}
	}
	return err
}
