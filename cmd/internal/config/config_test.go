package config

import (
	"os"
	"path/filepath"
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
	if r := c.Readers[1]; !r.OSDP() || r.Address() != 3 || !*r.Secure {
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
		{"a speed that no reader has", `port = "/dev/ttyAMA2"`, "port = \"/dev/ttyAMA2\"\nspeed = 1200", []string{`bus[0] "hall".speed: 1200 must be one of`}},
		{"a format that is none", `"H10304"`, `"H10399"`, []string{`reader[0] "front"`, `H10399`, `H10301`}},
		{"two formats of one length", `"H10301", "H10304"`, `"H10302", "H10304"`, []string{`H10302`, `H10304`, `37`}},
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
