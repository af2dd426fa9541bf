//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/emersion/go-smtp"
)

// letters is a mail server on this machine, which shows over HTTP what it got.
type letters struct {
	mu  sync.Mutex
	got []letter
}

type letter struct {
	To   string `json:"to"`
	Text string `json:"text"`
}

func (l *letters) NewSession(*smtp.Conn) (smtp.Session, error) { return &letterSession{l: l}, nil }

func (l *letters) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = json.NewEncoder(w).Encode(append([]letter{}, l.got...))
}

type letterSession struct {
	l *letters
	letter
}

func (s *letterSession) Mail(string, *smtp.MailOptions) error      { return nil }
func (s *letterSession) Rcpt(to string, _ *smtp.RcptOptions) error { s.To = to; return nil }
func (s *letterSession) Reset()                                    { s.letter = letter{} }
func (s *letterSession) Logout() error                             { return nil }
func (s *letterSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.Text = string(text)
	s.l.got = append(s.l.got, s.letter)
	return err
}

// program starts one of ours and returns its line of JSON.
func program(t *testing.T, log *os.File, path string, args ...string) (ready map[string]any, stop func()) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	t.Cleanup(stop)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return ready, stop
}

// TestPeopleAtTheDoor has a browser without a window do what people do: on a phone and
// at a desk, with a real service and a real controller on a simulated board. What it
// does is in browser.mjs.
func TestPeopleAtTheDoor(t *testing.T) {
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "doord/cmd/doorcloud", "doord/cmd/doorsim", "doord/cmd/doorctl")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, size := range []string{"phone", "desk"} {
		t.Run(size, func(t *testing.T) {
			dir := t.TempDir()
			log, err := os.Create(filepath.Join(dir, "log"))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			post := &letters{}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			mail := smtp.NewServer(post)
			mail.Domain = "localhost"
			go func() { _ = mail.Serve(l) }()
			defer mail.Close()
			window := httptest.NewServer(post)
			defer window.Close()
			cloud, _ := program(t, log, filepath.Join(bin, "doorcloud"), "--dir", filepath.Join(dir, "cloud"), "--listen", "127.0.0.1:0",
				"--mail", "smtp://"+l.Addr().String(), "--mail-from", "doors@example.org")
			sim, _ := program(t, log, filepath.Join(bin, "doorsim"), "--dir", filepath.Join(dir, "sim"))
			url, _ := cloud["url"].(string)
			code, _ := cloud["setup_code"].(string)
			socket, _ := sim["socket"].(string)
			cmd := exec.CommandContext(t.Context(), "node", "browser.mjs", size)
			cmd.Env = append(os.Environ(), "URL="+url, "CODE="+code, "MAILS="+window.URL, "DOORCTL="+filepath.Join(bin, "doorctl"), "DOORD_SOCKET="+socket)
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				told, _ := os.ReadFile(log.Name())
				t.Fatalf("%v\n%s", err, told)
			}
			if leaked, _ := os.ReadFile(log.Name()); containsSecret(string(leaked), post) {
				t.Errorf("a link's secret is in the log:\n%s", leaked)
			}
		})
	}
}
