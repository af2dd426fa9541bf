package ledger

import (
	"bytes"
	"cmp"
	"fmt"
)

// Table says what kind of record it is.
type Table uint8

// The tables. Small ones are read whole into memory by a controller; of the others
// it reads a record at a time.
const (
	Records     Table = 1 + iota // name ‖ 0 ‖ id → JSON, in the words of the policy file
	Credentials                  // digest of a token → holder
	Members                      // id → holder
	Names                        // id → name, if the place allows it
)

// Tables are all of them, in the order of a snapshot.
var Tables = []Table{Records, Credentials, Members, Names}

// Limits of what comes from outside.
const (
	MaxKey     = 255     // bytes
	MaxValue   = 1 << 20 // bytes
	MaxChanges = 1 << 20 // in one entry

	// Of a delta, all its entries together: the changes that a controller takes in
	// one transaction. Whoever is farther behind takes a snapshot.
	MaxDeltaChanges = 1 << 16
	MaxDeltaBytes   = 4 << 20

	maxPreamble = 64 << 10 // bytes
	maxRecord   = MaxKey + MaxValue + 16
)

// Record is one record of a place; as a change in an entry it is put if it has a
// value and deleted if it has none. No record's value is empty.
type Record struct {
	_     struct{} `cbor:",toarray"`
	Table Table
	Key   []byte
	Value []byte
}

// Compare orders records as a snapshot does.
func Compare(a, b Record) int {
	return cmp.Or(cmp.Compare(a.Table, b.Table), bytes.Compare(a.Key, b.Key))
}

// whole checks a record of a snapshot, which has a value.
func (r *Record) whole() error {
	if len(r.Value) == 0 {
		return fmt.Errorf("ledger: the record %x has no value", r.Key)
	}
	return r.check()
}

// Encode returns the bytes of a record in a snapshot.
func (r Record) Encode() []byte { return encode(r) }

func (r *Record) check() error {
	switch {
	case r.Table < Records || r.Table > Names:
		return fmt.Errorf("ledger: there is no table %d: a later doord made it", r.Table)
	case len(r.Key) == 0 || len(r.Key) > MaxKey:
		return fmt.Errorf("ledger: a key of %d bytes: 1 to %d are possible", len(r.Key), MaxKey)
	case len(r.Value) > MaxValue:
		return fmt.Errorf("ledger: a value of %d bytes: at most %d are possible", len(r.Value), MaxValue)
	}
	return nil
}
