package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/ingest/edfi"
	"github.com/hallpass-edu/hallpass/broker/ingest/mapping"
	"github.com/hallpass-edu/hallpass/broker/ingest/oneroster"
	"github.com/hallpass-edu/hallpass/broker/ingest/sds"
)

// format is an export format of the command line. remote formats read no
// files.
type format struct {
	name, short, long, example string
	remote                     bool
	flags                      func(*cobra.Command)
	open                       func(context.Context, *app) (ingest.Format, error)
}

// always is an open function of a format that needs no declaration.
func always(f ingest.Format) func(context.Context, *app) (ingest.Format, error) {
	return func(context.Context, *app) (ingest.Format, error) { return f, nil }
}

// formats are those that hallpass import knows.
func (a *app) formats() []format {
	return []format{plainFormat(), oneRosterFormat(), edfiXMLFormat(), edfiJSONFormat(), edfiAPIFormat(), sdsFormat(), mappedFormat()}
}

func plainFormat() format {
	return format{
		name: "csv", short: "Load an export in the plain CSV form", open: always(ingest.Plain()),
		long: `csv loads a folder or a zip of plain CSV files: UTF-8, a header row, columns in any
order, dates as 2026-11-21. Required (columns in brackets are optional):

  schools.csv       school_id, name [level]
  sessions.csv      session_id, title, type, start, end [parent]
  students.csv      student_id, given_name, family_name, birthdate [sex, race_ethnicity,
                    english_learner, special_education, economically_disadvantaged,
                    student_email, student_phone: kept from the age of 17 on]
  enrollments.csv   student_id, school_id, entry [exit, grade_level, primary]

Optional: calendar.csv, attendance.csv, attendance_summary.csv, discipline.csv,
grades.csv, guardians.csv, public_totals.csv, merges.csv.`,
		example: `  hallpass import csv --dir district --snapshot active --dry-run export/
  hallpass import csv --dir district --snapshot all --attendance every-day export-2025-26.zip`,
	}
}

func oneRosterFormat() format {
	return format{
		name: "oneroster", short: "Load OneRoster 1.1 or 1.2 CSV", open: always(oneroster.Format()),
		long: `oneroster loads OneRoster CSV, a folder or a zip, by its manifest.csv or, without one,
by the files that are there. A delta needs its bulk set: put both into one folder,
each in a folder of its own, in the order of their names. A student's id is the
sourcedId. OneRoster has no attendance and no discipline; what was loaded of them
from other files stays.`,
		example: "  hallpass import oneroster --dir district --snapshot active roster.zip",
	}
}

func edfiXMLFormat() format {
	return format{
		name: "edfi-xml", short: "Load Ed-Fi XML interchange files", open: always(edfi.XML()),
		long: `edfi-xml loads the XML interchange files of an Ed-Fi data standard from 2 to 5, in one
folder or several. Attendance events list exceptions only; the days enrolled come
from CalendarDate. A student's id is the StudentUniqueId.`,
		example: "  hallpass import edfi-xml --dir district --snapshot all interchange/",
	}
}

func edfiJSONFormat() format {
	return format{
		name: "edfi-json", short: "Load Ed-Fi API records from JSON files", open: always(edfi.JSON()),
		long: `edfi-json loads records of an Ed-Fi API as files: an array, or one object a line; the
file or its folder is named for the resource. Folders named upserts and deletes are
replayed by rundate.`,
		example: "  hallpass import edfi-json --dir district --snapshot active extract/",
	}
}

func edfiAPIFormat() format {
	var src edfi.Source
	var secretFile string
	return format{
		name: "edfi-api", short: "Load from an Ed-Fi ODS or DMS API", remote: true,
		long: `edfi-api reads an Ed-Fi API with OAuth2 client credentials: every page of every
resource that the client may read, and what changed meanwhile. Whatever fails,
nothing is loaded. The secret is the first line of --secret-file, or of the
variable HALLPASS_EDFI_SECRET.`,
		example: "  hallpass import edfi-api --dir district --snapshot active --api https://ods.example.org --key hallpass --secret-file secret",
		flags: func(c *cobra.Command) {
			flags := c.Flags()
			flags.StringVar(&src.BaseURL, "api", "", "`address` of the API, before data/v3")
			flags.StringVar(&src.TokenURL, "token-url", "", "`address` of the token service (default: oauth/token below --api)")
			flags.StringVar(&src.DataPath, "data-path", "", "`path` below --api (default data/v3; a DMS has data)")
			flags.StringVar(&src.Instance, "instance", "", "school `year` or instance in the path")
			flags.StringVar(&src.Key, "key", "", "the client's `key`")
			flags.StringVar(&secretFile, "secret-file", "", "`file` with the client's secret")
		},
		open: func(ctx context.Context, a *app) (ingest.Format, error) {
			if src.BaseURL == "" || src.Key == "" {
				return ingest.Format{}, errors.New("say where the API is and who asks: --api and --key")
			}
			var err error
			if src.Secret, err = a.secret(secretFile); err != nil {
				return ingest.Format{}, err
			}
			src.Client = &http.Client{Timeout: 2 * time.Minute}
			return edfi.Live(ctx, src), nil
		},
	}
}

