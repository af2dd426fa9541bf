// Package storage is where the place service keeps what it must not forget: rows
// in tables, changed a batch at a time.
//
// Storage is all that the service asks for, so that a replicated log can stand
// behind it when one machine is not enough: a batch is one message, and the tables
// are what the messages amount to.
package storage

import (
	"errors"
	"io"
	"iter"
)

// Row is a key and its value in a table. A row without a value is deleted.
type Row struct {
	Table string
	Key   []byte
	Value []byte // never empty
}

// Storage keeps rows. Its methods may be called from any goroutine. What they
// return belongs to the caller.
type Storage interface {
	// Commit makes all rows durable, or none. The later of two with one key counts.
	// Commits that are under way at once share a visit to the disk; none fails for
	// what another asks.
	Commit(rows ...Row) error
	// Get returns a value; nil if there is none.
	Get(table string, key []byte) ([]byte, error)
	// Scan yields the rows of a table from a key on, in the order of keys, as they
	// were at one moment. It holds up nobody who commits, but the space of what is
	// changed meanwhile: do not stop for long.
	Scan(table string, from []byte) iter.Seq2[Row, error]
	// ScanBack does the same towards the first key, from the last one below a key;
	// nil begins at the end.
	ScanBack(table string, below []byte) iter.Seq2[Row, error]
	// Backup writes a copy, as of one moment, that Restore takes.
	Backup(w io.Writer) error
	Close() error
}

// ErrRow is returned for a row that no storage can keep.
var ErrRow = errors.New("storage: this row cannot be kept")

// ErrInUse is what is returned when another process has the storage open.
var ErrInUse = errors.New("storage: another doorcloud uses it")
