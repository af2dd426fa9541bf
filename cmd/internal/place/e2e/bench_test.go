package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"doord/cmd/internal/api"
	"doord/cmd/internal/place/storage"
	"doord/policy/ledger"
	"doord/relay"
	"doord/sim/board"
)

// crowd is how many members the place has that is measured.
const crowd = 100_000

// newLoopback makes a place at a service in this process, over TLS on loopback.
func newLoopback(b *testing.B, dir string) (*service, *site, *unit) {
	b.Helper()
	s := openLoopback(b, dir)
	site, u := newSiteAt(b, s.server.Addr, s.place.Setup(), 1)
	return s, site, u
}

func openLoopback(b *testing.B, dir string) *service {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &service{dir: dir, hosts: []string{"127.0.0.1"}, now: time.Now}
	if err := s.open(l); err != nil {
		b.Fatal(err)
	}
	s.server.Addr = l.Addr().String()
	return s
}

func (s *service) close(b *testing.B) {
	b.Helper()
	if err := s.end(); err != nil {
		b.Error(err)
	}
}

// report reports what a call took, and how many times the floor that is.
func report(b *testing.B, times, floor []time.Duration, name string) {
	b.Helper()
	ms := func(of []time.Duration, percent int) float64 {
		slices.Sort(of)
		return float64(of[min(len(of)-1, len(of)*percent/100)].Microseconds()) / 1000
	}
	for _, p := range []int{50, 95, 99} {
		b.ReportMetric(ms(times, p), fmt.Sprintf("p%d-ms", p))
	}
	b.ReportMetric(ms(floor, 50), name+"-p50-ms")
	b.ReportMetric(ms(times, 50)/ms(floor, 50), "x-"+name)
}

