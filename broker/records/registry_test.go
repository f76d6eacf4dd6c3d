package records_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/records"
)

func TestEveryDefinitionIsWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, ind := range records.Registry() {
		if seen[ind.ID] || ind.Version < 1 || ind.Name == "" || ind.Unit == "" || ind.Numerator == "" || ind.Denominator == "" ||
			ind.Direction == "" || ind.Kind == "" || !slices.Contains(records.Families(), ind.Family) || len(ind.Notes) == 0 {
			t.Errorf("%+v", ind)
		}
		seen[ind.ID] = true
	}
	if len(seen) != 9 {
		t.Errorf("%d definitions", len(seen))
	}
}

func TestTheRegistryCannotBeChangedFromOutside(t *testing.T) {
	t.Parallel()
	records.Registry()[0].Name = "changed"
	records.Registry()[0].Notes[0] = "changed"
	if first := records.Registry()[0]; first.Name == "changed" || first.Notes[0] == "changed" {
		t.Error("a caller changed a definition")
	}
}

func TestAnUnknownIndicatorIsNotReported(t *testing.T) {
	t.Parallel()
	d := records.NewDistrict(records.Content{Students: []records.Student{{}}})
	if _, status := records.Compute("shoe_size", d, &d.Students[0], records.Session{}, nil, records.Settings{}); status != records.NotReported {
		t.Error(status)
	}
}

func TestSettingsArePrinted(t *testing.T) {
	t.Parallel()
	plain := strings.Join(records.Settings{}.Lines(), "\n")
	other := strings.Join(records.Settings{MinimumEnrolment: 90, MissingMark: records.MissingAbsent, ISSAbsent: true, OSSPresent: true, Scale: "0-20"}.Lines(), "\n")
	for _, want := range []string{"from 20 enrolled days", "in-school suspension counts as attendance", "out-of-school suspension counts as absence"} {
		if !strings.Contains(plain, want) {
			t.Errorf("the default settings do not say %q:\n%s", want, plain)
		}
	}
	for _, want := range []string{"from 90 enrolled days", "without a mark is read as absent", "in-school suspension counts as absence", "out-of-school suspension counts as attendance", "scale 0-20"} {
		if !strings.Contains(other, want) {
			t.Errorf("the settings do not say %q:\n%s", want, other)
		}
	}
}

func TestTheMainScaleIsTheMostUsedOne(t *testing.T) {
	t.Parallel()
	result := func(scale string) records.Result {
		return records.NewResult(records.Course{School: "A", Session: "Y", Name: scale, Scale: scale}, 0)
	}
	d := records.NewDistrict(records.Content{
		Schools:  []records.School{{ID: "A"}},
		Sessions: []records.Session{{ID: "Y", Type: records.SchoolYear, Start: base, End: base + 100}},
		Students: []records.Student{
			{SID: records.SID{1}, Results: []records.Result{result("0-20"), result("0-100")}},
			{SID: records.SID{2}, Results: []records.Result{result("0-100")}},
		},
	})
	period, _ := d.Session("Y")
	if got := d.MainScale(period, nil); got != "0-100" {
		t.Error(got)
	}
	if got := d.MainScale(period, []string{"B"}); got != "" {
		t.Error(got)
	}
}

func TestHundredthsSurviveTheirText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int32Range(-999999999, 999999999).Draw(t, "n")
		if got, err := records.ParseHundredths(records.FormatHundredths(n)); err != nil || got != n {
			t.Fatalf("%d became %d, %v", n, got, err)
		}
	})
	for text, want := range map[string]int32{"7": 700, "7.5": 750, "-0.25": -25, "7.500": 750, "0": 0} {
		if got, err := records.ParseHundredths(text); err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", ".5", "5.", "1,5", "1e3", "+1", " 1", "1.234", "12345678", "NaN", "--1", "٣"} {
		if got, err := records.ParseHundredths(bad); err == nil {
			t.Errorf("%q was read as %d", bad, got)
		}
	}
}

func TestALetterSurvivesItsPlaceOnTheScale(t *testing.T) {
	t.Parallel()
	scale, _ := records.FindScale("letter", nil)
	for _, l := range scale.Letters {
		value, err := scale.Value(strings.ToLower(l.Text))
		if err != nil || scale.Text(value) != l.Text || scale.Outside(value) {
			t.Errorf("%s became %d, %v", l.Text, value, err)
		}
	}
	if _, err := scale.Value("E"); err == nil {
		t.Error("E was read")
	}
}

func TestAScaleIsKnownByItsEnds(t *testing.T) {
	t.Parallel()
	s, ok := records.FindScale("55-110", nil)
	if !ok || !s.Outside(5499) || s.Outside(11000) || !s.Outside(11001) || s.HasPass {
		t.Errorf("%+v", s)
	}
	for _, name := range []string{"", "-", "10-0", "percent", "a-b"} {
		if s, ok := records.FindScale(name, nil); ok || s.Outside(1<<30) {
			t.Errorf("%q is a known scale", name)
		}
	}
}

func TestCodesSurviveTheirText(t *testing.T) {
	t.Parallel()
	for _, name := range records.AttendanceCodes() {
		var c records.AttendanceCode
		if err := c.UnmarshalText([]byte(name)); err != nil || c.String() != name {
			t.Error(name, err)
		}
	}
	for _, name := range records.Actions() {
		var a records.Action
		if err := a.UnmarshalText([]byte(name)); err != nil || a.String() != name {
			t.Error(name, err)
		}
	}
	for _, name := range []string{"yes", "no", ""} {
		var f records.Flag
		if err := f.UnmarshalText([]byte(name)); err != nil || f.String() != name {
			t.Error(name, err)
		}
	}
	for _, name := range []string{"exceptions", "every-day"} {
		var m records.Marking
		if err := m.UnmarshalText([]byte(name)); err != nil || m.String() != name {
			t.Error(name, err)
		}
	}
	var c records.AttendanceCode
	var a records.Action
	if c.UnmarshalText([]byte("Present")) == nil || a.UnmarshalText([]byte("")) == nil {
		t.Error("a word outside the closed list was read")
	}
}
