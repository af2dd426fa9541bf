package osdp

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
)

// Key is an AES-128 key: a secure channel base key (SCBK) or a master key. The
// zero Key means none. No formatting verb shows it.
type Key [16]byte

// DefaultKey is SCBK-D, which everybody knows (SIA OSDP 2.2, annex D). It protects
// nothing and serves only to commission a reader that has no key yet.
var DefaultKey = Key{0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F}

// ErrWeakKey is returned for the default key and for keys that a person typed
// rather than drew at random.
var ErrWeakKey = errors.New("osdp: weak key")

// Format implements [fmt.Formatter] and shows no key, whatever the verb.
func (Key) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "(key)") }

// IsZero says whether there is no key.
func (k Key) IsZero() bool { return k == Key{} }

// Check returns ErrWeakKey for no key, SCBK-D, a key that counts up or down in
// equal steps (00 01 02 …, 11 11 11 …), and one of fewer than six different bytes.
// A random key fails it less than once in 10^13.
func (k Key) Check() error {
	steps := true
	var seen [256]bool
	distinct := 0
	for i, x := range k {
		if !seen[x] {
			seen[x] = true
			distinct++
		}
		if i > 1 && x-k[i-1] != k[1]-k[0] {
			steps = false
		}
	}
	if steps || distinct < 6 {
		return ErrWeakKey
	}
	return nil
}

// Equal compares in constant time.
func (k Key) Equal(o Key) bool { return subtle.ConstantTimeCompare(k[:], o[:]) == 1 }

// UID is the eight bytes that a PD sends as cUID in CCRYPT. What a vendor puts
// there is his affair, so it is taken from the reply and never computed from PDID.
type UID [8]byte

// DeriveKey returns the SCBK of the reader with this cUID under a master key:
// AES(master, cUID ‖ ~cUID) (SIA OSDP 2.2, annex D).
func DeriveKey(master Key, uid UID) (k Key) {
	copy(k[:8], uid[:])
	for i, x := range uid {
		k[8+i] = ^x
	}
	newAES(master).Encrypt(k[:], k[:])
	return k
}

// Keys are what must be kept of one reader, over a power cut at any point. Next is
// set while a new key is on its way: the reader has one of the two, and the next
// handshake tells which.
//
//	{old, –} ─store─▶ {old, new} ─KEYSET─▶ {old, new} ─handshake with new─▶ {new, –}
type Keys struct {
	Current Key // in use; zero before the reader is commissioned
	Next    Key // sent, or about to be; zero at rest
}

// KeyStore keeps the keys of the readers, in files of mode 0600 or better. Save
// returns only when they would survive a power cut.
type KeyStore interface {
	// Save replaces the keys of the reader with this index in [Config].Readers.
	Save(reader int, k Keys) error
}

// NewKey draws a key at random.
func NewKey() Key {
	for {
		var k Key
		_, _ = rand.Read(k[:]) // crypto/rand does not fail: it ends the program first
		if k.Check() == nil {
			return k
		}
	}
}
