package broker

import (
	"fmt"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// cause says in one sentence why a row is withheld, and where the district can do
// something about it, what. It is the district's: to a partner it would tell of
// other programs. shares are the other agreements with students of the row.
func cause(v sdc.Verdict, t sdc.Thresholds, shares []string) string {
	switch v.Reason {
	case sdc.ReasonNone:
		return ""
	case sdc.ReasonPrimary:
		return tooSmall(v, t)
	case sdc.ReasonDifference:
		return fmt.Sprintf("Its students are nearly those of a figure that is published already%s: the difference of the two would tell of fewer than %d.", with(shares), t.HiddenFloor)
	case sdc.ReasonComplementary:
		return "Beside what else is shown it would give away a row that is withheld."
	case sdc.ReasonRank:
		return "Together with all that is published it would give away the sum of a few students" + with(shares) + "."
	case sdc.ReasonExposure:
		return fmt.Sprintf("A participant is in %d figures of this indicator already, the most that are allowed%s.", sdc.ExposureCap, with(shares))
	case sdc.ReasonDetail:
		return fmt.Sprintf("Before the year's end school rows need %d participants, and rows of grades are not shown.", t.MinDetail)
	}
	return "It is withheld: " + string(v.Reason) + "."
}

// tooSmall names the first floor that a row is under.
func tooSmall(v sdc.Verdict, t sdc.Thresholds) string {
	for _, c := range []struct {
		got, least int
		text       string
	}{
		{v.CohortCovered, t.MinCohort, "It has %d participants with records; %d are needed."},
		{v.CohortUnknown, t.UnconsentedFloor, "Of its participants the records of only %d are known to nobody by a family's yes; %d are needed."},
		{v.RestCovered, t.MinCohort, "Beside the participants only %d students have records; %d are needed."},
		{v.RestUnknown, t.RestFloor, "Of the other students the records of only %d are known to nobody by a family's yes; %d are needed."},
		{v.CohortCovered + v.RestCovered, t.MinTotal, "Participants and others together are only %d students; %d are needed."},
	} {
		if c.got < c.least {
			return fmt.Sprintf(c.text, c.got, c.least)
		}
	}
	return "A set of it is too small, or too many of it are known."
}

func with(agreements []string) string {
	if len(agreements) == 0 {
		return ""
	}
	for i, id := range agreements {
		if session, other, found := strings.Cut(id, "\x00"); found {
			agreements[i] = other + " for " + session
		}
	}
	return " (" + strings.Join(agreements, ", ") + ")"
}
