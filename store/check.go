package store

import (
	"bytes"
	"context"
	"errors"
	"runtime"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"doord/policy"
)

// checkedRecords is how many records one read transaction of Check looks at.
const checkedRecords = 1024

// Check reads the whole cache: every checksum, and whether all is there that was
// put in. It returns the first *Damage, or the context's error. It runs beside
// look-ups and holds none of them up; a policy that is replaced meanwhile is
// checked from the start.
func (p *Policy) Check(ctx context.Context) error {
	for {
		f := p.live.Load()
		err := checkPolicy(ctx, f)
		if !errors.Is(err, berrors.ErrDatabaseNotOpen) {
			return err
		}
		if p.live.Load() == f {
			return ErrClosed
		}
	}
}

func checkPolicy(ctx context.Context, f *file) error {
	if err := f.view(func(tx *bbolt.Tx) error {
		_, _, err := records(f, tx)
		return err
	}); err != nil {
		return err
	}
	var h policy.Holder
	holder := func(key, value []byte) error { return decodeHolder(key, value, &h) }
	name := func(key, value []byte) error { _, err := unseal(key, value); return err }
	for _, large := range []struct {
		bucket []byte
		check  func(key, value []byte) error
	}{{credentialsBucket, holder}, {membersBucket, holder}, {namesBucket, name}} {
		if err := checkBucket(ctx, f, large.bucket, large.check); err != nil {
			return err
		}
	}
	return nil
}

func checkBucket(ctx context.Context, f *file, bucket []byte, check func(key, value []byte) error) error {
	var found tally
	var last []byte
	for more := true; more; {
		runtime.Gosched() // whoever opens a door goes first
		if err := ctx.Err(); err != nil {
			return err
		}
		more = false
		err := f.view(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucket).Cursor()
			key, value := c.First()
			if last != nil {
				if key, value = c.Seek(last); bytes.Equal(key, last) {
					key, value = c.Next()
				}
			}
			for n := 0; key != nil; key, value = c.Next() {
				if n++; n > checkedRecords {
					more = true
					return nil
				}
				if err := check(key, value); err != nil {
					return damage(f.path, string(bucket), "record %x: %v", key, err)
				}
				found.add(value)
				last = append(last[:0], key...)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return f.view(func(tx *bbolt.Tx) error {
		want, err := metaValue(f, tx, tallyKey(bucket))
		if err != nil {
			return err
		}
		if !bytes.Equal(want, found.append(nil)) {
			return damage(f.path, string(bucket), "%d records are not those that were written", found.count)
		}
		return nil
	})
}
