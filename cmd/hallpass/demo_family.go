package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
)

// demoPhone is the made-up number that families call.
const demoPhone = "612-555-0100"

// familyDoor is how a reader of the demo becomes a family.
type familyDoor struct {
	Link     string     `json:"link"`
	Birthday civil.Date `json:"birthday"` // of the child, which the page asks for
	Codes    string     `json:"codes"`    // the directory into which codes are written
}

// door asks the families of the first partner's roster, and takes the link of one that
// has not answered.
func (d *demo) door(ctx context.Context) (familyDoor, error) {
	year := d.district.Year
	round, err := asOfficer[struct {
		ID string `json:"id"`
	}](d.broker.OpenRound(ctx, officer, broker.RoundRequest{Agreement: d.district.Partners[0].Agreement.ID, RecordsFrom: year.Start, RecordsTo: year.End}))
	if err != nil {
		return familyDoor{}, err
	}
	printed, err := asOfficer[struct {
		Sheets []struct {
			Student string `json:"student"`
			Path    string `json:"path"`
		} `json:"sheets"`
	}](d.broker.Packet(ctx, officer, broker.PacketRequest{Round: round.ID}))
	if err != nil {
		return familyDoor{}, err
	}
	for _, sheet := range printed.Sheets {
		for _, s := range d.district.Students {
			if s.GivenName+" "+s.FamilyName == sheet.Student {
				return familyDoor{d.mailing.public + sheet.Path, s.Birth, d.mailing.folder}, nil
			}
		}
	}
	return familyDoor{}, errors.New("every family of the roster has answered")
}

// asOfficer reads the member data of an answer.
func asOfficer[T any](a *broker.Answer, err error) (data T, _ error) {
	if err != nil {
		return data, err
	}
	defer a.Drop()
	var doc struct {
		Data T `json:"data"`
	}
	err = json.Unmarshal(a.Body(), &doc)
	return doc.Data, err
}

func (f familyDoor) print(w io.Writer) {
	fmt.Fprintf(w, "\nA family that was asked and has not answered (open it in a browser):\n%s\nIts code is written into %s; the child's birthday is %s.\n", f.Link, f.Codes, f.Birthday)
}
