package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Verify walks the chain from the oldest event that is kept to the newest. It
// returns a *Damage that names the first event which is not what was written, or
// is missing. A chain that was cut off at its end, or computed anew as a whole, is
// whole to Verify: a signed Head tells.
func (j *Journal) Verify(ctx context.Context) error {
	f, head, _ := j.now()
	var at uint64 // verified through
	var hash Hash
	for at == 0 || at < head.Sequence {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := f.view(func(tx *bbolt.Tx) (err error) {
			at, hash, err = verifyPage(f, tx, at, hash, head.Sequence)
			return err
		})
		if errors.Is(err, berrors.ErrDatabaseNotOpen) {
			return fmt.Errorf("store: %s: %w", eventsFile, ErrClosed)
		}
		if err != nil {
			return err
		}
		if head.Sequence == 0 {
			return nil
		}
	}
	return nil
}

// verifyPage goes on from an event that was verified. Where the events after it
// were given up meanwhile it goes on from the anchor.
func verifyPage(f *file, tx *bbolt.Tx, at uint64, hash Hash, through uint64) (uint64, Hash, error) {
	sequence, anchored, err := anchor(f, tx)
	if err != nil {
		return at, hash, err
	}
	if sequence > at || at == 0 {
		at, hash = sequence, anchored
	}
	c := tx.Bucket(eventsBucket).Cursor()
	key, value := c.Seek(idKey(at + 1))
	for n := 0; n < pageEvents && at < through; n++ {
		if key == nil || binary.BigEndian.Uint64(key) != at+1 {
			return at, hash, damagedEvent(f, at+1, errors.New("it is missing"))
		}
		r, err := decodeRecord(key, value)
		if err != nil {
			return at, hash, damagedEvent(f, at+1, err)
		}
		if !r.Follows(hash) {
			return at, hash, damagedEvent(f, at+1, fmt.Errorf("its hash does not follow from event %d", at))
		}
		at, hash = r.Sequence, r.Hash
		key, value = c.Next()
	}
	return at, hash, nil
}
