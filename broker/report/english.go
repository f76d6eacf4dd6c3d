package report

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/compare"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// phrases are all words that a page adds to those of the answer, in one
// language.
type phrases struct {
	lang string // BCP 47

	title, titleOf, skip                        string
	participants, restMix, difference           string
	consented, whole, figure, interval, size    string
	agreement, district, period, census, dataOf string
	published, answered, schoolsFact            string
	corrected, stage                            string
	stages, studentGroups                       map[string]string

	glance, indicators, longer, bySchool, byGrade, byGroup, byPlace, rowsTitle string
	thisPeriod, yearToDate, twoYears                                           string
	guide, definitions, settings                                               string
	protection, cautions, receipt, exactData, exactReceipt                     string

	allSchools, school, grade, schoolOrGrade, indicator, noFigure string
	simulated, noise, effect, rawRest, countsAs                   string
	withData, days, daysNote, lowPrecision                        string
	legend, legendConsented, legendWhole                          string
	longerNote, moreNote                                          string
	withheld, withheldTile, withheldWhy, withheldRow              string
	exhausted, exhaustedWhy                                       string
	whyTitle, whyText, helps, helpsNamed                          string
	notReported, notReportedShort, chartOf                        string
	notPublished, notPublishedShort                               string
	staleNote, unread                                             string
	entry, dataDigest, checkpoint, verify                         string
	noReceipt, dataKept, dataHint, receiptHint                    string
	page, theirSchools, restShort                                 string

	stamps    map[Audience][2]string // what is printed large, and what it means
	marks     map[compare.Word]string
	readings  map[compare.Word]string
	profiles  map[profile]string
	topics    [4]string
	units     map[string]string // by the unit of a definition
	better    map[string]string // by its direction
	grades    map[string]string // codes that are no number
	ways      []string          // how to read the page
	months    [12]string
	familyYes func(n int) string // consented students
	orMore    func(number string) string
	orLess    func(number string) string
	under     func(number string) string
	tooSmall  func(n int) string
	tooFew    func(n int) string // the same for a narrow cell
	about     func(days string) string
	rates     func(cohort, rest string) string // of attendance
	theirN    func(n int) string
	leadIn    func(n, schools, partner string) string
	tableOf   func(what string) string
	spanOf    func(low, high string) string
	dateOf    func(day int, month string, year int) string
	moreRows  func(n int) string
	familyOld func(family, loaded string) string
}

// english is the page's first language.
func english() phrases {
	p := phrases{
		lang: "en-US", title: "How participants did beside the rest of their schools", titleOf: "%s beside the rest of the schools",
		skip: "Skip to the figures", participants: "Participants",
		restMix: "Rest, same mix", difference: "Difference", consented: "Students whose families said yes",
		whole: "All students", figure: "Figure", interval: "95 % interval", size: "Students",
		agreement: "Agreement", district: "District", period: "Period", census: "Counted on", dataOf: "Records as of",
		published: "Published", answered: "Answer of", schoolsFact: "Schools",
		corrected: "Corrected", stage: "Status",
		stages: map[string]string{"provisional": "provisional: may be corrected once", "final": "final"},
		studentGroups: map[string]string{
			"economically_disadvantaged:yes": "Economically disadvantaged", "economically_disadvantaged:no": "Not economically disadvantaged",
			"english_learner:yes": "Learning English", "english_learner:no": "Not learning English",
			"special_education:yes": "In special education", "special_education:no": "Not in special education",
		},
		glance: "At a glance", indicators: "Each indicator", longer: "Over a longer time", rowsTitle: "By school and by grade", bySchool: "By school", byGrade: "By grade", byGroup: "By group of students",
		byPlace: "By school and grade", thisPeriod: "This period", yearToDate: "Year to date", twoYears: "Two years together",
		guide: "How to read this page", definitions: "Definitions", settings: "How days and marks were counted",
		protection: "How students are protected", cautions: "Cautions", receipt: "Receipt",
		exactData: "The exact data of this page (JSON)", exactReceipt: "The receipt (JSON)",
		allSchools: "All schools of the agreement", school: "School", grade: "Grade", schoolOrGrade: "School or grade", indicator: "Indicator", noFigure: "no figure",
	}
	p.addSentences()
	p.addTables()
	p.addPlurals()
	return p
}

