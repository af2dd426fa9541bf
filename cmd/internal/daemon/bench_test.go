package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"doord/cmd/internal/config"
	"doord/policy"
	"doord/policy/controller"
	"doord/reader/wiegand"
	"doord/relay"
	"doord/rex"
	"doord/sim/board"
	"doord/store"
)

// Each benchmark measures a floor or another size in the same run: the times are
// the machine's, the ratio is ours. Unlike the tests they run in real time.

// live is a daemon on a simulated board, in real time.
type live struct {
	*testing.B
	board  *board.Board
	config *config.Config
	daemon *Daemon
	moved  chan board.Transition // of the relays
	wakes  *wakes
	stop   func()
}

// wakes are the times at which a driver woke: Go's timers are late by up to a
// millisecond when the program sleeps, and that is not ours.
type wakes struct {
	now func() time.Duration
	mu  sync.Mutex
	at  []time.Duration
}

func (w *wakes) note() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = append(w.at, w.now())
}

// after returns the first wake at or after due, and forgets those before.
func (w *wakes) after(due time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.at) > 1 && w.at[0] < due {
		w.at = w.at[1:]
	}
	return w.at[0]
}

// edges and lines note when they wake their driver.
type edges struct {
	wiegand.Edges
	*wakes
}

func (e edges) Read(buf []wiegand.Edge, wait time.Duration) (int, error) {
	defer e.note()
	return e.Edges.Read(buf, wait)
}

type lines struct {
	rex.Lines
	*wakes
}

func (l lines) Read(buf []rex.Edge, wait time.Duration) (int, error) {
	defer l.note()
	return l.Lines.Read(buf, wait)
}

