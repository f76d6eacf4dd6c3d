// Package edfi reads exports of the Ed-Fi data standard, 2.x to 5.x: XML
// interchange files, the JSON of its API as files, and the API itself.
//
// # One model
//
// All three ways end in the same records (resources): a resource says under
// which names, of any version and in XML as in JSON, each of its values
// stands. What is not named there is skipped unread. The translation from
// records to rows of the plain form knows nothing of files and services.
//
//	School                                      schools.csv
//	Session, GradingPeriod                      sessions.csv
//	Student, StudentEducationOrganizationAssociation,
//	  StudentSpecialEducationProgramAssociation,
//	  StudentLanguageInstructionProgramAssociation students.csv
//	StudentSchoolAssociation                    enrollments.csv
//	Calendar, CalendarDate                      calendar.csv
//	StudentSchoolAttendanceEvent,
//	  StudentSectionAttendanceEvent             attendance.csv
//	DisciplineIncident, DisciplineAction, StudentDisciplineIncidentAssociation,
//	  StudentDisciplineIncidentBehaviorAssociation discipline.csv
//	Grade                                       grades.csv
//	Contact or Parent, StudentContactAssociation or
//	  StudentParentAssociation                  guardians.csv
//	*Descriptor                                 the district's own codes
//
// # Files
//
// XML references by natural key and by id; an id is looked for in the file
// itself first, then in the others. JSON comes as an array, as {"data": […]},
// as {"students": […]}, or one object a line; the name of the file or of a
// folder says the resource. Below a folder upserts or deletes the files are
// replayed by rundate, upserts before deletes. A delete that would leave
// records behind that name the deleted one is not carried out.
//
// # Choices
//
// Session and GradingPeriod belong to a school in Ed-Fi. Sessions of one name
// and year that agree in their dates are one session; else each school has its
// own. Where the terms of a year share a name, as to 2.x they may, the term is
// part of it. Their school year is a session too, from the first of their days to the
// last; where two years overlap the earlier ends before the later begins.
//
// Attendance: of two events of a student at a school on a day the graver
// counts: out-of-school suspension, unexcused, excused, half a day, in-school
// suspension, tardy, present. An early departure is a tardy: the student was
// there. EventDuration under 1 is the portion of the day that was missed.
// A section's tardy is a tardy of the day, once. A section's absence is none
// of the day unless EventDuration says what part of the day it was, under the
// whole; then the parts of the day add up. The days of a session count where at least four
// fifths of those that it totals are listed.
//
// Discipline: students who took part as perpetrators or whom an action names;
// not victims, witnesses and reporters. A row for each student, incident and
// kind of action; the days of several actions of a kind add up. Where one
// action is of several kinds its days stand at the gravest. An action without
// an incident is on its own day, with the type "not stated".
//
// Grades: those whose type is Final or Semester, or is named in
// Options.Final. Of two for a course and session a Final counts before a
// Semester, and that of the later grading period before that of an earlier.
// Ed-Fi states no scale: numbers are read as 0-100, else the letter counts.
// An export whose grades are none of these does not speak of results.
//
// # What cannot be had
//
// Credits of a course, merges of students, totals of attendance, published
// totals. A gradebook entry is an assignment and no result. Without
// StudentSchoolAssociation no student is at a known school.
package edfi
