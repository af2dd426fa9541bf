package pages

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Root is the path that all pages are under.
const Root = "/app"

// maxForm bounds what a form may send.
const maxForm = 256 << 10

// Config is what the pages need.
type Config struct {
	// API is the place API. The pages ask it as whoever has signed in.
	API http.Handler
	// Watch tells when something about a place may have changed, until the context
	// ends. It is a hint and tells nothing else; nil: pages that are open ask by
	// themselves.
	Watch func(ctx context.Context, place int64) <-chan struct{}
	// Mail sends links and invitations; nil: they are shown and nothing is sent.
	Mail Mailer
	// Origin is the service's address as browsers know it, "https://doors.example.org",
	// for addresses in mails; "": that of the request.
	Origin string
	Log    *slog.Logger
}

// Mailer sends one mail, or puts it where it will be sent from.
type Mailer interface {
	Send(ctx context.Context, to, subject, text string) error
}

// Pages serves all pages.
type Pages struct {
	Config
	mux     *http.ServeMux
	handler http.Handler
	now     func() time.Time
	served  []string // patterns
}

// New returns the pages, to be served under [Root].
func New(c Config) *Pages {
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	p := &Pages{Config: c, mux: http.NewServeMux(), now: time.Now}
	p.routes()
	// Browsers say where a form comes from; one of another site is refused. The cookie
	// does not go with it either.
	p.handler = secured(http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(p.mux, maxForm)))
	return p
}

// ServeHTTP serves a page.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

const policyCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secured says in headers what a page may do: nothing but what it brings itself.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policyCSP)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "geolocation=(self), camera=(), microphone=()")
		h.Set("Strict-Transport-Security", "max-age=31536000")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// handle serves a page that anybody may ask for.
func (p *Pages) handle(pattern string, f func(*visit) error) {
	p.served = append(p.served, on(pattern))
	p.mux.HandleFunc(on(pattern), func(w http.ResponseWriter, r *http.Request) {
		v := p.visit(w, r)
		v.end(f(v))
	})
}

// member serves a page for who has signed in.
func (p *Pages) member(pattern string, f func(*visit) error) {
	p.handle(pattern, func(v *visit) error {
		if err := v.signedIn(); err != nil {
			return err
		}
		return f(v)
	})
}

// run serves a page by which a place is run.
func (p *Pages) run(pattern string, f func(*visit) error) {
	method, path, _ := strings.Cut(pattern, " ")
	p.member(method+" /p/{place}"+path, func(v *visit) error {
		if err := v.enter(); err != nil {
			return err
		}
		return f(v)
	})
}

// on puts a pattern under the root.
func on(pattern string) string {
	method, path, _ := strings.Cut(pattern, " ")
	return method + " " + Root + path
}

// end answers with what went wrong, if something did.
func (v *visit) end(err error) {
	var refused *Refusal
	switch {
	case err == nil:
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized && !v.script():
		http.SetCookie(v.w, forget(loginCookie))
		to := Root + "/sign-in"
		if v.r.Method == http.MethodGet && v.r.URL.Path != Root+"/" {
			to += "?" + q("next", v.r.URL.RequestURI()).Encode()
		}
		v.redirect(to)
	case errors.As(err, &refused):
		v.sorry(refused)
	case v.r.Context().Err() != nil: // nobody is there any more
	default:
		v.Log.Error("page", "path", v.r.URL.Path, "err", err)
		v.sorry(&Refusal{Status: http.StatusInternalServerError, Text: "something went wrong here; it was written down"})
	}
}

func missing() error {
	return &Refusal{Status: http.StatusNotFound, Text: "there is no such page"}
}
