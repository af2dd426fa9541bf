package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"doord/policy"
)

func TestADigestIsAnHMACCutToSixteenBytes(t *testing.T) {
	placeKey := []byte("0123456789abcdef0123456789abcdef")
	cases := map[string]struct {
		token policy.Token
		text  string // that is hashed
		want  string
	}{
		"a card":      {policy.Token{Class: policy.TokenNumber, Format: "H10301", Facility: 118, Number: 1603}, "number\x00H10301\x00\x00\x00\x00\x00\x00\x00\x00v\x00\x00\x00\x00\x00\x00\x06C\x00\x00\x00\x00", "a98ff37a118112e8435ba1662959e09e"},
		"a PIN":       {policy.Token{Class: policy.TokenPIN, Value: "4711"}, "pin\x004711", "c43e9e386bb336d61e063daefda7bab7"},
		"a UID":       {policy.Token{Class: policy.TokenUID, Value: "\x04\xa1\xb2\xc3"}, "uid\x00\x04\xa1\xb2\xc3", "98223bbac0302cda4cf284daf6dd097a"},
		"no token":    {policy.Token{}, "\x00", ""},
		"a long link": {policy.Token{Class: policy.TokenLink, Value: strings.Repeat("x", 32)}, "link\x00" + strings.Repeat("x", 32), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			mac := hmac.New(sha256.New, placeKey)
			mac.Write([]byte(c.text))
			got := Digest(placeKey, c.token)
			if !bytes.Equal(got, mac.Sum(nil)[:16]) {
				t.Errorf("Digest = %x", got)
			}
			if c.want != "" && hex.EncodeToString(got) != c.want {
				t.Errorf("Digest = %x, want %s", got, c.want)
			}
			if bytes.Equal(got, Digest(placeKey[1:], c.token)) {
				t.Error("the place's key does not matter")
			}
		})
	}
}

func TestKeysOfRecords(t *testing.T) {
	for want, got := range map[string][]byte{
		"6c6f636b73000000000000000102": SmallKey("locks", 258),
		"706c616365000000000000000000": SmallKey("place", 0),
		"0201000000000000":             IDKey(258),
		"ffffffffffffff7f":             IDKey(1<<63 - 1),
	} {
		if hex.EncodeToString(got) != want {
			t.Errorf("%x, want %s", got, want)
		}
	}
}

func TestAWholePlaceComesInTheOrderOfASnapshot(t *testing.T) {
	placeKey := []byte("secret")
	all, err := FromRecords(works(), placeKey)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var b Builder
	var h policy.Holder
	for r := range all {
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
		switch r.Table {
		case Records:
			kind, _, _ := bytes.Cut(r.Key, []byte{0})
			got = append(got, fmt.Sprintf("%s %d", kind, r.Key[len(r.Key)-1]))
		case Names:
			got = append(got, fmt.Sprintf("name %x %s", r.Key, r.Value))
		default:
			if err := DecodeHolder(r.Value, &h); err != nil {
				t.Error(err)
			}
			if r.Table == Members {
				got = append(got, fmt.Sprintf("member %x %d in %d", r.Key, h.Member, len(h.Groups)))
			}
		}
	}
	want := []string{"groups 1", "locks 1", "locks 2", "place 0",
		"member 0001000000000000 256 in 0", "member 0100000000000000 1 in 1", "member 0200000000000000 2 in 1",
		"name 0001000000000000 Ada", "name 0100000000000000 Bo"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := b.Finish().Count; n != uint64(len(want))+3 {
		t.Errorf("%d records", n)
	}
}

func TestNoNameLeavesAPlaceThatDoesNotAllowIt(t *testing.T) {
	r := works()
	r.Place.NamesOnControllers = false
	all, err := FromRecords(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	for r := range all {
		if r.Table == Names || bytes.Contains(r.Value, []byte("Ada")) {
			t.Errorf("%d %x: %q", r.Table, r.Key, r.Value)
		}
	}
}

func TestSmallRecordsAreReadAsTheyWereWritten(t *testing.T) {
	want := works()
	all, err := FromRecords(want, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got policy.Records
	for r := range all {
		if r.Table == Records {
			if err := AddSmall(&got, r.Key, r.Value); err != nil {
				t.Fatal(err)
			}
		}
	}
	want.Locks[0], want.Locks[1] = want.Locks[1], want.Locks[0]
	want.Members, want.RoleAssignments, want.Credentials, want.GroupLinks = nil, nil, nil, nil
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestASmallRecordThatCannotBeUsedIsRefused(t *testing.T) {
	cases := map[string]struct{ key, value, want string }{
		"a key without an id":      {"locks", `{}`, "no key"},
		"a short id":               {"locks\x00\x01", `{}`, "no key"},
		"a kind of a later doord":  {string(SmallKey("turnstiles", 1)), `{}`, "a later doord"},
		"a kind that lies apart":   {string(SmallKey("members", 1)), `{}`, "a later doord"},
		"a field of a later doord": {string(SmallKey("locks", 1)), `{"id":1,"beyond":1}`, "unknown field"},
		"a place of a later doord": {string(SmallKey("place", 0)), `{"id":1,"beyond":1}`, "unknown field"},
		"another's id":             {string(SmallKey("locks", 1)), `{"id":2}`, "it says that it is 2"},
		"a second place":           {string(SmallKey("place", 1)), `{"id":1}`, "it says that it is 0"},
		"no JSON":                  {string(SmallKey("locks", 1)), `{`, "unexpected"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var r policy.Records
			if err := AddSmall(&r, []byte(c.key), []byte(c.value)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAHoldersRecordInBytes(t *testing.T) {
	h := policy.Holder{Credential: 3, Kind: policy.KindFob, Status: policy.Activated, Member: 7, AccessEnabled: true,
		Role: policy.RoleManager, Groups: []policy.Membership{{Group: 5}}}
	const open = "ffffc77cedd32800" // Go's zero time
	want := "01" + "02" + "01" + "02" + "01" + "00" + "0001" + "0000000000000003" + "0000000000000007" + open + open +
		"0000000000000005" + open + open
	got, err := AppendHolder(nil, &h)
	if err != nil || hex.EncodeToString(got) != want {
		t.Errorf("%x, %v, want\n%s", got, err, want)
	}
	for name, spoil := range map[string]func(h *policy.Holder){
		"kind":   func(h *policy.Holder) { h.Kind = "ring" },
		"status": func(h *policy.Holder) { h.Status = "lost" },
		"role":   func(h *policy.Holder) { h.Role = "king" },
		"groups": func(h *policy.Holder) { h.Groups = make([]policy.Membership, 1<<16) },
	} {
		spoilt := h
		spoil(&spoilt)
		if b, err := AppendHolder([]byte("x"), &spoilt); err == nil || string(b) != "x" || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	h.Groups = make([]policy.Membership, maxGroups)
	if b, err := AppendHolder(nil, &h); err != nil || len(b) > MaxValue {
		t.Errorf("as many groups as are possible: %d bytes, %v", len(b), err)
	}
}
