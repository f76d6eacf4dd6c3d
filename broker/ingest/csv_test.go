package ingest

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// byOracle reads a text with encoding/csv, up to the first fault.
func byOracle(text []byte) (records [][]string, lines []int, ok bool) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	for {
		record, err := r.Read()
		if err == io.EOF {
			return records, lines, true
		}
		if err != nil {
			return records, lines, false
		}
		line, _ := r.FieldPos(0)
		records, lines = append(records, record), append(lines, line)
	}
}

func byScanner(text []byte) (records [][]string, lines []int, ok bool) {
	s := newScanner(text)
	for {
		fields, err := s.next()
		if err != nil {
			return records, lines, false
		}
		if fields == nil {
			return records, lines, true
		}
		record := make([]string, len(fields))
		for i, f := range fields {
			record[i] = string(f)
		}
		records, lines = append(records, record), append(lines, s.line)
	}
}

func compareReaders(t interface{ Fatalf(string, ...any) }, text []byte) {
	want, wantLines, wantOK := byOracle(text)
	got, gotLines, ok := byScanner(text)
	same := slices.EqualFunc(got, want, slices.Equal) && slices.Equal(gotLines, wantLines)
	if ok != wantOK || ok && !same {
		t.Fatalf("%q:\nread   %q %v %v\noracle %q %v %v", text, got, gotLines, ok, want, wantLines, wantOK)
	}
	if !ok && !slices.EqualFunc(got, want[:min(len(got), len(want))], slices.Equal) {
		t.Fatalf("%q: before the fault %q, oracle %q", text, got, want)
	}
}

func TestTheScannerReadsAsTheStandardLibrary(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom([]string{"a", "", ",", ",", "\n", "\r\n", "\r", "\"", "\"\"", "\"x,y\"", "\"l\nm\"", "é", " ", "0123"})
	rapid.Check(t, func(t *rapid.T) {
		compareReaders(t, []byte(strings.Join(rapid.SliceOfN(piece, 0, 40).Draw(t, "pieces"), "")))
	})
}

func FuzzScanner(f *testing.F) {
	for _, seed := range []string{"a,b\nc,d\n", "a,\"b\nb\"\r\n\r\nc", "\"a\"\"\",\n", "a\"b\n", "\"a\nb", "\r", "a\r", ",\n,"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) { compareReaders(t, text) })
}

func TestDatesAreReadAsTheDistrictsCalendarDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int32Range(1, 3652059).Draw(t, "days")
		d, ok := parseDate([]byte(civilText(n)))
		if !ok || int32(d) != n {
			t.Fatalf("%s is %d, %v", civilText(n), d, ok)
		}
	})
	for _, bad := range []string{"2025-02-29", "1900-02-29", "2025-13-01", "2025-00-10", "2025-04-31", "0000-01-01", "2025/01/01", "2025-1-01", "20250101", "2025-01-0a"} {
		if _, ok := parseDate([]byte(bad)); ok {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestSharesOfADayAreExact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int16{"0": 0, "1": 1000, "0.5": 500, "0.25": 250, "0.333": 333, "1.0": 1000, "0.001": 1} {
		if got, ok := parseShare([]byte(text)); !ok || got != want {
			t.Errorf("%q is %d, %v", text, got, ok)
		}
	}
	for _, bad := range []string{"", "1.001", "2", "-1", ".5", "0.", "0.3333", "50%", "0,5"} {
		if got, ok := parseShare([]byte(bad)); ok {
			t.Errorf("%q is %d", bad, got)
		}
	}
}

func TestForbiddenColumnsAreKnownInEverySpelling(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"ssn", "SSN", "student_ssn", "StudentSSN", "ssn_last4", "SSN4", "Social Security Number", "social-sec-no",
		"ＳＳＮ", "s\u0301sn", "password", "Passwd", "user pwd", "PIN", "biometric_id", "Fingerprint", "faceTemplate", "retina", "dna",
		"credit card", "bank_account", "passport_no", "Citizenship", "immigration_status", "religion", "household_income", "sexual_orientation",
	} {
		if !Forbidden(name) {
			t.Errorf("%q may come in", name)
		}
	}
	for _, f := range append(slices.Clone(forms), participationForm, rosterForm, sessionLogForm) {
		for _, name := range f.columns {
			if Forbidden(name) {
				t.Errorf("%q of %s is forbidden", name, f.name)
			}
		}
	}
	for _, name := range []string{"class_number", "business_name", "lessons", "cousin", "spinning", "Pinecrest", "homeroom", "passing_mark", "iridescence"} {
		if Forbidden(name) {
			t.Errorf("%q is forbidden", name)
		}
	}
}

func TestASuggestionIsACodeAndNeverTheValue(t *testing.T) {
	t.Parallel()
	codes := []string{"present", "absent_excused", "oss"}
	for value, want := range map[string]string{
		"absent-excused": "did you mean absent_excused?", "presant": "did you mean present?",
		"zoe okafor": "one of present, absent_excused, oss",
	} {
		if got := suggest(value, codes); got != want {
			t.Errorf("%q: %s", value, got)
		}
	}
}

func TestEveryRuleSaysWhatToDo(t *testing.T) {
	t.Parallel()
	seen := map[Rule]bool{}
	for _, e := range explanations {
		if seen[e.rule] || e.what == "" || e.remedy == "" || e.fatal && e.severity != Error {
			t.Errorf("%+v", e)
		}
		seen[e.rule] = true
	}
}
