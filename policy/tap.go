package policy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/big"
	"time"
)

// Challenge is what a phone is asked to sign: 16 random bytes, good once.
type Challenge [16]byte

// ChallengeFor is how long a phone has to answer.
const ChallengeFor = 2 * time.Second

// PublicKey is a compressed point of P-256. A phone has two: one that it can use
// at any time, and one that its secure hardware uses only while it is unlocked.
type PublicKey [33]byte

// Tap is what a phone signs. The ids tie the answer to one reader of one door, so
// that it cannot be relayed to another.
type Tap struct {
	Place, Controller, Reader, Door int64
	Challenge                       Challenge
}

// Assertion is a phone's answer to a challenge.
type Assertion struct {
	Key       PublicKey // the key that signed, by which the phone was looked up
	Signature [64]byte  // r ‖ s of ECDSA over P-256 and SHA-256, 32 bytes each, big endian
}

// Message returns the bytes that are signed: "doord tap 1" and a zero byte, then
// place, controller, reader and door as 64 bits big endian each, then the
// challenge: 60 bytes.
func (t Tap) Message() []byte {
	b := append(make([]byte, 0, 60), "doord tap 1\x00"...)
	for _, id := range [...]int64{t.Place, t.Controller, t.Reader, t.Door} {
		b = binary.BigEndian.AppendUint64(b, uint64(id))
	}
	return append(b, t.Challenge[:]...)
}

// Verify reports whether the phone with the assertion's key signed the tap.
func (a *Assertion) Verify(t Tap) bool {
	key, err := a.Key.parse()
	if err != nil {
		return false
	}
	digest := sha256.Sum256(t.Message())
	r, s := new(big.Int).SetBytes(a.Signature[:32]), new(big.Int).SetBytes(a.Signature[32:])
	return ecdsa.Verify(key, digest[:], r, s)
}

func (k PublicKey) parse() (*ecdsa.PublicKey, error) {
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), k[:])
	if x == nil {
		return nil, errors.New("not a compressed point of P-256")
	}
	var point [65]byte
	point[0] = 4 // uncompressed
	x.FillBytes(point[1:33])
	y.FillBytes(point[33:])
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point[:])
}
