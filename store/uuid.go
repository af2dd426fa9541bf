package store

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// newUUID returns a UUID of version 7: 48 bits of milliseconds, 12 bits of a
// counter that keeps those of one millisecond in order, 62 random bits. They must
// be unique, not secret.
//
// Source: RFC 9562, 5.7 and 6.2 method 1.
func newUUID(at time.Time, counter uint64) string {
	var u [16]byte
	binary.BigEndian.PutUint64(u[:], uint64(max(at.UnixMilli(), 0))<<16|7<<12|counter&0xfff)
	binary.BigEndian.PutUint64(u[8:], 2<<62|rand.Uint64()>>2)
	var s [36]byte
	hex.Encode(s[:], u[:4])
	for i, from := range []int{4, 6, 8} {
		s[8+5*i] = '-'
		hex.Encode(s[9+5*i:], u[from:from+2])
	}
	s[23] = '-'
	hex.Encode(s[24:], u[10:])
	return string(s[:])
}
