// Package notify tells people by mail what happened, if they want to be told.
//
//	fleet ── notices ─▶ Notifier ── who wants it? ─▶ place
//	                       └── one mail each ──────▶ mail
//
// It also notes when a controller was cut off for a while, and when it came back: that
// is no event of the controller's own, as it cannot tell anybody.
//
// Mails are few: about the same thing one goes out, and the next after a quarter of an
// hour at the soonest. What waits when the service ends is not mailed; it stays in the
// list of events, and on the page of whoever has not read it yet.
package notify
