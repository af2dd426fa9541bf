package fleet

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doord/policy"
	"doord/policy/ledger"
	"doord/store/cloudsync"
)

func TestTheServiceShowsWhoItIs(t *testing.T) {
	r := newRig(t)
	blind := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer blind.CloseIdleConnections()
	var who cloudsync.Identity
	if status := ask(t, blind, "GET", r.url+cloudsync.PathIdentity, nil, nil, &who); status != http.StatusOK {
		t.Fatal(status)
	}
	if claim := r.claim(1, 7); ledger.FingerprintOf(who.RootKey) != claim.Root {
		t.Error("the claim code names another root")
	}
	var body cloudsync.IdentityBody
	if err := who.Signed.Open(ledger.ForIdentity, who.RootKey, &body); err != nil {
		t.Fatal(err)
	}
	ca, err := x509.ParseCertificate(body.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	sure := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer sure.CloseIdleConnections()
	if status := ask(t, sure, "GET", r.url+cloudsync.PathIdentity, nil, nil, nil); status != http.StatusOK {
		t.Error(status)
	}
}

func TestEnrolmentIsRefused(t *testing.T) {
	r := newRig(t)
	if err := r.fleet.AddPlace(2); err != nil {
		t.Fatal(err)
	}
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	request := csr(t, key)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	der, _ := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, p384)
	other := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	forged := []byte(request)
	forged[len(forged)/2] ^= 1
	claimed := func(f func(*cloudsync.EnrollRequest)) func() any {
		return func() any {
			c := r.claim(1, 7)
			ask := cloudsync.EnrollRequest{Secret: hex.EncodeToString(c.Secret[:]), DeviceID: device, CSR: request}
			f(&ask)
			return ask
		}
	}
	for _, test := range []struct {
		name string
		body func() any
		want int
	}{
		{"another secret", claimed(func(e *cloudsync.EnrollRequest) { e.Secret = strings.Repeat("0", 32) }), 403},
		{"half a secret", claimed(func(e *cloudsync.EnrollRequest) { e.Secret = e.Secret[:16] }), 403},
		{"another device", claimed(func(e *cloudsync.EnrollRequest) { e.DeviceID = "fedcba9876543210" }), 403},
		{"no certificate request", claimed(func(e *cloudsync.EnrollRequest) { e.CSR = "" }), 422},
		{"a request that its key did not sign", claimed(func(e *cloudsync.EnrollRequest) { e.CSR = string(forged) }), 422},
		{"a key of another kind", claimed(func(e *cloudsync.EnrollRequest) { e.CSR = other }), 422},
		{"a claim from before another of the controller", func() any {
			old := claimed(func(*cloudsync.EnrollRequest) {})()
			r.claim(1, 7)
			return old
		}, 403},
		{"a claim that has expired", func() any {
			old := claimed(func(*cloudsync.EnrollRequest) {})()
			r.advance(claimLife)
			return old
		}, 403},
		{"no JSON", func() any { return []byte("{") }, 400},
		{"much too much", func() any { return make([]byte, maxBody+1) }, 413},
		{"after all that, a good one", claimed(func(*cloudsync.EnrollRequest) {}), 200},
	} {
		body := test.body()
		r.advance(time.Minute / 2) // beyond the limit of attempts
		if status := ask(t, r.client(nil), "POST", r.url+cloudsync.PathEnroll, nil, body, nil); status != test.want {
			t.Errorf("%s: %d, want %d", test.name, status, test.want)
		}
	}
}

