package store

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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

func TestTheLastReceiptIsKeptWithTheAcknowledgement(t *testing.T) {
	dir := t.TempDir()
	j, err := OpenJournal(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if j.Receipt() != nil {
		t.Errorf("a new journal has the receipt %q", j.Receipt())
	}
	j.Append(happened(1), happened(2))
	flush(t, j)
	j.AckedBy(1, []byte("one"))
	flush(t, j)
	j.AckedBy(2, []byte("two"))
	j.Acked(1) // without one
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = OpenJournal(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	if string(j.Receipt()) != "two" || j.AckedThrough() != 1 {
		t.Errorf("after a restart: %q, through %d", j.Receipt(), j.AckedThrough())
	}
	j.Append(happened(3))
	flush(t, j)
	if string(j.Receipt()) != "two" {
		t.Errorf("after an event: %q", j.Receipt())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	// It is about an epoch: a journal begun anew has none.
	truncate(0)(t, filepath.Join(dir, eventsFile))
	if j = openJournal(t, dir, Options{}); j.Receipt() != nil {
		t.Errorf("a new epoch has the receipt %q", j.Receipt())
	}
}
