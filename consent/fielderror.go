package consent

import "strings"

// FieldError says what is wrong with one field and how to mend it. Field is
// the JSON path; neither text ever repeats the value.
type FieldError struct {
	Field   string `json:"field"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

// Error returns one line: field, problem and remedy.
func (e FieldError) Error() string { return e.Field + " " + e.Problem + ": " + e.Remedy }

// FieldErrors are all the faults of one document, in the order of its fields.
type FieldErrors []FieldError

// Error returns the faults in one line.
func (e FieldErrors) Error() string {
	lines := make([]string, len(e))
	for i, f := range e {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "; ")
}

// Unwrap returns each fault as an error of its own.
func (e FieldErrors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, f := range e {
		errs[i] = f
	}
	return errs
}

// faults collects field errors.
type faults struct{ list FieldErrors }

func (f *faults) add(field, problem, remedy string) {
	f.list = append(f.list, FieldError{Field: field, Problem: problem, Remedy: remedy})
}

func (f *faults) unless(ok bool, field, problem, remedy string) {
	if !ok {
		f.add(field, problem, remedy)
	}
}

func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return f.list
}
