package records

import "testing"

// TestASessionNeverCountsBesideItsChildren holds DESIGN §11: own results if
// there are any, else the children's, never both.
func TestASessionNeverCountsBesideItsChildren(t *testing.T) {
	t.Parallel()
	counted := func(sabotage bool) int64 {
		result := func(session string) Result {
			return NewResult(Course{School: "A", Session: session, Name: "Math", Scale: "0-20"}, 1000)
		}
		d := NewDistrict(Content{
			Schools:             []School{{ID: "A"}},
			Sessions:            []Session{{ID: "Y", Type: SchoolYear, Start: 1, End: 300}, {ID: "T", Type: Term, Start: 1, End: 100, Parent: "Y"}},
			Students:            []Student{{Results: []Result{result("Y"), result("T")}}},
			sabotageBothSources: sabotage,
		})
		year, _ := d.Session("Y")
		v, status := Compute(CourseFailureShare, d, &d.Students[0], year, nil, Settings{})
		if status != Reported {
			t.Fatal(status)
		}
		return v.Den
	}
	if counted(false) != 1 {
		t.Error("a year's results were counted beside its terms'")
	}
	if counted(true) == 1 {
		t.Error("the test does not miss its guard")
	}
}
