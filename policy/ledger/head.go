package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Head tells how far a place's log goes, and what must then be there.
type Head struct {
	_          struct{} `cbor:",toarray"`
	Place      int64
	Generation uint64 // begun by the root
	Version    uint64 // of the last entry; 0 for an empty log
	Chain      Hash
	Root       Hash
	Count      uint64 // live records
	Issued     int64  // seconds since 1970 UTC
	Expires    int64
}

// Position is how far somebody has come in a place's log. Two that are equal hold
// the same records.
type Position struct {
	_          struct{} `cbor:",toarray"`
	Generation uint64
	Version    uint64
	Chain      Hash
}

// Position returns where the head is.
func (h Head) Position() Position {
	return Position{Generation: h.Generation, Version: h.Version, Chain: h.Chain}
}

func (p Position) String() string {
	return fmt.Sprintf("%d.%d.%s", p.Generation, p.Version, p.Chain)
}

// ParsePosition reads what String writes.
func ParsePosition(s string) (p Position, err error) {
	var chain []byte
	if _, err := fmt.Sscanf(s, "%d.%d.%x", &p.Generation, &p.Version, &chain); err != nil || len(chain) != len(p.Chain) {
		return Position{}, fmt.Errorf("ledger: %q is no position: generation.version.chain", s)
	}
	p.Chain = Hash(chain)
	if p.String() != s {
		return Position{}, fmt.Errorf("ledger: %q is no position: generation.version.chain", s)
	}
	return p, nil
}

// Grant lets a policy key sign heads and commands for a time: [NotBefore, NotAfter),
// in seconds since 1970 UTC.
type Grant struct {
	_         struct{} `cbor:",toarray"`
	Key       []byte   // Ed25519 public key
	NotBefore int64
	NotAfter  int64
}

// Step begins a generation of a place.
type Step struct {
	_          struct{} `cbor:",toarray"`
	Place      int64
	Generation uint64
	Issued     int64
}

// Signed is something encoded, with the key that signed it.
type Signed struct {
	_         struct{} `cbor:",toarray"`
	Body      []byte
	Key       KeyID
	Signature []byte
}

// KeyID names a key: the first 8 bytes of its SHA-256.
type KeyID [8]byte

// IDOf returns the name of a key.
func IDOf(key ed25519.PublicKey) KeyID {
	sum := sha256.Sum256(key)
	return KeyID(sum[:8])
}

// Fingerprint is what people compare: the first 16 bytes of a key's SHA-256.
type Fingerprint [16]byte

// FingerprintOf returns a key's fingerprint.
func FingerprintOf(key ed25519.PublicKey) Fingerprint {
	sum := sha256.Sum256(key)
	return Fingerprint(sum[:16])
}

// Purpose says what is signed.
type Purpose string

// What is signed: heads and commands by a policy key, the others by the root.
const (
	ForHead     Purpose = "doord head"
	ForCommand  Purpose = "doord command"
	ForReceipt  Purpose = "doord receipt" // of events
	ForGrant    Purpose = "doord grant"
	ForStep     Purpose = "doord step"
	ForIdentity Purpose = "doord identity"
)

func (p Purpose) message(body []byte) []byte {
	return append(append([]byte(p), 0), body...)
}

// Sign encodes a value and signs it for a purpose.
func Sign(p Purpose, v any, key ed25519.PrivateKey) Signed {
	body := encode(v)
	public, _ := key.Public().(ed25519.PublicKey) // it always is
	return Signed{Body: body, Key: IDOf(public), Signature: ed25519.Sign(key, p.message(body))}
}

// Errors of what is signed.
var (
	ErrSignature = errors.New("ledger: the signature is wrong")
	ErrKey       = errors.New("ledger: signed by a key that the root did not grant for this time")
)

// Open verifies what one known key signed, and decodes it.
func (s Signed) Open(p Purpose, key ed25519.PublicKey, into any) error {
	if len(key) != ed25519.PublicKeySize || s.Key != IDOf(key) || !ed25519.Verify(key, p.message(s.Body), s.Signature) {
		return fmt.Errorf("%w (%s)", ErrSignature, p)
	}
	if err := decode(s.Body, into); err != nil {
		return fmt.Errorf("ledger: %s: %w", p, err)
	}
	return nil
}

// Peek decodes what was signed and believes nothing: for whoever has verified it
// before, or is about to.
func (s Signed) Peek(into any) error { return decode(s.Body, into) }

// Encode returns the bytes of it as they lie in files.
func (s Signed) Encode() []byte { return encode(s) }

// DecodeSigned reads what Encode wrote.
func DecodeSigned(b []byte) (s Signed, err error) {
	if err := decode(b, &s); err != nil {
		return Signed{}, fmt.Errorf("ledger: not a signed message: %w", err)
	}
	return s, nil
}

// Trust is what a controller believes in: the root, and what it granted.
type Trust struct {
	root   ed25519.PublicKey
	grants []Grant
}

// NewTrust takes the pinned root key.
func NewTrust(root ed25519.PublicKey) *Trust { return &Trust{root: root} }

// Grant takes grants that the root signed, in place of those before.
func (t *Trust) Grant(signed []Signed) error {
	grants := make([]Grant, len(signed))
	for i, s := range signed {
		if err := s.Open(ForGrant, t.root, &grants[i]); err != nil {
			return err
		}
	}
	t.grants = grants
	return nil
}

// Open verifies what a policy key signed that is granted for the time, and decodes
// it. A zero time takes any grant: the clock is not set.
func (t *Trust) Open(s Signed, p Purpose, at time.Time, into any) error {
	for _, g := range t.grants {
		if s.Key != IDOf(g.Key) {
			continue
		}
		if !at.IsZero() && (at.Unix() < g.NotBefore || at.Unix() >= g.NotAfter) {
			continue // another grant of the same key may hold
		}
		return s.Open(p, g.Key, into)
	}
	return fmt.Errorf("%w (%s)", ErrKey, p)
}

// Last returns when the last grant ends; zero without one.
func (t *Trust) Last() time.Time {
	var last int64
	for _, g := range t.grants {
		last = max(last, g.NotAfter)
	}
	if last == 0 {
		return time.Time{}
	}
	return time.Unix(last, 0).UTC()
}
