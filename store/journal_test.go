package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.etcd.io/bbolt"

	"doord/policy"
)

// sameEvents compares records by what they tell. A trace is compared in words:
// that is all of it that a record keeps.
var sameEvents = cmp.Options{
	cmp.Comparer(func(a, b policy.Value) bool { return a.String() == b.String() }),
	cmpopts.IgnoreUnexported(Record{}),
	cmpopts.EquateEmpty(),
}

func flush(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func all(t testing.TB, j *Journal) []Record {
	t.Helper()
	records, err := j.Since(0, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// details tells records in short: "1 lock.opened", or what a gap says.
func details(records []Record) []string {
	var list []string
	for _, r := range records {
		if r.Type == policy.ControllerGap {
			list = append(list, fmt.Sprintf("%d gap: %s", r.Sequence, r.Detail))
		} else {
			list = append(list, fmt.Sprintf("%d event %d", r.Sequence, r.At.Up/time.Second))
		}
	}
	return list
}

func TestEventsAreThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	j, err := OpenJournal(dir, Options{BootID: "boot-1"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		if j.Append(happened(i)) != 0 {
			t.Fatal("no room for an event")
		}
	}
	j.SaveState([]byte("fire latched"))
	head := j.Head()
	if err := j.Close(); err != nil { // writes what is left
		t.Fatal(err)
	}
	if head.Epoch == "" || len(head.Epoch) != 32 {
		t.Errorf("epoch %q", head.Epoch)
	}

	j = openJournal(t, dir, Options{BootID: "boot-2"})
	if got := j.Opened(); got != (Opened{}) {
		t.Errorf("Opened() = %+v", got)
	}
	if got := string(j.State()); got != "fire latched" {
		t.Errorf("State() = %q", got)
	}
	if got := j.Head(); got.Epoch != head.Epoch || got.Sequence != 300 {
		t.Errorf("Head() = %+v", got)
	}
	j.Append(happened(300))
	flush(t, j)
	records := all(t, j)
	if len(records) != 301 {
		t.Fatalf("%d records", len(records))
	}
	seen := map[string]bool{}
	for i, r := range records {
		boot := "boot-1"
		if i == 300 {
			boot = "boot-2"
		}
		want := Record{UUID: r.UUID, Sequence: uint64(i + 1), Epoch: head.Epoch, BootID: boot, Event: happened(i), Hash: r.Hash}
		if diff := cmp.Diff(want, r, sameEvents); diff != "" {
			t.Fatalf("record %d (-want +got):\n%s", i, diff)
		}
		if seen[r.UUID] || len(r.UUID) != 36 || r.UUID[14] != '7' {
			t.Errorf("uuid %q", r.UUID)
		}
		seen[r.UUID] = true
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFindByUUIDAndBySequence(t *testing.T) {
	j := openJournal(t, t.TempDir(), Options{})
	for i := range 50 {
		j.Append(happened(i))
	}
	flush(t, j)
	for _, want := range all(t, j) {
		for _, id := range []string{want.UUID, fmt.Sprint(want.Sequence)} {
			got, found, err := j.Find(id)
			if !found || err != nil {
				t.Fatalf("Find(%s) = %v, %v", id, found, err)
			}
			if diff := cmp.Diff(want, got, sameEvents); diff != "" {
				t.Errorf("Find(%s) (-want +got):\n%s", id, diff)
			}
		}
	}
	for _, id := range []string{"0", "51", "", "x", newUUID(time.Unix(0, 0), 0)} {
		if _, found, err := j.Find(id); found || err != nil {
			t.Errorf("Find(%q) = %v, %v", id, found, err)
		}
	}
}

func TestRecordsVerifyFromTheirJSONAlone(t *testing.T) {
	j := openJournal(t, t.TempDir(), Options{})
	odd := happened(2)
	odd.Detail, odd.Object.Name = "a < b && \"c\"", "Tür\u2028\x00\xff"
	j.Append(happened(1), odd, happened(3))
	flush(t, j)
	var prev Hash
	for _, r := range all(t, j) {
		line, err := json.Marshal(map[string]any{"event": r})
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Event Record }
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		if !got.Event.Follows(prev) {
			t.Errorf("event %d does not follow: %s", r.Sequence, line)
		}
		if diff := cmp.Diff(r, got.Event, sameEvents); diff != "" {
			t.Errorf("record differs (-want +got):\n%s", diff)
		}
		prev = r.Hash
		changed := strings.Replace(string(line), "Gate", "Gape", 1)
		if err := json.Unmarshal([]byte(changed), &got); err == nil && changed != string(line) && got.Event.Follows(prev) {
			t.Error("a changed record still follows")
		}
	}
	if prev != j.Head().Hash {
		t.Error("the head is not the last hash")
	}
}

func TestAppendNeverWaitsAndDroppedEventsLeaveAGapRecord(t *testing.T) {
	j := openJournal(t, t.TempDir(), Options{MaxQueue: 5})
	// A read-write transaction held open stands for a disk that does not answer.
	tx, err := j.live.db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	dropped := 0
	for i := range 12 {
		dropped += j.Append(happened(i))
	}
	if dropped != 7 {
		t.Errorf("%d events dropped", dropped)
	}
	j.SaveState([]byte("kept"))
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	flush(t, j)
	j.Append(happened(20))
	flush(t, j)
	want := []string{"1 event 0", "2 event 1", "3 event 2", "4 event 3", "5 event 4",
		"6 gap: 7 events not recorded: no room in memory", "7 event 20"}
	if diff := cmp.Diff(want, details(all(t, j))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSpaceIsMadeOfAcknowledgedEventsFirst(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir, Options{MaxEvents: 20})
	add := func(from, to int) {
		for i := from; i <= to; i++ {
			j.Append(happened(i))
			flush(t, j)
		}
	}
	add(1, 20)
	j.Acked(8)
	flush(t, j)
	if got := len(all(t, j)); got != 20 {
		t.Errorf("an acknowledgement alone deletes: %d left", got)
	}
	add(21, 28)
	got := all(t, j)
	if got[0].Sequence != 9 || len(got) != 20 {
		t.Errorf("kept %v", details(got))
	}
	add(29, 29)
	got = all(t, j)
	if diff := cmp.Diff([]string{"11 event 11"}, details(got[:1])); diff != "" {
		t.Error(diff)
	}
	want := []string{"29 event 29", "30 gap: 2 events given up before upload, 9 to 10: no space"}
	if diff := cmp.Diff(want, details(got[len(got)-2:])); diff != "" {
		t.Error(diff)
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAnAcknowledgementMayGoBackAndSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	j, err := OpenJournal(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		j.Append(happened(i))
	}
	flush(t, j)
	for _, c := range []struct{ acked, want uint64 }{{7, 7}, {99, 10}, {3, 3}} {
		if j.Acked(c.acked); j.AckedThrough() != c.want {
			t.Errorf("Acked(%d): through %d", c.acked, j.AckedThrough())
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j = openJournal(t, dir, Options{}); j.AckedThrough() != 3 {
		t.Errorf("after a restart: through %d", j.AckedThrough())
	}
}

func TestAFollowerSeesEveryEventOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, t.TempDir(), Options{})
		for i := range 700 {
			j.Append(happened(i))
		}
		flush(t, j)
		ctx, cancel := context.WithCancel(t.Context())
		followed := make(chan []uint64)
		for _, since := range []uint64{0, 5, 700, 9000} {
			go func() {
				var got []uint64
				for r, err := range j.Follow(ctx, since) {
					if err != nil {
						t.Error(err)
					}
					got = append(got, r.Sequence)
				}
				followed <- got
			}()
		}
		for i := range 400 {
			j.Append(happened(700 + i))
			if i%50 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		cancel()
		var lengths []int
		for range 4 {
			got := <-followed
			lengths = append(lengths, len(got))
			for i := range got {
				if got[i] != 1100-uint64(len(got))+uint64(i)+1 {
					t.Fatalf("sequence %d at place %d of %d", got[i], i, len(got))
				}
			}
		}
		slices.Sort(lengths)
		if diff := cmp.Diff([]int{0, 400, 1095, 1100}, lengths); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAFollowerEndsWithTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := OpenJournal(t.TempDir(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan bool)
		go func() {
			for range j.Follow(context.Background(), 0) {
			}
			close(done)
		}()
		synctest.Wait()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		<-done
		if j.Append(happened(1)) != 1 {
			t.Error("a closed journal takes events")
		}
		j.Acked(1)
		j.SaveState(nil)
		if err := j.Sync(t.Context()); err != nil {
			t.Errorf("nothing was handed in: %v", err)
		}
		if _, err := j.Since(0, 1); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
}

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

// When the disk is full of events that the service has, these make room.
func TestAFullDiskTakesTheSpaceOfAcknowledgedEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, t.TempDir(), Options{MaxQueue: 100000, MaxEvents: 6400})
		for i := range 3000 {
			j.Append(happened(i))
		}
		flush(t, j)
		j.Acked(3000)
		flush(t, j)
		j.live.db.MaxSize = 1
		for i := range 20000 {
			j.Append(happened(i))
		}
		time.Sleep(time.Hour)
		if j.Health() != nil && all(t, j)[0].Sequence <= 3000 {
			t.Errorf("stuck with acknowledged events: head %d, oldest %d, %v", j.Head().Sequence, all(t, j)[0].Sequence, j.Health())
		}
		if j.Head().Sequence < 3500 {
			t.Errorf("only %d events found room", j.Head().Sequence-3000)
		}
		j.live.db.MaxSize = 0
		flush(t, j)
		if err := j.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAJournalThatBreaksWhileItIsWrittenIsBegunAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		j := openJournal(t, dir, Options{})
		for i := range 10 {
			j.Append(happened(i))
		}
		j.SaveState([]byte("locked down"))
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
		if j.Head().Epoch == old.Epoch || string(j.State()) != "locked down" || j.Health() != nil {
			t.Errorf("head %+v, state %q, health %v", j.Head(), j.State(), j.Health())
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

func TestVerifyFindsAnyFlippedByte(t *testing.T) {
	j := openJournal(t, t.TempDir(), Options{})
	for i := range 6 {
		j.Append(happened(i))
	}
	flush(t, j)
	set := func(key, value []byte) {
		if err := j.live.update(func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Put(key, value) }); err != nil {
			t.Fatal(err)
		}
	}
	j.live.db.NoSync = true
	for sequence := uint64(1); sequence <= 6; sequence++ {
		key := idKey(sequence)
		var good []byte
		if err := j.live.view(func(tx *bbolt.Tx) error {
			good = slices.Clone(tx.Bucket(eventsBucket).Get(key))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for i := range good {
			bad := slices.Clone(good)
			bad[i] ^= 1 << (i % 8)
			for _, resealed := range []bool{false, true} {
				if resealed { // as somebody would who means it
					bad = sealed(key, bad[:len(bad)-sealSize])
					if i >= len(good)-sealSize {
						continue
					}
				}
				set(key, bad)
				err := j.Verify(context.Background())
				var d *Damage
				if !errors.As(err, &d) || d.Sequence != sequence {
					t.Fatalf("byte %d of event %d, resealed %v: %v", i, sequence, resealed, err)
				}
			}
		}
		set(key, good)
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if err := j.live.update(func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Delete(idKey(4)) }); err != nil {
		t.Fatal(err)
	}
	var d *Damage
	if err := j.Verify(t.Context()); !errors.As(err, &d) || d.Sequence != 4 {
		t.Errorf("a missing event: %v", err)
	}
}

func TestADamagedEventDoesNotHideTheNext(t *testing.T) {
	j := openJournal(t, t.TempDir(), Options{})
	j.Append(happened(1), happened(2), happened(3))
	flush(t, j)
	if err := j.live.update(func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Put(idKey(2), []byte("?")) }); err != nil {
		t.Fatal(err)
	}
	records, err := j.Since(0, 10)
	var d *Damage
	if len(records) != 1 || !errors.As(err, &d) || d.Sequence != 2 {
		t.Fatalf("Since(0) = %v, %v", details(records), err)
	}
	if records, err = j.Since(d.Sequence, 10); len(records) != 1 || err != nil {
		t.Errorf("Since(2) = %v, %v", details(records), err)
	}
	var got []string
	for r, err := range j.Follow(t.Context(), 0) {
		got = append(got, fmt.Sprint(r.Sequence, err != nil))
		if r.Sequence == 3 {
			break
		}
	}
	if diff := cmp.Diff([]string{"1 false", "2 true", "3 false"}, got); diff != "" {
		t.Error(diff)
	}
}
