package redteam_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// tables writes the files of a plain CSV export.
type tables struct {
	t     testing.TB
	dir   string
	files []*os.File
	flush []*bufio.Writer
}

// table begins a file and returns what adds a row to it.
func (x *tables) table(name, header string) func(format string, cells ...any) {
	x.t.Helper()
	f, err := os.Create(filepath.Join(x.dir, name+".csv"))
	if err != nil {
		x.t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	x.files, x.flush = append(x.files, f), append(x.flush, w)
	fmt.Fprintln(w, header)
	return func(format string, cells ...any) { fmt.Fprintf(w, format+"\n", cells...) }
}

func (x *tables) close() {
	x.t.Helper()
	for i, f := range x.files {
		if err := x.flush[i].Flush(); err != nil {
			x.t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			x.t.Fatal(err)
		}
	}
}

// export writes the world as the district's information system would.
func (w *world) export(t testing.TB, dir string) {
	t.Helper()
	x := &tables{t: t, dir: dir}
	w.exportCalendar(x)
	w.exportPeople(x)
	w.exportOutcomes(x)
	if !w.discreet {
		w.exportTotals(x)
	}
	x.close()
}

func (w *world) exportCalendar(x *tables) {
	schools := x.table("schools", "school_id,name,level")
	sessions := x.table("sessions", "session_id,title,type,start,end,parent")
	days := x.table("calendar", "school_id,date,instructional")
	sessions("%s,The year,schoolYear,%s,%s,", yearID, yearStart(), w.yearEnd())
	for t := range w.terms {
		sessions("%s,Term %d,term,%s,%s,%s", termID(t), t+1, w.termStart(t), w.termEnd(t), yearID)
	}
	for s := range w.schools {
		schools("%s,School %s,high", schoolID(s), letters(s))
		for at := yearStart(); at <= w.yearEnd(); at += 2 {
			days("%s,%s,yes", schoolID(s), at)
		}
	}
}

func (w *world) exportPeople(x *tables) {
	students := x.table("students", "student_id,given_name,family_name,birthdate,special_education")
	enrollments := x.table("enrollments", "student_id,school_id,entry,exit,grade_level")
	guardians := x.table("guardians", "student_id,guardian_id,given_name,family_name,relation,capacity,language,holds_rights")
	for i := range w.students {
		students("%s,%s,%s,%s,%s", studentID(i), given(i), family(i), birth(i), strings.TrimPrefix(w.group(i), "special_education:"))
		enrollments("%s,%s,%s,,%d", studentID(i), schoolID(w.school[i]), yearStart(), w.grade[i])
		guardians("%s,%s,Mo,%s,mother,parent,en,yes", studentID(i), mother(i), family(i))
	}
}

func (w *world) exportOutcomes(x *tables) {
	summaries := x.table("attendance_summary", "student_id,school_id,session_id,days_enrolled,days_absent")
	discipline := x.table("discipline", "student_id,school_id,date,incident_id,incident_type,action,days")
	marks := x.table("grades", "student_id,school_id,session_id,course,credits,value,scale")
	for t, term := range w.outcomes {
		for i, o := range term {
			id, school := studentID(i), schoolID(w.school[i])
			summaries("%s,%s,%s,%d,%d", id, school, termID(t), enrolled, o.absent)
			marks("%s,%s,%s,Maths,1,%s,0-4", id, school, termID(t), tenths(o.mark))
			day, n := w.termStart(t)+civil.Date(i%termDays), fmt.Sprintf("%d-%d", i, t)
			if o.out {
				discipline("%s,%s,%s,o%s,bullying,oss,1", id, school, day, n)
			}
			if o.in {
				discipline("%s,%s,%s,i%s,vandalism,iss,1", id, school, day, n)
			}
			for k := range o.more {
				discipline("%s,%s,%s,m%s-%d,other,restorative,", id, school, day, n, k)
			}
		}
	}
}

// exportTotals writes the report cards: the share of each school with each of
// bits, and of each grade of it, fine enough to count students.
func (w *world) exportTotals(x *tables) {
	totals := x.table("public_totals", "school_id,session_id,indicator,value,precision,row")
	for school := range w.schools {
		for g := -1; g < grades; g++ {
			row, students := "all", w.in(school, -1)
			if g >= 0 {
				row, students = "grade:"+gradeName(firstGrade+g), w.in(school, firstGrade+g)
			}
			for _, period := range w.periods() {
				for _, indicator := range bits {
					totals("%s,%s,%s,%.2f,0.01,%s", schoolID(school), period, indicator, 100*w.total(indicator, period, students)/float64(len(students)), row)
				}
			}
		}
	}
}

func tenths(n int) string { return strconv.Itoa(n/10) + "." + strconv.Itoa(n%10) }

// participation is a roster as the partner uploads it, one session a child.
func (w *world) participation(roster []int) string {
	var b strings.Builder
	b.WriteString("participant_ref,given_name,family_name,birthdate,school_id,date\n")
	for _, i := range roster {
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", ref(i), given(i), family(i), birth(i), schoolID(w.school[i]), yearStart()+4)
	}
	return b.String()
}
