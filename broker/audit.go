package broker

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// entryView is what an officer or an auditor reads of an entry.
type entryView struct {
	Index     uint64         `json:"index"`
	Time      time.Time      `json:"time"`
	Event     tlog.Event     `json:"event"`
	Decision  tlog.Decision  `json:"decision"`
	Caller    tlog.Caller    `json:"caller,omitzero"`
	Agreement string         `json:"agreement,omitzero"`
	Version   int            `json:"agreement_version,omitzero"`
	Clause    string         `json:"clause,omitzero"`
	Reasons   []string       `json:"reasons,omitzero"`
	Policy    string         `json:"policy,omitzero"`
	Request   jsontext.Value `json:"request,omitzero"` // what a partner asked, or an officer of a release
	Digest    string         `json:"request_sha256,omitzero"`
	Data      string         `json:"data_sha256,omitzero"`
	Rev       uint64         `json:"rev"`
	Destroyed bool           `json:"destroyed,omitzero"`
}

// maxEntries bounds a page of the log.
const maxEntries = 1000

// Entries pages through the log, oldest first (officer, auditor). Reading it
// is itself recorded.
func (b *Broker) Entries(ctx context.Context, c Caller, req EntriesRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "read the log", RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	if req.Limit == 0 {
		req.Limit = 100
	}
	if req.Limit < 1 || req.Limit > maxEntries {
		return nil, invalidField("limit", "is out of range", fmt.Sprintf("ask for 1 to %d entries", maxEntries))
	}
	if req.From > tlog.MaxSize {
		return nil, invalidField("from", "is out of range", "give the index of an entry")
	}
	a := act{event: tlog.OfficerViewedLog, lane: store.LanePartner, caller: c, request: map[string]any{"from": req.From, "limit": req.Limit}}
	return b.perform(ctx, a, func(tx store.Tx, _ moment) (outcome, error) {
		list, size, err := b.entries(tx, req)
		return outcome{data: map[string]any{"entries": list, "size": size}}, err
	})
}

func (b *Broker) entries(r store.Reader, req EntriesRequest) ([]entryView, uint64, error) {
	size, err := number(r, colLog, key(logSize))
	if err != nil {
		return nil, 0, err
	}
	list := []entryView{}
	for index := req.From; index < min(size, req.From+uint64(req.Limit)); index++ {
		v, err := b.viewEntry(r, index)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, v)
	}
	return list, size, nil
}

func (b *Broker) viewEntry(r store.Reader, index uint64) (entryView, error) {
	e, ok, err := b.readEntry(r, index)
	v := entryView{Index: index, Time: e.Leaf.Time, Event: e.Leaf.Event, Decision: e.Leaf.Decision, Rev: e.Leaf.Rev, Destroyed: !ok}
	if err != nil || !ok {
		return v, err
	}
	h, err := tlog.ParseHeader(e.Header)
	if err != nil {
		return v, err
	}
	v.Caller, v.Agreement, v.Version, v.Clause = h.Caller, h.Agreement, h.AgreementVersion, h.Clause
	v.Reasons, v.Policy, v.Digest, v.Data = h.Reasons, h.Policy, h.Request, h.DataSHA256
	switch e.Leaf.Event {
	case tlog.QueryReleased, tlog.QueryDenied, tlog.QueryUnavailable:
		var body struct {
			Request jsontext.Value `json:"request"`
		}
		err = json.Unmarshal(e.Body, &body)
		v.Request = body.Request
	case tlog.ReportWritten:
		v.Request = e.Body
	}
	return v, err
}

// Checkpoint returns the newest signed checkpoint (every role).
func (b *Broker) Checkpoint(ctx context.Context, _ Caller) (*Answer, error) {
	c, err := b.checkpoints.newestOf(ctx)
	if err != nil {
		return nil, unavailable("the log could not be signed", err)
	}
	data, err := json.Marshal(map[string]any{"checkpoint": string(c.note), "size": c.size})
	if err != nil {
		return nil, internal(err)
	}
	return &Answer{data: data}, nil
}

// Proof returns the receipt of an entry under the newest checkpoint (officer,
// auditor).
func (b *Broker) Proof(ctx context.Context, c Caller, req ProofRequest) (*Answer, error) {
	if err := b.admit(ctx, c, "prove an entry", RoleOfficer, RoleAuditor); err != nil {
		return nil, err
	}
	receipt, err := b.Prove(ctx, req.Index)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(map[string]any{"index": req.Index, "receipt": jsontext.Value(receipt)})
	if err != nil {
		return nil, internal(err)
	}
	return &Answer{data: data}, nil
}

