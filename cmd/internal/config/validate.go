package config

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"doord/policy"
	"doord/reader/osdp"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/relay/gateway"
	"doord/rex"
)

// names are what doors, inputs and readers may be called: they stand in
// commands and events.
var names = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

var ports = regexp.MustCompile(`^(wiegand:[1-4]|osdp:(0|[1-9][0-9]?|1[01][0-9]|12[0-6]))$`)

// Validate returns everything that is wrong, in words that say what and where.
func (c *Config) Validate() Problems {
	v := &validator{lines: map[Line]string{}, used: map[string]string{}}
	id, err := hex.DecodeString(c.DeviceID)
	v.must(err == nil && len(id) == 8, "device_id", "%q must be 16 hex digits: the number on the board's label", c.DeviceID)
	v.must(c.Audit == AuditFast || c.Audit == AuditStrict, "audit", "%q must be fast or strict", c.Audit)
	v.must(c.MaxEvents >= 1000 && c.MaxEvents <= 10_000_000, "max_events", "%d is outside 1000 to 10000000", c.MaxEvents)
	v.relays(c)
	v.doors(c)
	v.inputs(c)
	v.buses(c)
	v.gateways(c)
	v.readers(c)
	return v.problems
}

type validator struct {
	problems Problems
	lines    map[Line]string
	used     map[string]string
}

func (v *validator) must(ok bool, where, format string, args ...any) {
	if !ok {
		v.problems = append(v.problems, where+": "+fmt.Sprintf(format, args...))
	}
}

// once checks that a name, channel or port is given to one thing only.
func (v *validator) once(where, what string) {
	v.must(v.used[what] == "", where, "%s is used by %s already", what, v.used[what])
	v.used[what] = where
}

func (v *validator) line(where string, l Line) {
	if l == "" {
		return
	}
	v.must(v.lines[l] == "", where, "line %s is used by %s already", l, v.lines[l])
	v.lines[l] = where
}

func (v *validator) level(where string, l Level) {
	v.must(l == High || l == Low, where, "%q must be high or low", l)
}

func (v *validator) pull(where string, p Pull) {
	v.must(p == PullUp || p == PullDown || p == PullNone, where, "%q must be up, down or none", p)
}

func (v *validator) relays(c *Config) {
	for i, r := range c.Relay {
		where := fmt.Sprintf("relay[%d]", i)
		v.must(r.Channel >= 1 && r.Channel <= policy.Relays, where+".channel", "%d is outside 1 to %d", r.Channel, policy.Relays)
		v.once(where+".channel", fmt.Sprintf("relay channel %d", r.Channel))
		v.line(where+".line", r.Line)
		v.level(where+".active", r.Active)
		for _, d := range c.Doors {
			moved := slices.Contains(d.Relays, r.Channel)
			v.must(!moved || r.Use == "" || r.Use == relay.Lock, where+".use", "door %s is on this relay: leave use out", d.Name)
		}
	}
}

func (v *validator) doors(c *Config) {
	v.must(len(c.Doors) > 0, "door", "a board has at least one [[door]]")
	wired := map[int]bool{}
	for _, r := range c.Relay {
		wired[r.Channel] = true
	}
	for i, d := range c.Doors {
		where := fmt.Sprintf("door[%d] %q", i, d.Name)
		v.must(names.MatchString(d.Name), where+".name", "must be 1 to 32 of a-z, 0-9, - and _")
		v.once(where+".name", "door "+d.Name)
		if v.wireless(c, where, d) {
			continue
		}
		v.must(len(d.Relays) > 0, where+".relays", "the door has no relay: name its channels, as in relays = [1]")
		for _, channel := range d.Relays {
			v.must(wired[channel], where+".relays", "there is no [[relay]] with channel %d", channel)
			v.once(where+".relays", fmt.Sprintf("relay %d", channel))
		}
		v.must(d.FailMode != "", where+".fail_mode", "say fail_safe (released without power) or fail_secure (locked without power)")
	}
	for _, w := range c.Relays() {
		if err := w.Validate(); err != nil {
			v.problems = append(v.problems, err.Error())
		}
	}
}

func (v *validator) inputs(c *Config) {
	for i, in := range c.Input {
		where := fmt.Sprintf("input[%d] %q", i, in.Name)
		v.must(names.MatchString(in.Name), where+".name", "must be 1 to 32 of a-z, 0-9, - and _")
		v.once(where+".name", "input "+in.Name)
		v.must(in.Channel >= 1 && in.Channel <= policy.Inputs, where+".channel", "%d is outside 1 to %d", in.Channel, policy.Inputs)
		v.once(where+".channel", fmt.Sprintf("input channel %d", in.Channel))
		v.line(where+".line", in.Line)
		v.pull(where+".pull", in.Pull)
		for _, name := range in.Doors {
			v.must(c.door(name) >= 0, where+".doors", "there is no door %q", name)
			if in.Kind == rex.Contact {
				v.once(where+".doors", "the contact of door "+name)
			}
		}
		switch in.Kind {
		case rex.REX, rex.Contact, rex.Passage, rex.Loop:
			v.must(len(in.Doors) > 0, where+".doors", "name the doors that it belongs to, as in doors = [\"front\"]")
		case rex.Fire:
			v.must(len(in.Doors) == 0, where+".doors", "a fire input serves all doors of the board: leave doors out")
		case rex.Tamper, rex.AlarmPanel:
		}
		if in.Kind == rex.REX {
			d := time.Duration(in.For)
			v.must(d >= 500*time.Millisecond && d <= 10*time.Minute, where+".for", "%v is outside 500ms to 10m", d)
		}
		v.measured(where, in)
		if err := in.Rex().Validate(); err != nil {
			v.must(false, where, "%s", err)
		}
		if in.Reader != "" {
			v.readerInput(c, where, in)
		}
	}
}

