package daemon

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"doord/cmd/internal/api"
	"doord/reader/osdp"
)

// Bounds of what a technician waits for.
const (
	commandWait = 5 * time.Second
	moveWait    = 30 * time.Second
)

// OSDPReaders lists the readers of all buses.
func (s Server) OSDPReaders(context.Context) ([]api.OSDPReader, error) {
	list := []api.OSDPReader{}
	for _, b := range s.buses {
		for i := range b.readers {
			var st osdp.State
			var err error
			b.loop.Do(func(core *osdp.Bus) { st, err = core.State(i) })
			if err != nil {
				return nil, err
			}
			list = append(list, b.describe(i, st))
		}
	}
	return list, nil
}

func (b *bus) describe(i int, st osdp.State) api.OSDPReader {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	r := api.OSDPReader{
		Name: b.name(i), Bus: b.config.Name, Address: st.Comm.Addr, Speed: st.Comm.Baud,
		Online: st.Online, Secure: st.Secure, MustSpeak: st.Reader.Secure, Keyed: st.Keyed,
		Taps: st.Taps, Tampered: st.Tamper.Tamper, PowerFail: st.Tamper.PowerFail,
		Capabilities: capabilities(st.Capabilities), Counters: st.Counters, Latency: ms(st.Latency), Worst: ms(st.Worst),
	}
	if st.Identity != (osdp.Identity{}) {
		r.Device = st.Identity.String()
	}
	if st.Fault != nil {
		r.Fault = st.Fault.Error()
	}
	if st.Commission != 0 {
		r.Window = max(0, st.Commission-b.loop.Now()).Seconds()
	}
	return r
}

func capabilities(list osdp.Capabilities) []api.OSDPCapability {
	out := []api.OSDPCapability{}
	for _, c := range list {
		out = append(out, api.OSDPCapability{Function: byte(c.Function), Compliance: c.Compliance, Number: c.Number})
	}
	return out
}

// bus finds a bus by name; without a name the only one.
func (s Server) bus(name string) (*bus, error) {
	if name == "" && len(s.buses) == 1 {
		return s.buses[0], nil
	}
	for _, b := range s.buses {
		if b.config.Name == name {
			return b, nil
		}
	}
	var names []string
	for _, b := range s.buses {
		names = append(names, b.config.Name)
	}
	return nil, &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("there is no bus %q", name),
		Hint: "buses are: " + cmp.Or(strings.Join(names, ", "), "none; the board's configuration has no [[bus]]")}
}

// busReader finds an OSDP reader by name.
func (s Server) busReader(name string) (*bus, int, error) {
	for _, b := range s.buses {
		if i := slices.IndexFunc(b.readers, func(r int) bool { return s.Config.Readers[r].Name == name }); i >= 0 {
			return b, i, nil
		}
	}
	return nil, 0, &api.Error{Status: http.StatusNotFound, Text: fmt.Sprintf("there is no OSDP reader %q", name), Hint: "doorctl osdp status lists them"}
}

// OSDPScan looks for readers, until it has seen all places or the caller leaves.
func (s Server) OSDPScan(ctx context.Context, q api.OSDPScan) ([]api.OSDPFound, error) {
	b, err := s.bus(q.Bus)
	if err != nil {
		return nil, err
	}
	for _, speed := range q.Speeds {
		if !slices.Contains(osdp.Speeds, speed) {
			return nil, &api.Error{Status: http.StatusBadRequest, Text: fmt.Sprintf("%d is no speed of OSDP readers", speed), Hint: fmt.Sprintf("one of %v", osdp.Speeds)}
		}
	}
	events, stop := b.watch()
	defer stop()
	b.loop.Do(func(core *osdp.Bus) { core.Scan(q.Addresses, q.Speeds) })
	found := []api.OSDPFound{}
	for {
		select {
		case e := <-events:
			switch x := e.Body.(type) {
			case osdp.Found:
				found = append(found, api.OSDPFound{Address: x.Comm.Addr, Speed: x.Comm.Baud, Device: x.Identity.String(),
					Vendor: hex.EncodeToString(x.Identity.OUI[:]), Model: x.Identity.Model, Serial: x.Identity.Serial, Capabilities: capabilities(x.Capabilities)})
			case osdp.ScanEnd:
				return found, nil
			}
		case <-ctx.Done():
			b.loop.Do(func(core *osdp.Bus) { core.StopScan() })
			return found, ctx.Err()
		}
	}
}

// OSDPCommand does something with a reader and waits for its end.
func (s Server) OSDPCommand(ctx context.Context, name string, c api.OSDPCommand) (api.Result, error) {
	b, i, err := s.busReader(name)
	if err != nil {
		return api.Result{}, err
	}
	length := time.Duration(c.For * float64(time.Second))
	switch c.Action {
	case "commission":
		return b.commission(i, c, length)
	case "close_window":
		b.loop.Do(func(core *osdp.Bus) { err = core.CloseWindow(i) })
		return result("the commissioning window is closed", err)
	case "set_address", "set_speed":
		return b.move(ctx, i, c)
	case "led":
		color, ok := colors[c.Color]
		if !ok {
			return api.Result{}, &api.Error{Status: http.StatusBadRequest, Text: fmt.Sprintf("there is no colour %q", c.Color), Hint: "one of " + strings.Join(sortedKeys(colors), ", ")}
		}
		blink := osdp.Blink{Action: 2, On: time.Second, OnColor: color, OffColor: color}
		return b.send(ctx, i, osdp.LEDs{{Temp: blink, Time: length}})
	case "buzzer":
		return b.send(ctx, i, osdp.Buzzer{Tone: 2, On: 200 * time.Millisecond, Off: 200 * time.Millisecond, Count: max(1, c.Count)})
	case "text":
		return b.send(ctx, i, osdp.Text{Action: 3, Time: length, Row: 1, Col: 1, Text: c.Text})
	default:
		return api.Result{}, &api.Error{Status: http.StatusBadRequest, Text: fmt.Sprintf("there is no action %q", c.Action)}
	}
}

