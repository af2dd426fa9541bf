package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Entry is one version of the log: what changed in it, in the order of records,
// none twice.
type Entry struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Changes []Record
}

var errOrder = errors.New("ledger: records must be in order, none twice")

// Encode returns the bytes that the log holds and the chain hashes.
func (e Entry) Encode() []byte { return encode(e) }

// DecodeEntry reads an entry.
func DecodeEntry(b []byte) (Entry, error) { return decodeEntry(decoding, b) }

func decodeEntry(mode cbor.DecMode, b []byte) (e Entry, err error) {
	if err := decodeBy(mode, b, &e); err != nil {
		return Entry{}, fmt.Errorf("ledger: not an entry: %w", err)
	}
	if err := e.Check(); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// Check finds what no entry may have: a change that is none, or out of order.
func (e *Entry) Check() error {
	for i := range e.Changes {
		if err := e.Changes[i].check(); err != nil {
			return err
		}
		if i > 0 && Compare(e.Changes[i-1], e.Changes[i]) >= 0 {
			return errOrder
		}
	}
	return nil
}

// Next returns the chain after an encoded entry.
func (h Hash) Next(entry []byte) Hash {
	s := sha256.New()
	s.Write(h[:])
	s.Write(entry)
	return Hash(s.Sum(nil))
}
