package oneroster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/ingest/ingesttest"
)

// gradebook is a small set in which S has one result of each line item; a line
// item is a title, with the title of its category behind a slash.
func gradebook(items ...string) map[string]string {
	lines, results, categories := "sourcedId,title,classSourcedId,categorySourcedId,gradingPeriodSourcedId,resultValueMin,resultValueMax\n",
		"sourcedId,lineItemSourcedId,studentSourcedId,scoreStatus,score\n", "sourcedId,title\n"
	classes := "sourcedId,title,courseSourcedId,schoolSourcedId,termSourcedIds\n"
	for i, item := range items {
		title, category, _ := strings.Cut(item, "/")
		categories += fmt.Sprintf("C%d,%s\n", i, category)
		classes += fmt.Sprintf("K%d,Class %d,,A,T\n", i, i)
		lines += fmt.Sprintf("I%d,%s,K%d,C%d,T,0,100\nJ%d,Other,K%d,,T,0,100\n", i, title, i, i, i, i)
		results += fmt.Sprintf("R%d,I%d,S,fully graded,80\n", i, i)
	}
	return map[string]string{"lineItems.csv": lines, "results.csv": results, "categories.csv": categories, "classes.csv": classes}
}

func resultLines(t *testing.T, more map[string]string, final ...string) []string {
	t.Helper()
	opt := options(t)
	opt.Final = final
	im, _ := read(t, small(more), opt)
	var got []string
	for _, r := range im.Students[0].Facts.Results {
		got = append(got, fmt.Sprintf("%s %s %s %d of %s", r.Course().School, r.Course().Session, r.Course().Name, r.Value, r.Course().Scale))
	}
	return got
}

func TestATitleSaysWhetherAResultIsFinal(t *testing.T) {
	t.Parallel()
	for item, want := range map[string]bool{
		"Final": true, "final grade": true, "Algebra/Final": true, "x/Overall": true, "Term Grade": true, "Quarter 1 Grade": true,
		"Q2 grade": true, "S1 Final Grade": true, "1st Semester Average": true, "MP3 Mark": true, "Trimester 2 Final Average": true,
		"Final-Grade": true, "Report Card": true, "Course grade": true, "Marking Period 4 Grade": true, "Final Course Grade 2026": true,
		"Final Exam": false, "Final exam grade": false, "Final Project/Projects": false, "Finals week": false, "Semester Final": false,
		"Q1 Final": false, "Final 2": false, "Grade": false, "1st": false, "Quiz/Quizzes": false, "Overall effort": false,
		"Grade 5": false, "Semifinal": false, "": false, "Year in Review": false,
	} {
		if got := resultLines(t, gradebook(item)); (len(got) == 1) != want {
			t.Errorf("%q is final: %v", item, len(got) == 1)
		}
	}
}

func TestTheDistrictMayDeclareWhatIsFinal(t *testing.T) {
	t.Parallel()
	same(t, "results", resultLines(t, gradebook("Final grade", "standing", "x/STANDING "), " Standing"), []string{
		"A T Class 1 8000 of 0-100", "A T Class 2 8000 of 0-100",
	})
}

func TestTheOnlyLineItemOfAClassAndPeriodIsFinal(t *testing.T) {
	t.Parallel()
	more := gradebook("Quiz", "Quiz")
	more["lineItems.csv"] = strings.ReplaceAll(more["lineItems.csv"], "J0,Other,K0,,T,0,100\n", "")
	same(t, "results", resultLines(t, more), []string{"A T Class 0 8000 of 0-100"})
	same(t, "results with a declaration", resultLines(t, more, "Term"), nil)
	more = gradebook("Quiz")
	more["lineItems.csv"] = strings.ReplaceAll(strings.ReplaceAll(more["lineItems.csv"], "J0,Other,K0,,T,0,100\n", ""), "C0,T,", "C0,,")
	same(t, "results without a period", resultLines(t, more), []string{"A T Class 0 8000 of 0-100"})
}

func TestAnExportOfAssignmentsSaysNothingOfCourses(t *testing.T) {
	t.Parallel()
	for what, more := range map[string]map[string]string{
		"assignments": gradebook("Quiz", "Essay"), "headers": gradebook(),
	} {
		im, report := read(t, small(more), options(t))
		if im.Present["grades.csv"] || report.Errors() > 0 {
			t.Errorf("%s: %v", what, ingesttest.Findings(report))
		}
	}
	more := gradebook("Final grade")
	more["results.csv"] = "sourcedId,status,lineItemSourcedId,studentSourcedId,scoreStatus,score\nR,tobedeleted,I0,S,fully graded,80\n"
	if im, _ := read(t, small(more), options(t)); !im.Present["grades.csv"] {
		t.Error("an export that deletes the last result does not speak of results")
	}
}

func TestAScaleIsFromTheLowestValueToTheHighest(t *testing.T) {
	t.Parallel()
	for cells, want := range map[string]string{
		"0,100 80":             "8000 of 0-100",
		"0.00,100.0 80.125":    "8013 of 0-100",
		"0,4.0 3.995":          "400 of 0-4",
		"1.0,4.50 4":           "400 of 1-4.5",
		",100 80":              "8000 of unstated",
		"0,high 80":            "8000 of unstated",
		"0,100 B+":             "330 of letter",
		", A":                  "400 of letter",
		"0,100 80.":            "8000 of 0-100",
		"0,100 +80":            "8000 of 0-100",
		"0,100 79.99499999999": "7999 of 0-100",
	} {
		scale, score, _ := strings.Cut(cells, " ")
		more := gradebook("Final")
		more["lineItems.csv"] = strings.Replace(more["lineItems.csv"], "0,100", scale, 1)
		more["results.csv"] = strings.Replace(more["results.csv"], "80", score, 1)
		same(t, cells, resultLines(t, more), []string{"A T Class 0 " + want})
	}
}

func TestACourseIsCalledByItsTitle(t *testing.T) {
	t.Parallel()
	more := gradebook("Final", "Final", "Final", "Final")
	more["courses.csv"] = "sourcedId,title,courseCode\nC0,Art,A1\nC1,Music,M1\nC2,Music,M2\nC3,,X9\n"
	for i := range 4 {
		more["classes.csv"] = strings.Replace(more["classes.csv"], fmt.Sprintf("Class %d,,", i), fmt.Sprintf("Class %d,C%d,", i, i), 1)
	}
	same(t, "results", resultLines(t, more), []string{
		"A T Art 8000 of 0-100", "A T Music (M1) 8000 of 0-100", "A T Music (M2) 8000 of 0-100", "A T X9 8000 of 0-100",
	})
}