func TestAClaimIsGoodOnce(t *testing.T) {
	r := newRig(t)
	claim := r.claim(1, 7)
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	body := cloudsync.EnrollRequest{Secret: hex.EncodeToString(claim.Secret[:]), DeviceID: strings.ToUpper(device), CSR: csr(t, key)}
	var good atomic.Int32
	var all sync.WaitGroup
	c := r.client(nil)
	for range 8 {
		all.Go(func() {
			if status, _ := raw(t, c, "POST", r.url+cloudsync.PathEnroll, nil, body); status == 200 {
				good.Add(1)
			}
		})
	}
	all.Wait()
	if good.Load() != 1 {
		t.Errorf("good %d times", good.Load())
	}
	for row, err := range r.storage.Scan(tableClaims, nil) {
		t.Error("a claim is left", row, err)
	}
	n := 0
	for e, err := range r.fleet.Events(r.t.Context(), 1, Query{Types: []policy.EventType{eventEnrolled}, ObjectType: "controller", ObjectID: 7}) {
		if n++; err != nil || e.Controller != 0 || !has(string(e.Text), `"uuid":"01`) {
			t.Error(string(e.Text), err)
		}
	}
	if n != 1 {
		t.Errorf("%d events of it", n)
	}
}

func TestASecretIsNotKept(t *testing.T) {
	r := newRig(t)
	claim := r.claim(1, 7)
	for row, err := range r.storage.Scan(tableClaims, nil) {
		if err != nil || has(string(row.Key)+string(row.Value), string(claim.Secret[:])) || has(string(row.Value), hex.EncodeToString(claim.Secret[:])) {
			t.Error("the secret is in the storage", err)
		}
	}
}

func TestAttemptsAreLimitedByAddress(t *testing.T) {
	r := newRig(t)
	c := r.client(nil)
	for i := range limitBurst + 2 {
		want := http.StatusForbidden
		if i >= limitBurst {
			want = http.StatusTooManyRequests
		}
		if status := ask(t, c, "POST", r.url+cloudsync.PathEnroll, nil, cloudsync.EnrollRequest{}, nil); status != want {
			t.Errorf("attempt %d: %d", i, status)
		}
	}
	var l limiter
	now := time.Now()
	for i := range limitSeen + 5 {
		l.take(string(rune(i)), now)
	}
	if len(l.seen) > limitSeen+1 {
		t.Errorf("%d addresses are remembered", len(l.seen))
	}
	l.forget(now.Add(time.Hour))
	if len(l.seen) != 0 {
		t.Errorf("%d addresses are never forgotten", len(l.seen))
	}
}

func TestWithoutItsCertificateNobodyIsAController(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	stranger := newRig(t).enroll(1, 7) // of another service
	paths := []struct{ method, path string }{
		{"POST", cloudsync.PathRenew}, {"GET", cloudsync.PathPolicy}, {"POST", cloudsync.PathEvents},
		{"GET", cloudsync.PathStream}, {"POST", "/v1/commands/1/result"}, {"GET", "/v1/zones/1"},
		{"PUT", "/v1/zones/1"}, {"POST", cloudsync.PathStatus},
	}
	for _, p := range paths {
		if status := ask(t, r.client(nil), p.method, r.url+p.path, nil, nil, nil); status != http.StatusUnauthorized {
			t.Errorf("%s %s without a certificate: %d", p.method, p.path, status)
		}
		request, _ := http.NewRequest(p.method, r.url+p.path, nil)
		stranger.r = r
		stranger.use(stranger.given.Certificate)
		if a, err := stranger.http.Do(request); err == nil {
			a.Body.Close()
			t.Errorf("%s %s with the certificate of another service: %d", p.method, p.path, a.StatusCode)
		}
	}
	old := *b
	r.enroll(1, 7) // another board took its place
	for _, p := range paths {
		var e cloudsync.Error
		if status := old.ask(p.method, p.path, nil, nil, &e); status != http.StatusForbidden || e.Code != cloudsync.CodeUnknown {
			t.Errorf("%s %s with a certificate of an older enrolment: %d %v", p.method, p.path, status, e)
		}
	}
	if status := ask(t, r.client(nil), "GET", r.url+"/v1/nothing", nil, nil, nil); status != http.StatusNotFound {
		t.Error(status)
	}
	if err := r.fleet.Revoke(99); err == nil {
		t.Error("revoked a controller that there is not")
	}
}

