package broker_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// answers are the whole bytes of a Students and of a Comparison answer.
func answers(t *testing.T) (*made, map[string][]byte) {
	t.Helper()
	d, _, _ := agreed(t)
	d.closePeriod(madeAutumn)
	bodies := map[string][]byte{"students": bytes.Clone(d.must(d.ask(t.Context(), "a1")).Body())}
	a := d.must(d.Comparison(t.Context(), partnerOf("river"), broker.ComparisonRequest{Agreement: "a1"}))
	bodies["comparison"] = bytes.Clone(a.Body())
	a.Drop()
	return d, bodies
}

// keep writes a file of the reader's own.
func keep(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "answer.json")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// publicKey copies the public key to where nothing else of the district is.
func (d *made) publicKey() string {
	d.t.Helper()
	key, err := os.ReadFile(broker.LogKeyPath(d.dir))
	if err != nil {
		d.t.Fatal(err)
	}
	path := filepath.Join(d.t.TempDir(), "log.pub")
	if err := os.WriteFile(path, key, 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

func TestAnAnswersReceiptVerifiesWithThePublicKeyAlone(t *testing.T) {
	t.Parallel()
	verify := buildVerifier(t)
	d, bodies := answers(t)
	key := d.publicKey()
	foreign := newMade(t, inSpring)
	foreign.newPartner("lake")
	for name, body := range bodies {
		if code, said := verify.run(t, "receipt", keep(t, body), "--key", key); code != 0 {
			t.Errorf("%s: exit %d: %s", name, code, said)
		}
		if code, _ := verify.run(t, "receipt", keep(t, body), "--key", foreign.publicKey()); code != exitProof {
			t.Errorf("%s verifies under another district's key: exit %d", name, code)
		}
	}
}

// Whatever byte of an answer is changed, its receipt fails with it. A byte of
// white space or of the receipt's own form may be changed only so that the
// receipt cannot be read any more.
func TestAChangedByteOfAnAnswerFailsItsReceipt(t *testing.T) {
	t.Parallel()
	verify := buildVerifier(t)
	d, bodies := answers(t)
	key, verifier := d.publicKey(), d.verifier()
	rng := rand.New(rand.NewPCG(3, 4))
	for name, body := range bodies {
		data, _, whole := tlog.SplitAnswer(body)
		if !whole {
			t.Fatalf("%s is no answer", name)
		}
		for range 400 {
			changed := bytes.Clone(body)
			at := len(`{"data":`) + rng.IntN(len(data))
			changed[at] ^= byte(1 + rng.IntN(255))
			if verifies(verifier, changed) {
				t.Errorf("%s: byte %d of the data changed and the receipt verifies", name, at)
			}
		}
		for range 5 {
			changed := bytes.Clone(body)
			changed[len(`{"data":`)+len(data)/2+rng.IntN(len(data)/4)] ^= 1
			if code, said := verify.run(t, "receipt", keep(t, changed), "--key", key); code != exitProof {
				t.Errorf("%s: exit %d for a changed answer: %s", name, code, said)
			}
		}
	}
}

// verifies reads an answer as hallpass-verify does.
func verifies(v *tlog.Verifier, body []byte) bool {
	data, receipt, whole := tlog.SplitAnswer(body)
	if !whole {
		return false
	}
	r, err := tlog.ParseReceipt(receipt)
	if err != nil {
		return false
	}
	_, err = r.Verify(v, data)
	return err == nil
}

func TestAChangedByteOfAReceiptIsSeen(t *testing.T) {
	t.Parallel()
	d, bodies := answers(t)
	verifier := d.verifier()
	for name, body := range bodies {
		_, receipt, _ := tlog.SplitAnswer(body)
		from := bytes.Index(body, receipt)
		for at := range receipt {
			changed := bytes.Clone(body)
			changed[from+at] ^= 1
			if verifies(verifier, changed) {
				t.Errorf("%s: byte %d of the receipt changed (%q) and it verifies", name, at, receipt[max(0, at-20):at+1])
			}
		}
	}
}

func TestTheReceiptOfADenialVerifies(t *testing.T) {
	t.Parallel()
	verify := buildVerifier(t)
	d, _, _ := agreed(t)
	key := d.publicKey()
	d.done(d.AdvanceAgreement(t.Context(), officer, "a1", broker.TransitionRequest{Event: "terminate", Reason: "The partner asked for it."}))
	_, comparing := d.Comparison(t.Context(), partnerOf("river"), broker.ComparisonRequest{Agreement: "a1"})
	_, asking := d.ask(t.Context(), "a1")
	for name, err := range map[string]error{"comparison": comparing, "students": asking} {
		var e *broker.Error
		if !errors.As(err, &e) || e.Kind != broker.Denied || e.Receipt == nil {
			t.Errorf("%s: %v, not a denial with a receipt", name, err)
			continue
		}
		code, said := verify.run(t, "receipt", keep(t, e.Receipt), "--key", key)
		if code != 0 || !strings.Contains(said, "agreement_terminated") {
			t.Errorf("%s: exit %d: %s", name, code, said)
		}
	}
}

func TestTheAuditListShowsWhatWasAskedAndDecided(t *testing.T) {
	t.Parallel()
	d, bodies := answers(t)
	type entry struct {
		Event, Decision, Clause, Policy string
		Agreement                       string
		Request                         map[string]any
		Digest                          string `json:"request_sha256"`
		Data                            string `json:"data_sha256"`
		Caller                          struct{ Role, Subject, Partner string }
	}
	list := data[struct{ Entries []entry }](t, d.must(d.Entries(t.Context(), auditor, broker.EntriesRequest{Limit: 1000})))
	seen := map[string]entry{}
	for _, e := range list.Entries {
		if e.Event == string(tlog.QueryReleased) {
			action, _ := e.Request["action"].(string)
			seen[action] = e
		}
	}
	for action, clause := range map[string]string{"students": "4.", "comparison": "3."} {
		e := seen[action]
		if e.Decision != "allow" || !strings.HasPrefix(e.Clause, clause) || len(e.Policy) != 64 || len(e.Digest) != 64 {
			t.Errorf("%s: %+v", action, e)
		}
		if e.Request["agreement"] != "a1" || e.Agreement != "a1" || e.Caller.Partner != "river" || e.Caller.Subject != partnerOf("river").Subject {
			t.Errorf("%s: %+v", action, e)
		}
		sent, _, _ := tlog.SplitAnswer(bodies[action])
		if sum := sha256.Sum256(sent); e.Data != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: the entry names other data than was sent", action)
		}
	}
}
