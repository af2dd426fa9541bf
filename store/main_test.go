package store

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"doord/policy"
)

// childMode makes the test binary, run again by a test, do something that a test
// cannot do in its own process: be killed, or run out of disk.
const childMode = "DOORD_STORE_CHILD"

func TestMain(m *testing.M) {
	if run, ok := map[string]func(dir string){
		"append":   childAppends,
		"replace":  childReplaces,
		"sync":     childSyncs,
		"fulldisk": childFillsDisk,
	}[os.Getenv(childMode)]; ok {
		run(os.Args[1])
		return
	}
	goleak.VerifyTestMain(m)
}

// place returns a place with n members, each with one card, in the groups 1 to 3.
func place(n int) *policy.Records {
	r := &policy.Records{
		Place:       policy.Place{ID: 1, Name: "Works", TimeZone: "Europe/Berlin", Latitude: 52.5, Longitude: 13.4},
		Controllers: []policy.Controller{{ID: 1, Name: "North", DeviceID: "0123456789abcdef"}},
		Locks:       []policy.Lock{lock(1, "Gate"), lock(2, "Hall")},
		RelayConnections: []policy.RelayConnection{
			{ID: 1, ControllerID: 1, Channel: 1, Type: policy.RelayLock, LockID: 1, Duration: 3}},
		InputConnections: []policy.InputConnection{
			{ID: 1, ControllerID: 1, Channel: 1, Type: policy.InputREX, LockID: 1, Duration: 5, Action: policy.REXUnlock}},
		Readers: []policy.Reader{{ID: 1, ControllerID: 1, Port: "wiegand:1", LockID: 1, Direction: policy.In, Cards: true, PIN: policy.PINNone}},
		Groups:  []policy.Group{{ID: 1, Name: "Staff"}, {ID: 2, Name: "Night"}, {ID: 3, Name: "Cleaners"}},
		GroupLocks: []policy.GroupLock{
			{ID: 1, GroupID: 1, LockID: 1}, {ID: 2, GroupID: 2, LockID: 1}, {ID: 3, GroupID: 3, LockID: 2}},
		Members:         make([]policy.Member, 0, n),
		Credentials:     make([]policy.Credential, 0, n),
		RoleAssignments: make([]policy.RoleAssignment, 0, 2*n),
	}
	until := time.Date(2099, 12, 31, 0, 0, 0, 0, time.UTC)
	for i := range int64(n) {
		id := i + 1
		r.Members = append(r.Members, policy.Member{ID: id, Name: fmt.Sprintf("Member %d", id), AccessEnabled: true})
		r.Credentials = append(r.Credentials, policy.Credential{ID: id, MemberID: id, Kind: policy.KindCard,
			Format: "H10301", Facility: uint64(id >> 16), Card: uint64(id & 0xffff), Status: policy.Activated})
		r.RoleAssignments = append(r.RoleAssignments,
			policy.RoleAssignment{ID: 2 * id, Role: policy.RoleMember, MemberID: id, AppliesTo: policy.AppliesTo{Type: "group", ID: 1 + i%3}},
			policy.RoleAssignment{ID: 2*id + 1, Role: policy.RoleMember, MemberID: id, AppliesTo: policy.AppliesTo{Type: "group", ID: 1 + (i+1)%3},
				Validity: policy.Validity{Until: until}})
	}
	return r
}

func lock(id int64, name string) policy.Lock {
	return policy.Lock{ID: id, Name: name, Configured: true, WhenClockUnset: policy.ClockDeny, WhenPolicyStale: policy.StaleAdmit, OnFire: policy.FireStay}
}

// card is the token of a member of place.
func card(id int64) policy.Token {
	return policy.Token{Class: policy.TokenNumber, Format: "H10301", Facility: uint64(id >> 16), Number: uint64(id & 0xffff)}
}

func openPolicy(t testing.TB, dir string) *Policy {
	t.Helper()
	p, err := OpenPolicy(dir, Options{Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func openJournal(t testing.TB, dir string, o Options) *Journal {
	t.Helper()
	j, err := OpenJournal(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// happened is the i-th of a line of events that differ.
func happened(i int) policy.Event {
	up := time.Duration(i) * time.Second
	e := policy.Event{
		At:     policy.Now{Up: up, Wall: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC).Add(up), WallSet: true},
		Type:   policy.LockOpened,
		Object: policy.Ref{Type: "lock", ID: int64(i), Name: "Gate"},
	}
	if i%2 == 0 {
		e.Type, e.Success, e.Revision, e.Reader = policy.LockUnlock, true, 7, "gate-in"
		e.Actor, e.By = policy.Ref{Type: "member", ID: 9}, policy.Ref{Type: "card", ID: 11}
		e.Until = up + 3*time.Second
		e.Trace = []policy.Check{
			{Name: "door", Saw: policy.Numbered("lock", 1), Rule: policy.Text("is configured and wired here"), OK: true},
			{Name: "method", Saw: policy.Text("card"), Rule: policy.Numbered("reader", 1), OK: true},
			{Name: "group_dates", Saw: policy.Moment(e.At.Wall), Rule: policy.Span(policy.Validity{}), Reason: policy.NoLongerValid},
		}
	}
	return e
}
