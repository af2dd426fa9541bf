package pages

import (
	"context"
	"sync"

	"doord/cmd/internal/place/fleet"
)

// Watch tells pages when something about a place may have changed: it turns the fleet's
// notices into hints. One that a page has not taken yet stands for all that follow.
type Watch struct {
	cancel func()
	mu     sync.Mutex
	closed bool
	next   int
	pages  map[int64]map[int]chan struct{} // by place
}

// NewWatch begins to listen to the notices of a fleet.
func NewWatch(subscribe func(func(fleet.Notice)) (cancel func())) *Watch {
	w := &Watch{pages: map[int64]map[int]chan struct{}{}}
	w.cancel = subscribe(func(n fleet.Notice) { w.tell(n.Place) })
	return w
}

func (w *Watch) tell(place int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, page := range w.pages[place] {
		select {
		case page <- struct{}{}:
		default: // one is waiting already
		}
	}
}

// Changes gives a hint whenever something may have changed, until the context or the
// watch ends; then it is closed.
func (w *Watch) Changes(ctx context.Context, place int64) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	page := make(chan struct{}, 1)
	if w.closed {
		close(page)
		return page
	}
	id := w.next
	w.next++
	if w.pages[place] == nil {
		w.pages[place] = map[int]chan struct{}{}
	}
	w.pages[place][id] = page
	context.AfterFunc(ctx, func() { w.end(place, id) })
	return page
}

func (w *Watch) end(place int64, id int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	page, is := w.pages[place][id]
	if !is {
		return
	}
	delete(w.pages[place], id)
	if len(w.pages[place]) == 0 {
		delete(w.pages, place)
	}
	close(page)
}

// Close ends all that is told.
func (w *Watch) Close() {
	w.cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for place, pages := range w.pages {
		for id, page := range pages {
			delete(pages, id)
			close(page)
		}
		delete(w.pages, place)
	}
}
