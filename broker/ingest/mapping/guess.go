package mapping

import (
	"cmp"
	"slices"
	"strings"
)

// A draft is a source that is about to be written.
type draft struct {
	form    string
	from    *sample
	columns map[string]*sampled // by plain column
	given   map[string]string   // YAML in place of a column
	checks  map[string]string   // comments behind a column
	unique  []string
	wide    bool
	notes   []string
}

// guess finds the columns of a plain file in a sample; nil where it is another
// file.
func (g guess) draft(s *sample) *draft {
	d := &draft{form: g.form, from: s, columns: map[string]*sampled{}, given: map[string]string{}, checks: map[string]string{}}
	named := slices.ContainsFunc(g.words, func(w string) bool { return strings.Contains(squash(s.file+" "+s.sheet), w) })
	for _, column := range append(columnsOf(g.form), "full_name") {
		var also []string
		if named && column == g.own {
			also = ownID
		}
		if c := s.called(column, also); c != nil && !slices.Contains(d.taken(), c) {
			d.columns[column] = c
		}
	}
	d.wide = s.wideFrom > 0 && (g.form == "attendance.csv" || g.form == participation)
	for _, oneOf := range g.must {
		if !slices.ContainsFunc(oneOf, d.has) {
			return nil
		}
	}
	has := func(column string) bool { return s.called(column, nil) != nil && d.columns[column] == nil }
	if slices.ContainsFunc(g.never, has) || s.wideFrom > 0 && !d.wide {
		return nil
	}
	d.nameParts()
	return d
}

func (d *draft) taken() (list []*sampled) {
	for _, c := range d.columns {
		list = append(list, c)
	}
	return list
}

func (d *draft) has(column string) bool {
	byDates := d.wide && (column == "date" || column == "code")
	return byDates || d.columns[column] != nil || d.given[column] != ""
}

// nameParts cuts a full name where there are no parts.
func (d *draft) nameParts() {
	full := d.columns["full_name"]
	delete(d.columns, "full_name")
	if full == nil || placeOf(d.form, "given_name") < 0 || d.columns["given_name"] != nil {
		return
	}
	for _, part := range []string{"given", "family"} {
		d.given[part+"_name"] = "{column: " + full.ref() + ", split: \"given family\", take: " + part + "}"
		d.checks[part+"_name"] = "check: or \"family, given\""
	}
}

// drafts guesses each plain file; of several samples for one that has to come
// from one place the fullest is taken.
func drafts(samples []*sample) map[string][]*draft {
	found := map[string][]*draft{}
	for _, g := range guesses {
		for _, s := range samples {
			if s.header == 0 {
				continue
			}
			if d := g.draft(s); d != nil {
				found[g.form] = append(found[g.form], d)
			}
		}
		slices.SortStableFunc(found[g.form], func(a, b *draft) int { return cmp.Compare(len(b.columns), len(a.columns)) })
	}
	for _, form := range []string{"schools.csv", "sessions.csv", "students.csv", "enrollments.csv", "calendar.csv"} {
		if len(found[form]) > 1 {
			found[form] = found[form][:1]
		}
	}
	complete(found)
	return found
}

// complete fills in what can be had from other files, and drops drafts that
// stay without a column that they need.
func complete(found map[string][]*draft) {
	fromEnrollments(found)
	for form, list := range found {
		for _, d := range list {
			d.fill(found)
		}
		found[form] = slices.DeleteFunc(list, func(d *draft) bool { return len(d.missing()) > 0 })
		if len(found[form]) == 0 {
			delete(found, form)
		}
	}
}

// missing are the columns without which the mapping would be refused.
func (d *draft) missing() (list []string) {
	for _, column := range needed[d.form] {
		if !d.has(column) {
			list = append(list, column)
		}
	}
	return list
}

