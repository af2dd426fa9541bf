package cloudsync

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"doord/policy/ledger"
)

func TestAControllerIsEnrolledOverARestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		for _, name := range []string{enrolmentFile, deviceFile} {
			info, err := os.Stat(filepath.Join(r.dir, name))
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(r.dir, "cloud*")); len(left) != 2 {
			t.Errorf("there are %q", left)
		}
		if err := r.client.Enroll(t.Context(), address, r.service.claim()); !errors.Is(err, ErrEnrolled) {
			t.Errorf("a second time: %v", err)
		}
		r.end()
		r.service.touch("meanwhile")
		r.start()
		r.pass(5 * time.Second)
		r.at(2)
		rep := r.client.Report()
		if !rep.Enrolled || !rep.Online || rep.Place != thePlace || rep.Controller != theController || rep.URL != address || len(rep.Errors) != 0 {
			t.Errorf("%+v", rep)
		}
		if r.service.wholes != 1 {
			t.Errorf("%d snapshots went out", r.service.wholes)
		}
	})
}

func TestWhoLeavesIsForgottenAndMayComeAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.service.touch("two")
		r.pass(time.Second)
		r.at(2)
		if err := r.client.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.client.Leave(t.Context()); !errors.Is(err, ErrNotEnrolled) {
			t.Errorf("a second time: %v", err)
		}
		r.pass(time.Minute)
		if left, _ := filepath.Glob(filepath.Join(r.dir, "cloud*")); len(left) != 0 || r.client.Enrolled() || len(r.service.streams) != 0 {
			t.Errorf("there are %q, and %d streams", left, len(r.service.streams))
		}
		r.at(2) // the policy stays
		// Another service, whose place has the same number and an older policy.
		r.service.mu.Lock()
		r.service.entries, r.service.chains = r.service.entries[:1], r.service.chains[:2]
		r.service.mu.Unlock()
		if err := r.client.Enroll(t.Context(), address, r.service.claim()); err != nil {
			t.Fatal(err)
		}
		r.pass(5 * time.Second)
		r.at(1)
		r.faulty()
	})
}

func TestTheSecretLeavesForTheServiceOfTheCodeOnly(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*scripted)
		seen  int
		want  error
	}{
		{"the service of the code", func(*scripted) {}, 1, nil},
		{"another root", func(s *scripted) { s.root = newKey(s) }, 0, ErrImpostor},
		{"an identity that the root did not sign", func(s *scripted) {
			s.identity = func(i *Identity) {
				i.Signed = ledger.Sign(ledger.ForIdentity, IdentityBody{CA: s.ca.Raw}, newKey(s))
			}
		}, 0, ErrImpostor},
		{"an identity that was signed as something else", func(s *scripted) {
			s.identity = func(i *Identity) { i.Signed = ledger.Sign(ledger.ForGrant, IdentityBody{CA: s.ca.Raw}, s.root) }
		}, 0, ErrImpostor},
		{"another certificate authority than answers", func(s *scripted) {
			key := newKey(s)
			template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
			der, err := x509.CreateCertificate(rand.Reader, template, template, public(key), key)
			if err != nil {
				s.Fatal(err)
			}
			s.identity = func(i *Identity) { i.Signed = ledger.Sign(ledger.ForIdentity, IdentityBody{CA: der}, s.root) }
		}, 0, errAny},
		{"a code that was used", func(s *scripted) { s.secret[0]++ }, 1, errAny},
		{"a certificate for another key", func(s *scripted) {
			s.enrolled = func(e *Enrollment) {
				other := s.certify(&x509.Certificate{NotAfter: time.Now().Add(time.Hour)}, public(newKey(s)))
				e.Certificate = pemOf(other)
			}
		}, 1, errAny},
		{"grants of another root", func(s *scripted) {
			s.enrolled = func(e *Enrollment) {
				e.Grants = []ledger.Signed{ledger.Sign(ledger.ForGrant, ledger.Grant{Key: public(s.key), NotAfter: 1 << 40}, newKey(s))}
			}
		}, 1, errAny},
		{"no key for the digests", func(s *scripted) { s.enrolled = func(e *Enrollment) { e.PlaceKey = nil } }, 1, errAny},
		{"no place", func(s *scripted) { s.enrolled = func(e *Enrollment) { e.PlaceID = 0 } }, 1, errAny},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newStranger(t)
				code := r.service.claim()
				tt.spoil(r.service)
				err := r.client.Enroll(t.Context(), address, code)
				if any := errors.Is(tt.want, errAny); any && err == nil || !any && !errors.Is(err, tt.want) {
					t.Errorf("%v, want %v", err, tt.want)
				}
				if r.service.secretSeen != tt.seen {
					t.Errorf("the secret left %d times", r.service.secretSeen)
				}
				files, _ := filepath.Glob(filepath.Join(r.dir, "cloud*"))
				if (len(files) == 2) != (tt.want == nil) || r.client.Enrolled() != (tt.want == nil) {
					t.Errorf("%v, and there are %q", err, files)
				}
			})
		})
	}
}

