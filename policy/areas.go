package policy

import "strings"

// Area is a part of the place in which a member is or is not: who went in cannot
// go in again before he came out, and the other way round. It is known by its
// readers, which are all on one controller: controllers do not tell each other who
// went where.
type Area struct {
	ID      int64    `json:"id"`
	Name    string   `json:"name"`
	PlaceID int64    `json:"place_id,omitempty"`
	Mode    AreaMode `json:"mode"`
	// Timeout is how long it is known where a member is, 1 s to 7 days; 0: until he
	// is seen elsewhere, or forgiven.
	Timeout Seconds `json:"timeout,omitempty"`
	Into    []int64 `json:"in_reader_ids"`
	OutOf   []int64 `json:"out_reader_ids,omitempty"`
}

// AreaMode says what becomes of a passage that cannot be.
type AreaMode string

// The modes: hard denies, soft admits and tells. The first is the default.
const (
	AreaHard AreaMode = "hard"
	AreaSoft AreaMode = "soft"
)

// longestWhereabouts bounds the timeout of an area.
const longestWhereabouts Seconds = 7 * 86400

// areas checks the areas. A reader leads into one area at most, and out of one.
func (v *validator) areas(r *Records) {
	controllerOf := make(map[int64]int64, len(r.Readers))
	for _, x := range r.Readers {
		controllerOf[x.ID] = x.ControllerID
	}
	into, outOf := map[int64]int64{}, map[int64]int64{}
	for i, a := range r.Areas {
		v.at("anti_passback_areas", i)
		v.must("name", strings.TrimSpace(a.Name) != "", "can't be blank")
		v.must("place_id", a.PlaceID == 0 || a.PlaceID == r.Place.ID, "is %d, but the place is %d", a.PlaceID, r.Place.ID)
		oneOf(v, "mode", a.Mode, AreaHard, AreaSoft)
		v.must("timeout", a.Timeout == 0 || a.Timeout >= 1 && a.Timeout <= longestWhereabouts, "%v s is outside 1 to %v s", a.Timeout, longestWhereabouts)
		v.must("in_reader_ids", len(a.Into) > 0, "must name at least one reader")
		var first int64
		claim := func(field string, reader int64, taken, other map[int64]int64) {
			on, known := controllerOf[reader]
			v.must(field, known, "there is no reader %d", reader)
			v.must(field, taken[reader] == 0, "reader %d is named by area %d already", reader, taken[reader])
			v.must(field, other[reader] != a.ID, "reader %d leads into the area and out of it", reader)
			if first == 0 {
				first = on
			}
			v.must(field, !known || on == first, "reader %d is on controller %d, others of the area on %d: they do not tell each other who went where", reader, on, first)
			taken[reader] = a.ID
		}
		for _, id := range a.Into {
			claim("in_reader_ids", id, into, outOf)
		}
		for _, id := range a.OutOf {
			claim("out_reader_ids", id, outOf, into)
		}
	}
}

// Area returns the area with this id, or nil.
func (s *Set) Area(id int64) *Area {
	for i := range s.Areas {
		if s.Areas[i].ID == id {
			return &s.Areas[i]
		}
	}
	return nil
}
