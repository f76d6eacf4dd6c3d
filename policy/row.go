package policy

import (
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/consent"
)

// Row is one cell group of one student, as the row filters see it: the records
// of one category and portion under one yes. It is flat and typed, and every
// field is always set: a rule can never meet a missing value.
type Row struct {
	Consent    string     // consent state of this student, agreement and category: "yes", "no" or "unasked"
	Expires    civil.Date // last day the partner may look; zero without a yes
	School     string     // school of the records
	OnRoster   bool       // the student stands on the agreement's roster
	Age        int        // completed years on the district's local date; at least 18 if the birth date is unknown or rights passed early (34 CFR 99.3)
	OwnAnswer  bool       // the deciding answer is the student's own
	RecordFrom civil.Date // first day of records the yes opens, both inclusive
	RecordTo   civil.Date // last day
	Category   string     // family: "attendance", "grades" or "discipline"
	Portion    string     // "whole", or of discipline "incident", "action" or "dates"
	Restricted bool       // a restriction on file forbids this disclosure
	Banned     bool       // the partner is suspended, or barred by a ban, today
}

// Consent states of a row.
const (
	ConsentYes     = "yes"
	ConsentNo      = "no"
	ConsentUnasked = "unasked"
)

// Portion returns what Row.Category and Row.Portion hold for a category.
func Portion(c consent.Category) (category, portion string) {
	family := c.Family()
	if string(c) == family {
		return family, "whole"
	}
	return family, string(c[len(family)+1:])
}

type field uint8

// The fields of a row, in the order of rowFields.
const (
	fieldConsent field = iota
	fieldExpires
	fieldSchool
	fieldOnRoster
	fieldAge
	fieldOwnAnswer
	fieldRecordFrom
	fieldRecordTo
	fieldCategory
	fieldPortion
	fieldRestricted
	fieldBanned
)

type kind uint8

const (
	kindText kind = iota
	kindNumber
	kindTruth
)

type rowField struct {
	name   string
	kind   kind
	values []string
}

// rowFields is the row schema (rego/rows.schema.json): names, types and, where
// they are few, all values.
var rowFields = [...]rowField{
	fieldConsent:    {"consent", kindText, []string{ConsentYes, ConsentNo, ConsentUnasked}},
	fieldExpires:    {"expires", kindNumber, nil},
	fieldSchool:     {"school", kindText, nil},
	fieldOnRoster:   {"on_roster", kindTruth, nil},
	fieldAge:        {"age", kindNumber, nil},
	fieldOwnAnswer:  {"own_answer", kindTruth, nil},
	fieldRecordFrom: {"record_from", kindNumber, nil},
	fieldRecordTo:   {"record_to", kindNumber, nil},
	fieldCategory:   {"category", kindText, []string{"attendance", "grades", "discipline"}},
	fieldPortion:    {"portion", kindText, []string{"whole", "incident", "action", "dates"}},
	fieldRestricted: {"restricted", kindTruth, nil},
	fieldBanned:     {"banned", kindTruth, nil},
}

func (r *Row) text(f field) string {
	switch f {
	case fieldConsent:
		return r.Consent
	case fieldSchool:
		return r.School
	case fieldCategory:
		return r.Category
	default:
		return r.Portion
	}
}

func (r *Row) number(f field) int64 {
	switch f {
	case fieldExpires:
		return int64(r.Expires)
	case fieldAge:
		return int64(r.Age)
	case fieldRecordFrom:
		return int64(r.RecordFrom)
	default:
		return int64(r.RecordTo)
	}
}

func (r *Row) truth(f field) bool {
	switch f {
	case fieldOnRoster:
		return r.OnRoster
	case fieldOwnAnswer:
		return r.OwnAnswer
	case fieldRestricted:
		return r.Restricted
	default:
		return r.Banned
	}
}
