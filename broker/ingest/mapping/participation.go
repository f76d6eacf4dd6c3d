package mapping

import (
	"bytes"
	"encoding/csv"
	"io/fs"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A Participation is the text of a participation.csv made from a partner's own
// sheets. Places says where each of its rows stands in them: the row on line n
// of the text at Places[n-2].
type Participation struct {
	CSV    []byte
	Places []ingest.Place
}

// At turns a finding about the text into one about the partner's sheet.
func (p *Participation) At(f ingest.Finding) ingest.Finding {
	if f.Row < 2 || f.Row-2 >= len(p.Places) {
		return f
	}
	at := p.Places[f.Row-2]
	f.File, f.Row = at.File, at.Row
	for i, column := range participationColumns {
		if f.Field == column && i < len(at.Names) && at.Names[i] != "" {
			f.Field = at.Names[i]
			break
		}
	}
	return f
}

// Participation reads a partner's sheets into the text of participation.csv,
// for ingest.ParseParticipation to check. What keeps a row out is noted at its
// place in the sheets. It is nil where the mapping has no participation.csv.
func (m *Mapping) Participation(files *ingest.Files, report *ingest.Report) *Participation {
	sources := m.forms[participation]
	if sources == nil {
		report.Note(ingest.Place{File: mappingFile}, "", ingest.BadMapping, "it does not say how participation.csv is made")
		return nil
	}
	e := newExport(m, files, ingest.Options{}, func(at ingest.Place, field string, rule ingest.Rule, detail string) {
		report.Note(at, field, rule, detail)
	})
	p := &Participation{}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	write := func(fields []string) { _ = w.Write(fields) } // a buffer takes everything
	write(participationColumns)
	for _, s := range sources {
		e.source(s, func(r ingest.Row) bool {
			for i, f := range r.Fields { // a row of the text is one line
				r.Fields[i] = strings.Join(strings.FieldsFunc(f, func(c rune) bool { return c == '\n' || c == '\r' }), " ")
			}
			write(r.Fields)
			p.Places = append(p.Places, r.At)
			return len(p.Places) < files.Limits().Rows
		})
	}
	w.Flush()
	p.CSV = b.Bytes()
	return p
}

// ReadParticipation is Participation for one sheet, a folder or a zip on disk.
// The report holds what was found.
func (m *Mapping) ReadParticipation(name string, limits ingest.Limits) (*Participation, *ingest.Report, error) {
	var p *Participation
	report, err := visit(name, limits, func(files *ingest.Files, r *ingest.Report) { p = m.Participation(files, r) })
	return p, report, err
}

// ReadParticipationFS is ReadParticipation for files that are not on disk, such
// as an upload.
func (m *Mapping) ReadParticipationFS(fsys fs.FS, limits ingest.Limits) (*Participation, *ingest.Report, error) {
	var p *Participation
	report, err := visitFS(fsys, limits, func(files *ingest.Files, r *ingest.Report) { p = m.Participation(files, r) })
	return p, report, err
}
