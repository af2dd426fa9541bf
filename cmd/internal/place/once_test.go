package place

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAPageCountsOnceHoweverMuchItAsksFor(t *testing.T) {
	r := newRig(t)
	r.limiter, r.pages = limiter{rate: 1, burst: 2}, limiter{rate: 4, burst: 8}
	page := func(ctx context.Context, authorization string, n int) (refused int) {
		for range n {
			q := httptest.NewRequestWithContext(ctx, http.MethodGet, "/locks", nil)
			q.Header.Set("Authorization", authorization)
			w := httptest.NewRecorder()
			r.handler.ServeHTTP(w, q)
			if w.Code == http.StatusTooManyRequests {
				refused++
			}
		}
		return refused
	}
	for i := range 10 {
		if refused := page(Once(t.Context()), r.owner, 20); (refused > 0) != (i >= 8) {
			t.Errorf("of page %d %d requests were refused", i, refused)
		}
	}
	if refused := page(t.Context(), r.owner, 3); refused != 1 {
		t.Errorf("without pages %d of 3 were refused", refused)
	}
	if refused := page(Once(t.Context()), "", 10); refused < 8 {
		t.Errorf("who has not signed in was refused %d of 10 times", refused)
	}
}
