package daemon

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"doord/cmd/internal/api"
	"doord/cmd/internal/config"
	"doord/policy"
	"doord/policy/controller"
	"doord/reader/osdp"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/relay/gateway"
	"doord/rex"
	"doord/store"
	"doord/store/cloudsync"
)

// Hardware is a board, real or simulated.
type Hardware struct {
	Relays relay.Lines // in the order of Config.Relays
	Egress rex.Lines   // REX and fire inputs: Config.Egress
	Others rex.Lines   // all other inputs: Config.Others
	// MeasuredEgress and MeasuredOthers are the same for the inputs that are measured:
	// Config.MeasuredEgress and Config.MeasuredOthers. Nil if there are none.
	MeasuredEgress, MeasuredOthers rex.Meters

	Wiegand  []wiegand.Edges // in the order of Config.Readers; nil for an OSDP reader
	Buses    []osdp.Line     // in the order of Config.Buses
	Gateways []gateway.Line  // in the order of Config.Gateways
	// Show lets a reader show something, with its buzzer or without. It must not block.
	Show func(reader int, f policy.Feedback, sound bool)
	// Now is the monotonic clock since boot, the one that stamps the edges.
	Now func() time.Duration
	// Close ends every Read.
	Close func()
}

// Files are what a daemon has on the disk.
type Files struct {
	Policy  *store.Policy  // nil: it cannot be read, and doors serve without
	Journal *store.Journal // nil: it cannot be written
	Faults  []api.Fault    // found when they were opened
}

