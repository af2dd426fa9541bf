package policy

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// TokenClass says by what a token is recognised. A card, a fob and a tag are one
// class: the reader sees the same number or UID of each.
type TokenClass string

// The classes of tokens.
const (
	TokenNumber      TokenClass = "number"       // a decoded format with facility and card number
	TokenUID         TokenClass = "uid"          // a serial number of 4 to 10 bytes
	TokenPIN         TokenClass = "pin"          // 4 to 8 digits typed at a keypad
	TokenKey         TokenClass = "key"          // the public key of a phone
	TokenUnlockedKey TokenClass = "unlocked_key" // its second key, usable only while it is unlocked
	TokenLink        TokenClass = "link"         // the secret of a quick access link
)

// Token is what was presented: the same token always has the same canonical
// bytes, and can belong to one member only.
type Token struct {
	Class    TokenClass
	Format   string // of a number: "H10301"
	Facility uint64
	Number   uint64
	Issue    uint32
	Value    string // of the other classes: raw bytes, or the digits of a PIN
}

// AppendCanonical appends the bytes that the cache digests: class, format and
// every field at a fixed place, so that no two tokens share them.
func (t Token) AppendCanonical(b []byte) []byte {
	b = append(b, t.Class...)
	b = append(b, 0)
	if t.Class != TokenNumber {
		return append(b, t.Value...)
	}
	b = append(b, t.Format...)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint64(b, t.Facility)
	b = binary.BigEndian.AppendUint64(b, t.Number)
	return binary.BigEndian.AppendUint32(b, t.Issue)
}

// String names the token for a person. It never shows a PIN or a secret.
func (t Token) String() string {
	switch t.Class {
	case TokenNumber:
		s := fmt.Sprintf("%s %d/%d", t.Format, t.Facility, t.Number)
		if t.Issue != 0 {
			s += fmt.Sprintf(" issue %d", t.Issue)
		}
		return s
	case TokenUID:
		return "uid " + strings.ToUpper(fmt.Sprintf("%x", t.Value))
	default:
		return string(t.Class)
	}
}
