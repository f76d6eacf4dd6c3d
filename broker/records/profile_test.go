package records_test

import (
	"bytes"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

func sampleProfile() records.Profile {
	return records.Profile{
		SID: records.SID{7}, Person: records.Person{StudentID: "S-0042", Given: "Zoë", Family: "Okafor"}, Birth: base,
		Sex: "F", EnglishLearner: records.Yes, SpecialEducation: records.No,
		Enrollments: []records.Enrollment{{School: "A", Entry: base + 5000, Grade: "5", Primary: true}},
		Guardians: []records.Guardian{{
			ID: "G-1", Given: "Ada", Family: "Okafor", Relation: "mother", Capacity: records.CapacityParent,
			Language: "en", Email: "ada@example.org", HoldsRights: true,
		}},
	}
}

func TestAProfileSurvivesItsCoding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 20, 80)
		p := sampleProfile()
		p.Person = records.Person{StudentID: text.Draw(t, "id"), Given: text.Draw(t, "given"), Family: text.Draw(t, "family"), Email: text.Draw(t, "email"), Phone: text.Draw(t, "own phone")}
		p.Birth = civil.Date(rapid.Int32Range(0, 3652059).Draw(t, "birth"))
		p.Guardians[0].Phone = text.Draw(t, "phone")
		got, err := records.DecodeProfile(records.AppendProfile(nil, p))
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Fatalf("%+v became %+v, %v", p, got, err)
		}
	})
}

// firstCoding is a profile without a contact as it was written before there were any.
func firstCoding(t testing.TB, p records.Profile) []byte {
	t.Helper()
	b := records.AppendProfile(nil, p)
	at := bytes.Index(b, []byte(p.Person.Family)) + len(p.Person.Family)
	if !bytes.Equal(b[at:at+2], []byte{0, 0}) {
		t.Fatal("the contact does not follow the name")
	}
	b[0] = 1
	return slices.Delete(b, at, at+2)
}

func TestAProfileOfTheFirstCodingIsRead(t *testing.T) {
	t.Parallel()
	p := sampleProfile()
	if got, err := records.DecodeProfile(firstCoding(t, p)); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("%+v became %+v, %v", p, got, err)
	}
}

func TestEveryCutOfAProfileIsRefused(t *testing.T) {
	t.Parallel()
	b := records.AppendProfile(nil, sampleProfile())
	for n := range len(b) {
		if _, err := records.DecodeProfile(b[:n]); err == nil {
			t.Fatalf("the first %d bytes were read", n)
		}
	}
}

func TestLogsNeverShowAStudent(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	p := sampleProfile()
	log.Info("x", "sid", p.SID, "person", p.Person, "guardian", p.Guardians[0], "profile", p)
	for _, secret := range []string{"Zo", "Okafor", "S-0042", p.SID.String(), "ada@"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log shows a student: %s", out.String())
		}
	}
}

func TestTheFactsOfAProfileHoldNoName(t *testing.T) {
	t.Parallel()
	p := sampleProfile()
	s := p.Student()
	if s.SID != p.SID || s.Birth != p.Birth || len(s.Enrollments) != 1 || s.EnglishLearner != records.Yes {
		t.Errorf("%+v", s)
	}
}

func TestASidSurvivesItsText(t *testing.T) {
	t.Parallel()
	sid := records.SID{1, 2, 0xff}
	text, _ := sid.MarshalText()
	var got records.SID
	if err := got.UnmarshalText(text); err != nil || got != sid {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "0102", strings.Repeat("g", 32), strings.Repeat("0", 33)} {
		if _, err := records.ParseSID(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzDecodeProfile(f *testing.F) {
	f.Add(records.AppendProfile(nil, sampleProfile()))
	f.Add(firstCoding(f, sampleProfile()))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := records.DecodeProfile(b)
		if err != nil {
			return
		}
		now := records.AppendProfile(nil, p)
		if b[0] == now[0] && !bytes.Equal(now, b) {
			t.Fatal("a profile has two codings")
		}
		if again, err := records.DecodeProfile(now); err != nil || !reflect.DeepEqual(again, p) {
			t.Fatalf("%+v became %+v, %v", p, again, err)
		}
	})
}
