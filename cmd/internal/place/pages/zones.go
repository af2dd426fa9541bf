package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// zones are the doors that are armed together.
func (p *Pages) zones(v *visit) error {
	list, err := v.api.all(v.ctx(), "zones", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	levels := map[string]level{}
	for _, z := range list {
		levels[z.Text("id")] = v.levelOf(z)
	}
	return v.show("zones", Page{Title: "Zones", Nav: "zones", Live: true, Body: map[string]any{"List": list, "Levels": levels}})
}

// level is how a zone is armed now, and why.
type level struct {
	Word  string
	Class string
	Why   string
}

// levelOf works out a zone's level from its override, else from its blocks.
func (v *visit) levelOf(z Object) level {
	shared := z.In("state").In("shared")
	if z.Is("violated") {
		return level{"Violated", "alarm", "since " + when(shared.Time("violated_at"), v.loc)}
	}
	if z.Text("source") == "panel" {
		return level{"By an alarm panel", "", "it arms and disarms the zone"}
	}
	if o := shared.In("override"); o.Time("until").After(v.now()) && o.Text("level") != "" {
		return level{armed(o.Text("level")), "", "by hand or by access until " + o.Time("until").In(v.loc).Format("Mon 15:04")}
	}
	now := v.now().In(v.loc)
	best := ""
	for _, b := range z.List("blocks") {
		if inBlock(b, now) && (best == "" || b.Text("level") == "away") {
			best = b.Text("level")
		}
	}
	if best == "" {
		return level{armed("disarmed"), "", "outside its hours"}
	}
	return level{armed(best), "", "by its hours"}
}

func armed(word string) string {
	return map[string]string{"away": "Armed, away", "stay": "Armed, stay", "disarmed": "Disarmed"}[word]
}

// inBlock reports whether a moment is in the hours of a block, which may cross midnight.
func inBlock(b Object, now time.Time) bool {
	minutes := func(s string) int {
		h, m, _ := strings.Cut(s, ":")
		hours, err1 := strconv.Atoi(h)
		mins, err2 := strconv.Atoi(m)
		if err1 != nil || err2 != nil {
			return 0
		}
		return hours*60 + mins
	}
	start, end := minutes(b.Text("start")), minutes(b.Text("end"))
	at, today := now.Hour()*60+now.Minute(), int(now.Weekday()+6)%7
	on := func(day int) bool { return slices.Contains(b.Words("weekdays"), weekdays[(day+7)%7]) }
	if start < end {
		return on(today) && at >= start && at < end
	}
	return on(today) && at >= start || on(today-1) && at < end
}

// zone is one of them with its hours.
func (p *Pages) zone(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	z, err := v.api.get(v.ctx(), "zones", id)
	if err != nil {
		return err
	}
	doors, err := v.api.all(v.ctx(), "locks", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	return v.show("zone", Page{Title: z.Text("name"), Nav: "zones", Live: true, Body: map[string]any{
		"Z": z, "Level": v.levelOf(z), "Doors": named(doors), "Blocks": blockRows(z),
	}})
}

// blockRow is a weekly block in words.
type blockRow struct {
	Index  int
	When   string
	Level  string
	Access string
}

func blockRows(z Object) []blockRow {
	var rows []blockRow
	for i, b := range z.List("blocks") {
		var on [7]bool
		for d := range on {
			on[d] = slices.Contains(b.Words("weekdays"), weekdays[d])
		}
		row := blockRow{Index: i, When: dayWords(on) + ", " + b.Text("start") + "–" + b.Text("end"), Level: armed(b.Text("level"))}
		switch b.Text("override_on_access") {
		case "disarm":
			row.Access = "somebody coming in disarms it"
		case "stay":
			row.Access = "somebody coming in sets it to stay"
		default:
			row.Access = "coming in changes nothing"
		}
		rows = append(rows, row)
	}
	return rows
}

func blockSections() []Section {
	return []Section{{Fields: []Field{
		{Name: "weekdays", Label: "On", Kind: "days", Options: dayOptions(), read: func(f url.Values) any { return append([]string{}, f["weekdays"]...) }},
		{Name: "start", Label: "From", Kind: "time", Required: true},
		{Name: "end", Label: "Until", Kind: "text", Required: true, Auto: "off", Hint: "As in 07:00; before the start it is on the next day."},
		{Name: "level", Label: "Armed", Kind: "choice", Options: pairs("away", "Away: nobody is meant to be there", "stay", "Stay: people may come in")},
		{Name: "override_on_access", Label: "When somebody who may comes in", Kind: "choice", Options: pairs("none", "Nothing changes", "disarm", "It is disarmed", "stay", "It changes to stay")},
		{Name: "override_duration", Label: "For", Kind: "number", Unit: "seconds", Min: "1", Max: "86400", Required: true},
	}}}
}

// block is the form of one weekly block, or of a new one.
func (p *Pages) block(v *visit) error {
	z, i, err := v.findBlock()
	if err != nil {
		return err
	}
	o := Object{"level": "away", "override_on_access": "none", "override_duration": 3600}
	if blocks := z.List("blocks"); i < len(blocks) {
		o = blocks[i]
	}
	sections := blockSections()
	fill(sections, o, v.loc)
	return v.showBlock(http.StatusOK, z, i, sections, nil)
}

func (v *visit) findBlock() (z Object, i int, err error) {
	id, err := v.id("id")
	if err != nil {
		return nil, 0, err
	}
	if z, err = v.api.get(v.ctx(), "zones", id); err != nil {
		return nil, 0, err
	}
	n := len(z.List("blocks"))
	if v.r.PathValue("block") == "new" {
		return z, n, nil
	}
	i, err = strconv.Atoi(v.r.PathValue("block"))
	if err != nil || i < 0 || i >= n {
		return nil, 0, missing()
	}
	return z, i, nil
}

func (v *visit) showBlock(status int, z Object, i int, sections []Section, mistakes []Mistake) error {
	back := v.here("/zones/", z.Text("id"))
	f := editForm{Sections: sections, Errors: mistakes, Do: "Save", Back: back, Object: z}
	if i < len(z.List("blocks")) {
		f.Delete = map[string]any{"id": "delete", "word": "Delete…", "do": "Delete", "title": "Delete these hours?",
			"action": v.here("/zones/", z.Text("id"), "/blocks/", strconv.Itoa(i), "/delete")}
	}
	return v.showAs(status, "edit", Page{Title: "Hours of " + z.Text("name"), Nav: "zones", Body: f})
}

func (p *Pages) postBlock(v *visit) error { return v.changeBlock(true) }

func (p *Pages) removeBlock(v *visit) error { return v.changeBlock(false) }

// changeBlock puts a block into the zone's list, or takes it away.
func (v *visit) changeBlock(keep bool) error {
	z, i, err := v.findBlock()
	if err != nil {
		return err
	}
	if err := v.r.ParseForm(); err != nil {
		return err
	}
	var blocks []any
	for _, b := range z.List("blocks") {
		blocks = append(blocks, b)
	}
	sections := blockSections()
	switch {
	case !keep:
		blocks = slices.Delete(blocks, i, i+1)
	case i < len(blocks):
		blocks[i] = read(sections, v.r.PostForm, v.loc)
	default:
		blocks = append(blocks, read(sections, v.r.PostForm, v.loc))
	}
	if blocks == nil {
		blocks = []any{}
	}
	if _, err := v.api.send(v.ctx(), http.MethodPatch, at("zones", z.ID()), Object{"zone": Object{"blocks": blocks}}); err != nil {
		refill(sections, v.r.PostForm)
		if refused := refusal(err); refused != nil {
			refused.Fields = withoutPrefix(refused.Fields, "blocks["+strconv.Itoa(i)+"].")
		}
		mistakes, err := blame(sections, err)
		if err != nil {
			return err
		}
		return v.showBlock(http.StatusUnprocessableEntity, z, i, sections, mistakes)
	}
	v.say("saved")
	v.redirect(v.here("/zones/", z.Text("id")))
	return nil
}

func withoutPrefix(fields map[string][]string, prefix string) map[string][]string {
	short := map[string][]string{}
	for name, texts := range fields {
		short[strings.TrimPrefix(name, prefix)] = texts
	}
	return short
}

// override arms or disarms a zone for a while.
func (p *Pages) override(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	body := Object{"level": v.r.PostFormValue("level"), "duration": number(v.r.PostFormValue("duration"))}
	if _, err := v.api.send(v.ctx(), http.MethodPost, at("zones", id, "override"), body); err != nil {
		return err
	}
	v.say("done")
	v.redirect(v.here("/zones/", v.r.PathValue("id")))
	return nil
}
