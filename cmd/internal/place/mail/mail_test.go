package mail

import (
	"bufio"
	"io"
	"mime"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// server is a mail server on this machine that keeps what it gets.
type server struct {
	mu   sync.Mutex
	user string
	got  []letter
}

type letter struct {
	from string
	to   []string
	text string
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{s: s}, nil }

type session struct {
	s *server
	letter
}

func (x *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (x *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "doors" || password != "open sesame" {
			return smtp.ErrAuthFailed
		}
		x.s.mu.Lock()
		defer x.s.mu.Unlock()
		x.s.user = user
		return nil
	}), nil
}

func (x *session) Mail(from string, _ *smtp.MailOptions) error { x.from = from; return nil }

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	x.to = append(x.to, to)
	return nil
}

func (x *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	x.text = string(text)
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.s.got = append(x.s.got, x.letter)
	return nil
}

func (x *session) Reset()        { x.letter = letter{} }
func (x *session) Logout() error { return nil }

// listen starts the server and returns its address.
func listen(t *testing.T) (*server, string) {
	t.Helper()
	s := &server{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := smtp.NewServer(s)
	x.Domain, x.AllowInsecureAuth = "localhost", true
	done := make(chan error, 1)
	go func() { done <- x.Serve(l) }()
	t.Cleanup(func() { _ = x.Close(); <-done })
	return s, l.Addr().String()
}

func TestAMailArrivesAsItWasWritten(t *testing.T) {
	s, address := listen(t)
	sender, err := New("smtp://"+address, "", "Doors <doors@example.org>")
	if err != nil {
		t.Fatal(err)
	}
	const link = "https://doors.example.org/app/link#Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"
	text := "Grüße an Straße 1,\n\n" + link + "\n\nBis bald."
	if err := sender.Send(t.Context(), "ada@example.org", "Türen\r\nBcc: eve@example.org", text); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.got) != 1 || s.got[0].from != "doors@example.org" || len(s.got[0].to) != 1 || s.got[0].to[0] != "ada@example.org" {
		t.Fatalf("the server got %+v", s.got)
	}
	m, err := mail.ReadMessage(bufio.NewReader(strings.NewReader(s.got[0].text)))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "Türen Bcc: eve@example.org" || m.Header.Get("Bcc") != "" {
		t.Errorf("the subject is %q, %v", subject, err)
	}
	body, err := decoded(m)
	if err != nil || strings.ReplaceAll(strings.TrimSpace(body), "\r\n", "\n") != text {
		t.Errorf("the text is %q, %v", body, err)
	}
	if m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("Date") == "" || m.Header.Get("Message-Id") == "" {
		t.Errorf("the header is %v", m.Header)
	}
}

func TestTheSenderSignsIn(t *testing.T) {
	s, address := listen(t)
	for password, right := range map[string]bool{"open sesame": true, "wrong": false} {
		sender, err := New("smtp://doors@"+address, password, "doors@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if err := sender.Send(t.Context(), "ada@example.org", "Hello", "Hello"); (err == nil) != right {
			t.Errorf("with %q: %v", password, err)
		}
	}
	if s.user != "doors" || len(s.got) != 1 {
		t.Errorf("%s signed in, the server got %+v", s.user, s.got)
	}
}

func TestAMailThatIsRefusedIsAnError(t *testing.T) {
	_, address := listen(t)
	sender, err := New("smtp://"+address, "", "doors@example.org")
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"nobody@example.org", "not an address", "ada@example.org\r\nRCPT TO:<eve@example.org>"} {
		if err := sender.Send(t.Context(), to, "Hello", "Hello"); err == nil {
			t.Errorf("%q was taken", to)
		}
	}
}

func TestServersThatAreNotTaken(t *testing.T) {
	for _, server := range []string{"", "mail.example.org", "https://mail.example.org", "smtp://user:password@mail.example.org", "smtp://mail.example.org:none"} {
		if _, err := New(server, "", "doors@example.org"); err == nil {
			t.Errorf("%q was taken", server)
		}
	}
	if _, err := New("smtp://localhost", "", "doors"); err == nil {
		t.Error("a sender without an address was taken")
	}
}
