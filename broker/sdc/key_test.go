package sdc_test

import (
	"slices"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

func TestRowsStandPooledFirstAndGradesByAge(t *testing.T) {
	t.Parallel()
	want := []string{
		"all", "school:A", "school:B", "grade:PK", "grade:KG", "grade:1", "grade:2", "grade:10", "grade:UG",
		"school:A/grade:9", "school:A/grade:10", "school:B/grade:9",
	}
	keys := []sdc.Key{
		{School: "B", Grade: "9"},
		{Grade: "10"},
		{School: "A", Grade: "10"},
		{Grade: "UG"},
		{School: "B"},
		{Grade: "2"},
		{School: "A", Grade: "9"},
		{},
		{Grade: "KG"},
		{School: "A"},
		{Grade: "1"},
		{Grade: "PK"},
	}
	slices.SortFunc(keys, sdc.CompareKeys)
	var got []string
	for _, k := range keys {
		got = append(got, k.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLevelsHaveNames(t *testing.T) {
	t.Parallel()
	for k, want := range map[sdc.Key]string{
		{}: "all", {School: "A"}: "school", {Grade: "9"}: "grade", {School: "A", Grade: "9"}: "school_grade",
	} {
		if got := k.Level().String(); got != want {
			t.Errorf("%s is of level %s, want %s", k, got, want)
		}
	}
	if got := sdc.Level(9).String(); got != "unknown" {
		t.Errorf("level 9 is %s", got)
	}
}
