package policy_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"

	"doord/policy"
)

func TestProximityCodes(t *testing.T) {
	key := []byte("secret")
	shown := policy.ProximityCode(key, 4, 61*time.Second)
	if len(shown) != 8 {
		t.Errorf("%q is not 8 characters", shown)
	}
	for _, c := range []struct {
		name string
		door int64
		up   time.Duration
		code string
		want bool
	}{
		{"the code of this window is right", 4, 89 * time.Second, shown, true},
		{"that of the window before is", 4, 119 * time.Second, shown, true},
		{"that of two windows before is not", 4, 120 * time.Second, shown, false},
		{"that of the next window is not", 4, 59 * time.Second, shown, false},
		{"in small letters it is the same", 4, 61 * time.Second, strings.ToLower(shown), true},
		{"another door has another", 5, 61 * time.Second, shown, false},
		{"no code is wrong", 4, 61 * time.Second, "", false},
		{"a part of it is wrong", 4, 61 * time.Second, shown[:7], false},
	} {
		if got := policy.CheckProximity(key, c.door, c.up, c.code); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	if policy.CheckProximity(nil, 4, time.Second, policy.ProximityCode(nil, 4, time.Second)) {
		t.Error("without a key a code is right")
	}
}

func TestTapsAreGoodForWhatTheySign(t *testing.T) {
	secret := sha256.Sum256([]byte("a test"))
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret[:])
	if err != nil {
		t.Fatal(err)
	}
	tap := policy.Tap{Place: 1, Controller: 2, Reader: 3, Door: 4, Challenge: policy.Challenge{15: 5}}
	digest := sha256.Sum256(tap.Message())
	der, err := private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	a := policy.Assertion{Key: policy.PublicKey(append([]byte{2 + point[64]&1}, point[1:33]...))}
	rs.R.FillBytes(a.Signature[:32])
	rs.S.FillBytes(a.Signature[32:])
	if !a.Verify(tap) {
		t.Fatal("what was signed is not good")
	}
	for name, change := range map[string]func(*policy.Tap, *policy.Assertion){
		"another place":      func(x *policy.Tap, _ *policy.Assertion) { x.Place++ },
		"another controller": func(x *policy.Tap, _ *policy.Assertion) { x.Controller++ },
		"another reader":     func(x *policy.Tap, _ *policy.Assertion) { x.Reader++ },
		"another door":       func(x *policy.Tap, _ *policy.Assertion) { x.Door++ },
		"another challenge":  func(x *policy.Tap, _ *policy.Assertion) { x.Challenge[0]++ },
		"another key":        func(_ *policy.Tap, a *policy.Assertion) { a.Key[0] ^= 1 },
		"no key":             func(_ *policy.Tap, a *policy.Assertion) { a.Key = policy.PublicKey{} },
		"another signature":  func(_ *policy.Tap, a *policy.Assertion) { a.Signature[63] ^= 1 },
		"no signature":       func(_ *policy.Tap, a *policy.Assertion) { a.Signature = [64]byte{} },
	} {
		x, b := tap, a
		change(&x, &b)
		if b.Verify(x) {
			t.Errorf("good for %s", name)
		}
	}
}

// The bytes that a phone signs are part of what phones and readers agree on.
func TestTheMessageOfATap(t *testing.T) {
	tap := policy.Tap{Place: 1, Controller: 2, Reader: 3, Door: 4, Challenge: policy.Challenge{0: 0xaa, 15: 0xbb}}
	want := "646f6f72642074617020310" + "0" + "0000000000000001" + "0000000000000002" + "0000000000000003" + "0000000000000004" +
		"aa0000000000000000000000000000bb"
	if got := hex.EncodeToString(tap.Message()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