// Options are what a daemon runs on.
type Options struct {
	Config   *config.Config
	Hardware Hardware
	// Open opens the files. However long the disk takes for that, the way out is
	// served. With an error it ends Run, and what it opened is still to be closed.
	Open func() (Files, error)
	// WallSet reports whether the wall clock is trusted.
	WallSet func() bool
	// Beat is called after every round of the loop, for a watchdog. May be nil.
	Beat  func()
	Log   *slog.Logger
	Build string
	// Dial connects to the place service; nil: by the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Daemon is a running controller.
type Daemon struct {
	Options
	Files   // once they are open
	board   controller.Board
	wirings []relay.Wiring

	buses  []*bus
	radios []*radio
	radio  []*radio // of each door; nil for one with relays
	cloud  *cloudsync.Client

	rebooting chan struct{} // somebody asks for a new start

	egress chan controller.Input // REX and fire, served first
	work   chan message
	synced chan error    // a strict journal's answer
	up     chan struct{} // closed once the first core is there
	begun  chan struct{} // closed once the cached policy is in force, or cannot be
	said   chan said     // for the log
	ended  chan struct{}

	// Owned by the loop.
	core     *controller.Controller
	set      *policy.Set // to be in force, also while the core is down
	driver   *relay.Driver
	unset    bool   // the relays could not be set
	durable  []byte // what was last saved
	fallback *fallback
	opening  bool // the files are not open yet: there can be no core
	shown    []shown
	told     []gateway.Want                // of each door's wireless lock, the last want
	heard    []controller.WirelessReported // the last of each door's wireless lock; at one without, of none
	lines    []controller.Changed          // the last change of each input
	broken   map[relay.Channel]bool
	pulses   map[int]time.Duration // until when a relay is on for a test, by channel
	changes  []uint64              // of each input
	reads    []reads               // of each reader
	crash    crash
	audit    audit

	egressDown atomic.Bool        // nobody reads the REX and fire inputs
	unreadable atomic.Uint32      // the same for single inputs that are measured: a bit each
	failSafe   controller.Outputs // the relays of doors that nothing may hold locked then

	mu       sync.Mutex
	faults   map[string]string // what → hint
	renewed  chan struct{}     // closed when a policy comes into force
	revision uint64
	loading  sync.Mutex // one policy load at a time
}

// message is something for the loop to do, and where to answer.
type message struct {
	in    controller.Input
	until time.Duration // of the board's clock: after that the input is dropped; 0: it is not
	query func(*controller.Controller)
	first func() // before the core steps
	reply chan<- answer
	turn  *atomic.Bool // set by the loop when it begins, or by who asked when he leaves; nil: nobody leaves
}

// reads counts what a reader delivered.
type reads struct{ good, bad uint64 }

// shown is what a reader shows, and whether it may be heard.
type shown struct {
	feedback policy.Feedback
	sound    bool
}

// mine takes the turn, unless the other side has it.
func (m *message) mine() bool { return m.turn == nil || m.turn.CompareAndSwap(false, true) }

// late reports whether the time of a message is over: who asked may not have had the
// chance to leave.
func (m *message) late(up time.Duration) bool { return m.until != 0 && up > m.until }

// errTooLate is the answer to what waited too long for the loop.
var errTooLate = errors.New("it came too late and was not carried out")

// answer is what came of a message.
type answer struct {
	events []policy.Event
	err    error
}

// said is a line for the log.
type said struct {
	what string
	args []any
}

// maxSaid is how many lines may wait for a log that is slow.
const maxSaid = 64

var errEnding = &api.Error{Status: http.StatusServiceUnavailable, Text: "the daemon is ending"}

// New makes a daemon. Its relays become safe at once.
func New(o Options) (*Daemon, error) {
	d := &Daemon{
		Options: o,
		board:   o.Config.Board(),
		wirings: o.Config.Relays(),
		egress:  make(chan controller.Input, 64),
		work:    make(chan message, 64),
		synced:  make(chan error, 1),
		up:      make(chan struct{}),
		begun:   make(chan struct{}),
		said:    make(chan said, maxSaid),
		ended:   make(chan struct{}),
		shown:   make([]shown, len(o.Config.Readers)),
		lines:   make([]controller.Changed, len(o.Config.Input)),
		broken:  map[relay.Channel]bool{},
		pulses:  map[int]time.Duration{},
		changes: make([]uint64, len(o.Config.Input)),
		reads:   make([]reads, len(o.Config.Readers)),
		faults:  map[string]string{},
		renewed: make(chan struct{}),
		opening: true,
		crash:   crash{down: true}, // until there is a core

		rebooting: make(chan struct{}, 1),
	}
	if err := relay.MakeSafe(d.wirings, o.Hardware.Relays); err != nil {
		d.fault(fmt.Sprintf("relays: %v", err), "check the relay board and its wiring")
	}
	var err error
	if d.driver, err = relay.New(d.wirings, o.Hardware.Relays); err != nil {
		return nil, err
	}
	d.board.Secret = make([]byte, 32)
	_, _ = rand.Read(d.board.Secret) // crypto/rand does not fail: it ends the program first
	for i := range d.shown {
		d.shown[i].feedback = -1 // nothing yet
	}
	for _, b := range d.board.Doors {
		for _, channel := range b.Relays {
			if b.FailSafe {
				d.failSafe |= 1 << (channel - 1)
			}
		}
	}
	for _, channel := range d.board.Stops {
		d.failSafe |= 1 << (channel - 1) // fire could not give the elevator back
	}
	for _, i := range o.Config.MeasuredEgress().Index {
		d.unreadable.Or(1 << i)
	}
	d.fallback = newFallback(d.board)
	d.egressDown.Store(len(o.Config.Egress().Inputs) > 0) // until they are read
	d.core = controller.New(d.board, controller.State{})
	return d, d.newRadios()
}

// open opens the files and then lets a core take over from the fallback. If the
// context ends first the files never open: the process is at its end.
func (d *Daemon) open(ctx context.Context) error {
	var err error
	opened := make(chan func(), 1)
	go func() {
		files, failed := d.Open()
		opened <- func() { d.Files, err = files, failed }
	}()
	select {
	case take := <-opened:
		take()
	case <-ctx.Done():
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range d.Faults {
		d.fault(f.What, f.Hint)
	}
	if d.Journal != nil {
		d.durable = d.Journal.State()
		d.audit.sync = d.Journal.Sync
	}
	d.newCloud()
	if err := d.newBuses(); err != nil {
		return err
	}
	_, _ = d.ask(ctx, message{first: func() { d.opening = false }}) // at the end of the daemon there is nothing to wait for
	select {
	case <-d.up:
	case <-ctx.Done():
	}
	return nil
}

func (d *Daemon) newBuses() error {
	if len(d.Config.Buses) == 0 {
		return nil
	}
	keys, err := openKeyring(d.Config.StateDir)
	if err != nil {
		d.fault(err.Error(), "mend or remove the file; readers whose keys are lost must be commissioned again")
	}
	for i, c := range d.Config.Buses {
		b, err := newBus(d, c, d.Hardware.Buses[i], keys)
		if err != nil {
			return err
		}
		d.buses = append(d.buses, b)
	}
	return nil
}

// Begun is closed once the files are open and doors are served by what is in them.
// Before that there is nothing that a Server could answer from.
func (d *Daemon) Begun() <-chan struct{} { return d.begun }

// remembered returns the durable state, as of the last run or the last core.
func (d *Daemon) remembered() controller.State {
	var s controller.State
	if len(d.durable) == 0 {
		return s
	}
	if err := json.Unmarshal(d.durable, &s); err != nil {
		d.say("the saved state is unreadable: doors begin anew", "err", err)
		return controller.State{}
	}
	return s.Resumed(d.Hardware.Now())
}

// Run serves until the context ends, and then leaves the relays safe and the
// journal on the disk. Its error is that of Open, or a bus that cannot be.
func (d *Daemon) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failed error
	var wg sync.WaitGroup
	over, logged := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(logged)
		d.runLog(over)
	}()
	wg.Go(func() { d.runEgress(ctx) })
	wg.Go(func() { d.runMeasured(ctx, true) })
	var radios sync.WaitGroup
	for _, r := range d.radios {
		radios.Go(func() { r.run(ctx) })
	}
	wg.Go(func() {
		if failed = d.open(ctx); failed != nil || ctx.Err() != nil {
			cancel()
			return
		}
		wg.Go(func() { d.runOthers(ctx) })
		wg.Go(func() { d.runMeasured(ctx, false) })
		for i, edges := range d.Hardware.Wiegand {
			if edges != nil {
				wg.Go(func() { d.runReader(ctx, i) })
			}
		}
		for _, b := range d.buses {
			wg.Go(func() { b.run(ctx) })
		}
		wg.Go(func() { d.runCloud(ctx) })
		d.begin(ctx)
	})
	wg.Go(func() { d.endWhenAsked(ctx, cancel) })
	wg.Go(func() {
		defer close(d.ended)
		d.loop(ctx)
	})
	<-d.ended
	if err := relay.MakeSafe(d.wirings, d.Hardware.Relays); err != nil {
		d.Log.Error("relays may not be safe", "err", err)
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		radios.Wait()
	}()
	select {
	case <-told: // wireless locks are locked, too
	case <-time.After(time.Second): // a line that hangs
	}
	d.Hardware.Close()
	<-told
	cancel()
	wg.Wait()
	close(over)
	select {
	case <-logged:
	case <-time.After(time.Second): // nobody takes the lines
	}
	return failed
}

