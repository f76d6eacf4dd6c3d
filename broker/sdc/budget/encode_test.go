package budget_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/sdc/budget"
)

func encoded(t testing.TB, b budget.Book) []byte {
	t.Helper()
	text, err := budget.EncodeBook(b)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// small is a book in the form it is stored in.
const small = `{"resets":"2027-07-01","each":120,"accounts":[` +
	`{"kind":"agreement","name":"tutors","granted":100,"releases":[` +
	`{"id":"fall","cost":70,"state":"settled"},{"id":"winter","cost":10,"state":"forfeited"},{"id":"year","cost":20,"state":"reserved"}]},` +
	`{"kind":"school","name":"lakeside","granted":60,"releases":[]}],` +
	`"students":[{"charged":20,"steps":[1,2,4294967293]},{"charged":100,"steps":[2]}]}`

func TestABookIsStoredInThisForm(t *testing.T) {
	t.Parallel()
	b, err := budget.DecodeBook([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if got := encoded(t, b); string(got) != small {
		t.Errorf("it is written as %s", got)
	}
	a, _ := b.Account(tutors)
	if a.Granted() != 100 || a.Reserved() != 20 || a.Spent() != 80 || b.StudentLeft(0) != 100 || b.StudentLeft(1) != 20 || b.StudentLeft(1<<32-1) != 100 {
		t.Errorf("%v %v %v, %v %v %v", a.Granted(), a.Reserved(), a.Spent(), b.StudentLeft(0), b.StudentLeft(1), b.StudentLeft(1<<32-1))
	}
	var exhausted *budget.Exhausted
	_, _, err = b.Reserve(budget.Release{ID: "spring", Payer: tutors, Cost: 1, Members: set(5)})
	if !errors.As(err, &exhausted) || exhausted.Resets != nextYear || exhausted.Kind != budget.KindAgreement {
		t.Errorf("after it was read: %v", err)
	}
}

func TestADamagedBookIsRefused(t *testing.T) {
	t.Parallel()
	for what, change := range map[string][2]string{
		"no date":                         {`"resets":"2027-07-01",`, ``},
		"an empty date":                   {`2027-07-01`, ``},
		"no such date":                    {`2027-07-01`, `2027-07-32`},
		"no grant of students":            {`"each":120`, `"each":0`},
		"a negative grant":                {`"each":120`, `"each":-120`},
		"a fraction":                      {`"each":120`, `"each":120.5`},
		"a grant in another form":         {`"each":120`, `"each":1.2e2`},
		"a grant over all bounds":         {`"each":120`, `"each":9007199254740992`},
		"a student charged over it":       {`"each":120`, `"each":99`},
		"a student charged twice":         {`"charged":100,"steps":[2]`, `"charged":100,"steps":[1]`},
		"an amount that comes twice":      {`"charged":100`, `"charged":20`},
		"students out of order":           {`"charged":20,`, `"charged":110,`},
		"a student charged nothing":       {`"charged":20`, `"charged":0`},
		"an amount without students":      {`"steps":[2]`, `"steps":[]`},
		"a step of nothing":               {`"steps":[1,2,`, `"steps":[1,0,`},
		"a step beyond all students":      {`4294967293`, `4294967294`},
		"a step beyond all numbers":       {`4294967293`, `18446744073709551615`},
		"a negative step":                 {`"steps":[1,2,`, `"steps":[1,-2,`},
		"no students":                     {`,"students":[{"charged":20,"steps":[1,2,4294967293]},{"charged":100,"steps":[2]}]`, ``},
		"null for students":               {`[{"charged":20,"steps":[1,2,4294967293]},{"charged":100,"steps":[2]}]`, `null`},
		"more spent than granted":         {`"granted":100`, `"granted":99`},
		"a cost that overruns":            {`"cost":10,`, `"cost":9223372036854775807,`},
		"a negative cost":                 {`"cost":10,`, `"cost":-10,`},
		"a release that cost nothing":     {`"cost":10,`, `"cost":0,`},
		"an unknown state":                {`"forfeited"`, `"given back"`},
		"no state":                        {`,"state":"forfeited"`, ``},
		"a release that comes twice":      {`"id":"winter"`, `"id":"fall"`},
		"releases out of order":           {`"id":"winter"`, `"id":"zenith"`},
		"a release without an id":         {`"id":"fall"`, `"id":""`},
		"an unknown kind of account":      {`"kind":"school"`, `"kind":"student"`},
		"an account without a name":       {`"name":"lakeside"`, `"name":""`},
		"an account that comes twice":     {`"kind":"school","name":"lakeside"`, `"kind":"agreement","name":"tutors"`},
		"accounts out of order":           {`"kind":"school","name":"lakeside"`, `"kind":"agreement","name":"a"`},
		"an account that was not granted": {`"granted":60`, `"granted":0`},
		"a member that is unknown":        {`"each":120`, `"each":120,"spent":0`},
		"a member that comes twice":       {`"each":120`, `"each":120,"each":120`},
		"a member in capitals":            {`"each"`, `"Each"`},
		"a space":                         {`"each":120`, `"each": 120`},
		"bytes after it":                  {`"steps":[2]}]}`, `"steps":[2]}]}{}`},
		"an end too early":                {`"steps":[2]}]}`, `"steps":[2]}]`},
		"no text":                         {`"name":"lakeside"`, "\"name\":\"\xff\""},
	} {
		if strings.Count(small, change[0]) != 1 {
			t.Errorf("%s: %s is not there once", what, change[0])
		}
		if _, err := budget.DecodeBook([]byte(strings.Replace(small, change[0], change[1], 1))); !errors.Is(err, budget.ErrBook) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, text := range []string{``, `null`, `[]`, `{}`, `"x"`} {
		if _, err := budget.DecodeBook([]byte(text)); !errors.Is(err, budget.ErrBook) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestABookReadsBackWhateverWasDoneToIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b, err := opened()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range steps().Draw(t, "steps") {
			g := game{book: b}
			_, _ = g.apply(s) // a refusal changes nothing, which is written too
			b = g.book
		}
		text, err := budget.EncodeBook(b)
		if err != nil {
			t.Fatal(err)
		}
		back, err := budget.DecodeBook(text)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := budget.EncodeBook(back); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%s came back as %s (%v)", text, again, err)
		}
	})
}

func FuzzDecodeBook(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`{"resets":"2027-07-01","each":1,"accounts":[],"students":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := budget.DecodeBook(text)
		if err != nil {
			if !errors.Is(err, budget.ErrBook) {
				t.Errorf("another error: %v", err)
			}
			return
		}
		if again := encoded(t, b); !bytes.Equal(again, text) {
			t.Errorf("%s is written as %s", text, again)
		}
		for _, p := range b.Payers() {
			if a, _ := b.Account(p); a.Left() < 0 || a.Reserved() < 0 || a.Spent() < 0 {
				t.Errorf("%v: %v reserved, %v spent of %v", p, a.Reserved(), a.Spent(), a.Granted())
			}
		}
		if left := b.StudentLeft(0); left < 0 {
			t.Errorf("a student has %v left", left)
		}
	})
}
