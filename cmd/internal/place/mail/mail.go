package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	smtp "github.com/wneessen/go-mail"
)

// patience is how long a server may take over one mail.
const patience = 15 * time.Second

// Sender sends mails by one server.
type Sender struct {
	from   string
	host   string
	client []smtp.Option
}

// New returns a sender by a server such as smtps://user@mail.example.org or
// smtp://localhost:25, as which address mails come. The password is not part of the
// URL, which is seen in lists of processes.
func New(server, password, from string) (*Sender, error) {
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("mail: the server must be smtp://HOST or smtps://HOST")
	}
	if _, inURL := u.User.Password(); inURL {
		return nil, errors.New("mail: the password must not be in the URL")
	}
	s := &Sender{from: from, host: u.Hostname(), client: []smtp.Option{smtp.WithTimeout(patience)}}
	if err := smtp.NewMsg().From(from); err != nil {
		return nil, fmt.Errorf("mail: from: %w", err)
	}
	if u.Scheme == "smtps" {
		s.client = append(s.client, smtp.WithSSLPort(false))
	} else if loopback(s.host) {
		s.client = append(s.client, smtp.WithTLSPortPolicy(smtp.TLSOpportunistic))
	} else {
		s.client = append(s.client, smtp.WithTLSPortPolicy(smtp.TLSMandatory))
	}
	if port := u.Port(); port != "" {
		n, err := strconv.Atoi(port)
		if err != nil {
			return nil, fmt.Errorf("mail: port: %w", err)
		}
		s.client = append(s.client, smtp.WithPort(n))
	}
	if name := u.User.Username(); name != "" {
		auth := smtp.SMTPAuthAutoDiscover
		if u.Scheme == "smtp" && loopback(s.host) {
			auth = smtp.SMTPAuthPlainNoEnc // it stays on this machine
		}
		s.client = append(s.client, smtp.WithSMTPAuth(auth), smtp.WithUsername(name), smtp.WithPassword(password))
	}
	_, err = smtp.NewClient(s.host, s.client...)
	return s, err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Send sends one mail and returns when the server has taken it.
func (s *Sender) Send(ctx context.Context, to, subject, text string) error {
	m := smtp.NewMsg()
	if err := errors.Join(m.From(s.from), m.To(to)); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	m.Subject(oneLine(subject))
	m.SetBodyString(smtp.TypeTextPlain, text)
	m.SetDate()
	m.SetMessageID()
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := smtp.NewClient(s.host, s.client...) // one is good for one mail at a time
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, m); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

// oneLine keeps what people named from adding headers.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
