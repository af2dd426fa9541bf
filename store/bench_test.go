package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"doord/policy"
	"doord/policy/ledger"
)

// Each benchmark measures bbolt itself in the same run and reports the ratio: the
// times are the machine's, the ratio is ours.

func quantile(times []time.Duration, q float64) float64 {
	slices.Sort(times)
	return float64(times[int(q*float64(len(times)-1))])
}

// rawGet is the floor under a look-up: one View and one Get of the same file.
func rawGet(p *Policy, key []byte) (n int) {
	_ = p.live.Load().db.View(func(tx *bbolt.Tx) error {
		n = len(tx.Bucket(credentialsBucket).Get(key))
		return nil
	})
	return n
}

// BenchmarkDecision: a look-up and all checks against one raw View and Get. Goal:
// at most 1.5 times.
func BenchmarkDecision(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := openPolicy(b, b.TempDir())
			r := place(n)
			began := time.Now()
			revision, err := p.Replace(r)
			if err != nil {
				b.Fatal(err)
			}
			replaced := time.Since(began)
			set := policy.Compile(r, revision, "0123456789abcdef", time.UTC)
			now := policy.Now{Wall: time.Now(), WallSet: true}
			var raw, looked, decided []time.Duration
			var h policy.Holder
			req := policy.Request{Door: 1, Method: policy.MethodCard, Reader: 1, Holder: &h}
			key := make([]byte, 0, 64)
			digester := ledger.NewDigester(p.live.Load().key)
			for b.Loop() {
				token := card(1 + rand.Int64N(int64(n)))
				other := card(1 + rand.Int64N(int64(n)))
				key = digester.Append(key[:0], other)

				t0 := time.Now()
				got := rawGet(p, key)
				t1 := time.Now()
				found, ok, err := p.Lookup(token, &h)
				t2 := time.Now()
				req.Found = found
				d := policy.Decide(set, &req, now, false)
				t3 := time.Now()
				if got == 0 || !ok || err != nil || !d.Granted && d.Reason != policy.AccessDenied {
					b.Fatal(got, ok, err, d.Reason)
				}
				raw, looked, decided = append(raw, t1.Sub(t0)), append(looked, t2.Sub(t1)), append(decided, t3.Sub(t1))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(replaced.Seconds(), "s-replace")
			b.ReportMetric(quantile(raw, .5), "p50-raw-ns")
			b.ReportMetric(quantile(decided, .5), "p50-ns")
			b.ReportMetric(quantile(decided, .99), "p99-ns")
			b.ReportMetric(quantile(looked, .5)/quantile(raw, .5), "x-raw-p50-lookup")
			b.ReportMetric(quantile(decided, .5)/quantile(raw, .5), "x-raw-p50")
			b.ReportMetric(quantile(decided, .99)/quantile(raw, .99), "x-raw-p99")
		})
	}
}

// BenchmarkAppend: events through the journal against the same bytes, in the same
// groups, put straight into bbolt. Goal: at least 80 % of its speed.
func BenchmarkAppend(b *testing.B) {
	const round = 10_000
	j, err := OpenJournal(b.TempDir(), Options{MaxQueue: round})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	bolt, err := bbolt.Open(filepath.Join(b.TempDir(), "raw.db"), 0o600, boltOptions())
	if err != nil {
		b.Fatal(err)
	}
	defer bolt.Close()
	events := make([]policy.Event, round)
	for i := range events {
		events[i] = happened(i)
	}
	made := group{bootID: j.o.BootID}
	for i := range events {
		made.add(&events[i])
	}
	var raw, ours []time.Duration
	sequence := uint64(0)
	for b.Loop() {
		began := time.Now()
		for chunk := range slices.Chunk(made.values, maxGroup) {
			if err := bolt.Update(func(tx *bbolt.Tx) error {
				bucket, err := tx.CreateBucketIfNotExists(eventsBucket)
				if err != nil {
					return err
				}
				bucket.FillPercent = packed
				for _, value := range chunk {
					sequence++
					if err := bucket.Put(idKey(sequence), value); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
		raw = append(raw, time.Since(began))

		began = time.Now()
		for i := range events {
			if j.Append(events[i]) != 0 {
				b.Fatal("dropped")
			}
		}
		if err := j.Sync(context.Background()); err != nil {
			b.Fatal(err)
		}
		ours = append(ours, time.Since(began))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(made.arena))/round, "B/event")
	b.ReportMetric(round*1e9/quantile(ours, .5), "events/s")
	b.ReportMetric(100*quantile(raw, .5)/quantile(ours, .5), "%-of-raw")
}

// BenchmarkOpen: the start with many credentials against the start with none.
// Goal: at most 1.2 times.
func BenchmarkOpen(b *testing.B) {
	const credentials = 1_000_000
	filled := func(credentials int) string {
		dir := b.TempDir()
		p, err := OpenPolicy(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		_, err = p.Replace(place(credentials))
		if err := errors.Join(err, p.Close()); err != nil {
			b.Fatal(err)
		}
		return dir
	}
	empty, full := filled(0), filled(credentials)
	first := func(dir string, id int64) time.Duration {
		began := time.Now()
		p, err := OpenPolicy(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		var h policy.Holder
		if _, _, err := p.Lookup(card(id), &h); err != nil {
			b.Fatal(err)
		}
		d := time.Since(began)
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
		return d
	}
	var none, many []time.Duration
	for b.Loop() {
		none = append(none, first(empty, 1))
		many = append(many, first(full, 1+rand.Int64N(credentials)))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(quantile(none, .5)/1e6, "ms-empty")
	b.ReportMetric(quantile(many, .5)/1e6, "ms-1M")
	b.ReportMetric(quantile(many, .5)/quantile(none, .5), "x-empty")
}
