package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const childMode = "DOORCLOUD_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childMode) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// process is a doorcloud that runs.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	ready ready
	rest  *bufio.Reader
}

func doorcloud(t *testing.T, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), childMode+"=1")
	return cmd
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: doorcloud(t, args...)}
	var log bytes.Buffer
	p.cmd.Stderr = &log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	p.rest = bufio.NewReader(out)
	line, err := p.rest.ReadString('\n')
	if err != nil {
		t.Fatalf("it did not become ready: %v: %s", err, log.String())
	}
	if err := json.Unmarshal([]byte(line), &p.ready); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return p
}

// end ends it with a signal, and returns its exit code.
func (p *process) end(s syscall.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	if rest, _ := io.ReadAll(p.rest); len(rest) != 0 {
		p.t.Errorf("more than one line: %s", rest)
	}
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// runs runs one to its end and returns its exit code and what it said.
func runs(t *testing.T, args ...string) (int, string) {
	t.Helper()
	cmd := doorcloud(t, args...)
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

func (p *process) get(path string) int {
	p.t.Helper()
	c := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer c.CloseIdleConnections()
	a, err := c.Get(p.ready.URL + path)
	if err != nil {
		p.t.Fatal(err)
	}
	a.Body.Close()
	return a.StatusCode
}

// knownBy checks that the service is known by the authority in a file, to Go and to
// OpenSSL, for which a certificate whose issuer has its own name is self-signed.
func (p *process) knownBy(file string) {
	p.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		p.t.Fatalf("no certificate: %s", text)
	}
	c, err := tls.Dial("tcp", strings.TrimPrefix(p.ready.URL, "https://"), &tls.Config{RootCAs: pool})
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	if own := c.ConnectionState().PeerCertificates[0]; own.Subject.String() == own.Issuer.String() {
		p.t.Errorf("%s is its own issuer", own.Subject)
	}
}

func TestALifeOfTheService(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	p := start(t, "--dir", dir, "--listen", "127.0.0.1:0")
	if p.ready.Version != 1 || !p.ready.Ready || !strings.HasPrefix(p.ready.URL, "https://127.0.0.1:") || len(p.ready.Fingerprint) != 32 || p.ready.SetupCode == "" {
		t.Errorf("%+v", p.ready)
	}
	for path, want := range map[string]int{"/v1/identity": 200, "/v1/policy": 401, "/locks": 401, "/openapi.json": 200} {
		if status := p.get(path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	p.knownBy(filepath.Join(dir, "authority.pem"))
	copied := filepath.Join(t.TempDir(), "backup")
	if code, out := runs(t, "backup", copied, "--dir", dir); code != 0 {
		t.Errorf("a backup while it runs: %d %s", code, out)
	}
	if code, out := runs(t, "backup", copied, "--dir", dir); code != exitFailure {
		t.Errorf("a backup over another: %d %s", code, out)
	}
	if code, out := runs(t, "--dir", dir, "--listen", "127.0.0.1:0"); code != exitFailure || !strings.Contains(out, "another doorcloud") {
		t.Errorf("twice in one folder: %d %s", code, out)
	}
	if code, out := runs(t, "keys", "generation", "--dir", dir); code != exitFailure {
		t.Errorf("a generation while it runs: %d %s", code, out)
	}
	code, out := runs(t, "keys", "sign", "--years", "1", "--dir", dir)
	if code != 0 || strings.Count(out, "policy key") != 6 || !strings.Contains(out, p.ready.Fingerprint) || !strings.Contains(out, "root.key is here") || strings.Count(out, "in use") != 1 {
		t.Errorf("%d %s", code, out)
	}
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Errorf("ended with %d", code)
	}
	if code, out := runs(t, "restore", copied, "--dir", dir); code != exitFailure || !strings.Contains(out, "empty folder") {
		t.Errorf("a restore over a storage: %d %s", code, out)
	}
	if err := os.Rename(filepath.Join(dir, "place.db"), filepath.Join(dir, "old.db")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "root.key"), filepath.Join(dir, "safe")); err != nil {
		t.Fatal(err)
	}
	if code, out := runs(t, "restore", copied, "--dir", dir); code != 0 || !strings.Contains(out, "doorcloud keys generation --dir "+dir) {
		t.Errorf("a restore without the root key: %d %s", code, out)
	}
	if code, out := runs(t, "keys", "sign", "--dir", dir); code != exitFailure || !strings.Contains(out, "root.key is needed") {
		t.Errorf("signed without the root key: %d %s", code, out)
	}
	if err := os.Rename(filepath.Join(dir, "safe"), filepath.Join(dir, "root.key")); err != nil {
		t.Fatal(err)
	}
	if code, out := runs(t, "keys", "generation", "--dir", dir); code != 0 || !strings.Contains(out, "places begin a new generation") {
		t.Errorf("%d %s", code, out)
	}
	again := start(t, "--dir", dir, "--listen", "127.0.0.1:0", "--host", "localhost")
	if again.ready.Fingerprint != p.ready.Fingerprint || !strings.HasPrefix(again.ready.URL, "https://localhost:") {
		t.Errorf("%+v", again.ready)
	}
	if code := again.end(syscall.SIGKILL); code == 0 {
		t.Error("killed, and all is well")
	}
	last := start(t, "--dir", dir, "--listen", "127.0.0.1:0") // what a kill leaves behind is no matter
	if code := last.end(syscall.SIGINT); code != 0 {
		t.Errorf("ended with %d", code)
	}
}

func TestCommandLinesThatAreWrong(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct {
		args []string
		want int
	}{
		"a flag that there is not":      {[]string{"--nothing"}, exitUsage},
		"an argument too many":          {[]string{"hello"}, exitUsage},
		"a certificate without its key": {[]string{"--dir", dir, "--cert", "x"}, exitUsage},
		"a certificate that is not":     {[]string{"--dir", dir, "--cert", "x", "--key", "y"}, exitFailure},
		"an address that is none":       {[]string{"--dir", dir, "--listen", "nowhere"}, exitFailure},
		"backup without a file":         {[]string{"backup"}, exitUsage},
		"backup of nothing":             {[]string{"backup", filepath.Join(dir, "b"), "--dir", filepath.Join(dir, "none")}, exitFailure},
		"restore of nothing":            {[]string{"restore", filepath.Join(dir, "b"), "--dir", dir}, exitFailure},
		"too many years":                {[]string{"keys", "sign", "--years", "99", "--dir", dir}, exitFailure},
	} {
		if code, out := runs(t, test.args...); code != test.want {
			t.Errorf("%s: %d, want %d: %s", name, code, test.want, out)
		}
	}
}

func TestACertificateThatIsRenewedIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(name string, at time.Time) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
		if err != nil {
			t.Fatal(err)
		}
		private, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
			if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(cert, at, at); err != nil {
			t.Fatal(err)
		}
	}
	c := &certificate{cert: cert, key: key, log: slog.New(slog.DiscardHandler)}
	shows := func() string {
		c.looked = time.Time{}
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.DNSNames[0]
	}
	now := time.Now()
	write("old", now)
	if got := shows(); got != "old" {
		t.Error(got)
	}
	write("new", now.Add(time.Second))
	if got := shows(); got != "new" {
		t.Error(got)
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := shows(); got != "new" {
		t.Errorf("%s after the file was spoiled", got)
	}
}
