package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

func TestAFollowerSeesEveryEventOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, t.TempDir(), Options{})
		for i := range 700 {
			j.Append(happened(i))
		}
		flush(t, j)
		ctx, cancel := context.WithCancel(t.Context())
		followed := make(chan []uint64)
		for _, since := range []uint64{0, 5, 700, 9000} {
			go func() {
				var got []uint64
				for r, err := range j.Follow(ctx, since) {
					if err != nil {
						t.Error(err)
					}
					got = append(got, r.Sequence)
				}
				followed <- got
			}()
		}
		for i := range 400 {
			j.Append(happened(700 + i))
			if i%50 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		cancel()
		var lengths []int
		for range 4 {
			got := <-followed
			lengths = append(lengths, len(got))
			for i := range got {
				if got[i] != 1100-uint64(len(got))+uint64(i)+1 {
					t.Fatalf("sequence %d at place %d of %d", got[i], i, len(got))
				}
			}
		}
		slices.Sort(lengths)
		if diff := cmp.Diff([]int{0, 400, 1095, 1100}, lengths); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAFollowerEndsWithTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := OpenJournal(t.TempDir(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan bool)
		go func() {
			for range j.Follow(context.Background(), 0) {
			}
			close(done)
		}()
		synctest.Wait()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		<-done
		if j.Append(happened(1)) != 1 {
			t.Error("a closed journal takes events")
		}
		j.Acked(1)
		j.SaveState(nil)
		if err := j.Sync(t.Context()); err != nil {
			t.Errorf("nothing was handed in: %v", err)
		}
		if _, err := j.Since(0, 1); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
}

func TestADamagedEventDoesNotHideTheNext(t *testing.T) {
	j := openJournal(t, t.TempDir(), Options{})
	j.Append(happened(1), happened(2), happened(3))
	flush(t, j)
	if err := j.live.update(func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Put(idKey(2), []byte("?")) }); err != nil {
		t.Fatal(err)
	}
	records, err := j.Since(0, 10)
	var d *Damage
	if len(records) != 1 || !errors.As(err, &d) || d.Sequence != 2 {
		t.Fatalf("Since(0) = %v, %v", details(records), err)
	}
	if records, err = j.Since(d.Sequence, 10); len(records) != 1 || err != nil {
		t.Errorf("Since(2) = %v, %v", details(records), err)
	}
	var got []string
	for r, err := range j.Follow(t.Context(), 0) {
		got = append(got, fmt.Sprint(r.Sequence, err != nil))
		if r.Sequence == 3 {
			break
		}
	}
	if diff := cmp.Diff([]string{"1 false", "2 true", "3 false"}, got); diff != "" {
		t.Error(diff)
	}
}
