package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// pageEvents is how many events one read transaction looks at.
const pageEvents = 256

// Since returns up to limit events after sequence, the oldest first, of those
// that are on the disk. At a damaged event it stops: the error is a *Damage with
// its sequence, and what comes after is Since(that sequence, limit).
func (j *Journal) Since(sequence uint64, limit int) ([]Record, error) {
	f, head, _ := j.now()
	var all []Record
	for len(all) < limit {
		page, err := readEvents(f, sequence, head.Sequence, min(limit-len(all), pageEvents))
		all = append(all, page...)
		if err != nil || len(page) == 0 {
			return all, err
		}
		sequence = page[len(page)-1].Sequence
	}
	return all, nil
}

// now is what can be read: nothing beyond head, which a power cut could still undo.
func (j *Journal) now() (f *file, head Head, changed <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.live, j.head, j.changed
}

// readEvents reads one page in a transaction of its own.
func readEvents(f *file, after, through uint64, limit int) (page []Record, err error) {
	err = f.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(eventsBucket).Cursor()
		for key, value := c.Seek(idKey(after + 1)); key != nil && len(page) < limit; key, value = c.Next() {
			sequence := binary.BigEndian.Uint64(key)
			if sequence > through {
				return nil
			}
			r, err := decodeRecord(key, value)
			if err != nil {
				return damagedEvent(f, sequence, err)
			}
			page = append(page, r)
		}
		return nil
	})
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		err = fmt.Errorf("store: %s: %w", eventsFile, ErrClosed)
	}
	return page, err
}

func damagedEvent(f *file, sequence uint64, err error) error {
	d := damage(f.path, fmt.Sprintf("event %d", sequence), "%v", err)
	d.Sequence = sequence
	return d
}

// Find returns the event with a sequence ("17") or a UUID.
func (j *Journal) Find(id string) (r Record, found bool, err error) {
	f, head, _ := j.now()
	if sequence, err := strconv.ParseUint(id, 10, 64); err == nil {
		if sequence == 0 || sequence > head.Sequence {
			return Record{}, false, nil
		}
		page, err := readEvents(f, sequence-1, sequence, 1)
		if err != nil || len(page) == 0 {
			return Record{}, false, err
		}
		return page[0], true, nil
	}
	return findUUID(f, head.Sequence, id)
}

// findUUID looks at the youngest events first: those are asked for. The UUID
// stands at the beginning of every text, so nothing is decoded on the way.
func findUUID(f *file, through uint64, uuid string) (r Record, found bool, err error) {
	begin := fmt.Appendf(nil, `{"version":%d,"uuid":"%s"`, recordVersion, uuid)
	for through > 0 && !found && err == nil {
		err = f.view(func(tx *bbolt.Tx) error {
			c := tx.Bucket(eventsBucket).Cursor()
			key, value := c.Seek(idKey(through))
			for n := 0; n < 16*pageEvents; n++ {
				if key == nil {
					through = 0
					return nil
				}
				if len(value) > len(r.Hash) && bytes.HasPrefix(value[len(r.Hash):], begin) {
					through = binary.BigEndian.Uint64(key)
					if r, err = decodeRecord(key, value); err != nil {
						return damagedEvent(f, through, err)
					}
					found = true
					return nil
				}
				key, value = c.Prev()
			}
			if key == nil {
				through = 0
				return nil
			}
			through = binary.BigEndian.Uint64(key)
			return nil
		})
	}
	return r, found, err
}

// Follow yields the stored events after sequence and then each new one once it is
// on the disk, without a gap and without doubles, until the context or the journal
// ends. However slow the caller is, the writer does not wait: events that were
// given up meanwhile are missing, and the jump in the sequence tells. An error is
// yielded in the place of what cannot be read, with the Sequence if it is one
// event that is damaged, and the next ones follow. When a damaged journal was
// begun anew all events of the new epoch follow.
func (j *Journal) Follow(ctx context.Context, since uint64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		epoch := j.Head().Epoch
		for ctx.Err() == nil {
			f, head, changed := j.now()
			if head.Epoch != epoch {
				epoch, since = head.Epoch, 0
			}
			page, err := readEvents(f, since, head.Sequence, pageEvents)
			for _, r := range page {
				if ctx.Err() != nil || !yield(r, nil) {
					return
				}
				since = r.Sequence
			}
			var d *Damage
			switch {
			case errors.As(err, &d) && d.Sequence != 0:
				since = d.Sequence
				if !yield(Record{Sequence: since}, err) {
					return
				}
				continue
			case err != nil && !errors.Is(err, ErrClosed):
				if !yield(Record{}, err) {
					return
				}
			case len(page) > 0:
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
			case <-j.done:
				return
			}
		}
	}
}
