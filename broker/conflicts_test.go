package broker_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/consent"
)

// officersConflict is a disagreement as an officer reads it.
type officersConflict struct {
	Student   broker.StudentRef `json:"student"`
	Party     string            `json:"party"`
	Documents bool              `json:"documents_contradict"`
	Yes       []officersWord    `json:"yes"`
	No        []officersWord    `json:"no"`
}

type officersWord struct {
	By       broker.SignerRef `json:"by"`
	Withdrew bool             `json:"withdrew"`
}

func (d *made) conflicts() []officersConflict {
	d.t.Helper()
	a := d.must(d.Conflicts(d.t.Context(), officer))
	defer a.Drop()
	return data[struct {
		Conflicts []officersConflict `json:"conflicts"`
	}](d.t, a).Conflicts
}

// guardiansOf are the guardians on one side.
func guardiansOf(side []officersWord) (who []string) {
	for _, w := range side {
		who = append(who, w.By.GuardianID)
	}
	return who
}

func TestAnOfficerSeesWhoseParentsDisagreeForAsLongAsTheyDo(t *testing.T) {
	t.Parallel()
	d, kids, grants := agreed(t)
	k, other := kids[2], kids[1]
	if list := d.conflicts(); len(list) != 0 {
		t.Fatalf("before anybody disagrees: %+v", list)
	}
	d.answers(k, k.father(), consent.No)
	list := d.conflicts()
	if len(list) != 1 || list[0].Student.StudentID != k.id() || list[0].Party != "river" ||
		!slices.Equal(guardiansOf(list[0].Yes), []string{k.mother()}) || !slices.Equal(guardiansOf(list[0].No), []string{k.father()}) || list[0].No[0].Withdrew {
		t.Fatalf("the father's no beside the mother's yes: %+v", list)
	}
	d.clock.Set(d.clock.Now().Add(time.Hour))
	d.answers(other, other.father(), consent.Yes)
	d.withdraw(grants[1].ID, other)
	list = d.conflicts()
	if len(list) != 2 || list[0].Student.StudentID != other.id() || !list[0].No[0].Withdrew {
		t.Errorf("the newest, a withdrawal beside a yes, is not first: %+v", list)
	}
	d.answers(k, k.father(), consent.Yes)
	d.answers(other, other.father(), consent.No)
	if list := d.conflicts(); len(list) != 0 {
		t.Errorf("once they agree: %+v", list)
	}
}

func TestADocumentThatSaysWhoDecidesEndsAConflictAndTwoMakeOne(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[2]
	d.answers(k, k.father(), consent.No)
	d.restrict(k, consent.ThisPersonDecides, byGuardian(k.mother()))
	if list := d.conflicts(); len(list) != 0 || !d.rowOpen(k) {
		t.Fatalf("the mother decides, and there is %+v", list)
	}
	d.restrict(k, consent.ThisPersonDecides, byGuardian(k.father()))
	if list := d.conflicts(); len(list) != 1 || !list[0].Documents || list[0].Student.StudentID != k.id() || d.rowOpen(k) {
		t.Errorf("two documents name two people: %+v", list)
	}
}

func TestTwoDocumentsContradictEachOtherBeforeAnybodyAnswered(t *testing.T) {
	t.Parallel()
	d, kids, _ := agreed(t)
	k := kids[9]
	for _, guardian := range []string{k.mother(), k.father()} {
		d.restrict(k, consent.ThisPersonDecides, byGuardian(guardian))
	}
	if list := d.conflicts(); len(list) != 1 || !list[0].Documents {
		t.Errorf("%+v", list)
	}
}