// Prove returns the receipt of an entry under the newest checkpoint, as JSON.
func (b *Broker) Prove(ctx context.Context, index uint64) ([]byte, error) {
	var e tlog.Entry
	err := b.store.View(ctx, func(r store.Reader) error {
		size, err := number(r, colLog, key(logSize))
		if err != nil || index >= size {
			return orNotAvailable(err)
		}
		var ok bool
		if e, ok, err = b.readEntry(r, index); err != nil || !ok {
			return orNotAvailable(err)
		}
		return nil
	})
	if err != nil {
		return nil, storeError(err)
	}
	return b.receipt(ctx, e)
}

// ListEntries returns a page of the log for a local command, with an entry
// that says so.
func (b *Broker) ListEntries(ctx context.Context, c Caller, from uint64, limit int) ([]byte, error) {
	a, err := b.Entries(ctx, c, EntriesRequest{From: from, Limit: limit})
	if err != nil {
		return nil, err
	}
	return a.Body(), nil
}

// VerifyLog recomputes the log from its leaves and compares it with what was
// signed; every entry that can be opened must open its leaf. Then it compares the
// ledger of releases with the log and with the stored releases and sets.
func (b *Broker) VerifyLog(ctx context.Context, progress func(done, size int64)) (size int64, err error) {
	end, err := b.ledgerEnd(ctx)
	if err != nil {
		return 0, err
	}
	c, err := b.checkpoints.newestOf(ctx)
	if err != nil {
		return 0, err
	}
	sink, heads := func(string, []byte) error { return nil }, loggedHeads{}
	if err := tlog.WriteExport(sink, b.verifier, c.note, noting(b.opened(ctx, c.size, progress), heads)); err != nil {
		return c.size, err
	}
	return c.size, b.verifyLedger(ctx, end, heads)
}

// noting passes entries on and takes up the ends of the ledger that they name.
func noting(entries iter.Seq2[tlog.Opened, error], heads loggedHeads) iter.Seq2[tlog.Opened, error] {
	return func(yield func(tlog.Opened, error) bool) {
		for o, err := range entries {
			if err == nil {
				err = heads.note(o)
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// ExportLog writes the log, opened, into a new directory: what
// hallpass-verify log reads.
func (b *Broker) ExportLog(ctx context.Context, c Caller, dir string, progress func(done, size int64)) (size int64, err error) {
	if err := b.admit(ctx, c, "export the log", RoleOfficer, RoleAuditor); err != nil {
		return 0, err
	}
	a := act{event: tlog.LogExported, lane: store.LanePartner, caller: c, request: map[string]string{"export": "log"}}
	if _, err := b.perform(ctx, a, func(store.Tx, moment) (outcome, error) { return outcome{}, nil }); err != nil {
		return 0, err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return 0, fmt.Errorf("%s is not empty; give a directory that does not exist yet", dir)
	}
	signed, err := b.checkpoints.newestOf(ctx)
	if err != nil {
		return 0, err
	}
	put := func(path string, data []byte) error {
		full := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			return err
		}
		return os.WriteFile(full, data, 0o600)
	}
	return signed.size, b.export(ctx, signed, put, progress)
}

// exportPage is how many entries one snapshot reads, so that an export holds
// no read transaction for long.
const exportPage = 512

func (b *Broker) export(ctx context.Context, c signed, put tlog.Put, progress func(done, size int64)) error {
	return tlog.WriteExport(put, b.verifier, c.note, b.opened(ctx, c.size, progress))
}

// opened yields the entries of a checkpoint in order.
func (b *Broker) opened(ctx context.Context, size int64, progress func(done, size int64)) iter.Seq2[tlog.Opened, error] {
	return func(yield func(tlog.Opened, error) bool) {
		for from := int64(0); from < size; from += exportPage {
			page, err := b.openPage(ctx, from, min(from+exportPage, size))
			if err != nil {
				yield(tlog.Opened{}, err)
				return
			}
			for _, o := range page {
				if !yield(o, nil) {
					return
				}
			}
			if progress != nil {
				progress(min(from+exportPage, size), size)
			}
		}
	}
}

func (b *Broker) openPage(ctx context.Context, from, to int64) (page []tlog.Opened, err error) {
	err = b.store.View(ctx, func(r store.Reader) error {
		for index := from; index < to; index++ {
			e, ok, err := b.readEntry(r, uint64(index))
			if err != nil {
				return err
			}
			page = append(page, tlog.Opened{Entry: e, Destroyed: !ok})
		}
		return nil
	})
	return page, err
}
