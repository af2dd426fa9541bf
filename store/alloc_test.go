//go:build !race

package store

import (
	"testing"

	"doord/policy"
	"doord/policy/ledger"
)

// Under the race detector a sync.Pool forgets on purpose.
func TestLookupAllocatesNothingOfItsOwn(t *testing.T) {
	p := openPolicy(t, t.TempDir())
	if _, err := p.Replace(place(100)); err != nil {
		t.Fatal(err)
	}
	var h policy.Holder
	token := card(50)
	lookup := testing.AllocsPerRun(200, func() { _, _, _ = p.Lookup(token, &h) })
	key := ledger.Digest(p.live.Load().key, token)
	raw := testing.AllocsPerRun(200, func() { _ = rawGet(p, key) })
	if lookup > raw {
		t.Errorf("Lookup allocates %v times, a bare View and Get %v", lookup, raw)
	}
}