// measured checks what an input that is measured must have, and others cannot have.
func (v *validator) measured(where string, in Input) {
	if in.ADC == "" {
		supervised := in.EndOfLine != "" && in.EndOfLine != rex.None
		v.must(!supervised && in.PullUp == 0 && in.Reference == 0 && in.MainResistor == 0 && in.SecondResistor == 0 && in.Tolerance == 0 && in.Cable == 0,
			where+".adc", "a line cannot be supervised: end_of_line, resistors, pull_up, reference, tolerance and cable need adc = \"DEVICE/CHANNEL\"")
		return
	}
	_, _, ok := in.ADC.Parts()
	v.must(ok, where+".adc", "%q must be DEVICE/CHANNEL, as in \"iio:device0/3\"", in.ADC)
	v.once(where+".adc", "converter channel "+string(in.ADC))
	v.must(in.Line == "" && in.Reader == "" && !in.ClosedHigh, where+".adc", "an input that is measured has no line, reader or closed_high")
	v.must(in.PullUp > 0, where+".pull_up", "give the resistor between the reference and the input in ohm, as in pull_up = 2200")
	v.must(in.Reference >= 500 && in.Reference <= 24_000, where+".reference", "%d mV is outside 500 to 24000", in.Reference)
}

// readerInput checks an input that is on an OSDP reader. What lets people out
// must work without any bus, and a wire to a reader runs outside the door.
func (v *validator) readerInput(c *Config, where string, in Input) {
	i := slices.IndexFunc(c.Readers, func(r Reader) bool { return r.Name == in.Reader })
	v.must(i >= 0 && c.Readers[i].OSDP(), where+".reader", "there is no OSDP reader %q", in.Reader)
	v.must(in.Kind == rex.Contact || in.Kind == rex.Tamper, where+".kind", "an input of a reader is a contact or a tamper, never a %s: that must be wired to the board", in.Kind)
	v.must(in.Line == "", where+".line", "an input of a reader has no line of the board")
	v.must(in.ReaderInput >= 0 && in.ReaderInput < 32, where+".reader_input", "%d is outside 0 to 31", in.ReaderInput)
	v.once(where+".reader_input", fmt.Sprintf("input %d of reader %s", in.ReaderInput, in.Reader))
}

// wireless checks a door with a wireless lock, and that others say nothing of one.
func (v *validator) wireless(c *Config, where string, d Door) bool {
	if d.Lock != relay.Wireless {
		v.must(d.Gateway == "" && d.Channel == 0 && d.Address == 0, where, "gateway, channel and address are for lock = \"wireless\"")
		return false
	}
	v.must(len(d.Relays) == 0, where+".relays", "a wireless lock has no relay")
	v.must(d.FailMode == relay.FailSecure, where+".fail_mode", "a wireless lock stays locked without power, and opens from inside by its handle: leave fail_mode out")
	v.must(d.Contact == relay.NO && !d.AcknowledgeDeadBoardLocked, where, "contact and acknowledge_dead_board_locked are for relays")
	v.must(slices.ContainsFunc(c.Gateways, func(g Gateway) bool { return g.Name == d.Gateway }), where+".gateway", "there is no [[gateway]] %q", d.Gateway)
	v.must(d.Channel >= 1 && d.Channel <= policy.WirelessChannels, where+".channel", "%d is outside 1 to %d", d.Channel, policy.WirelessChannels)
	v.must(d.Address >= 1 && d.Address <= gateway.MaxChannels, where+".address", "%d is outside 1 to %d", d.Address, gateway.MaxChannels)
	v.once(where+".channel", fmt.Sprintf("wireless channel %d", d.Channel))
	v.once(where+".address", fmt.Sprintf("lock %d of gateway %s", d.Address, d.Gateway))
	return true
}

