package consent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker/civil"
)

// Validate returns FieldErrors, several at once, for what a grant lacks to be
// stored. A yes must hold every element of 34 CFR 99.30(a) and (b): who signed,
// in what capacity, when, which records, for what purpose, to which party; and
// the text that was shown, with evidence that fits the method. A no or a wish
// to talk needs only what tells whose answer it is and to what: refusing must
// not be harder than it is. Wildcards are refused.
func (g Grant) Validate() error {
	var f faults
	g.checkNames(&f)
	g.checkCategories(&f)
	g.checkSigner(&f)
	g.checkSpans(&f)
	g.checkText(&f)
	g.checkEvidence(&f)
	g.checkTimes(&f)
	g.checkHolds(&f)
	return f.err()
}

func (g Grant) checkNames(f *faults) {
	f.unless(g.ID != "", "id", "is missing", "give the grant an id of its own")
	f.unless(g.Student != "", "student", "is missing", "name the student whose records these are")
	switch {
	case strings.TrimSpace(g.Party) == "":
		f.add("party", "is missing", "name the partner to whom records may be disclosed (34 CFR 99.30(b)(3))")
	case wildcard(g.Party):
		f.add("party", "is a wildcard", "name one partner; a consent names the party (34 CFR 99.30(b)(3))")
	}
	f.unless(g.Purpose.Valid(), "purpose", "is missing or unknown",
		"use one of "+list(Purposes())+" (34 CFR 99.30(b)(2))")
}

func (g Grant) checkCategories(f *faults) {
	f.unless(len(g.Categories) > 0, "categories", "is empty", "name the records (34 CFR 99.30(b)(1))")
	for i, c := range g.Categories {
		field := fmt.Sprintf("categories[%d]", i)
		switch {
		case wildcard(string(c)):
			f.add(field, "is a wildcard", "name each category: "+list(Categories()))
		case c == DisciplineFamily:
			f.add(field, "bundles all of discipline",
				"name the portions chosen by the signer: discipline_incident, discipline_action, discipline_dates (Wis. Stat. 118.125(2)(e))")
		case !c.Valid():
			f.add(field, "is not a known category", "use "+list(Categories()))
		case slices.Index(g.Categories, c) < i:
			f.add(field, "is named twice", "name each category once")
		}
	}
}

func (g Grant) checkSigner(f *faults) {
	f.unless(g.Signer != "", "signer", "is missing", "name the person who signed (34 CFR 99.30(a))")
	f.unless(g.Answer.Valid(), "answer", "is missing or unknown", "use yes, no or talk")
	f.unless(g.Status.Valid(), "status", "is missing or unknown", "use pending or in_force")
	switch {
	case !g.Capacity.Valid():
		f.add("capacity", "is missing or unknown", "use one of "+list(Capacities()))
	case g.Status == InForce && !g.Capacity.MayHoldRights():
		f.add("capacity", "may not hold a student's rights",
			"an officer first records in what capacity this person acts: "+list(Capacities()[:6]))
	}
}

func (g Grant) checkSpans(f *faults) {
	if g.Answer == Yes {
		f.unless(!g.RecordsFrom.IsZero(), "records_from", "is missing", "give the first day of the records (34 CFR 99.30(b)(1))")
		f.unless(!g.RecordsTo.IsZero(), "records_to", "is missing", "give the last day of the records (34 CFR 99.30(b)(1))")
		f.unless(!g.Expires.IsZero(), "expires", "is missing", "give the last day on which the party may look; every consent ends by itself")
	}
	f.unless(ordered(g.RecordsFrom, g.RecordsTo), "records_to", "is before records_from", "give the last day of the records")
	f.unless(g.Expires.IsZero() || g.Expires >= earliestDate(g.SignedAt), "expires", "is before the day of signing",
		"give a last day on or after the day of signing")
}

// earliestDate is the local date of an instant where the date is earliest, so
// that no zone is needed to say that a day had passed everywhere.
func earliestDate(t time.Time) civil.Date { return civil.Of(t, time.FixedZone("", -12*60*60)) }

