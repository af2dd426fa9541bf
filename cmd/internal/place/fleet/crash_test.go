package fleet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"doord/cmd/internal/place/storage"
	"doord/policy/ledger"
	"doord/policy/zone"
	"doord/store"
)

func init() { children["work"] = childWorks }

// childWorks changes the policy, takes events in and changes a zone, each on a
// goroutine of its own, and says what was acknowledged.
func childWorks(dir string) {
	fatal := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
	}
	s, err := storage.Open(dir)
	fatal(err)
	f, err := Open(Config{Storage: s, Dir: dir})
	fatal(err)
	fatal(f.AddPlace(1))
	said := make(chan string)
	go func() {
		for {
			staged, err := f.Stage(1, []ledger.Record{
				small("locks", rand.Int64N(50), fmt.Sprint(rand.Uint64())),
				small("locks", rand.Int64N(50), strings.Repeat("x", rand.IntN(3)*2000)),
			})
			fatal(err)
			if len(staged.Rows) > 0 {
				fatal(s.Commit(staged.Rows...))
				staged.Done()
			}
			said <- fmt.Sprint("policy ", f.Position(1).Version)
		}
	}()
	go func() {
		c := newController(7, controllerRow{Place: 1, Enrolment: make([]byte, 8)})
		has, err := f.epoch(c, [16]byte{})
		fatal(err)
		prev, n := has.hash, int(has.acked)
		for {
			var body []byte
			for range 1 + rand.IntN(20) {
				n++
				line, hash := chained(prev, fmt.Sprintf(`{"version":1,"uuid":"00000000-0000-7000-8000-%012d","sequence":%d,"epoch":"%032x","created_at":"2026-03-01T08:00:00Z","uptime":1,"boot_id":"b","clock_set":true,"type":"lock.opened","success":true}`, n, n, 0))
				body, prev = append(body, line...), hash
			}
			u, err := parseUpload(bytes.NewReader(body))
			fatal(err)
			ack, err := f.take(c, u, u.events[0].Sequence-1)
			fatal(err)
			said <- fmt.Sprint("events ", ack.AckedThrough)
		}
	}()
	go func() {
		for {
			z, err := f.SetZone(1, 5, func(zone.Shared) zone.Shared {
				return zone.Shared{Override: zone.Override{Level: "away", Until: time.Now()}}
			})
			fatal(err)
			said <- fmt.Sprint("zone ", z.Version)
		}
	}()
	for line := range said {
		fmt.Println(line)
	}
}

func TestKilledAtWork(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 8 {
		child := exec.CommandContext(t.Context(), self, dir)
		child.Env, child.Stderr = append(os.Environ(), childMode+"=work"), os.Stderr
		pipe, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		out, durable := bufio.NewScanner(pipe), map[string]uint64{}
		note := func() {
			var what string
			var n uint64
			if _, err := fmt.Sscan(out.Text(), &what, &n); err == nil {
				durable[what] = n
			}
		}
		for range 1 + rand.IntN(200) {
			if !out.Scan() {
				t.Fatalf("the child ended by itself: %v", child.Wait())
			}
			note()
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for out.Scan() {
			note()
		}
		_ = child.Wait()

		s, err := storage.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Open(Config{Storage: s, Dir: dir}) // verifies every place's records against their root
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Position(1).Version; got < durable["policy"] {
			t.Errorf("round %d: version %d, durable was %d", round, got, durable["policy"])
		}
		if got := f.Zone(5).Version; got < durable["zone"] {
			t.Errorf("round %d: zone %d, durable was %d", round, got, durable["zone"])
		}
		has, err := f.epoch(newController(7, controllerRow{Place: 1, Enrolment: make([]byte, 8)}), [16]byte{})
		if err != nil || has.acked < durable["events"] {
			t.Errorf("round %d: events through %d, durable were %d (%v)", round, has.acked, durable["events"], err)
		}
		seen := map[uint64]bool{}
		for e, err := range f.Events(t.Context(), 1, Query{}) {
			var r store.Record
			if err := errors.Join(err, r.UnmarshalJSON(bytes.TrimSpace(e.Text))); err != nil || seen[r.Sequence] {
				t.Fatalf("round %d: event %d twice, or damaged: %v", round, r.Sequence, err)
			}
			seen[r.Sequence] = true
		}
		if uint64(len(seen)) != has.acked {
			t.Errorf("round %d: %d events of %d", round, len(seen), has.acked)
		}
		var chain ledger.Hash
		next := uint64(1)
		for e, err := range s.Scan(tableLog, nil) {
			after, _, entry, err2 := parseLogEntry(e.Value)
			if err := errors.Join(err, err2); err != nil || !bytes.Equal(e.Key, logKey(1, next)) {
				t.Fatalf("round %d: entry %d: %v", round, next, err)
			}
			if chain = chain.Next(entry); chain != after {
				t.Fatalf("round %d: the chain breaks at %d", round, next)
			}
			next++
		}
		if p := f.Position(1); p.Chain != chain || p.Version != next-1 {
			t.Errorf("round %d: at %v, the log at %d", round, p, next-1)
		}
		if err := errors.Join(f.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	}
}