// multiply makes many members, each with a card and in the group, of the one that
// there is, while no service runs; and the log of them, once one does.
func multiply(b *testing.B, dir string) {
	b.Helper()
	db, err := storage.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	last := func(table string) (row map[string]any) {
		for r, err := range db.ScanBack(table, nil) {
			if err != nil {
				b.Fatal(err)
			}
			d := json.NewDecoder(bytes.NewReader(r.Value))
			d.UseNumber()
			if err := d.Decode(&row); err != nil {
				b.Fatal(err)
			}
			break
		}
		return row
	}
	tables := []string{"place.members", "place.role_assignments", "place.cards"}
	rows := []map[string]any{last(tables[0]), last(tables[1]), last(tables[2])}
	id := int64(1_000_000)
	var commit []storage.Row
	for n := range crowd {
		member := id + 1
		rows[0]["name"] = fmt.Sprint("Member ", n)
		rows[1]["member_id"] = member
		rows[2]["member_id"], rows[2]["facility"], rows[2]["card"] = member, 100+n>>16, n&0xffff
		for i, row := range rows {
			id++
			row["id"] = id
			value, err := json.Marshal(row)
			if err != nil {
				b.Fatal(err)
			}
			commit = append(commit, storage.Row{Table: tables[i], Key: binary.BigEndian.AppendUint64(nil, uint64(id)), Value: value})
		}
		if len(commit) > 30_000 || n == crowd-1 {
			if err := db.Commit(commit...); err != nil {
				b.Fatal(err)
			}
			commit = nil
		}
	}
	if err := db.Commit(storage.Row{Table: "place", Key: []byte("last id"), Value: binary.BigEndian.AppendUint64(nil, uint64(id))}); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// logged brings all records of the place into its log.
func (s *service) logged(b *testing.B, place int64) (all []ledger.Record) {
	b.Helper()
	records := s.place.Records(place)
	seq, err := ledger.FromRecords(&records, s.fleet.PlaceKey(place))
	if err != nil {
		b.Fatal(err)
	}
	all = slices.Collect(seq)
	for chunk := range slices.Chunk(all, 50_000) {
		staged, err := s.fleet.Stage(place, chunk)
		if err == nil {
			err = s.storage.Commit(staged.Rows...)
		}
		if err != nil {
			b.Fatal(err)
		}
		staged.Done()
	}
	return all
}

// BenchmarkSync measures how a controller that is new comes to a place of 100,000
// members: from its claim code until the policy is in its bbolt and in force, what
// went over the wire, and the peak of its anonymous memory. It is a process of its
// own. The floor is bbolt alone, with the same records in the same order.
func BenchmarkSync(b *testing.B) {
	dir := b.TempDir()
	s, place, u := newLoopback(b, dir)
	s.close(b)
	place.http.CloseIdleConnections()
	multiply(b, dir)
	s = openLoopback(b, dir)
	defer s.close(b)
	place.url = "https://" + s.server.Addr
	records := s.logged(b, place.place)
	version := s.fleet.Position(place.place).Version

	var times, floor []time.Duration
	var wire, peak int64
	for b.Loop() {
		began := time.Now()
		raw(b, filepath.Join(b.TempDir(), "raw.db"), records)
		floor = append(floor, time.Since(began))
		claim, _ := place.ok(b, "POST", "/controllers/"+u.device+"/assign", `{"controller":{"place_id":%d}}`, place.place)["claim"].(map[string]any)
		code, _ := claim["code"].(string)
		cmd, out := child(b, "controller", b.TempDir(), place.url, code, fmt.Sprint(version))
		line := make(chan string, 1)
		go func() {
			text, _ := out.ReadString('\n')
			line <- text
		}()
		ticker, text := time.NewTicker(2*time.Millisecond), ""
		for text == "" {
			select {
			case text = <-line:
			case <-ticker.C:
				peak = max(peak, anonymous(cmd.Process.Pid))
			}
		}
		ticker.Stop()
		var took int64
		var bytes int64
		if _, err := fmt.Sscan(text, &took, &bytes); err != nil {
			b.Fatal(text, err)
		}
		times, wire = append(times, time.Duration(took)), max(wire, bytes)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	report(b, times, floor, "bbolt")
	b.ReportMetric(float64(wire)/1e6, "wire-MB")
	b.ReportMetric(float64(peak)/1e6, "anonymous-MB")
}

// raw writes records into bbolt and nothing else.
func raw(b *testing.B, file string, records []ledger.Record) {
	b.Helper()
	db, err := bbolt.Open(file, 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	for chunk := range slices.Chunk(records, 10_000) {
		if err := db.Update(func(tx *bbolt.Tx) error {
			t, err := tx.CreateBucketIfNotExists([]byte("t"))
			if err != nil {
				return err
			}
			t.FillPercent = 0.9
			for _, r := range chunk {
				if err := t.Put(append([]byte{byte(r.Table)}, r.Key...), r.Value); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// anonymous returns the anonymous memory of a process.
func anonymous(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// childController is a controller: DIR URL CODE VERSION. It says how long it took
// until it had the version, and how many bytes came.
func childController(args []string) {
	t := &testing.T{} // of what it fails with, nobody learns but by the missing line
	u := &unit{TB: t, name: "A", device: "00d00d00d00d0001", dir: args[0]}
	var got atomic.Int64
	u.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &counted{c, &got}, err
	}
	u.start()
	began := time.Now()
	_, err := u.server.Enroll(context.Background(), api.Enroll{URL: args[1], Code: args[2]})
	fail(err)
	version, err := strconv.ParseUint(args[3], 10, 64)
	fail(err)
	until(t, "the policy", func() bool { return u.policy.Position().Version == version })
	until(t, "the policy in force", func() bool {
		st, err := u.server.Status(context.Background())
		return err == nil && st.Policy.Revision == version
	})
	fmt.Println(int64(time.Since(began)), got.Load())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// counted counts what comes.
type counted struct {
	net.Conn
	got *atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.got.Add(int64(n))
	return n, err
}

// BenchmarkChange measures one change by the API until it is in the controller's
// bbolt: the call, the service's commit, the hint, the delta, the controller's commit.
// The floor is two commits of a row, one after the other: no less makes it durable on
// both sides.
func BenchmarkChange(b *testing.B) {
	s, place, u := newLoopback(b, b.TempDir())
	defer s.close(b)
	defer u.stop()
	u.start()
	place.enroll(u)
	until(b, "the policy", func() bool { _, found := u.has(place.cards[0].number); return found })
	db, err := storage.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var times, answers, floor []time.Duration
	n := 0
	for b.Loop() {
		began := time.Now()
		for range 2 {
			if err := db.Commit(storage.Row{Table: "x", Key: []byte("k"), Value: []byte("v")}); err != nil {
				b.Fatal(err)
			}
		}
		floor = append(floor, time.Since(began))
		verb := []string{"deactivate", "activate"}[n%2]
		before := u.policy.Position().Version
		began = time.Now()
		answered := make(chan time.Duration, 1)
		go func() {
			if status, _ := place.ask("POST", path("/cards/%d/%s", place.cards[0].id, verb), ""); status != http.StatusOK {
				b.Error(status)
			}
			answered <- time.Since(began)
		}()
		often(b, func() bool { return u.policy.Position().Version > before })
		times = append(times, time.Since(began))
		answers = append(answers, <-answered)
		if active, _ := u.has(place.cards[0].number); active != (n%2 == 1) {
			b.Fatal("it is not there")
		}
		n++
	}
	report(b, times, floor, "commits")
	slices.Sort(answers)
	b.ReportMetric(float64(answers[len(answers)/2].Microseconds())/1000, "answer-p50-ms")
}

// often waits for something that comes soon.
func often(b *testing.B, is func() bool) {
	b.Helper()
	ticker := time.NewTicker(50 * time.Microsecond)
	defer ticker.Stop()
	for end := time.Now().Add(10 * time.Second); !is(); <-ticker.C {
		if time.Now().After(end) {
			b.Fatal("not in time")
		}
	}
}

// BenchmarkUnlock measures POST /locks/{id}/unlock until the relay of a simulated
// board moves. The floor is another request to the API over the same connection.
func BenchmarkUnlock(b *testing.B) {
	s, place, u := newLoopback(b, b.TempDir())
	defer s.close(b)
	defer u.stop()
	u.start()
	place.enroll(u)
	until(b, "the policy", func() bool { _, found := u.has(place.cards[0].number); return found })
	moved := make(chan time.Time, 2)
	u.board.OnRelay(func(t board.Transition) {
		if t.Channel == front {
			moved <- time.Now()
		}
	})
	until(b, "the stream", func() bool { r, err := u.server.Cloud(context.Background()); return err == nil && r.Online })
	var times, answers, floor []time.Duration
	for b.Loop() {
		began := time.Now()
		if status, _ := place.ask("GET", path("/locks/%d", u.front), ""); status != http.StatusOK {
			b.Fatal(status)
		}
		floor = append(floor, time.Since(began))
		began = time.Now()
		if status, a := place.ask("POST", path("/locks/%d/unlock", u.front), ""); status != http.StatusOK {
			b.Fatal(status, a)
		}
		answers = append(answers, time.Since(began))
		times = append(times, (<-moved).Sub(began))
		u.relock(front, "front-contact", moved)
	}
	report(b, times, floor, "get")
	slices.Sort(answers)
	b.ReportMetric(float64(answers[len(answers)/2].Microseconds())/1000, "answer-p50-ms")
}

// relock has the door open, which secures it again, and close.
func (u *unit) relock(channel relay.Channel, contact string, moved <-chan time.Time) {
	u.Helper()
	u.loop(contact, true)
	<-moved
	u.loop(contact, false)
	until(u, "the door closed", func() bool {
		doors, err := u.server.Doors(context.Background())
		return err == nil && doors[0].Contact == "closed"
	})
}