// run starts a daemon on the files of a directory and returns once its policy is
// in force.
func run(b *testing.B, dir string, change ...func(*live, *Hardware)) *live {
	b.Helper()
	c := boardConfig(b)
	c.StateDir = dir
	for i := range c.Input {
		if c.Input[i].Kind == rex.REX {
			c.Input[i].For = config.Duration(shortest)
		}
	}
	cache, err := store.OpenPolicy(dir, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	journal, err := store.OpenJournal(dir, store.Options{BootID: "boot"})
	if err != nil {
		b.Fatal(err)
	}
	l := &live{B: b, config: c, board: newBoard(c), moved: make(chan board.Transition, 256)}
	l.board.OnRelay(func(t board.Transition) { l.moved <- t })
	l.wakes = &wakes{now: l.board.Now}
	h := hardware(c, l.board)
	for _, f := range change {
		f(l, &h)
	}
	l.daemon, err = New(Options{Config: c, Hardware: h, Open: func() (Files, error) { return Files{Policy: cache, Journal: journal}, nil },
		WallSet: func() bool { return true }, Log: slog.New(slog.DiscardHandler), Build: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.daemon.Run(ctx) }) // its files are open already
	l.stop = func() {
		cancel()
		wg.Wait()
		if err := errors.Join(cache.Close(), journal.Close()); err != nil {
			b.Fatal(err)
		}
	}
	<-l.daemon.begun
	return l
}

// settle waits until every input was seen, so that fail-safe doors are locked.
func (l *live) settle() {
	l.Helper()
	for l.daemon.egressDown.Load() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(2 * rex.DefaultDebounce)
	l.round(nil)
	for len(l.moved) > 0 {
		<-l.moved
	}
}

// round gives the loop an input and waits until it has acted on it.
func (l *live) round(in controller.Input) {
	l.Helper()
	if _, err := l.daemon.send(context.Background(), in); err != nil {
		l.Fatal(err)
	}
}

// released waits for the next release of any lock.
func (l *live) released() board.Transition {
	l.Helper()
	for {
		select {
		case t := <-l.moved:
			if t.On {
				return t
			}
		case <-time.After(10 * time.Second):
			l.Fatalf("no lock was released by %v; the last moves were %v", l.board.Now(), l.board.Transitions())
		}
	}
}

// shortest is the least time that a request to exit releases.
const shortest = 500 * time.Millisecond

// seeded returns a directory whose cache holds the place of testdata, with more
// credentials.
func seeded(b *testing.B, more int) string {
	b.Helper()
	dir := b.TempDir()
	p, err := store.OpenPolicy(dir, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	_, err = p.Replace(filled(b, more))
	if err := errors.Join(err, p.Close()); err != nil {
		b.Fatal(err)
	}
	return dir
}

// filled is the place of testdata with so many more members, each with a card.
func filled(b *testing.B, more int) *policy.Records {
	b.Helper()
	r := place(b)
	for i := range r.InputConnections {
		if r.InputConnections[i].Type == policy.InputREX {
			r.InputConnections[i].Duration = policy.Seconds(shortest.Seconds())
		}
	}
	for i := range int64(more) {
		id := 1000 + i
		r.Members = append(r.Members, policy.Member{ID: id, AccessEnabled: true})
		r.RoleAssignments = append(r.RoleAssignments, policy.RoleAssignment{ID: id, MemberID: id, Role: policy.RoleMember,
			AppliesTo: policy.AppliesTo{Type: "group", ID: 1}})
		r.Credentials = append(r.Credentials, policy.Credential{ID: id, MemberID: id, Kind: policy.KindCard, Format: "H10304",
			Facility: uint64(id >> 16), Card: uint64(id & 0xffff), Status: policy.Activated})
	}
	return r
}

func quantile(times []time.Duration, q float64) float64 {
	slices.Sort(times)
	return float64(times[int(q*float64(len(times)-1))])
}

// report reports p50 and p99 in µs: all of it, from when the driver woke, and
// how many times the floor that is.
func report(b *testing.B, all, ours, floor []time.Duration) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	for _, q := range []float64{.5, .99} {
		b.ReportMetric(quantile(all, q)/1e3, fmt.Sprintf("p%.0f-with-timer-µs", 100*q))
		b.ReportMetric(quantile(ours, q)/1e3, fmt.Sprintf("p%.0f-µs", 100*q))
		b.ReportMetric(quantile(floor, q)/1e3, fmt.Sprintf("p%.0f-floor-µs", 100*q))
		b.ReportMetric(quantile(ours, q)/quantile(floor, q), fmt.Sprintf("x-floor-p%.0f", 100*q))
	}
}

// floor is what no loop can avoid: once awake, to wake another goroutine, and to
// write a relay.
type floor struct {
	board *board.Board
	work  chan relay.Outputs
	moved chan board.Transition
	state relay.Outputs // of the front door
}

func newFloor(b *testing.B) *floor {
	b.Helper()
	c := boardConfig(b)
	f := &floor{board: newBoard(c), work: make(chan relay.Outputs), moved: make(chan board.Transition, 8)}
	f.board.OnRelay(func(t board.Transition) { f.moved <- t })
	driver, err := relay.New(c.Relays(), f.board.Relays())
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for o := range f.work {
			if _, err := driver.Apply(o); err != nil {
				b.Error(err)
			}
		}
	})
	b.Cleanup(func() {
		close(f.work)
		wg.Wait()
	})
	f.work <- 0 // brings the fail-safe doors from their safe state
	f.work <- 0 // the first is done
	for len(f.moved) > 0 {
		<-f.moved
	}
	return f
}

// wait sleeps as long as the driver does, and measures one hop and one Apply.
func (f *floor) wait(d time.Duration) time.Duration {
	<-time.After(d)
	awake := f.board.Now()
	f.state ^= 1
	f.work <- f.state
	return (<-f.moved).At - awake
}

// atLeast runs a benchmark for its time, and on until there are so many rounds: a
// percentile needs its samples.
func atLeast(b *testing.B, rounds int) iter.Seq[int] {
	return func(yield func(int) bool) {
		n := 0
		for ; b.Loop(); n++ {
			if !yield(n) {
				return
			}
		}
		for ; n < rounds && yield(n); n++ {
		}
	}
}

// BenchmarkFrameEndToRelay: from the end of a card's frame to its relay, through
// port, look-up, decision, loop and driver. The frame ends by the clock after its
// last pulse: 5 intervals, and no less than 3 ms. Goal: at most 200 µs.
func BenchmarkFrameEndToRelay(b *testing.B) {
	l := run(b, seeded(b, 0), func(l *live, h *Hardware) { h.Wiegand[0] = edges{h.Wiegand[0], l.wakes} })
	defer l.stop()
	l.settle()
	f := newFloor(b)
	shape := wiegand.Shape{Interval: 200 * time.Microsecond}
	const silence = 3 * time.Millisecond // more than 5 intervals
	card := bits(b, 118, 1603)
	var all, ours, low []time.Duration
	for range atLeast(b, 300) {
		train := shape.Train(card, l.board.Now()+time.Millisecond, nil)
		end := train[len(train)-1].At + silence
		if err := l.board.Inject(0, train...); err != nil {
			b.Fatal(err)
		}
		at := l.released().At
		all, ours = append(all, at-end), append(ours, at-l.wakes.after(end))
		l.round(controller.LockedDown{Door: 0, On: true}) // ends the grant
		l.round(controller.LockedDown{Door: 0})
		low = append(low, f.wait(silence))
	}
	report(b, all, ours, low)
}

