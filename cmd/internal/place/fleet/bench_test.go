package fleet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"doord/policy"
	"doord/policy/ledger"
	"doord/store"
	"doord/store/cloudsync"
)

// town is a place with so many members, each with a card, in two of three groups.
func town(b testing.TB, n int, key []byte) (all []ledger.Record) {
	b.Helper()
	r := &policy.Records{
		Place: policy.Place{ID: 1, Name: "Works", TimeZone: "Europe/Berlin"},
		Locks: []policy.Lock{{ID: 1, Name: "Gate", Configured: true, WhenClockUnset: policy.ClockDeny,
			WhenPolicyStale: policy.StaleAdmit, OnFire: policy.FireStay}},
		Groups:     []policy.Group{{ID: 1, Name: "Staff"}, {ID: 2, Name: "Night"}, {ID: 3, Name: "Cleaners"}},
		GroupLocks: []policy.GroupLock{{ID: 1, GroupID: 1, LockID: 1}},
	}
	for i := range int64(n) {
		id := i + 1
		r.Members = append(r.Members, policy.Member{ID: id, AccessEnabled: true})
		r.Credentials = append(r.Credentials, policy.Credential{ID: id, MemberID: id, Kind: policy.KindCard,
			Format: "H10301", Facility: uint64(id >> 16), Card: uint64(id & 0xffff), Status: policy.Activated})
		for k := range int64(2) {
			r.RoleAssignments = append(r.RoleAssignments, policy.RoleAssignment{ID: 2*id + k, Role: policy.RoleMember, MemberID: id,
				AppliesTo: policy.AppliesTo{Type: "group", ID: 1 + (i+k)%3}})
		}
	}
	records, err := ledger.FromRecords(r, key)
	if err != nil {
		b.Fatal(err)
	}
	for rec := range records {
		all = append(all, rec)
	}
	return all
}

// BenchmarkSnapshot measures all of a place with 100,000 members: how it comes into
// the log, how it is packed, and how it goes to a controller that checks it.
func BenchmarkSnapshot(b *testing.B) {
	r := newRig(b)
	board := r.enroll(1, 7)
	records := town(b, 100_000, r.fleet.PlaceKey(1))
	began := time.Now()
	r.put(1, records...)
	stage := time.Since(began)
	var c cache
	began = time.Now()
	board.pull(&c, 0)
	first := time.Since(began)
	if c.kind != "snapshot" || len(c.records) != len(records) {
		b.Fatal(c.kind, len(c.records))
	}
	b.ResetTimer()
	for range b.N {
		c = cache{}
		board.pull(&c, 0)
	}
	b.ReportMetric(stage.Seconds()*1e3, "stage-ms")
	b.ReportMetric(first.Seconds()*1e3, "first-ms")
	b.ReportMetric(float64(c.bytes)/1e6, "MB")

	var times []time.Duration
	for i := range 50 { // one change among them
		began := time.Now()
		r.put(1, ledger.Record{Table: ledger.Members, Key: ledger.IDKey(int64(i + 5)), Value: fmt.Appendf(nil, "%d", i)})
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	b.ReportMetric(times[25].Seconds()*1e3, "change-p50-ms")
	b.ReportMetric(times[49].Seconds()*1e3, "change-p99-ms")
}

// BenchmarkEvents measures events that become durable, of 20 controllers that upload
// 100 at a time over TLS, beside bbolt alone with the same bytes in the same groups.
func BenchmarkEvents(b *testing.B) {
	const boards, group = 20, 100
	rounds := max(1, b.N/(boards*group))
	r := newRig(b)
	all := r.crowd(1, boards)
	uploads := make([][][]byte, boards)
	size := 0
	for i := range uploads {
		var prev store.Hash
		epoch := fmt.Sprintf("%032x", i+1)
		for round := range rounds {
			var body []byte
			for k := range group {
				n := round*group + k + 1
				line, hash := chained(prev, fmt.Sprintf(`{"version":1,"uuid":"00000000-0000-7000-8000-%012d","sequence":%d,"epoch":"%s","created_at":"2026-03-01T08:00:00Z","uptime":%d,"boot_id":"0123456789abcdef","clock_set":true,"type":"lock.unlock","actor_type":"member","actor_id":%d,"object_type":"lock","object_id":1,"object_name":"gate","success":true,"policy_revision":7,"trace":[{"check":"door","saw":"lock 1","rule":"is configured and wired here","ok":true},{"check":"method","saw":"card","rule":"reader 1","ok":true}]}`, n, n, epoch, n, n))
				body, prev = append(body, line...), hash
			}
			size += len(body)
			uploads[i] = append(uploads[i], zipped(body))
		}
	}
	send := func(do func(i int, body []byte)) float64 {
		began := time.Now()
		var wait sync.WaitGroup
		for i := range uploads {
			wait.Go(func() {
				for _, body := range uploads[i] {
					do(i, body)
				}
			})
		}
		wait.Wait()
		return float64(rounds*boards*group) / time.Since(began).Seconds()
	}
	for _, board := range all { // connections are there already
		board.ask("GET", cloudsync.PathPolicy, nil, nil, nil)
	}
	b.ResetTimer()
	rate := send(func(i int, body []byte) {
		if status, text := raw(b, all[i].http, "POST", all[i].url(cloudsync.PathEvents), gzipped, body); status != http.StatusOK {
			b.Errorf("%d %s", status, text)
		}
	})
	b.StopTimer()

	db, err := bbolt.Open(filepath.Join(b.TempDir(), "floor.db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, InitialMmapSize: 64 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	text := bytes.Repeat([]byte("x"), size/(rounds*boards*group))
	n, began := uint64(0), time.Now()
	for range rounds * boards / 10 { // groups of ten uploads, as they come together
		if err := db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("events"))
			if err != nil {
				return err
			}
			for range 10 * group {
				n++
				if err := bucket.Put(binary.BigEndian.AppendUint64(nil, n), text); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	floor := float64(n) / time.Since(began).Seconds()
	b.ReportMetric(rate, "events/s")
	b.ReportMetric(floor, "floor/s")
	b.ReportMetric(rate/floor, "of-floor")
}
