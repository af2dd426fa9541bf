package pages

import (
	"net/http"
	"strconv"
)

// groups are who may open what.
func (p *Pages) groups(v *visit) error {
	list, err := v.api.all(v.ctx(), "groups", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	return v.show("groups", Page{Title: "Groups", Nav: "groups", Body: map[string]any{"List": list, "All": v.runsAll()}})
}

// group is one of them with its doors, members, links and hours.
func (p *Pages) group(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	group, err := v.api.get(v.ctx(), "groups", id)
	if err != nil {
		return err
	}
	body := map[string]any{"Group": group, "All": v.runsAll()}
	doors, err := v.api.all(v.ctx(), "group_locks", v.ofPlace("group_id", id))
	if err != nil {
		return err
	}
	body["Doors"] = doors
	has := map[int64]bool{}
	for _, d := range doors {
		has[d.Int("lock_id")] = true
	}
	if v.runsAll() {
		locks, err := v.api.all(v.ctx(), "locks", v.ofPlace("sort", "name"))
		if err != nil {
			return err
		}
		var others []Object
		for _, l := range locks {
			if !has[l.ID()] {
				others = append(others, l)
			}
		}
		body["Others"] = others
	}
	if err := v.stopsOf(id, body); err != nil {
		return err
	}
	offset := v.offset()
	people, total, err := v.api.list(v.ctx(), "role_assignments", v.ofPlace("group_id", id, "limit", pageSize, "offset", offset))
	if err != nil {
		return err
	}
	body["People"], body["Paging"] = people, v.paging(offset, total)
	in := map[int64]bool{}
	for _, a := range people {
		in[a.Int("member_id")] = true
	}
	if search := v.r.URL.Query().Get("q"); search != "" {
		found, _, err := v.api.list(v.ctx(), "members", v.ofPlace("query", search, "sort", "name", "limit", 20))
		if err != nil {
			return err
		}
		body["Search"], body["Found"], body["In"] = search, found, in
	}
	links, err := optional(v.api.all(v.ctx(), "group_links", v.ofPlace("group_id", id)))
	if err != nil {
		return err
	}
	body["Links"] = links
	if body["Schedules"], err = v.schedulesOf("Group", id); err != nil {
		return err
	}
	if group.Is("time_restriction_enabled") {
		if body["Week"], err = v.week("Group", group); err != nil {
			return err
		}
	}
	if body["Warnings"], err = v.warnings("Group", id); err != nil {
		return err
	}
	return v.show("group", Page{Title: group.Text("name"), Nav: "groups", Body: body})
}

// addDoor puts a door into a group.
func (p *Pages) addDoor(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	body := Object{"group_lock": Object{"group_id": id, "lock_id": number(v.r.PostFormValue("lock_id")), "place_id": v.place.ID()}}
	if _, err := v.api.send(v.ctx(), http.MethodPost, "/group_locks", body); err != nil {
		return err
	}
	v.say("saved")
	v.redirect(v.here("/groups/", v.r.PathValue("id")))
	return nil
}

// addMember puts a member into a group.
func (p *Pages) addMember(v *visit) error {
	id, err := v.id("id")
	if err != nil {
		return err
	}
	body := Object{"role_assignment": Object{
		"role_id": "member", "member_id": number(v.r.PostFormValue("member_id")), "place_id": v.place.ID(),
		"applies_to": Object{"type": "group", "id": id},
	}}
	if _, err := v.api.send(v.ctx(), http.MethodPost, "/role_assignments", body); err != nil {
		return err
	}
	v.say("saved")
	v.redirect(v.back(v.here("/groups/", v.r.PathValue("id"))))
	return nil
}

// takeOut takes a door or a member out of a group.
func (p *Pages) takeOut(v *visit) error {
	kind := v.r.PathValue("kind")
	id, err := v.id("id")
	if err != nil || kind != "group_locks" && kind != "group_elevator_stops" && kind != "role_assignments" {
		return missing()
	}
	if _, err := v.api.send(v.ctx(), http.MethodDelete, at(kind, id), nil); err != nil {
		return err
	}
	v.say("saved")
	v.redirect(v.back(v.here("/groups")))
	return nil
}

// paging leads through a long list.
type paging struct {
	From, To, Total int
	Before, After   string
}

func (v *visit) offset() int {
	n, err := strconv.Atoi(v.r.URL.Query().Get("from"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func (v *visit) paging(offset, total int) paging {
	p := paging{From: min(offset+1, total), To: min(offset+pageSize, total), Total: total}
	to := func(n int) string {
		query := v.r.URL.Query()
		query.Set("from", strconv.Itoa(n))
		return "?" + query.Encode()
	}
	if offset > 0 {
		p.Before = to(max(offset-pageSize, 0))
	}
	if offset+pageSize < total {
		p.After = to(offset + pageSize)
	}
	return p
}
