package store

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"doord/policy"
	"doord/policy/schedule"
)

func TestAPolicyIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	want := place(10)
	want.Schedules = []schedule.Schedule{{ID: 3, Name: "Always", Enabled: true, Consequence: schedule.Allow,
		StartsAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), EndsAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}}
	p, err := OpenPolicy(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Opened(); !got.Created || got.Quarantined != "" {
		t.Errorf("Opened() = %+v for a new directory", got)
	}
	if _, revision, err := p.Records(); revision != 0 || err != nil {
		t.Errorf("an empty cache has revision %d, %v", revision, err)
	}
	if revision, err := p.Replace(want); revision != 1 || err != nil {
		t.Fatalf("Replace = %d, %v", revision, err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}

	p = openPolicy(t, dir)
	if got := p.Opened(); got != (Opened{}) {
		t.Errorf("Opened() = %+v for a good file", got)
	}
	got, revision, err := p.Records()
	if revision != 1 || err != nil {
		t.Fatalf("Records: revision %d, %v", revision, err)
	}
	small := *want
	small.Members, small.Credentials, small.RoleAssignments = nil, nil, nil
	if diff := cmp.Diff(small, got); diff != "" {
		t.Errorf("records differ (-put +got):\n%s", diff)
	}
	if err := p.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if revision, err := p.Replace(want); revision != 2 || err != nil {
		t.Errorf("the next Replace = %d, %v", revision, err)
	}
}

// keptAsItIs tells whether the i-th field of policy.Records is a list of which a
// controller keeps the records themselves.
func keptAsItIs(i int) bool {
	field := reflect.TypeFor[policy.Records]().Field(i)
	switch field.Name {
	case "Members", "RoleAssignments", "Credentials", "GroupLinks":
		return false
	}
	return field.Type.Kind() == reflect.Slice
}

func TestEveryKindOfRecordIsKept(t *testing.T) {
	var want policy.Records
	kinds := 0
	for i := range reflect.TypeFor[policy.Records]().NumField() {
		if field := reflect.ValueOf(&want).Elem().Field(i); keptAsItIs(i) {
			kinds++
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			field.Index(0).FieldByName("ID").SetInt(5)
		}
	}
	p := openPolicy(t, t.TempDir())
	if _, err := p.Replace(&want); err != nil {
		t.Fatal(err)
	}
	got, _, err := p.Records()
	if err != nil {
		t.Fatal(err)
	}
	for i := range reflect.TypeFor[policy.Records]().NumField() {
		if field := reflect.ValueOf(&got).Elem().Field(i); keptAsItIs(i) {
			kinds--
			if field.Len() != 1 || field.Index(0).FieldByName("ID").Int() != 5 {
				t.Errorf("%v: %v", field.Type(), field)
			}
		}
	}
	if kinds != 0 {
		t.Errorf("%d kinds are missing", kinds)
	}
}

func TestLookupFindsTheHolderOfEachToken(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := place(3)
	r.Members[1].LinkAllowed, r.Members[1].MayEscort, r.Members[0].EscortNeeded = true, true, true
	r.RoleAssignments = append(r.RoleAssignments, policy.RoleAssignment{ID: 99, Role: policy.RoleOwner, MemberID: 2,
		AppliesTo: policy.AppliesTo{Type: "place", ID: 1}})
	r.Credentials = append(r.Credentials,
		policy.Credential{ID: 10, MemberID: 2, Kind: policy.KindPIN, PIN: "4711", Status: policy.Activated},
		policy.Credential{ID: 11, MemberID: 2, Kind: policy.KindTag, UID: "04a1b2c3", Status: policy.Deactivated,
			Validity: policy.Validity{From: from}})
	r.GroupLinks = []policy.GroupLink{{ID: 5, GroupID: 3, Enabled: true, SecretSHA256: strings.Repeat("ab", 32)}}
	p := openPolicy(t, t.TempDir())
	if _, err := p.Replace(r); err != nil {
		t.Fatal(err)
	}
	seen := 0
	var got policy.Holder
	for token, want := range r.Tokens() {
		revision, found, err := p.Lookup(token, &got)
		if revision != 1 || !found || err != nil {
			t.Errorf("Lookup(%v) = %d, %v, %v", token, revision, found, err)
		}
		if diff := cmp.Diff(*want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Lookup(%v) differs (-want +got):\n%s", token, diff)
		}
		seen++
	}
	if seen != 6 {
		t.Errorf("%d tokens", seen)
	}
	for m, want := range r.People() {
		if _, found, err := p.Member(m.ID, &got); !found || err != nil {
			t.Errorf("Member(%d) = %v, %v", m.ID, found, err)
		}
		if diff := cmp.Diff(*want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Member(%d) differs (-want +got):\n%s", m.ID, diff)
		}
	}
	for _, unknown := range []policy.Token{card(4), {}, {Class: policy.TokenPIN, Value: "4712"}, {Class: policy.TokenUID, Value: "4711"}} {
		if revision, found, err := p.Lookup(unknown, &got); revision != 1 || found || err != nil {
			t.Errorf("Lookup(%v) = %d, %v, %v", unknown, revision, found, err)
		}
		if diff := cmp.Diff(policy.Holder{}, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("an unknown token left a holder behind: %s", diff)
		}
	}
	if _, found, err := p.Member(4, &got); found || err != nil {
		t.Errorf("Member(4) = %v, %v", found, err)
	}
}

func TestNamesAreKeptOnlyWhereThePlaceAllowsIt(t *testing.T) {
	dir := t.TempDir()
	p := openPolicy(t, dir)
	for _, allowed := range []bool{true, false} {
		r := place(2)
		r.Place.NamesOnControllers = allowed
		if _, err := p.Replace(r); err != nil {
			t.Fatal(err)
		}
		if name, found, err := p.MemberName(2); found != allowed || err != nil || found && name != "Member 2" {
			t.Errorf("allowed %v: MemberName(2) = %q, %v, %v", allowed, name, found, err)
		}
		data, err := os.ReadFile(filepath.Join(dir, policyFile))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "Member 2") != allowed {
			t.Errorf("allowed %v: the name is in the file, or is not", allowed)
		}
	}
}

