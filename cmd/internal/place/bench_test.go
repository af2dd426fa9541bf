package place

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"doord/cmd/internal/place/storage"
)

// plain asks without checking the answer against the description.
func (r *rig) plain(method, path, body string) int {
	q := httptest.NewRequest(method, path, strings.NewReader(body))
	q.Header.Set("Authorization", r.owner)
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, q)
	return w.Code
}

// A page of 50 of 1000 locks, with their live state.
func BenchmarkListLocks(b *testing.B) {
	r := newRig(b)
	for i := range 1000 {
		r.plain("POST", "/locks", f(`{"lock":{"name":"Lock %d","place_id":%d}}`, i, r.place))
	}
	for name, path := range map[string]string{
		"page": f("/locks?place_id=%d", r.place), "sorted": "/locks?sort=name&favorite=*", "filtered": "/locks?online=true",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r.plain("GET", path, "") != http.StatusOK {
					b.Fatal("not answered")
				}
			}
		})
	}
}

// One change, durable: the record, its event and the log's entry in one commit. The
// floor is a commit of one small row.
func BenchmarkCreateLock(b *testing.B) {
	r := newRig(b, func(r *rig) { r.disk = true })
	b.Run("lock", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			if r.plain("POST", "/locks", f(`{"lock":{"name":"Lock %d","place_id":%d}}`, n, r.place)) != http.StatusCreated {
				b.Fatal("not made")
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			if err := r.storage.Commit(storage.Row{Table: "x", Key: []byte("k"), Value: []byte("v")}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// 100,000 members with a card and a group each: how much memory they take, how long
// the service takes to start with them, to change one and to list a page.
func BenchmarkManyMembers(b *testing.B) {
	const people = 100_000
	r := newRig(b, func(r *rig) { r.disk = true })
	group := r.made("/groups", `{"group":{"name":"Staff","place_id":%d}}`, r.place)
	before := heap()
	for from := 0; from < people; from += 5000 {
		if err := r.change(func(t *tx) error {
			for i := range 5000 {
				m := members.fresh().(*Member)
				m.PlaceID, m.Name, m.Email = r.place, fmt.Sprint("Member ", from+i), fmt.Sprintf("m%d@example.org", from+i)
				t.put(members, m)
				a := roleAssignments.fresh().(*RoleAssignment)
				a.PlaceID, a.MemberID, a.AppliesTo.Type, a.AppliesTo.ID = r.place, m.ID, toGroup, group
				t.put(roleAssignments, a)
				c := cards.fresh().(*Card)
				c.PlaceID, c.MemberID, c.Format, c.Facility, c.Card = r.place, m.ID, "H10301", uint64(from+i)>>16, uint64(from+i)&0xffff
				t.put(cards, c)
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	memory := float64(heap()-before) / (1 << 20)
	some := r.ask("GET", "/members?limit=1&offset=5000", r.owner, "").list()[0]
	b.Run("change one", func(b *testing.B) {
		b.ReportMetric(memory, "MB")
		n := 0
		for b.Loop() {
			n++
			if r.plain("PATCH", f("/members/%d", id(some, "id")), f(`{"member":{"link_allowed":%t}}`, n%2 == 0)) != http.StatusNoContent {
				b.Fatal("not changed")
			}
		}
	})
	b.Run("create one", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			if r.plain("POST", "/members", f(`{"member":{"name":"New %d","place_id":%d}}`, n, r.place)) != http.StatusCreated {
				b.Fatal("not made")
			}
		}
	})
	for name, path := range map[string]string{"page": "/members?offset=10000", "page of the group": f("/members?group_id=%d", group), "query": "/members?query=m99999@"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if r.plain("GET", path, "") != http.StatusOK {
					b.Fatal("not answered")
				}
			}
		})
	}
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			if _, err := load(r.storage); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