// runLog writes what is said to the log, until it is over and all is written.
func (d *Daemon) runLog(over <-chan struct{}) {
	for {
		select {
		case l := <-d.said:
			d.Log.Error(l.what, l.args...)
			continue
		default:
		}
		select {
		case l := <-d.said:
			d.Log.Error(l.what, l.args...)
		case <-over:
			return
		}
	}
}

// say logs without waiting: a log can block, and the loop must not. Of what it
// then drops, what needs a person is among the faults.
func (d *Daemon) say(what string, args ...any) {
	select {
	case d.said <- said{what, args}:
	default:
	}
}

// checkAfter is when the whole policy cache is read for damage: not while the
// first people stand before the doors.
const checkAfter = time.Minute

// begin tells the journal of the start and puts the cached policy into force,
// while the way out is served already.
func (d *Daemon) begin(ctx context.Context) {
	d.beginPolicy(ctx)
	close(d.begun)
	if d.Policy == nil {
		return
	}
	select {
	case <-time.After(checkAfter):
	case <-ctx.Done():
		return
	}
	if err := d.Policy.Check(ctx); err != nil && ctx.Err() == nil {
		d.fault(fmt.Sprintf("policy: %v", err), "load the policy again: doorctl policy load FILE")
		d.note(ctx, policy.Event{Type: policy.ControllerFault, Detail: err.Error()})
	}
}