// BenchmarkREXToRelay: from the end of a button's debounce to its relay, at rest
// and while policies of 100,000 credentials are read and loaded without a pause.
// Goal: at most 200 µs.
func BenchmarkREXToRelay(b *testing.B) {
	b.Run("at rest", func(b *testing.B) { benchmarkREX(b, 0) })
	b.Run("while 100k credentials are loaded", func(b *testing.B) { benchmarkREX(b, 100_000) })
}

func benchmarkREX(b *testing.B, loaded int) {
	l := run(b, seeded(b, 0), func(l *live, h *Hardware) { h.Egress = lines{h.Egress, l.wakes} })
	defer l.stop()
	l.settle()
	f := newFloor(b)
	loads, end := l.load(loaded)
	where := l.config.Egress()
	var buttons []int
	for i, in := range where.Inputs {
		if in.Kind == rex.REX {
			buttons = append(buttons, i)
		}
	}
	var all, ours, low []time.Duration
	for range atLeast(b, 40) {
		due := map[relay.Channel]time.Duration{}
		for n, i := range buttons { // one after the other: each has its own debounce
			due[relay.Channel(n+1)] = l.board.Now() + rex.DefaultDebounce
			l.board.SetInput(board.Egress, i, rex.Closed)
			time.Sleep(3 * time.Millisecond)
		}
		for range buttons {
			t := l.released()
			end := due[t.Channel]
			all, ours = append(all, t.At-end), append(ours, t.At-l.wakes.after(end))
		}
		for _, i := range buttons {
			l.board.SetInput(board.Egress, i, rex.Open)
		}
		for l.board.Released(front) || l.board.Released(lab) || l.board.Released(shed) {
			low = append(low, f.wait(rex.DefaultDebounce))
		}
	}
	end()
	report(b, all, ours, low)
	if loaded > 0 {
		b.ReportMetric(float64(*loads), "loads")
	}
}

// load reads and loads a policy again and again until it is ended.
func (l *live) load(credentials int) (loads *int, end func()) {
	l.Helper()
	loads = new(int)
	if credentials == 0 {
		return loads, func() {}
	}
	data, err := json.Marshal(filled(l.B, credentials))
	if err != nil {
		l.Fatal(err)
	}
	over := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			records, err := policy.ParseRecords(data)
			if err == nil {
				_, err = l.daemon.LoadPolicy(context.Background(), &records)
			}
			if err != nil {
				l.Error(err)
				return
			}
			*loads++
		}
	})
	return loads, func() {
		close(over)
		wg.Wait()
	}
}

// BenchmarkStart: from nothing to the first decision, with a million credentials
// and with none. Goal: at most 1.2 times.
func BenchmarkStart(b *testing.B) {
	const many = 1_000_000
	empty, full := seeded(b, 0), seeded(b, many)
	start := func(dir string, token policy.Token) time.Duration {
		runtime.GC() // what filled the cache is not of this start
		began := time.Now()
		l := run(b, dir)
		defer l.stop()
		l.daemon.present(context.Background(), 0, token, "")
		for l.released().Channel != front { // fail-safe doors are released until their buttons are read
		}
		return time.Since(began)
	}
	var none, million []time.Duration
	for range atLeast(b, 20) {
		id := uint64(1000 + rand.IntN(many))
		none = append(none, start(empty, policy.Token{Class: policy.TokenNumber, Format: "H10301", Facility: 118, Number: 1603}))
		million = append(million, start(full, policy.Token{Class: policy.TokenNumber, Format: "H10304", Facility: id >> 16, Number: id & 0xffff}))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(quantile(none, .5)/1e6, "ms-none")
	b.ReportMetric(quantile(million, .5)/1e6, "ms-1M")
	b.ReportMetric(quantile(million, .5)/quantile(none, .5), "x-none")
}
