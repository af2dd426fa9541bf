package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"doord/policy"
	"doord/policy/ledger"
)

// crowd yields the records of a place with n members who have a card each, in the
// order of a snapshot, and holds none of them: so that what a load takes in memory
// is the load's. The credentials' keys are not the digests of real tokens.
func crowd(n int) func() (ledger.Record, error) {
	all, err := ledger.FromRecords(place(0), nil)
	if err != nil {
		panic(err)
	}
	var small []ledger.Record
	for r := range all {
		small = append(small, r)
	}
	at, step := -len(small), uint64(1<<63)/uint64(n)*2
	h := policy.Holder{Kind: policy.KindCard, Status: policy.Activated, AccessEnabled: true, Groups: []policy.Membership{{Group: 1}, {Group: 2}}}
	byKey := 0 // of three bytes: the ids in the order of their keys
	return func() (ledger.Record, error) {
		i := at
		at++
		switch {
		case i < 0:
			return small[len(small)+i], nil
		case i < n:
			h.Credential, h.Member = int64(i+1), int64(i+1)
			value, err := ledger.AppendHolder(nil, &h)
			key := binary.BigEndian.AppendUint64(nil, uint64(i)*step)
			return ledger.Record{Table: ledger.Credentials, Key: append(key, make([]byte, 8)...), Value: value}, err
		}
		for ; byKey < 1<<24; byKey++ {
			id := byKey&0xff<<16 | byKey&0xff00 | byKey>>16
			if id == 0 || id > n {
				continue
			}
			byKey++
			h.Credential, h.Member = 0, int64(id)
			value, err := ledger.AppendHolder(nil, &h)
			return ledger.Record{Table: ledger.Members, Key: ledger.IDKey(int64(id)), Value: value}, err
		}
		return ledger.Record{}, io.EOF
	}
}

// headOf computes the head of a snapshot.
func headOf(b testing.TB, next func() (ledger.Record, error)) ledger.Head {
	var tree ledger.Builder
	for {
		r, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = tree.Add(r)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	t := tree.Finish()
	return ledger.Head{Place: 1, Generation: 1, Version: 1, Root: t.Root(), Count: t.Count}
}

// anonymous returns the process's memory that lies in no file, in bytes.
func anonymous(b testing.TB) uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kb uint64
		if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &kb); err == nil {
			return kb << 10
		}
	}
	b.Fatal("no RssAnon")
	return 0
}

// peak samples the anonymous memory until it is called again.
func peak(b testing.TB) func() uint64 {
	var most atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			most.Store(max(most.Load(), anonymous(b)))
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		return most.Load()
	}
}

// BenchmarkLoad: a snapshot of as many members with a card each. Goal: 100,000 in
// at most 5 s with the network, and at most 64 MB of anonymous memory also with
// 2,000,000.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000, 2_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := openPolicy(b, b.TempDir())
			head := headOf(b, crowd(n))
			runtime.GC()
			ended := peak(b)
			var times []time.Duration
			for b.Loop() {
				began := time.Now()
				if err := p.Load(nil, sign(head), head, crowd(n)); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(began))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(quantile(times, .5)/1e9, "s-load")
			b.ReportMetric(float64(ended())/(1<<20), "MiB-anonymous-peak")
		})
	}
}

// BenchmarkApply: one member is disabled, which changes him and his card, against
// one bare transaction of bbolt that puts two values of the same file. Goal: p50 at
// most 10 ms.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := openPolicy(b, b.TempDir())
			var live []ledger.Record // the leaves of a twin, to know the roots
			head := headOf(b, crowd(n))
			if err := p.Load(nil, sign(head), head, crowd(n)); err != nil {
				b.Fatal(err)
			}
			next := crowd(n)
			for {
				r, err := next()
				if errors.Is(err, io.EOF) {
					break
				}
				live = append(live, r)
			}
			twin := newTwin(live)
			var raw, ours []time.Duration
			for b.Loop() {
				at := len(live) - 2*n + rand.IntN(n)
				for _, r := range []*ledger.Record{&live[at], &live[at+n]} { // some card, some member
					r.Value = bytes.Clone(r.Value)
					r.Value[4] ^= 1
				}
				c, m := live[at], live[at+n]
				e := ledger.Entry{Version: head.Version + 1, Changes: []ledger.Record{c, m}}
				head.Version, head.Chain, head.Root = e.Version, head.Chain.Next(e.Encode()), twin.change(e.Changes...)
				signed := sign(head)

				began := time.Now()
				if err := p.Apply(signed, head, []ledger.Entry{e}); err != nil {
					b.Fatal(err)
				}
				ours = append(ours, time.Since(began))

				began = time.Now()
				if err := p.live.Load().update(func(tx *bbolt.Tx) error {
					return errors.Join(tx.Bucket(credentialsBucket).Put(c.Key, sealed(c.Key, c.Value)),
						tx.Bucket(membersBucket).Put(m.Key, sealed(m.Key, m.Value)))
				}); err != nil {
					b.Fatal(err)
				}
				raw = append(raw, time.Since(began))
			}
			if err := p.Check(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(quantile(ours, .5)/1e6, "ms-p50")
			b.ReportMetric(quantile(ours, .99)/1e6, "ms-p99")
			b.ReportMetric(quantile(ours, .5)/quantile(raw, .5), "x-raw-p50")
		})
	}
}

// twin keeps records by leaf.
type twin struct {
	tree ledger.Tree
	leaf [ledger.Leaves][]ledger.Record
}

func newTwin(all []ledger.Record) *twin {
	t := &twin{}
	for _, r := range all {
		at := ledger.LeafOf(r.Table, r.Key)
		t.leaf[at] = append(t.leaf[at], r)
	}
	for at := range t.leaf {
		t.hash(at)
	}
	return t
}

func (t *twin) hash(at int) {
	var l ledger.Leaf
	for _, r := range t.leaf[at] {
		l.Add(r.Key, r.Value)
	}
	t.tree.Leaf[at], _ = l.Sum()
}

// change puts other values under keys that are there, and returns the root.
func (t *twin) change(records ...ledger.Record) ledger.Hash {
	for _, r := range records {
		at := ledger.LeafOf(r.Table, r.Key)
		i, _ := slices.BinarySearchFunc(t.leaf[at], r, ledger.Compare)
		t.leaf[at][i] = r
		t.hash(at)
	}
	return t.tree.Root()
}
