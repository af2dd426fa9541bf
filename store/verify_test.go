package store

import (
	"context"
	"errors"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
)

func TestVerifyFindsAnyFlippedByte(t *testing.T) {
	j := openJournal(t, t.TempDir(), Options{})
	for i := range 6 {
		j.Append(happened(i))
	}
	flush(t, j)
	set := func(key, value []byte) {
		if err := j.live.update(func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Put(key, value) }); err != nil {
			t.Fatal(err)
		}
	}
	j.live.db.NoSync = true
	for sequence := uint64(1); sequence <= 6; sequence++ {
		key := idKey(sequence)
		var good []byte
		if err := j.live.view(func(tx *bbolt.Tx) error {
			good = slices.Clone(tx.Bucket(eventsBucket).Get(key))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for i := range good {
			bad := slices.Clone(good)
			bad[i] ^= 1 << (i % 8)
			for _, resealed := range []bool{false, true} {
				if resealed { // as somebody would who means it
					bad = sealed(key, bad[:len(bad)-sealSize])
					if i >= len(good)-sealSize {
						continue
					}
				}
				set(key, bad)
				err := j.Verify(context.Background())
				var d *Damage
				if !errors.As(err, &d) || d.Sequence != sequence {
					t.Fatalf("byte %d of event %d, resealed %v: %v", i, sequence, resealed, err)
				}
			}
		}
		set(key, good)
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if err := j.live.update(func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Delete(idKey(4)) }); err != nil {
		t.Fatal(err)
	}
	var d *Damage
	if err := j.Verify(t.Context()); !errors.As(err, &d) || d.Sequence != 4 {
		t.Errorf("a missing event: %v", err)
	}
}
