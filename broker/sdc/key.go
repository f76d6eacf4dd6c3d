package sdc

import (
	"cmp"
	"strconv"
	"strings"
)

// Level is how finely a row divides an agreement. Coarser levels are decided
// first, so that the pooled figure never gives way to a detail.
type Level int

// The levels in the order in which they are decided.
const (
	LevelAll Level = iota
	LevelSchool
	LevelGrade
	LevelSchoolGrade
	LevelGroup
)

// Levels lists them all.
func Levels() []Level {
	return []Level{LevelAll, LevelSchool, LevelGrade, LevelSchoolGrade, LevelGroup}
}

var levelNames = [...]string{"all", "school", "grade", "school_grade", "group"}

// String returns "all", "school", "grade", "school_grade" or "group".
func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return "unknown"
	}
	return levelNames[l]
}

// Key names a row. An empty member means "pooled": Key{} is all schools of the
// agreement together, Key{Grade: "9"} is grade 9 over all its schools.
//
// Group is one side of a division by something that a partner may not know of a
// child, as dimension and value: "special_education:yes". Who is in such a row is
// protected like an outcome: its sizes are blurred, and printed as bands.
type Key struct {
	School string `json:"school,omitempty"`
	Grade  string `json:"grade,omitempty"`
	Group  string `json:"group,omitempty"`
}

// dimension is what a group divides by, and empty for other rows.
func (k Key) dimension() string {
	d, _, _ := strings.Cut(k.Group, ":")
	return d
}

// Level tells how finely the row divides.
func (k Key) Level() Level {
	switch {
	case k.Group != "":
		return LevelGroup
	case k.School == "" && k.Grade == "":
		return LevelAll
	case k.Grade == "":
		return LevelSchool
	case k.School == "":
		return LevelGrade
	}
	return LevelSchoolGrade
}

// String is the row's name: "all", "school:GP", "grade:9", "school:GP/grade:9",
// "special_education:yes".
func (k Key) String() string {
	switch k.Level() {
	case LevelSchool:
		return "school:" + k.School
	case LevelGrade:
		return "grade:" + k.Grade
	case LevelSchoolGrade:
		return "school:" + k.School + "/grade:" + k.Grade
	case LevelGroup:
		return k.Group
	}
	return "all"
}

// CompareKeys orders rows as a release prints them: by level, then by school,
// then by grade, the grades before first grade first and numbers by value; groups
// by their names.
func CompareKeys(a, b Key) int {
	return cmp.Or(
		cmp.Compare(a.Level(), b.Level()),
		cmp.Compare(a.School, b.School),
		compareGrades(a.Grade, b.Grade),
		cmp.Compare(a.Group, b.Group),
	)
}

// earlyGrades are the CEDS codes before first grade, youngest first.
var earlyGrades = map[string]int{"IT": 1, "PR": 2, "PK": 3, "TK": 4, "KG": 5, "K": 5}

func compareGrades(a, b string) int {
	return cmp.Or(cmp.Compare(gradeRank(a), gradeRank(b)), cmp.Compare(a, b))
}

func gradeRank(g string) int {
	if r, ok := earlyGrades[g]; ok {
		return r
	}
	if n, err := strconv.Atoi(g); err == nil && n >= 0 && n < 100 {
		return 10 + n
	}
	return 1000
}
