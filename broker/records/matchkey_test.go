package records_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/records"
)

func TestWaysToWriteANameMeet(t *testing.T) {
	t.Parallel()
	for _, c := range [][4]string{
		{"José", "Núñez", "JOSE", "nunez"},
		{"Jose\u0301", "Nunez", "José", "Nunez"},
		{"Mary-Ann", "O'Brien", "Mary Ann", "OBrien"},
		{"Søren", "Łukasz", "soren", "lukasz"},
		{"Ægir", "Strauß", "aegir", "STRAUSS"},
		{"  Ana ", "de la Cruz", "Ana", "Dela Cruz"},
		{"Ｊｏ", "Kim", "Jo", "Kim"},
	} {
		a, b := records.MatchKey(c[0], c[1], base), records.MatchKey(c[2], c[3], base)
		if a != b || a == "" {
			t.Errorf("%q and %q", a, b)
		}
	}
}

func TestDifferentPeopleStayApart(t *testing.T) {
	t.Parallel()
	a := records.MatchKey("Ana", "Silva", base)
	for _, other := range []string{
		records.MatchKey("Ana", "Silva", base+1), records.MatchKey("Silva", "Ana", base),
		records.MatchKey("An", "aSilva", base), records.MatchKey("Anna", "Silva", base),
	} {
		if a == other {
			t.Errorf("%q", other)
		}
	}
	if records.MatchKey("", "Silva", base) != "" || records.MatchKey("Ana", "-", base) != "" || records.MatchKey("Ana", "Silva", 0) != "" {
		t.Error("a person without a name or birth date has a key")
	}
	if records.MatchKey("丽", "王", base) == "" || records.MatchKey("丽", "王", base) == records.MatchKey("力", "王", base) {
		t.Error("names in other scripts have no key of their own")
	}
}

func TestLettersThatDifferInCaseMeet(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"STRASSE", "Straße"}, {"Ꭰꭱ", "ꭰᎡ"}, {"ΣΟΦΟΣ", "σοφος"}, {"Kim", "KIM"}, {"İnci", "inci"}} {
		if a, b := records.MatchKey(pair[0], "x", base), records.MatchKey(pair[1], "x", base); a != b || a == "" {
			t.Errorf("%q is %q, %q is %q", pair[0], a, pair[1], b)
		}
	}
}

func TestNormalisingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.StringN(1, 12, 40).Draw(t, "given")
		key := records.MatchKey(given, "x", base)
		if key == "" {
			return
		}
		once := key[:len(key)-len("|x|2025-09-01")]
		if again := records.MatchKey(once, "x", base); again != key {
			t.Fatalf("%q became %q", key, again)
		}
	})
}

func TestANameIsTheSameInEitherOrderAndWhateverItsSigns(t *testing.T) {
	t.Parallel()
	for written, same := range map[string]bool{
		"María Núñez-Soto": true, "NUNEZ SOTO, Maria": true, "maria nunez soto": true,
		"Maria Nunez": false, "M. Nunez Soto": false, "": false,
	} {
		if got := records.SameName(written, "María", "Núñez Soto"); got != same {
			t.Errorf("%q is the same name: %v", written, got)
		}
	}
	if records.SameName("", "", "") || records.SameName("X", "X", "") {
		t.Error("somebody without a name has one")
	}
}
