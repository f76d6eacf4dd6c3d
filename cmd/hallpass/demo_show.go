package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/sample"
	"github.com/hallpass-edu/hallpass/broker/sdc"
)

// comparison is what is read of a comparison's member data.
type comparison struct {
	Period struct {
		Title string `json:"title"`
	} `json:"period"`
	Rows []struct {
		Row     string             `json:"row"`
		Figures []comparisonFigure `json:"figures"`
	} `json:"rows"`
	Definitions []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"definitions"`
	Cautions []string `json:"cautions"`
}

type comparisonFigure struct {
	Indicator string         `json:"indicator"`
	Status    sdc.Status     `json:"status"`
	Cohort    *sdc.ShownSide `json:"cohort"`
	Rest      *sdc.ShownSide `json:"rest"`
	Whole     *sdc.ShownSide `json:"whole"`
	Reading   *struct {
		Word string `json:"word"`
	} `json:"reading"`
	Consented *struct {
		N     int     `json:"n"`
		Value float64 `json:"value"`
		Unit  string  `json:"unit"`
	} `json:"consented"`
}

// students is what is read of the member data of the consented records.
type students struct {
	Rows []struct {
		Ref string `json:"participant_ref"`
	} `json:"rows"`
}

// presentation is what the demo prints.
type presentation struct {
	API        string     `json:"api"`
	District   string     `json:"district"`
	Time       time.Time  `json:"simulated_time"`
	Comparison comparison `json:"comparison"`
	Students   int        `json:"students"`     // rows that the partner may read
	Roster     int        `json:"participants"` // children on its list
	Refusal    refusal    `json:"refusal"`      // what the partner of the expired agreement is told
	Examples   []example  `json:"examples"`
	Family     familyDoor `json:"family"`
}

// refusal is what is read of a problem document.
type refusal struct {
	Status  int `json:"status"`
	Reasons []struct {
		Sentence string `json:"sentence"`
		Remedy   string `json:"remedy"`
	} `json:"reasons"`
}

// present asks the served district as a partner would, over HTTP, and prints
// what it answers and how to ask.
func (d *demo) present(ctx context.Context, api string) error {
	p := presentation{API: api, District: d.district.Name, Time: d.broker.Now(), Roster: len(d.district.Partners[0].Roster)}
	var err error
	if p.Examples, err = d.examples(ctx, api); err != nil {
		return err
	}
	token, of := p.Examples[0].Token, api+"/agreements/"+d.district.Partners[0].Agreement.ID
	if p.Comparison, err = fetch[comparison](ctx, token, of+"/comparisons?school=all&period="+d.district.Year.ID); err != nil {
		return err
	}
	rows, err := fetch[students](ctx, token, of+"/students?period=current")
	if err != nil {
		return err
	}
	p.Students = len(rows.Rows)
	if p.Refusal, err = d.refused(ctx, api); err != nil {
		return err
	}
	if p.Family, err = d.door(ctx); err != nil {
		return err
	}
	return d.show(p, func(w io.Writer) error { return d.print(w, p) })
}

// refused lets the partner of the expired agreement ask.
func (d *demo) refused(ctx context.Context, api string) (refusal, error) {
	last := d.expired()
	token, err := d.broker.IssueToken(ctx, broker.TokenRequest{Role: broker.RolePartner, Subject: demoPartner, Partner: last.ID})
	if err != nil {
		return refusal{}, err
	}
	return get[refusal](ctx, token, api+"/agreements/"+last.Agreement.ID+"/comparisons", http.StatusForbidden)
}

func (d *demo) expired() sample.Partner { return d.district.Partners[len(d.district.Partners)-1] }

// fetch gets the member data of an answer.
func fetch[T any](ctx context.Context, token, url string) (T, error) {
	doc, err := get[struct {
		Data T `json:"data"`
	}](ctx, token, url, http.StatusOK)
	return doc.Data, err
}

// get gets a document that comes with the given status.
func get[T any](ctx context.Context, token, url string, status int) (doc T, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return doc, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return doc, fmt.Errorf("asking the demo: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return doc, fmt.Errorf("asking the demo: %w", err)
	}
	if response.StatusCode != status {
		return doc, fmt.Errorf("the demo answered %s: %s", response.Status, text)
	}
	return doc, json.Unmarshal(text, &doc)
}

// made says what the district holds.
func (d *demo) made(took time.Duration) string {
	answers := 0
	for _, p := range d.district.Partners {
		answers += len(p.Consents)
	}
	return fmt.Sprintf("Made %s in %.1f s: %s students, %d schools, %d partners (one agreement has expired), %d families' answers (one withdrawn).",
		d.district.Name, took.Seconds(), grouped(len(d.district.Students)), len(d.district.Schools), len(d.district.Partners), answers)
}

func (d *demo) print(w io.Writer, p presentation) error {
	partner := d.district.Partners[0]
	fmt.Fprintf(w, "%s, made up, with a simulated clock: it is %s here.\n\n", p.District, p.Time.Format("2 January 2006"))
	fmt.Fprintf(w, "%s beside the rest of its %d schools, %s:\n\n", partner.Name, len(partner.Agreement.Schools), p.Comparison.Period.Title)
	if err := table(w, p.Comparison.table(partner.Name)...); err != nil {
		return err
	}
	for _, caution := range p.Comparison.Cautions {
		fmt.Fprintf(w, "! %s\n", caution)
	}
	fmt.Fprintf(w, "\nFamilies let %s read the records of %d of its %d participants.\n", partner.Name, p.Students, p.Roster)
	for _, reason := range p.Refusal.Reasons {
		fmt.Fprintf(w, "%s asks too and gets %d: %s %s\n", d.expired().Name, p.Refusal.Status, reason.Sentence, reason.Remedy)
	}
	p.Family.print(w)
	fmt.Fprintf(w, "\nA token for each role, and what to ask with it (paste the curl into another terminal):\n")
	for _, e := range p.Examples {
		fmt.Fprintf(w, "\n%s — %s: %s\n%s\n%s\n", e.Role, e.Person, e.Shows, e.Token, e.Curl)
	}
	return nil
}

// table lays the pooled row out, one indicator a line.
func (c comparison) table(partner string) [][]string {
	rows := [][]string{{"", partner, "the rest", "reading"}}
	if len(c.Rows) == 0 {
		return append(rows, []string{"nothing was released"})
	}
	names := map[string]string{}
	for _, def := range c.Definitions {
		names[def.ID] = def.Name
	}
	for _, f := range c.Rows[0].Figures {
		name := cmp.Or(names[f.Indicator], f.Indicator)
		rows = append(rows, slices.Concat([]string{strings.ToUpper(name[:1]) + name[1:]}, f.cells()))
	}
	return rows
}

// cells are the cohort, the rest and the reading of a figure.
func (f comparisonFigure) cells() []string {
	switch {
	case f.Status == sdc.StatusNotReported:
		return []string{"not reported", "not reported", ""}
	case (f.Status == sdc.StatusWithheld || f.Status == sdc.StatusBudgetExhausted) && f.Consented != nil:
		unit := f.Consented.Unit
		if unit == "percent" {
			unit = "%"
		}
		consented := fmt.Sprintf("withheld; consented %.1f %s (n %d)", f.Consented.Value, unit, f.Consented.N)
		if f.Whole != nil {
			return []string{consented, "withheld; all students " + side(f.Whole), ""}
		}
		return []string{consented, "withheld", ""}
	case f.Cohort == nil || f.Rest == nil:
		return []string{"withheld", "withheld", ""}
	}
	reading := ""
	if f.Reading != nil {
		reading = f.Reading.Word
	}
	return []string{side(f.Cohort), side(f.Rest), reading}
}

func side(s *sdc.ShownSide) string { return fmt.Sprintf("%s (n %s)", s.Value.Text, grouped(s.N)) }
