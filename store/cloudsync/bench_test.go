package cloudsync

import (
	"slices"
	"strconv"
	"testing"
	"time"
)

// BenchmarkChange is a change of one record, from the service's commit until it is
// on the controller's disk and in force: one long poll, TLS, a delta, one
// transaction.
func BenchmarkChange(b *testing.B) {
	r := newStranger(b)
	used := make(chan struct{}, 1)
	r.daemon.mu.Lock()
	r.daemon.then = func() { used <- struct{}{} }
	r.daemon.mu.Unlock()
	if err := r.client.Enroll(b.Context(), address, r.service.claim()); err != nil {
		b.Fatal(err)
	}
	<-used
	var took []time.Duration
	version := 0
	for b.Loop() {
		version++
		began := time.Now()
		r.service.touch(strconv.Itoa(version))
		<-used
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1e3, "p99-ms")
	if r.service.wholes != 1 {
		b.Errorf("%d snapshots went out", r.service.wholes)
	}
}
