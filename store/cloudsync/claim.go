package cloudsync

import (
	"encoding/base32"
	"fmt"
	"strings"

	"doord/policy/ledger"
)

// Claim is what a person carries from the place service to a controller: a secret
// that is good once, and who the service is.
type Claim struct {
	Secret [16]byte
	Root   ledger.Fingerprint // of the service's root key
}

// claimEncoding is that of RFC 4648: capital letters and the digits 2 to 7.
var claimEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// claimGroup is how many characters stand together.
const claimGroup = 4

// String writes the code: 13 groups of 4 characters.
func (c Claim) String() string {
	digits := claimEncoding.EncodeToString(append(c.Secret[:], c.Root[:]...))
	var groups []string
	for len(digits) > 0 {
		groups = append(groups, digits[:claimGroup])
		digits = digits[claimGroup:]
	}
	return strings.Join(groups, "-")
}

// ParseClaim reads a code as people write it: in small letters, in other groups or
// none, with 0 for O, 1 for I and 8 for B.
func ParseClaim(s string) (c Claim, err error) {
	digits := strings.Map(func(r rune) rune {
		switch r {
		case '-', ' ', '\t', '\n', '\r':
			return -1
		case '0':
			return 'O'
		case '1':
			return 'I'
		case '8':
			return 'B'
		}
		return r
	}, strings.ToUpper(s))
	want := len(c.Secret) + len(c.Root)
	b, err := claimEncoding.DecodeString(digits)
	if err != nil || len(b) != want {
		return Claim{}, fmt.Errorf("cloudsync: a claim code has %d letters and digits of A-Z and 2-7", claimEncoding.EncodedLen(want))
	}
	c.Secret, c.Root = [16]byte(b), ledger.Fingerprint(b[16:])
	return c, nil
}