var colors = map[string]osdp.Color{"black": osdp.Black, "red": osdp.Red, "green": osdp.Green, "amber": osdp.Amber,
	"blue": osdp.Blue, "magenta": osdp.Magenta, "cyan": osdp.Cyan, "white": osdp.White}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func result(done string, err error) (api.Result, error) {
	if err != nil {
		return api.Result{}, &api.Error{Status: http.StatusConflict, Text: err.Error(), Hint: "doorctl osdp status tells more"}
	}
	return api.Result{Version: api.Version, Granted: true, Text: done}, nil
}

// commission opens the window in which a reader is given a key: a random one, a
// given one, or one derived from a master key. The key itself is never told.
func (b *bus) commission(i int, c api.OSDPCommand, window time.Duration) (api.Result, error) {
	key, master := parseKey(c.Key), parseKey(c.Master)
	if c.Key != "" && key.IsZero() || c.Master != "" && master.IsZero() {
		return api.Result{}, &api.Error{Status: http.StatusBadRequest, Text: "a key is 32 hex digits"}
	}
	var err error
	b.loop.Do(func(core *osdp.Bus) {
		switch {
		case !master.IsZero():
			err = core.CommissionFrom(i, master, window)
		case !key.IsZero():
			err = core.Commission(i, key, window)
		default:
			err = core.Commission(i, osdp.NewKey(), window)
		}
	})
	return result(fmt.Sprintf("commissioning is open for %v", window), err)
}

// move gives a reader another address or speed and waits until it is found there.
func (b *bus) move(ctx context.Context, i int, c api.OSDPCommand) (api.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, moveWait)
	defer cancel()
	events, stop := b.watch()
	defer stop()
	var err error
	b.loop.Do(func(core *osdp.Bus) {
		var st osdp.State
		if st, err = core.State(i); err != nil {
			return
		}
		to := st.Comm
		if c.Action == "set_address" {
			to.Addr = c.Address
		} else {
			to.Baud = c.Speed
		}
		err = core.Move(i, to)
	})
	if err != nil {
		return result("", err)
	}
	for {
		select {
		case e := <-events:
			if x, ok := e.Body.(osdp.Moved); ok && e.Reader == i {
				return result(fmt.Sprintf("the reader is at address %d, %d bit/s; say so in the board's configuration too", x.Comm.Addr, x.Comm.Baud), x.Err)
			}
		case <-ctx.Done():
			return result("", osdp.ErrSilentMove)
		}
	}
}

// send sends a command and waits for its end.
func (b *bus) send(ctx context.Context, i int, c osdp.Command) (api.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	events, stop := b.watch()
	defer stop()
	var id int
	var err error
	b.loop.Do(func(core *osdp.Bus) { id, err = core.Send(i, c) })
	if err != nil {
		return result("", err)
	}
	for {
		select {
		case e := <-events:
			if x, ok := e.Body.(osdp.Done); ok && e.Reader == i && x.ID == id {
				return result("done", x.Err)
			}
		case <-ctx.Done():
			return result("", osdp.ErrLost)
		}
	}
}

// OSDPUpdate sends a file to a reader and tells how far it is. The reader is
// polled all the while.
func (s Server) OSDPUpdate(ctx context.Context, name string, file []byte, from int, progress func(api.OSDPProgress)) error {
	b, i, err := s.busReader(name)
	if err != nil {
		return err
	}
	events, stop := b.watch()
	defer stop()
	b.loop.Do(func(core *osdp.Bus) { err = core.Transfer(i, osdp.File{Type: 1, Data: file, From: from}) })
	if err != nil {
		return err
	}
	for {
		select {
		case e := <-events:
			x, ok := e.Body.(osdp.Progress)
			if !ok || e.Reader != i {
				continue
			}
			p := api.OSDPProgress{Version: api.Version, Sent: x.Sent, Total: x.Total, Done: x.Done}
			if x.Err != nil {
				p.Error = x.Err.Error()
			}
			progress(p)
			if x.Done || x.Err != nil {
				return nil
			}
		case <-ctx.Done():
			b.loop.Do(func(core *osdp.Bus) { err = core.StopTransfer(i) })
			return errors.Join(ctx.Err(), err)
		}
	}
}

// OSDPTrace yields the frames of a line until the context ends.
func (s Server) OSDPTrace(ctx context.Context, name string) (iter.Seq[osdp.Trace], error) {
	b, err := s.bus(name)
	if err != nil {
		return nil, err
	}
	return func(yield func(osdp.Trace) bool) {
		frames, stop := b.trace()
		defer stop()
		for {
			select {
			case t := <-frames:
				if !yield(t) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}, nil
}
