package daemon

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"doord/cmd/internal/api"
	"doord/policy"
	"doord/policy/controller"
	"doord/policy/door"
	"doord/relay"
	"doord/store"
)

// Server is the daemon as the local API serves it.
type Server struct{ *Daemon }

var _ api.Daemon = Server{}

// Status tells how the daemon is.
func (s Server) Status(ctx context.Context) (api.Status, error) {
	d := s.Daemon
	now := d.now()
	st := api.Status{
		Version: api.Version, Build: d.Build, DeviceID: d.Config.DeviceID,
		Uptime: now.Up.Seconds(), Clock: api.Clock{Wall: now.Wall, Set: now.WallSet},
		Doors: len(d.board.Doors),
	}
	err := d.look(ctx, func(c *controller.Controller) {
		st.Policy = api.PolicyState{Revision: c.Revision()}
		if set := c.Policy(); set != nil {
			st.Policy.Place, st.Policy.TimeZone, st.Policy.Bound = set.Place.Name, set.Place.TimeZone, set.Controller.ID != 0
		}
		st.Fire = api.Fire{Latched: c.Fire().Latched, Active: c.Fire().Active != 0}
	})
	if d.Journal != nil {
		head := d.Journal.Head()
		st.Journal = api.JournalState{Epoch: head.Epoch, Sequence: head.Sequence, AckedThrough: d.Journal.AckedThrough(), Hash: head.Hash.String()}
		if err := d.Journal.Health(); err != nil {
			st.Faults = append(st.Faults, api.Fault{What: fmt.Sprintf("journal: %v", err), Hint: "see that the disk of " + d.Config.StateDir + " has room and is writable"})
		}
	}
	st.Cloud = s.cloudState()
	d.mu.Lock()
	defer d.mu.Unlock()
	for what, hint := range d.faults {
		st.Faults = append(st.Faults, api.Fault{What: what, Hint: hint})
	}
	slices.SortFunc(st.Faults, func(a, b api.Fault) int { return cmp.Compare(a.What, b.What) })
	return st, err
}

// Doors lists the doors in the order of the configuration.
func (s Server) Doors(ctx context.Context) ([]api.Door, error) {
	var list []api.Door
	err := s.look(ctx, func(c *controller.Controller) {
		for i := range s.board.Doors {
			list = append(list, s.door(c, i))
		}
	})
	return list, err
}

func (d *Daemon) door(c *controller.Controller, i int) api.Door {
	st, wired := c.Door(i), d.Config.Doors[i]
	x := api.Door{
		Name: st.Name, Lock: st.Lock, State: doorWord(c, i), Cause: st.Cause, Contact: st.Contact,
		LockedDown: st.LockedDown, Forced: st.Forced, HeldOpen: st.HeldOpen, Hold: st.Hold, Scheduled: st.Scheduled, InterlockedBy: st.InterlockedBy,
		Kind: string(st.Kind), Passages: st.Passages,
		Misconfigured: st.Misconfigured, Relays: wired.Relays, LockType: string(wired.Lock), FailMode: string(wired.FailMode),
		Readers: []string{},
	}
	if x.Relays == nil {
		x.Relays = []int{}
	}
	for _, r := range d.board.Readers {
		if r.Door == i {
			x.Readers = append(x.Readers, r.Name)
		}
	}
	return x
}

// Relays lists the relays by channel.
func (s Server) Relays(ctx context.Context) ([]api.Relay, error) {
	var list []api.Relay
	err := s.look(ctx, func(c *controller.Controller) {
		tested, _ := s.pulsed()
		for _, w := range s.wirings {
			on := (s.outputs() | tested).On(int(w.Channel))
			r := api.Relay{Channel: int(w.Channel), Use: string(w.Use), Wanted: word(on, "on", "off"), OK: !s.broken[w.Channel]}
			switch w.Use {
			case relay.Lock:
				r.Wanted = word(on, "released", "secured")
			case relay.Elevator:
				r.Wanted = word(on, "permitted", "restricted")
			case relay.Siren, relay.Aux:
			}
			for _, b := range s.board.Doors {
				if slices.Contains(b.Relays, r.Channel) {
					r.Door = b.Name
				}
			}
			list = append(list, r)
		}
	})
	return list, err
}

// Inputs lists the inputs in the order of the configuration.
func (s Server) Inputs(ctx context.Context) ([]api.Input, error) {
	var list []api.Input
	err := s.look(ctx, func(*controller.Controller) {
		for i, in := range s.Config.Input {
			last := s.lines[i]
			doors := in.Doors
			if doors == nil {
				doors = []string{}
			}
			list = append(list, api.Input{Name: in.Name, Channel: in.Channel, Kind: string(in.Kind), Doors: doors,
				Status: cmp.Or(string(last.Status), "unknown"), Active: last.Active, Changes: s.changes[i]})
		}
	})
	return list, err
}

// doorOf names the door of a reader; "" for one in an elevator's car.
func (d *Daemon) doorOf(p controller.Port) string {
	if p.Door < 0 {
		return ""
	}
	return d.board.Doors[p.Door].Name
}

