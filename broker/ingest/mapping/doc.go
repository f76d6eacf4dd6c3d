// Package mapping reads an export of any form by a mapping: a YAML file with
// which a district or a partner says what its tables hold. CSV with a header or
// without, XLSX, and the sign-in sheet with children down and dates across.
//
// # The language
//
// A mapping has two keys: version, which is 1, and files. Under files stands
// each file of the plain form that the export speaks of (schools.csv,
// students.csv, …; for a partner participation.csv), and under it one source
// or a list of them, whose rows follow one another. What is not listed is not
// spoken of, and stays as it was. Without sessions.csv the school year is the
// declared one, else each that the records touch.
//
// The keys of a source:
//
//   - file: the name of a file, or a pattern such as att*.csv, without regard to
//     case; with a slash it is held against the path. All that match are read.
//   - sheet: of a workbook, by its name or its number from 1; else the first.
//   - header: yes (the default), no, or the number of the row in which it is.
//   - separator: comma (the default), semicolon, tab or pipe.
//   - where: {column: [texts]} lets in the rows in which the column of the file
//     holds one of the texts; of several columns each must.
//   - columns: {plain column: value}, see below.
//   - dates: how the file writes dates, for all plain columns of dates or for
//     each: iso, month-day-year, day-month-year, excel-serial, or how 2 January
//     2006 looks, such as 02-Jan-2006. See below for what needs no declaration.
//   - codes: {plain column: {"text": code}} turns texts into codes of the plain
//     form. The code drop leaves the row out, keep leaves the text. Under else
//     stands what becomes of other texts: keep (the default), drop or a code.
//     An empty field stays empty unless "" is listed.
//   - unique: [plain columns] keeps the first of the rows that agree in these.
//   - scale: of grades.csv, where it is the same in all rows.
//   - wide: dates across, see below.
//   - rows: [{plain column: text}] in place of all other keys, for what stands in
//     no file, such as the dates of terms.
//
// A value is the name of a column of the file, or its number from 1, or keys:
//
//   - {value: text}: the same in all rows
//   - {join: [column, column], with: "-"}: several, with a space or with what is given between
//   - {column: C, split: given family, take: family}: part of a full name; the
//     last word is the family name, or with split: "family, given" what stands before the comma
//   - {column: C, lookup: {file: F, key: K, value: V}}: the text V of the row of
//     F whose K is what C holds; sheet, header and separator of F as in a source
//
// Names of columns are compared without regard to case, and spaces, hyphens and
// underscores are the same. A column that must never come in cannot be named;
// it is dropped unread.
//
// # Dates
//
// Read without a declaration: year first (2026-11-21, 2026/11/21, 20261121),
// a time of day behind it or not, and in a workbook numbers, which are days.
// Numbers that may be day and month are read if the column shows the order: a
// first or a second number over twelve somewhere in it, and none that speaks
// against it. Else each is a finding, and nothing is guessed.
//
// # Wide sheets
//
// Under wide: stand dates (header, or the number of the row they stand in),
// from_column and, if the dates end before the sheet does, to_column; marks, a
// table like those under codes; and into, the plain column that takes the mark.
// For attendance.csv it is code. For participation.csv there is none unless it
// is named: a mark says that the child was there, and each has to be listed;
// with into: minutes the cells are minutes. An empty cell gives no row unless ""
// is listed.
//
// # Workbooks
//
// A workbook is read row by row and in memory only. Formulas are not worked
// out: what was last shown in the cell counts. A sheet that is larger than 40
// MiB unpacked is to be exported as CSV. Numbers lose leading zeros when a
// workbook is made; that cannot be mended here.
//
// # An example
//
//	version: 1
//	files:
//	  schools.csv:
//	    - file: roster.csv
//	      columns: {school_id: School, name: School Name}
//	      unique: [school_id]
//	  sessions.csv:
//	    - rows:
//	        - {session_id: Y25, title: School year, type: schoolYear, start: 2025-08-18, end: 2026-06-12}
//	  students.csv:
//	    - file: roster.csv
//	      separator: semicolon
//	      header: 2
//	      where: {Status: [Active, Pending]}
//	      columns:
//	        student_id: {join: [District, Number], with: "-"}
//	        given_name: {column: Student, split: "family, given", take: given}
//	        family_name: {column: Student, split: "family, given", take: family}
//	        birthdate: Born
//	        special_education: Services
//	      dates: {birthdate: day-month-year}
//	      codes:
//	        special_education: {"": no, else: yes}
//	  enrollments.csv:
//	    - file: roster.csv
//	      separator: semicolon
//	      header: 2
//	      columns:
//	        student_id: {join: [District, Number], with: "-"}
//	        school_id: School
//	        entry: {value: 2025-08-18}
//	  attendance.csv:
//	    - file: sign-in*.xlsx
//	      sheet: September
//	      header: 3
//	      columns:
//	        student_id: 1
//	        school_id:
//	          column: 1
//	          lookup: {file: rooms.csv, header: no, key: 1, value: 4}
//	      dates: month-day-year
//	      wide:
//	        dates: header
//	        from_column: 4
//	        to_column: 25
//	        into: code
//	        marks: {"x": present, "A": absent_unexcused, "E": absent_excused, "n/a": drop, else: keep}
//	  grades.csv:
//	    - file: marks.csv
//	      header: no
//	      scale: 0-100
//	      columns: {student_id: 1, school_id: 2, session_id: {value: Y25}, course: 3, value: 4}
package mapping
