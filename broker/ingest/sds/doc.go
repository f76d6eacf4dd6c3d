// Package sds reads the CSV files of Microsoft School Data Sync (SDS) in its
// three published forms, told apart by their files:
//
//   - V1: School.csv, Student.csv and, where there are classes, Section.csv; with
//     the files of the parent and guardian sync, User.csv and
//     Guardianrelationship.csv, also who belongs to a student
//   - V2: orgs.csv and users.csv, whose rows have a role
//   - V2.1: orgs.csv, users.csv and roles.csv; academicSessions.csv,
//     demographics.csv, userFlags.csv and relationships.csv where they are given
//
// # What gives what
//
//	plain file   V1                         V2                V2.1
//	schools      School                     orgs              orgs
//	sessions     the terms of Section       -                 academicSessions
//	students     Student                    users, role       users with the role student in roles,
//	                                        student           demographics, userFlags
//	enrollments  Student, School SIS ID     users,            roles
//	                                        orgSourcedIds
//	guardians    User and                   -                 relationships and users
//	             Guardianrelationship
//
// An org is a school if its type is school, or if it is another place of
// learning (a college, a campus, a department) that a student belongs to.
// Ministries, districts, regions and the like are none, whoever belongs to
// them.
//
// A membership is a stay at a school. Memberships of one student at one school
// that overlap or follow one another in one grade are one stay. Where the
// export gives no first day it is that of the session the membership names,
// else of the school year. A V1 term of eight months or more is a school year.
//
// A user flag says yes. Its absence says nothing, since the export does not
// say which flags the district keeps.
//
// Dates are ISO 8601, with or without hyphens, or have slashes. SDS writes
// those month first; a column in which some first number is over twelve has
// the day first, and one that holds both cannot be read.
//
// # What cannot be had
//
// SDS has no calendar, attendance, discipline or grades, and no day on which a
// V1 or V2 student entered a school. V2 has no birth dates. Passwords and what
// else must never come in are dropped unread. Classes, sections, courses,
// teachers and the enrollments in classes are not read.
package sds
