package board

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"

	"doord/cmd/internal/config"
	"doord/policy"
	"doord/reader/wiegand"
	"doord/rex"
)

// doors is a strike and a maglock on an active-low relay, in an order that is not
// that of the channels, with inputs, a Wiegand reader and one on a bus.
const doors = `device_id = "00d00d00d00d0001"

[[relay]]
channel = 2
line = "soc:12"
active = "low"

[[relay]]
channel = 1
line = "RELAY1"

[[door]]
name = "front"
relays = [1]
fail_mode = "fail_secure"

[[door]]
name = "lab"
relays = [2]
lock = "magnetic"

[[input]]
name = "contact"
channel = 5
line = "gpiochip1:0"
kind = "contact"
doors = ["front"]

[[input]]
name = "button"
channel = 1
line = "soc:20"
kind = "rex"
doors = ["lab"]

[[input]]
name = "fire"
channel = 14
line = "soc:21"
kind = "fire"
closed_high = true

[[input]]
name = "lid"
channel = 13
line = "gpiochip1:1"
kind = "tamper"
pull = "none"

[[bus]]
name = "inside"
port = "/dev/no-such-port"

[[reader]]
name = "hall"
port = "osdp:0"
bus = "inside"
door = "lab"

[[reader]]
name = "front"
port = "wiegand:1"
door = "front"
d0 = "gpiochip1:5"
d1 = "gpiochip1:4"
led = "gpiochip1:6"
buzzer = "gpiochip2:0"
`

