package agreement_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
	"github.com/hallpass-edu/hallpass/policy/agreement"
)

func TestEachChangeIsSaidInOneSentence(t *testing.T) {
	t.Parallel()
	plain := func(t testing.TB) agreement.Clauses { return clauses(t, "comparison_and_consent") }
	study := func(t testing.TB) agreement.Clauses { return clauses(t, "study") }
	cases := []struct {
		from   func(testing.TB) agreement.Clauses
		change func(*agreement.Clauses)
		want   agreement.Change
	}{
		{
			plain, func(c *agreement.Clauses) { c.Basis, c.Template = agreement.ConsentOnly, "" },
			agreement.Change{Clause: "2.1 basis", Sentence: "The legal basis changes from comparison_and_consent to consent_only.", NeedsNewConsent: true},
		},
		{
			plain, func(c *agreement.Clauses) { c.Template = "" },
			agreement.Change{Clause: "2.1 basis", Sentence: "The agreement follows the template none instead of comparison_and_consent."},
		},
		{
			plain, func(c *agreement.Clauses) { c.Purpose = consent.ProgramEvaluation },
			agreement.Change{Clause: "2.2 purpose", Sentence: "The purpose changes from student_support to program_evaluation.", NeedsNewConsent: true},
		},
		{
			plain, func(c *agreement.Clauses) { c.PurposeText = "Otherwise" },
			agreement.Change{Clause: "2.2 purpose", Sentence: "The purpose is described in other words than families have read.", NeedsNewConsent: true},
		},
		{
			official, func(c *agreement.Clauses) { c.Attestations = nil },
			agreement.Change{Clause: "2.1 basis", Sentence: "The district's attestations about the partner as a school official change."},
		},
		{
			plain, func(c *agreement.Clauses) { c.Schools = []string{"GP", "MS", "NW", "SW"} },
			agreement.Change{Clause: "3.3 schools", Sentence: "The schools gain NW and SW."},
		},
		{
			plain, func(c *agreement.Clauses) { c.Schools = []string{"GP"} },
			agreement.Change{Clause: "3.3 schools", Sentence: "The schools lose MS."},
		},
		{
			plain, func(c *agreement.Clauses) { c.Categories = append(c.Categories, consent.DisciplineAction) },
			agreement.Change{Clause: "4.5 discipline_action", Sentence: "Shared in addition: discipline action.", NeedsNewConsent: true},
		},
		{
			plain, func(c *agreement.Clauses) { c.Categories = c.Categories[:1] },
			agreement.Change{Clause: "4.3 grades", Sentence: "No longer shared: grades."},
		},
		{
			plain, func(c *agreement.Clauses) { c.Indicators = c.Indicators[:2] },
			agreement.Change{Clause: "3.4 indicators", Sentence: "The indicators lose course_failure_share."},
		},
		{
			plain, func(c *agreement.Clauses) { c.Grain = c.Grain[:2] },
			agreement.Change{Clause: "3.5 grain", Sentence: "The grains lose grade."},
		},
		{
			plain, func(c *agreement.Clauses) { c.DosageFloor = 12 },
			agreement.Change{Clause: "3.2 dosage", Sentence: "The session dates from which a participant counts change from 9 to 12."},
		},
		{
			plain, func(c *agreement.Clauses) { c.MinCohort = 20 },
			agreement.Change{Clause: "3.6 thresholds", Sentence: "The least number of students in a figure changes from 10 to 20."},
		},
		{
			plain, func(c *agreement.Clauses) { c.UnconsentedFloor = 20 },
			agreement.Change{Clause: "3.6 thresholds", Sentence: "The least number of students without consent in a figure changes from 5 to 20."},
		},
		{
			plain, func(c *agreement.Clauses) { c.Profile = "" },
			agreement.Change{Clause: "3.7 profile", Sentence: "The protection profile changes from standard to none."},
		},
		{
			plain, func(c *agreement.Clauses) { c.Epsilon = 25 },
			agreement.Change{Clause: "3.7 profile", Sentence: "The privacy budget of a school year changes from epsilon 0 to 2.5."},
		},
		{
			plain, func(c *agreement.Clauses) { c.TermTo = civil.Make(2028, 7, 31) },
			agreement.Change{Clause: "10.1 term", Sentence: "The term ends on 2028-07-31 instead of 2027-07-31; consents still end on their own days.", NeedsNewConsent: true},
		},
		{
			plain, func(c *agreement.Clauses) { c.TermTo = civil.Make(2026, 7, 31) },
			agreement.Change{Clause: "10.1 term", Sentence: "The term ends on 2026-07-31 instead of 2027-07-31."},
		},
		{
			plain, func(c *agreement.Clauses) { c.TermFrom = civil.Make(2024, 8, 1) },
			agreement.Change{Clause: "10.1 term", Sentence: "The term begins on 2024-08-01 instead of 2025-08-01.", NeedsNewConsent: true},
		},
		{
			plain, func(c *agreement.Clauses) { c.Redisclosure = "To the evaluator" },
			agreement.Change{Clause: "7.2 redisclosure", Sentence: "To whom records may be passed on changes.", NeedsNewConsent: true},
		},
		{
			plain, func(c *agreement.Clauses) { c.Administrator = "Bo Chen" },
			agreement.Change{Clause: "8.1 administrator", Sentence: "Another person keeps the partner's list of people with access."},
		},
		{
			plain, func(c *agreement.Clauses) { c.DestructionDays = 30 },
			agreement.Change{Clause: "10.3 destruction", Sentence: "The days within which records are destroyed after the end change from 60 to 30."},
		},
		{
			study, func(c *agreement.Clauses) { c.Study.Scope = "More" },
			agreement.Change{Clause: "2.3 study", Sentence: "The scope of the study changes.", NeedsNewConsent: true},
		},
		{
			study, func(c *agreement.Clauses) { c.Study.Representatives = append(c.Study.Representatives, "Bo Chen") },
			agreement.Change{Clause: "2.3 study", Sentence: "More people may see records: Bo Chen.", NeedsNewConsent: true},
		},
		{
			study, func(c *agreement.Clauses) { c.Study.Representatives = c.Study.Representatives[:1] },
			agreement.Change{Clause: "2.3 study", Sentence: "These people may no longer see records: Sam Rivera."},
		},
		{
			study, func(c *agreement.Clauses) { c.Study.DestroyBy++ },
			agreement.Change{Clause: "2.3 study", Sentence: "The day by which the study's records are destroyed changes from 2027-08-31 to 2027-09-01."},
		},
	}
	for _, c := range cases {
		t.Run(c.want.Sentence, func(t *testing.T) {
			t.Parallel()
			old, next := c.from(t), c.from(t)
			c.change(&next)
			if diff := cmp.Diff([]agreement.Change{c.want}, agreement.Diff(old, next)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAStudyThatComesOrGoesIsSaid(t *testing.T) {
	t.Parallel()
	study := clauses(t, "study")
	without := study
	without.Study = nil
	if all := agreement.Diff(without, study); !strings.Contains(all[0].Sentence, "added") || !all[0].NeedsNewConsent {
		t.Errorf("%+v", all)
	}
	if all := agreement.Diff(study, without); !strings.Contains(all[0].Sentence, "dropped") {
		t.Errorf("%+v", all)
	}
}

func TestEqualClausesDifferInNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.Custom(drawClauses).Draw(t, "clauses")
		if all := agreement.Diff(c, c); len(all) > 0 {
			t.Fatalf("%+v", all)
		}
	})
}

func TestEveryWideningNeedsNewConsents(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		old, next := rapid.Custom(drawClauses).Draw(t, "old"), rapid.Custom(drawClauses).Draw(t, "next")
		changes := agreement.Diff(old, next)
		if !asksFamilies(old, next, changes) {
			t.Fatalf("wider, yet no new consents: %+v", changes)
		}
		if !cmp.Equal(old, next) && len(changes) == 0 {
			t.Fatalf("different, yet no change is said")
		}
		for _, c := range changes {
			if c.Clause == "" || !strings.HasSuffix(c.Sentence, ".") {
				t.Fatalf("%+v", c)
			}
		}
	})
}

func TestWithoutItsEyeForWideningADiffMissesIt(t *testing.T) {
	t.Parallel()
	gen := rapid.Custom(drawClauses)
	for seed := range 200 {
		old, next := gen.Example(seed), gen.Example(seed+1)
		if !asksFamilies(old, next, agreement.DiffBlind(old, next)) {
			return
		}
	}
	t.Error("the law holds without its guard")
}

// asksFamilies is the law: what widens needs new consents.
func asksFamilies(old, next agreement.Clauses, changes []agreement.Change) bool {
	return !wider(old, next) || agreement.NeedsNewConsent(changes)
}

// wider reports whether the next clauses let more be seen, for more, by more.
func wider(old, next agreement.Clauses) bool {
	if old.Purpose != next.Purpose || next.TermFrom < old.TermFrom || next.TermTo > old.TermTo {
		return true
	}
	had := map[consent.Category]bool{}
	for _, c := range old.Categories {
		had[c] = true
	}
	for _, c := range next.Categories {
		if !had[c] {
			return true
		}
	}
	return next.Study != nil && (old.Study == nil || len(next.Study.Representatives) > len(old.Study.Representatives))
}
