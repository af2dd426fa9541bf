package cloudsync

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"doord/policy/ledger"
	"doord/policy/zone"
	"doord/store"
)

// The numbers of the test's place and controller.
const (
	thePlace      = 7
	theController = 3
	host          = "doors.example"
	address       = "https://" + host
)

// service is a scripted place service: it answers as wire.go says, unless a test
// has it do otherwise.
type scripted struct {
	testing.TB
	server   *http.Server
	listener *pipes

	root, key ed25519.PrivateKey // the key's grant is of the root
	ca        *x509.Certificate
	caKey     ed25519.PrivateKey
	placeKey  []byte
	certLife  time.Duration
	headLife  time.Duration

	mu         sync.Mutex
	down       bool
	secret     [16]byte
	secretSeen int // requests that brought it
	grants     []ledger.Signed
	step       *ledger.Signed
	generation uint64
	live       map[string]ledger.Record
	entries    [][]byte
	chains     []ledger.Hash // after each version, 0 first
	changed    chan struct{}
	spoil      func(p *ledger.Preamble, records []ledger.Record) []ledger.Record // what goes out instead
	asked      map[string]int                                                    // requests by path
	wholes     int                                                               // snapshots that went out
	events     map[string]map[uint64]string                                      // by epoch
	doubles    int                                                               // events put twice
	acked      map[string]uint64
	streams    []*served
	opened     int // streams
	results    []Result
	statuses   []Status
	zones      map[int64]ZoneState
	refuse     map[string]*refusal // by path
	begin      func(*served)       // of streams
	identity   func(*Identity)
	enrolled   func(*Enrollment)
}

// served is a stream that is open.
type served struct {
	nonce  []byte
	opened time.Time
	next   uint64
	send   chan []byte
	ended  chan struct{}
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func (s *scripted) certify(template *x509.Certificate, key ed25519.PublicKey) []byte {
	s.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-time.Minute)
	parent := s.ca
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, s.caKey)
	if err != nil {
		s.Fatal(err)
	}
	return der
}

// newScripted makes a service with a policy of one version, and serves it.
func newScripted(t testing.TB, records []ledger.Record) *scripted {
	t.Helper()
	s := &scripted{
		TB: t, root: newKey(t), key: newKey(t), caKey: newKey(t), placeKey: bytes.Repeat([]byte{9}, 32),
		certLife: 90 * 24 * time.Hour, headLife: 7 * 24 * time.Hour, generation: 1,
		live: map[string]ledger.Record{}, chains: []ledger.Hash{{}}, changed: make(chan struct{}),
		asked: map[string]int{}, events: map[string]map[uint64]string{}, acked: map[string]uint64{}, zones: map[int64]ZoneState{}, refuse: map[string]*refusal{},
		listener: newPipes(),
	}
	ca := s.certify(&x509.Certificate{Subject: pkix.Name{CommonName: "CA"}, NotAfter: time.Now().Add(20 * 365 * 24 * time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, public(s.caKey))
	s.ca, _ = x509.ParseCertificate(ca)
	serverKey := newKey(t)
	der := s.certify(&x509.Certificate{DNSNames: []string{host}, NotAfter: time.Now().Add(10 * 365 * 24 * time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, public(serverKey))
	s.grant(s.key, 5*365*24*time.Hour)
	s.commit(records...)
	clients := x509.NewCertPool()
	clients.AddCert(s.ca)
	s.server = &http.Server{Handler: s.handler(), ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: serverKey}},
			ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: clients}}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.server.ServeTLS(s.listener, "", "")
	}()
	t.Cleanup(func() {
		_ = s.server.Close()
		<-served
	})
	return s
}

func (s *scripted) grant(key ed25519.PrivateKey, life time.Duration) {
	g := ledger.Grant{Key: public(key), NotBefore: time.Now().Add(-time.Hour).Unix(), NotAfter: time.Now().Add(life).Unix()}
	s.grants = append(s.grants, ledger.Sign(ledger.ForGrant, g, s.root))
}

// commit makes an entry of changes and tells who waits.
func (s *scripted) commit(changes ...ledger.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(changes, ledger.Compare)
	for _, r := range changes {
		id := string(append([]byte{byte(r.Table)}, r.Key...))
		if len(r.Value) == 0 {
			delete(s.live, id)
		} else {
			s.live[id] = r
		}
	}
	e := ledger.Entry{Version: uint64(len(s.chains)), Changes: changes}.Encode()
	s.entries = append(s.entries, e)
	s.chains = append(s.chains, s.chains[len(s.chains)-1].Next(e))
	close(s.changed)
	s.changed = make(chan struct{})
}

