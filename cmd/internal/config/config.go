// Package config reads a board's configuration: what the installer wired and
// where the daemon keeps its things. The place's policy gives doors their
// meaning; this file gives them their wires, and what lets people out.
//
//	board.toml ──Load──▶ Config ──┬─▶ Board()    doors, inputs, readers: for the core
//	 (strict: an unknown key      ├─▶ Relays()   how each coil is wired
//	  is an error with its line)  ├─▶ Egress(), Inputs()   how each input is wired
//	                              └─▶ Wiegand(), Bus   what each port accepts
package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"doord/reader/osdp"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/rex"
)

// Config is one board. Durations are written as "30ms" or "5s".
type Config struct {
	// DeviceID is the board's own number, 16 hex digits; the place's controller
	// record carries the same.
	DeviceID string `toml:"device_id"`
	// StateDir holds policy.db and events.db. Default /var/lib/doord.
	StateDir string `toml:"state_dir"`
	// Audit is "fast" (default: the door first, the disk a few ms later) or
	// "strict" (a grant waits until its event is on the disk; a request to exit
	// and fire never wait).
	Audit Audit `toml:"audit"`
	// MaxEvents is how many events the journal keeps. Default 100000.
	MaxEvents int `toml:"max_events"`

	API      API       `toml:"api"`
	Relay    []Relay   `toml:"relay"`
	Doors    []Door    `toml:"door"`
	Input    []Input   `toml:"input"`
	Buses    []Bus     `toml:"bus"`
	Readers  []Reader  `toml:"reader"`
	Gateways []Gateway `toml:"gateway"`
}

// Audit says whether a grant waits for the journal.
type Audit string

// The audit modes.
const (
	AuditFast   Audit = "fast"
	AuditStrict Audit = "strict"
)

// API is where the daemon listens.
type API struct {
	// Socket is the Unix socket. Default /run/doord/doord.sock.
	Socket string `toml:"socket"`
	// Group may use the socket besides the daemon's own user. Default none.
	Group string `toml:"group"`
}

// Relay is one relay of the board.
type Relay struct {
	Channel int       `toml:"channel"` // 1 to 4, 5 for the auxiliary one
	Line    Line      `toml:"line"`
	Active  Level     `toml:"active"` // the level at which the coil is on: high (default) or low
	Use     relay.Use `toml:"use"`    // of a relay without a door: siren, elevator or aux (default)
}

// Line is a GPIO line: "CHIP:OFFSET", the chip by its name or label, or the name
// of the line alone. A simulated board needs none.
type Line string

// ADC is a channel of an analogue converter: "DEVICE/CHANNEL", the device of the
// kernel's IIO by its name in /sys/bus/iio/devices, by its label or by its chip, as in
// "iio:device0/3". A simulated board takes any.
type ADC string

// Parts returns the device and the channel; ok is false for what is none.
func (a ADC) Parts() (device string, channel int, ok bool) {
	device, number, found := strings.Cut(string(a), "/")
	channel, err := strconv.Atoi(number)
	return device, channel, found && err == nil && device != "" && !strings.Contains(device, "..") && channel >= 0 && channel < 256 && strconv.Itoa(channel) == number
}

// Level is the level of a line.
type Level string

// The levels.
const (
	High Level = "high"
	Low  Level = "low"
)

// Pull is what holds a line at its level while nothing drives it.
type Pull string

// The pulls. None leaves that to the board.
const (
	PullUp   Pull = "up"
	PullDown Pull = "down"
	PullNone Pull = "none"
)

// Door is one door.
type Door struct {
	Name     string         `toml:"name"`
	Relays   []int          `toml:"relays"` // channels; all move together
	Lock     relay.LockType `toml:"lock"`
	FailMode relay.FailMode `toml:"fail_mode"` // a magnetic lock is always fail_safe
	Contact  relay.Contact  `toml:"contact"`   // of the relay, through which the lock gets its power: no (default) or nc
	// AcknowledgeDeadBoardLocked is the installer's word for a fail-safe lock on
	// an nc contact: a dead board keeps the door locked.
	AcknowledgeDeadBoardLocked bool `toml:"acknowledge_dead_board_locked"`

	// Of a wireless lock, which has no relays.

	Gateway string `toml:"gateway"` // that has its radio
	Channel int    `toml:"channel"` // 1 to 64; the place's records call it so
	Address int    `toml:"address"` // its number at the gateway, 1 to 64. Default channel
}

