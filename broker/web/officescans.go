package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/pages"
	"github.com/hallpass-edu/hallpass/consent"
)

// Bounds of what an office sends at once, in bytes: scans, and the answers on them.
const (
	maxScans = 64 << 20
	maxPaper = 64 << 10
)

// scanTime is how long scans may take to arrive: 64 MB over an office's line.
const scanTime = 2 * time.Minute

// maxFileName is how much of a file's name is shown.
const maxFileName = 80

// named finds the number of a form in the name of its scan.
var named = regexp.MustCompile(`ask_[a-z2-7]{8,26}`)

// paper is where signed forms are entered.
func (d *desk[A]) paper() (deskReply, error) {
	if d.caller.Role != broker.RoleOfficer {
		return deskReply{}, notAvailable()
	}
	return deskReply{page: pages.OfficePaper{}}, nil
}

// readScans makes a row of each scan. Of a scan only its hash is kept, and that in the
// page: nothing is stored before its answer is entered.
func (d *desk[A]) readScans() (deskReply, error) {
	out, err := d.paper()
	if err != nil {
		return out, err
	}
	var page pages.OfficePaper
	for {
		part, err := d.files.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && (part.FormName() != "scans" || len(page.Rows) == pages.MaxScans) {
			return out, unacceptable("scans", "are too many, or hold what the page did not ask for", "send fewer at once")
		}
		var row pages.OfficePaperRow
		if err == nil {
			row, err = d.scan(part, len(page.Rows)+1)
		}
		if err != nil {
			return out, scanFault(err)
		}
		page.Rows = append(page.Rows, row)
	}
	return deskReply{page: page}, nil
}

// scanFault says why scans could not be read to their end.
func scanFault(err error) error {
	var public *broker.Error
	var edge *refusal
	if errors.As(err, &public) || errors.As(err, &edge) {
		return err
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return unacceptable("scans", "are larger than 64 MB together", "send fewer at once")
	}
	return unreadable("scans", "ended early", "send them again")
}

// scan hashes a scan and finds the form that its name says.
func (d *desk[A]) scan(part *multipart.Part, place int) (row pages.OfficePaperRow, err error) {
	head := make([]byte, 512)
	n, short := io.ReadFull(part, head)
	if short != nil && !errors.Is(short, io.ErrUnexpectedEOF) && !errors.Is(short, io.EOF) {
		return row, short
	}
	if !isScan(head[:n]) {
		return row, unacceptable("scans", fmt.Sprintf("hold, as number %d, a file that is neither a PDF nor a picture", place), "scan the form as PDF, JPEG, PNG or TIFF")
	}
	sum := sha256.New()
	sum.Write(head[:n])
	if _, err := io.Copy(sum, part); err != nil {
		return row, err
	}
	row.File, row.Scan = shortName(part.FileName()), hex.EncodeToString(sum.Sum(nil))
	if number := named.FindString(strings.ToLower(row.File)); number != "" {
		err = d.findForm(&row, number)
	}
	return row, err
}

// isScan reports whether a file begins as a PDF or a picture does.
func isScan(head []byte) bool {
	kind := http.DetectContentType(head)
	tiff := bytes.HasPrefix(head, []byte("II*\x00")) || bytes.HasPrefix(head, []byte("MM\x00*"))
	return tiff || kind == "application/pdf" || strings.HasPrefix(kind, "image/")
}

// shortName is the name of a file without its folders, cut off where it is long.
func shortName(name string) string {
	letters := []rune(path.Base(strings.ReplaceAll(name, "\\", "/")))
	return string(letters[:min(len(letters), maxFileName)])
}

