package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doord/policy"
	"doord/relay"
	"doord/rex"
)

// good is a board with one of everything.
const good = `device_id = "00d00d00d00d0001"

[[relay]]
channel = 1
line = "gpiochip0:17"
active = "low"
[[relay]]
channel = 2
[[relay]]
channel = 5
use = "siren"

[[door]]
name = "front"
relays = [1]
fail_mode = "fail_secure"
[[door]]
name = "lab"
relays = [2]
lock = "magnetic"

[[input]]
name = "front-rex"
channel = 1
kind = "rex"
doors = ["front"]
[[input]]
name = "lab-rex"
channel = 2
kind = "rex"
doors = ["lab"]
releases = false
for = "30s"
[[input]]
name = "front-contact"
channel = 5
kind = "contact"
doors = ["front"]
[[input]]
name = "fire"
channel = 14
kind = "fire"
[[input]]
name = "lid"
channel = 12
kind = "tamper"
reader = "hall"
reader_input = 1

[[bus]]
name = "hall"
port = "/dev/ttyAMA2"

[[reader]]
name = "front"
port = "wiegand:1"
door = "front"
formats = ["H10301", "H10304"]
keypad = "4-bit"
[[reader]]
name = "hall"
port = "osdp:3"
bus = "hall"
door = "lab"
`

func TestAGoodBoard(t *testing.T) {
	c, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if c.StateDir != "/var/lib/doord" || c.Audit != AuditFast || c.MaxEvents != 100_000 || c.API.Socket != "/run/doord/doord.sock" || c.API.Group != "" {
		t.Errorf("defaults: %+v", c)
	}
	b := c.Board()
	if len(b.Doors) != 2 || b.Doors[0].FailSafe || !b.Doors[1].Magnetic || !b.Doors[1].FailSafe {
		t.Errorf("doors: %+v", b.Doors)
	}
	if l := b.Inputs[0]; !l.Releases || l.For != 5*time.Second || l.Kind != policy.InputREX || l.Doors[0] != 0 {
		t.Errorf("a request to exit by default: %+v", l)
	}
	if l := b.Inputs[1]; l.Releases || l.For != 30*time.Second || l.Doors[0] != 1 {
		t.Errorf("a request to exit as set: %+v", l)
	}
	if b.Readers[1].Port != "osdp:3" || b.Readers[1].Door != 1 {
		t.Errorf("readers: %+v", b.Readers)
	}
	w := c.Relays()
	if !w[0].ActiveLow || w[0].Use != relay.Lock || w[0].FailMode != relay.FailSecure || w[0].Contact != relay.NO || w[2].Use != relay.Siren {
		t.Errorf("relays: %+v", w)
	}
	out, rest := c.Egress(), c.Others()
	if len(out.Inputs) != 3 || len(rest.Inputs) != 1 || out.Index[2] != 3 || rest.Index[0] != 2 {
		t.Errorf("the inputs that let people out are %v, the others %v: that of a reader is in neither", out.Index, rest.Index)
	}
	if out.Inputs[0].Debounce != rex.DefaultDebounce {
		t.Errorf("debounce: %v", out.Inputs[0].Debounce)
	}
	if r := c.Readers[1]; !r.OSDP() || r.Address() != 3 || !*r.Secure || r.Tap {
		t.Errorf("an OSDP reader by default: %+v", r)
	}
	if c.Buses[0].Speed != 9600 || c.Buses[0].Formats[0] != "H10301" {
		t.Errorf("a bus by default: %+v", c.Buses[0])
	}
	if got := c.Warnings(); len(got) != 1 || !strings.Contains(got[0], `"lab": a magnetic lock without a request to exit`) {
		t.Errorf("warnings: %q", got)
	}
}

