package oneroster

import (
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// What is used of each kind of record: texts as they stand in the file. Lists
// stand in one text, with commas between.
type (
	org struct{ name, kind, parent, level string }

	session struct{ title, kind, start, end, parent string }

	user struct{ given, family, orgs, primary, role, email, phone, agents, grades string }

	role struct{ user, role, rank, org, begin, end string }

	demographic struct{ birth, sex, race string }

	course struct{ title, code, year string }

	class struct{ title, course, school, terms string }

	enrollment struct{ class, school, user, role, begin, end string }

	category struct{ title string }

	lineItem struct{ title, class, category, session, low, high, school string }

	result struct{ item, student, status, score, text string }
)

// A kind says how the rows of a file are read.
type kind[T comparable] struct {
	file string
	must []string // columns without which the file says nothing
	body func(*line) T
}

func orgs() kind[org] {
	return kind[org]{orgsFile, []string{"name", "type"}, func(l *line) org {
		return org{l.Get("name"), l.word("type"), l.word("parentSourcedId"), l.word("metadata.level")}
	}}
}

func sessions() kind[session] {
	return kind[session]{sessionsFile, []string{"title", "type", "startDate", "endDate"}, func(l *line) session {
		return session{l.Get("title"), l.word("type"), l.date("startDate"), l.date("endDate"), l.word("parentSourcedId")}
	}}
}

func users() kind[user] {
	return kind[user]{usersFile, []string{"givenName", "familyName"}, func(l *line) user {
		return user{
			given: l.Get("givenName"), family: l.Get("familyName"), orgs: l.word("orgSourcedIds"), primary: l.word("primaryOrgSourcedId"),
			role: l.word("role"), email: l.Get("email"), phone: l.either("phone", "sms"), agents: l.word("agentSourcedIds"), grades: l.word("grades"),
		}
	}}
}

func roles() kind[role] {
	return kind[role]{rolesFile, []string{"userSourcedId", "role"}, func(l *line) role {
		return role{
			l.word("userSourcedId"), l.word("role"), l.word("roleType"), l.word("orgSourcedId"),
			l.date("beginDate"), l.date("endDate"),
		}
	}}
}

func demographics() kind[demographic] {
	return kind[demographic]{demographicsFile, nil, func(l *line) demographic {
		return demographic{l.date("birthDate"), l.word("sex"), raceEthnicity(l)}
	}}
}

func courses() kind[course] {
	return kind[course]{coursesFile, []string{"title"}, func(l *line) course {
		return course{l.Get("title"), l.Get("courseCode"), l.word("schoolYearSourcedId")}
	}}
}

func classes() kind[class] {
	return kind[class]{classesFile, []string{"schoolSourcedId"}, func(l *line) class {
		return class{l.Get("title"), l.word("courseSourcedId"), l.word("schoolSourcedId"), l.word("termSourcedIds")}
	}}
}

func enrollments() kind[enrollment] {
	return kind[enrollment]{enrollmentsFile, []string{"classSourcedId", "userSourcedId", "role"}, func(l *line) enrollment {
		return enrollment{
			l.word("classSourcedId"), l.word("schoolSourcedId"), l.word("userSourcedId"), l.word("role"),
			l.date("beginDate"), l.date("endDate"),
		}
	}}
}

func categories() kind[category] {
	return kind[category]{categoriesFile, []string{"title"}, func(l *line) category { return category{l.Get("title")} }}
}

func lineItems() kind[lineItem] {
	return kind[lineItem]{lineItemsFile, []string{"title", "classSourcedId"}, func(l *line) lineItem {
		return lineItem{
			l.Get("title"), l.word("classSourcedId"), l.word("categorySourcedId"),
			l.interned(l.either("gradingPeriodSourcedId", "academicSessionSourcedId")),
			l.word("resultValueMin"), l.word("resultValueMax"), l.word("schoolSourcedId"),
		}
	}}
}

func results() kind[result] {
	return kind[result]{resultsFile, []string{"lineItemSourcedId", "studentSourcedId", "scoreStatus"}, func(l *line) result {
		return result{l.word("lineItemSourcedId"), l.word("studentSourcedId"), l.word("scoreStatus"), l.word("score"), l.word("textScore")}
	}}
}

// A line is one row on its way into a table.
type line struct {
	ingest.Record
	file *file
	pool map[string]string // texts that come again and again
}

// word reads a text that comes again and again: a code, or an id of other
// records, of which one copy is kept.
func (l *line) word(column string) string { return l.interned(l.Get(column)) }

func (l *line) interned(text string) string {
	if known, ok := l.pool[text]; ok {
		return known
	}
	l.pool[text] = text
	return text
}

// either reads the first of two columns that is not empty.
func (l *line) either(first, second string) string {
	if text := l.Get(first); text != "" {
		return text
	}
	return l.Get(second)
}

// date reads a date as it stands, and learns from it how its column is
// written.
func (l *line) date(column string) string {
	o := l.file.orders[column]
	if o == nil {
		o = &order{}
		l.file.orders[column] = o
	}
	text := l.word(column)
	o.learn(text)
	return text
}

// date returns a date of a column; see order.read.
func (f *file) date(column, text string) (day civil.Date, rule ingest.Rule) {
	if o := f.orders[column]; o != nil {
		return o.read(text)
	}
	return order{}.read(text)
}
