package place

import (
	"encoding/json"
	"net/http"
	"time"

	"doord/cmd/internal/place/fleet"
	"doord/policy"
)

// presentedFor is how long a card that nobody has can be enrolled after it was held to a
// reader.
const presentedFor = 10 * time.Minute

var presentedParams = []param{
	{"limit", "integer", "how many, at most 250"}, {"offset", "integer", "from which on, at most 20000"},
	{"place_id", "integer", ""},
}

// presented is a card that nobody has, a moment after it was held to a reader. Its bits
// are told here and nowhere else, and to nobody but those who may give somebody a card:
// events and webhooks do not carry them.
type presented struct {
	ID           string    `json:"id"` // of the event
	ResourceType string    `json:"resource_type"`
	CreatedAt    time.Time `json:"created_at"`
	Reader       string    `json:"reader"`
	Bits         string    `json:"bits"`
}

func listPresented(c *call) (int, any, error) {
	p, err := c.page()
	if err != nil {
		return 0, nil, err
	}
	place := c.onlyPlace(cards, "create")
	if s := c.r.URL.Query().Get("place_id"); s != "" {
		if place, err = parseID("place_id", s); err != nil {
			return 0, nil, err
		}
	}
	switch {
	case place == 0 && !c.couldAnywhere(cards, "create"):
		return 0, nil, errForbidden
	case place == 0:
		return 0, nil, invalid("place_id", "can't be blank")
	case c.caller.at(place) == nil:
		return 0, nil, errMissing
	case !c.caller.everything(cards, "create", place):
		return 0, nil, errForbidden
	}
	list := []any{}
	q := fleet.Query{From: c.now.Add(-presentedFor), Types: []policy.EventType{policy.LockUnlock, policy.ReaderAccess}}
	for e, err := range c.s.fleet.Events(c.r.Context(), place, q) {
		if err != nil {
			return 0, nil, err
		}
		var told struct {
			CreatedAt time.Time     `json:"created_at"`
			Reason    policy.Reason `json:"reason"`
			Reader    string        `json:"reader"`
			Bits      string        `json:"bits"`
		}
		if json.Unmarshal(e.Text, &told) != nil || told.Reason != policy.CardNotFound || told.Bits == "" {
			continue
		}
		if list = append(list, &presented{e.ID.String(), "PresentedCard", told.CreatedAt, told.Reader, told.Bits}); len(list) == maxLimit {
			break
		}
	}
	c.ranged(p, len(list))
	return http.StatusOK, append([]any{}, cut(list, p)...), nil
}