func TestEveryFaultOfABoardIsTold(t *testing.T) {
	tests := []struct {
		name     string
		old, new string // replaced in the good board
		want     []string
	}{
		{"an unknown key, with line and column", `channel = 2`, "chanel = 2", []string{"board.toml:8:1: unknown key relay.chanel"}},
		{"a wrong type, with line and column", `relays = [1]`, `relays = "one"`, []string{"board.toml:15:"}},
		{"no TOML at all", `[[relay]]`, `[[relay`, []string{"board.toml:3:"}},
		{"a device id that is none", `00d00d00d00d0001`, `doord`, []string{`device_id: "doord" must be 16 hex digits`}},
		{"a relay channel out of range", "channel = 5\nuse", "channel = 6\nuse", []string{"relay[2].channel: 6 is outside 1 to 5"}},
		{"a relay channel used twice", "channel = 2", "channel = 1", []string{"relay[1].channel: relay channel 1 is used by relay[0].channel already"}},
		{"a line used twice", `channel = 2`, "channel = 2\nline = \"gpiochip0:17\"", []string{"relay[1].line: line gpiochip0:17 is used by relay[0].line already"}},
		{"a level that is none", `active = "low"`, `active = "middle"`, []string{`relay[0].active: "middle" must be high or low`}},
		{"a door without a relay", `relays = [1]`, `relays = []`, []string{`door[0] "front".relays: the door has no relay`}},
		{"a door with a relay that is not there", `relays = [1]`, `relays = [3]`, []string{`door[0] "front".relays: there is no [[relay]] with channel 3`}},
		{"two doors on one relay", `relays = [2]`, `relays = [1]`, []string{`door[1] "lab".relays: relay 1 is used by`}},
		{"a door without a fail mode", `fail_mode = "fail_secure"`, ``, []string{`door[0] "front".fail_mode: say fail_safe`}},
		{"a fail mode that is none", `"fail_secure"`, `"fail_open"`, []string{"fail_open"}},
		{"a name that no command can carry", `name = "front"` + "\nrelays", `name = "Front door"` + "\nrelays", []string{`.name: must be 1 to 32 of a-z`}},
		{"a fail-safe lock that a dead board keeps locked", `fail_mode = "fail_secure"`, "fail_mode = \"fail_safe\"\ncontact = \"nc\"", []string{"acknowledge"}},
		{"an input on a door that is not there", `doors = ["front"]` + "\n[[input]]\nname = \"lab-rex\"", `doors = ["cellar"]` + "\n[[input]]\nname = \"lab-rex\"", []string{`input[0] "front-rex".doors: there is no door "cellar"`}},
		{"a request to exit of no door", `doors = ["front"]` + "\n[[input]]\nname = \"lab-rex\"", "[[input]]\nname = \"lab-rex\"", []string{`input[0] "front-rex".doors: name the doors`}},
		{"a fire input of one door", `kind = "fire"`, "kind = \"fire\"\ndoors = [\"front\"]", []string{`input[3] "fire".doors: a fire input serves all doors`}},
		{"an egress time out of range", `for = "30s"`, `for = "20m"`, []string{`input[1] "lab-rex".for: 20m0s is outside 500ms to 10m`}},
		{"a duration without a unit", `for = "30s"`, `for = "30"`, []string{`"30" is no duration such as 30ms or 5s`}},
		{"a debounce that would miss a press", `kind = "contact"`, "kind = \"contact\"\ndebounce = \"500ms\"", []string{`input[2] "front-contact"`, "debounce"}},
		{"an input channel used twice", "channel = 14", "channel = 5", []string{"input channel 5 is used by"}},
		{"an input channel out of range", "channel = 14", "channel = 15", []string{`input[3] "fire".channel: 15 is outside 1 to 14`}},
		{"a request to exit on a reader", `kind = "tamper"`, "kind = \"rex\"\ndoors = [\"lab\"]", []string{`.kind: an input of a reader is a contact or a tamper, never a rex`}},
		{"an input of a reader that is not on a bus", `reader = "hall"`, `reader = "front"`, []string{`there is no OSDP reader "front"`}},
		{"a port that is none", `"wiegand:1"`, `"wiegand:5"`, []string{`reader[0] "front".port: "wiegand:5" must be wiegand:1 to wiegand:4`}},
		{"an address out of range", `"osdp:3"`, `"osdp:127"`, []string{`must be wiegand:1 to wiegand:4, or osdp:0 to osdp:126`}},
		{"an OSDP reader without a bus", `bus = "hall"`, ``, []string{`reader[1] "hall".bus: there is no [[bus]] ""`}},
		{"a Wiegand setting of an OSDP reader", `bus = "hall"`, "bus = \"hall\"\nkeypad = \"4-bit\"", []string{`are for Wiegand readers`}},
		{"a tap at a Wiegand reader", `keypad = "4-bit"`, "tap = true", []string{`reader[0] "front".tap: a Wiegand reader cannot carry a tap`}},
		{"a speed that no reader has", `port = "/dev/ttyAMA2"`, "port = \"/dev/ttyAMA2\"\nspeed = 1200", []string{`bus[0] "hall".speed: 1200 must be one of`}},
		{"a format that is none", `"H10304"`, `"H10399"`, []string{`reader[0] "front"`, `H10399`, `H10301`}},
		{"two formats of one length", `"H10301", "H10304"`, `"H10302", "H10304"`, []string{`H10302`, `H10304`, `37`}},
		{"a supervised input without a converter", `kind = "fire"`, "kind = \"fire\"\nend_of_line = \"cut_detect\"\nmain_resistor = 2200", []string{`input[3] "fire".adc: a line cannot be supervised`}},
		{"a converter that is none", `kind = "fire"`, "kind = \"fire\"\nadc = \"adc\"\npull_up = 2200", []string{`input[3] "fire".adc: "adc" must be DEVICE/CHANNEL`}},
		{"a measured input without a pull-up", `kind = "fire"`, "kind = \"fire\"\nadc = \"iio:device0/3\"", []string{`input[3] "fire".pull_up: give the resistor`}},
		{"a measured input with a line", `kind = "fire"`, "kind = \"fire\"\nadc = \"iio:device0/3\"\npull_up = 2200\nline = \"gpiochip0:1\"", []string{`has no line`}},
		{"a reference that no board has", `kind = "fire"`, "kind = \"fire\"\nadc = \"iio:device0/3\"\npull_up = 2200\nreference = 5", []string{`5 mV is outside 500 to 24000`}},
		{"a network whose states overlap", `kind = "fire"`, "kind = \"fire\"\nadc = \"iio:device0/3\"\npull_up = 2200\nend_of_line = \"cut_detect\"\nmain_resistor = 47", []string{`input[3] "fire"`, `closed and open cannot be told apart`, `take a larger resistor`}},
		{"an audit that is none", `device_id`, "audit = \"maybe\"\ndevice_id", []string{`audit: "maybe" must be fast or strict`}},
		{"a journal that is too small", `device_id`, "max_events = 3\ndevice_id", []string{`max_events: 3 is outside`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(good, tt.old, tt.new, 1)
			if text == good {
				t.Fatal("nothing was replaced")
			}
			path := filepath.Join(t.TempDir(), "board.toml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(path)
			if err == nil {
				t.Fatal("it is taken")
			}
			if !strings.HasPrefix(err.Error(), path) {
				t.Errorf("the file is not named: %v", err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
		})
	}
}

func TestAFileThatIsNotThere(t *testing.T) {
	if _, err := Load("nowhere/board.toml"); err == nil || !strings.Contains(err.Error(), "nowhere/board.toml") {
		t.Errorf("%v", err)
	}
}

// An elevator has relays of its own, and a reader without a door.
func TestAnElevator(t *testing.T) {
	path := filepath.Join(t.TempDir(), "board.toml")
	text := strings.Replace(good, `use = "siren"`, `use = "elevator"`, 1) + "\n[[reader]]\nname = \"car\"\nport = \"wiegand:4\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	b := c.Board()
	if car := b.Readers[len(b.Readers)-1]; len(b.Stops) != 1 || b.Stops[0] != 5 || car.Door != -1 {
		t.Errorf("stops %v, reader %+v", b.Stops, car)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(text, `use = "elevator"`, `use = "siren"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "there is no door") {
		t.Errorf("a reader at nothing: %v", err)
	}
}

func TestAMeasuredInput(t *testing.T) {
	c, err := Parse([]byte(strings.Replace(good, `kind = "fire"`, "kind = \"fire\"\nadc = \"iio:device0/3\"\npull_up = 2200\nend_of_line = \"cut_and_short_detect\"\nmain_resistor = 4700\nsecond_resistor = 1000", 1)))
	if err != nil {
		t.Fatal(err)
	}
	b := c.MeasuredEgress()
	if len(b.Inputs) != 1 || b.Index[0] != 3 || b.Meters[0] != (Meter{"iio:device0/3", 3300}) || b.Inputs[0].SecondResistor != 1000 || len(c.Egress().Inputs) != 2 || len(c.MeasuredOthers().Inputs) != 0 {
		t.Errorf("%+v", b)
	}
	if device, channel, ok := b.Meters[0].ADC.Parts(); !ok || device != "iio:device0" || channel != 3 {
		t.Errorf("%s %d %t", device, channel, ok)
	}
}

// radio is a door with a wireless lock, for the good board.
const radio = good + `
[[gateway]]
name = "attic"
port = "tcp:10.0.0.7:4701"
key_file = "/etc/doord/attic.key"
[[door]]
name = "store"
lock = "wireless"
gateway = "attic"
channel = 7
`

func TestADoorWithAWirelessLock(t *testing.T) {
	c, err := Parse([]byte(radio))
	if err != nil {
		t.Fatal(err)
	}
	if d := c.Doors[2]; d.FailMode != relay.FailSecure || d.Address != 7 {
		t.Errorf("%+v", d)
	}
	if b := c.Board().Doors[2]; b.Wireless != 7 || b.FailSafe || len(b.Relays) != 0 {
		t.Errorf("%+v", b)
	}
	if g := c.Gateways[0]; g.Protocol != "doord" || g.Speed != 115200 {
		t.Errorf("%+v", g)
	}
	if len(c.Relays()) != 3 {
		t.Errorf("%+v", c.Relays())
	}
	for _, tt := range []struct{ name, old, new, want string }{
		{"with a relay", `lock = "wireless"`, "lock = \"wireless\"\nrelays = [5]", "a wireless lock has no relay"},
		{"fail-safe", `lock = "wireless"`, "lock = \"wireless\"\nfail_mode = \"fail_safe\"", "stays locked without power"},
		{"on a contact", `lock = "wireless"`, "lock = \"wireless\"\ncontact = \"nc\"", "are for relays"},
		{"without its gateway", `gateway = "attic"`, `gateway = "cellar"`, `there is no [[gateway]] "cellar"`},
		{"on a channel that is none", "channel = 7", "channel = 65", "65 is outside 1 to 64"},
		{"at an address that is none", "channel = 7", "channel = 7\naddress = 99", "99 is outside 1 to 64"},
		{"a channel twice", "channel = 7\n", "channel = 7\n[[door]]\nname = \"shed\"\nlock = \"wireless\"\ngateway = \"attic\"\nchannel = 7\naddress = 8\n", "wireless channel 7 is used by"},
		{"an address twice", "channel = 7\n", "channel = 7\n[[door]]\nname = \"shed\"\nlock = \"wireless\"\ngateway = \"attic\"\nchannel = 8\naddress = 7\n", "lock 7 of gateway attic is used by"},
		{"a strike with a channel", `lock = "wireless"`, "lock = \"electric_strike\"\nfail_mode = \"fail_secure\"\nrelays = [5]", `are for lock = "wireless"`},
		{"a gateway without a key", `key_file = "/etc/doord/attic.key"`, "", "a gateway on the network needs a key"},
		{"a gateway nowhere", `port = "tcp:10.0.0.7:4701"`, `port = "tcp:10.0.0.7"`, "must be tcp:HOST:PORT"},
		{"a gateway without a port", `port = "tcp:10.0.0.7:4701"`, ``, "name its port"},
		{"a gateway of an unknown make", `port = "tcp:10.0.0.7:4701"`, "port = \"tcp:10.0.0.7:4701\"\nprotocol = \"acme\"", `"acme" must be one of doord`},
		{"a gateway that is slow", `port = "tcp:10.0.0.7:4701"`, "port = \"tcp:10.0.0.7:4701\"\nspeed = 300", "300 must be one of"},
		{"a gateway of no door", `port = "/dev/ttyAMA2"`, "port = \"/dev/ttyAMA2\"\n[[gateway]]\nname = \"idle\"\nport = \"/dev/ttyUSB3\"", "no door is at it"},
	} {
		text := strings.Replace(radio, tt.old, tt.new, 1)
		if text == radio {
			t.Fatalf("%s: nothing was replaced", tt.name)
		}
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	c.Input[0].Doors = []string{"store"}
	if w := c.Warnings(); !slices.ContainsFunc(w, func(s string) bool { return strings.Contains(s, "radio, which is no way out") }) {
		t.Errorf("%q", w)
	}
}
