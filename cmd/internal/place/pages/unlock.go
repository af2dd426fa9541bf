package pages

import (
	"net/http"
	"strconv"
	"strings"

	"doord/policy"
)

// myDoors are the doors of who has signed in, the favourites first.
func (p *Pages) myDoors(v *visit) error {
	locks, err := v.api.all(v.ctx(), "locks", q("favorite", "*", "sort", "favorite"))
	if err != nil {
		return err
	}
	type part struct {
		Place string
		Locks []Object
	}
	var parts []*part
	at := map[int64]*part{}
	for _, l := range locks {
		place := l.In("place")
		if at[place.ID()] == nil {
			at[place.ID()] = &part{Place: place.Text("name")}
			parts = append(parts, at[place.ID()])
		}
		at[place.ID()].Locks = append(at[place.ID()].Locks, l)
	}
	ask, _ := strconv.ParseInt(v.r.FormValue("code"), 10, 64) // the door that asks for a code; 0: none
	return v.show("unlock", Page{Title: "My doors", Nav: "my", Live: true, Body: map[string]any{"Parts": parts, "Code": ask}})
}

// unlockContext is what an unlock may bring with it.
type unlockContext struct {
	Location *location `json:"location,omitempty"`
}

type location struct {
	Latitude  float64  `json:"latitude"`
	Longitude float64  `json:"longitude"`
	Accuracy  float64  `json:"horizontal_accuracy"`
	Age       *float64 `json:"age,omitempty"`
}

// unlockBody is the body of an unlock, from a form.
func unlockBody(r *http.Request) map[string]any {
	body := map[string]any{}
	number := func(name string) (float64, bool) {
		f, err := strconv.ParseFloat(r.PostFormValue(name), 64)
		return f, err == nil
	}
	lat, okLat := number("latitude")
	long, okLong := number("longitude")
	accuracy, okAccuracy := number("accuracy")
	if okLat && okLong && okAccuracy {
		at := &location{Latitude: lat, Longitude: long, Accuracy: accuracy}
		if age, ok := number("age"); ok {
			at.Age = &age
		}
		body["context"] = unlockContext{at}
	}
	if code := strings.Join(strings.Fields(r.PostFormValue("code")), ""); code != "" {
		body["lock"] = map[string]string{"proximity_proof": strings.ToUpper(strings.ReplaceAll(code, "-", ""))}
	}
	return body
}

// pressed is what comes of a press, for the page's script.
type pressed struct {
	OK     bool   `json:"ok"`
	Text   string `json:"text"`
	Reason string `json:"reason,omitempty"`
	Needs  string `json:"needs,omitempty"` // "location" or "code": press again with it
}

// press unlocks a door, and says what came of it.
func (v *visit) press(id int64) (pressed, int, error) {
	_, err := v.api.send(v.ctx(), http.MethodPost, at("locks", id, "unlock"), unlockBody(v.r))
	refused := refusal(err)
	switch {
	case err == nil:
		return pressed{OK: true, Text: "Unlocked."}, http.StatusOK, nil
	case refused == nil:
		return pressed{}, 0, err
	case refused.Status == http.StatusUnauthorized, refused.Status == http.StatusTooManyRequests:
		return pressed{}, 0, err
	}
	reason := reasonOf(refused)
	out := pressed{Text: sentence(reasonWords(reason)), Reason: reason}
	if reason == "" {
		out.Text = sentence(refused.Text)
	}
	switch policy.Reason(reason) {
	case policy.LocationUnknown:
		out.Needs = "location"
	case policy.NotAtReader:
		out.Needs = "code"
	case policy.OutsideSchedule:
		if next := v.opensAgain(id); next != "" {
			out.Text = sentence("it is outside the hours of this door: it opens again " + next)
		}
	default:
	}
	return out, refused.Status, nil
}

// reasonOf finds the reason in a refusal, by its name or its code.
func reasonOf(r *Refusal) string {
	if r.Reason != "" {
		return r.Reason
	}
	for _, reason := range policy.Reasons() {
		if reason.Code() == r.Code {
			return string(reason)
		}
	}
	return ""
}

// opensAgain says when a door's hours begin next, within a week; "" if that cannot be
// told: the hours may be those of a group.
func (v *visit) opensAgain(id int64) string {
	lock, err := v.api.get(v.ctx(), "locks", id)
	if err != nil || !lock.Is("time_restriction_enabled") {
		return ""
	}
	place, err := v.api.get(v.ctx(), "places", lock.Int("place_id"))
	if err != nil {
		return ""
	}
	v.loc = locationOf(place)
	now := v.now()
	spans, err := v.effective(lock.Int("place_id"), "allow", "Lock", id, now, now.AddDate(0, 0, 8))
	if err != nil {
		return ""
	}
	for _, s := range spans {
		if s.from.After(now) {
			from := s.from.In(v.loc)
			if from.YearDay() == now.In(v.loc).YearDay() {
				return "at " + from.Format("15:04")
			}
			return "on " + from.Format("Monday at 15:04")
		}
	}
	return ""
}

// unlock is a press on a door.
func (p *Pages) unlock(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	out, status, err := v.press(id)
	if err != nil {
		return err
	}
	if v.script() {
		v.json(status, out)
		return nil
	}
	word := "ok"
	if !out.OK {
		word = out.Reason
	}
	v.say("unlock", word)
	to := v.back(Root + "/")
	if out.Needs == "code" {
		to = Root + "/?" + q("code", id).Encode()
	}
	v.redirect(to)
	return nil
}

// noteOfUnlock says what came of a press, on the page after it.
func noteOfUnlock(word string) string {
	switch {
	case word == "ok":
		return "Unlocked."
	case policy.Reason(word).Text() != "":
		return sentence(reasonWords(word))
	default:
		return "It stayed locked."
	}
}

// favorite puts a door to the top of the list, or back.
func (p *Pages) favorite(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	action, said := "favorite", "favorite"
	if v.r.PostFormValue("on") == "" {
		action, said = "unfavorite", "plain"
	}
	if _, err := v.api.send(v.ctx(), http.MethodPost, at("locks", id, action), nil); err != nil {
		return err
	}
	v.say(said)
	v.redirect(Root + "/")
	return nil
}
