package web

import (
	"net/http"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/pages"
)

// packet is printed forms in one language.
type packet struct {
	language string
	forms    pages.Packet
}

// manySheets is how many forms of a language one print holds: it ends with the page of
// the packet in which there are as many.
const manySheets = 200

// packet makes the forms of a round for families who read one language.
func (d *desk[A]) packet() (deskReply, error) {
	p := &packet{language: pages.Match(d.field("language"), "")}
	may, err := d.signable()
	if err != nil {
		return deskReply{}, err
	}
	req := broker.PacketRequest{Round: d.ids["round"], School: d.field("school"), After: d.field("after")}
	for more := true; more; more = req.After != "" && len(p.forms.Sheets) < manySheets {
		if req.After, err = d.addSheets(p, may, req); err != nil {
			return deskReply{}, err
		}
	}
	if len(p.forms.Sheets) == 0 {
		none := pages.OfficeNote{Kind: pages.NoteNotFound, Details: []string{"No form waits for a family who reads this language."}}
		return deskReply{page: none, status: http.StatusNotFound}, nil
	}
	return deskReply{packet: p}, nil
}

// addSheets adds a page of the packet and returns where the next begins.
func (d *desk[A]) addSheets(p *packet, may []string, req broker.PacketRequest) (next string, err error) {
	made, err := opened[struct {
		Sheets []struct {
			Form     string      `json:"form"`
			Language string      `json:"language"`
			Student  string      `json:"student"`
			Path     string      `json:"path"`
			Terms    pages.Terms `json:"terms"`
		} `json:"sheets"`
		Next string `json:"next"`
	}](d.service.Packet(d.ctx, d.caller, req))
	for _, s := range made.Sheets {
		if pages.Match(s.Language, "") != p.language {
			continue
		}
		sheet := pages.Sheet{Terms: s.Terms, SignIn: may, Student: s.Student, Number: s.Form, Address: d.of.Public + s.Path}
		for _, tag := range may {
			sheet.MaySign = sheet.MaySign || tag == p.language
		}
		if sheet.QR, err = pages.QR(sheet.Address); err != nil {
			return "", err
		}
		p.forms.Sheets = append(p.forms.Sheets, sheet)
	}
	return made.Next, err
}

// signable are the languages in which a family may sign.
func (d *desk[A]) signable() (tags []string, err error) {
	list, err := opened[pages.OfficeTexts](d.service.Texts(d.ctx, d.caller))
	for _, t := range list.Texts {
		if t.Signable {
			tags = append(tags, t.Language)
		}
	}
	return tags, err
}

// frontDesk makes a link for somebody who stands at the desk.
func (d *desk[A]) frontDesk() (deskReply, error) {
	who, err := d.person("the person", true)
	if err != nil {
		return deskReply{}, err
	}
	made, err := opened[struct {
		Path string    `json:"path"`
		Code string    `json:"code_goes_to"`
		Ends time.Time `json:"ends_at"`
	}](d.service.CreateLink(d.ctx, d.caller, broker.LinkRequest{Student: d.about(), Person: who}))
	if err != nil {
		return deskReply{}, err
	}
	page := pages.OfficeLink{Student: pages.OfficeRef{StudentID: d.field("student")}, Address: d.of.Public + made.Path, Code: made.Code, Ends: made.Ends}
	page.QR, err = pages.QR(page.Address)
	d.path = ""
	return deskReply{page: page}, err
}
