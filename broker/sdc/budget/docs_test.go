package budget_test

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
	"github.com/hallpass-edu/hallpass/broker/sdc/noise"
)

// docs/disclosure.md says with how much noise a year's counts can be paid for.
func TestTheNoiseOfABudgetIsAsTheDocsSay(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "disclosure.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| [a-z ,]+ \|$`).FindAllStringSubmatch(string(text), -1)
	if len(rows) != 4 {
		t.Fatalf("%d rows of the table are found", len(rows))
	}
	for _, row := range rows {
		counts, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		for i, epsilon := range []budget.Epsilon{2_000_000, 4_000_000, 8_000_000} {
			granted, err := budget.RhoOf(epsilon, budget.Delta{Num: 1, Den: 1_000_000})
			if err != nil {
				t.Fatal(err)
			}
			least, err := budget.Least(granted, budget.Figures{Sensitivity: 1, Public: counts, Variance: noise.Variance{Num: 1, Den: 1}})
			if err != nil {
				t.Fatal(err)
			}
			v := least[0].Variance
			deviation := math.Sqrt(float64(v.Num) / float64(v.Den))
			if said, _ := strconv.ParseFloat(row[2+i], 64); math.Ceil(deviation*10)/10 != said {
				t.Errorf("%d counts, epsilon %v: a deviation of %.3f, the docs say %v", counts, epsilon, deviation, said)
			}
		}
	}
}
