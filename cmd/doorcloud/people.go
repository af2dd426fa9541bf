package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"

	"doord/cmd/internal/place"
	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/mail"
	"doord/cmd/internal/place/notify"
	"doord/cmd/internal/place/pages"
)

// mailer is the server that mails go out by; none without --mail.
func (s *service) mailer() (pages.Mailer, error) {
	if s.mail == "" {
		return nil, nil
	}
	password := ""
	if s.mailPassword != "" {
		b, err := os.ReadFile(s.mailPassword)
		if err != nil {
			return nil, fmt.Errorf("the mail server's password: %w", err)
		}
		password = strings.TrimSpace(string(b))
	}
	return mail.New(s.mail, password, s.mailFrom)
}

// people serves the pages beside the API, and begins to mail. End is to be called
// before the listener ends: pages that are kept up to date wait for as long as it takes.
func (s *service) people(mux *http.ServeMux, f *fleet.Fleet, places *place.Service, mailer pages.Mailer, origin string) (end func()) {
	watch := pages.NewWatch(f.Subscribe)
	mux.Handle(pages.Root+"/", pages.New(pages.Config{
		API: places.Handler(), Watch: watch.Changes, Mail: mailer, Origin: origin, Log: s.log,
	}))
	mux.Handle("GET /{$}", http.RedirectHandler(pages.Root+"/", http.StatusSeeOther))
	notifier := notify.Start(notify.Config{
		Place: places, Subscribe: f.Subscribe, Mail: mailer, Origin: origin, Log: s.log,
		Online: func(id int64) bool { _, online, _ := f.Status(id); return online },
	})
	return func() {
		notifier.Close()
		watch.Close()
	}
}
