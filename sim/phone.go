package sim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/binary"
	"math/big"

	"doord/policy"
	"doord/policy/controller"
)

// Phone is a simulated phone with its two keys. Its name makes them, so that it is
// the same phone in every run; no real phone's keys come from a name.
type Phone struct{ keys [2]*ecdsa.PrivateKey }

// NewPhone returns the phone with this name.
func NewPhone(name string) Phone {
	var p Phone
	for i, use := range []string{"any time", "unlocked"} {
		secret := sha256.Sum256([]byte("simulated phone " + name + " " + use))
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret[:])
		if err != nil {
			panic(err) // one name in 2³² has no key
		}
		p.keys[i] = key
	}
	return p
}

// Keys returns the public keys: the one for any time, and the one that needs the
// phone unlocked.
func (p Phone) Keys() (anyTime, unlocked policy.PublicKey) {
	return compressed(p.keys[0]), compressed(p.keys[1])
}

func compressed(k *ecdsa.PrivateKey) (c policy.PublicKey) {
	point, err := k.PublicKey.Bytes() // 4 ‖ x ‖ y
	if err != nil {
		panic(err)
	}
	c[0] = 2 + point[64]&1
	copy(c[1:], point[1:33])
	return c
}

// Answer signs a tap.
func (p Phone) Answer(t policy.Tap, unlocked bool) policy.Assertion {
	key := p.keys[0]
	if unlocked {
		key = p.keys[1]
	}
	digest := sha256.Sum256(t.Message())
	der, err := key.Sign(nil, digest[:], crypto.SHA256) // deterministic, RFC 6979
	if err != nil {
		panic(err)
	}
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		panic(err)
	}
	a := policy.Assertion{Key: compressed(key)}
	sig.R.FillBytes(a.Signature[:32])
	sig.S.FillBytes(a.Signature[32:])
	return a
}

// Ask has a reader ask a phone for an answer.
func (w *World) Ask(reader int) {
	w.asked++
	binary.BigEndian.PutUint64(w.challenge[:], w.asked)
	w.Step(controller.Challenged{Reader: reader, Challenge: w.challenge})
}

// Answer has a phone answer the last challenge, as if reader had asked.
func (w *World) Answer(p Phone, reader int, unlocked bool) {
	port := w.Board.Readers[reader]
	tap := policy.Tap{Place: w.Records.Place.ID, Controller: w.Controller.Policy().Controller.ID,
		Reader: w.Controller.ReaderID(reader), Challenge: w.challenge}
	if port.Door >= 0 {
		tap.Door = w.Controller.Door(port.Door).Lock
	}
	w.answer = p.Answer(tap, unlocked)
	w.answered = policy.TokenKey
	if unlocked {
		w.answered = policy.TokenUnlockedKey
	}
}

// Present gives the last answer to a reader.
func (w *World) Present(reader int, wave bool) {
	token := policy.Token{Class: w.answered, Value: string(w.answer.Key[:])}
	answer := w.answer
	w.Step(controller.Presented{Reader: reader, Class: token.Class, Holder: w.Lookup(token), Found: w.Controller.Revision(),
		Tap: &answer, Wave: wave})
}
