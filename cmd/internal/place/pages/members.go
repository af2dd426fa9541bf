package pages

import (
	"errors"
	"net/http"
	"strings"
)

// members are the people of the place.
func (p *Pages) members(v *visit) error {
	search, offset := v.r.URL.Query().Get("q"), v.offset()
	query := v.ofPlace("sort", "name", "limit", pageSize, "offset", offset)
	if search != "" {
		query.Set("query", search)
	}
	list, total, err := v.api.list(v.ctx(), "members", query)
	if err != nil {
		return err
	}
	return v.show("members", Page{Title: "Members", Nav: "members", Body: map[string]any{
		"List": list, "Search": search, "Paging": v.paging(offset, total), "All": v.runsAll(),
	}})
}

// one is a member with groups, cards and links.
func (p *Pages) one(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	m, err := v.api.get(v.ctx(), "members", id)
	if err != nil {
		return err
	}
	roles, err := v.api.all(v.ctx(), "role_assignments", v.ofPlace("member_id", id))
	if err != nil {
		return err
	}
	cards, err := optional(v.api.all(v.ctx(), "cards", v.ofPlace("member_id", id)))
	if err != nil {
		return err
	}
	name := m.Text("name")
	if name == "" {
		name = m.Text("email")
	}
	return v.show("member", Page{Title: name, Nav: "members", Body: map[string]any{
		"Member": m, "Name": name, "Roles": roles, "Cards": cards, "All": v.runsAll(), "Mail": v.Mail != nil,
	}})
}

// cards are all of the place, whosever they are.
func (p *Pages) cards(v *visit) error {
	offset := v.offset()
	query := v.ofPlace("limit", pageSize, "offset", offset)
	status := v.r.URL.Query().Get("status")
	if status != "" {
		query.Set("status", status)
	}
	list, total, err := v.api.list(v.ctx(), "cards", query)
	if err != nil {
		return err
	}
	return v.show("cards", Page{Title: "Cards", Nav: "members", Body: map[string]any{
		"List": list, "Status": status, "Paging": v.paging(offset, total),
	}})
}

// memberMade mails the invitation that a new member with an address has.
func memberMade(v *visit, m Object) (bool, error) {
	code := m.In("invitation").Text("code")
	if code == "" {
		return false, nil
	}
	return true, v.inviteWith(m, code)
}

// invite makes a new invitation in place of the one before.
func (p *Pages) invite(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	m, err := v.api.get(v.ctx(), "members", id)
	if err != nil {
		return err
	}
	made, err := v.api.send(v.ctx(), http.MethodPost, at("members", id, "invite"), nil)
	if err != nil {
		return err
	}
	return v.inviteWith(m, made.In("invitation").Text("code"))
}

// inviteWith mails an invitation, and shows it to who made it: once.
func (v *visit) inviteWith(m Object, code string) error {
	link := v.origin() + Root + "/invited#" + code
	err := v.mail(m.Text("email"), "Your doors at "+v.place.Text("name"), strings.Join([]string{
		"Hello " + m.Text("name") + ",", "",
		"you are invited to open doors at " + v.place.Text("name") + " with your phone.",
		"Choose a password here, within seven days:", "", link, "",
		"Whoever has this address can take the invitation: do not pass it on.",
	}, "\n"))
	return v.showSecret(secretPage{
		Title: "Invitation for " + m.Text("name"), Link: link, To: m.Text("email"), Mailed: err,
		Text: "It is good once, for seven days.", Back: v.here("/members/", m.Text("id")),
	})
}

// secretPage shows something once.
type secretPage struct {
	Title  string
	Link   string
	To     string // whom it was mailed to; "": nobody
	Mailed error
	Text   string
	Back   string
	QR     qr
}

var errNoMail = errors.New("this service sends no mail")

// showSecret shows a link that is not kept anywhere.
func (v *visit) showSecret(s secretPage) error {
	var err error
	if s.QR, err = drawQR(s.Link); err != nil {
		return err
	}
	sent := s.To != "" && s.Mailed == nil
	if s.To != "" && s.Mailed != nil && !errors.Is(s.Mailed, errNoMail) {
		v.Log.Warn("a mail was not sent", "err", s.Mailed)
	}
	return v.show("secret", Page{Title: s.Title, Nav: "members", Body: map[string]any{
		"S": s, "Sent": sent, "NoMail": errors.Is(s.Mailed, errNoMail), "Failed": s.To != "" && s.Mailed != nil && !errors.Is(s.Mailed, errNoMail),
	}})
}
