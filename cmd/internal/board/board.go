package board

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"doord/cmd/internal/config"
	"doord/policy"
	"doord/reader/osdp"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/relay/gateway"
	"doord/rex"
)

// kernelDebounce keeps a chattering contact from flooding its queue; the debounce
// that the configuration asks for is up to rex. REX and fire do without: the
// kernel waits for a stable level, and a worn button may never have one.
const kernelDebounce = time.Millisecond

// kernel is what the board needs of the kernel. Tests have one of their own.
type kernel interface {
	chips() ([]chip, error)
	request(path string, r request) (lines, error)
	holder(path string, offset uint32) (string, error)
}

type linux struct{}

func (linux) chips() ([]chip, error)                            { return findChips() }
func (linux) request(path string, r request) (lines, error)     { return requestLines(path, r) }
func (linux) holder(path string, offset uint32) (string, error) { return holder(path, offset) }

// Board is the open board. Every method may be called from any goroutine.
type Board struct {
	relays  lines
	egress  *inputs
	others  *inputs
	readers []*port
	panels  []*panel
	buses   []*Serial
	meters  [2]*meters // egress, others
	radios  []radio
	open    []lines // all of them
}

// Open requests all lines of a valid configuration, the relays first: they are
// in the safe state from then on. The error names every line that is not to be
// had: where it is, who has it and what to do.
func Open(c *config.Config) (*Board, error) { return open(c, linux{}) }

func open(c *config.Config, k kernel) (*Board, error) {
	r, err := newRequester(k)
	if err != nil {
		return nil, err
	}
	b := &Board{
		relays: r.relays(c),
		egress: r.inputs(c, c.Egress(), 0),
		others: r.inputs(c, c.Others(), kernelDebounce),
	}
	for i := range c.Readers {
		b.readers = append(b.readers, r.reader(&c.Readers[i]))
		b.panels = append(b.panels, r.panel(&c.Readers[i]))
	}
	for _, bus := range c.Buses {
		b.buses = append(b.buses, NewSerial(bus))
	}
	for _, g := range c.Gateways {
		if address, ok := g.TCP(); ok {
			b.radios = append(b.radios, NewTCP(address))
		} else {
			b.radios = append(b.radios, NewSerial(config.Bus{Name: g.Name, Port: g.Port, Speed: g.Speed, RS485: config.RS485Off}))
		}
	}
	for i, bank := range []config.Bank{c.MeasuredEgress(), c.MeasuredOthers()} {
		m, errs := openMeters(devices, c, bank)
		b.meters[i] = m
		r.errs = append(r.errs, errs...)
	}
	b.open = r.opened
	if len(r.errs) > 0 {
		b.Close()
		return nil, errors.Join(r.errs...)
	}
	return b, nil
}

// SafeState puts the relays of a board that no daemon serves into the safe state.
func SafeState(c *config.Config) error { return safeState(c, linux{}) }

func safeState(c *config.Config, k kernel) error {
	r, err := newRequester(k)
	if err != nil {
		return err
	}
	relays := r.relays(c)
	if relays == nil {
		return errors.Join(r.errs...)
	}
	return errors.Join(relay.MakeSafe(c.Relays(), relays), relays.Close())
}

// Check looks whether all lines of a configuration are to be had, and touches
// none: it may be called while a daemon serves them.
func Check(c *config.Config) error { return check(c, linux{}) }

func check(c *config.Config, k kernel) error {
	b, err := open(c, looker{k})
	if err == nil {
		b.Close()
	}
	return err
}

// looker is a kernel that only looks. The daemon's own lines count as free.
type looker struct{ kernel }

func (k looker) holder(path string, offset uint32) (string, error) {
	who, err := k.kernel.holder(path, offset)
	if who == consumer {
		who = ""
	}
	return who, err
}

func (k looker) request(path string, r request) (lines, error) {
	if _, err := r.uapi(); err != nil {
		return nil, err
	}
	for _, offset := range r.offsets {
		who, err := k.holder(path, offset)
		switch {
		case err != nil:
			return nil, err
		case who != "":
			return nil, unix.EBUSY
		}
	}
	return nothing{}, nil
}

// nothing is the lines that a looker has.
type nothing struct{ lines }

func (nothing) Close() error { return nil }

// Relays returns the lines of the relays, in the order of the configuration.
func (b *Board) Relays() relay.Lines { return b.relays }

// Egress returns the lines of the REX and fire inputs, or nil if there are none.
func (b *Board) Egress() rex.Lines { return orNil(b.egress) }

// Others returns the lines of all other inputs, or nil if there are none.
func (b *Board) Others() rex.Lines { return orNil(b.others) }

// MeasuredEgress returns the meters of the REX and fire inputs that are measured, or
// nil if there are none.
func (b *Board) MeasuredEgress() rex.Meters { return metersOrNil(b.meters[0]) }

// MeasuredOthers returns the meters of all other inputs that are measured, or nil.
func (b *Board) MeasuredOthers() rex.Meters { return metersOrNil(b.meters[1]) }

func metersOrNil(m *meters) rex.Meters {
	if m == nil {
		return nil
	}
	return m
}

func orNil(in *inputs) rex.Lines {
	if in == nil {
		return nil
	}
	return in
}

// Wiegand returns the edges of each reader, in the order of the configuration:
// nil for a reader that is on a bus.
func (b *Board) Wiegand() []wiegand.Edges {
	list := make([]wiegand.Edges, len(b.readers))
	for i, p := range b.readers {
		if p != nil {
			list[i] = p
		}
	}
	return list
}

// Buses returns the serial ports, in the order of the configuration. A port that
// is missing is no error here: its bus looks for it again and again.
func (b *Board) Buses() []osdp.Line {
	list := make([]osdp.Line, len(b.buses))
	for i, s := range b.buses {
		list[i] = s
	}
	return list
}

// radio is the line of a gateway.
type radio interface {
	gateway.Line
	Close() error
}

// Gateways returns the lines of the gateways, in the order of the configuration. One
// that is missing is no error here: it is looked for again and again.
func (b *Board) Gateways() []gateway.Line {
	list := make([]gateway.Line, len(b.radios))
	for i, r := range b.radios {
		list[i] = r
	}
	return list
}

// Show lets a reader show something with the LED and, unless it is to be silent,
// the buzzer that are wired to it, if any. It does not wait.
func (b *Board) Show(reader int, f policy.Feedback, sound bool) {
	if p := b.panels[reader]; p != nil {
		p.show(f, sound)
	}
}

// Close ends every Read and lets go of all lines; the relays should be safe
// before. It may be called again.
func (b *Board) Close() {
	for _, p := range b.panels {
		if p != nil {
			p.stop()
		}
	}
	for _, m := range b.meters {
		m.Close()
	}
	for _, r := range b.radios {
		_ = r.Close() // a line that has gone
	}
	for _, s := range b.buses {
		_ = s.Close() // a port that has gone
	}
	for _, l := range b.open {
		_ = l.Close() // fails only when closed already
	}
}
