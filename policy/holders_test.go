package policy_test

import (
	"slices"
	"testing"

	"doord/policy"
)

func TestTokensAndTheirHolders(t *testing.T) {
	r, err := policy.ParseRecords(office(t))
	if err != nil {
		t.Fatal(err)
	}
	classes := map[policy.TokenClass]int{}
	for token, h := range r.Tokens() {
		classes[token.Class]++
		switch token.Class {
		case policy.TokenKey, policy.TokenUnlockedKey:
			if h.Kind != policy.KindPhone || h.Credential != 4 || h.Member != 7 || len(token.Value) != 33 {
				t.Errorf("%s: %+v", token, h)
			}
		case policy.TokenLink:
			if h.Kind != policy.KindLink || len(token.Value) != 32 {
				t.Errorf("%s: %+v", token, h)
			}
		case policy.TokenNumber, policy.TokenUID, policy.TokenPIN:
		}
	}
	if classes[policy.TokenKey] != 1 || classes[policy.TokenUnlockedKey] != 1 || classes[policy.TokenLink] != 3 {
		t.Errorf("%v", classes)
	}
	for m, h := range r.People() {
		runs := slices.IndexFunc(h.Groups, func(x policy.Membership) bool { return x.Group == policy.WholePlace })
		if (m.ID == 10) != (runs == 0) || (m.ID == 10) != (h.Role == policy.RoleAdministrator) {
			t.Errorf("member %d: %+v", m.ID, h)
		}
	}
}