// touch makes an entry that changes one record a little.
func (s *scripted) touch(name string) {
	r, err := ledger.Small("groups", 90, map[string]any{"id": 90, "name": name})
	if err != nil {
		s.Fatal(err)
	}
	s.commit(r)
}

// now is the head as it is, unsigned, and all records in order.
func (s *scripted) now() (ledger.Head, []ledger.Record) {
	all := slices.SortedFunc(maps.Values(s.live), ledger.Compare)
	var b ledger.Builder
	for _, r := range all {
		if err := b.Add(r); err != nil {
			s.Error(err)
		}
	}
	tree := b.Finish()
	return ledger.Head{Place: thePlace, Generation: s.generation, Version: uint64(len(s.chains) - 1), Chain: s.chains[len(s.chains)-1],
		Root: tree.Root(), Count: tree.Count, Issued: time.Now().Unix(), Expires: time.Now().Add(s.headLife).Unix()}, all
}

func (s *scripted) claim() string {
	_, _ = rand.Read(s.secret[:])
	return Claim{Secret: s.secret, Root: ledger.FingerprintOf(public(s.root))}.String()
}

// cut ends all connections and takes no new ones.
func (s *scripted) cut(down bool) {
	s.mu.Lock()
	s.down = down
	s.mu.Unlock()
	s.listener.cut(down)
}

func (s *scripted) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

func (s *scripted) handler() http.Handler {
	mux := http.NewServeMux()
	serve := func(pattern string, enrolled bool, f func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			s.asked[r.URL.Path]++
			no := s.refuse[r.URL.Path]
			s.mu.Unlock()
			if r.ProtoMajor != 2 {
				s.Errorf("%s comes over %s", r.URL, r.Proto)
			}
			if enrolled && (len(r.TLS.PeerCertificates) == 0 || r.TLS.PeerCertificates[0].Subject.CommonName != strconv.Itoa(theController)) {
				no = &refusal{status: http.StatusForbidden, text: "who are you?"}
			}
			err := error(no)
			if no == nil {
				err = f(w, r)
			}
			if errors.As(err, &no) {
				w.WriteHeader(no.status)
				_ = json.NewEncoder(w).Encode(Error{no.text, no.code})
			} else if err != nil {
				panic(http.ErrAbortHandler)
			}
		})
	}
	serve("GET "+PathIdentity, false, func(w http.ResponseWriter, _ *http.Request) error {
		i := Identity{RootKey: public(s.root), Signed: ledger.Sign(ledger.ForIdentity, IdentityBody{CA: s.ca.Raw}, s.root)}
		if s.identity != nil {
			s.identity(&i)
		}
		return json.NewEncoder(w).Encode(i)
	})
	serve("POST "+PathEnroll, false, s.enroll)
	serve("POST "+PathRenew, true, func(w http.ResponseWriter, r *http.Request) error {
		var q RenewRequest
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(Renewal{s.sign(q.CSR)})
	})
	serve("GET "+PathPolicy, true, s.policy)
	serve("POST "+PathEvents, true, s.take)
	serve("GET "+PathStream, true, s.stream)
	serve("POST /v1/commands/{id}/result", true, func(_ http.ResponseWriter, r *http.Request) error {
		var v Result
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.results = append(s.results, v)
		return nil
	})
	serve("GET /v1/zones/{id}", true, func(w http.ResponseWriter, r *http.Request) error { return s.zone(w, r) })
	serve("PUT /v1/zones/{id}", true, func(w http.ResponseWriter, r *http.Request) error { return s.zone(w, r) })
	serve("POST "+PathStatus, true, func(_ http.ResponseWriter, r *http.Request) error {
		var v Status
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.statuses = append(s.statuses, v)
		return nil
	})
	return mux
}