// Gateway is one gateway of wireless locks.
type Gateway struct {
	Name string `toml:"name"`
	// Port is a serial port, "/dev/ttyUSB0", or "tcp:HOST:PORT". On a simulated board
	// "sim" is a simulated gateway.
	Port     string `toml:"port"`
	Speed    int    `toml:"speed"`    // of a serial port, bits per second, default 115200
	Protocol string `toml:"protocol"` // default doord
	// KeyFile holds the key that the gateway shares, 64 hex digits. TCP needs one.
	KeyFile string `toml:"key_file"`
}

// TCP returns the address of a gateway on the network.
func (g *Gateway) TCP() (address string, ok bool) { return strings.CutPrefix(g.Port, "tcp:") }

// Bus is one RS-485 line with OSDP readers.
type Bus struct {
	Name string `toml:"name"`
	// Port is the serial port, "/dev/ttyAMA2". On a simulated board "sim" is a
	// simulated line with simulated readers.
	Port  string `toml:"port"`
	Speed int    `toml:"speed"` // bits per second that the readers have, default 9600
	// RS485 lets the driver switch the line's direction: auto (default; where the
	// driver can), or off (the adapter or the device tree does it).
	RS485 RS485 `toml:"rs485"`
	// Formats that its readers send, one for each length. Default H10301.
	Formats []string `toml:"formats"`
}

// RS485 is who switches the direction of a serial line.
type RS485 string

// The ways of switching.
const (
	RS485Auto RS485 = "auto"
	RS485Off  RS485 = "off"
)

// Input is one input.
type Input struct {
	Name    string   `toml:"name"`
	Channel int      `toml:"channel"` // 1 to 14
	Line    Line     `toml:"line"`
	Kind    rex.Kind `toml:"kind"`  // rex, contact, tamper, fire, alarm_panel, passage or loop
	Doors   []string `toml:"doors"` // that it belongs to; a fire input serves all

	// Releases (of a rex) unlocks its doors whatever the policy says. Default true.
	Releases *bool `toml:"releases"`
	// For is how long at least the doors stay released after the button is let
	// go, 0.5s to 10m. Default 5s; a sensor that releases a maglock wants 30s.
	For Duration `toml:"for"`

	Normally   rex.Normally `toml:"normally"`    // open or closed; default closed for contact, tamper and fire
	Debounce   Duration     `toml:"debounce"`    // 1ms to 200ms, default 30ms
	ClosedHigh bool         `toml:"closed_high"` // the line is high while the loop is closed
	Pull       Pull         `toml:"pull"`        // up (default; down if closed_high), down or none: the board has its own

	// ADC measures the loop, in place of Line, so that it can be supervised.
	ADC ADC `toml:"adc"`
	// Reference is the voltage behind the pull-up in mV, 500 to 24000. Default 3300.
	Reference int `toml:"reference"`
	PullUp    int `toml:"pull_up"` // ohm, required with ADC

	EndOfLine      rex.EndOfLine `toml:"end_of_line"`     // none (default), cut_detect, short_detect or cut_and_short_detect
	MainResistor   int           `toml:"main_resistor"`   // ohm
	SecondResistor int           `toml:"second_resistor"` // ohm
	Tolerance      int           `toml:"tolerance"`       // percent of all resistors, default 5
	Cable          int           `toml:"cable"`           // ohm of both wires together at most, default 50

	// Reader and ReaderInput say that it is an input of an OSDP reader and not of
	// the board: a contact or a tamper, never what lets people out.
	Reader      string `toml:"reader"`
	ReaderInput int    `toml:"reader_input"` // from 0
}

// Reader is one reader.
type Reader struct {
	Name string `toml:"name"`
	Port string `toml:"port"` // wiegand:1 to wiegand:4, or osdp:ADDRESS with a bus
	Door string `toml:"door"`

	// Of an OSDP reader.
	Bus string `toml:"bus"` // the bus that it is on
	// Secure pins the secure channel: the reader is never believed in clear.
	// Default true; false is for a reader that has none.
	Secure *bool `toml:"secure"`
	// Tap has phones sign at the reader, in transparent mode. Default false: some
	// readers report no cards any more in that mode.
	Tap bool `toml:"tap"`

	// Of a Wiegand reader.

	D0   Line `toml:"d0"`
	D1   Line `toml:"d1"`
	Pull Pull `toml:"pull"` // of d0 and d1: up (default), down or none
	// Formats that the reader sends, one for each length. Default H10301.
	Formats     []string       `toml:"formats"`
	Keypad      wiegand.Keypad `toml:"keypad"` // 4-bit, 6-bit, 8-bit or 26-bit; default none
	PINFacility uint16         `toml:"pin_facility"`
	EndOfFrame  Duration       `toml:"end_of_frame"` // 21ms to 100ms, default 25ms

	LED    Line  `toml:"led"`    // shows granted and released
	Buzzer Line  `toml:"buzzer"` // sounds denied, warning and alarm
	Active Level `toml:"active"` // of LED and buzzer: high or low (default)
}

