// Package oneroster reads a district's export in OneRoster 1.1 or 1.2 CSV, a
// folder or a zip, bulk or delta, as rows of the plain form.
//
// # Which file gives what
//
//	file                  gives
//	manifest.csv          which files are bulk, delta or absent; without one every file that is there is bulk
//	orgs.csv              schools: organizations of type school; level from metadata.level where there is one
//	academicSessions.csv  sessions, one to one, with their parents
//	users.csv             students (role student), guardians (guardian, parent, relative), grade level, the schools of who has no class
//	roles.csv             1.2: the roles of users, the days they begin and end, the primary school
//	demographics.csv      birth date, sex, race and ethnicity
//	enrollments.csv       with classes.csv and the terms of classes: the stay of a student at a school
//	courses.csv           the name of a course; its school year dates a class that has no known term
//	lineItems.csv         with categories.csv: which results are those of a course in a term, their scale and session
//	results.csv           course results
//
// userProfiles.csv (accounts and passwords), resources and their links, score
// scales and learning objectives may be there and are never opened. Columns are
// found by name in any order; metadata and vendors' columns are not read.
//
// # What cannot be had
//
// Attendance, days of instruction, discipline, published totals and merged
// students: OneRoster has none of them, so what another file gave of them
// stays. Credits, languages of guardians, English learner, special education
// and economic disadvantage are not in the standard. Whether a guardian holds
// rights is not either: a parent or guardian is read as holding them, a
// relative never.
//
// # The id of a student
//
// The sourcedId. It is the only id that the standard requires, holds unique
// and keeps from export to export, and every reference of the set is one. The
// identifier, the number that people know, is optional and may be missing,
// shared or reused; a rule that takes it where it happens to be unique would
// give a student another id on the day a second one appears. A district that
// joins plain files to a OneRoster export must write sourcedIds into them.
//
// # A stay at a school
//
// OneRoster enrolls in classes. A stay is read, for each student, from the
// first of these that says anything:
//
//  1. enrollments of role student: the school is the class's or, where that is
//     not a school of the export, the enrollment's own. A date that is empty is
//     that of the class's terms, else of its course's school year. The stay
//     lasts from the earliest day to the latest, and is open if one of the
//     enrollments is; days between two enrollments at one school are part of it;
//  2. roles of roles.csv, with their dates;
//  3. primaryOrgSourcedId and orgSourcedIds, from the first day of the school
//     year (noted: assumed-entry), open.
//
// Primary is the school of the primary role, else primaryOrgSourcedId, else the
// one with the most enrollments, else the first of orgSourcedIds, else the
// smallest id; a stay that does not overlap a primary one is primary too. The
// grade level is the first of the user's grades. enabledUser concerns the
// account, not the student, and is not read.
//
// # Status
//
// Words are read in any case; empty is active. A record to be deleted is left
// out, unless a living record would then name nothing: it stays and the delete
// is noted. A user's roles, demographics and place in lists of agents go, or
// stay, with the user; the role of a student stays with enrollments and results. An inactive user, enrollment or role (1.0) is over: a student stays
// a student whose stays end on their last day, at the latest on the export
// date; an inactive guardian is none.
//
// # Several sets in one input
//
// Each folder with users.csv, orgs.csv or a manifest is a layer. The first bulk
// layer is the base; the others follow in the order of their folders' names,
// numbers by value. A bulk file replaces that of the layers before it, a delta
// file changes records by sourcedId. A delta alone is refused: the last bulk
// set must be given with it. Findings name the file, not the folder, since
// a folder's name may be anything.
//
// # Dates
//
// YYYY-MM-DD, also with a time behind it, which is not read. Dates with slashes
// are read where a value over 12 in the same column of the same file shows
// which of day and month comes first, or where both are the same number; else
// they are ambiguous and never guessed.
//
// # Race and ethnicity
//
// One of hispanic_or_latino (whatever the races), two_or_more (that column, or
// more than one race), american_indian_or_alaska_native, asian,
// black_or_african_american, native_hawaiian_or_other_pacific_islander, white;
// empty where no column says true.
//
// # Course results
//
// A line item is that of a course in a term if its category's title or its own
// is one of Options.Final. Where the district declares none, it is if that
// title, in small letters and without numbers, is final, overall, or a grade,
// mark or average that is said to be final, overall, of a course, a report card
// or a period (quarter, term, trimester, semester, year, marking or grading
// period), or if the line item is the only one of its class and grading period.
// "Final exam" is none. Only results that are fully graded count; the rest is
// counted in one finding. The scale is "min-max" of the line item, else
// unstated (which is no known scale), and letter for text. Numbers are rounded
// to hundredths, halves away from zero. The session is the line item's grading
// period (1.2: academic session), else the only term of its class. A course is
// called by its title, with its code behind it where two courses share one,
// else by the class's title.
package oneroster