func (p *phrases) addSentences() {
	p.simulated = "Simulated: the clock of this district is set by hand. Nothing here is about real students."
	p.noise = "Noise that was added, as a standard deviation: %s. The intervals include it."
	p.effect = "Effect size %s (standard deviations)."
	p.rawRest = "Unadjusted rest: %s."
	p.countsAs = "Weighted, the rest says as much as %s students."
	p.withData = "data for %s"
	p.days = "Missed in a 180-day year*"
	p.daysNote = "Days are an illustration: the attendance rate, turned into days of a school year of 180 days."
	p.lowPrecision = "Few students: the figure is coarse."
	p.legend = "● participants, □ the rest, ≥ or more, ≤ or less. ▲ likely higher · ▼ likely lower · = no clear difference · ? too small to tell."
	p.legendConsented = "Hatched is withheld; there ◆ is your students whose families said yes (how many), exactly and as of this answer, which is no comparison with the rest."
	p.legendWhole = "◇ is all students of the row, protected."
	p.longerNote = "More students make a figure steadier. Each figure was protected on its own; do not add or subtract them."
	p.moreNote = "More rows stand in the electronic page, which is not printed whole."
	p.withheld = "withheld"
	p.withheldTile = "comparison withheld"
	p.withheldWhy = "So that nobody can work out a single student; see “Why a figure is withheld”."
	p.exhausted = "not paid for"
	p.exhaustedWhy = "The agreement's privacy budget of this school year does not pay for this figure. Nothing was drawn; it says nothing about anybody."
	p.withheldRow = "withheld: a number here could reveal something about a single student"
	p.whyTitle = "Why a figure is withheld, and what helps"
	p.whyText = "A figure is withheld where it could reveal something about a single student, by itself or together with other figures. That is decided from who is in the groups, never from how they did: a withheld figure is neither good nor bad news."
	p.helps = "What helps: all schools together, a longer period, or more participants."
	p.helpsNamed = "Students whose families say yes are shown to you by themselves, beside all students where that is safe."
	p.notReported = "Not reported: the district holds no data of this kind for the period. That is not zero."
	p.notReportedShort = "not reported"
	p.notPublished = "Not published yet: the district publishes figures of this kind later than the others."
	p.notPublishedShort = "not published yet"
	p.chartOf = "%s: participants and the rest, with 95 % intervals"
	p.staleNote = "Some records of consented students could not be refreshed:"
	p.unread = "No reading: how events spread over students is not bounded."
	p.entry = "Entry %s of the log %s"
	p.dataDigest = "SHA-256 of the exact data"
	p.checkpoint = "Signed checkpoint"
	p.verify = "Save the receipt as receipt.json and the data as data.json, byte for byte, without a line break at the end. Then run: hallpass-verify receipt receipt.json --key DISTRICT-KEY --answer data.json. It proves that the district's log holds this answer; it needs no network and trusts nobody."
	p.noReceipt = "No receipt was given with this answer."
	p.dataKept = "The exact data also holds exact figures for the people whom the agreement names, so it is no part of this page. Whoever holds the answer can check it against the checkpoint."
	p.dataHint = "These are the bytes that the log's entry names."
	p.receiptHint = "With the data, this is all that hallpass-verify needs."
	p.page, p.theirSchools, p.restShort = "page", "their schools", "Rest"
	p.ways = []string{
		"Participants are the agreement's students with the agreed number of sessions, counted on the census day. The rest are the other students of the same schools and grades.",
		"“Same mix” means that the rest is weighted so that each school and grade counts as much as it does among participants.",
		"A figure such as 15–19 % says that the true one lies in that band. The 95 % interval adds what chance, and noise where there is some, could explain.",
		"“Likely higher” and “likely lower” are said only where the interval of the difference does not contain zero. “Too small to tell” is not “no difference”.",
		"Each chart has its own axis, which need not begin at zero: ● and the filled bar are participants, ■ and the hollow bar the rest.",
	}
}

