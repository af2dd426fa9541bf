package storage_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"doord/cmd/internal/place/storage"
)

// childMode makes the test binary, run again by a test, one that can be killed.
const childMode = "DOORCLOUD_STORAGE_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childMode) != "" {
		childCommits(os.Args[1])
		return
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, dir string) storage.Storage {
	t.Helper()
	s, err := storage.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(key, value string) storage.Row {
	return storage.Row{Table: "t", Key: []byte(key), Value: []byte(value)}
}

func read(t *testing.T, s storage.Storage) string {
	t.Helper()
	var all []string
	for r, err := range s.Scan("t", nil) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s=%s", r.Key, r.Value))
	}
	return strings.Join(all, " ")
}

func TestACommitIsAllOrNothing(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Commit(put("a", "1"), put("b", "2"), put("a", "3"), put("b", "")); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]storage.Row{
		"a key that is empty":    {Table: "t", Value: []byte("x")},
		"a key that is too long": {Table: "t", Key: make([]byte, 40000), Value: []byte("x")},
		"a table without a name": {Key: []byte("x"), Value: []byte("x")},
	} {
		if err := s.Commit(put("c", "4"), row); !errors.Is(err, storage.ErrRow) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := read(t, s); got != "a=3" {
		t.Error(got)
	}
	if err := s.Commit(); err != nil {
		t.Error(err)
	}
}

func TestRowsAreScannedBothWays(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Commit(put("a", "1"), put("b", "2"), put("c", "3")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ from, below, want string }{
		{from: "b", want: "bc"}, {from: "bb", want: "c"}, {from: "d", want: ""}, {from: "", want: "abc"},
		{below: "b", want: "a"}, {below: "bb", want: "ba"}, {below: "d", want: "cba"}, {below: "a", want: ""}, {below: "-", want: "cba"},
	} {
		seq := s.Scan("t", []byte(test.from))
		switch test.below {
		case "":
		case "-":
			seq = s.ScanBack("t", nil)
		default:
			seq = s.ScanBack("t", []byte(test.below))
		}
		got := ""
		for r, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			got += string(r.Key)
		}
		if got != test.want {
			t.Errorf("from %q below %q: %q, want %q", test.from, test.below, got, test.want)
		}
	}
	for range s.Scan("nothing", nil) {
		t.Error("a table that nobody made has a row")
	}
}

func TestManyCommitAtOnce(t *testing.T) {
	s := open(t, t.TempDir())
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for j := range 20 {
				err := s.Commit(put(fmt.Sprintf("%d/%d", i, j), "x"), put(fmt.Sprintf("last/%d", i), fmt.Sprint(j)))
				if err == nil && j%5 == 0 && !errors.Is(s.Commit(put("", "x")), storage.ErrRow) {
					err = errors.New("a row without a key was taken")
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := len(strings.Fields(read(t, s))); n != 50*20+50 {
		t.Errorf("%d rows", n)
	}
}

func TestABackupIsTakenWhileRowsAreWritten(t *testing.T) {
	s := open(t, t.TempDir())
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			v := fmt.Sprint(i)
			if err := s.Commit(put("a", v), put("b", v)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 5 {
		var b bytes.Buffer
		if err := s.Backup(&b); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := storage.Restore(dir, &b); err != nil {
			t.Fatal(err)
		}
		r := open(t, dir)
		if got := strings.Fields(read(t, r)); len(got) != 0 && (len(got) != 2 || got[0][2:] != got[1][2:]) {
			t.Errorf("half a commit: %v", got)
		}
	}
	close(stop)
	writer.Wait()
}

func TestRestoreRefuses(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Commit(put("a", strings.Repeat("x", 100_000))); err != nil {
		t.Fatal(err)
	}
	var good bytes.Buffer
	if err := s.Backup(&good); err != nil {
		t.Fatal(err)
	}
	taken := t.TempDir()
	open(t, taken)
	for _, test := range []struct {
		name, dir string
		backup    []byte
	}{
		{"a folder that has a storage", taken, good.Bytes()},
		{"what is no backup", t.TempDir(), []byte("this is a letter")},
		{"nothing", t.TempDir(), nil},
		{"half a backup", t.TempDir(), good.Bytes()[:good.Len()/2]},
	} {
		if err := storage.Restore(test.dir, bytes.NewReader(test.backup)); err == nil {
			t.Errorf("%s: restored", test.name)
		}
		if _, err := os.Stat(filepath.Join(test.dir, "place.db")); test.dir != taken && err == nil {
			t.Errorf("%s: something was left", test.name)
		}
	}
}

func TestOnlyOneProcessHasAStorage(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if _, err := storage.Open(dir); !errors.Is(err, storage.ErrInUse) {
		t.Error(err)
	}
}

// childCommits has eight goroutines commit, each its own line of numbers twice, and
// says what is durable.
func childCommits(dir string) {
	s, err := storage.Open(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	lines := make(chan string)
	for g := range 8 {
		go func() {
			key := []byte{byte('a' + g)}
			last, _ := s.Get("t", key)
			n := uint64(0)
			if len(last) == 8 {
				n = binary.BigEndian.Uint64(last)
			}
			for {
				n++
				v := binary.BigEndian.AppendUint64(nil, n)
				filler := bytes.Repeat([]byte{1}, 1+rand.IntN(3000))
				if err := s.Commit(storage.Row{Table: "t", Key: key, Value: v}, storage.Row{Table: "u", Key: key, Value: v},
					storage.Row{Table: "filler", Key: binary.BigEndian.AppendUint64(key, n), Value: filler}); err != nil {
					fmt.Fprintln(os.Stderr, "child:", err)
					os.Exit(1)
				}
				lines <- fmt.Sprintf("%c %d", key[0], n)
			}
		}()
	}
	for line := range lines {
		fmt.Println(line)
	}
}

func TestKilledWhileCommitting(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 10 {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), self, dir)
		cmd.Env, cmd.Stderr = append(os.Environ(), childMode+"=commit"), os.Stderr
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		out, durable := bufio.NewScanner(pipe), map[byte]uint64{}
		said := func() {
			var key byte
			var n uint64
			if _, err := fmt.Sscanf(out.Text(), "%c %d", &key, &n); err == nil {
				durable[key] = n
			}
		}
		for range 1 + rand.IntN(200) {
			if !out.Scan() {
				t.Fatalf("the child ended by itself: %v", cmd.Wait())
			}
			said()
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for out.Scan() {
			said()
		}
		_ = cmd.Wait()
		s, err := storage.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for key, n := range durable {
			a, _ := s.Get("t", []byte{key})
			b, _ := s.Get("u", []byte{key})
			if len(a) != 8 || !bytes.Equal(a, b) || binary.BigEndian.Uint64(a) < n {
				t.Errorf("round %d: %c: %x and %x, durable were %d", round, key, a, b, n)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
