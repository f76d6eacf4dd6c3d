package broker_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/consent"
)

// live is a day of the district.
func (y *simulation) live() {
	w, i := y.world, y.night
	if happens := map[string]func(){
		"double": w.double, "renumber": w.renumber, "merge renumbered": w.mergeRenumbered, "merge doubled": w.mergeDoubled, "snow": w.snow,
		"lossy": w.strike, "optional column": w.revise, "column away": w.revise, "rollover": w.rollOver,
	}[y.plan.events[i]]; happens != nil {
		happens()
	}
	whole := y.plan.events[i] != "broken people" && y.plan.events[i] != "half of the schools"
	if i > 0 && i != y.plan.old && whole {
		w.arrive()
	}
	if i > 1 && y.plan.quiet(i) {
		w.depart()
	}
	w.attend()
	switch i {
	case y.plan.old / 2:
		w.award(w.year().semester(1))
	case y.plan.old - 1:
		w.award(w.year().semester(2))
	}
}

// A badNight is how an export is spoiled and what the load must say of it.
type badNight struct {
	spoil    func(y *simulation, f files)
	held     []ingest.Family
	rejected bool // nothing of it may be loaded
	doubted  bool // a second person may let it in
	approved bool // and does
}

var everyFamily = []ingest.Family{ingest.People, ingest.Attendance, ingest.Discipline, ingest.Grades, ingest.Guardians}

func rowInError(table string, cells ...string) func(*simulation, files) {
	return func(_ *simulation, f files) { f.add(table, cells...) }
}

// creditsRenamed is an export in which a column that may be left out has another
// name: nothing in it is wrong.
func creditsRenamed(_ *simulation, f files) { f.renameColumn("grades", "credits", "credit_value") }

// badNights are by event. Files that only differ from the last are doubted; some
// an officer lets in, and the column that stays away nobody looks at.
var badNights = map[string]badNight{
	"attendance rows": {spoil: rowInError("attendance", "01001", "SA", "not-a-day", "tardy"), held: []ingest.Family{ingest.Attendance}},
	"discipline rows": {spoil: rowInError("discipline", "01001", "SA", "2025-09-02", "", "fight", "scolded", ""), held: []ingest.Family{ingest.Discipline}},
	"grades rows":     {spoil: rowInError("grades", "nobody", "SA", "Y25-S1", "Maths", "1", "50", "0-100"), held: []ingest.Family{ingest.Grades}},
	"required column": {
		spoil: func(_ *simulation, f files) { f.renameColumn("attendance", "code", "attendance_code") },
		held:  []ingest.Family{ingest.Attendance},
	},
	"optional column":   {spoil: creditsRenamed, held: []ingest.Family{ingest.Grades}, doubted: true, approved: true},
	"column away":       {spoil: creditsRenamed, held: []ingest.Family{ingest.Grades}, doubted: true},
	"column still away": {spoil: creditsRenamed, held: []ingest.Family{ingest.Grades}, doubted: true},
	"lossy":             {spoil: func(*simulation, files) {}, held: []ingest.Family{ingest.Grades}, doubted: true, approved: true},
	"broken people":     {spoil: func(*simulation, files) {}, held: everyFamily, rejected: true},
	"half of the schools": {
		spoil: func(y *simulation, f files) { y.world.withoutSchools(f) },
		held:  everyFamily, rejected: true, doubted: true,
	},
}

// loadTonight exports the world and loads it, as the night's plan says.
func (y *simulation) loadTonight() {
	f, event := y.world.export(), y.plan.events[y.night]
	bad := badNights[event]
	if bad.spoil != nil {
		bad.spoil(y, f)
	}
	dir := f.write(y.t)
	if event == "broken people" {
		cutShort(y.t, dir, "students.csv")
	}
	res := y.importNight(dir, y.world.day)
	y.judge(res, bad)
	if bad.approved {
		y.check()
		y.approve(dir, res.Content)
	}
	if bad.held != nil || event == "snow" {
		y.againIsUnchanged(dir, y.world.day)
	}
	if event == "plan" {
		end := y.world.year().end
		if err := y.PlanRollover(y.t.Context(), steward, broker.Rollover{From: end + 1, To: end + 59}); err != nil {
			y.t.Fatal(err)
		}
	}
}

func (y *simulation) importNight(dir string, exported civil.Date, set ...func(*broker.ImportRequest)) broker.ImportResult {
	y.t.Helper()
	req := broker.ImportRequest{Path: dir, Options: ingest.Options{Snapshot: ingest.SnapshotActive, Degrade: true, ExportDate: exported}}
	for _, change := range set {
		change(&req)
	}
	res, err := y.Import(y.t.Context(), steward, req)
	if err != nil {
		y.t.Fatal(err)
	}
	return res
}

// judge holds a load against what the night must come to, and takes down what is
// true from now on of each family that went in.
func (y *simulation) judge(res broker.ImportResult, want badNight) {
	y.sum.loads++
	families := map[ingest.Family]bool{}
	for _, h := range res.Report.Held {
		families[h.Family] = true
	}
	got, expected := slices.Sorted(maps.Keys(families)), slices.Sorted(slices.Values(want.held))
	if !slices.Equal(got, expected) || res.Rejected != want.rejected || res.Doubted != want.doubted || res.Unchanged {
		var text strings.Builder
		_ = res.Report.Write(&text)
		y.violated("the load held %v, rejected %t, doubted %t, unchanged %t; it must hold %v, rejected %t, doubted %t:\n%s",
			got, res.Rejected, res.Doubted, res.Unchanged, expected, want.rejected, want.doubted, text.String())
	}
	if want.rejected {
		y.sum.rejected++
		families = map[ingest.Family]bool{ingest.People: true, ingest.Attendance: true, ingest.Discipline: true, ingest.Grades: true}
	} else {
		y.published = y.world.day
		families = map[ingest.Family]bool{}
		for _, f := range want.held {
			families[f] = true
		}
	}
	if len(want.held) > 0 {
		y.sum.held++
	}
	y.learn(families)
}

