package fleet

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	stdlog "log"
	"maps"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doord/policy/ledger"
)

func unzip(b []byte) (io.Reader, error) { return gzip.NewReader(bytes.NewReader(b)) }

func quiet() *stdlog.Logger { return stdlog.New(io.Discard, "", 0) }

func TestAControllerFollowsTheLog(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	var c cache
	step := func(kind string) {
		t.Helper()
		b.pull(&c, 0)
		if c.kind != kind {
			t.Fatalf("came %s, want %s", c.kind, kind)
		}
		if live := r.live(1); !maps.Equal(live, c.records) {
			t.Fatalf("the controller has %v, the service %v", c.records, live)
		}
	}
	step("snapshot")
	step("nothing")
	r.put(1, small("locks", 1, `{"id":1}`), small("locks", 2, `{"id":2}`))
	step("delta")
	if c.head.Version != 1 || c.head.Count != 2 {
		t.Errorf("%+v", c.head)
	}
	r.put(1, small("locks", 1, `{"id":1}`), small("locks", 3, ""))
	step("nothing") // nothing of it was a change
	r.put(1, small("locks", 1, ""), small("locks", 2, "x"), small("locks", 2, "y"))
	r.put(1, small("locks", 4, "z"))
	step("delta")
	if c.head.Version != 3 || c.records[name(small("locks", 2, ""))] != "y" {
		t.Errorf("%+v, %v", c.head, c.records)
	}
	r.advance(25 * time.Hour)
	before := c.head
	step("head")
	if c.head.Expires <= before.Expires || c.head.Position() != before.Position() {
		t.Errorf("%+v after %+v", c.head, before)
	}
	step("nothing")

	r.stop()
	r.advance(time.Second)
	r.start() // all of it is in the storage
	b.use(b.given.Certificate)
	step("head") // a head that was signed again
	r.put(1, small("locks", 9, "nine"))
	step("delta")
	c = cache{}
	step("snapshot")
}

func TestAHeadIsSignedOnceAndThenDaily(t *testing.T) {
	r := newRig(t)
	l, err := r.fleet.logOf(1)
	if err != nil {
		t.Fatal(err)
	}
	row, changed := l.now()
	a, head, err := r.fleet.sign(l, row)
	if err != nil || time.Unix(head.Expires, 0).Sub(time.Unix(head.Issued, 0)) != headLife {
		t.Fatal(head, err)
	}
	r.advance(23 * time.Hour)
	b, _, _ := r.fleet.sign(l, row)
	r.fleet.renewHeads(r.now())
	if !bytes.Equal(a.Signature, b.Signature) {
		t.Error("signed again within a day")
	}
	select {
	case <-changed:
		t.Error("woken within a day")
	default:
	}
	r.advance(2 * time.Hour)
	r.fleet.renewHeads(r.now())
	select {
	case <-changed:
	default:
		t.Error("nobody was woken for a later head")
	}
	if c, _, _ := r.fleet.sign(l, row); bytes.Equal(a.Signature, c.Signature) {
		t.Error("not signed again after a day")
	}
}

// TestTheTreeIsThatOfItsRecords compares the tree that changes keep with one made
// anew of all records.
func TestTheTreeIsThatOfItsRecords(t *testing.T) {
	r := newRig(t)
	rapid.Check(t, func(t *rapid.T) {
		var changes []ledger.Record
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			key := []byte{rapid.Byte().Draw(t, "leaf") & 3, rapid.Byte().Draw(t, "key") & 7}
			value := []byte(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "value"))
			changes = append(changes, ledger.Record{Table: rapid.SampledFrom(ledger.Tables).Draw(t, "table"), Key: key, Value: value})
		}
		r.put(1, changes...)
		l, err := r.fleet.logOf(1)
		if err != nil {
			t.Fatal(err)
		}
		anew := &log{place: 1}
		if err := r.fleet.loadLog(anew); err != nil {
			t.Fatal(err)
		}
		if anew.tree != l.tree {
			t.Fatal("another tree than that of the records")
		}
	})
}

func TestStageRefuses(t *testing.T) {
	r := newRig(t)
	for name, change := range map[string]ledger.Record{
		"a table that there is not": {Table: 9, Key: []byte("k"), Value: []byte("v")},
		"a record without a key":    {Table: ledger.Records, Value: []byte("v")},
		"a key that is too long":    {Table: ledger.Records, Key: make([]byte, 256), Value: []byte("v")},
		"a value that is too large": {Table: ledger.Records, Key: []byte("k"), Value: make([]byte, ledger.MaxValue+1)},
	} {
		if _, err := r.fleet.Stage(1, []ledger.Record{change}); err == nil {
			t.Errorf("%s: staged", name)
		}
	}
	if _, err := r.fleet.Stage(2, nil); err == nil {
		t.Error("staged in a place that is not there")
	}
}

func TestAStageThatIsNotCommittedChangesNothing(t *testing.T) {
	r := newRig(t)
	r.put(1, small("locks", 1, "a"))
	before := r.fleet.Position(1)
	if _, err := r.fleet.Stage(1, []ledger.Record{small("locks", 2, "b")}); err != nil {
		t.Fatal(err)
	}
	r.put(1, small("locks", 3, "c"))
	if after := r.fleet.Position(1); after.Version != before.Version+1 {
		t.Errorf("%v after %v", after, before)
	}
	r.stop()
	r.start()
	if len(r.live(1)) != 2 {
		t.Error(r.live(1))
	}
}

