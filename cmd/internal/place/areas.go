package place

import (
	"slices"

	"doord/policy"
	"doord/store/cloudsync"
)

// Area is a part of the place in which members are or are not: anti-passback.
type Area struct {
	Base
	areaRecord
}

type (
	areaRecord struct{ areaFields }
	areaFields policy.Area
)

var areas = new(kind)

func init() {
	*areas = kind{
		path: "anti_passback_areas", envelope: "anti_passback_area", resource: "AntiPassbackArea",
		fresh:   func() record { return &Area{areaRecord: areaRecord{areaFields{Mode: policy.AreaHard}}} },
		object:  areaObject{},
		sorts:   map[string]func(*shower, record, record) int{"name": byName},
		actions: []action{{name: "forgive", body: forgiveBody{}, reply: done{}, do: forgive}},
	}
}

func (a *Area) text() string { return a.Name }
func (a *Area) refs() []ref {
	list := make([]ref, 0, len(a.Into)+len(a.OutOf))
	for _, id := range a.Into {
		list = append(list, ref{field: "in_reader_ids", to: readers, id: id})
	}
	for _, id := range a.OutOf {
		list = append(list, ref{field: "out_reader_ids", to: readers, id: id})
	}
	return list
}

// without a reader an area has one less; without any that leads into it it is none.
func (a *Area) without(to *kind, id int64) record {
	if to != readers {
		return nil
	}
	is := func(x int64) bool { return x == id }
	left := *a
	left.Into, left.OutOf = slices.DeleteFunc(slices.Clone(a.Into), is), slices.DeleteFunc(slices.Clone(a.OutOf), is)
	if len(left.Into) == 0 {
		return nil
	}
	return &left
}

func (a *Area) addTo(r *policy.Records) {
	p := policy.Area(a.areaFields)
	p.ID, p.PlaceID = a.ID, a.PlaceID
	r.Areas = append(r.Areas, p)
}

type areaObject struct {
	*Area
	ResourceType string  `json:"resource_type"`
	Into         []int64 `json:"in_reader_ids"`
	OutOf        []int64 `json:"out_reader_ids"`
}

func (a *Area) show(*shower) any {
	return &areaObject{a, areas.resource, orNone(a.Into), orNone(a.OutOf)}
}

func orNone(ids []int64) []int64 {
	if ids == nil {
		return []int64{}
	}
	return ids
}

// forgiveBody says whom to forgive; without a member it is everybody.
type forgiveBody struct {
	MemberID int64 `json:"member_id"`
}

// forgive has the controller of an area forget where a member is, or everybody.
func forgive(c *call, r record) (any, error) {
	a := r.(*Area)
	var body forgiveBody
	if err := c.decode("anti_passback_area", &body); err != nil {
		return nil, err
	}
	var on []int64
	var known bool
	c.s.read(func(v view) {
		m := v.get(members, body.MemberID)
		known = body.MemberID == 0 || m != nil && m.base().PlaceID == a.PlaceID
		for _, x := range a.refs() {
			if reader := lookup[Reader](v, readers, x.id); reader != nil {
				on = append(on, reader.ControllerID)
			}
		}
	})
	if !known {
		return nil, invalid("member_id", "is no member of the place")
	}
	ask := cloudsync.Forgive{By: cloudsync.By{Member: c.caller.at(a.PlaceID).member}, Whom: body.MemberID}
	if err := c.askAll(distinct(on), cloudsync.ActionForgive, 0, a.ID, ask); err != nil {
		return nil, err
	}
	return done{"Forgiven!"}, c.s.change(func(t *tx) error {
		t.tell(c, "anti_passback_area.forgive", areas, a)
		return nil
	})
}
