package daemon

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"doord/cmd/internal/api"
	"doord/cmd/internal/config"
	"doord/policy"
	"doord/policy/controller"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/rex"
	"doord/sim"
	"doord/sim/board"
	"doord/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The relays of the board in testdata.
const (
	front = relay.Channel(1) // a fail-secure strike
	lab   = relay.Channel(2) // a maglock
	shed  = relay.Channel(3) // a fail-safe strike
)

// rig is a daemon on a simulated board with real files, in a synctest bubble:
// time stands still until a test lets it pass.
type rig struct {
	rapid.TB // of a test, a benchmark or a property
	dir      string
	config   *config.Config
	board    *board.Board
	policy   *store.Policy
	journal  *store.Journal
	files    Files // that the daemon gets
	daemon   *Daemon
	server   Server

	began  time.Time // of the board's clock
	mark   uint64    // events up to here were seen
	cancel context.CancelFunc
	ended  chan struct{}
	wedge  *wedged // its log, if that blocks
}

// newRig starts a daemon with the place of testdata in force and lets its inputs
// settle. What change does to the options is what the daemon runs on.
func newRig(t testing.TB, change ...func(*rig, *Options)) *rig {
	t.Helper()
	r := &rig{TB: t, dir: t.TempDir()}
	r.seed(place(t))
	r.start(change...)
	t.Cleanup(r.stop)
	return r
}

// seed puts records into a cache that no daemon uses.
func (r *rig) seed(records *policy.Records) {
	r.Helper()
	p, err := store.OpenPolicy(r.dir, store.Options{})
	if err != nil {
		r.Fatal(err)
	}
	if _, err := p.Replace(records); err != nil {
		r.Fatal(err)
	}
	if err := p.Close(); err != nil {
		r.Fatal(err)
	}
}

