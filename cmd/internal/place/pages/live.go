package pages

import (
	"fmt"
	"net/http"
	"time"
)

const (
	liveLife = 10 * time.Minute // after which a browser asks anew, and its login is looked at again
	livePing = 20 * time.Second
)

// live tells a page that something may have changed. It says no more than that: the
// page then asks for itself anew, as whoever looks at it.
func (p *Pages) live(v *visit) error {
	places := map[int64]bool{}
	if id := (Object{"id": v.r.URL.Query().Get("place")}).Int("id"); id != 0 {
		if _, err := v.api.get(v.ctx(), "places", id); err != nil {
			return err
		}
		places[id] = true
	} else {
		list, err := v.api.all(v.ctx(), "places", q())
		if err != nil {
			return err
		}
		for _, o := range list {
			places[o.ID()] = true
		}
	}
	if p.Watch == nil {
		return &Refusal{Status: http.StatusNotImplemented, Text: "nothing is told here: ask again"}
	}
	changed, ended := make(chan struct{}, 1), make(chan struct{}, len(places))
	for id := range places {
		watched := p.Watch(v.ctx(), id)
		go func() {
			for range watched {
				select {
				case changed <- struct{}{}:
				default: // one is waiting already
				}
			}
			ended <- struct{}{}
		}()
	}
	out := http.NewResponseController(v.w)
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.WriteHeader(http.StatusOK)
	ping, end := time.NewTicker(livePing), time.NewTimer(liveLife)
	defer ping.Stop()
	defer end.Stop()
	for text := "retry: 3000\n\n"; ; {
		_ = out.SetWriteDeadline(time.Now().Add(livePing)) // not every writer has one
		if _, err := fmt.Fprint(v.w, text); err != nil {
			return nil
		}
		if err := out.Flush(); err != nil {
			return nil
		}
		select {
		case <-changed:
			text = "event: change\ndata:\n\n"
		case <-ping.C:
			text = ": here\n\n"
		case <-ended: // the service ends
			return nil
		case <-end.C:
			return nil
		case <-v.ctx().Done():
			return nil
		}
	}
}
