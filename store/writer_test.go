package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A full disk: bbolt refuses to grow beyond MaxSize, and goes on when it is lifted.
func TestAFullDiskStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, t.TempDir(), Options{MaxQueue: 1000})
		j.Append(happened(1))
		flush(t, j)
		j.live.db.MaxSize = 1
		n := 1
		for j.Health() == nil {
			n++
			j.Append(happened(n))
			synctest.Wait()
		}
		if err := j.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "maximum size") {
			t.Errorf("Sync = %v", err)
		}
		stored := int(j.Head().Sequence)
		for range 2000 {
			n++
			j.Append(happened(n))
		}
		time.Sleep(time.Hour) // of attempts
		if int(j.Head().Sequence) != stored || j.Health() == nil {
			t.Errorf("head %d, health %v", j.Head().Sequence, j.Health())
		}
		j.live.db.MaxSize = 0
		flush(t, j)
		if err := j.Health(); err != nil {
			t.Errorf("Health() = %v after all was written", err)
		}
		j.Append(happened(n + 1))
		flush(t, j)
		want := []string{
			fmt.Sprintf("%d event %d", stored+1000, stored+1000),
			fmt.Sprintf("%d gap: %d events not recorded: no room in memory", stored+1001, n-stored-1000),
			fmt.Sprintf("%d event %d", stored+1002, n+1),
		}
		got := details(all(t, j))
		if diff := cmp.Diff(want, got[len(got)-3:]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err := j.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestSpaceIsReservedForAllEventsThatMayBeKept(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir, Options{MaxEvents: 20_000, ReserveSpace: true})
	if errors.Is(j.Opened().Unreserved, syscall.EOPNOTSUPP) {
		return // this file system cannot, and the journal says so
	}
	var stat syscall.Stat_t
	if err := syscall.Stat(filepath.Join(dir, eventsFile), &stat); err != nil || stat.Blocks*512 < 20_000*eventSize {
		t.Errorf("%d blocks: %v, %v", stat.Blocks, err, j.Opened().Unreserved)
	}
	j.Append(happened(1))
	flush(t, j)
}

func TestAJournalThatBreaksWhileItIsWrittenIsBegunAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		j := openJournal(t, dir, Options{})
		for i := range 10 {
			j.Append(happened(i))
		}
		j.SaveState([]byte("locked down"))
		j.AckedBy(0, []byte("receipt"))
		flush(t, j)
		old := j.Head()
		followed := make(chan string, 100)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			for r, err := range j.Follow(ctx, 10) {
				if err == nil { // it may well see the damage first
					followed <- details([]Record{r})[0]
				}
			}
		}()
		synctest.Wait()
		// The file loses its end under the running daemon: the next write faults.
		if err := os.Truncate(filepath.Join(dir, eventsFile), 4096); err != nil {
			t.Fatal(err)
		}
		j.Append(happened(10), happened(11))
		time.Sleep(time.Minute)
		flush(t, j)
		opened := j.Opened()
		if !errors.Is(opened.Cause, ErrDamaged) || opened.Quarantined == "" {
			t.Errorf("Opened() = %+v", opened)
		}
		if j.Head().Epoch == old.Epoch || string(j.State()) != "locked down" || j.Health() != nil || j.Receipt() != nil {
			t.Errorf("head %+v, state %q, health %v, receipt %q", j.Head(), j.State(), j.Health(), j.Receipt())
		}
		want := []string{"1 gap: journal damaged after event 10, of which 0 were uploaded: begun anew", "2 event 10", "3 event 11"}
		if diff := cmp.Diff(want, details(all(t, j))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		synctest.Wait()
		for _, line := range want {
			if got := <-followed; got != line {
				t.Errorf("followed %q, want %q", got, line)
			}
		}
		if err := j.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
