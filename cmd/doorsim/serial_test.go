package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"doord/cmd/internal/api"
	"doord/policy"
	"doord/reader/osdp"
	"doord/reader/wiegand"
	"doord/sim/pd"
	"doord/store"
)

// openPTY returns one end of a pty pair and the path of the other.
func openPTY(t *testing.T) (end *os.File, other string) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "ptmx"), fmt.Sprintf("/dev/pts/%d", n)
}

const benchBus = `
[[bus]]
name = "bench"
port = "%s"
speed = 115200

[[reader]]
name = "bench"
port = "osdp:0"
bus = "bench"
door = "front"
`

// bench is a doorsim whose OSDP line is a real tty, with a reader of another
// program on it.
type bench struct {
	t      *testing.T
	ctx    context.Context
	client *api.Client
	reader *pd.PD
	line   *os.File
	tty    string
	do     chan func()
	served chan struct{} // closed once the reader is off the line
}

func newBench(t *testing.T) *bench {
	t.Parallel()
	dir := t.TempDir()
	b := &bench{t: t, tty: filepath.Join(dir, "tty"), client: api.NewClient(filepath.Join(dir, "doord.sock")), do: make(chan func(), 1)}
	b.plug()
	board := filepath.Join(dir, "bench.toml")
	if err := os.WriteFile(board, append(boardTOML, fmt.Sprintf(benchBus, b.tty)...), 0o600); err != nil {
		t.Fatal(err)
	}
	place := strings.Replace(string(placeJSON), `"readers": [`, `"readers": [{"id": 9, "controller_id": 1, "port": "osdp:0", "lock_id": 1},`, 1)
	if err := os.WriteFile(filepath.Join(dir, "place.json"), []byte(place), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	b.ctx = ctx
	ended := make(chan error, 1)
	started := make(chan struct{})
	go func() { ended <- run(ctx, options{dir: dir, config: board, started: func() { close(started) }}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		b.unplug()
	})
	select {
	case <-started:
	case err := <-ended:
		ended <- err
		t.Fatalf("doorsim ended: %v", err)
	}
	return b
}

// plug puts the reader on a new tty under the same name, as an adapter comes back.
func (b *bench) plug() {
	end, other := openPTY(b.t)
	b.line = end
	if err := os.Remove(b.tty); err != nil && !errors.Is(err, os.ErrNotExist) {
		b.t.Fatal(err)
	}
	if err := os.Symlink(other, b.tty); err != nil {
		b.t.Fatal(err)
	}
	if b.reader == nil {
		b.reader = pd.New(pd.Config{Comm: osdp.Comm{Addr: 0, Baud: 115200}, UID: osdp.UID{1, 2, 3, 4, 5, 6, 7, 8}})
	}
	served := make(chan struct{})
	b.served = served
	go func() {
		defer close(served)
		_ = pd.Serve(end, b.do, b.reader) // ends with the line
	}()
}

func (b *bench) unplug() {
	_ = b.line.Close()
	<-b.served
}

// patience is how long something is waited for before it is done once more: the line
// is real, and on a busy machine a reader that answers late is a reader that is gone.
const patience = 20 * time.Second

// find waits for an event of a type after a sequence.
func (b *bench) find(ctx context.Context, after uint64, kind policy.EventType, detail string) (found store.Record, ok bool) {
	for r, err := range b.client.Events(ctx, after, true) {
		switch {
		case ctx.Err() != nil:
			return found, false
		case err != nil:
			b.t.Fatal(err)
		case r.Type == kind && strings.Contains(r.Detail, detail):
			return r, true
		}
	}
	return found, false
}

// event waits for an event of a type after a sequence, and returns its own.
func (b *bench) event(after uint64, kind policy.EventType, detail string) uint64 {
	b.t.Helper()
	r, ok := b.find(b.ctx, after, kind, detail)
	if !ok {
		b.t.Fatalf("no %s %s came", kind, detail)
	}
	return r.Sequence
}

// until does something again and again, as a person would, until it shows in an event
// that comes after.
func (b *bench) until(kind policy.EventType, detail string, do func()) store.Record {
	b.t.Helper()
	var st api.Status
	if err := b.client.Get(b.ctx, "/v1/status", &st); err != nil {
		b.t.Fatal(err)
	}
	for b.ctx.Err() == nil {
		do()
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		r, ok := b.find(ctx, st.Journal.Sequence, kind, detail)
		cancel()
		if ok {
			return r
		}
	}
	b.t.Fatalf("no %s %s came", kind, detail)
	return store.Record{}
}

// commission gives the reader its key, and returns when it is online with it.
func (b *bench) commission() (online uint64) {
	b.t.Helper()
	done := b.until(policy.ReaderCommission, "the reader has its key", func() {
		var r api.Result
		if err := b.client.Post(b.ctx, "/v1/osdp/readers/bench", api.OSDPCommand{Action: "commission", For: patience.Seconds()}, &r); err != nil {
			b.t.Fatal(err)
		}
	})
	return b.event(done.Sequence, policy.ReaderOnline, "")
}

func (b *bench) card(facility, number uint64) api.Result {
	b.t.Helper()
	bits, err := wiegand.Encode("H10301", policy.Token{Class: policy.TokenNumber, Facility: facility, Number: number})
	if err != nil {
		b.t.Fatal(err)
	}
	return api.ResultOf(b.until(policy.LockUnlock, "", func() { b.do <- func() { b.reader.Card(bits.String()) } }))
}

func TestBenchOnARealTTYCommissionsAReaderAndOpensByCard(t *testing.T) {
	b := newBench(t)
	b.commission()
	if got := b.card(118, 1603); !got.Granted || got.Member != 1 || got.Door != "front" {
		t.Errorf("a known card over OSDP: %+v", got)
	}
	if got := b.card(7, 4711); got.Granted || got.Reason != policy.CardNotFound {
		t.Errorf("an unknown card over OSDP: %+v", got)
	}
}

func TestAnAdapterThatIsUnpluggedComesBackByItself(t *testing.T) {
	b := newBench(t)
	up := b.commission()
	b.unplug()
	down := b.event(up, policy.ReaderOffline, "")
	b.plug()
	b.event(down, policy.ReaderOnline, "")
	if got := b.card(118, 1603); !got.Granted {
		t.Errorf("a card after the adapter came back: %+v", got)
	}
}
