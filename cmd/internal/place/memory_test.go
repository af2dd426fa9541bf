package place

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"

	"doord/cmd/internal/place/storage"
)

// memory is a storage without a disk.
type memory struct {
	mu     sync.Mutex
	tables map[string]map[string][]byte
	fail   error // of the next commit
}

func (m *memory) Commit(rows ...storage.Row) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fail; err != nil {
		m.fail = nil
		return err
	}
	if m.tables == nil {
		m.tables = map[string]map[string][]byte{}
	}
	for _, r := range rows {
		t := m.tables[r.Table]
		if t == nil {
			t = map[string][]byte{}
			m.tables[r.Table] = t
		}
		if len(r.Value) == 0 {
			delete(t, string(r.Key))
		} else {
			t[string(r.Key)] = bytes.Clone(r.Value)
		}
	}
	return nil
}

func (m *memory) Get(table string, key []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.tables[table][string(key)]), nil
}

func (m *memory) Scan(table string, from []byte) iter.Seq2[storage.Row, error] {
	return m.walk(table, func(key string) bool { return key >= string(from) }, false)
}

func (m *memory) ScanBack(table string, below []byte) iter.Seq2[storage.Row, error] {
	return m.walk(table, func(key string) bool { return below == nil || key < string(below) }, true)
}

func (m *memory) walk(table string, in func(string) bool, back bool) iter.Seq2[storage.Row, error] {
	m.mu.Lock()
	t := maps.Clone(m.tables[table])
	m.mu.Unlock()
	keys := slices.Sorted(maps.Keys(t))
	if back {
		slices.Reverse(keys)
	}
	return func(yield func(storage.Row, error) bool) {
		for _, key := range keys {
			if in(key) && !yield(storage.Row{Table: table, Key: []byte(key), Value: bytes.Clone(t[key])}, nil) {
				return
			}
		}
	}
}

func (m *memory) Backup(io.Writer) error { return errors.ErrUnsupported }
func (m *memory) Close() error           { return nil }
