package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed templates/*.html
var sources embed.FS

//go:embed assets/*
var assets embed.FS

// templates has one for each page: the layout with the page's own part in it.
var templates = parse()

func parse() map[string]*template.Template {
	layout := template.Must(template.New("layout.html").Funcs(words).ParseFS(sources, "templates/layout.html", "templates/parts.html"))
	all := map[string]*template.Template{}
	names, err := fs.Glob(sources, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range names {
		base := strings.TrimSuffix(path.Base(name), ".html")
		if base == "layout" || base == "parts" {
			continue
		}
		all[base] = template.Must(template.Must(layout.Clone()).ParseFS(sources, name))
	}
	return all
}

// Page is what the layout shows around a page's own part.
type Page struct {
	Title  string
	Nav    string // which entry of the navigation it belongs to
	Place  Object // whose pages these are; nil: of none
	P      string // path of the place's pages
	Signed bool
	Runs   []Object // places that the person runs
	All    bool     // the whole of this one, and not only groups of it
	Note   string
	Self   string   // the page's own address, to come back to
	Live   bool     // has parts that are kept up to date
	Alerts []Object // what happened just now
	Body   any
	Loc    *time.Location
	Now    time.Time
}

// show writes a page.
func (v *visit) show(name string, page Page) error { return v.showAs(http.StatusOK, name, page) }

func (v *visit) showAs(status int, name string, page Page) error {
	page.Signed, page.Loc, page.Now = v.roles != nil, v.loc, v.now()
	page.Self = v.r.URL.RequestURI()
	if v.place != nil {
		page.Place, page.P, page.All = v.place, v.here(), v.runsAll()
	}
	if page.Live && v.place != nil {
		var err error
		if page.Alerts, err = v.alerts(); err != nil {
			return err
		}
	}
	seen := map[int64]bool{}
	for _, a := range v.roles {
		if id := a.Int("place_id"); !seen[id] && v.runs(id) {
			seen[id] = true
			page.Runs = append(page.Runs, Object{"id": a["place_id"]})
		}
	}
	if said, detail := note(v.r); said != "" {
		page.Note = notes[said]
		if said == "unlock" {
			page.Note = noteOfUnlock(detail)
		}
		http.SetCookie(v.w, forget(noteCookie))
	}
	var b bytes.Buffer
	if err := templates[name].Execute(&b, page); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b.Bytes()) // whoever asked has gone
	return nil
}

// sorry says that something was refused.
func (v *visit) sorry(r *Refusal) {
	if v.script() {
		v.json(r.Status, map[string]any{"ok": false, "text": sentence(r.Text), "reason": r.Reason})
		return
	}
	title := "That did not work"
	switch r.Status {
	case http.StatusNotFound:
		title = "Not here"
	case http.StatusForbidden:
		title = "Not for you"
	case http.StatusTooManyRequests:
		title = "Too fast"
	}
	if err := v.showAs(r.Status, "sorry", Page{Title: title, Body: r}); err != nil {
		v.Log.Error("page", "path", v.r.URL.Path, "err", err)
		http.Error(v.w, r.Text, r.Status)
	}
}

func (v *visit) json(status int, x any) {
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	_ = json.NewEncoder(v.w).Encode(x) // whoever asked has gone
}

// version of the assets, in their addresses: a browser may keep them for good.
var version = func() string {
	h := sha256.New()
	names, err := fs.Glob(assets, "assets/*")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range names {
		b, err := assets.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}()

var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	".webmanifest": "application/manifest+json", ".png": "image/png",
}

func (p *Pages) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	b, err := assets.ReadFile("assets/" + name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kinds[path.Ext(name)])
	if r.URL.Query().Get("v") == version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	_, _ = w.Write(b) // whoever asked has gone
}
