package fleet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"doord/cmd/internal/place/storage"
	"doord/policy/ledger"
	"doord/store/cloudsync"
)

func TestMain(m *testing.M) {
	if run, ok := children[os.Getenv(childMode)]; ok {
		run(os.Args[1])
		return
	}
	goleak.VerifyTestMain(m)
}

const device = "0123456789abcdef"

// rig is a fleet that listens.
type rig struct {
	t       testing.TB
	dir     string
	storage storage.Storage
	fleet   *Fleet
	server  *http.Server
	url     string
	fixed   string // where it listens again; none: anywhere

	mu    sync.Mutex
	clock time.Duration // that the service's clock is ahead
}

func newRig(t testing.TB) *rig {
	r := &rig{t: t, dir: t.TempDir()}
	r.start()
	t.Cleanup(func() { r.stop() })
	if err := r.fleet.AddPlace(1); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Add(r.clock)
}

func (r *rig) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clock += d
}

func (r *rig) start() {
	r.t.Helper()
	s, err := storage.Open(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	f, err := Open(Config{Storage: s, Dir: r.dir, Now: r.now})
	if err != nil {
		r.t.Fatal(err)
	}
	r.storage, r.fleet = s, f
	address := "127.0.0.1:0"
	if r.fixed != "" {
		address = strings.TrimPrefix(r.fixed, "https://")
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.server = &http.Server{Handler: f.Handler(), TLSConfig: f.TLS(), ErrorLog: quiet()}
	r.url = "https://" + l.Addr().String()
	go r.server.ServeTLS(l, "", "")
}

func (r *rig) stop() {
	r.t.Helper()
	if r.fleet == nil {
		return
	}
	if err := r.fleet.Close(); err != nil {
		r.t.Error(err)
	}
	r.server.Close()
	if err := r.storage.Close(); err != nil {
		r.t.Error(err)
	}
	r.fleet = nil
}

// put changes records of a place: kind/id = value, an empty one deletes.
func (r *rig) put(place int64, changes ...ledger.Record) {
	r.t.Helper()
	staged, err := r.fleet.Stage(place, changes)
	if err == nil && len(staged.Rows) > 0 {
		err = r.storage.Commit(staged.Rows...)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	staged.Done()
}

func small(kind string, id int64, value string) ledger.Record {
	return ledger.Record{Table: ledger.Records, Key: ledger.SmallKey(kind, id), Value: []byte(value)}
}

// board is a controller as the service sees one.
type board struct {
	r     *rig
	http  *http.Client
	given cloudsync.Enrollment
	key   ed25519.PrivateKey
	trust *ledger.Trust
}

func csr(t testing.TB, key ed25519.PrivateKey) string {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// client is what speaks to the service, with a certificate if there is one.
func (r *rig) client(certificate *tls.Certificate) *http.Client {
	c := &tls.Config{RootCAs: r.fleet.keys.now().pool(), MinVersion: tls.VersionTLS13, Time: r.now}
	if certificate != nil {
		c.Certificates = []tls.Certificate{*certificate}
	}
	transport := &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true, DisableCompression: true}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (r *rig) claim(place, controller int64) cloudsync.Claim {
	r.t.Helper()
	c, err := r.fleet.Claim(place, controller, device)
	if err != nil {
		r.t.Fatal(err)
	}
	claim, err := cloudsync.ParseClaim(c.Code)
	if err != nil {
		r.t.Fatal(err)
	}
	return claim
}

func (r *rig) enroll(place, controller int64) *board {
	r.t.Helper()
	claim := r.claim(place, controller)
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	b := &board{r: r, key: key}
	status := ask(r.t, r.client(nil), "POST", r.url+cloudsync.PathEnroll, nil, cloudsync.EnrollRequest{
		Secret: hex.EncodeToString(claim.Secret[:]), DeviceID: device, CSR: csr(r.t, key), Version: "1"}, &b.given)
	if status != http.StatusOK {
		r.t.Fatalf("enroll: %d", status)
	}
	b.use(b.given.Certificate)
	b.trust = ledger.NewTrust(r.fleet.keys.now().Root)
	if err := b.trust.Grant(b.given.Grants); err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (b *board) use(certificate string) {
	block, _ := pem.Decode([]byte(certificate))
	b.http = b.r.client(&tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: b.key})
}

// ask asks and reads JSON, if that is wanted.
func ask(t testing.TB, c *http.Client, method, url string, header http.Header, body, into any) int {
	t.Helper()
	status, text := raw(t, c, method, url, header, body)
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s: %v: %s", url, err, text)
		}
	}
	return status
}

func raw(t testing.TB, c *http.Client, method, url string, header http.Header, body any) (int, []byte) {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		reader = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(context.Background(), method, url, reader)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		request.Header[k] = v
	}
	a, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, text
}

func (b *board) url(path string) string { return b.r.url + path }

func (b *board) ask(method, path string, header http.Header, body, into any) int {
	b.r.t.Helper()
	return ask(b.r.t, b.http, method, b.url(path), header, body, into)
}

// cache is what a controller has of a place.
type cache struct {
	head    ledger.Head
	records map[string]string
	tree    ledger.Tree
	bytes   int    // of the last answer, as it came
	kind    string // of it: snapshot, delta, head, nothing, or the status
}

func name(r ledger.Record) string { return string(rune('0'+r.Table)) + string(r.Key) }

// pull asks for the policy as a controller does, believes as little, and applies it.
func (b *board) pull(c *cache, wait int) {
	b.r.t.Helper()
	if err := b.tryPull(context.Background(), c, wait); err != nil {
		b.r.t.Fatal(err)
	}
}

func (b *board) tryPull(ctx context.Context, c *cache, wait int) error {
	request, err := http.NewRequestWithContext(ctx, "GET", b.url(cloudsync.PathPolicy), nil)
	if err != nil {
		return err
	}
	if c.records != nil {
		request.Header.Set("If-None-Match", `"`+c.head.Position().String()+`"`)
		request.Header.Set(cloudsync.HeaderExpires, jsonText(c.head.Expires))
	}
	if wait > 0 {
		request.Header.Set("Prefer", "wait="+jsonText(wait))
	}
	a, err := b.http.Do(request)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		return err
	}
	c.bytes = len(body)
	switch a.StatusCode {
	case http.StatusNotModified:
		c.kind = "nothing"
		return nil
	case http.StatusOK:
	default:
		c.kind = a.Status
		return nil
	}
	return c.apply(body, b)
}