func (v *validator) gateways(c *Config) {
	for i, g := range c.Gateways {
		where := fmt.Sprintf("gateway[%d] %q", i, g.Name)
		v.must(names.MatchString(g.Name), where+".name", "must be 1 to 32 of a-z, 0-9, - and _")
		v.once(where+".name", "gateway "+g.Name)
		v.must(g.Port != "", where+".port", "name its port, as in port = \"/dev/ttyUSB0\" or \"tcp:10.0.0.7:4701\"")
		if address, ok := g.TCP(); ok {
			host, port, err := net.SplitHostPort(address)
			v.must(err == nil && host != "" && port != "", where+".port", "%q must be tcp:HOST:PORT", g.Port)
			v.must(g.KeyFile != "", where+".key_file", "a gateway on the network needs a key: openssl rand -hex 32 makes one")
		}
		if g.Port != "sim" {
			v.once(where+".port", "serial port "+g.Port)
		}
		v.must(slices.Contains(gatewaySpeeds, g.Speed), where+".speed", "%d must be one of %v", g.Speed, gatewaySpeeds)
		v.must(gateway.Adapters[g.Protocol] != nil, where+".protocol", "%q must be one of %s", g.Protocol, strings.Join(slices.Sorted(maps.Keys(gateway.Adapters)), ", "))
		v.must(slices.ContainsFunc(c.Doors, func(d Door) bool { return d.Gateway == g.Name }), where, "no door is at it: give a [[door]] lock = \"wireless\", gateway and channel")
	}
}

// gatewaySpeeds are the speeds of serial ports that gateways have.
var gatewaySpeeds = []int{9600, 19200, 38400, 57600, 115200, 230400}

func (v *validator) buses(c *Config) {
	for i, b := range c.Buses {
		where := fmt.Sprintf("bus[%d] %q", i, b.Name)
		v.must(names.MatchString(b.Name), where+".name", "must be 1 to 32 of a-z, 0-9, - and _")
		v.once(where+".name", "bus "+b.Name)
		v.must(b.Port != "", where+".port", "name its serial port, as in port = \"/dev/ttyAMA2\"")
		if b.Port != "sim" {
			v.once(where+".port", "serial port "+b.Port)
		}
		v.must(slices.Contains(osdp.Speeds, b.Speed), where+".speed", "%d must be one of %v", b.Speed, osdp.Speeds)
		v.must(b.RS485 == RS485Auto || b.RS485 == RS485Off, where+".rs485", "%q must be auto or off", b.RS485)
		if err := (wiegand.Config{Formats: b.Formats}).Validate(); err != nil {
			v.must(false, where, "%s", err)
		}
		n := 0
		for _, r := range c.Readers {
			if r.Bus == b.Name {
				n++
			}
		}
		v.must(n <= osdp.MaxReaders, where, "it has %d readers, and %d is the most", n, osdp.MaxReaders)
	}
}

func (v *validator) readers(c *Config) {
	for i, r := range c.Readers {
		where := fmt.Sprintf("reader[%d] %q", i, r.Name)
		v.must(names.MatchString(r.Name), where+".name", "must be 1 to 32 of a-z, 0-9, - and _")
		v.once(where+".name", "reader "+r.Name)
		v.must(ports.MatchString(r.Port), where+".port", "%q must be wiegand:1 to wiegand:4, or osdp:0 to osdp:126", r.Port)
		v.once(where+".port", "port "+r.Port)
		elevator := r.Door == "" && slices.ContainsFunc(c.Relay, func(x Relay) bool { return x.Use == relay.Elevator })
		v.must(c.door(r.Door) >= 0 || elevator, where+".door", "there is no door %q", r.Door)
		if r.OSDP() {
			v.must(slices.ContainsFunc(c.Buses, func(b Bus) bool { return b.Name == r.Bus }), where+".bus", "there is no [[bus]] %q", r.Bus)
			v.must(r.D0 == "" && r.D1 == "" && r.LED == "" && r.Buzzer == "" && r.Keypad == "" && r.Formats == nil,
				where, "d0, d1, led, buzzer, keypad and formats are for Wiegand readers; the formats of a bus are its own")
			continue
		}
		v.must(r.Bus == "" && r.Secure == nil, where, "bus and secure are for OSDP readers")
		v.must(!r.Tap, where+".tap", "a Wiegand reader cannot carry a tap: phones need an OSDP reader with transparent mode")
		v.line(where+".d0", r.D0)
		v.line(where+".d1", r.D1)
		v.pull(where+".pull", r.Pull)
		v.line(where+".led", r.LED)
		v.line(where+".buzzer", r.Buzzer)
		v.level(where+".active", r.Active)
		if err := r.wiegand().Validate(); err != nil {
			v.must(false, where, "%s", err)
		}
	}
}

// Warnings returns what works but deserves a second look, for every start.
func (c *Config) Warnings() []string {
	var list []string
	for _, w := range c.Relays() {
		list = append(list, w.Warnings()...)
	}
	if !slices.ContainsFunc(c.Input, func(in Input) bool { return in.Kind == rex.Fire }) {
		list = append(list, "no fire input: doors will not be released on fire")
	}
	for i, d := range c.Doors {
		leaves := slices.ContainsFunc(c.Input, func(in Input) bool {
			return in.Kind == rex.REX && *in.Releases && slices.Contains(in.Doors, d.Name)
		})
		if leaves && d.Lock == relay.Wireless {
			list = append(list, fmt.Sprintf("door[%d] %q: its request to exit goes by radio, which is no way out: the handle inside must open the lock", i, d.Name))
		}
		if !leaves && d.Lock == relay.Magnetic {
			list = append(list, fmt.Sprintf("door[%d] %q: a magnetic lock without a request to exit that releases it", i, d.Name))
		}
	}
	return list
}
