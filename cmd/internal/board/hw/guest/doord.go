package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"doord/cmd/internal/api"
	"doord/store"
)

const (
	socket   = "/run/doord/doord.sock"
	notify   = "/run/notify"
	watchdog = 2 * time.Second
)

// wiring says how the guest's board is wired.
type wiring struct {
	activeLow, failSafe bool
	dir                 string // of the daemon's state
	bus                 bool   // an OSDP reader at the first door, too
}

// doors of the board, each with the lines RELAY_n, REX_n, D0_n and D1_n.
const doors = 4

func lineNames() []string {
	var names []string
	for n := 1; n <= doors; n++ {
		for _, what := range []string{"D0", "D1", "REX", "RELAY"} {
			names = append(names, fmt.Sprintf("%s_%d", what, n))
		}
	}
	return append(names, "FIRE", "LED_1")
}

// debounce is that of the buttons, the shortest there is: what is measured is
// what comes on top.
const debounce = time.Millisecond

// formats are what every reader accepts, one for each length.
var formats = []string{"H10301", "H10306", "H10304", "C1k48s"}

// file writes the configuration. It names lines in both ways.
func (b wiring) file() string {
	active, mode := "high", "fail_secure"
	if b.activeLow {
		active = "low"
	}
	if b.failSafe {
		mode = "fail_safe"
	}
	var s strings.Builder
	fmt.Fprintf(&s, "device_id = \"00d00d00d00d0001\"\nstate_dir = %q\n[api]\nsocket = %q\n", b.dir, socket)
	for n := 1; n <= doors; n++ {
		fmt.Fprintf(&s, `
[[relay]]
channel = %[1]d
line = "RELAY_%[1]d"
active = %[2]q
[[door]]
name = "door%[1]d"
relays = [%[1]d]
fail_mode = %[3]q
[[input]]
name = "rex%[1]d"
channel = %[1]d
line = "%[6]s:%[4]d"
kind = "rex"
doors = ["door%[1]d"]
for = "500ms"
debounce = "%[5]v"
[[reader]]
name = "reader%[1]d"
port = "wiegand:%[1]d"
door = "door%[1]d"
d0 = "D0_%[1]d"
d1 = "D1_%[1]d"
formats = ["%[7]s"]
`, n, active, mode, 4*(n-1)+2, debounce, label, strings.Join(formats, `", "`))
	}
	fmt.Fprintf(&s, "led = \"LED_1\"\n[[input]]\nname = \"fire\"\nchannel = 14\nline = \"FIRE\"\nkind = \"fire\"\npull = \"none\"\n")
	if b.bus {
		s.WriteString("[[bus]]\nname = \"bus\"\nport = \"/dev/ttyS0\"\nspeed = 115200\n" +
			"[[reader]]\nname = \"osdp\"\nport = \"osdp:0\"\nbus = \"bus\"\ndoor = \"door1\"\n")
	}
	const name = "/tmp/board.toml"
	must(os.WriteFile(name, []byte(s.String()), 0o644))
	return name
}

// rest brings every line to where it is while nobody is at the doors: inputs
// up, but for the fire contact, which is closed, and the relays' lines where the
// board's own resistors hold them, with the coils off.
func (c *chip) rest(b wiring) {
	for i, name := range c.names {
		high := true
		switch {
		case name == "FIRE":
			high = false
		case strings.HasPrefix(name, "RELAY"):
			high = b.activeLow
		}
		c.drive(i, high)
	}
}

// doord is the daemon as the service manager runs it.
type doord struct {
	wiring  wiring
	cmd     *exec.Cmd
	manager *net.UnixConn
	started time.Time
	ready   chan time.Duration // how long the start took
	ended   chan error
	beats   atomic.Int64
	client  *api.Client
}

// start starts the daemon and hears what it tells its service manager.
func start(program string, b wiring) *doord {
	must(os.MkdirAll(b.dir, 0o755))
	_ = os.Remove(notify) // there is none the first time
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	must(err)
	d := &doord{wiring: b, cmd: ordinary(program, "--config", b.file()), manager: manager, ready: make(chan time.Duration, 1), ended: make(chan error, 1),
		client: api.NewClient(socket)}
	d.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+notify, fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()))
	d.cmd.Stdout, d.cmd.Stderr = os.Stdout, os.Stdout
	d.started = time.Now()
	go d.listen()
	must(d.cmd.Start())
	go func() { d.ended <- d.cmd.Wait() }()
	return d
}