func TestARevocationLasts(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	if err := r.fleet.Revoke(7); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if status := b.ask("GET", cloudsync.PathPolicy, nil, nil, nil); status != http.StatusForbidden {
			t.Error(status)
		}
		r.stop()
		r.start()
		b.use(b.given.Certificate)
	}
}

// A code that was given out and not used yet is as good as an enrolment.
func TestARevocationEndsClaims(t *testing.T) {
	for name, before := range map[string]func(*rig){
		"of a controller that is enrolled":     func(r *rig) { r.enroll(1, 7) },
		"of a controller that never was":       func(*rig) {},
		"of a controller that was revoked too": func(r *rig) { r.enroll(1, 7); _ = r.fleet.Revoke(7) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			before(r)
			_, key, _ := ed25519.GenerateKey(rand.Reader)
			enroll := func(c cloudsync.Claim) int {
				body := cloudsync.EnrollRequest{Secret: hex.EncodeToString(c.Secret[:]), DeviceID: device, CSR: csr(t, key)}
				return ask(t, r.client(nil), "POST", r.url+cloudsync.PathEnroll, nil, body, nil)
			}
			claim, others := r.claim(1, 7), r.claim(1, 8)
			if err := r.fleet.Revoke(7); err != nil && !errors.Is(err, ErrNoController) {
				t.Fatal(err)
			}
			if status := enroll(claim); status != http.StatusForbidden {
				t.Errorf("with a code from before: %d", status)
			}
			if status := enroll(others); status != http.StatusOK {
				t.Errorf("another controller: %d", status)
			}
		})
	}
}

func TestACertificateIsRenewed(t *testing.T) {
	r := newRig(t)
	b := r.enroll(1, 7)
	old := *b
	_, b.key, _ = ed25519.GenerateKey(rand.Reader)
	var renewal cloudsync.Renewal
	if status := b.ask("POST", cloudsync.PathRenew, nil, cloudsync.RenewRequest{CSR: csr(t, b.key)}, &renewal); status != http.StatusOK {
		t.Fatal(status)
	}
	b.use(renewal.Certificate)
	for name, b := range map[string]*board{"the new": b, "the old": &old} {
		if status := b.ask("GET", cloudsync.PathPolicy, nil, nil, nil); status != http.StatusOK {
			t.Errorf("%s certificate: %d", name, status)
		}
	}
	r.advance(controllerLife + time.Hour)
	b.use(renewal.Certificate)
	request, _ := http.NewRequest("GET", b.url(cloudsync.PathPolicy), nil)
	if a, err := b.http.Do(request); err == nil {
		a.Body.Close()
		t.Errorf("a certificate that has ended: %d", a.StatusCode)
	}
}

func TestTheServersCertificateIsRenewedByItself(t *testing.T) {
	r := newRig(t)
	get := func() *tls.Certificate {
		c, err := r.fleet.TLS().GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := get()
	r.advance(serverLife - serverRenew - 2*time.Hour)
	if get() != first {
		t.Error("another one long before the end")
	}
	r.advance(3 * time.Hour)
	if get() == first {
		t.Error("the same one near its end")
	}
}

func FuzzEnroll(f *testing.F) {
	r := newRig(f)
	good, _ := json.Marshal(cloudsync.EnrollRequest{Secret: strings.Repeat("ab", 16), DeviceID: device, CSR: "-----BEGIN"})
	f.Add(good)
	f.Add([]byte(`{}`))
	h := r.fleet.Handler()
	f.Fuzz(func(t *testing.T, body []byte) {
		r.fleet.limiter.forget(r.now().Add(time.Hour))
		if status := direct(h, "POST", cloudsync.PathEnroll, nil, body); status == http.StatusOK || status >= 500 {
			t.Errorf("%d for %q", status, body)
		}
		if _, err := requestedKey(string(body)); err == nil && !has(string(body), "CERTIFICATE REQUEST") {
			t.Errorf("a key was found in %q", body)
		}
	})
}
