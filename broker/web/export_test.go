package web

import (
	"context"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
)

// FamilyPage is a row of the table of the families' pages, as tests walk it.
type FamilyPage struct {
	Method, Path string
	SignedIn     bool
	Fields       []string
}

// FamilyPages returns every page of the families.
func FamilyPages() (all []FamilyPage) {
	for _, p := range familyPaths() {
		all = append(all, FamilyPage{p.method, p.path, p.signedIn, p.fields})
	}
	return all
}

// SleepFor is how answers of the families' pages are held.
func SleepFor(ctx context.Context, d time.Duration) { sleepFor(ctx, d) }

// OfficePages returns every page of the district's own people.
func OfficePages() (all []FamilyPage) {
	for _, p := range officePaths[*broker.Answer]() {
		all = append(all, FamilyPage{p.method, p.path, p.signedIn, p.fields})
	}
	return all
}
