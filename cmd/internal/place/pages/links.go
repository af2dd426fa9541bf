package pages

import (
	"cmp"
	"net/http"
	"strings"
)

// origin is the service's address as the browser knows it.
func (v *visit) origin() string { return cmp.Or(v.Origin, "https://"+v.r.Host) }

// mail sends one, if the service sends any.
func (v *visit) mail(to, subject, text string) error {
	if v.Mail == nil {
		return errNoMail
	}
	return v.Mail.Send(v.ctx(), to, subject, text)
}

// linkMade mails a new quick access link, a group's or a member's own. It is shown to
// who made it, once: its secret is kept nowhere.
func linkMade(v *visit, o Object) (bool, error) {
	secret := o.Text("secret")
	if secret == "" {
		return false, nil // of a card: there is none
	}
	s := secretPage{Link: v.origin() + Root + "/link#" + secret, To: o.Text("email"), Text: "Whoever has it opens the doors: treat it like a key. It is shown this once."}
	what := o.Text("name")
	if member := o.Int("member_id"); member != 0 {
		m, err := v.api.get(v.ctx(), "members", member)
		if err != nil {
			return true, err
		}
		s.To, what = m.Text("email"), m.Text("name")
		s.Back = v.here("/members/", o.Text("member_id"))
	} else {
		s.Back = v.here("/groups/", o.Text("group_id"))
	}
	s.Title = "Link for " + what
	if s.To != "" {
		text := []string{
			"Hello,", "", "with this link you open doors at " + v.place.Text("name") + ":", "", s.Link, "",
			"Opening the page unlocks nothing; a press does. Whoever has the link can do it: do not pass it on.",
		}
		if from := o.Time("valid_from"); !from.IsZero() {
			text = append(text, "", "It is good from "+when(from, v.loc)+" ("+v.loc.String()+").")
		}
		if until := o.Time("valid_until"); !until.IsZero() {
			text = append(text, "", "It is good until "+when(until, v.loc)+" ("+v.loc.String()+").")
		}
		s.Mailed = v.mail(s.To, "Your link to the doors at "+v.place.Text("name"), strings.Join(text, "\n"))
	}
	return true, v.showSecret(s)
}

// memberLink activates a member's own link: it opens the doors of all his groups.
func (p *Pages) memberLink(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	body := Object{"card": Object{"member_id": id, "kind": "link", "place_id": v.place.ID()}}
	made, err := v.api.send(v.ctx(), http.MethodPost, "/cards", body)
	if err != nil {
		return err
	}
	_, err = linkMade(v, made)
	return err
}

// linkPage is what a quick access link opens. The secret is in the address's fragment:
// the page's script reads it there and asks with it.
func (p *Pages) linkPage(v *visit) error {
	v.roles = nil
	return v.show("link", Page{Title: "Your doors"})
}

// linkAuth takes the link's secret from the request's own header.
func (v *visit) linkAuth() error {
	auth := v.r.Header.Get("Authorization")
	if !strings.HasPrefix(auth, "KISI-GROUP-LINK ") {
		return &Refusal{Status: http.StatusUnauthorized, Text: "this link is not whole: open it as it stands in the mail"}
	}
	v.api.auth = auth
	return nil
}

// linkDoors are the doors that a link opens.
func (p *Pages) linkDoors(v *visit) error {
	if err := v.linkAuth(); err != nil {
		return err
	}
	locks, err := v.api.all(v.ctx(), "locks", q("sort", "name"))
	if err != nil {
		return kindly(err)
	}
	type door struct {
		ID    int64  `json:"id"`
		Name  string `json:"name"`
		State string `json:"state"`
		Class string `json:"class"`
	}
	doors := []door{}
	place := ""
	for _, l := range locks {
		s := doorState(l)
		doors = append(doors, door{l.ID(), l.Text("name"), s.Word, s.Class})
		place = l.In("place").Text("name")
	}
	v.json(http.StatusOK, map[string]any{"place": place, "doors": doors})
	return nil
}

// linkUnlock is a press on one of them.
func (p *Pages) linkUnlock(v *visit) error {
	if err := v.linkAuth(); err != nil {
		return err
	}
	id, err := v.id("id")
	if err != nil {
		return err
	}
	out, status, err := v.press(id)
	if err != nil {
		return kindly(err)
	}
	v.json(status, out)
	return nil
}

// kindly says why a link does not open anything.
func kindly(err error) error {
	r := refusal(err)
	if r == nil || r.Status != http.StatusUnauthorized {
		return err
	}
	text := "this link does not open anything: it is over, was turned off, or is not whole. Ask whoever gave it to you"
	switch reasonOf(r) {
	case "link_disabled":
		text = "this link was turned off. Ask whoever gave it to you for a new one"
	case "no_longer_valid":
		text = "this link is over. Ask whoever gave it to you for a new one"
	case "not_yet_valid":
		text = "this link is not good yet. Try again when its time has come"
	}
	return &Refusal{Status: r.Status, Text: text, Reason: reasonOf(r)}
}