func (d *doord) listen() {
	var buf [256]byte
	for {
		n, err := d.manager.Read(buf[:])
		if err != nil {
			return
		}
		for word := range strings.Lines(string(buf[:n])) {
			switch strings.TrimSpace(word) {
			case "READY=1":
				d.ready <- time.Since(d.started)
			case "WATCHDOG=1":
				d.beats.Add(1)
			}
		}
	}
}

// serves waits until the daemon is ready, and returns how long that took.
func (d *doord) serves() time.Duration {
	select {
	case took := <-d.ready:
		return took
	case err := <-d.ended:
		panic(fmt.Sprint("doord ended: ", err))
	case <-time.After(30 * time.Second):
		panic("doord does not get ready")
	}
}

// end sends a signal and returns how the daemon took it.
func (d *doord) end(s syscall.Signal) error {
	defer func() { _ = d.manager.Close() }() // it hears nothing any more
	must(d.cmd.Process.Signal(s))
	select {
	case err := <-d.ended:
		return err
	case <-time.After(20 * time.Second):
		return errors.New("it goes on")
	}
}

// ask calls the daemon's API. A daemon that does not answer tells where it stands.
func (d *doord) ask(f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	err := f(ctx)
	if ctx.Err() != nil {
		_ = d.end(syscall.SIGQUIT) // the runtime prints every goroutine
		panic("doord does not answer")
	}
	return err
}

func (d *doord) status() (s api.Status) {
	must(d.ask(func(ctx context.Context) error { return d.client.Get(ctx, "/v1/status", &s) }))
	return s
}

// verify has the daemon verify its journal, and returns what it says.
func (d *doord) verify() (text string, ok bool) {
	var r api.Result
	if err := d.ask(func(ctx context.Context) error { return d.client.Get(ctx, "/v1/journal/verify", &r) }); err != nil {
		return err.Error(), false
	}
	return r.Text, true
}

// events returns the events after since that are on the disk.
func (d *doord) events(since uint64) (list []store.Record) {
	must(d.ask(func(ctx context.Context) error {
		for r, err := range d.client.Events(ctx, since, false) {
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		return nil
	}))
	return list
}

func (d *doord) loadPolicy() {
	must(d.ask(func(ctx context.Context) error {
		_, err := d.client.LoadPolicy(ctx, []byte(d.wiring.place()))
		return err
	}))
}

// place has four doors and one card, H10301 118/1603, which opens all.
func (b wiring) place() string {
	var relays, inputs, readers, locks, groups []string
	for n := 1; n <= doors; n++ {
		locks = append(locks, fmt.Sprintf(`{"id": %d, "name": "Door %d"}`, n, n))
		relays = append(relays, fmt.Sprintf(`{"id": %d, "controller_id": 1, "channel": %d, "type": "lock", "lock_id": %d, "duration": 0.5}`, n, n, n))
		inputs = append(inputs, fmt.Sprintf(`{"id": %d, "controller_id": 1, "channel": %d, "type": "request_to_exit", "lock_id": %d, "duration": 0.5}`, n, n, n))
		readers = append(readers, fmt.Sprintf(`{"id": %d, "controller_id": 1, "port": "wiegand:%d", "lock_id": %d}`, n, n, n))
		groups = append(groups, fmt.Sprintf(`{"id": %d, "group_id": 1, "lock_id": %d}`, n, n))
	}
	if b.bus {
		readers = append(readers, `{"id": 9, "controller_id": 1, "port": "osdp:0", "lock_id": 1}`)
	}
	list := func(s []string) string { return "[" + strings.Join(s, ", ") + "]" }
	return `{
		"place": {"id": 1, "name": "Bench", "time_zone": "Europe/Berlin", "latitude": 52.52, "longitude": 13.405},
		"controllers": [{"id": 1, "name": "Guest", "device_id": "00d00d00d00d0001"}],
		"locks": ` + list(locks) + `,
		"controller_relay_connections": ` + list(relays) + `,
		"controller_input_connections": ` + list(inputs) + `,
		"readers": ` + list(readers) + `,
		"groups": [{"id": 1, "name": "Staff"}],
		"group_locks": ` + list(groups) + `,
		"members": [{"id": 1, "name": "Ada"}],
		"role_assignments": [{"id": 1, "member_id": 1, "applies_to": {"type": "group", "id": 1}}],
		"credentials": [{"id": 1, "member_id": 1, "kind": "card", "format": "H10301", "facility": 118, "card": 1603}]
	}`
}
