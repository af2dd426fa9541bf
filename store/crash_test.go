package store

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"doord/policy"
	"doord/policy/ledger"
)

// child starts the test binary in one of its modes.
func child(t *testing.T, mode, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, dir)
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// killed lets a child say some lines, kills it, and returns the last number that
// it said.
func killed(t *testing.T, mode, dir string, lines int) (last int) {
	t.Helper()
	cmd, out := child(t, mode, dir)
	for range lines {
		if !out.Scan() {
			t.Fatalf("the child ended by itself: %v", cmd.Wait())
		}
		last = number(t, out.Text())
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for out.Scan() { // what it said before it died counts too
		if n, err := strconv.Atoi(out.Text()); err == nil {
			last = n
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the child was not killed: %v", err)
	}
	return last
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// childAppends appends until it is killed, and says what it knows to be durable.
func childAppends(dir string) {
	j, err := OpenJournal(dir, Options{MaxEvents: 5000})
	fatal(err)
	for i := int(j.Head().Sequence); ; {
		for range 1 + rand.IntN(40) {
			j.Append(happened(i))
			i++
		}
		j.SaveState([]byte(strconv.Itoa(i)))
		fatal(j.Sync(context.Background()))
		fmt.Println(i)
	}
}

func TestKilledWhileAppending(t *testing.T) {
	dir := t.TempDir()
	for round := range 10 {
		durable := killed(t, "append", dir, 1+rand.IntN(60))
		j, err := OpenJournal(dir, Options{MaxEvents: 5000})
		if err != nil {
			t.Fatal(err)
		}
		if got := int(j.Head().Sequence); got < durable {
			t.Errorf("round %d: %d events of %d that were durable", round, got, durable)
		}
		if state, err := strconv.Atoi(string(j.State())); err != nil || state < durable || state > int(j.Head().Sequence) {
			t.Errorf("round %d: state %q, durable %d, head %d", round, j.State(), durable, j.Head().Sequence)
		}
		if j.Opened() != (Opened{}) {
			t.Errorf("round %d: %+v", round, j.Opened())
		}
		if err := errors.Join(j.Verify(t.Context()), j.Close()); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
}

// childReplaces replaces the policy until it is killed.
func childReplaces(dir string) {
	p, err := OpenPolicy(dir, Options{})
	fatal(err)
	_, revision, err := p.Records()
	fatal(err)
	for n := int64(revision) + 1; ; n++ {
		r := place(300)
		r.Place.ID = n
		r.Credentials[0].ID = n
		_, err := p.Replace(r)
		fatal(err)
		fmt.Println(n)
	}
}

func TestKilledWhileReplacing(t *testing.T) {
	dir := t.TempDir()
	for round := range 10 {
		durable := killed(t, "replace", dir, 1+rand.IntN(15))
		p, err := OpenPolicy(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var h policy.Holder
		r, revision, err := p.Records()
		found, ok, lookup := p.Lookup(card(1), &h)
		if err := errors.Join(err, lookup); err != nil || !ok {
			t.Fatalf("round %d: %v, %v", round, ok, err)
		}
		if int(revision) < durable || int64(revision) != r.Place.ID || found != revision || h.Credential != r.Place.ID {
			t.Errorf("round %d: revision %d, place of %d, credential of %d, durable %d", round, revision, r.Place.ID, h.Credential, durable)
		}
		if p.Opened() != (Opened{}) {
			t.Errorf("round %d: %+v", round, p.Opened())
		}
		if err := errors.Join(p.Check(t.Context()), p.Close()); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
}

// history brings the service to a version whose record says which it is. At every
// seventh the place has another key.
func (s *service) history(through uint64) {
	for s.head.Version < through {
		n := s.head.Version + 1
		s.key = bytes.Repeat([]byte{byte(n / 7)}, keySize)
		r := place(300)
		r.Credentials[0].ID = int64(n)
		s.commit(r)
	}
}

// childSyncs follows a log until it is killed, by deltas and now and then by a
// snapshot.
func childSyncs(dir string) {
	p, err := OpenPolicy(dir, Options{})
	fatal(err)
	s := newService(nil)
	s.history(p.Position().Version)
	for {
		s.history(s.head.Version + 1)
		if s.head.Version%7 == 0 || p.Position().Version == 0 {
			fatal(s.load(p))
		} else {
			fatal(s.apply(p))
		}
		fmt.Println(s.head.Version)
	}
}

func TestKilledWhileSyncing(t *testing.T) {
	dir := t.TempDir()
	s := newService(t)
	for round := range 12 {
		durable := killed(t, "sync", dir, 1+rand.IntN(20))
		p, err := OpenPolicy(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if p.Opened() != (Opened{}) {
			t.Errorf("round %d: %+v", round, p.Opened())
		}
		if got := p.Position().Version; got < uint64(durable) || got > uint64(durable)+1 {
			t.Fatalf("round %d: at version %d, durable %d", round, got, durable)
		}
		s.history(p.Position().Version)
		s.agrees(t, p)
		var h policy.Holder
		if revision, found, err := p.Lookup(card(1), &h); !found || err != nil || h.Credential != int64(revision) || revision != s.head.Version {
			t.Errorf("round %d: credential %d of revision %d, %v, %v", round, h.Credential, revision, found, err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
}

// childFillsDisk lives through a disk that is full for a while.
func childFillsDisk(dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	p, err := OpenPolicy(dir, Options{})
	fatal(err)
	_, err = p.Replace(place(10))
	fatal(err)
	j, err := OpenJournal(dir, Options{MaxQueue: 200})
	fatal(err)
	j.Append(happened(0))
	fatal(j.Sync(ctx))

	other := filepath.Join(dir, "synced")
	synced, err := OpenPolicy(other, Options{})
	fatal(err)
	s := newService(nil)
	s.commit(place(10))
	fatal(s.load(synced))
	was := s.head
	s.commit(place(1500))

	var limit syscall.Rlimit
	fatal(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	full := limit
	full.Cur = 64 << 10
	fatal(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full))
	n, dropped := 0, 0
	for dropped < 50 {
		n++
		if j.Append(happened(n)) > 0 {
			dropped++
			_ = j.Sync(ctx) // lets the writer try
		}
	}
	if j.Health() == nil {
		fatal(errors.New("healthy on a full disk"))
	}
	if _, err := p.Replace(place(5000)); err == nil {
		fatal(errors.New("a policy found room on a full disk"))
	}
	var h policy.Holder
	if revision, found, err := p.Lookup(card(1), &h); revision != 1 || !found || err != nil {
		fatal(fmt.Errorf("the old policy is gone: %d, %v, %w", revision, found, err))
	}
	if err := s.load(synced); err == nil {
		fatal(errors.New("a snapshot found room on a full disk"))
	}
	s.agreesAt(synced, was)
	if err := s.apply(synced); err == nil {
		fatal(errors.New("a delta found room on a full disk"))
	}
	s.agreesAt(synced, was)
	fmt.Println(j.Head().Sequence)

	fatal(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	fatal(s.apply(synced))
	s.agreesAt(synced, s.head)
	s.commit(place(6000))
	fatal(s.load(synced))
	s.agreesAt(synced, s.head)
	fatal(synced.Close())
	fatal(j.Sync(ctx))
	_, err = p.Replace(place(5000))
	fatal(err)
	j.Append(happened(n + 1))
	fatal(j.Sync(ctx))
	fatal(j.Health())
	fatal(errors.Join(j.Verify(ctx), j.Close(), p.Check(ctx), p.Close()))
	fmt.Println(n)
}

// agreesAt ends the child unless the policy is whole and at a head.
func (s *service) agreesAt(p *Policy, head ledger.Head) {
	if _, got := p.Head(); got != head {
		fatal(fmt.Errorf("at %v, not %v", got, head))
	}
	var h policy.Holder
	if revision, found, err := p.Lookup(card(1), &h); revision != head.Version || !found || err != nil {
		fatal(fmt.Errorf("Lookup = %d, %v, %w", revision, found, err))
	}
	fatal(p.Check(context.Background()))
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
}

func TestARealFullDisk(t *testing.T) {
	dir := t.TempDir()
	cmd, out := child(t, "fulldisk", dir)
	var said []int
	for out.Scan() {
		said = append(said, number(t, out.Text()))
	}
	if err := cmd.Wait(); err != nil || len(said) != 2 {
		t.Fatalf("the child said %v and ended with %v", said, err)
	}
	j := openJournal(t, dir, Options{})
	got := details(all(t, j))
	gaps, events := 0, 0
	for _, line := range got {
		var sequence, lost int
		if _, err := fmt.Sscanf(line, "%d gap: %d events not recorded", &sequence, &lost); err == nil {
			gaps += lost
		} else {
			events++
		}
	}
	if events+gaps != said[1]+2 || gaps < 50 {
		t.Errorf("%d events and %d told lost, of %d", events, gaps, said[1]+2)
	}
	if last := got[len(got)-1]; !strings.HasSuffix(last, fmt.Sprintf(" event %d", said[1]+1)) {
		t.Errorf("the last is %q", last)
	}
	if set, _ := filepath.Glob(filepath.Join(dir, "*.damaged-*")); len(set) != 0 {
		t.Errorf("a full disk is not damage: %v", set)
	}
}
