package broker_test

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/sdc"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

// The identities of a closed period. What the store holds and what partners are served
// is held against what a witness knows by itself: the files that were loaded and who
// said yes. Students are counted one at a time, and sums are made by hand.

// witness is what a test knows of a district.
type witness struct {
	year      handYear
	corrected *handYear // the files of a correction, if there was one
	told      toldOf
}

// toldOf has the students of whom a partner was ever given records of a family, by
// partner and family.
type toldOf map[string]map[string][]string

// given are the families of which the tests' consents speak.
var given = []string{"attendance", "grades"}

func (t toldOf) add(partner, family, student string) {
	if t[partner] == nil {
		t[partner] = map[string][]string{}
	}
	t[partner][family] = append(t[partner][family], student)
}

// identities is a period under examination. What is broken is said in words.
type identities struct {
	broker.Published
	witness
	places  map[string]uint32
	figures []*handFigure
	broken  []string
}

// handFigure is one indicator of one agreement.
type handFigure struct {
	broker.PublishedAgreement
	indicator, family string
	floor             int             // of unconsented students in a cohort
	self, anyone      *roaring.Bitmap // whose values the partner was given, and anyone
	rows              map[sdc.Key]handRow
	verdicts          map[sdc.Key]sdc.Verdict
}

// handRow are the students of a row who have a value, and how many it has with those
// who have none.
type handRow struct {
	p, r, t      *roaring.Bitmap
	cohort, rest int
	cells        int // in which somebody takes part
}

// examine fails the test for each identity of a period that does not hold, as stored
// and as served.
func (d *district) examine(session string, w witness) {
	d.t.Helper()
	for _, what := range d.brokenIdentities(session, w) {
		d.t.Errorf("%s: %s", session, what)
	}
}

// brokenIdentities says which identities of a period do not hold.
func (d *district) brokenIdentities(session string, w witness) []string {
	d.t.Helper()
	x := examined(d.published(session), w)
	if len(x.figures) == 0 {
		d.t.Fatalf("nothing was published of %s: the test tests nothing", session)
	}
	x.served(d)
	return x.broken
}