// OSDP reports whether the reader is on a bus.
func (r *Reader) OSDP() bool { return strings.HasPrefix(r.Port, "osdp:") }

// Address returns the address of an OSDP reader.
func (r *Reader) Address() byte {
	n, err := strconv.ParseUint(strings.TrimPrefix(r.Port, "osdp:"), 10, 7)
	if err != nil {
		return osdp.ConfigAddr // Validate refuses it
	}
	return byte(n)
}

// Duration is a time.Duration in words.
type Duration time.Duration

// UnmarshalText reads "30ms".
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration such as 30ms or 5s", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes "30ms".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Load reads and validates a file. The error names the file, and line and column
// where there are any.
func Load(file string) (*Config, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("board config: %w", err)
	}
	c, err := Parse(data)
	if err != nil {
		return nil, located(file, err)
	}
	return c, nil
}

// Parse reads and validates a configuration.
func Parse(data []byte) (*Config, error) {
	c := &Config{}
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(c); err != nil {
		return nil, err
	}
	c.defaults()
	if problems := c.Validate(); len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

// Problems is everything wrong with a configuration at once.
type Problems []string

func (p Problems) Error() string { return strings.Join(p, "\n") }

// located puts the file, line and column before each thing that is wrong.
func located(file string, err error) error {
	var lines []string
	var strict *toml.StrictMissingError
	var syntax *toml.DecodeError
	var problems Problems
	switch {
	case errors.As(err, &strict):
		for _, e := range strict.Errors {
			row, column := e.Position()
			lines = append(lines, fmt.Sprintf("%s:%d:%d: unknown key %s", file, row, column, strings.Join(e.Key(), ".")))
		}
	case errors.As(err, &syntax):
		row, column := syntax.Position()
		lines = []string{fmt.Sprintf("%s:%d:%d: %s", file, row, column, strings.TrimPrefix(syntax.Error(), "toml: "))}
	case errors.As(err, &problems):
		for _, p := range problems {
			lines = append(lines, file+": "+p)
		}
	default:
		return fmt.Errorf("%s: %w", file, err)
	}
	return errors.New(strings.Join(lines, "\n"))
}

func (c *Config) defaults() {
	set(&c.StateDir, "/var/lib/doord")
	set(&c.Audit, AuditFast)
	set(&c.MaxEvents, 100_000)
	set(&c.API.Socket, "/run/doord/doord.sock")
	for i := range c.Relay {
		set(&c.Relay[i].Active, High)
	}
	for i := range c.Doors {
		d := &c.Doors[i]
		set(&d.Lock, relay.ElectricStrike)
		set(&d.Contact, relay.NO)
		if d.Lock == relay.Magnetic {
			set(&d.FailMode, relay.FailSafe)
		}
		if d.Lock == relay.Wireless {
			set(&d.FailMode, relay.FailSecure)
			set(&d.Address, d.Channel)
		}
	}
	for i := range c.Input {
		in := &c.Input[i]
		set(&in.Debounce, Duration(rex.DefaultDebounce))
		if in.ADC != "" {
			set(&in.Reference, 3300)
		}
		if in.ClosedHigh {
			set(&in.Pull, PullDown)
		}
		set(&in.Pull, PullUp)
		if in.Kind == rex.REX {
			set(&in.For, Duration(5*time.Second))
			if in.Releases == nil {
				yes := true
				in.Releases = &yes
			}
		}
	}
	for i := range c.Buses {
		b := &c.Buses[i]
		set(&b.Speed, osdp.DefaultBaud)
		set(&b.RS485, RS485Auto)
		if b.Formats == nil {
			b.Formats = []string{"H10301"}
		}
	}
	for i := range c.Gateways {
		set(&c.Gateways[i].Speed, 115200)
		set(&c.Gateways[i].Protocol, "doord")
	}
	for i := range c.Readers {
		r := &c.Readers[i]
		if r.OSDP() {
			yes := true
			set(&r.Secure, &yes)
			continue
		}
		set(&r.Active, Low)
		set(&r.Pull, PullUp)
		set(&r.EndOfFrame, Duration(wiegand.DefaultEndOfFrame))
		if r.Formats == nil {
			r.Formats = []string{"H10301"}
		}
	}
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
