package fleet

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doord/cmd/internal/place/storage"
	"doord/policy/ledger"
	"doord/store/cloudsync"
)

// crowd enrols controllers of a place without asking, as their enrolment would have
// left them.
func (r *rig) crowd(place int64, n int) []*board {
	r.t.Helper()
	keys := r.fleet.keys.now()
	trust := ledger.NewTrust(keys.Root)
	if err := trust.Grant(keys.signed()); err != nil {
		r.t.Fatal(err)
	}
	all := make([]*board, n)
	rows := make([]storage.Row, n)
	for i := range all {
		id := int64(i + 1)
		row := controllerRow{Place: place, DeviceID: device, Enrolment: []byte{0x40, 0, 0, 0, 0, 0, byte(i >> 8), byte(i)}}
		_, key, _ := ed25519.GenerateKey(rand.Reader)
		certificate, err := keys.certify(place, id, [8]byte(row.Enrolment), csr(r.t, key), r.now())
		if err != nil {
			r.t.Fatal(err)
		}
		b, err := json.Marshal(row)
		if err != nil {
			r.t.Fatal(err)
		}
		rows[i] = storage.Row{Table: tableControllers, Key: idKey(id), Value: b}
		r.fleet.put(id, newController(id, row))
		all[i] = &board{r: r, key: key, trust: trust, given: cloudsync.Enrollment{PlaceID: place, ControllerID: id, Certificate: certificate}}
		all[i].use(certificate)
	}
	if err := r.storage.Commit(rows...); err != nil {
		r.t.Fatal(err)
	}
	return all
}

func TestOneWriteReachesAllThatWait(t *testing.T) {
	r := newRig(t)
	boards := r.crowd(1, 100)
	caches := make([]cache, len(boards))
	pull := func(wait int) *sync.WaitGroup {
		var all sync.WaitGroup
		for i, b := range boards {
			all.Go(func() {
				if err := b.tryPull(context.Background(), &caches[i], wait); err != nil {
					t.Error(err)
				}
			})
		}
		return &all
	}
	pull(0).Wait()
	for round := range 3 {
		waiting := pull(50)
		for r.fleet.waiting.Load() < int64(len(boards)) {
			runtime.Gosched()
		}
		r.put(1, small("locks", 1, fmt.Sprint(round)))
		waiting.Wait()
		for i := range caches {
			if c := &caches[i]; c.kind != "delta" || c.head.Version != uint64(round+1) {
				t.Fatalf("round %d, controller %d: %s, version %d", round, i, c.kind, c.head.Version)
			}
		}
	}
	r.fleet.memo.mu.Lock()
	defer r.fleet.memo.mu.Unlock()
	if n := r.fleet.memo.recent.Len(); n != 4 { // a snapshot and three deltas
		t.Errorf("packed %d times for %d controllers", n, len(boards))
	}
}