var errAny = errors.New("any")

func TestAnAddressIsThatOfAService(t *testing.T) {
	for text, want := range map[string]string{
		"https://doors.example": "https://doors.example", "https://doors.example/": "https://doors.example", "https://127.0.0.1:8443": "https://127.0.0.1:8443",
		"http://doors.example": "", "doors.example": "", "https://": "", "https://a@b": "", "https://doors.example/path": "", "https://doors.example?x": "", "": "", "https://:1": "",
	} {
		if got, err := serviceURL(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

// A clock that is not set does not cut the controller off: certificates count
// whatever their dates, and everything else about them does.
func TestCertificatesWithoutAClock(t *testing.T) {
	caKey, key := newKey(t), newKey(t)
	make := func(template, parent *x509.Certificate, public ed25519.PublicKey) *x509.Certificate {
		template.SerialNumber = big.NewInt(1)
		if parent == nil {
			parent = template
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, caKey)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	life := func(c x509.Certificate, from, to time.Duration) *x509.Certificate {
		c.NotBefore, c.NotAfter = time.Now().Add(from), time.Now().Add(to)
		return &c
	}
	ca := make(life(x509.Certificate{IsCA: true, BasicConstraintsValid: true}, -20*time.Hour, time.Hour), nil, public(caKey))
	names := x509.Certificate{DNSNames: []string{host}}
	good := make(life(names, -time.Hour, time.Hour), ca, public(key))
	other := *good
	other.Raw, other.Signature = good.Raw, append([]byte{good.Signature[0] ^ 1}, good.Signature[1:]...)
	ended := make(life(names, -3*time.Hour, -time.Hour), ca, public(key))
	for _, tt := range []struct {
		name  string
		cert  *x509.Certificate
		host  string
		clock bool
		ok    bool
	}{
		{"a good one", good, host, true, true},
		{"a good one, without a clock", good, host, false, true},
		{"one that has ended", ended, host, true, false},
		{"one that has ended, without a clock", ended, host, false, true},
		{"another name, without a clock", good, "other.example", false, false},
		{"another authority, without a clock", &other, host, false, false},
	} {
		roots := x509.NewCertPool()
		roots.AddCert(ca)
		if err := verify([]*x509.Certificate{tt.cert}, tt.host, roots, tt.clock); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := verify(nil, host, x509.NewCertPool(), true); err == nil {
		t.Error("no certificate is one")
	}
	if c := trusted(host, ca, func() bool { return true }); c.MinVersion != tls.VersionTLS13 || c.VerifyConnection == nil {
		t.Errorf("%+v", c)
	}
}

func TestAControllerThatWasRevokedSaysSo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		s := r.service
		s.mu.Lock()
		for _, path := range []string{PathPolicy, PathEvents, PathStream, PathStatus} {
			s.refuse[path] = &refusal{status: http.StatusForbidden, code: CodeUnknown, text: "revoked"}
		}
		s.mu.Unlock()
		s.cut(false)
		r.pass(10 * time.Minute)
		r.faulty("the place service does not know this controller any more")
		if n := s.count(PathStream); n > 25 {
			t.Errorf("it asked for the stream %d times", n)
		}
		r.at(1)
	})
}

func TestAnEnrolmentThatCannotBeReadIsAnErrorAndNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.end()
		for _, name := range []string{enrolmentFile, deviceFile} {
			path := filepath.Join(r.dir, name)
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, bad := range [][]byte{nil, good[:len(good)/2], append([]byte("x"), good...)} {
				if err := os.WriteFile(path, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				if c, err := New(r.client.Options); err == nil && name == enrolmentFile || c == nil || err != nil && c.Enrolled() {
					t.Errorf("%s of %d bytes: %v", name, len(bad), err)
				}
			}
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r.start()
		r.pass(5 * time.Second)
		if !r.client.Report().Online {
			t.Error("it is not online again")
		}
	})
}