// learn keeps the truth of tonight for the families that went in.
func (y *simulation) learn(held map[ingest.Family]bool) {
	tonight := y.world.copy()
	for _, f := range []ingest.Family{ingest.People, ingest.Attendance, ingest.Discipline, ingest.Grades} {
		switch {
		case !held[f]:
			y.good[f] = &goodNight{world: tonight}
		case y.good[f].held.IsZero():
			y.good[f].held = y.world.day
		}
	}
}

// approve lets a doubted export in: not by who loaded it, and only once somebody
// else said so.
func (y *simulation) approve(dir, content string) {
	y.t.Helper()
	if err := y.ApproveImport(y.t.Context(), steward, content); broker.KindOf(err) != broker.Conflict {
		y.violated("who loaded it could approve it: %v", err)
	}
	if err := y.ApproveImport(y.t.Context(), officer, content); err != nil {
		y.violated("an officer could not approve it: %v", err)
		return
	}
	y.sum.approved++
	res := y.importNight(dir, y.world.day)
	if res.Unchanged {
		y.violated("the files that were approved are said to be unchanged, and are not loaded")
		return
	}
	y.judge(res, badNight{})
}

// againIsUnchanged loads the same files once more.
func (y *simulation) againIsUnchanged(dir string, exported civil.Date) {
	y.t.Helper()
	before := y.size()
	res := y.importNight(dir, exported)
	y.sum.loads++
	y.sum.unchanged++
	if after := y.size(); !res.Unchanged || after != before {
		y.violated("the same files again: unchanged %t, and %d new entries", res.Unchanged, after-before)
	}
}

// weekend loads Friday's files again on Saturday: as Friday's, and on some
// weekends as Saturday's too, which moves no record.
func (y *simulation) weekend() {
	friday := y.world.day
	if friday.Weekday() != time.Friday || y.plan.events[y.night] != "" {
		return
	}
	dir := y.world.export().write(y.t)
	y.clock.Set(evening(friday + 1))
	y.againIsUnchanged(dir, friday)
	if !y.plan.sampled[y.night] {
		return
	}
	y.world.day = friday + 1
	res := y.importNight(dir, friday+1)
	for file, delta := range res.Report.Changes.Files {
		if delta != (ingest.Delta{}) {
			y.violated("Friday's files on Saturday change %+v in %s", delta, file)
		}
	}
	y.judge(res, badNight{})
	y.check()
}

// oldYearIsUnchanged holds the whole old year against what is there of it.
func (y *simulation) oldYearIsUnchanged() {
	old := y.plan.years[0]
	res := y.importNight(y.world.exportOf(old, true).write(y.t), old.end, dryRun)
	for _, file := range []string{"attendance.csv", "discipline.csv", "grades.csv", "calendar.csv"} {
		if delta := res.Report.Changes.Files[file]; delta != (ingest.Delta{}) {
			y.violated("of the old year's %s %+v differ", file, delta)
		}
	}
	if res.Report.Errors() > 0 {
		y.violated("the old year has %d errors", res.Report.Errors())
	}
}

// upload sends every partner's roster and enters the answers of the families who
// are new on it; one in ten does not answer.
func (y *simulation) upload() {
	for _, p := range y.partners {
		if y.night == 0 {
			y.newPartner(p.name)
			y.sign(broker.AgreementRequest{
				ID: p.name, Partner: p.name, Template: "comparison_and_consent", Schools: p.schools, Categories: consent.Categories(),
				TermFrom: day("2025-08-01"), TermTo: day("2027-07-31"), Administrator: "Ada Admin",
			})
		}
		y.done(y.PutParticipation(y.t.Context(), partnerOf(p.name), p.name, strings.NewReader(y.rosterOf(p))))
		for _, l := range y.world.learners {
			if answers := p.roster[l.ref] && !p.consented[l.ref] && !l.gone; answers && !strings.HasSuffix(l.ref, "7") {
				y.agree(p, l)
			}
		}
	}
}

// rosterOf is participation.csv: each child on its first day.
func (y *simulation) rosterOf(p *yearPartner) string {
	var b strings.Builder
	b.WriteString("participant_ref,given_name,family_name,birthdate,school_id,date\n")
	for _, l := range y.world.learners {
		at := l.placeAmong(p.schools, y.world.day)
		if l.ref != "" && at != "" && (!l.gone || p.roster[l.ref]) {
			p.roster[l.ref] = true
			fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", l.ref, l.given, l.family, l.birth, at, l.stays[0].from)
		}
	}
	return b.String()
}

// agree enters a mother's yes to everything.
func (y *simulation) agree(p *yearPartner, l *learner) {
	p.consented[l.ref] = true
	y.done(y.CreateConsent(y.t.Context(), officer, broker.ConsentRequest{
		Agreement: p.name, Student: broker.StudentRef{StudentID: l.id}, Signer: broker.SignerRef{GuardianID: l.mother}, Answer: consent.Yes,
		Categories: consent.Categories(), RecordsFrom: y.plan.years[0].start, RecordsTo: day("2027-06-30"), Expires: day("2027-06-30"),
		SignedAt: y.clock.Now(), Method: consent.Paper, Text: broker.TextRef{Version: "1", Language: "en", SHA256: sha}, Evidence: consent.Evidence{Kind: "scan", SHA256: sha},
	}))
}