func boardConfig(t rapid.TB) *config.Config {
	t.Helper()
	c, err := config.Load("testdata/board.toml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func place(t rapid.TB) *policy.Records {
	t.Helper()
	data, err := os.ReadFile("testdata/place.json")
	if err != nil {
		t.Fatal(err)
	}
	records, err := policy.ParseRecords(data)
	if err != nil {
		t.Fatal(err)
	}
	return &records
}

func newBoard(c *config.Config) *board.Board {
	return board.New(board.Spec{Relays: c.Relays(), Egress: c.Egress().Inputs, Others: c.Others().Inputs, Wiegand: c.Wiegand(),
		MeasuredEgress: c.MeasuredEgress().Inputs, MeasuredOthers: c.MeasuredOthers().Inputs})
}

func hardware(c *config.Config, b *board.Board) Hardware {
	h := Hardware{Relays: b.Relays(), Egress: b.Egress(), Others: b.Others(), MeasuredEgress: b.MeasuredEgress(), MeasuredOthers: b.MeasuredOthers(), Show: b.Show, Now: b.Now, Close: b.Close}
	for i := range c.Readers {
		h.Wiegand = append(h.Wiegand, b.Wiegand(i))
	}
	return h
}

// start opens the files and runs a daemon on a new board.
func (r *rig) start(change ...func(*rig, *Options)) {
	r.Helper()
	r.config = boardConfig(r)
	r.config.StateDir = r.dir
	var err error
	if r.policy, err = store.OpenPolicy(r.dir, store.Options{}); err != nil {
		r.Fatal(err)
	}
	if r.journal, err = store.OpenJournal(r.dir, store.Options{BootID: "boot"}); err != nil {
		r.Fatal(err)
	}
	r.files = Files{Policy: r.policy, Journal: r.journal}
	r.mark = r.journal.Head().Sequence
	r.began, r.board = time.Now(), newBoard(r.config)
	o := Options{Config: r.config, Hardware: hardware(r.config, r.board),
		Open:    func() (Files, error) { return r.files, nil },
		WallSet: func() bool { return true }, Log: slog.New(slog.DiscardHandler), Build: "test"}
	for _, f := range change {
		f(r, &o)
	}
	if r.daemon, err = New(o); err != nil {
		r.Fatal(err)
	}
	r.server = Server{r.daemon}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.ended = cancel, make(chan struct{})
	go func() {
		defer close(r.ended)
		if err := r.daemon.Run(ctx); err != nil {
			r.Error(err)
		}
	}()
	r.pass(100 * time.Millisecond)
}

// stop ends the daemon as SIGTERM does, and closes the files.
func (r *rig) stop() {
	r.Helper()
	if r.cancel == nil {
		return
	}
	r.cancel()
	r.cancel = nil
	<-r.ended
	if err := r.policy.Close(); err != nil {
		r.Error(err)
	}
	if err := r.journal.Close(); err != nil {
		r.Error(err)
	}
}

// restart ends the daemon and starts it again.
func (r *rig) restart(change ...func(*rig, *Options)) {
	r.Helper()
	r.stop()
	r.start(change...)
}

// pass lets virtual time pass, and everything happen that is due in it.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// bits are the frame of a card.
func bits(t rapid.TB, facility, number uint64) wiegand.Bits {
	t.Helper()
	b, err := wiegand.Encode("H10301", policy.Token{Class: policy.TokenNumber, Facility: facility, Number: number})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// silence ends a frame of 26 bits: five intervals.
const silence = 5 * time.Millisecond

// send starts the pulses of a card and returns when the last of them falls; tap
// also waits until it was read.
func (r *rig) send(reader string, facility, number uint64) (end time.Duration) {
	r.Helper()
	end, err := r.board.Present(r.reader(reader), bits(r, facility, number), wiegand.Shape{}, 0)
	if err != nil {
		r.Fatal(err)
	}
	return end
}

func (r *rig) tap(reader string, facility, number uint64) {
	r.Helper()
	r.pass(r.send(reader, facility, number) + silence - r.board.Now())
}

func (r *rig) reader(name string) int {
	return slices.IndexFunc(r.config.Readers, func(x config.Reader) bool { return x.Name == name })
}

// set brings an input into its active or inactive state; settle also waits for
// its debounce.
func (r *rig) set(name string, active bool) {
	r.Helper()
	at := slices.IndexFunc(r.config.Input, func(in config.Input) bool { return in.Name == name })
	bank, where := board.Egress, r.config.Egress()
	if !slices.Contains(where.Index, at) {
		bank, where = board.Others, r.config.Others()
	}
	i := slices.Index(where.Index, at)
	for _, s := range []rex.State{rex.Open, rex.Closed} {
		if where.Inputs[i].Active(s) == active {
			r.board.SetInput(bank, i, s)
		}
	}
}

func (r *rig) settle(name string, active bool) {
	r.Helper()
	r.set(name, active)
	r.pass(rex.DefaultDebounce)
}

// want checks which locks let people through.
func (r *rig) want(released ...relay.Channel) {
	r.Helper()
	for _, c := range []relay.Channel{front, lab, shed} {
		if got, want := r.board.Released(c), slices.Contains(released, c); got != want {
			r.Errorf("%v: %s is released: %t, not %t", r.board.Now(), c, got, want)
		}
	}
}

// events returns what was recorded since the last call, a line each.
func (r *rig) events() []string {
	r.Helper()
	var lines []string
	for _, e := range r.records() {
		lines = append(lines, sim.Line(e.Event))
	}
	return lines
}

func (r *rig) records() []store.Record {
	r.Helper()
	if err := r.journal.Sync(context.Background()); err != nil {
		r.Fatal(err)
	}
	list, err := r.journal.Since(r.mark, 10_000)
	if err != nil {
		r.Fatal(err)
	}
	if len(list) > 0 {
		r.mark = list[len(list)-1].Sequence
	}
	return list
}

// happened checks that events were recorded that begin with each of the lines, in
// their order, others among them or not.
func (r *rig) happened(lines ...string) {
	r.Helper()
	events := r.events()
	at := 0
	for _, line := range lines {
		for at < len(events) && !strings.HasPrefix(events[at], line) {
			at++
		}
		if at == len(events) {
			r.Fatalf("no %q, or not in its place, in:\n%s", line, strings.Join(events, "\n"))
		}
		at++
	}
}

// faults returns what the status says is wrong.
func (r *rig) faults() []string {
	r.Helper()
	st, err := r.server.Status(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	var list []string
	for _, f := range st.Faults {
		if f.Hint == "" {
			r.Errorf("the fault %q does not say what to do", f.What)
		}
		list = append(list, f.What)
	}
	return list
}

// faulty checks that there is a fault that begins with each text, and no other.
func (r *rig) faulty(texts ...string) {
	r.Helper()
	got := r.faults()
	ok := len(got) == len(texts)
	for _, text := range texts {
		ok = ok && slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, text) })
	}
	if !ok {
		r.Errorf("the faults are %q, not %q", got, texts)
	}
}

// command gives a door a technician's command.
func (r *rig) command(door, action string, length time.Duration) api.Result {
	r.Helper()
	result, err := r.server.Command(context.Background(), door, api.Command{Action: action, For: length.Seconds()})
	if err != nil {
		r.Fatal(err)
	}
	synctest.Wait()
	return result
}

// break the core: no reader has this number.
func (r *rig) crash() {
	r.daemon.work <- message{in: controller.Presented{Reader: 99}}
	synctest.Wait()
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// copyOf returns records that can be changed.
func copyOf(t rapid.TB, r *policy.Records) *policy.Records {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.ParseRecords(data)
	if err != nil {
		t.Fatal(err)
	}
	return &c
}