func (g Grant) checkText(f *faults) {
	yes := g.Answer == Yes
	f.unless(!yes || g.TextVersion != "", "text_version", "is missing", "give the version of the text that was shown")
	if yes || g.Language != "" {
		f.unless(languageTag(g.Language), "language", "is missing or not a language tag",
			"give the BCP 47 tag of the language in which the text was shown, such as en, es or hmn")
	}
	if yes || g.TextSHA256 != "" {
		f.unless(sha256Hex(g.TextSHA256), "text_sha256", "is missing or not a SHA-256",
			"give the 64 lower-case hexadecimal digits of the text that was shown")
	}
}

func (g Grant) checkEvidence(f *faults) {
	e := g.Evidence
	f.unless(e.SHA256 == "" || sha256Hex(e.SHA256), "evidence.sha256", "is not a SHA-256", "give 64 lower-case hexadecimal digits")
	switch {
	case !g.Method.Valid():
		f.add("method", "is missing or unknown", "use one of "+list(Methods()))
	case g.Method == Phone && g.Answer == Yes:
		f.add("method", "cannot carry a yes", "a consent is signed and dated (34 CFR 99.30(a)): take it on paper, in person or on the web")
	case e.SHA256 != "" || e.Reference != "":
	case g.Method == Paper:
		f.add("evidence", "is missing", "give the SHA-256 of the scanned form, or the reference under which the paper is kept")
	case g.Answer == Yes:
		f.add("evidence", "is missing", "give a document hash, or a reference to the witness, session or form that shows who approved (34 CFR 99.30(d))")
	}
}

func (g Grant) checkTimes(f *faults) {
	f.unless(!g.SignedAt.IsZero(), "signed_at", "is missing", "give the moment of signing; a consent is dated (34 CFR 99.30(a))")
	switch {
	case g.EnteredAt.IsZero():
		f.add("entered_at", "is missing", "give the moment at which the answer was entered")
	case g.EnteredAt.Before(g.SignedAt):
		f.add("entered_at", "is before signed_at", "an answer cannot be entered before it was signed")
	}
	f.act("confirmed", g.Confirmed, g.SignedAt)
	f.act("withdrawn", g.Withdrawn, g.SignedAt)
	f.act("invalidated", g.Invalidated, time.Time{})
}

// act checks a later act, which may not lie before notBefore.
func (f *faults) act(field string, a *Act, notBefore time.Time) {
	if a == nil {
		return
	}
	f.unless(a.By != "", field+".by", "is missing", "name who did it")
	f.unless(!a.At.IsZero(), field+".at", "is missing", "give the moment it took effect")
	f.unless(!a.At.Before(notBefore), field+".at", "is before the signing", "give a moment after the signing")
	f.unless(!a.EnteredAt.IsZero(), field+".entered_at", "is missing", "give the moment at which it was entered")
}

func (g Grant) checkHolds(f *faults) {
	for i, h := range g.Held {
		field := fmt.Sprintf("held[%d]", i)
		f.unless(slices.Contains(Families(), h.Family), field+".family", "is not a known family", "use attendance, grades or discipline")
		f.unless(!h.From.IsZero() && h.From <= h.To, field+".to", "is missing or before from", "give the span of the held period")
	}
}

func wildcard(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "*", "all", "any", "any party", "anyone", "everything", "everyone":
		return true
	}
	return false
}

func sha256Hex(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// languageTag reports whether s has the shape of a BCP 47 tag: a language of
// two or three letters and further subtags of letters and digits.
func languageTag(s string) bool {
	first, rest, more := strings.Cut(s, "-")
	if len(first) < 2 || len(first) > 3 || strings.Trim(strings.ToLower(first), "abcdefghijklmnopqrstuvwxyz") != "" {
		return false
	}
	for more {
		first, rest, more = strings.Cut(rest, "-")
		if len(first) < 1 || len(first) > 8 || strings.Trim(strings.ToLower(first), "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return true
}

// list joins the members of a closed list for a remedy.
func list[S ~string](values []S) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}