func (d *district) published(session string) broker.Published {
	d.t.Helper()
	p, err := d.Published(d.t.Context(), session)
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// examined is what the store has of a period, examined.
func examined(p broker.Published, w witness) *identities {
	x := &identities{Published: p, witness: w, places: map[string]uint32{}}
	for i, id := range p.Students {
		x.places[id] = uint32(i)
	}
	for _, a := range p.Agreements {
		x.lay(a)
	}
	for _, f := range x.figures {
		x.consents(f)
		x.sizes(f)
		x.thresholds(f)
		x.sums(f)
		x.spans(f)
		x.recorded(f)
		x.values(f)
	}
	x.differences()
	x.singles()
	x.exposure()
	x.wholes()
	return x
}

func (x *identities) fail(f *handFigure, format string, args ...any) {
	x.broken = append(x.broken, fmt.Sprintf("%s, %s: ", f.ID, f.indicator)+fmt.Sprintf(format, args...))
}

func (x *identities) period() handPeriod { return handPeriod{x.Session, x.Start, x.End} }

// lay lays an agreement's students out in its rows, as the files place them.
func (x *identities) lay(a broker.PublishedAgreement) {
	for _, fp := range a.Plan.Figures {
		f := &handFigure{
			PublishedAgreement: a, indicator: fp.Indicator, family: fp.Family, floor: unconsentedFloor(a.Clauses),
			self: roaring.New(), anyone: roaring.New(), rows: map[sdc.Key]handRow{}, verdicts: map[sdc.Key]sdc.Verdict{},
		}
		for _, v := range fp.Verdicts {
			f.verdicts[v.Key] = v
		}
		x.opened(f)
		for _, c := range x.cells(a, f.indicator) {
			for _, k := range keysOf(c.key, a.Clauses.Grain) {
				f.rows[k] = f.rows[k].with(c)
			}
		}
		x.figures = append(x.figures, f)
	}
}

// unconsentedFloor is that of the specification, or what the agreement asks beyond.
func unconsentedFloor(c agreement.Clauses) int {
	if c.Profile == agreement.PublishedTable {
		return max(10, c.UnconsentedFloor)
	}
	return max(5, c.UnconsentedFloor)
}

func (x *identities) opened(f *handFigure) {
	for partner, byFamily := range x.told {
		for _, id := range byFamily[f.family] {
			f.anyone.Add(x.places[id])
			if partner == f.Partner {
				f.self.Add(x.places[id])
			}
		}
	}
}

// handCell is a grade of a school with its students: of the cohort and of the rest.
type handCell struct {
	key          sdc.Key
	p, r         *roaring.Bitmap // with a value
	cohort, rest int
}

// cells are those of an agreement's schools; one in which nobody takes part has no rest.
func (x *identities) cells(a broker.PublishedAgreement, indicator string) (list []handCell) {
	byKey := map[sdc.Key]*handCell{}
	for place, id := range x.Students {
		school, grade, ok := x.year.place(id, x.Census)
		if !ok || !slices.Contains(a.Clauses.Schools, school) {
			continue
		}
		k := sdc.Key{School: school, Grade: grade}
		if byKey[k] == nil {
			byKey[k] = &handCell{key: k, p: roaring.New(), r: roaring.New()}
		}
		byKey[k].seat(uint32(place), a.Cohort.Contains(uint32(place)), x.year.value(indicator, id, x.period()).den > 0)
	}
	for _, c := range byKey {
		if c.cohort == 0 {
			c.r, c.rest = roaring.New(), 0
		}
		list = append(list, *c)
	}
	return list
}

func (c *handCell) seat(place uint32, takesPart, covered bool) {
	set, n := c.r, &c.rest
	if takesPart {
		set, n = c.p, &c.cohort
	}
	*n++
	if covered {
		set.Add(place)
	}
}

// keysOf are the rows that a cell belongs to.
func keysOf(cell sdc.Key, grain []string) []sdc.Key {
	keys := []sdc.Key{{}}
	school, grade := slices.Contains(grain, agreement.GrainSchool), slices.Contains(grain, agreement.GrainGrade) && cell.Grade != ""
	if school {
		keys = append(keys, sdc.Key{School: cell.School})
	}
	if grade {
		keys = append(keys, sdc.Key{Grade: cell.Grade})
	}
	if school && grade {
		keys = append(keys, cell)
	}
	return keys
}

func (r handRow) with(c handCell) handRow {
	if r.t == nil {
		r = handRow{p: roaring.New(), r: roaring.New(), t: roaring.New()}
	}
	r.p.Or(c.p)
	r.r.Or(c.r)
	r.t.Or(c.p)
	r.t.Or(c.r)
	r.cohort, r.rest = r.cohort+c.cohort, r.rest+c.rest
	if c.cohort > 0 {
		r.cells++
	}
	return r
}

// consents holds what the store knows of answers against what the witness knows.
func (x *identities) consents(f *handFigure) {
	if have := x.Any[f.family]; have == nil || !have.Equals(f.anyone) {
		x.fail(f, "%v were ever opened, the store has %v", f.anyone, have)
	}
}

// sizes compares the plan's rows and numbers with those of the files.
func (x *identities) sizes(f *handFigure) {
	if len(f.rows) != len(f.verdicts) {
		x.fail(f, "%d rows are planned, the files have %d", len(f.verdicts), len(f.rows))
	}
	for k, v := range f.verdicts {
		r, ok := f.rows[k]
		if !ok {
			x.fail(f, "row %s is none of the files", k)
			continue
		}
		if v.Cohort != r.cohort || v.Rest != r.rest || v.CohortCovered != count(r.p) || v.RestCovered != count(r.r) {
			x.fail(f, "row %s counts %d of %d beside %d of %d, the files %d of %d beside %d of %d", k,
				v.CohortCovered, v.Cohort, v.RestCovered, v.Rest, count(r.p), r.cohort, count(r.r), r.rest)
		}
	}
}

func count(s *roaring.Bitmap) int { return int(s.GetCardinality()) }

// remaining counts the members that are not in v.
func remaining(s, v *roaring.Bitmap) (n int) {
	for _, student := range s.ToArray() {
		if !v.Contains(student) {
			n++
		}
	}
	return n
}

// keeps reports that a set has enough students of whom nobody was told, and enough of
// whom this partner was not.
func (f *handFigure) keeps(s *roaring.Bitmap, floor int) bool {
	return remaining(s, f.self) >= floor && remaining(s, f.anyone) >= floor
}

// harmless is the rule for a set that follows from published ones.
func (f *handFigure) harmless(s *roaring.Bitmap) bool {
	return remaining(s, f.self) == 0 || f.keeps(s, 10)
}

func (x *identities) thresholds(f *handFigure) {
	for k, v := range f.verdicts {
		r := f.rows[k]
		if v.Shown && (count(r.p) < 10 || count(r.r) < 10 || count(r.t) < 20 || !f.keeps(r.p, f.floor) || !f.keeps(r.r, 10)) {
			x.fail(f, "row %s is shown under a threshold", k)
		}
		if v.WholeShown && (v.Shown || count(r.t) < 20 || !f.keeps(r.t, 10)) {
			x.fail(f, "the whole of row %s is shown under a threshold", k)
		}
		if v.Shown != (v.Reason == sdc.ReasonNone) {
			x.fail(f, "row %s has verdict and reason at odds", k)
		}
	}
}

// recorded compares the sets on record with those that the shown rows give away.
func (x *identities) recorded(f *handFigure) {
	has := func(k sdc.Key, role sdc.Role, s *roaring.Bitmap) bool {
		return slices.ContainsFunc(f.Sets, func(p sdc.PublishedSet) bool {
			return p.Indicator == f.indicator && p.Row == k && p.Role == role && p.Set.Equals(s)
		})
	}
	for k, v := range f.verdicts {
		r := f.rows[k]
		if v.Shown && !(has(k, sdc.RoleCohort, r.p) && has(k, sdc.RoleRest, r.r) && has(k, sdc.RoleWhole, r.t)) {
			x.fail(f, "row %s is shown, and its sets are not on record", k)
		}
		if v.WholeShown && !has(k, sdc.RoleWhole, r.t) {
			x.fail(f, "the whole of row %s is shown and not on record", k)
		}
	}
	for _, p := range f.Sets {
		if v := f.verdicts[p.Row]; p.Indicator == f.indicator && p.Role != sdc.RoleHidden && !v.Shown && !(p.Role == sdc.RoleWhole && v.WholeShown) {
			x.fail(f, "the %s of row %s is on record and not shown", p.Role, p.Row)
		}
	}
}

// differences checks every pair of published sets of an indicator, over all
// agreements. A difference may be small where one of the two partners may read all of
// it: who reads the other's figure too learns nothing from it.
func (x *identities) differences() {
	for _, indicator := range x.indicators() {
		var all sdc.History
		of := map[string]*handFigure{}
		for _, f := range x.figures {
			if f.indicator == indicator {
				of[f.ID] = f
				all = append(all, f.Sets.Of(indicator)...)
			}
		}
		for i, a := range all {
			for _, b := range all[:i] {
				x.difference(all, of, a, b)
			}
		}
	}
}

func (x *identities) difference(all sdc.History, of map[string]*handFigure, a, b sdc.PublishedSet) {
	d := roaring.Xor(a.Set, b.Set)
	if d.IsEmpty() || !a.Set.Intersects(b.Set) || of[a.Agreement].harmless(d) || of[b.Agreement].harmless(d) {
		return
	}
	if !slices.ContainsFunc(all, func(p sdc.PublishedSet) bool { return p.Set.Equals(d) }) {
		x.fail(of[a.Agreement], "%s of row %s and %s's %s of row %s differ by %d students", a.Role, a.Row, b.Agreement, b.Role, b.Row, count(d))
	}
}

func (x *identities) indicators() (list []string) {
	for _, f := range x.figures {
		if !slices.Contains(list, f.indicator) {
			list = append(list, f.indicator)
		}
	}
	return list
}

// exposure counts the figures in which a student is: no more than eight of one
// indicator, of different cohorts, with those that were shown again.
func (x *identities) exposure() {
	for _, indicator := range x.indicators() {
		counts, met := map[uint32]int{}, []*roaring.Bitmap{}
		for _, f := range x.figures {
			for _, p := range f.Sets {
				first := p.Role == sdc.RoleCohort && !slices.ContainsFunc(met, func(s *roaring.Bitmap) bool { return s.Equals(p.Set) })
				if p.Indicator != indicator || f.indicator != indicator || !first && p.Role != sdc.RoleCorrected {
					continue
				}
				if first {
					met = append(met, p.Set)
				}
				for _, student := range p.Set.ToArray() {
					if counts[student]++; counts[student] == 9 {
						x.fail(f, "a student is in more than eight figures")
					}
				}
			}
		}
	}
}

// closedAlike closes a period of a district and of a copy of its files, and fails the
// test unless both release the same bytes. Paid noise is drawn anew and not compared.
func (d *town) closedAlike(session string) {
	d.t.Helper()
	copied := d.copied()
	d.closePeriod(session)
	copied.closePeriod(session)
	one, other := d.storedReleases(session), copied.storedReleases(session)
	if len(one) == 0 || !slices.Equal(one, other) {
		d.t.Errorf("the same files gave %d and %d releases that are not the same", len(one), len(other))
	}
}

func (d *district) storedReleases(session string) (list []string) {
	d.t.Helper()
	for _, a := range d.published(session).Agreements {
		for _, r := range a.Releases {
			if r.Profile != sdc.Budgeted {
				list = append(list, string(r.Stored))
			}
		}
	}
	return list
}

// copied is a copy of the district's files, opened beside it.
func (d *town) copied(options ...func(*broker.Options)) *town {
	d.t.Helper()
	if err := d.Close(); err != nil {
		d.t.Fatal(err)
	}
	other := &town{&district{t: d.t, dir: filepath.Join(fastDir(d.t), "copy"), clock: d.clock}}
	copyDistrict(d.t, d.dir, other.dir)
	options = append([]func(*broker.Options){withRules(d.t), func(o *broker.Options) { o.AcceptClockJump = true }}, options...)
	d.open(options...)
	other.open(options...)
	d.t.Cleanup(func() {
		other.verify()
		if err := other.Close(); err != nil {
			d.t.Error(err)
		}
	})
	return other
}