func TestOldEntriesAreGivenUp(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	big := bytes.Repeat([]byte("x"), 900_000)
	r.put(1, small("locks", 1, "first"))
	var c cache
	b.pull(&c, 0)
	for i := range 40 {
		r.put(1, small("locks", 2, fmt.Sprint(i, string(big))))
	}
	l, _ := r.fleet.logOf(1)
	row, _ := l.now()
	if row.Bytes > keepBytes || row.Oldest < 20 || row.Oldest > row.Version {
		t.Errorf("kept %d bytes from %d to %d", row.Bytes, row.Oldest, row.Version)
	}
	n := uint64(0)
	for e, err := range r.storage.Scan(tableLog, nil) {
		if err != nil || len(e.Value) == 0 {
			t.Fatal(err)
		}
		n++
	}
	if n != row.Version-row.Oldest+1 {
		t.Errorf("%d entries from %d to %d", n, row.Oldest, row.Version)
	}
	b.pull(&c, 0)
	if c.kind != "snapshot" {
		t.Errorf("came %s", c.kind)
	}
	r.put(1, small("locks", 2, "small"))
	b.pull(&c, 0)
	if c.kind != "delta" {
		t.Errorf("came %s", c.kind)
	}
}

func TestWhoIsFarBehindTakesASnapshot(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	var c cache
	b.pull(&c, 0)
	for i := range 3 {
		r.put(1, small("locks", 1, fmt.Sprint(i, string(bytes.Repeat([]byte("x"), 50_000)))))
	}
	b.pull(&c, 0)
	if c.kind != "snapshot" {
		t.Errorf("came %s", c.kind)
	}
}

func TestPositionsThatAreNotOfThisLog(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	for i := range 5 {
		r.put(1, small("locks", int64(i+1), "x"))
	}
	at := r.fleet.Position(1)
	for _, test := range []struct {
		name string
		has  ledger.Position
		want string
	}{
		{"another chain at an older version: all of it", ledger.Position{Generation: 1, Version: 3, Chain: ledger.Hash{1}}, "snapshot"},
		{"another chain at this version: all of it", ledger.Position{Generation: 1, Version: 5, Chain: ledger.Hash{1}}, "snapshot"},
		{"another chain at the beginning: all of it", ledger.Position{Generation: 1, Chain: ledger.Hash{1}}, "snapshot"},
		{"an older generation: all of it", ledger.Position{Generation: 0, Version: 5, Chain: at.Chain}, "snapshot"},
		{"the beginning: the entries", ledger.Position{Generation: 1}, "delta"},
		{"a later version: nothing", ledger.Position{Generation: 1, Version: 6, Chain: at.Chain}, "409 Conflict"},
		{"a later generation: nothing", ledger.Position{Generation: 2, Version: 1, Chain: at.Chain}, "409 Conflict"},
	} {
		c := cache{records: map[string]string{}, head: ledger.Head{Generation: test.has.Generation, Version: test.has.Version, Chain: test.has.Chain}}
		b.pull(&c, 0)
		if c.kind != test.want {
			t.Errorf("%s: %s", test.name, c.kind)
		}
	}
}

func TestALongPollWaitsForAChange(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	var c cache
	b.pull(&c, 0)
	done := make(chan error)
	go func() { done <- b.tryPull(context.Background(), &c, 50) }()
	for r.fleet.waiting.Load() == 0 {
		runtime.Gosched()
	}
	r.put(1, small("locks", 1, "x"))
	if err := <-done; err != nil || c.kind != "delta" {
		t.Error(c.kind, err)
	}
	go func() { done <- b.tryPull(context.Background(), &c, 1) }()
	if err := <-done; err != nil || c.kind != "nothing" {
		t.Error(c.kind, err)
	}
	go func() { done <- b.tryPull(context.Background(), &c, 50) }()
	for r.fleet.waiting.Load() == 0 {
		runtime.Gosched()
	}
	if err := r.fleet.Revoke(7); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil || c.kind != "403 Forbidden" {
		t.Error(c.kind, err)
	}
}

func TestARestoredPlaceBeginsAGeneration(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	r.put(1, small("locks", 1, "x"))
	var backup bytes.Buffer
	if err := r.storage.Backup(&backup); err != nil {
		t.Fatal(err)
	}
	r.put(1, small("locks", 2, "y"))
	var c cache
	b.pull(&c, 0)

	r.restore(&backup)
	b.use(b.given.Certificate)
	b.pull(&c, 0)
	if c.kind != "409 Conflict" {
		t.Errorf("a log that went back: %s", c.kind)
	}
	r.stop()
	r.generation()
	r.start()
	b.use(b.given.Certificate)
	b.pull(&c, 0)
	if c.kind != "snapshot" || c.head.Generation < 2 || c.head.Version != 1 || !maps.Equal(c.records, r.live(1)) {
		t.Errorf("%s, %+v", c.kind, c.head)
	}
	r.put(1, small("locks", 3, "z"))
	b.pull(&c, 0)
	if c.kind != "delta" {
		t.Errorf("came %s", c.kind)
	}
}