func TestNoNumberAndNoPINIsInTheFile(t *testing.T) {
	dir := t.TempDir()
	r := place(1)
	r.Credentials = append(r.Credentials,
		policy.Credential{ID: 2, MemberID: 1, Kind: policy.KindPIN, PIN: "86420975", Status: policy.Activated},
		policy.Credential{ID: 3, MemberID: 1, Kind: policy.KindTag, UID: "04a1b2c3d4e5f6", Status: policy.Activated})
	p := openPolicy(t, dir)
	if _, err := p.Replace(r); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, policyFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"86420975", "\x04\xa1\xb2\xc3\xd4\xe5\xf6", "04a1b2c3d4e5f6", "H10301"} {
		if strings.Contains(string(data), secret) {
			t.Errorf("%q stands in %s", secret, policyFile)
		}
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	p := openPolicy(t, dir)
	openJournal(t, dir, Options{})
	if _, err := p.Replace(place(1)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v", info.Mode())
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		if info, _ := e.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", e.Name(), info.Mode())
		}
	}
	if diff := cmp.Diff([]string{"events.db", "events.db.lock", "place.key", "policy.db", "policy.db.lock"}, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestAPolicyThatCannotBeKeptLeavesTheOldOne(t *testing.T) {
	cases := map[string]func(r *policy.Records){
		"credentials 1 and 7 are the same token": func(r *policy.Records) {
			twin := r.Credentials[0]
			twin.ID = 7
			r.Credentials = append(r.Credentials, twin)
		},
		"two members have the id 2":        func(r *policy.Records) { r.Members = append(r.Members, r.Members[1]) },
		"two locks have the id 1":          func(r *policy.Records) { r.Locks = append(r.Locks, r.Locks[0]) },
		`credential 2: unknown status "x"`: func(r *policy.Records) { r.Credentials[1].Status = "x" },
	}
	for want, spoil := range cases {
		t.Run(want, func(t *testing.T) {
			dir := t.TempDir()
			p := openPolicy(t, dir)
			if _, err := p.Replace(place(3)); err != nil {
				t.Fatal(err)
			}
			r := place(3)
			spoil(r)
			revision, err := p.Replace(r)
			if revision != 1 || err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Replace = %d, %v", revision, err)
			}
			var h policy.Holder
			if revision, found, err := p.Lookup(card(1), &h); revision != 1 || !found || err != nil {
				t.Errorf("Lookup = %d, %v, %v", revision, found, err)
			}
			if _, err := os.Stat(filepath.Join(dir, policyFile+".new")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the unfinished file is still there: %v", err)
			}
		})
	}
}

func TestTheRevisionIsThatOfTheDataSeen(t *testing.T) {
	p := openPolicy(t, t.TempDir())
	generation := func(n int64) *policy.Records {
		r := place(1)
		r.Credentials[0].ID = n // the record says which revision it was written in
		return r
	}
	if _, err := p.Replace(generation(1)); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	done := make(chan int)
	for range 3 {
		go func() {
			var h policy.Holder
			var last uint64
			seen := 0
			for {
				select {
				case <-stop:
					done <- seen
					return
				default:
				}
				revision, found, err := p.Lookup(card(1), &h)
				if !found || err != nil || uint64(h.Credential) != revision || revision < last {
					t.Errorf("revision %d (after %d) with the record of %d: %v, %v", revision, last, h.Credential, found, err)
				}
				last = revision
				seen++
			}
		}()
	}
	for n := int64(2); n <= 15; n++ {
		if revision, err := p.Replace(generation(n)); int64(revision) != n || err != nil {
			t.Fatalf("Replace = %d, %v", revision, err)
		}
		if err := p.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	for range 3 {
		if <-done == 0 {
			t.Error("a reader saw nothing")
		}
	}
}

func TestCallsAfterCloseSaySo(t *testing.T) {
	p, err := OpenPolicy(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	var h policy.Holder
	_, _, lookup := p.Lookup(card(1), &h)
	_, _, member := p.Member(1, &h)
	_, _, name := p.MemberName(1)
	_, _, records := p.Records()
	for _, err := range []error{lookup, member, name, records, p.Check(t.Context())} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
	}
}
