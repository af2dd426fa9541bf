package place

import (
	"testing"
	"time"

	"doord/store/cloudsync"
)

func TestLinksSayWhyTheyOpenNothing(t *testing.T) {
	w := newWorld(t)
	until := w.clock.now().Add(time.Hour).Format(time.RFC3339)
	for name, c := range map[string]struct{ fields, change, reason string }{
		"turned off": {`"name":"A"`, `{"group_link":{"link_enabled":false}}`, "link_disabled"},
		"not yet":    {`"name":"B","valid_from":"` + until + `"`, "", "not_yet_valid"},
		"over":       {`"name":"C","valid_until":"2026-03-01T00:00:00Z"`, "", "no_longer_valid"},
		"good":       {`"name":"D","valid_until":"` + until + `"`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			made := w.ok(201, "POST", "/group_links", w.owner, `{"group_link":{"group_id":%d,`+c.fields+`}}`, w.group)
			if c.change != "" {
				w.ok(204, "PATCH", f("/group_links/%d", id(made, "id")), w.owner, c.change)
			}
			a := w.ask("GET", "/locks", "KISI-GROUP-LINK "+made["secret"].(string), "")
			got, _ := a.object()["reason"].(string)
			if (a.status == 200) != (c.reason == "") || got != c.reason {
				t.Errorf("answered %d %s", a.status, a.text)
			}
		})
	}
	if a := w.ask("GET", "/locks", "KISI-GROUP-LINK nobody-has-this", ""); a.status != 401 || a.object()["reason"] != "link_invalid" {
		t.Errorf("answered %d %s", a.status, a.text)
	}
}

func TestAMembersOwnLinkOpensHisDoorsAndNothingElse(t *testing.T) {
	w := newWorld(t)
	member := w.made("/members", `{"member":{"name":"Lin","link_allowed":true,"place_id":%d}}`, w.place)
	w.assign(member, "administrator", 0)
	made := w.ok(201, "POST", "/cards", w.owner, `{"card":{"member_id":%d,"kind":"link"}}`, member)
	link := "KISI-GROUP-LINK " + made["secret"].(string)
	if list := w.ask("GET", "/locks", link, "").list(); len(list) != 0 {
		t.Errorf("in no group, it sees %v", list)
	}
	w.assign(member, "member", w.group)
	if list := w.ask("GET", "/locks", link, "").list(); len(list) != 1 || id(list[0], "id") != w.lock {
		t.Errorf("it sees %v", list)
	}
	var asked cloudsync.Unlock
	w.boards.do = func(_ int64, _ cloudsync.Action, _, _ int64, body any) (cloudsync.Result, error) {
		asked, _ = body.(cloudsync.Unlock)
		return cloudsync.Result{Done: true}, nil
	}
	w.ok(200, "POST", f("/locks/%d/unlock", w.lock), link, "")
	if asked.Link != hashed(made["secret"].(string)) || asked.Member != 0 {
		t.Errorf("the controller was asked %+v", asked)
	}
	if c := w.ok(200, "GET", f("/cards/%d", id(made, "id")), w.owner, ""); c["last_used_at"] == nil {
		t.Error("it does not say when it was used")
	}
	for _, path := range []string{"/members", "/cards", "/events?place_id=" + f("%d", w.place), "/controllers"} {
		if a := w.ask("GET", path, link, ""); a.status == 200 && len(a.list()) > 0 {
			t.Errorf("%s: it sees %s", path, a.text)
		}
	}
	w.ok(403, "POST", f("/locks/%d/lock_down", w.lock), link, "")
	w.ok(204, "PATCH", f("/members/%d", member), w.owner, `{"member":{"link_allowed":false}}`)
	if a := w.ask("GET", "/locks", link, ""); a.status != 401 || a.object()["reason"] != "link_disabled" {
		t.Errorf("not allowed any more: %d %s", a.status, a.text)
	}
}

func TestManagersGiveLinksThatOpenNoMoreThanTheyManage(t *testing.T) {
	w := newWorld(t)
	asManager := w.who[3].authorization
	member := w.made("/members", `{"member":{"name":"Lin","link_allowed":true,"place_id":%d}}`, w.place)
	link := f(`{"card":{"member_id":%d,"kind":"link","place_id":%d}}`, member, w.place)
	w.ok(403, "POST", "/cards", asManager, link)
	w.assign(member, "member", w.group)
	made := w.ok(201, "POST", "/cards", asManager, link)
	w.ok(403, "POST", "/cards", asManager, f(`{"card":{"member_id":%d,"format":"H10301","facility":1,"card":77,"place_id":%d}}`, member, w.place))
	w.ok(403, "PATCH", f("/cards/%d", id(made, "id")), asManager, `{"card":{"kind":"card","format":"H10301","facility":1,"card":77}}`)
	w.ok(204, "PATCH", f("/cards/%d", id(made, "id")), asManager, `{"card":{"status":"deactivated"}}`)
	w.assign(member, "member", w.made("/groups", `{"group":{"name":"Vault","place_id":%d}}`, w.place))
	w.ok(403, "POST", "/cards", asManager, link)
}
