package pages

import (
	"net/http"
	"strings"
	"time"
)

// Names of the cookies. The prefix has browsers refuse one that another host or an
// unencrypted page wants to set.
const (
	loginCookie = "__Host-login"
	noteCookie  = "__Host-note"
)

// loginLife is how long a browser stays signed in without being used. The API may end
// a login sooner.
const loginLife = 90 * 24 * time.Hour

func cookie(name, value string, life time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func forget(name string) *http.Cookie {
	c := cookie(name, "", 0)
	c.MaxAge = -1
	return c
}

// login returns the secret of who has signed in; "" if nobody has.
func login(r *http.Request) string {
	c, err := r.Cookie(loginCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// note is what the next page says once: words of ours by a name, never words from the
// browser.
func note(r *http.Request) (name, detail string) {
	c, err := r.Cookie(noteCookie)
	if err != nil {
		return "", ""
	}
	name, detail, _ = strings.Cut(c.Value, ".")
	return name, detail
}
