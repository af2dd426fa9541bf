package ledger

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestOnlyWhatTheRightKeySignedForThePurposeIsOpened(t *testing.T) {
	root, other := key("root"), key("other")
	want := Head{Place: 1, Generation: 2, Version: 3, Count: 4, Issued: 5, Expires: 6}
	good := Sign(ForHead, want, root)
	changed := good
	changed.Body = append([]byte{}, good.Body...)
	changed.Body[len(changed.Body)-1]++
	cut := good
	cut.Signature = good.Signature[:63]
	renamed := good
	renamed.Key = IDOf(public(other))
	cases := map[string]struct {
		signed  Signed
		purpose Purpose
		key     ed25519.PublicKey
		ok      bool
	}{
		"as it was signed":     {good, ForHead, public(root), true},
		"for another purpose":  {good, ForStep, public(root), false},
		"a purpose cut short":  {good, ForHead[:5], public(root), false},
		"by another key":       {good, ForHead, public(other), false},
		"under another's name": {renamed, ForHead, public(other), false},
		"the name changed":     {renamed, ForHead, public(root), false},
		"the body changed":     {changed, ForHead, public(root), false},
		"the signature cut":    {cut, ForHead, public(root), false},
		"no signature":         {Signed{Body: good.Body, Key: good.Key}, ForHead, public(root), false},
		"nothing at all":       {Signed{}, ForHead, public(root), false},
		"no key":               {good, ForHead, nil, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got Head
			err := c.signed.Open(c.purpose, c.key, &got)
			if c.ok != (err == nil) || c.ok && got != want || !c.ok && (!errors.Is(err, ErrSignature) || got != Head{}) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	// Signed rightly, and still of no use: another kind of thing.
	if err := Sign(ForHead, Step{Place: 1}, root).Open(ForHead, public(root), &Head{}); err == nil {
		t.Error("a step passes as a head")
	}
	again, err := DecodeSigned(good.Encode())
	var peeked Head
	if err != nil || again.Open(ForHead, public(root), &peeked) != nil || again.Peek(&peeked) != nil || peeked != want {
		t.Errorf("%+v, %v", peeked, err)
	}
}

func TestAPolicyKeyIsTrustedForTheTimeOfItsGrants(t *testing.T) {
	root, first, second := key("root"), key("first"), key("second")
	day := func(n int64) time.Time { return time.Unix(n*86400, 0) }
	grant := func(k ed25519.PrivateKey, from, until int64, by ed25519.PrivateKey) Signed {
		return Sign(ForGrant, Grant{Key: public(k), NotBefore: day(from).Unix(), NotAfter: day(until).Unix()}, by)
	}
	trust := NewTrust(public(root))
	if !trust.Last().IsZero() {
		t.Errorf("without grants the last ends at %v", trust.Last())
	}
	grants := []Signed{grant(first, 0, 10, root), grant(second, 8, 20, root), grant(first, 30, 40, root)}
	if err := trust.Grant(grants); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		by      ed25519.PrivateKey
		at      time.Time
		purpose Purpose
		want    error
	}{
		"in its time":                {first, day(5), ForHead, nil},
		"at its beginning":           {second, day(8), ForHead, nil},
		"before its beginning":       {second, day(8).Add(-time.Second), ForHead, ErrKey},
		"at its end":                 {first, day(10), ForHead, ErrKey},
		"before its end":             {first, day(10).Add(-time.Second), ForHead, nil},
		"while two hold":             {first, day(9), ForHead, nil},
		"by a second grant of it":    {first, day(35), ForHead, nil},
		"after all":                  {second, day(50), ForHead, ErrKey},
		"while the clock is not set": {second, time.Time{}, ForHead, nil},
		"for another purpose":        {first, day(5), ForCommand, ErrSignature},
		"by a key without a grant":   {key("other"), day(5), ForHead, ErrKey},
		"by the root itself":         {root, day(5), ForHead, ErrKey},
		"by none, clock not set":     {key("other"), time.Time{}, ForHead, ErrKey},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var h Head
			if err := trust.Open(Sign(ForHead, Head{Place: 1}, c.by), c.purpose, c.at, &h); !errors.Is(err, c.want) {
				t.Errorf("%v", err)
			}
		})
	}
	for name, bad := range map[string]Signed{
		"not signed by the root":   grant(key("thief"), 0, 1000, first),
		"signed as something else": Sign(ForHead, Grant{Key: public(key("thief")), NotAfter: 1 << 40}, root),
	} {
		if err := trust.Grant(append(grants[:2:2], bad)); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !trust.Last().Equal(day(40)) {
		t.Errorf("grants that were refused changed those before: the last ends at %v", trust.Last())
	}
	short := Sign(ForGrant, Grant{Key: []byte("short"), NotAfter: 1 << 40}, root)
	if err := trust.Grant([]Signed{short}); err != nil {
		t.Fatal(err)
	}
	if err := trust.Open(Signed{Key: IDOf([]byte("short"))}, ForHead, day(1), &Head{}); !errors.Is(err, ErrSignature) {
		t.Errorf("a key that is none: %v", err)
	}
}

func TestAPositionInWords(t *testing.T) {
	p := Position{Generation: 2, Version: 17, Chain: Hash{0xab, 31: 1}}
	text := "2.17.ab" + strings.Repeat("00", 30) + "01"
	if p.String() != text {
		t.Errorf("%s", p)
	}
	if got, err := ParsePosition(text); got != p || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "2.17", "2.17.", "2.17.ab", text + "00", text + " ", " " + text, "+" + text,
		"02" + text[1:], strings.ToUpper(text), "-" + text, "99999999999999999999999" + text} {
		if p, err := ParsePosition(bad); err == nil || p != (Position{}) {
			t.Errorf("%q: %v, %v", bad, p, err)
		}
	}
}