func TestTheMemoIsBounded(t *testing.T) {
	m := memo{limit: 100 << 10}
	for i := range 50 {
		p := m.get(memoKey{version: uint64(i)}, func(run func()) bool { go run(); return true }, func(p *packed) {
			p.at(logRow{})
			p.Write(make([]byte, 30<<10))
			p.end(nil)
		})
		n := 0
		if err := p.each(t.Context(), func(b []byte) error { n += len(b); return nil }); err != nil || n != 30<<10 {
			t.Fatal(n, err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size > m.limit+31<<10 || m.recent.Len() != len(m.entries) || m.recent.Len() > 4 {
		t.Errorf("%d bytes in %d", m.size, m.recent.Len())
	}
}

// childServes serves a folder, and does what it is told on its standard input.
func childServes(dir string) {
	fatal := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
	}
	s, err := storage.Open(dir)
	fatal(err)
	f, err := Open(Config{Storage: s, Dir: dir})
	fatal(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(err)
	server := &http.Server{Handler: f.Handler(), TLSConfig: f.TLS(), ErrorLog: quiet()}
	go server.ServeTLS(l, "", "")
	bare, err := tls.Listen("tcp", "127.0.0.1:0", f.TLS())
	fatal(err)
	var mu sync.Mutex
	var floor []net.Conn
	go func() {
		for {
			c, err := bare.Accept()
			fatal(err)
			go func() {
				fatal(c.(*tls.Conn).HandshakeContext(context.Background()))
				mu.Lock()
				floor = append(floor, c)
				mu.Unlock()
			}()
		}
	}()
	fmt.Println("https://"+l.Addr().String(), bare.Addr())
	in := bufio.NewScanner(os.Stdin)
	for n := 0; in.Scan(); n++ {
		began := time.Now()
		switch in.Text() {
		case "put":
			staged, err := f.Stage(1, []ledger.Record{small("locks", 1, fmt.Sprint(time.Now(), n))})
			fatal(err)
			fatal(s.Commit(staged.Rows...))
			durable := time.Since(began)
			staged.Done()
			fmt.Println(began.UnixNano(), int64(durable))
		case "floor":
			mu.Lock()
			text := make([]byte, 700)
			for _, c := range floor {
				go c.Write(text)
			}
			mu.Unlock()
			fmt.Println(began.UnixNano(), 0)
		case "waiting":
			mu.Lock()
			fmt.Println(f.waiting.Load(), len(f.streams(1)), len(floor))
			mu.Unlock()
		case "memory":
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			status, _ := os.ReadFile("/proc/self/status")
			anonymous := 0
			for line := range strings.Lines(string(status)) {
				fmt.Sscanf(line, "RssAnon: %d kB", &anonymous)
			}
			fmt.Println(m.HeapInuse+m.StackInuse, anonymous<<10)
		}
	}
}

func init() { children["serve"] = childServes }

// BenchmarkControllers measures one write until all of 1,000 controllers have
// verified and applied it, each with its stream and its long poll over TLS, beside a
// floor: the same bytes written to as many bare TLS connections. The service is a
// process of its own, so that its memory is its own.
func BenchmarkControllers(b *testing.B) {
	const n = 1000
	r := newRig(b)
	r.put(1, small("locks", 1, "x"), small("locks", 2, "y"))
	boards := r.crowd(1, n)
	r.stop()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	child := exec.CommandContext(b.Context(), self, r.dir)
	child.Env, child.Stderr = append(os.Environ(), childMode+"=serve"), os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	pipe, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	defer child.Wait()
	out := bufio.NewScanner(pipe)
	tell := func(order string, into ...any) {
		if order != "" {
			fmt.Fprintln(in, order)
		}
		if !out.Scan() {
			b.Fatal("the child ended")
		}
		fmt.Sscan(out.Text(), into...)
	}
	var address string
	tell("", &r.url, &address)
	var heap0, rss0, heap, rss int64
	tell("memory", &heap0, &rss0)

	type arrival struct {
		round int
		at    time.Time
	}
	arrived := make(chan arrival, 10*n)
	gate := make(chan struct{}, 50) // handshakes at once
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, board := range boards {
		all.Go(func() {
			gate <- struct{}{}
			var c cache
			board.pull(&c, 0)
			request, _ := http.NewRequestWithContext(ctx, "GET", board.url(cloudsync.PathStream), nil)
			request.Header.Set(cloudsync.HeaderNonce, strings.Repeat("00", nonceBytes))
			a, err := board.http.Do(request)
			if err != nil {
				b.Error(err)
				return
			}
			all.Go(func() { io.Copy(io.Discard, a.Body); a.Body.Close() })
			<-gate
			for round := 1; ctx.Err() == nil; {
				if board.tryPull(ctx, &c, 50) != nil {
					return
				}
				if c.kind == "delta" {
					arrived <- arrival{round, time.Now()}
					round++
				}
			}
		})
	}
	settled := func(floors int) {
		for waiting, streams, floor := 0, 0, 0; waiting < n || streams < n || floor < floors; {
			time.Sleep(10 * time.Millisecond)
			tell("waiting", &waiting, &streams, &floor)
		}
	}
	settled(0)
	tell("memory", &heap, &rss)
	measure := func(order string, arrived func() time.Time) (times []time.Duration, durable int64) {
		var began int64
		tell(order, &began, &durable)
		for range n {
			times = append(times, arrived().Sub(time.Unix(0, began)))
		}
		slices.Sort(times)
		return times, durable
	}
	var p50, p99, disk []float64
	rounds := max(5, min(b.N, 20))
	for range rounds {
		settled(0)
		times, durable := measure("put", func() time.Time { return (<-arrived).at })
		p50, p99, disk = append(p50, times[n/2].Seconds()*1e3), append(p99, times[n*99/100].Seconds()*1e3), append(disk, float64(durable)/1e6)
	}

	bare := make(chan time.Time, n)
	pool := &tls.Config{InsecureSkipVerify: true}
	for range n {
		gate <- struct{}{}
		c, err := tls.Dial("tcp", address, pool)
		if err != nil {
			b.Fatal(err)
		}
		<-gate
		defer c.Close()
		all.Go(func() {
			buf := make([]byte, 700)
			for {
				if _, err := io.ReadFull(c, buf); err != nil {
					return
				}
				bare <- time.Now()
			}
		})
		defer c.Close()
	}
	settled(n)
	var f99 []float64
	for range rounds {
		times, _ := measure("floor", func() time.Time { return <-bare })
		f99 = append(f99, times[n*99/100].Seconds()*1e3)
	}
	cancel()
	middle := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
	b.ReportMetric(middle(p50), "p50-ms")
	b.ReportMetric(middle(p99), "p99-ms")
	b.ReportMetric(middle(disk), "disk-ms")
	b.ReportMetric(middle(f99), "floor-p99-ms")
	b.ReportMetric(middle(p99)/middle(f99), "p99/floor")
	b.ReportMetric(float64(heap-heap0)/n/1024, "heap-KB/controller")
	b.ReportMetric(float64(rss-rss0)/n/1024, "rss-KB/controller")
	b.ReportMetric(0, "ns/op")
	in.Close()
	for _, board := range boards {
		board.http.CloseIdleConnections()
	}
}