func (p *phrases) addTables() {
	p.stamps = map[Audience][2]string{
		NamedPeople:    {"For the people named in the agreement", "Do not pass it on: it may hold exact figures of students whose families said yes."},
		BoardAndFunder: {"For the board and funders", "Protected figures only."},
		Public:         {"Public", "Protected figures only."},
	}
	p.marks = map[compare.Word]string{compare.LikelyHigher: "▲", compare.LikelyLower: "▼", compare.NoClearDifference: "=", compare.TooSmallToTell: "?"}
	p.readings = map[compare.Word]string{
		compare.LikelyHigher: "likely higher", compare.LikelyLower: "likely lower",
		compare.NoClearDifference: "no clear difference", compare.TooSmallToTell: "too small to tell",
	}
	p.profiles = map[profile]string{
		publishedTable: "Shares stand in bands and means are rounded; no noise was added. What could be worked back to one student is withheld.",
		standard:       "A small random number was added to each sum before it was rounded, the same one whoever asks. What could be worked back to one student is withheld.",
		budgeted:       "A random number was added to each sum, drawn once and paid for from a yearly privacy budget. What could be worked back to one student is withheld.",
	}
	p.topics = [4]string{"Attendance", "Chronic absence", "Course results", "Discipline"}
	p.units = map[string]string{
		"share of days": "% of enrolled days", "share of students": "% of students", "share of course results": "% of course results",
		"points of 4.0": "points on a 4.0 scale", "points of the scale": "points of the scale", "incidents a student": "per 100 students",
	}
	p.better = map[string]string{"higher is better": "Higher is better.", "lower is better": "Lower is better."}
	p.grades = map[string]string{"IT": "Infant/toddler", "PR": "Preschool", "PK": "Prekindergarten", "TK": "Transitional K", "KG": "Kindergarten", "K": "Kindergarten"}
	p.months = [12]string{"Jan", "Feb", "Mar", "Apr", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec"}
}

func (p *phrases) addPlurals() {
	p.familyYes = func(n int) string {
		return plural(n, "student whose family said yes", "students whose families said yes")
	}
	p.orMore = func(number string) string { return number + " or more" }
	p.orLess = func(number string) string { return number + " or less" }
	p.under = func(number string) string { return "under " + number }
	p.tooSmall = func(n int) string {
		return "too small to tell: about " + plural(n, "participant", "participants") + " would tell"
	}
	p.tooFew = func(n int) string { return "too small to tell: about " + thousands(n) + " would" }
	p.about = func(days string) string { return "about " + days + " days" }
	p.rates = func(cohort, rest string) string { return "attendance " + cohort + " and " + rest }
	p.theirN = func(n int) string {
		if n == 1 {
			return "their school"
		}
		return "their " + thousands(n) + " schools"
	}
	p.leadIn = func(n, schools, partner string) string {
		lead := "How " + n + " participants"
		if partner != "" {
			lead += " of " + partner
		}
		return lead + " did beside the rest of " + schools + "."
	}
	p.tableOf = func(what string) string { return "Figures of " + what }
	p.spanOf = func(low, high string) string { return low + " to " + high }
	p.dateOf = func(day int, month string, year int) string { return fmt.Sprintf("%s %d, %d", month, day, year) }
	p.moreRows = func(n int) string { return plural(n, "row", "rows") }
	p.familyOld = func(family, loaded string) string {
		if loaded == "" {
			return family + " (not loaded yet)"
		}
		return family + " (as of " + loaded + ")"
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// day writes a date for readers.
func (p phrases) day(d civil.Date) string {
	if d.IsZero() {
		return ""
	}
	year, month, day := d.Time().Date()
	return p.dateOf(day, p.months[month-1], year)
}

// instant writes the UTC day of an instant.
func (p phrases) instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.day(civil.Of(t, time.UTC)) + " (UTC)"
}

// gradeName names a grade for readers.
func (p phrases) gradeName(code string) string {
	if name, ok := p.grades[code]; ok {
		return name
	}
	return p.grade + " " + code
}

// said is a reading in words, and never more than its word.
func (p phrases) said(r compare.Reading) string {
	if r.Word == compare.TooSmallToTell && r.Needed > 0 {
		return p.tooSmall(r.Needed)
	}
	return p.readings[r.Word]
}

// briefly is the same for a narrow cell.
func (p phrases) briefly(r compare.Reading) string {
	if r.Word == compare.TooSmallToTell && r.Needed > 0 {
		return p.tooFew(r.Needed)
	}
	return p.readings[r.Word]
}

// shown is a protected figure as printed, with the unit after each number.
func (p phrases) shown(s sdc.Shown, unit string) string { return p.coded(s, unit, p.open) }

// tersely is the same for a narrow cell.
func (p phrases) tersely(s sdc.Shown, unit string) string { return p.coded(s, unit, p.openTerse) }

// open is an open band: its end, and "GE", "LE" or "LT".
func (p phrases) open(end, number string) string {
	switch end {
	case "GE":
		return p.orMore(number)
	case "LE":
		return p.orLess(number)
	}
	return p.under(number)
}

func (p phrases) openTerse(end, number string) string {
	return map[string]string{"GE": "≥ ", "LE": "≤ ", "LT": "< "}[end] + number
}

func (p phrases) coded(s sdc.Shown, unit string, open func(end, number string) string) string {
	low, high, span := strings.Cut(s.Code, "-")
	number := strings.TrimLeft(s.Code, "GELT")
	switch {
	case s.Kind == sdc.KindWithheld:
		return p.withheld
	case !numeric.MatchString(number) && !(span && numeric.MatchString(low) && numeric.MatchString(high)):
		return plain(s.Text)
	case span:
		return low + "–" + high + unit
	case strings.HasPrefix(s.Code, "GE"), strings.HasPrefix(s.Code, "LE"), strings.HasPrefix(s.Code, "LT"):
		return open(s.Code[:2], number+unit)
	}
	return number + unit
}

// numeric is a number as a code of package sdc holds it.
var numeric = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,3})?$`)
