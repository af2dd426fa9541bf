package place

import (
	"strings"
	"testing"
	"time"
)

func TestOnlyWhoGivesOutCardsSeesTheBitsOfOneThatNobodyHas(t *testing.T) {
	w := newWorld(t)
	put := func(at time.Time, text string) {
		staged := w.boards.AddEvents(w.place, at, []byte(text))
		if err := w.config.Storage.Commit(staged.Rows...); err != nil {
			t.Fatal(err)
		}
		staged.Done()
	}
	const bits = "10111011000000110010000110"
	unknown := `{"uuid":"x","created_at":"2026-03-02T09:00:00Z","success":false,"type":"lock.unlock","object_type":"lock","object_id":` + f("%d", w.lock) + `,"reason":"card_not_found","reader":"front","bits":"` + bits + `"}`
	put(w.clock.now().Add(-time.Hour), strings.Replace(unknown, "front", "long ago", 1))
	put(w.clock.now(), strings.Replace(unknown, "card_not_found", "access_denied", 1))
	put(w.clock.now(), unknown)
	path := f("/presented_cards?place_id=%d", w.place)
	for _, who := range w.who {
		a := w.ask("GET", path, who.authorization, "")
		switch who.name {
		case "admin", "owner", "key":
			if list := a.list(); len(list) != 1 || list[0]["bits"] != bits || list[0]["reader"] != "front" {
				t.Errorf("%s is answered %d %s", who.name, a.status, a.text)
			}
		default:
			if a.status < 400 || strings.Contains(string(a.text), bits) {
				t.Errorf("%s is answered %d %s", who.name, a.status, a.text)
			}
		}
		if a := w.ask("GET", f("/events?place_id=%d", w.place), who.authorization, ""); strings.Contains(string(a.text), bits) {
			t.Errorf("events tell %s the bits", who.name)
		}
	}
}
