package storage

import (
	"fmt"
	"sync"

	"go.etcd.io/bbolt"
)

// Limits of what shares one visit to the disk. A commit that is larger goes alone.
const (
	groupCommits = 256
	groupBytes   = 8 << 20
)

// group gathers commits: while one group is on its way to the disk, the next comes
// together. Whoever comes first brings it there, for all.
type group struct {
	mu      sync.Mutex
	waiting []*commit
	busy    bool // somebody is at the disk
}

// commit waits for the disk, or to bring the next group there itself.
type commit struct {
	rows  []Row
	bytes int
	err   error
	turn  chan bool // true: done, see err; false: it is your turn
}

func (b *bolt) Commit(rows ...Row) error {
	c := &commit{rows: rows, turn: make(chan bool, 1)}
	for i := range rows {
		n, err := rows[i].check()
		if err != nil {
			return err
		}
		c.bytes += n
	}
	if len(rows) == 0 {
		return nil
	}
	g := &b.group
	g.mu.Lock()
	g.waiting = append(g.waiting, c)
	if g.busy {
		g.mu.Unlock()
		if <-c.turn {
			return c.err
		}
		g.mu.Lock()
	}
	g.busy = true
	for {
		now := g.next()
		g.mu.Unlock()
		err, mine := b.write(now), false
		for _, d := range now {
			d.err = err
			if d == c {
				mine = true
			} else {
				d.turn <- true
			}
		}
		g.mu.Lock()
		if !mine {
			continue // it is among those that wait
		}
		if g.busy = len(g.waiting) > 0; g.busy {
			g.waiting[0].turn <- false
		}
		g.mu.Unlock()
		return c.err
	}
}

// next takes the commits of one group. The lock is held.
func (g *group) next() []*commit {
	n, bytes := 0, 0
	for n < len(g.waiting) && n < groupCommits && (n == 0 || bytes+g.waiting[n].bytes <= groupBytes) {
		bytes += g.waiting[n].bytes
		n++
	}
	now := append([]*commit{}, g.waiting[:n]...)
	g.waiting = append(g.waiting[:0], g.waiting[n:]...)
	return now
}

// check refuses what would fail in the middle of a group, so that nothing else can
// fail there but the disk, for all.
func (r *Row) check() (bytes int, err error) {
	switch {
	case r.Table == "" || len(r.Table) > bbolt.MaxKeySize:
		return 0, fmt.Errorf("%w: a table's name has %d bytes", ErrRow, len(r.Table))
	case len(r.Key) == 0 || len(r.Key) > bbolt.MaxKeySize:
		return 0, fmt.Errorf("%w: a key of %d bytes in %s", ErrRow, len(r.Key), r.Table)
	case len(r.Value) > bbolt.MaxValueSize:
		return 0, fmt.Errorf("%w: a value of %d bytes in %s", ErrRow, len(r.Value), r.Table)
	}
	return len(r.Key) + len(r.Value), nil
}

// write makes a group durable, or nothing of it.
func (b *bolt) write(commits []*commit) error {
	err := b.db.Update(func(tx *bbolt.Tx) error {
		tables := map[string]*bbolt.Bucket{}
		for _, c := range commits {
			for _, r := range c.rows {
				t := tables[r.Table]
				if t == nil {
					var err error
					if t, err = tx.CreateBucketIfNotExists([]byte(r.Table)); err != nil {
						return err
					}
					tables[r.Table] = t
				}
				var err error
				if len(r.Value) == 0 {
					err = t.Delete(r.Key)
				} else {
					err = t.Put(r.Key, r.Value)
				}
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	return nil
}
