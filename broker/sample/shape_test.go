package sample_test

import (
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/sample"
)

// figures are what a reader of the made-up district would look at first.
type figures struct {
	students, chronic, suspended, learners, disabled, poor, mobile int
	days, absent                                                   float64
	results, failed, sum                                           int
}

func (f figures) chronicShare() float64 { return float64(f.chronic) / float64(f.students) }
func (f figures) absence() float64      { return f.absent / f.days }
func (f figures) mean() float64         { return float64(f.sum) / float64(f.results) }

func (f *figures) add(d *sample.District, s *sample.Student) {
	days, absent, missed := 0.0, 0.0, 0.0
	for _, e := range s.Enrollments {
		for _, day := range d.Calendar {
			if day.Instructional && e.Entry <= day.Date && (e.Exit.IsZero() || day.Date <= e.Exit) {
				days++
			}
		}
	}
	suspended := false
	for _, m := range s.Marks {
		switch m.Code {
		case "absent_excused", "absent_unexcused", "oss":
			absent, missed = absent+1, missed+1
		case "half_absent":
			absent, missed = absent+.5, missed+1
		}
		suspended = suspended || m.Code == "oss" || m.Code == "iss"
	}
	f.students++
	f.days += days
	f.absent += absent
	f.chronic += count(missed*10 >= days)
	f.suspended += count(suspended)
	f.learners += count(s.EnglishLearner == "yes")
	f.disabled += count(s.SpecialEducation == "yes")
	f.poor += count(s.EconomicallyDisadvantaged == "yes")
	f.mobile += count(len(s.Enrollments) > 1)
	for _, r := range s.Results {
		f.results++
		f.sum += r.Value
		f.failed += count(r.Value < 60)
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestTheDistrictLooksLikeADistrict(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 2, 3} {
		d := sample.Generate(sample.Options{Seed: seed})
		var all figures
		for i := range d.Students {
			all.add(d, &d.Students[i])
		}
		n := float64(all.students)
		for _, c := range []struct {
			what           string
			got, low, high float64
		}{
			{"chronic absence", all.chronicShare(), .15, .26},
			{"days absent", all.absence(), .05, .09},
			{"students suspended", float64(all.suspended) / n, .02, .09},
			{"English learners", float64(all.learners) / n, .08, .22},
			{"special education", float64(all.disabled) / n, .10, .18},
			{"economically disadvantaged", float64(all.poor) / n, .45, .68},
			{"moved within the district", float64(all.mobile) / n, .01, .04},
			{"mean mark", all.mean(), 73, 83},
			{"marks under 60", float64(all.failed) / float64(all.results), .02, .12},
		} {
			if c.got < c.low || c.got > c.high {
				t.Errorf("seed %d: %s %.3f, want %.3f to %.3f", seed, c.what, c.got, c.low, c.high)
			}
		}
	}
}

func TestOutcomesHangTogether(t *testing.T) {
	t.Parallel()
	d := sample.Generate(sample.Options{Seed: 1})
	var low, high figures // marks of children with few and with many days missed
	for i := range d.Students {
		s := &d.Students[i]
		if len(s.Results) == 0 {
			continue
		}
		if len(s.Marks) > 20 {
			high.add(d, s)
		} else {
			low.add(d, s)
		}
	}
	if low.mean()-high.mean() < 2 {
		t.Errorf("children who are there have a mean of %.1f, those who are not %.1f", low.mean(), high.mean())
	}
	if float64(high.suspended)/float64(high.students) < 1.3*float64(low.suspended)/float64(low.students) {
		t.Error("suspensions and absence are unrelated")
	}
}

func TestParticipantsAttendSlightlyBetter(t *testing.T) {
	t.Parallel()
	var served, rest figures
	for _, seed := range []uint64{1, 2, 3, 4} {
		d := sample.Generate(sample.Options{Seed: seed})
		atFloor := map[string]bool{}
		for _, child := range d.Partners[0].Roster {
			atFloor[child.StudentID] = atFloor[child.StudentID] || len(child.Sessions) >= 9
		}
		for i := range d.Students {
			if s := &d.Students[i]; atFloor[s.ID] {
				served.add(d, s)
			} else {
				rest.add(d, s)
			}
		}
	}
	gain := rest.absence() - served.absence()
	if gain < 0 || gain > .02 {
		t.Errorf("participants miss %.2f %%, the rest %.2f %%", 100*served.absence(), 100*rest.absence())
	}
}

func TestNamesAreManyAndHardlyEverShared(t *testing.T) {
	t.Parallel()
	d := sample.Generate(sample.Options{Seed: 1, Students: 20000})
	given, family, people := map[string]bool{}, map[string]bool{}, map[string]int{}
	shared := 0
	for i := range d.Students {
		s := &d.Students[i]
		given[s.GivenName], family[s.FamilyName] = true, true
		key := s.GivenName + "|" + s.FamilyName + "|" + s.Birth.String()
		people[key]++
		shared += count(people[key] > 1)
	}
	if len(given) < 200 || len(family) < 200 {
		t.Errorf("%d given and %d family names", len(given), len(family))
	}
	if shared > 20 {
		t.Errorf("%d children share name and birth date with another", shared)
	}
	for name := range family {
		if len(name) < 5 {
			t.Errorf("family name %s could stand in sealed bytes by chance", name)
		}
	}
}

func TestLanguagesAndOriginsAreMixed(t *testing.T) {
	t.Parallel()
	d := sample.Generate(sample.Options{Seed: 1})
	languages, races := map[string]int{}, map[string]int{}
	for i := range d.Students {
		races[d.Students[i].RaceEthnicity]++
		for _, g := range d.Students[i].Guardians {
			languages[g.Language]++
		}
	}
	for _, language := range []string{"en", "es", "hmn", "so", "ar", "ksw", "vi"} {
		if languages[language] < 5 {
			t.Errorf("language %s: %d guardians", language, languages[language])
		}
	}
	if len(races) < 6 || races["white"] > 2500 {
		t.Errorf("races and ethnicities: %v", races)
	}
}

func TestRostersGiveTheBrokerSomethingToDecide(t *testing.T) {
	t.Parallel()
	d := sample.Generate(sample.Options{Seed: 1})
	for _, p := range d.Partners {
		atFloor, unsure, foreign := 0, 0, 0
		bySchool := map[string]int{}
		for _, child := range p.Roster {
			atFloor += count(len(child.Sessions) >= 9)
			unsure += count(!child.Exact && child.StudentID != "")
			foreign += count(child.StudentID == "")
			bySchool[child.Sessions[0].School]++
		}
		answers := map[string]int{}
		partial := 0
		for _, c := range p.Consents {
			answers[c.Answer]++
			partial += count(c.Answer == "yes" && len(c.Categories) < len(p.Agreement.Categories))
		}
		silent := len(p.Roster) - len(p.Consents)
		t.Logf("%s: %d children, %d at the floor, by school %v, %v, %d partial, %d silent", p.ID, len(p.Roster), atFloor, bySchool, answers, partial, silent)
		if atFloor < 40 || atFloor == len(p.Roster) || unsure < 2 || foreign != 1 {
			t.Errorf("%s: %d at the floor of %d, %d written wrongly, %d foreign", p.ID, atFloor, len(p.Roster), unsure, foreign)
		}
		if answers["yes"] < 20 || answers["no"] < 3 || silent < 15 {
			t.Errorf("%s: answers %v, %d silent", p.ID, answers, silent)
		}
		if strings.Contains(p.ID, " ") || len(bySchool) < 3 {
			t.Errorf("%s: schools %v", p.ID, bySchool)
		}
	}
}