// Readers lists the readers in the order of the configuration.
func (s Server) Readers(ctx context.Context) ([]api.Reader, error) {
	var list []api.Reader
	err := s.look(ctx, func(c *controller.Controller) {
		for i, b := range s.board.Readers {
			r := c.Reader(i)
			list = append(list, api.Reader{Name: b.Name, Port: b.Port, Door: s.doorOf(b), ID: c.ReaderID(i),
				Shows: c.Feedback(i).String(), Tampered: r.Tampered, Blocked: r.BlockedUntil != 0,
				Reads: s.reads[i].good, BadFrames: s.reads[i].bad})
		}
	})
	return list, err
}

// Command does something to a door, for a technician.
func (s Server) Command(ctx context.Context, name string, cmd api.Command) (api.Result, error) {
	i := slices.IndexFunc(s.board.Doors, func(b controller.Door) bool { return b.Name == name })
	if i < 0 {
		return api.Result{}, &api.Error{Status: http.StatusNotFound, Text: "there is no door " + name, Hint: "doorctl doors lists them"}
	}
	in, err := command(i, cmd)
	if err != nil {
		return api.Result{}, err
	}
	events, err := s.send(ctx, in)
	if err != nil {
		return api.Result{}, err
	}
	return outcome(events, name), nil
}

// longestHold bounds a technician's hold: a door is not to be forgotten.
const longestHold = 24 * time.Hour

func command(i int, cmd api.Command) (controller.Input, error) {
	length := time.Duration(cmd.For * float64(time.Second))
	hold := func(h door.Hold) (controller.Input, error) {
		if length < time.Second || length > longestHold {
			return nil, &api.Error{Status: http.StatusBadRequest, Text: fmt.Sprintf("a hold lasts 1 s to 24 h, not %v", length), Hint: "give --for 10m"}
		}
		return controller.Held{Door: i, Hold: h, For: length}, nil
	}
	switch cmd.Action {
	case "unlock":
		return controller.Unlocked{Door: i}, nil
	case "hold_released":
		return hold(door.HoldReleased)
	case "hold_secured":
		return hold(door.HoldSecured)
	case "unhold":
		return controller.Held{Door: i}, nil
	case "lock_down":
		return controller.LockedDown{Door: i, On: true}, nil
	case "cancel_lockdown":
		return controller.LockedDown{Door: i}, nil
	default:
		return nil, &api.Error{Status: http.StatusBadRequest, Text: fmt.Sprintf("there is no action %q", cmd.Action),
			Hint: "one of unlock, hold_released, hold_secured, unhold, lock_down, cancel_lockdown"}
	}
}

// outcome is what the first event of a command says of it. A command that
// changed nothing has none, and that is no failure.
func outcome(events []policy.Event, door string) api.Result {
	r := api.Result{Version: api.Version, Granted: true, Door: door, Text: "done"}
	if len(events) == 0 {
		return r
	}
	e := events[0]
	r.Granted, r.Reason, r.Code, r.Type, r.Lock, r.Trace = e.Success, e.Reason, e.Reason.Code(), string(e.Type), e.Object.ID, e.Trace
	if !e.Success {
		r.Text = cmp.Or(e.Reason.Text(), e.Detail)
	}
	return r
}

// ResetFire ends the latched fire alarm.
func (s Server) ResetFire(ctx context.Context) (api.Result, error) {
	events, err := s.send(ctx, controller.FireReset{})
	if err != nil {
		return api.Result{}, err
	}
	r := outcome(events, "")
	switch r.Text {
	case "no_fire":
		r.Text = "there is no fire alarm to reset"
	case "input_active":
		r.Text = "the fire input is still active: end that first"
	}
	return r, nil
}

// ResetReader ends the tamper state of a reader.
func (s Server) ResetReader(ctx context.Context, name string) error {
	i := slices.IndexFunc(s.board.Readers, func(p controller.Port) bool { return p.Name == name })
	if i < 0 {
		return &api.Error{Status: http.StatusNotFound, Text: "there is no reader " + name, Hint: "doorctl readers lists them"}
	}
	_, err := s.send(ctx, controller.ReaderReset{Reader: i})
	return err
}

// Policy returns the records in force that are small: no members, no credentials.
func (s Server) Policy(context.Context) (api.Policy, error) {
	p := api.Policy{Version: api.Version}
	if s.Daemon.Policy == nil {
		return p, nil
	}
	var err error
	p.Records, p.Revision, err = s.Daemon.Policy.Records()
	return p, err
}

// MemberName returns a member's name, where the place lets the controller have it.
func (s Server) MemberName(_ context.Context, id int64) (string, error) {
	if s.Daemon.Policy == nil {
		return "", nil
	}
	name, _, err := s.Daemon.Policy.MemberName(id)
	return name, err
}

// Events returns the journal.
func (s Server) Events() (*store.Journal, error) {
	if s.Journal == nil {
		return nil, &api.Error{Status: http.StatusServiceUnavailable, Text: "the event journal cannot be opened",
			Hint: "doorctl status says why; mend that and restart doord"}
	}
	return s.Journal, nil
}

func word(ok bool, yes, no string) string {
	if ok {
		return yes
	}
	return no
}
