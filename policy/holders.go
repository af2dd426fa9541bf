package policy

import (
	"cmp"
	"encoding/hex"
	"iter"
	"slices"
)

// Tokens yields every token of the records with the holder that the cache
// keeps for it. The holder is valid until the next one is yielded.
func (r *Records) Tokens() iter.Seq2[Token, *Holder] {
	people := r.people()
	return func(yield func(Token, *Holder) bool) {
		var h Holder
		for i := range r.Credentials {
			c := &r.Credentials[i]
			token, err := c.Token()
			if err != nil {
				continue // Validate names it; valid records have none
			}
			h = Holder{Credential: c.ID, Kind: c.Kind, Status: c.Status, Validity: c.Validity, Duress: c.Duress}
			if p := people[c.MemberID]; p != nil {
				h.join(p)
			}
			if !yield(token, &h) {
				return
			}
			if second, ok := c.unlockedToken(); ok && !yield(second, &h) {
				return
			}
		}
		for i := range r.GroupLinks {
			l := &r.GroupLinks[i]
			hash, err := hex.DecodeString(l.SecretSHA256)
			if err != nil {
				continue
			}
			h = Holder{Credential: l.ID, Kind: KindLink, Status: Activated, Validity: l.Validity,
				Groups: []Membership{{Group: l.GroupID}}}
			if !l.Enabled {
				h.Status = Deactivated
			}
			if !yield(Token{Class: TokenLink, Value: string(hash)}, &h) {
				return
			}
		}
	}
}

// People yields every member as the holder who signs in without a credential.
func (r *Records) People() iter.Seq2[Member, *Holder] {
	people := r.people()
	return func(yield func(Member, *Holder) bool) {
		for _, m := range r.Members {
			if !yield(m, people[m.ID]) {
				return
			}
		}
	}
}

// people gathers for each member the groups and the strongest role at the place.
func (r *Records) people() map[int64]*Holder {
	people := make(map[int64]*Holder, len(r.Members))
	for _, m := range r.Members {
		people[m.ID] = &Holder{Member: m.ID, AccessEnabled: m.AccessEnabled, LinkAllowed: m.LinkAllowed,
			EscortNeeded: m.EscortNeeded, MayEscort: m.MayEscort}
	}
	for _, a := range r.RoleAssignments {
		p := people[a.MemberID]
		switch {
		case p == nil:
		case a.AppliesTo.Type == "group":
			p.Groups = append(p.Groups, Membership{Group: a.AppliesTo.ID, Validity: a.Validity})
		default:
			if a.Role.rank() > p.Role.rank() {
				p.Role = a.Role
			}
			if a.Role == RoleAdministrator || a.Role == RoleOwner {
				p.Groups = append(p.Groups, Membership{Group: WholePlace, Validity: a.Validity})
			}
		}
	}
	for _, p := range people {
		slices.SortStableFunc(p.Groups, func(a, b Membership) int { return cmp.Compare(a.Group, b.Group) })
	}
	return people
}

func (r Role) rank() int {
	return slices.Index([]Role{RoleMember, RoleManager, RoleAdministrator, RoleOwner}, r)
}

// join gives a credential's holder the person's part.
func (h *Holder) join(p *Holder) {
	h.Member, h.AccessEnabled, h.LinkAllowed, h.Role, h.Groups = p.Member, p.AccessEnabled, p.LinkAllowed, p.Role, p.Groups
	h.EscortNeeded, h.MayEscort = p.EscortNeeded, p.MayEscort
}