// findForm adds to a row what its form is about, or why that cannot be said.
func (d *desk[A]) findForm(row *pages.OfficePaperRow, number string) error {
	form, err := opened[pages.OfficePaperForm](d.service.Paper(d.ctx, d.caller, number))
	switch broker.KindOf(err) {
	case broker.NotAvailable:
		row.Problem = cmp.Or(row.Problem, noSuchForm)
		return nil
	case broker.Conflict:
		row.Problem = cmp.Or(row.Problem, problemOf(err))
		return nil
	}
	if err != nil {
		return err
	}
	row.Form, row.Language = &form, cmp.Or(row.Language, pages.Match(form.Language, ""))
	if form.Answered {
		row.Problem = cmp.Or(row.Problem, "This form is answered already.")
	}
	return nil
}

const noSuchForm = "No form has this number."

// enterPaper enters the rows that have an answer, each by itself, and shows what is
// left.
func (d *desk[A]) enterPaper() (deskReply, error) {
	if out, err := d.paper(); err != nil {
		return out, err
	}
	rows, err := d.paperRows()
	if err != nil {
		return deskReply{}, err
	}
	page, status := pages.OfficePaper{}, http.StatusOK
	for _, r := range rows {
		if r.Answer != "" {
			if r.Problem, err = d.enterRow(r); err != nil {
				return deskReply{}, err
			}
			if r.Problem == "" {
				page.Entered++
				continue
			}
			status = http.StatusUnprocessableEntity
		}
		if numberForm.MatchString(r.number) {
			if err := d.findForm(&r.OfficePaperRow, r.number); err != nil {
				return deskReply{}, err
			}
		}
		page.Rows = append(page.Rows, r.OfficePaperRow)
	}
	return deskReply{page: page, status: status}, nil
}

// paperRow is a row as it was sent back.
type paperRow struct {
	pages.OfficePaperRow
	number string
}

var numberForm = regexp.MustCompile(`^` + named.String() + `$`)

// paperRows reads the rows of the form, whose fields come in the order of the rows.
func (d *desk[A]) paperRows() (rows []paperRow, err error) {
	all := d.form["form"]
	for _, name := range []string{"answer", "language", "signed", "scan", "file"} {
		if len(d.form[name]) != len(all) {
			return nil, unacceptable("form", "is not whole", "go back and try again")
		}
	}
	if len(all) > pages.MaxScans {
		return nil, unacceptable("form", "has too many rows", "enter fewer at once")
	}
	for i, number := range all {
		r := paperRow{number: strings.ToLower(strings.TrimSpace(number))}
		r.Answer, r.Language = consent.Answer(d.form["answer"][i]), d.form["language"][i]
		r.Signed, r.Scan, r.File = d.form["signed"][i], d.form["scan"][i], shortName(d.form["file"][i])
		rows = append(rows, r)
	}
	return rows, nil
}

// enterRow enters one form. What came in on paper was signed at some time of its day.
// The problem is what the officer can mend; an error is anything else.
func (d *desk[A]) enterRow(r paperRow) (problem string, err error) {
	if !numberForm.MatchString(r.number) {
		return "The number is missing, or is no number of a form: copy what stands on the form; it begins with ask_.", nil
	}
	signed, ok := typedDay(r.Signed)
	switch {
	case !ok:
		return "The day of the signature is missing.", nil
	case signed > civil.Of(d.service.Now(), d.of.zone()):
		return "The day of the signature is to come.", nil
	}
	req := broker.PaperRequest{Answer: r.Answer, Language: r.Language, SignedAt: signed.Start(d.of.zone()), ScanSHA256: r.Scan}
	err = done(d.service.EnterPaper(d.ctx, d.caller, r.number, req))
	switch broker.KindOf(err) {
	case broker.Invalid, broker.Conflict, broker.Denied:
		return problemOf(err), nil
	case broker.NotAvailable:
		return noSuchForm, nil
	}
	return "", err
}

func typedDay(text string) (day civil.Date, ok bool) {
	day, err := civil.Parse(text)
	return day, err == nil
}

// problemOf is what an error says to the officer who can mend it.
func problemOf(err error) string {
	public, _ := publicError(err)
	if details := detailsOf(public); len(details) > 0 {
		return strings.Join(details, " ")
	}
	return public.Detail + "."
}
