package pages

import (
	"strconv"

	"doord/reader/wiegand"
)

// cardFormats are the formats that a card's number can have.
func cardFormats() []Option {
	options := []Option{{Value: "", Label: "By serial number (UID)"}}
	for _, f := range wiegand.Formats() {
		options = append(options, Option{Value: f, Label: f})
	}
	return options
}

// presented is a card that nobody has, held to a reader a moment ago.
type presented struct {
	Event   Object
	Reader  string
	Choices []presentedAs
}

// presentedAs is one way to read it.
type presentedAs struct {
	Label string
	Path  string // of the form that makes it a member's
}

// enrol waits for a card to be held to a reader.
func (p *Pages) enrol(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	m, err := v.api.get(v.ctx(), "members", id)
	if err != nil {
		return err
	}
	list, _, err := v.api.list(v.ctx(), "presented_cards", v.ofPlace("limit", 20))
	if err != nil {
		return err
	}
	var cards []presented
	for _, e := range list {
		if c := v.readings(e, m); len(c.Choices) > 0 {
			cards = append(cards, c)
		}
	}
	return v.show("enrol", Page{Title: "Enrol a card", Nav: "members", Live: true, Body: map[string]any{"Member": m, "Cards": cards}})
}

// readings are the ways to read what was presented.
func (v *visit) readings(e, member Object) presented {
	c := presented{Event: e, Reader: e.Text("reader")}
	form := v.here("/cards/new?")
	given := func(pairs ...any) string {
		pairs = append(pairs, "member_id", member.ID(), "back", v.here("/members/", member.Text("id")))
		return form + q(pairs...).Encode()
	}
	bits, err := wiegand.ParseBits(e.Text("bits"))
	if err != nil || bits.Len() == 0 {
		return c
	}
	for _, candidate := range wiegand.Find(bits) {
		if !candidate.ParityOK {
			continue
		}
		if candidate.UID != "" {
			c.Choices = append(c.Choices, presentedAs{candidate.Format + ", serial number " + candidate.UID,
				given("kind", "card", "format", "", "uid", candidate.UID)})
			continue
		}
		if candidate.Card == nil {
			continue
		}
		label, pairs := candidate.Format+", ", []any{"kind", "card", "format", candidate.Format, "card", *candidate.Card}
		if candidate.Facility != nil {
			label += strconv.FormatUint(*candidate.Facility, 10) + " / "
			pairs = append(pairs, "facility", *candidate.Facility)
		}
		c.Choices = append(c.Choices, presentedAs{label + strconv.FormatUint(*candidate.Card, 10), given(pairs...)})
	}
	return c
}