// fromEnrollments takes schools from where students are at them, and days of
// instruction from a register that lists who was there.
func fromEnrollments(found map[string][]*draft) {
	if len(found["schools.csv"]) == 0 && len(found["enrollments.csv"]) > 0 {
		from := found["enrollments.csv"][0]
		d := from.with("schools.csv", "school_id")
		d.columns["name"] = cmp.Or(from.from.called("name", nil), d.columns["school_id"])
		d.unique = []string{"school_id"}
		found["schools.csv"] = []*draft{d}
	}
	for _, from := range found["attendance.csv"] {
		code := from.columns["code"]
		if len(found["calendar.csv"]) > 0 || from.wide || code == nil || from.columns["school_id"] == nil || !listsPresent(code) {
			continue
		}
		d := from.with("calendar.csv", "school_id", "date")
		d.given["instructional"] = "{value: yes}"
		d.checks["instructional"] = "each day that the register lists"
		d.unique = []string{"school_id", "date"}
		found["calendar.csv"] = []*draft{d}
	}
}

func listsPresent(c *sampled) bool {
	for text := range c.texts {
		if likely["code"][squash(text)] == "present" {
			return true
		}
	}
	return false
}

// with is a draft of another plain file from the same sample.
func (d *draft) with(form string, columns ...string) *draft {
	o := &draft{form: form, from: d.from, columns: map[string]*sampled{}, given: map[string]string{}, checks: map[string]string{}}
	for _, c := range columns {
		o.columns[c] = d.columns[c]
	}
	return o
}

// fill gives a column that is missing from another file, or a constant that a
// person has to look at.
func (d *draft) fill(found map[string][]*draft) {
	set := func(column, yaml, check string) {
		if placeOf(d.form, column) >= 0 && !d.has(column) {
			d.given[column], d.checks[column] = yaml, check
		}
	}
	if stays := found["enrollments.csv"]; len(stays) > 0 && d.columns["student_id"] != nil && d.form != "enrollments.csv" {
		set("school_id", d.schoolOf(stays[0]), "check: the school that the student is enrolled at")
	}
	if d.form == "sessions.csv" {
		set("title", d.columns["session_id"].ref(), "")
		set("type", "{value: schoolYear}", "check: schoolYear, semester, term or gradingPeriod")
	}
	if id := d.columns["session_id"]; d.form == "sessions.csv" && len(id.texts) < d.from.rows {
		d.unique = []string{"session_id"}
	}
	set("incident_type", "{value: not given}", "check")
	set("action", "{value: none}", "check")
	if d.form == "grades.csv" {
		set("scale", scaleOf(d.columns["value"]), "check: the ends of the scale, or letter")
	}
	if relation := d.columns["relation"]; relation != nil && d.form == "guardians.csv" {
		set("holds_rights", relation.ref(), "check: parents and guardians only")
	}
	if d.form == "enrollments.csv" && !d.has("entry") {
		d.notes = append(d.notes, "no day of entry was found: that of the school year is taken")
	}
}

// schoolOf looks a student's school up.
func (d *draft) schoolOf(stays *draft) string {
	file := "file: " + pattern(stays.from.file)
	if stays.from.sheet != "" {
		file += ", sheet: " + quote(stays.from.sheet)
	}
	if stays.from.separator != ',' {
		file += ", separator: " + separatorWord(stays.from.separator)
	}
	if stays.from.header > 1 {
		file += ", header: " + itoa(stays.from.header)
	}
	return "{column: " + d.columns["student_id"].ref() + ", lookup: {" + file +
		", key: " + stays.columns["student_id"].ref() + ", value: " + stays.columns["school_id"].ref() + "}}"
}

// scaleOf proposes a scale by the shape of the results.
func scaleOf(c *sampled) string {
	if c == nil {
		return ""
	}
	switch {
	case c.numbers == 0:
		return "{value: letter}"
	case c.most <= 4:
		return "{value: 0-4}"
	case c.most <= 20:
		return "{value: 0-20}"
	}
	return "{value: 0-100}"
}