func (s *scripted) sign(csr string) string {
	block, _ := pem.Decode([]byte(csr))
	q, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || q.CheckSignature() != nil {
		s.Errorf("a bad request: %v", err)
		return ""
	}
	der := s.certify(&x509.Certificate{Subject: pkix.Name{CommonName: strconv.Itoa(theController)}, NotAfter: time.Now().Add(s.certLife),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, q.PublicKey.(ed25519.PublicKey))
	return pemOf(der)
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func (s *scripted) enroll(w http.ResponseWriter, r *http.Request) error {
	var q EnrollRequest
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secretSeen++
	if q.Secret != hex.EncodeToString(s.secret[:]) || q.DeviceID == "" {
		return &refusal{status: http.StatusForbidden, text: "no such claim", code: CodeClaim}
	}
	e := Enrollment{PlaceID: thePlace, ControllerID: theController, Certificate: s.sign(q.CSR), PlaceKey: s.placeKey, Grants: s.grants}
	if s.enrolled != nil {
		s.enrolled(&e)
	}
	return json.NewEncoder(w).Encode(e)
}

func (s *scripted) policy(w http.ResponseWriter, r *http.Request) error {
	var base ledger.Position
	has := r.Header.Get("If-None-Match") != ""
	if has {
		tag, err := strconv.Unquote(r.Header.Get("If-None-Match"))
		if err == nil {
			base, err = ledger.ParsePosition(tag)
		}
		if err != nil {
			s.Errorf("If-None-Match: %v", err)
		}
	}
	wait, _ := strconv.Atoi(strings.TrimPrefix(r.Header.Get("Prefer"), "wait="))
	timer := time.NewTimer(time.Duration(wait) * time.Second)
	defer timer.Stop()
	expires, _ := strconv.ParseInt(r.Header.Get(HeaderExpires), 10, 64)
	for {
		s.mu.Lock()
		head, all := s.now()
		changed, spoilt := s.changed, s.spoil != nil
		s.mu.Unlock()
		switch {
		case has && base == head.Position() && head.Expires > expires+int64(24*time.Hour/time.Second):
			return s.write(w, head, &base, nil, nil)
		case has && base == head.Position() && !spoilt:
			select {
			case <-changed:
				continue
			case <-timer.C:
				w.WriteHeader(http.StatusNotModified)
				return nil
			case <-r.Context().Done():
				return r.Context().Err()
			}
		case has && base.Generation == head.Generation && base.Version <= head.Version && base.Chain == s.chains[base.Version]:
			return s.write(w, head, &base, nil, s.entries[base.Version:])
		}
		s.mu.Lock()
		s.wholes++
		s.mu.Unlock()
		return s.write(w, head, nil, all, nil)
	}
}

func (s *scripted) write(w http.ResponseWriter, head ledger.Head, base *ledger.Position, records []ledger.Record, entries [][]byte) error {
	s.mu.Lock()
	p := ledger.Preamble{Head: ledger.Sign(ledger.ForHead, head, s.key), Grants: s.grants, Step: s.step, Base: base}
	if s.spoil != nil {
		records = s.spoil(&p, records)
	}
	s.mu.Unlock()
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	out, err := ledger.NewWriter(z, p)
	for _, r := range records {
		err = errors.Join(err, out.Record(r))
	}
	for _, e := range entries {
		err = errors.Join(err, out.Entry(e))
	}
	return errors.Join(err, z.Close())
}

func (s *scripted) take(w http.ResponseWriter, r *http.Request) error {
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	epoch, first := "", true
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	n := 0
	for lines.Scan() {
		var e store.Record
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return err
		}
		if first {
			epoch, first = e.Epoch, false
			if s.events[epoch] == nil {
				s.events[epoch] = map[uint64]string{}
			}
			since := e.Sequence - 1
			if h := r.Header.Get(HeaderSince); h != "" {
				since, _ = strconv.ParseUint(h, 10, 64)
			}
			if since > s.acked[epoch] {
				break // asks for those before
			}
		}
		if n++; n > MaxEvents {
			s.Errorf("more than %d events", MaxEvents)
		}
		if old, ok := s.events[epoch][e.Sequence]; ok && old != lines.Text() {
			s.doubles++
		}
		s.events[epoch][e.Sequence] = lines.Text()
		s.acked[epoch] = max(s.acked[epoch], e.Sequence)
	}
	ack := Ack{AckedThrough: s.acked[epoch]}
	var e store.Record
	if json.Unmarshal([]byte(s.events[epoch][ack.AckedThrough]), &e) == nil {
		receipt := ledger.Sign(ledger.ForReceipt, ReceiptBody{Controller: theController, Epoch: epoch, Sequence: e.Sequence, Hash: ledger.Hash(e.Hash)}, s.key)
		ack.Receipt = &receipt
	}
	return json.NewEncoder(w).Encode(ack)
}

func (s *scripted) stream(w http.ResponseWriter, r *http.Request) error {
	nonce, err := hex.DecodeString(r.Header.Get(HeaderNonce))
	if err != nil || len(nonce) != nonceSize {
		s.Errorf("the nonce is %q", r.Header.Get(HeaderNonce))
	}
	v := &served{nonce: nonce, opened: time.Now(), send: make(chan []byte, 64), ended: make(chan struct{})}
	s.mu.Lock()
	s.streams = append(s.streams, v)
	s.opened++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.streams = slices.DeleteFunc(s.streams, func(o *served) bool { return o == v })
	}()
	v.event(StreamHello, Hello{Time: time.Now()})
	s.mu.Lock()
	begin := s.begin
	s.mu.Unlock()
	if begin != nil {
		begin(v)
	}
	ping := time.NewTicker(PingEvery)
	defer ping.Stop()
	for {
		var b []byte
		select {
		case b = <-v.send:
		case <-ping.C:
			b = []byte(": ping\n\n")
		case <-v.ended:
			return nil
		case <-r.Context().Done():
			return nil
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
	}
}

func (v *served) event(name string, data any) {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	v.send <- fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, b)
}

