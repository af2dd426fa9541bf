package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"

	"doord/policy"
)

// DigestSize is the length of the key of a record in Credentials.
const DigestSize = 16

// Digester makes the keys of tokens under a place's key: HMAC-SHA-256 cut to 16
// bytes. It allocates nothing once it is made, and is for one goroutine.
type Digester struct{ mac hash.Hash }

// NewDigester takes the place's key.
func NewDigester(placeKey []byte) *Digester {
	return &Digester{hmac.New(sha256.New, placeKey)}
}

// Append appends the digest of a token.
func (d *Digester) Append(b []byte, t policy.Token) []byte {
	start := len(b)
	b = t.AppendCanonical(b)
	d.mac.Reset()
	d.mac.Write(b[start:])
	return d.mac.Sum(b[:start])[:start+DigestSize]
}

// Digest returns the key of a token's record in Credentials.
func Digest(placeKey []byte, t policy.Token) []byte {
	return NewDigester(placeKey).Append(nil, t)
}