func (d *Daemon) beginPolicy(ctx context.Context) {
	d.note(ctx, policy.Event{Type: policy.ControllerReboot, Success: true, Detail: d.Build})
	if d.Journal != nil {
		d.noteOpened(ctx, d.Journal.Opened(), "the events in it are in no other place: keep the file for the maker")
	}
	if d.Policy == nil {
		return
	}
	d.noteOpened(ctx, d.Policy.Opened(), "load the policy again, and keep the file for the maker")
	d.loading.Lock()
	defer d.loading.Unlock()
	if err := d.usePolicy(ctx); err != nil && ctx.Err() == nil {
		d.fault(fmt.Sprintf("policy: %v", err), "load the policy again: doorctl policy load FILE")
	}
}

// noteOpened makes an event of a file that was set aside.
func (d *Daemon) noteOpened(ctx context.Context, o store.Opened, hint string) {
	if o.Quarantined == "" {
		return
	}
	d.fault(fmt.Sprintf("%v: set aside as %s", o.Cause, o.Quarantined), hint)
	d.note(ctx, policy.Event{Type: policy.ControllerFault, Detail: "quarantined " + o.Quarantined})
}

func (d *Daemon) note(ctx context.Context, e policy.Event) {
	_, _ = d.send(ctx, controller.Noted{Event: e}) // at the end of the daemon nobody is left to be told
}

// send gives the loop an input and waits for what came of it.
func (d *Daemon) send(ctx context.Context, in controller.Input) ([]policy.Event, error) {
	return d.ask(ctx, message{in: in})
}

// look lets a function look at the core, in the loop. Once look has returned the
// function is not called any more, also if its caller left before its turn.
func (d *Daemon) look(ctx context.Context, f func(*controller.Controller)) error {
	var mu sync.Mutex
	var left bool
	_, err := d.ask(ctx, message{query: func(c *controller.Controller) {
		mu.Lock()
		defer mu.Unlock()
		if !left {
			f(c)
		}
	}})
	mu.Lock()
	defer mu.Unlock()
	left = true
	return err
}

// ask has the loop do something, and waits for what comes of it. What has not begun
// when the context ends is not done any more, however long the loop was held up.
func (d *Daemon) ask(ctx context.Context, m message) ([]policy.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	reply := make(chan answer, 1)
	m.reply, m.turn = reply, new(atomic.Bool)
	if end, ok := ctx.Deadline(); ok {
		m.until = max(1, d.Hardware.Now()+time.Until(end))
	}
	select {
	case d.work <- m:
	case <-d.ended:
		return nil, errEnding
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-reply:
		return a.events, a.err
	case <-d.ended:
		return nil, errEnding
	case <-ctx.Done():
		m.mine()
		return nil, ctx.Err()
	}
}

// fault records something that needs a person; without a hint it is over.
func (d *Daemon) fault(what, hint string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if hint == "" {
		delete(d.faults, what)
		return
	}
	if d.faults[what] == "" {
		d.say(what, "do", hint)
	}
	d.faults[what] = hint
}
