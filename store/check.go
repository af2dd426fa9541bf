package store

import (
	"context"
	"errors"
	"runtime"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"doord/policy"
	"doord/policy/ledger"
)

// yieldAfter is how many records Check looks at before it lets others go first.
const yieldAfter = 1024

// Check reads the whole cache: every checksum, whether all is there that was put
// in, and whether that is what its head says. It returns the first *Damage, or the
// context's error. It runs beside look-ups and holds none of them up; a policy that
// is replaced meanwhile is checked from the start.
func (p *Policy) Check(ctx context.Context) error {
	for {
		c := p.live.Load()
		err := checkPolicy(ctx, c.file)
		if !errors.Is(err, berrors.ErrDatabaseNotOpen) {
			return err
		}
		if p.live.Load() == c {
			return ErrClosed
		}
	}
}

// checkPolicy looks at one leaf in a transaction: a change that is applied on the
// way is seen in whole leaves.
func checkPolicy(ctx context.Context, f *file) error {
	if err := f.view(func(tx *bbolt.Tx) error {
		_, _, err := records(f, tx)
		return err
	}); err != nil {
		return err
	}
	var h policy.Holder
	seen := 0
	for leaf := range ledger.Leaves {
		if seen > yieldAfter {
			seen = 0
			runtime.Gosched() // whoever opens a door goes first
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		table := ledger.TableOf(leaf)
		see := func(_, body []byte) error {
			seen++
			if table == ledger.Credentials || table == ledger.Members {
				return ledger.DecodeHolder(body, &h)
			}
			return nil
		}
		if err := f.view(func(tx *bbolt.Tx) error {
			found, err := hashLeaf(f, tx, leaf, see)
			if err != nil {
				return err
			}
			want, err := readLeaf(f, tx, leaf)
			if err != nil {
				return err
			}
			if found != want {
				return damage(f.path, string(buckets[table]), "the records of leaf %d are not those that were written", leaf)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return f.view(func(tx *bbolt.Tx) error {
		s, err := readHead(f, tx)
		if err != nil || s == nil {
			return err
		}
		root, err := rootOf(f, tx)
		if err == nil && root != s.head.Root {
			err = damage(f.path, "its head", "the records are not those that it tells of")
		}
		return err
	})
}
