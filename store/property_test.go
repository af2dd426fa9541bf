package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"doord/policy"
)

// anyPlace draws members and credentials, few enough that ids and numbers meet.
func anyPlace(t *rapid.T) *policy.Records {
	date := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "open") {
			return time.Time{}
		}
		return time.UnixMilli(rapid.Int64Range(-1e14, 1e15).Draw(t, "ms")).UTC()
	})
	validity := rapid.Custom(func(t *rapid.T) policy.Validity {
		return policy.Validity{From: date.Draw(t, "from"), Until: date.Draw(t, "until")}
	})
	r := place(0)
	for id := range rapid.Int64Range(0, 8).Draw(t, "members") {
		r.Members = append(r.Members, policy.Member{ID: id + 1, AccessEnabled: rapid.Bool().Draw(t, "enabled"), LinkAllowed: rapid.Bool().Draw(t, "link"),
			EscortNeeded: rapid.Bool().Draw(t, "visitor"), MayEscort: rapid.Bool().Draw(t, "may escort")})
		for range rapid.IntRange(0, 4).Draw(t, "assignments") {
			a := policy.RoleAssignment{ID: int64(len(r.RoleAssignments) + 1), MemberID: id + 1, Validity: validity.Draw(t, "assigned"),
				Role: rapid.SampledFrom([]policy.Role{policy.RoleMember, policy.RoleManager, policy.RoleAdministrator, policy.RoleOwner}).Draw(t, "role"), AppliesTo: policy.AppliesTo{Type: "group", ID: rapid.Int64Range(1, 9).Draw(t, "group")}}
			if rapid.Bool().Draw(t, "everywhere") {
				a.AppliesTo = policy.AppliesTo{Type: "place", ID: 1}
			}
			r.RoleAssignments = append(r.RoleAssignments, a)
		}
	}
	numbers := rapid.SliceOfNDistinct(rapid.Uint64Range(0, 30), 0, 12, rapid.ID).Draw(t, "numbers")
	for i, n := range numbers {
		c := policy.Credential{ID: int64(i + 1), MemberID: rapid.Int64Range(0, 9).Draw(t, "holder"), Validity: validity.Draw(t, "valid"),
			Status: rapid.SampledFrom([]policy.CredentialStatus{policy.Activated, policy.Deactivated, policy.Unassigned}).Draw(t, "status")}
		switch rapid.IntRange(0, 2).Draw(t, "class") {
		case 0:
			c.Kind, c.Format, c.Card = policy.KindCard, "H10301", n
		case 1:
			c.Kind, c.PIN = policy.KindPIN, fmt.Sprintf("%04d", n)
		default:
			c.Kind, c.UID = policy.KindTag, fmt.Sprintf("%08x", n)
		}
		r.Credentials = append(r.Credentials, c)
	}
	return r
}

func TestLookupAgreesWithAMap(t *testing.T) {
	p := openPolicy(t, t.TempDir())
	replaced := uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		r := anyPlace(t)
		twin := map[policy.Token]policy.Holder{}
		for token, h := range r.Tokens() {
			holder := *h
			holder.Groups = slices.Clone(h.Groups)
			twin[token] = holder
		}
		if _, err := p.Replace(r); err != nil {
			t.Fatal(err)
		}
		replaced++
		var got policy.Holder
		try := func(token policy.Token) {
			want, known := twin[token]
			revision, found, err := p.Lookup(token, &got)
			if err != nil || found != known || revision != replaced {
				t.Fatalf("Lookup(%v) = %d, %v, %v; known: %v", token, revision, found, err, known)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("Lookup(%v) (-want +got):\n%s", token, diff)
			}
		}
		for n := range uint64(31) {
			try(policy.Token{Class: policy.TokenNumber, Format: "H10301", Number: n})
			try(policy.Token{Class: policy.TokenPIN, Value: fmt.Sprintf("%04d", n)})
			try(policy.Token{Class: policy.TokenUID, Value: string([]byte{0, 0, 0, byte(n)})})
		}
		if err := p.Check(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestTheJournalAgreesWithASlice appends, acknowledges, saves and starts again at
// random, against the plainest journal that keeps the same promises.
func TestTheJournalAgreesWithASlice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		o := Options{MaxEvents: rapid.IntRange(16, 40).Draw(rt, "bound"), BootID: "b"}
		open := func() *Journal {
			j, err := OpenJournal(dir, o)
			if err != nil {
				rt.Fatal(err)
			}
			j.live.db.NoSync = true // no power is cut here
			return j
		}
		j := open()
		defer func() { _ = j.Close() }()

		var kept []uint64 // of all sequences, those that must still be there
		var given, acked, next uint64
		state := ""
		lost := map[uint64]bool{} // given up before upload
		told := uint64(0)         // of these, how many gap records tell
		n := 0
		flush := func() {
			if err := j.Sync(context.Background()); err != nil {
				rt.Fatal(err)
			}
			records, err := j.Since(0, 1<<20)
			if err != nil {
				rt.Fatal(err)
			}
			for _, r := range records {
				if r.Sequence <= next {
					continue
				}
				if next++; r.Sequence != next {
					rt.Fatalf("event %d follows %d", r.Sequence, next-1)
				}
				kept = append(kept, next)
				var count, from, to uint64
				if _, err := fmt.Sscanf(r.Detail, "%d events given up before upload, %d to %d", &count, &from, &to); err == nil {
					if count != to-from+1 || from <= acked {
						rt.Fatalf("acked %d, and %s", acked, r.Detail)
					}
					told += count
				} else {
					given++
				}
			}
			oldest := next + 1
			if len(records) > 0 {
				oldest = records[0].Sequence
			}
			for len(kept) > 0 && kept[0] < oldest {
				if kept[0] > acked {
					lost[kept[0]] = true
				}
				kept = kept[1:]
			}
			switch {
			case len(records) != len(kept) || len(kept) > o.MaxEvents:
				rt.Fatalf("%d events in the file, %d kept, bound %d", len(records), len(kept), o.MaxEvents)
			case uint64(len(lost)) != told:
				rt.Fatalf("%d events given up before upload, gap records tell of %d", len(lost), told)
			case int(given) != n:
				rt.Fatalf("%d events handed in, %d came", n, given)
			case string(j.State()) != state || j.AckedThrough() != acked || j.Head().Sequence != next:
				rt.Fatalf("state %q, acked %d, head %d; want %q, %d, %d", j.State(), j.AckedThrough(), j.Head().Sequence, state, acked, next)
			}
			if err := j.Verify(context.Background()); err != nil {
				rt.Fatal(err)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				// Fewer than a group holds, so that the twin sees every event once.
				for range rapid.IntRange(1, max(1, o.MaxEvents/8)).Draw(t, "events") {
					n++
					j.Append(happened(n))
				}
				flush()
			},
			"ack": func(t *rapid.T) {
				acked = rapid.Uint64Range(0, next).Draw(t, "through")
				j.Acked(acked)
				flush()
			},
			"save": func(t *rapid.T) {
				state = rapid.StringN(0, 3, -1).Draw(t, "state")
				j.SaveState([]byte(state))
				flush()
			},
			"restart": func(t *rapid.T) {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = open()
				flush()
			},
		})
	})
}
