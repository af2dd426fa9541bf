package pages

import (
	"net/http"
	"time"
)

// manage leads to the place that the person runs, or has him choose.
func (p *Pages) manage(v *visit) error {
	places, err := v.api.all(v.ctx(), "places", q("sort", "name"))
	if err != nil {
		return err
	}
	var runs []Object
	for _, o := range places {
		if v.runs(o.ID()) {
			runs = append(runs, o)
		}
	}
	if len(runs) == 1 {
		v.redirect(Root + "/p/" + runs[0].Text("id") + "/doors")
		return nil
	}
	return v.show("manage", Page{Title: "Places", Nav: "manage", Body: runs})
}

// home is the place itself: its lockdown, its clocks, whom it tells what.
func (p *Pages) home(v *visit) error {
	body := map[string]any{"All": v.runsAll()}
	var err error
	if v.runsAll() {
		if body["Webhooks"], err = v.api.all(v.ctx(), "webhooks", v.ofPlace()); err != nil {
			return err
		}
		roles, err := v.api.all(v.ctx(), "role_assignments", v.ofPlace())
		if err != nil {
			return err
		}
		var staff []Object
		for _, a := range roles {
			if a.In("applies_to").Text("type") == "place" {
				staff = append(staff, a)
			}
		}
		body["Staff"] = staff
	}
	body["Local"] = v.now().In(v.loc).Format("Monday 15:04")
	return v.show("place", Page{Title: "Place", Nav: "place", Body: body})
}

// webhookMade shows the secret that a webhook's deliveries are signed with, once.
func webhookMade(v *visit, o Object) (bool, error) {
	if o.Text("secret") == "" {
		return false, nil
	}
	return true, v.show("hooksecret", Page{Title: "Webhook", Nav: "place", Body: o})
}

// step is one of the steps from an empty place to the first door that opens.
type step struct {
	Title string
	Text  string
	Done  bool
	Next  bool // the first that is not done
	Path  string
	Do    string
}

// guide leads through them.
func (p *Pages) guide(v *visit) error {
	count := func(kind string, pairs ...any) (int, []Object, error) {
		list, n, err := v.api.list(v.ctx(), kind, v.ofPlace(append(pairs, "limit", mostRows)...))
		return n, list, err
	}
	doors, locks, err := count("locks")
	if err != nil {
		return err
	}
	boards, controllers, err := count("controllers")
	if err != nil {
		return err
	}
	relays, _, err := count("controller_relay_connections")
	if err != nil {
		return err
	}
	readers, _, err := count("readers")
	if err != nil {
		return err
	}
	groups, list, err := count("groups")
	if err != nil {
		return err
	}
	ready := false
	for _, g := range list {
		ready = ready || g.Int("users_count") > 0 && g.Int("locks_count") > 0
	}
	cards, _, err := count("cards")
	if err != nil {
		return err
	}
	events, _, err := v.api.list(v.ctx(), "events", v.ofPlace("type", "lock.unlock", "limit", 50))
	if err != nil {
		return err
	}
	opened := false
	for _, e := range events {
		opened = opened || e.Is("success")
	}
	online := false
	for _, c := range controllers {
		online = online || c.Is("online")
	}
	here := v.here("/guide")
	path := func(p string, pairs ...any) string { return v.here(p, "?", q(append(pairs, "back", here)...).Encode()) }
	first := func(list []Object, otherwise, prefix string) string {
		if len(list) == 0 {
			return otherwise
		}
		return v.here(prefix, list[0].Text("id"))
	}
	relayPairs := []any{}
	if len(locks) > 0 {
		relayPairs = append(relayPairs, "lock_id", locks[0].ID())
	}
	if len(controllers) > 0 {
		relayPairs = append(relayPairs, "controller_id", controllers[0].ID(), "channel", 1)
	}
	steps := []step{
		{Title: "Name a door", Text: "The one that you want to open first.", Done: doors > 0, Path: path("/locks/new"), Do: "New door"},
		{Title: "Name its controller", Text: "The board that is wired to it.", Done: boards > 0, Path: path("/controllers/new"), Do: "New controller"},
		{Title: "Join the controller", Text: "Make a claim code, and type it in at the board.", Done: online, Path: first(controllers, v.here("/controllers"), "/controllers/"), Do: "Claim code"},
		{Title: "Connect the door", Text: "Say which relay moves its lock.", Done: relays > 0, Path: path("/controller_relay_connections/new", relayPairs...), Do: "Connect a relay"},
		{Title: "Connect its reader", Text: "So that cards open it. Phones need none.", Done: readers > 0, Path: path("/readers/new", relayPairs...), Do: "Connect a reader"},
		{Title: "Make a group", Text: "A group of people opens a group of doors.", Done: groups > 0, Path: path("/groups/new"), Do: "New group"},
		{Title: "Put the door and people into it", Text: "Yourself first.", Done: ready, Path: first(list, v.here("/groups"), "/groups/"), Do: "Open the group"},
		{Title: "Give somebody a card", Text: "By holding it to the reader, or by its number. Phones need none.", Done: cards > 0, Path: v.here("/members"), Do: "Choose a member"},
		{Title: "Open it", Text: "With the card, or with a press here.", Done: opened, Path: Root + "/", Do: "My doors"},
	}
	done := 0
	for i := range steps {
		if steps[i].Done {
			done++
		} else if done == i {
			steps[i].Next = true
		}
	}
	for i := range steps { // exactly one is next
		if !steps[i].Done {
			steps[i].Next = true
			break
		}
	}
	return v.show("guide", Page{Title: "First steps", Nav: "doors", Live: true, Body: map[string]any{"Steps": steps, "Done": done}})
}

// you are one's own settings: sessions, password, notifications.
func (p *Pages) you(v *visit) error { return v.showYou(http.StatusOK, passwordForm()) }

func passwordForm() *entry {
	return &entry{Do: "Change the password", Fields: []Field{
		{Name: "current", Label: "Password now", Kind: "password", Required: true, Auto: "current-password"},
		{Name: "new", Label: "New password", Kind: "password", Required: true, Auto: "new-password", Hint: "At least 8 characters. All other sessions end."},
	}}
}

func (v *visit) showYou(status int, form *entry) error {
	logins, err := v.api.all(v.ctx(), "logins", q())
	if err != nil {
		return err
	}
	me, err := v.api.all(v.ctx(), "members", q("user_id", "me"))
	if err != nil {
		return err
	}
	settings, err := v.settings()
	if err != nil {
		return err
	}
	return v.showAs(status, "you", Page{Title: "You", Nav: "you", Body: map[string]any{
		"Logins": logins, "Me": me, "Form": form, "Settings": settings, "Mail": v.Mail != nil,
	}})
}

func (p *Pages) postPassword(v *visit) error {
	form := passwordForm()
	if err := v.r.ParseForm(); err != nil {
		return err
	}
	if _, err := v.api.send(v.ctx(), http.MethodPut, "/password", Object{"password": read(form.sections(), v.r.PostForm, time.UTC)}); err != nil {
		mistakes, err := blame(form.sections(), err)
		if err != nil {
			return err
		}
		form.Errors = mistakes
		return v.showYou(http.StatusUnprocessableEntity, form)
	}
	v.say("saved")
	v.redirect(Root + "/you")
	return nil
}

func (p *Pages) endLogin(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	if _, err := v.api.send(v.ctx(), http.MethodDelete, at("logins", id), nil); err != nil {
		return err
	}
	v.say("done")
	v.redirect(Root + "/you")
	return nil
}
