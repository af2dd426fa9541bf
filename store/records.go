package store

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"doord/policy"
	"doord/policy/schedule"
)

var recordsBucket = []byte("records")

// recordKind is a kind of record that Compile needs. There are few of each; they are
// kept as the policy file writes them, one value a record, under name ‖ 0 ‖ id.
type recordKind struct {
	name string
	// each calls put with the id and the address of every record of the kind.
	each func(r *policy.Records, put func(id int64, record any) error) error
	// grow adds an empty record and returns its address.
	grow func(r *policy.Records) any
}

var recordKinds = []recordKind{
	{"place",
		func(r *policy.Records, put func(int64, any) error) error { return put(0, &r.Place) },
		func(r *policy.Records) any { return &r.Place }},
	listed("controller", func(r *policy.Records) *[]policy.Controller { return &r.Controllers },
		func(c *policy.Controller) int64 { return c.ID }),
	listed("lock", func(r *policy.Records) *[]policy.Lock { return &r.Locks },
		func(l *policy.Lock) int64 { return l.ID }),
	listed("relay", func(r *policy.Records) *[]policy.RelayConnection { return &r.RelayConnections },
		func(c *policy.RelayConnection) int64 { return c.ID }),
	listed("input", func(r *policy.Records) *[]policy.InputConnection { return &r.InputConnections },
		func(c *policy.InputConnection) int64 { return c.ID }),
	listed("reader", func(r *policy.Records) *[]policy.Reader { return &r.Readers },
		func(x *policy.Reader) int64 { return x.ID }),
	listed("group", func(r *policy.Records) *[]policy.Group { return &r.Groups },
		func(g *policy.Group) int64 { return g.ID }),
	listed("group_lock", func(r *policy.Records) *[]policy.GroupLock { return &r.GroupLocks },
		func(g *policy.GroupLock) int64 { return g.ID }),
	listed("schedule", func(r *policy.Records) *[]schedule.Schedule { return &r.Schedules },
		func(s *schedule.Schedule) int64 { return s.ID }),
}

func listed[T any](name string, list func(*policy.Records) *[]T, id func(*T) int64) recordKind {
	return recordKind{
		name: name,
		each: func(r *policy.Records, put func(int64, any) error) error {
			for i := range *list(r) {
				record := &(*list(r))[i]
				if err := put(id(record), record); err != nil {
					return err
				}
			}
			return nil
		},
		grow: func(r *policy.Records) any {
			l := list(r)
			*l = append(*l, *new(T))
			return &(*l)[len(*l)-1]
		},
	}
}

// putRecords writes the small records. Two of a kind with one id are an error.
func putRecords(b *bbolt.Bucket, r *policy.Records) error {
	for _, k := range recordKinds {
		err := k.each(r, func(id int64, record any) error {
			body, err := json.Marshal(record)
			if err != nil {
				return fmt.Errorf("%s %d: %w", k.name, id, err)
			}
			key := appendID(append([]byte(k.name), 0), id)
			if b.Get(key) != nil {
				return fmt.Errorf("two records %s %d", k.name, id)
			}
			return b.Put(key, sealed(key, body))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// getRecords reads them back, those of a kind in the order of ids.
func getRecords(b *bbolt.Bucket) (r policy.Records, err error) {
	for _, k := range recordKinds {
		prefix := append([]byte(k.name), 0)
		c := b.Cursor()
		for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = c.Next() {
			body, err := unseal(key, value)
			if err == nil {
				err = json.Unmarshal(body, k.grow(&r))
			}
			if err != nil {
				return policy.Records{}, fmt.Errorf("%s %x: %w", k.name, key[len(prefix):], err)
			}
		}
	}
	return r, nil
}
