package broker

import (
	"context"

	"github.com/hallpass-edu/hallpass/broker/records"
	"github.com/hallpass-edu/hallpass/broker/store"
)

// StudentTable is the table of students of a period, in tests.
type StudentTable struct {
	b       *Broker
	session string
	studentTable
}

// WriteStudentTable writes the table of an open period.
func (b *Broker) WriteStudentTable(ctx context.Context, session string, students []records.SID) (StudentTable, error) {
	return StudentTable{b, session, tableOf(students)}, b.writeTable(ctx, session, pagesOf(session, students))
}

// All reads the table.
func (t StudentTable) All(ctx context.Context) (list []records.SID, err error) {
	err = t.b.store.View(ctx, func(r store.Reader) error {
		list, err = t.students(r, t.session)
		return err
	})
	return list, err
}

// Ordinal finds a student in the table.
func (t StudentTable) Ordinal(ctx context.Context, sid records.SID) (at uint32, found bool, err error) {
	err = t.b.store.View(ctx, func(r store.Reader) error {
		at, found, err = t.ordinal(r, t.session, sid)
		return err
	})
	return at, found, err
}
