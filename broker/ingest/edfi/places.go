package edfi

import (
	"slices"
	"strconv"
	"strings"
)

func (f *feed) schools() {
	for _, r := range f.list[schools] {
		f.add("schools.csv", r.where, r.get(schoolID), r.get(name), f.levelOf(r))
	}
}

// levelOf is elementary, middle or high: what the school's grade levels say,
// else its one category; empty for a school that is of several.
func (f *feed) levelOf(r *record) string {
	if level := levelOfGrades(f.gradesOf(r)); level != "" {
		return level
	}
	var levels []string
	for _, c := range r.all(category) {
		if level, ok := f.codes.meaning("schoolcategory", c, levelWords); ok && !slices.Contains(levels, level) {
			levels = append(levels, level)
		}
	}
	if len(levels) == 1 {
		return levels[0]
	}
	return ""
}

func levelWords(words string) (string, bool) {
	for _, l := range []struct{ word, level string }{
		{"elementary secondary", ""},
		{"elementary", "elementary"},
		{"primary", "elementary"},
		{"junior high", "middle"},
		{"middle", "middle"},
		{"high", "high"},
	} {
		if strings.Contains(words, l.word) {
			return l.level, l.level != ""
		}
	}
	return "", false
}

// gradesOf are the grade levels of a school as numbers, kindergarten and what
// comes before as 0 and less.
func (f *feed) gradesOf(r *record) (list []int) {
	for _, g := range r.all(gradeLevel) {
		switch grade := f.gradeOf(g); grade {
		case "PK":
			list = append(list, -1)
		case "K", "TK":
			list = append(list, 0)
		default:
			if n, err := strconv.Atoi(grade); err == nil {
				list = append(list, n)
			}
		}
	}
	return list
}

func levelOfGrades(list []int) string {
	if len(list) == 0 {
		return ""
	}
	low, high := slices.Min(list), slices.Max(list)
	switch {
	case high <= 6:
		return "elementary"
	case low >= 9 || low >= 7 && high >= 10:
		return "high"
	case low >= 4 && high <= 9:
		return "middle"
	}
	return ""
}

// gradeOf is a grade level in the words of the plain form: PK, TK, K, 1 to 13,
// or the code that the district uses.
func (f *feed) gradeOf(text string) string {
	if text == "" {
		return ""
	}
	grade, _ := f.codes.meaning("gradelevel", text, gradeWords)
	return grade
}

var gradeNames = map[string]string{
	"kindergarten": "K", "transitional kindergarten": "TK", "prekindergarten": "PK", "pre kindergarten": "PK", "preschool": "PK",
	"preschool prekindergarten": "PK", "k": "K", "kg": "K", "pk": "PK", "tk": "TK",
}

var ordinals = []string{
	"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "thirteenth",
}

func gradeWords(words string) (string, bool) {
	if grade, known := gradeNames[words]; known {
		return grade, true
	}
	rest := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(words, "grade"), "grade"))
	if at := slices.Index(ordinals, rest); at >= 0 {
		return strconv.Itoa(at + 1), true
	}
	for _, ending := range []string{"st", "nd", "rd", "th"} {
		rest = strings.TrimSuffix(rest, ending)
	}
	if n, err := strconv.Atoi(rest); err == nil && 1 <= n && n <= 13 {
		return strconv.Itoa(n), true
	}
	return "", false
}