func parse(t *testing.T, replace ...string) *config.Config {
	t.Helper()
	c, err := config.Parse([]byte(strings.NewReplacer(replace...).Replace(doors)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustOpen(t *testing.T, k *fakeKernel, c *config.Config) *Board {
	t.Helper()
	b, err := open(c, k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func TestEveryLineIsRequestedAsItIsWired(t *testing.T) {
	k := &fakeKernel{list: machine()}
	mustOpen(t, k, parse(t))
	want := []asked{
		// Safe: the coil of either relay is off, and the second is active low.
		{"/dev/gpiochip0", request{offsets: []uint32{12, 2}, output: true, levels: 0b01}, nil},
		// What lets people out has no debounce of the kernel's.
		{"/dev/gpiochip0", request{offsets: []uint32{20, 21}, edge: gpio.BothEdges, pulls: []gpio.Pull{gpio.PullUp, gpio.PullDown}}, nil},
		{"/dev/gpiochip1", request{offsets: []uint32{0, 1}, edge: gpio.BothEdges, pulls: []gpio.Pull{gpio.PullUp, gpio.Float}, debounce: time.Millisecond}, nil},
		{"/dev/gpiochip1", request{offsets: []uint32{5, 4}, edge: gpio.FallingEdge, pulls: []gpio.Pull{gpio.PullUp, gpio.PullUp}}, nil},
		// Active low by default, and off.
		{"/dev/gpiochip1", request{offsets: []uint32{6}, output: true, levels: 1}, nil},
		{"/dev/gpiochip2", request{offsets: []uint32{0}, output: true, levels: 1}, nil},
	}
	if len(k.asked) != len(want) {
		t.Fatalf("%d requests, want %d", len(k.asked), len(want))
	}
	for i, a := range k.asked {
		if a.path != want[i].path || !reflect.DeepEqual(a.request, want[i].request) {
			t.Errorf("request %d is of %s: %+v\nwant %s: %+v", i, a.path, a.request, want[i].path, want[i].request)
		}
	}
}

func TestTheSafeLevelsFollowTheWiring(t *testing.T) {
	for _, tt := range []struct {
		name    string
		replace []string
		want    uint64 // bit 0 is the maglock's relay, bit 1 the strike's
	}{
		{"active low and high, both on the no contact", nil, 0b01},
		{"both active high", []string{`active = "low"`, ""}, 0b00},
		{"a strike on the nc contact: the coil cuts its power", []string{`fail_mode = "fail_secure"`, "fail_mode = \"fail_secure\"\ncontact = \"nc\""}, 0b11},
		{"a maglock on the nc contact", []string{`lock = "magnetic"`, "lock = \"magnetic\"\ncontact = \"nc\"\nacknowledge_dead_board_locked = true"}, 0b00},
	} {
		k := &fakeKernel{list: machine()}
		mustOpen(t, k, parse(t, tt.replace...))
		if got := k.asked[0].levels; got != tt.want {
			t.Errorf("%s: %02b, want %02b", tt.name, got, tt.want)
		}
	}
}

func TestABoardWithoutInputsAndReadersHasNone(t *testing.T) {
	c := parse(t)
	c.Input, c.Readers, c.Buses = nil, nil, nil
	k := &fakeKernel{list: machine()}
	b := mustOpen(t, k, c)
	if b.Egress() != nil || b.Others() != nil || len(b.Wiegand()) != 0 || len(b.Buses()) != 0 || len(k.asked) != 1 {
		t.Errorf("%+v, %d requests", b, len(k.asked))
	}
}

func TestEdgesComeWithTheirInputsAndLines(t *testing.T) {
	k := &fakeKernel{list: machine()}
	b := mustOpen(t, k, parse(t))
	k.asked[1].lines.queue = []event{{at: 7, offset: 21, rising: true, seq: 3}, {at: 9, offset: 20, seq: 4}}
	k.asked[1].lines.levels = 0b10
	k.asked[3].lines.queue = []event{{at: 5, offset: 4, seq: 1}, {at: 6, offset: 5, seq: 2}}

	edges := make([]rex.Edge, 100)
	n, err := b.Egress().Read(edges, 0)
	if want := []rex.Edge{{At: 7, Line: 1, High: true, Seq: 3}, {At: 9, Line: 0, Seq: 4}}; err != nil || !slices.Equal(edges[:n], want) {
		t.Errorf("got %+v, %v; want %+v", edges[:n], err, want)
	}
	if levels, err := b.Egress().Levels(); err != nil || levels != 0b10 {
		t.Errorf("levels %02b, %v", levels, err)
	}
	ports := b.Wiegand()
	if len(ports) != 2 || ports[0] != nil {
		t.Fatalf("a reader on a bus has a port: %v", ports)
	}
	pulses := make([]wiegand.Edge, 1) // fewer than there are
	var got []wiegand.Edge
	for range 3 {
		n, err := ports[1].Read(pulses, 0)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, pulses[:n]...)
	}
	if want := []wiegand.Edge{{At: 5, Line: 1, Seq: 1}, {At: 6, Line: 0, Seq: 2}}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAnErrorNamesLineHolderAndWhatToDo(t *testing.T) {
	held := func(path string, offset uint32, who string) func(*fakeKernel) {
		return func(k *fakeKernel) { k.held = map[string]map[uint32]string{path: {offset: who}} }
	}
	refused := func(path string, err error) func(*fakeKernel) {
		return func(k *fakeKernel) { k.refused = map[string]error{path: err} }
	}
	tests := []struct {
		name    string
		replace []string
		kernel  func(*fakeKernel)
		want    string
	}{
		{"the line is another program's", nil, held("/dev/gpiochip0", 2, "blink"),
			`relay 1: gpiochip0 [soc] line 2 "RELAY1" is in use by "blink": stop it, take it out of the device tree, or wire another line`},
		{"the line is another daemon's", nil, held("/dev/gpiochip1", 4, "doord"),
			`reader front d1: gpiochip1 [pca9555] line 4 is in use by "doord": stop the other daemon: systemctl stop doord`},
		{"the group is missing", nil, refused("/dev/gpiochip2", unix.EACCES),
			"reader front buzzer: gpiochip2 [pca9555]: permission denied: run as a user of the group gpio that owns /dev/gpiochip*"},
		{"the kernel is old", nil, refused("/dev/gpiochip0", unix.ENOTTY),
			"relay 2, relay 1: gpiochip0 [soc]: inappropriate ioctl for device: the kernel is too old: GPIO needs Linux 5.10 or later\n" +
				"input button, input fire: gpiochip0 [soc]: inappropriate ioctl for device: the kernel is too old: GPIO needs Linux 5.10 or later"},
		{"it was busy and is free again", nil, refused("/dev/gpiochip2", unix.EBUSY),
			"reader front buzzer: gpiochip2 [pca9555]: device or resource busy: see dmesg"},
		{"all that is wrong is told at once", []string{"soc:20", "soc:99", "gpiochip1:0", "pca9555:0", "gpiochip1:6", "LED"}, nil,
			"input button: gpiochip0 [soc] has lines 0 to 31, and no line 99\n" +
				"input contact: gpiochip1 [pca9555] and gpiochip2 [pca9555] are both called \"pca9555\": give the name\n" +
				`reader front led: no line is called "LED": gpioinfo lists them; or give CHIP:OFFSET`},
		{"the lines of a request are on one chip", []string{"gpiochip1:4", "gpiochip2:4"}, nil,
			"reader front d1 is on gpiochip2 [pca9555], but reader front d0 on gpiochip1 [pca9555]: wire both to one chip"},
		{"a line is left out", []string{`line = "RELAY1"`, ""}, nil,
			`relay 1: it has no line: a real board needs one, as in "gpiochip0:17"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := &fakeKernel{list: machine()}
			if tt.kernel != nil {
				tt.kernel(k)
			}
			_, err := open(parse(t, tt.replace...), k)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
			if n := k.open(); n > 0 {
				t.Errorf("%d requests are open still", n)
			}
		})
	}
}

func TestAMachineWithoutChips(t *testing.T) {
	none := errors.New("no GPIO chip")
	k := &fakeKernel{missing: none}
	c := parse(t)
	for name, err := range map[string]error{
		"open": second(open(c, k)), "safe state": safeState(c, k), "check": check(c, k),
	} {
		if !errors.Is(err, none) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ *Board, err error) error { return err }

func TestSafeStateSetsTheRelaysAloneAndLetsGo(t *testing.T) {
	k := &fakeKernel{list: machine()}
	// Nothing else counts then: not even a reader that is not to be had.
	k.refused = map[string]error{"/dev/gpiochip1": unix.EACCES}
	if err := safeState(parse(t), k); err != nil {
		t.Fatal(err)
	}
	if len(k.asked) != 1 || k.asked[0].levels != 0b01 || k.asked[0].lines.levels != 0b01 || k.open() != 0 {
		t.Errorf("%+v, %d open", k.asked, k.open())
	}
	k.held = map[string]map[uint32]string{"/dev/gpiochip0": {12: "doord"}}
	err := safeState(parse(t), k)
	if want := "relay 2: gpiochip0 [soc] line 12 is in use by \"doord\": stop the other daemon: systemctl stop doord"; err == nil || err.Error() != want {
		t.Errorf("while a daemon serves: %v", err)
	}
}

func TestCheckOnlyLooks(t *testing.T) {
	k := &fakeKernel{list: machine(), held: map[string]map[uint32]string{"/dev/gpiochip0": {2: "doord", 12: "doord"}}}
	if err := check(parse(t), k); err != nil {
		t.Errorf("beside a daemon that serves: %v", err)
	}
	k.held["/dev/gpiochip0"][20] = "blink"
	err := check(parse(t), k)
	if want := `input button: gpiochip0 [soc] line 20 is in use by "blink": stop it, take it out of the device tree, or wire another line`; err == nil || err.Error() != want {
		t.Errorf("a line that another holds: %v", err)
	}
	if len(k.asked) > 0 {
		t.Errorf("lines were requested: %+v", k.asked)
	}
}

func TestCloseLetsGoOfAllAndMayBeCalledAgain(t *testing.T) {
	k := &fakeKernel{list: machine()}
	b := mustOpen(t, k, parse(t))
	if n := k.open(); n != 6 {
		t.Errorf("%d requests are open, want 6", n)
	}
	b.Show(0, policy.ShowDenied, true) // a reader on a bus has no panel here
	b.Close()
	b.Close()
	b.Show(1, policy.ShowDenied, true)
	if n := k.open(); n != 0 {
		t.Errorf("%d requests are open still", n)
	}
	for i, line := range b.Buses() {
		if err := line.Reopen(); err == nil {
			t.Errorf("bus %d opens after Close", i)
		}
	}
}

func TestTheRelaysAreLinesOfTheKernel(t *testing.T) {
	k := &fakeKernel{list: machine()}
	b := mustOpen(t, k, parse(t))
	if err := b.Relays().Set(0b11, 0b10); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Relays().Get(); err != nil || got != 0b10 || fmt.Sprintf("%02b", k.asked[0].lines.levels) != "10" {
		t.Errorf("got %02b, %v", got, err)
	}
}