// secret is the first line of a file or, without one, of the variable.
func (a *app) secret(path string) (string, error) {
	text := a.env[variable("edfi-secret")]
	if path != "" {
		raw, err := os.ReadFile(a.path(path))
		if err != nil {
			return "", fmt.Errorf("reading the secret: %w", err)
		}
		text = string(raw)
	}
	line, _, _ := strings.Cut(text, "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", errors.New("there is no secret: put it into a file (--secret-file) or into " + variable("edfi-secret"))
	}
	return line, nil
}

func sdsFormat() format {
	return format{
		name: "sds", short: "Load Microsoft School Data Sync CSV", open: always(sds.Format()),
		long: `sds loads the CSV files of School Data Sync in any of their three forms (v1, v2, v2.1).
They say where a student is, not since when: the first day of the school year is
taken, and said. They have no attendance, discipline or results.`,
		example: "  hallpass import sds --dir district --snapshot active --school-year 2025-08-11/2026-06-05 sds/",
	}
}

func mappedFormat() format {
	var file string
	return format{
		name: "mapped", short: "Load any other CSV or XLSX by a mapping file",
		long: `mapped loads files as a mapping file describes them: which file and column is which,
which codes mean what, how dates are written. hallpass import map writes a first one.`,
		example: `  hallpass import map export/ > mapping.yaml
  hallpass import mapped --dir district --snapshot all --mapping mapping.yaml export/`,
		flags: func(c *cobra.Command) { c.Flags().StringVar(&file, "mapping", "", "the mapping `file`") },
		open: func(_ context.Context, a *app) (ingest.Format, error) {
			m, err := a.mapping(file)
			if err != nil {
				return ingest.Format{}, err
			}
			return m.Format(), nil
		},
	}
}

// maxMapping bounds a mapping file in bytes.
const maxMapping = 1 << 20

func (a *app) mapping(file string) (*mapping.Mapping, error) {
	if file == "" {
		return nil, errors.New("name the mapping file: --mapping")
	}
	f, err := os.Open(a.path(file))
	if err != nil {
		return nil, fmt.Errorf("reading the mapping: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMapping+1))
	if err != nil {
		return nil, fmt.Errorf("reading the mapping: %w", err)
	}
	m, err := mapping.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", printable(file), err)
	}
	return m, nil
}

func (a *app) importMapCommand() *cobra.Command {
	return a.command(&cobra.Command{
		Use:   "map FOLDER|ZIP",
		Short: "Write a first mapping for files of any other form",
		Long: `map looks at the headers and some rows of CSV and XLSX files and writes a mapping for
hallpass import mapped to standard output: which file and column seems to be which,
and which codes stand in it. To standard error it prints how dates would be read and
why; whether the day or the month comes first is never guessed. Read the mapping,
mend it, and try it with --dry-run. No district is needed.`,
		Example: "  hallpass import map export/ > mapping.yaml",
		Args:    cobra.ExactArgs(1),
	}, func(_ context.Context, args []string) error {
		s, report, err := mapping.SuggestPath(a.path(args[0]), ingest.Limits{})
		if err != nil {
			return fmt.Errorf("looking at the files: %w", err)
		}
		if s == nil || len(s.YAML) == 0 {
			if err := report.Write(a.stderr); err != nil {
				return err
			}
			return &failure{exitRejected, "mend the files in the order above", errors.New("no mapping can be written for these files")}
		}
		if _, err := a.stdout.Write(s.YAML); err != nil {
			return err
		}
		return s.Write(a.stderr)
	})
}

func (a *app) importParticipationCommand() *cobra.Command {
	var file string
	c := a.command(&cobra.Command{
		Use:   "participation FOLDER|SHEET",
		Short: "Turn a partner's own sheets into participation.csv by a mapping file",
		Long: `participation is for a partner: it turns sign-in sheets, CSV or XLSX, also with the
children down and the dates across, into the participation.csv that is uploaded, and
writes it to standard output. The mapping file says what stands where. No district is
needed; the upload is checked again.`,
		Example: "  hallpass import participation --mapping signin.yaml signin.xlsx > participation.csv",
		Args:    cobra.ExactArgs(1),
	}, func(_ context.Context, args []string) error {
		m, err := a.mapping(file)
		if err != nil {
			return usage(err)
		}
		p, report, err := m.ReadParticipation(a.path(args[0]), ingest.Limits{})
		if err != nil {
			return fmt.Errorf("reading the sheets: %w", err)
		}
		if p != nil {
			if _, err := a.stdout.Write(p.CSV); err != nil {
				return err
			}
		}
		if p == nil || report.Errors() > 0 {
			if err := report.Write(a.stderr); err != nil {
				return err
			}
			return &failure{exitRejected, "mend the sheet or the mapping in the order above", errors.New("not every row of the sheets could be read")}
		}
		return nil
	})
	c.Flags().StringVar(&file, "mapping", "", "the mapping `file` (required)")
	// MarkFlagRequired fails only for a flag that does not exist.
	_ = c.MarkFlagRequired("mapping")
	return c
}