// open returns the one stream that is open.
func (s *scripted) open() *served {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.streams) != 1 {
		s.Fatalf("%d streams are open", len(s.streams))
	}
	return s.streams[0]
}

// order is a good command for a stream, which is not sent yet.
func (s *scripted) order(v *served, a Action) Command {
	v.next++
	return Command{ID: int64(1000 + v.next), Controller: theController, Nonce: v.nonce, Sequence: v.next, Action: a, Lock: 1, Elapsed: time.Since(v.opened).Milliseconds()}
}

func (s *scripted) send(v *served, c Command, key ed25519.PrivateKey) {
	v.event(StreamCommand, ledger.Sign(ledger.ForCommand, c, key))
}

func (s *scripted) zone(w http.ResponseWriter, r *http.Request) error {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	z := s.zones[id]
	z.Zone = id
	if r.Method == http.MethodPut {
		if r.Header.Get("If-Match") != strconv.Quote(strconv.FormatUint(z.Version, 10)) {
			return &refusal{status: http.StatusPreconditionFailed, code: CodeChanged}
		}
		var put zone.Shared
		if err := json.NewDecoder(r.Body).Decode(&put); err != nil {
			return err
		}
		order := max(z.Shared.Override.Order, put.Override.Order)
		z.Shared, z.Version = put, z.Version+1
		if z.Shared.Override.Level != "" && z.Shared.Override.Order == 0 {
			z.Shared.Override.Order = order + 1
		}
		s.zones[id] = z
	}
	return json.NewEncoder(w).Encode(z)
}

// setZone changes a zone as another controller would.
func (s *scripted) setZone(id int64, shared zone.Shared) ZoneState {
	s.mu.Lock()
	defer s.mu.Unlock()
	z := s.zones[id]
	z.Zone, z.Version, z.Shared = id, z.Version+1, shared
	s.zones[id] = z
	return z
}

// pipes are connections in memory, which a synctest bubble can hold.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once

	mu    sync.Mutex
	down  bool
	dials int
	conns []net.Conn
}

func newPipes() *pipes { return &pipes{accept: make(chan net.Conn), closed: make(chan struct{})} }

var errNoNetwork = errors.New("the network is down")

func (p *pipes) dial(ctx context.Context, _, address string) (net.Conn, error) {
	p.mu.Lock()
	p.dials++
	down := p.down
	p.mu.Unlock()
	if down || address != host+":443" {
		return nil, fmt.Errorf("dial %s: %w", address, errNoNetwork)
	}
	client, other := net.Pipe()
	server := &freezing{Conn: other, frozen: make(chan struct{})}
	select {
	case p.accept <- server:
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, client, server)
	return client, nil
}

func (p *pipes) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials
}

func (p *pipes) cut(down bool) {
	p.mu.Lock()
	p.down = down
	conns := p.conns
	p.conns = nil
	p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

// freeze has all connections say and hear nothing any more, though they stand.
func (p *pipes) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		if f, ok := c.(*freezing); ok {
			close(f.frozen)
		}
	}
	p.conns = nil
}

// freezing is a connection on which nothing arrives once it is frozen: what is
// written to it is lost.
type freezing struct {
	net.Conn
	frozen chan struct{}
}

func (f *freezing) Read(b []byte) (int, error) {
	for {
		n, err := f.Conn.Read(b)
		select {
		case <-f.frozen:
			if err != nil {
				return 0, err
			}
		default:
			return n, err
		}
	}
}

func (f *freezing) Write(b []byte) (int, error) {
	select {
	case <-f.frozen:
		return len(b), nil
	default:
		return f.Conn.Write(b)
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }
