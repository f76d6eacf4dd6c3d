package records_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/records"
)

const base = civil.Date(739500) // a Monday of 2025

func drawFacts(t *rapid.T) records.Facts {
	var f records.Facts
	days := rapid.SliceOfNDistinct(rapid.Int32Range(0, 300), 0, 60, rapid.ID[int32]).Draw(t, "mark days")
	slices.Sort(days)
	for _, d := range days {
		code := records.AttendanceCode(rapid.IntRange(0, 6).Draw(t, "code"))
		portion := rapid.SampledFrom([]int16{records.NoPortion, 0, 1, 500, 1000}).Draw(t, "portion")
		f.Marks = f.Marks.With("A", marked(t, base+civil.Date(d), code, portion))
	}
	for _, s := range rapid.SliceOfN(rapid.SampledFrom([]string{"Y", "T1", "T2"}), 0, 3).Draw(t, "summaries") {
		f.Summaries = append(f.Summaries, records.Summary{
			School: "A", Session: s,
			Enrolled: rapid.Int32Range(0, 400).Draw(t, "enrolled"), Absent: rapid.Int32Range(0, 400).Draw(t, "absent"),
		})
	}
	for range rapid.IntRange(0, 4).Draw(t, "incidents") {
		f.Incidents = append(f.Incidents, records.Incident{
			School: "A", Day: base + civil.Date(rapid.Int32Range(0, 300).Draw(t, "day")),
			ID: rapid.StringN(0, 8, 40).Draw(t, "incident"), Type: rapid.SampledFrom([]string{"", "fight", "theft"}).Draw(t, "type"),
			Action: records.Action(rapid.IntRange(0, 5).Draw(t, "action")), Days: rapid.Int32Range(0, 20).Draw(t, "days"),
		})
	}
	for range rapid.IntRange(0, 30).Draw(t, "results") {
		c := records.Course{
			School: "A", Session: rapid.SampledFrom([]string{"Y", "T1", "T2", "T3"}).Draw(t, "session"),
			Name: rapid.SampledFrom([]string{"Math", "Art", "PE"}).Draw(t, "course"), Credits: rapid.SampledFrom([]int32{0, 50, 100}).Draw(t, "credits"),
			Scale: rapid.SampledFrom([]string{"0-100", "letter"}).Draw(t, "scale"),
		}
		f.Results = append(f.Results, records.NewResult(c, rapid.Int32Range(-100, 10300).Draw(t, "value")))
	}
	return f
}

func TestASegmentGivesBackTheFactsItWasBuiltFrom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		seg, err := records.NewSegment("A", "Y", base, weekdays(base, 180), nil, []records.Facts{f})
		if err != nil {
			t.Fatal(err)
		}
		block, err := seg.AppendBlock(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		seg.Blocks = []records.Block{{SID: records.SID{1}, Size: uint32(len(block) + 28)}}
		read, err := records.DecodeIndex(seg.EncodeIndex())
		if err != nil {
			t.Fatal(err)
		}
		got, err := read.DecodeBlock(block)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, f) || !slices.Equal(read.Blocks, seg.Blocks) {
			t.Fatalf("%+v became %+v", f, got)
		}
		again, err := read.AppendBlock(nil, got)
		if err != nil || !bytes.Equal(again, block) {
			t.Fatal("the same facts have two codings", err)
		}
	})
}

func TestARegisterOfEveryDayCostsLittleMoreThanItsExceptions(t *testing.T) {
	t.Parallel()
	days := weekdays(base, 180)
	var f records.Facts
	for i, d := range days {
		code := records.Present
		if i%18 == 3 {
			code = records.AbsentExcused
		}
		f.Marks = f.Marks.With("A", marked(t, d, code, records.NoPortion))
	}
	seg, err := records.NewSegment("A", "Y", base, days, nil, []records.Facts{f})
	if err != nil {
		t.Fatal(err)
	}
	block, err := seg.AppendBlock(nil, f)
	if err != nil || len(block) > 64 {
		t.Fatalf("%d bytes, %v", len(block), err)
	}
	got, err := seg.DecodeBlock(block)
	if err != nil || !got.Marks.Equal(f.Marks) {
		t.Fatal("the register came back otherwise", err)
	}
}

// typicalYear is the student-year of the size goal: 180 days with ten
// exceptions, eight courses in three terms, two incidents.
func typicalYear(student int) ([]civil.Date, records.Facts) {
	days := weekdays(base, 180)
	var f records.Facts
	for i := range 10 {
		m, _ := records.NewDayMark(days[(student*7+i*17)%180], records.AttendanceCode(1+(student+i)%4), records.NoPortion)
		f.Marks = f.Marks.With("A", []records.DayMark{m})
	}
	for c := range 8 {
		for term := range 3 {
			course := records.Course{School: "A", Session: fmt.Sprint("T", term), Name: fmt.Sprint("Course ", c), Credits: 100, Scale: "0-100"}
			f.Results = append(f.Results, records.NewResult(course, int32(100*(60+(student*11+c*5+term*3)%40))))
		}
	}
	for i := range 2 {
		f.Incidents = append(f.Incidents, records.Incident{
			School: "A", Day: days[20+i*40], ID: fmt.Sprintf("INC-%05d", student*2+i),
			Type: "disruption", Action: records.ActionISS, Days: 2,
		})
	}
	return days, f
}

func TestAStudentYearTakesAtMost160SealedBytes(t *testing.T) {
	t.Parallel()
	const students, sealing = 800, 28
	var facts []records.Facts
	for i := range students {
		_, f := typicalYear(i)
		facts = append(facts, f)
	}
	seg, err := records.NewSegment("A", "Y", base, weekdays(base, 180), nil, facts)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for i, f := range facts {
		block, err := seg.AppendBlock(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		total += len(block) + sealing
		seg.Blocks = append(seg.Blocks, records.Block{SID: records.SID{byte(i >> 8), byte(i)}, Size: uint32(len(block) + sealing)})
	}
	total += len(seg.EncodeIndex())
	if got := float64(total) / students; got > 160 {
		t.Errorf("%.1f bytes a student-year", got)
	} else {
		t.Logf("%.1f sealed bytes a student-year", got)
	}
}

func TestASegmentRefusesForeignFacts(t *testing.T) {
	t.Parallel()
	_, f := typicalYear(1)
	seg, err := records.NewSegment("A", "Y", base, nil, nil, []records.Facts{f})
	if err != nil {
		t.Fatal(err)
	}
	on := func(school string, day civil.Date) records.Marks {
		return records.Marks{{School: school, Days: marked(t, day, records.Present, records.NoPortion)}}
	}
	for name, bad := range map[string]records.Facts{
		"a mark of another school":    {Marks: on("B", base)},
		"marks of two schools":        {Marks: append(on("A", base), on("B", base)...)},
		"two marks of a day":          {Marks: on("A", base).With("A", on("A", base)[0].Days)},
		"a day before the base":       {Marks: on("A", base-1)},
		"an unknown session":          {Summaries: []records.Summary{{School: "A", Session: "elsewhere"}}},
		"an unknown kind of incident": {Incidents: []records.Incident{{School: "A", Day: base, Type: "elsewhere"}}},
		"an unknown course":           {Results: []records.Result{records.NewResult(records.Course{School: "A", Session: "T1", Name: "elsewhere", Credits: 100, Scale: "0-100"}, 0)}},
		"an unknown scale":            {Results: []records.Result{records.NewResult(records.Course{School: "A", Session: "T1", Name: "Course 1", Credits: 100, Scale: "0-6"}, 0)}},
	} {
		if _, err := seg.AppendBlock(nil, bad); !errors.Is(err, records.ErrSegment) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryCutOfABlockIsRefused(t *testing.T) {
	t.Parallel()
	days, f := typicalYear(3)
	seg, err := records.NewSegment("A", "Y", base, days, nil, []records.Facts{f})
	if err != nil {
		t.Fatal(err)
	}
	block, err := seg.AppendBlock(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(block) {
		if _, err := seg.DecodeBlock(block[:n]); !errors.Is(err, records.ErrCoding) {
			t.Fatalf("the first %d bytes were read: %v", n, err)
		}
	}
	if _, err := seg.DecodeBlock(append(block, 0)); !errors.Is(err, records.ErrCoding) {
		t.Fatal("a byte too many was read")
	}
	index := seg.EncodeIndex()
	for n := range len(index) {
		if _, err := records.DecodeIndex(index[:n]); !errors.Is(err, records.ErrCoding) {
			t.Fatalf("the first %d bytes of the index were read", n)
		}
	}
}

func FuzzDecodeBlock(f *testing.F) {
	days, facts := typicalYear(5)
	seg, err := records.NewSegment("A", "Y", base, days, nil, []records.Facts{facts})
	if err != nil {
		f.Fatal(err)
	}
	block, err := seg.AppendBlock(nil, facts)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(block)
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := seg.DecodeBlock(b)
		if err != nil {
			return
		}
		again, err := seg.AppendBlock(nil, got)
		if err != nil {
			t.Fatalf("decoded facts do not encode: %v", err)
		}
		twice, err := seg.DecodeBlock(again)
		if err != nil || !reflect.DeepEqual(twice, got) {
			t.Fatalf("unstable: %v", err)
		}
	})
}

func FuzzDecodeIndex(f *testing.F) {
	days, facts := typicalYear(5)
	seg, err := records.NewSegment("A", "Y", base, days, []records.Coverage{{School: "A", Year: "Y", Family: records.GradesFamily}}, []records.Facts{facts})
	if err != nil {
		f.Fatal(err)
	}
	seg.Blocks = []records.Block{{SID: records.SID{1}, Size: 9}, {SID: records.SID{2}, Size: 900}}
	f.Add(seg.EncodeIndex())
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := records.DecodeIndex(b)
		if err == nil && !bytes.Equal(got.EncodeIndex(), b) {
			t.Fatal("an index has two codings")
		}
	})
}

func BenchmarkDecodeBlock(b *testing.B) {
	days, f := typicalYear(5)
	seg, err := records.NewSegment("A", "Y", base, days, nil, []records.Facts{f})
	if err != nil {
		b.Fatal(err)
	}
	block, err := seg.AppendBlock(nil, f)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := seg.DecodeBlock(block); err != nil {
			b.Fatal(err)
		}
	}
}
