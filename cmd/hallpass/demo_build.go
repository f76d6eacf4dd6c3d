package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
	"github.com/hallpass-edu/hallpass/broker/sample"
)

// heldClock is a clock that starts anew where it is set, and runs.
type heldClock struct{ from atomic.Pointer[heldSince] }

type heldSince struct{ district, machine time.Time }

func (c *heldClock) set(t time.Time) { c.from.Store(&heldSince{t, time.Now()}) }

// Now is the district's time.
func (c *heldClock) Now() time.Time {
	from := c.from.Load()
	return from.district.Add(time.Since(from.machine))
}

// The people of the made-up district and its partners.
const (
	demoHost    = "demo.hallpass.example"
	demoOfficer = "Olga Okafor"
	demoSteward = "Stan Berg"
	demoAuditor = "Ada Lowe"
	demoPartner = "Pat Quinn"
	demoSchools = "Cora Lind"
)

var (
	officer = broker.Caller{Subject: demoOfficer, Role: broker.RoleOfficer}
	steward = broker.Caller{Subject: demoSteward, Role: broker.RoleSteward}
)

func partnerCaller(id string) broker.Caller {
	return broker.Caller{Subject: demoPartner, Role: broker.RolePartner, Partner: id}
}

// furnish plays a school year through the broker: agreements and consents in
// autumn, a withdrawal in mid-year, the partners' session logs before the one
// agreement ends, the year's records and the close after the year's end.
func (d *demo) furnish(ctx context.Context, scratch string) error {
	zone, err := time.LoadLocation(d.district.Timezone)
	if err != nil {
		return err
	}
	noon := func(day civil.Date) time.Time {
		y, m, date := day.Time().Date()
		return time.Date(y, m, date, 12, 0, 0, 0, zone)
	}
	year := d.district.Year
	d.clock = &heldClock{}
	d.clock.set(noon(year.Start))
	if err := d.establish(ctx, noon(d.district.AsOf)); err != nil {
		return err
	}
	for _, step := range []struct {
		day civil.Date
		do  func(context.Context, string) error
	}{
		{year.Start + 40, d.loadRosters},
		{year.Start + 40, d.agree},
		{year.Start + 40, d.askFamilies},
		{d.district.Sessions[1].End, d.withdraw},
		{year.End - 1, d.uploadSessions},
		{d.district.AsOf, d.loadRecords},
		{d.district.AsOf, d.closeYear},
	} {
		d.clock.set(noon(step.day))
		if err := step.do(ctx, scratch); err != nil {
			return fmt.Errorf("making the district: %w", err)
		}
	}
	return nil
}

// establish makes the directory and opens it. Whoever serves it later starts
// at the time of the show.
func (d *demo) establish(ctx context.Context, show time.Time) error {
	s := broker.Settings{
		Name: d.district.Name, Host: demoHost, TimeZone: d.district.Timezone,
		Simulated: show.UTC(), CreatedAt: d.clock.Now().UTC(),
	}
	if err := makeDistrict(ctx, d.dir, s); err != nil {
		return err
	}
	var err error
	d.broker, err = openStore(ctx, d.dir, broker.Options{Clock: d.clock.Now, Store: engine(0)})
	return err
}

// loadRosters imports who is at which school, loadRecords everything.
func (d *demo) loadRosters(ctx context.Context, scratch string) error {
	return d.load(ctx, filepath.Join(scratch, "autumn"), "schools.csv", "sessions.csv", "students.csv", "enrollments.csv", "calendar.csv", "guardians.csv")
}

func (d *demo) loadRecords(ctx context.Context, scratch string) error {
	return d.load(ctx, filepath.Join(scratch, "summer"))
}

// load writes the named files of the district, or all of them, and imports
// them.
func (d *demo) load(ctx context.Context, dir string, names ...string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for _, file := range d.district.Files() {
		if strings.Contains(file.Name, "/") || names != nil && !slices.Contains(names, file.Name) {
			continue
		}
		if err := writeNew(filepath.Join(dir, file.Name), file); err != nil {
			return err
		}
	}
	req := broker.ImportRequest{Path: dir, Options: ingest.Options{Snapshot: ingest.SnapshotAll, ExportDate: d.district.AsOf}}
	result, err := d.broker.Import(ctx, steward, req)
	if err == nil && result.Rejected {
		err = fmt.Errorf("the export has %d errors", result.Report.Errors())
	}
	return err
}

func writeNew(path string, file sample.File) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := file.Write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
