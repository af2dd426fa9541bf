package ledger

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"
	"time"

	"doord/policy"
)

// key returns the same key for the same word.
func key(word string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte((word + strings.Repeat(".", 32))[:32]))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func put(t Table, key, value string) Record {
	return Record{Table: t, Key: []byte(key), Value: []byte(value)}
}

// treeOf builds the tree of records in any order.
func treeOf(t testing.TB, records ...Record) *Tree {
	t.Helper()
	var b Builder
	for _, r := range slices.SortedFunc(slices.Values(records), Compare) {
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return b.Finish()
}

// works is a place with something of each table.
func works() *policy.Records {
	until := time.Date(2099, 12, 31, 0, 0, 0, 0, time.UTC)
	return &policy.Records{
		Place:  policy.Place{ID: 1, Name: "Works", TimeZone: "Europe/Berlin", NamesOnControllers: true},
		Locks:  []policy.Lock{{ID: 2, Name: "Hall", Configured: true}, {ID: 1, Name: "Gate", Configured: true}},
		Groups: []policy.Group{{ID: 1, Name: "Staff"}},
		Members: []policy.Member{{ID: 256, Name: "Ada", AccessEnabled: true}, {ID: 1, Name: "Bo"},
			{ID: 2, AccessEnabled: true, LinkAllowed: true}},
		RoleAssignments: []policy.RoleAssignment{
			{ID: 1, MemberID: 1, Role: policy.RoleMember, AppliesTo: policy.AppliesTo{Type: "group", ID: 1}, Validity: policy.Validity{Until: until}},
			{ID: 2, MemberID: 2, Role: policy.RoleOwner, AppliesTo: policy.AppliesTo{Type: "place", ID: 1}}},
		Credentials: []policy.Credential{
			{ID: 1, MemberID: 1, Kind: policy.KindCard, Format: "H10301", Facility: 118, Card: 1603, Status: policy.Activated},
			{ID: 2, MemberID: 2, Kind: policy.KindPIN, PIN: "4711", Status: policy.Deactivated}},
		GroupLinks: []policy.GroupLink{{ID: 1, GroupID: 1, Enabled: true, SecretSHA256: strings.Repeat("ab", 32)}},
	}
}
