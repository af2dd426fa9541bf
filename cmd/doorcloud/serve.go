package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"doord/cmd/internal/place"
	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/storage"
)

// Times and sizes of the listener.
const (
	headerPatience = 10 * time.Second
	idle           = 2 * time.Minute
	maxHeader      = 64 << 10
	maxStreams     = 64 // requests at once on a connection
	pingAfter      = 50 * time.Second
	pingPatience   = 20 * time.Second
	endPatience    = 10 * time.Second
	maxDays        = 36500
)

// service is what the command line asks for.
type service struct {
	dir, listen, cert, key string
	hosts, origins         []string
	privateHooks           bool
	keepDays               uint
	mail, mailFrom         string
	mailPassword           string // file
	stdout                 io.Writer
	log                    *slog.Logger
}

// ready is the one line on standard output.
type ready struct {
	Version     int    `json:"version"`
	Ready       bool   `json:"ready"`
	URL         string `json:"url"`
	Fingerprint string `json:"fingerprint"`          // of the root key
	SetupCode   string `json:"setup_code,omitempty"` // while there is no owner
}

func (s *service) serve(ctx context.Context) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	var given *certificate
	if s.cert != "" {
		given = &certificate{cert: s.cert, key: s.key, log: s.log}
		if _, err := given.get(nil); err != nil {
			return err
		}
	}
	db, err := storage.Open(s.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	f, err := fleet.Open(fleet.Config{Storage: db, Dir: s.dir, Log: s.log, Hosts: s.hosts,
		KeepEvents: time.Duration(min(s.keepDays, maxDays)) * 24 * time.Hour})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, fault := range f.Faults() {
		s.log.Warn(fault)
	}
	places, err := place.New(place.Config{Storage: db, Fleet: f, Log: s.log, Origins: s.origins, PrivateWebhooks: s.privateHooks})
	if err != nil {
		return err
	}
	defer places.Close()
	if err := s.tellAuthority(f.Authority()); err != nil {
		return err
	}
	mailer, err := s.mailer()
	if err != nil {
		return err
	}
	closeSocket, err := s.offerBackups(db)
	if err != nil {
		return err
	}
	defer closeSocket()

	mux := http.NewServeMux()
	mux.Handle("/v1/", f.Handler())
	mux.Handle("/", places.Handler())
	l, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	end := s.people(mux, f, places, mailer, s.url(l.Addr()))
	tls := f.TLS()
	if given != nil {
		tls.GetCertificate = given.get
	}
	server := &http.Server{
		Handler: mux, TLSConfig: tls,
		ReadHeaderTimeout: headerPatience, IdleTimeout: idle, MaxHeaderBytes: maxHeader,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: pingAfter, PingTimeout: pingPatience},
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // whoever knocks and goes away
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(l, "", "") }()
	line, err := json.Marshal(ready{Version: 1, Ready: true, URL: s.url(l.Addr()), Fingerprint: fingerprint(f.Fingerprint()), SetupCode: places.Setup()})
	if err == nil {
		_, err = fmt.Fprintf(s.stdout, "%s\n", line)
	}
	if err == nil {
		select {
		case err = <-failed:
		case <-ctx.Done():
			s.log.Info("ending")
		}
	}
	end()
	err = errors.Join(err, f.Close()) // ends what waits, so that the listener can end
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	if server.Shutdown(patience) != nil {
		err = errors.Join(err, server.Close())
	}
	return err
}

// tellAuthority writes the certificate by which curl and browsers know the service's
// own, where it was given no other.
func (s *service) tellAuthority(c *x509.Certificate) error {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	return os.WriteFile(filepath.Join(s.dir, "authority.pem"), text, 0o644)
}

// url is where the service is reached.
func (s *service) url(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return "https://" + a.String()
	}
	if len(s.hosts) > 0 {
		host = s.hosts[0]
	}
	if port == "443" {
		return "https://" + host
	}
	return "https://" + net.JoinHostPort(host, port)
}
