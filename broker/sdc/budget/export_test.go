package budget

// Broken names the guards that a test takes away: the check that something is left,
// of accounts and of students; that a release is drawn once; that what is forfeited
// counts; and that releases are reserved all or none.
type Broken struct{ NoLimit, NoStudents, DrawAgain, GiveBack, OneByOne bool }

func (w Broken) sabotage() sabotage {
	return sabotage{noLimit: w.NoLimit, noStudents: w.NoStudents, drawAgain: w.DrawAgain, giveBack: w.GiveBack, oneByOne: w.OneByOne}
}

// ReserveBroken is Book.Reserve without some of its guards.
func ReserveBroken(b Book, without Broken, r ...Release) (Book, []Release, error) {
	return b.reserve(without.sabotage(), r...)
}

// ForfeitBroken is Book.Forfeit without some of its guards.
func ForfeitBroken(b Book, without Broken, p Payer, id string) (Book, error) {
	return b.change(p, func(a Account) (Account, error) { return a.forfeit(id, without.sabotage()) })
}
