// Package pages is what people see of the place service: doors to press, and the
// pages by which a place is run. Pages are made on the server; the little script
// there is makes them live, and most of them work without it.
//
//	browser ══ cookie ══▶ pages ── Authorization ──▶ the place API (http.Handler)
//	        ◀═ HTML ════        ◀─ JSON ───────────
//
// The pages are a client of the place API, in the same process and with nothing but
// what any client has: whose login is in the cookie, that person asks. So there is one
// place where it is decided who may do what, and no page can do what the API refuses.
//
// A page is read by GET and changes nothing; a change is a POST of a form, after which
// the browser is sent to a page that it may load again. Where a form is refused it
// comes back with what was typed and what is wrong with each field.
//
// Everything is under [Root]. Nothing is loaded from elsewhere, no script or style
// stands in a page, no other site may frame a page or post a form to it, and no address
// of a page tells a secret: the secret of a quick access link stays in the fragment of
// its address, which browsers keep to themselves.
package pages