func (c *cache) apply(body []byte, b *board) error {
	z, err := unzip(body)
	if err != nil {
		return err
	}
	r, err := ledger.NewReader(z)
	if err != nil {
		return err
	}
	var head ledger.Head
	if err := b.trust.Open(r.Head, ledger.ForHead, b.r.now(), &head); err != nil {
		return err
	}
	if r.Base == nil {
		c.kind, c.records = "snapshot", map[string]string{}
		var build ledger.Builder
		for {
			rec, err := r.Record()
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil {
				err = build.Add(rec)
			}
			if err != nil {
				return err
			}
			c.records[name(rec)] = string(rec.Value)
		}
		c.tree = *build.Finish()
		if c.tree.Root() != head.Root || c.tree.Count != head.Count {
			return errors.New("the snapshot is not what its head says")
		}
		c.head = head
		return nil
	}
	if *r.Base != c.head.Position() {
		return errors.New("a delta upon another base")
	}
	c.kind = "head"
	chain := c.head.Chain
	for {
		e, text, err := r.Entry()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		c.kind = "delta"
		chain = chain.Next(text)
		for _, change := range e.Changes {
			if len(change.Value) == 0 {
				delete(c.records, name(change))
			} else {
				c.records[name(change)] = string(change.Value)
			}
		}
	}
	if chain != head.Chain || head.Count != uint64(len(c.records)) {
		return errors.New("the delta is not what its head says")
	}
	c.head = head
	return nil
}

func jsonText(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// live returns what the service has, from its storage.
func (r *rig) live(place int64) map[string]string {
	r.t.Helper()
	all := map[string]string{}
	for rec, err := range r.fleet.live(place, func(logRow) {}) {
		if err != nil {
			r.t.Fatal(err)
		}
		all[name(rec)] = string(rec.Value)
	}
	return all
}

func mode(t *testing.T, dir, file string) os.FileMode {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func has(s, part string) bool { return strings.Contains(s, part) }

// direct asks a handler without a connection.
func direct(h http.Handler, method, path string, header http.Header, body []byte) int {
	request := httptest.NewRequest(method, path, bytes.NewReader(body))
	for k, v := range header {
		request.Header[k] = v
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request)
	return w.Code
}
