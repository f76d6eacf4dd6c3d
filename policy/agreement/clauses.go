package agreement

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// The floors below which no agreement may go, and the defaults.
const (
	LeastCohort      = 10 // students in a cohort whose figures are shown
	DefaultDosage    = 9  // session dates in a school year that make a participant count
	DefaultTermYears = 6
	LongestKeeping   = 3650 // days after the end within which all must be destroyed, at most
)

// Clauses are the terms of an agreement as data: what the gate enforces is
// what Render puts into words. Both days of the term are included.
type Clauses struct {
	Template         string             `json:"template,omitzero"`
	Basis            Basis              `json:"basis"`
	Purpose          consent.Purpose    `json:"purpose"`
	PurposeText      string             `json:"purpose_text"`
	Schools          []string           `json:"schools"`
	Categories       []consent.Category `json:"categories"`
	Indicators       []string           `json:"indicators"`
	Grain            []string           `json:"grain"`
	DosageFloor      int                `json:"dosage_floor"`
	MinCohort        int                `json:"min_cohort"`
	UnconsentedFloor int                `json:"unconsented_floor"`
	Profile          Profile            `json:"profile"`
	Epsilon          int                `json:"epsilon_tenths,omitzero"` // of a budgeted agreement, a school year
	TermFrom         civil.Date         `json:"term_from"`
	TermTo           civil.Date         `json:"term_to"`
	Redisclosure     string             `json:"redisclosure"`
	Administrator    string             `json:"administrator"`
	DestructionDays  int                `json:"destruction_days"`
	Study            *Study             `json:"study,omitzero"`
	Attestations     *Attestations      `json:"attestations,omitzero"`
}

// Study is what a study or an audit agreement must say beyond its purpose and
// term: its scope, the representatives who alone may see records, and the day
// by which all is destroyed (34 CFR 99.31(a)(6)(iii)(C), 99.35(a)(3)).
type Study struct {
	Scope           string     `json:"scope"`
	Representatives []string   `json:"representatives"`
	DestroyBy       civil.Date `json:"destroy_by"`
}

// Attestations are the district's three statements about a partner that acts
// as a school official (34 CFR 99.31(a)(1)(i)(B)).
type Attestations struct {
	OwnStaffFunction    bool `json:"own_staff_function"`    // a service the district would otherwise use its own staff for
	DirectControl       bool `json:"direct_control"`        // of the district, over use and keeping of the records
	BoundByRedisclosure bool `json:"bound_by_redisclosure"` // bound by 34 CFR 99.33(a)
}

// Rules is what a district knows that clauses have to fit. The zero value
// accepts any school and indicator by name and terms of DefaultTermYears.
type Rules struct {
	KnownSchool    func(id string) bool   // nil: any
	KnownIndicator func(name string) bool // nil: any
	MaxTermYears   int                    // 0: DefaultTermYears
}

// Validate returns FieldErrors, several at once, for what the clauses lack to
// be offered.
func (c Clauses) Validate(r Rules) error {
	var f faults
	c.checkBasis(&f)
	c.checkScope(&f, r)
	c.checkComparison(&f, r)
	c.checkTerm(&f, r)
	c.checkDuties(&f)
	c.checkStudy(&f)
	c.checkOfficial(&f)
	return f.err()
}

func (c Clauses) checkBasis(f *faults) {
	t, known := templates[c.Template]
	f.unless(c.Template == "" || known, "template", "is unknown", "use "+strings.Join(Templates(), " or ")+", or leave it out")
	f.unless(c.Basis.Valid(), "basis", "is missing or unknown", "use "+join(Bases()))
	f.unless(!known || c.Basis == t.Basis, "basis", "is not the template's", "take the template's basis, or no template")
	switch {
	case !c.Purpose.Valid():
		f.unless(false, "purpose", "is missing or unknown", "use "+join(consent.Purposes()))
	case c.Basis.Valid():
		f.unless(slices.Contains(c.Basis.purposes(), c.Purpose), "purpose", "does not fit the basis", "use "+join(c.Basis.purposes()))
	}
	f.text("purpose_text", c.PurposeText, 2000, "say in plain words what the records are for")
}

func (c Clauses) checkScope(f *faults, r Rules) {
	f.unless(len(c.Schools) > 0, "schools", "is empty", "name each school of the agreement")
	for i, s := range c.Schools {
		f.word(at("schools", i), s, "name the school by its id")
		f.unless(s == "" || r.KnownSchool == nil || r.KnownSchool(s), at("schools", i), "is not a school of the district", "use an id from schools.csv")
		f.unless(slices.Index(c.Schools, s) == i, at("schools", i), "is named twice", "name each school once")
	}
	f.unless(len(c.Categories) > 0, "categories", "is empty", "name the records: "+join(consent.Categories()))
	for i, category := range c.Categories {
		f.unless(category.Valid(), at("categories", i), "is not a known category", "use "+join(consent.Categories())+"; discipline is named by portion")
		f.unless(slices.Index(c.Categories, category) == i, at("categories", i), "is named twice", "name each category once")
	}
}

