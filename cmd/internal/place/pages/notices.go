package pages

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"doord/cmd/internal/place"
	"doord/policy"
)

// topics say what people are told of.
var topics = map[place.Topic]string{
	place.TopicZoneViolation:     "A zone is violated",
	place.TopicForcedOpen:        "A door is forced open",
	place.TopicHeldOpen:          "A door is held open",
	place.TopicTwoFactor:         "A phone has to be unlocked first",
	place.TopicControllerOffline: "A controller is offline",
	place.TopicPolicyStale:       "A controller has not heard from the place for too long",
}

// setting is what somebody wants to be told of at one place.
type setting struct {
	ID     int64 // 0: he has none yet
	Member int64
	Place  string
	Kinds  []way
	read   time.Time
}

// way is one topic and the ways of being told.
type way struct {
	Word       string
	Label      string
	Page, Mail bool
}

// settings are those of who has signed in, at each place that he is a member of.
func (v *visit) settings() ([]setting, error) {
	me, err := v.api.all(v.ctx(), "members", q("user_id", "me"))
	if err != nil {
		return nil, err
	}
	var all []setting
	for _, m := range me {
		s, err := v.settingOf(m)
		if err != nil {
			return nil, err
		}
		home, err := v.api.get(v.ctx(), "places", m.Int("place_id"))
		if err != nil {
			return nil, err
		}
		s.Place = home.Text("name")
		all = append(all, s)
	}
	return all, nil
}

// settingOf is that of one member. Without one he is told of everything on the page.
func (v *visit) settingOf(m Object) (setting, error) {
	s := setting{Member: m.ID(), read: m.Time("created_at")}
	list, err := v.api.all(v.ctx(), "notification_settings", q("place_id", m.Int("place_id"), "member_id", m.ID()))
	if err != nil {
		return s, err
	}
	var kept Object
	if len(list) > 0 {
		kept = list[0]
		s.ID = kept.ID()
		if t := kept.Time("read_through"); !t.IsZero() {
			s.read = t
		}
	}
	for _, t := range place.Topics() {
		s.Kinds = append(s.Kinds, way{
			Word: string(t), Label: topics[t],
			Page: kept == nil || slices.Contains(kept.Words("page"), string(t)), Mail: slices.Contains(kept.Words("mail"), string(t)),
		})
	}
	return s, nil
}

// save keeps a change to somebody's setting.
func (v *visit) save(s setting, placeID int64, change Object) error {
	body := Object{"notification_setting": change}
	if s.ID != 0 {
		_, err := v.api.send(v.ctx(), http.MethodPatch, at("notification_settings", s.ID), body)
		return err
	}
	change["member_id"], change["place_id"] = s.Member, placeID
	_, err := v.api.send(v.ctx(), http.MethodPost, "/notification_settings", body)
	return err
}

func (p *Pages) postSettings(v *visit) error {
	me, err := v.api.all(v.ctx(), "members", q("user_id", "me"))
	if err != nil {
		return err
	}
	if err := v.r.ParseForm(); err != nil {
		return err
	}
	for _, m := range me {
		s, err := v.settingOf(m)
		if err != nil {
			return err
		}
		chosen := func(way string) []string { return append([]string{}, v.r.PostForm[way+"-"+m.Text("id")]...) }
		if err := v.save(s, m.Int("place_id"), Object{"page": chosen("page"), "mail": chosen("mail")}); err != nil {
			return err
		}
	}
	v.say("saved")
	v.redirect(Root + "/you")
	return nil
}

// mine is who has signed in, as a member of the place.
func (v *visit) mine() (Object, error) {
	list, err := v.api.all(v.ctx(), "members", v.ofPlace("user_id", "me"))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

const (
	mostWaiting = 20                  // events that wait on a page
	longest     = 30 * 24 * time.Hour // that something waits
	fresh       = time.Minute         // how long an alert stands
)

// waiting is what happened of the topics since the person last said that he has read it
// all: also what he is not told of, which waits here until he looks.
func (v *visit) waiting() ([]Object, error) {
	s, err := v.mySetting()
	if err != nil || s == nil {
		return nil, err
	}
	after := s.read
	if oldest := v.now().Add(-longest); after.Before(oldest) {
		after = oldest
	}
	return v.notable(after)
}

// alerts is what happened just now of what the person wants to be told of on the page.
func (v *visit) alerts() ([]Object, error) {
	list, err := v.notable(v.now().Add(-fresh))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	s, err := v.mySetting()
	if err != nil || s == nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(e Object) bool {
		return !e.Time("created_at").After(s.read) || slices.ContainsFunc(s.Kinds, func(k way) bool { return k.Word == string(topicOf(e)) && !k.Page })
	}), nil
}

// mySetting is that of who has signed in at the place; nil if he is no member of it.
func (v *visit) mySetting() (*setting, error) {
	me, err := v.mine()
	if err != nil || me == nil {
		return nil, err
	}
	s, err := v.settingOf(me)
	return &s, err
}

func topicOf(e Object) place.Topic {
	return place.TopicOf(policy.EventType(e.Text("type")), policy.Reason(e.Text("reason")))
}

// notable are the events of all topics after a moment, the newest first.
func (v *visit) notable(after time.Time) ([]Object, error) {
	var types []string
	for _, t := range place.Topics() {
		for _, kind := range t.Events() {
			types = append(types, string(kind))
		}
	}
	list, _, err := v.api.list(v.ctx(), "events", v.ofPlace("type", strings.Join(types, ","),
		"after", after.Add(time.Millisecond).UTC().Format(time.RFC3339Nano), "limit", mostRows))
	if list, err = optional(list, err); err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(e Object) bool { return topicOf(e) == "" })
	if list = list[:min(len(list), mostWaiting)]; len(list) == 0 {
		return nil, nil
	}
	doors, err := v.api.all(v.ctx(), "locks", v.ofPlace())
	if err != nil {
		return nil, err
	}
	return list, v.nameEvents(list, doors)
}

// read says that all that waits was seen.
func (p *Pages) read(v *visit) error {
	s, err := v.mySetting()
	if err != nil {
		return err
	}
	if s == nil {
		return missing()
	}
	if err := v.save(*s, v.place.ID(), Object{"read_through": v.now().UTC().Format(time.RFC3339Nano)}); err != nil {
		return err
	}
	v.say("read")
	v.redirect(v.back(v.here("/doors")))
	return nil
}
