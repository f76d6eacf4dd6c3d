package civil_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

func TestADateSurvivesItsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := civil.Date(rapid.Int32Range(1, 3652059).Draw(t, "days"))
		got, err := civil.Parse(d.String())
		if err != nil || got != d {
			t.Fatalf("%v became %v, %v", d, got, err)
		}
		if d.AddYears(0) != d || civil.Of(d.Start(time.UTC), time.UTC) != d {
			t.Fatalf("%v does not keep its day", d)
		}
	})
}

func TestOnlyIsoDatesAreRead(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "2026-1-02", "2026-02-30", "0000-01-01", "11/21/2026", "2026-11-21T00:00", "２０２６-1-1", "-026-01-01"} {
		if d, err := civil.Parse(s); err == nil {
			t.Errorf("%q was read as %v", s, d)
		}
	}
}

func TestAgeIsCompletedOnTheBirthday(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		birth, on string
		want      int
	}{
		{"1988-06-30", "2006-06-29", 17},
		{"1988-06-30", "2006-06-30", 18},
		{"1988-02-29", "2006-02-28", 17},
		{"1988-02-29", "2006-03-01", 18},
		{"1988-02-29", "2008-02-29", 20},
		{"2000-01-02", "2000-01-01", -1},
	} {
		birth, _ := civil.Parse(c.birth)
		on, _ := civil.Parse(c.on)
		if got := civil.Age(birth, on); got != c.want {
			t.Errorf("born %s, on %s: %d, want %d", c.birth, c.on, got, c.want)
		}
	}
}

func TestTheLocalDateFollowsTheZone(t *testing.T) {
	t.Parallel()
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	instant := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	if got := civil.Of(instant, chicago).String(); got != "2026-11-20" {
		t.Errorf("local date %s", got)
	}
	if civil.Date(0).String() != "" {
		t.Error("the zero value printed a date")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("2026-11-21")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := civil.Parse(s)
		if err == nil && d.String() != s {
			t.Fatalf("%q became %q", s, d)
		}
	})
}