func (c Clauses) checkComparison(f *faults, r Rules) {
	f.unless(len(c.Indicators) > 0 || c.Basis != ComparisonAndConsent, "indicators", "is empty", "name what is compared")
	for i, name := range c.Indicators {
		f.word(at("indicators", i), name, "name the indicator by its id")
		f.unless(name == "" || r.KnownIndicator == nil || r.KnownIndicator(name), at("indicators", i), "is not a known indicator", "use an id from the indicator registry")
		f.unless(slices.Index(c.Indicators, name) == i, at("indicators", i), "is named twice", "name each indicator once")
	}
	c.checkGrain(f)
	f.unless(c.DosageFloor >= 1 && c.DosageFloor <= 366, "dosage_floor", "is not between 1 and 366", "give the session dates a year from which a participant counts; "+strconv.Itoa(DefaultDosage)+" is usual")
	f.unless(c.MinCohort >= LeastCohort, "min_cohort", "is under ten", "show no figures of fewer than ten students")
	c.checkProfile(f)
}

func (c Clauses) checkTerm(f *faults, r Rules) {
	years := r.MaxTermYears
	if years == 0 {
		years = DefaultTermYears
	}
	f.unless(!c.TermFrom.IsZero(), "term_from", "is missing", "give the first day of the term")
	f.unless(!c.TermTo.IsZero(), "term_to", "is missing", "give the last day of the term")
	f.unless(c.TermTo.IsZero() || c.TermFrom <= c.TermTo, "term_to", "is before term_from", "give a later last day")
	f.unless(c.TermFrom.IsZero() || c.TermTo < c.TermFrom.AddYears(years), "term_to", "makes the term too long",
		"end it within "+strconv.Itoa(years)+" years of its first day; a new agreement can follow")
}

func (c Clauses) checkDuties(f *faults) {
	f.text("redisclosure", c.Redisclosure, 2000, "say to whom records may be passed on, if to anyone (34 CFR 99.33)")
	f.text("administrator", c.Administrator, 200, "name the person at the partner who keeps the list of people with access")
	f.unless(c.DestructionDays >= 1 && c.DestructionDays <= LongestKeeping, "destruction_days", "is not between 1 and "+strconv.Itoa(LongestKeeping),
		"give the days after the end within which all records are destroyed; 60 is usual")
}

func (c Clauses) checkStudy(f *faults) {
	switch {
	case c.Study == nil && c.Basis.NeedsStudy():
		f.unless(false, "study", "is missing", "give scope, representatives and destroy_by: without them the agreement is not valid (34 CFR 99.31(a)(6)(iii)(C), 99.35(a)(3))")
		return
	case c.Study == nil:
		return
	case !c.Basis.NeedsStudy():
		f.unless(false, "study", "does not fit the basis", "leave it out, or use basis study or audit_evaluation")
	}
	f.text("study.scope", c.Study.Scope, 2000, "say which students, schools and years the study covers")
	f.unless(len(c.Study.Representatives) > 0, "study.representatives", "is empty", "name who at the partner may see records")
	for i, name := range c.Study.Representatives {
		f.text(at("study.representatives", i), name, 200, "name the person")
	}
	f.unless(!c.Study.DestroyBy.IsZero(), "study.destroy_by", "is missing", "give the day by which all records are destroyed")
	f.unless(c.Study.DestroyBy.IsZero() || c.Study.DestroyBy >= c.TermFrom, "study.destroy_by", "is before the term", "give a day after the term begins")
}

func (c Clauses) checkOfficial(f *faults) {
	if c.Basis != SchoolOfficial {
		f.unless(c.Attestations == nil, "attestations", "does not fit the basis", "leave it out, or use basis school_official")
		return
	}
	var a Attestations
	if c.Attestations != nil {
		a = *c.Attestations
	}
	const rule = " (34 CFR 99.31(a)(1)(i)(B))"
	f.unless(a.OwnStaffFunction, "attestations.own_staff_function", "is not attested", "attest that the district would otherwise use its own staff"+rule)
	f.unless(a.DirectControl, "attestations.direct_control", "is not attested", "attest that the district controls use and keeping of the records"+rule)
	f.unless(a.BoundByRedisclosure, "attestations.bound_by_redisclosure", "is not attested", "attest that the partner is bound by 34 CFR 99.33(a)"+rule)
}

// lacking returns what the clauses lack to be in force on any day, or "". A
// study or an audit needs purpose, scope, duration and destruction limit
// (34 CFR 99.31(a)(6)(iii)(C), 99.35(a)(3)), a school official the district's
// attestations.
func (c Clauses) lacking() string {
	var f faults
	c.checkStudy(&f)
	c.checkOfficial(&f)
	if c.Basis.NeedsStudy() {
		f.text("purpose_text", c.PurposeText, 2000, "say what the study is for")
		f.unless(!c.TermFrom.IsZero() && c.TermFrom <= c.TermTo, "term_to", "is missing or before term_from", "give the duration")
		f.unless(c.DestructionDays >= 1, "destruction_days", "is missing", "give the destruction limit")
	}
	if err := f.err(); err != nil {
		return err.Error()
	}
	return ""
}

// join lists the members of a closed list for a remedy.
func join[S ~string](values []S) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}
