package pages

import (
	"net/http"
	"time"
)

// entry is a page with one small form before anybody has signed in.
type entry struct {
	Lead   string
	Fields []Field
	Errors []Mistake
	Do     string
	Foot   string
}

func (e *entry) sections() []Section { return []Section{{Fields: e.Fields}} }

// refused shows the form again with what is wrong; secrets are typed again.
func (v *visit) refused(title string, e *entry, err error) error {
	s := e.sections()
	refill(s, v.r.PostForm)
	mistakes, err := blame(s, err)
	if err != nil {
		return err
	}
	for i := range e.Fields {
		if e.Fields[i].Kind == "password" {
			e.Fields[i].Value = ""
		}
	}
	e.Errors = mistakes
	return v.showAs(http.StatusUnprocessableEntity, "signin", Page{Title: title, Body: e})
}

const signInTitle = "Sign in"

func signInForm() *entry {
	return &entry{Do: "Sign in", Fields: []Field{
		{Name: "email", Label: "E-mail", Kind: "email", Required: true, Auto: "username"},
		{Name: "password", Label: "Password", Kind: "password", Required: true, Auto: "current-password"},
	}}
}

func (p *Pages) signIn(v *visit) error {
	return v.show("signin", Page{Title: signInTitle, Body: signInForm()})
}

// begin puts a login into the cookie.
func (v *visit) begin(in Object, note string) {
	http.SetCookie(v.w, cookie(loginCookie, in.Text("secret"), loginLife))
	v.say(note)
}

func (p *Pages) postSignIn(v *visit) error {
	form := signInForm()
	body := map[string]any{
		"login": map[string]string{"type": "browser"},
		"user":  map[string]string{"email": v.r.PostFormValue("email"), "password": v.r.PostFormValue("password")},
	}
	v.api.auth = ""
	in, err := v.api.send(v.ctx(), http.MethodPost, "/logins", body)
	if err != nil {
		if refused := refusal(err); refused != nil && refused.Status == http.StatusUnauthorized {
			refused.Status = http.StatusForbidden // here it is not for want of a cookie
		}
		return v.refused(signInTitle, form, err)
	}
	http.SetCookie(v.w, cookie(loginCookie, in.Text("secret"), loginLife))
	to := v.r.URL.Query().Get("next")
	v.r.Form.Set("back", to)
	v.redirect(v.back(Root + "/"))
	return nil
}

func (p *Pages) signOut(v *visit) error {
	if v.api.auth != "" {
		if _, err := v.api.send(v.ctx(), http.MethodDelete, "/login", nil); err != nil {
			if refused := refusal(err); refused == nil || refused.Status != http.StatusUnauthorized {
				return err
			}
		}
	}
	http.SetCookie(v.w, forget(loginCookie))
	v.say("out")
	v.redirect(Root + "/sign-in")
	return nil
}

const setupTitle = "Set up this service"

func setupForm() *entry {
	return &entry{
		Lead: "You become the owner of the first place. The code stands where the service was started; it is good once.",
		Do:   "Set up",
		Fields: []Field{
			{Name: "code", Label: "One-time code", Kind: "text", Required: true, Auto: "off"},
			{Name: "name", Label: "Your name", Kind: "text", Required: true, Auto: "name"},
			{Name: "email", Label: "E-mail", Kind: "email", Required: true, Auto: "username"},
			{Name: "password", Label: "Password", Kind: "password", Required: true, Auto: "new-password", Hint: "At least 8 characters. A few words are better than a short riddle."},
			{Name: "place.name", Label: "Name of the place", Kind: "text", Required: true, Auto: "organization", Hint: "A building or a site."},
			timeZoneField("place.time_zone"),
		},
	}
}

func (p *Pages) setup(v *visit) error {
	return v.show("signin", Page{Title: setupTitle, Body: setupForm()})
}

func (p *Pages) postSetup(v *visit) error {
	form := setupForm()
	v.api.auth = ""
	if err := v.r.ParseForm(); err != nil {
		return err
	}
	in, err := v.api.send(v.ctx(), http.MethodPost, "/setup", read(form.sections(), v.r.PostForm, time.UTC))
	if err != nil {
		return v.refused(setupTitle, form, err)
	}
	v.begin(in, "welcome")
	v.redirect(Root + "/p/" + in.Text("place_id") + "/guide")
	return nil
}

const inviteTitle = "You are invited"

func inviteForm() *entry {
	return &entry{
		Lead: "Choose a password for your doors. If you have one here already, give that.",
		Do:   "Come in",
		Fields: []Field{
			{Name: "code", Label: "Invitation", Kind: "text", Required: true, Auto: "off", Hint: "It stands in the mail, if it is not here already."},
			{Name: "password", Label: "Password", Kind: "password", Required: true, Auto: "new-password", Hint: "At least 8 characters."},
		},
	}
}

// invited takes an invitation. Its code is in the address's fragment, from where the
// page's script puts it into the form: no server writes it into a log.
func (p *Pages) invited(v *visit) error {
	return v.show("signin", Page{Title: inviteTitle, Body: inviteForm()})
}

func (p *Pages) postInvited(v *visit) error {
	form := inviteForm()
	v.api.auth = ""
	if err := v.r.ParseForm(); err != nil {
		return err
	}
	in, err := v.api.send(v.ctx(), http.MethodPost, "/invitations", read(form.sections(), v.r.PostForm, time.UTC))
	if err != nil {
		if refused := refusal(err); refused != nil && refused.Status == http.StatusUnauthorized {
			refused.Status = http.StatusForbidden
		}
		return v.refused(inviteTitle, form, err)
	}
	v.begin(in, "welcome")
	v.redirect(Root + "/")
	return nil
}
