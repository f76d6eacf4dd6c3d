package tlog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func marshalReceipt(t testing.TB, r tlog.Receipt) []byte {
	t.Helper()
	b, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// verify parses and verifies as an outsider does.
func verify(l *testLog, receipt, data []byte) (tlog.Proven, error) {
	r, err := tlog.ParseReceipt(receipt)
	if err != nil {
		return tlog.Proven{}, err
	}
	return r.Verify(l.verifier, data)
}

func TestAReceiptVerifiesWithThePublicKeyAlone(t *testing.T) {
	t.Parallel()
	l := newLog(t, 23)
	for size := int64(1); size <= 23; size++ {
		for index := range size {
			p, err := verify(l, marshalReceipt(t, l.receipt(t, index, size)), []byte(answerData))
			if err != nil || p.Leaf.Index != uint64(index) || p.Checkpoint.Size != size || !p.DataChecked || p.Header.Clause != "3.2 dosage" {
				t.Fatalf("entry %d of %d: %v %+v", index, size, err, p)
			}
		}
	}
}

func TestAReceiptSurvivesReformatting(t *testing.T) {
	t.Parallel()
	l := newLog(t, 9)
	var v map[string]any
	if err := json.Unmarshal(marshalReceipt(t, l.receipt(t, 3, 9)), &v); err != nil {
		t.Fatal(err)
	}
	pretty, err := json.MarshalIndent(v, " ", "\t") // sorts members and escapes < and >
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(l, pretty, nil); err != nil {
		t.Error(err)
	}
}

func TestAReceiptIsWrittenAsAnyJSONWriterWould(t *testing.T) {
	t.Parallel()
	l := newLog(t, 9)
	written := marshalReceipt(t, l.receipt(t, 3, 9))
	var v map[string]json.RawMessage
	if err := json.Unmarshal(written, &v); err != nil || len(v) != 8 {
		t.Fatal(len(v), err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, written); err != nil || compact.String() != string(written) {
		t.Error("it is not the shortest form:", err)
	}
	for name, value := range v {
		again, err := json.Marshal(value)
		if err != nil || name != "header" && string(again) != string(value) {
			t.Errorf("%s is written %s, elsewhere %s", name, value, again)
		}
	}
}

// What a receipt says cannot be changed; the only changes that still verify are
// those of JSON's white space and escapes, which say the same.
func TestEveryByteOfAReceiptCounts(t *testing.T) {
	t.Parallel()
	l := newLog(t, 9)
	good := marshalReceipt(t, l.receipt(t, 3, 9))
	want, err := verify(l, good, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		for _, to := range []byte{good[i] ^ 1, good[i] ^ 4, good[i] ^ 32, good[i] ^ 128, ' ', '0'} {
			if to == good[i] {
				continue
			}
			changed := bytes.Clone(good)
			changed[i] = to
			got, err := verify(l, changed, nil)
			if _, ok := errors.AsType[*tlog.Fault](err); err != nil && !ok {
				t.Fatalf("byte %d: %v names no place", i, err)
			}
			if err == nil && (got.Header.Caller != want.Header.Caller || got.Leaf != want.Leaf || got.Checkpoint != want.Checkpoint) {
				t.Fatalf("byte %d changed from %q to %q and the receipt says something else", i, good[i], to)
			}
			if err == nil {
				t.Errorf("byte %d changed from %q to %q and the receipt verifies", i, good[i], to)
			}
		}
	}
}

func TestAFaultyReceiptNamesTheMember(t *testing.T) {
	t.Parallel()
	l := newLog(t, 9)
	other, _ := keyPair(t, "other.example/hallpass", 1)
	foreign, err := other.Sign(tlog.Checkpoint{Origin: other.Origin(), Size: 9, Root: l.root(t, 9)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil  func(*tlog.Receipt)
		member string
	}{
		"another origin":                  {func(r *tlog.Receipt) { r.Origin = "other.example/hallpass" }, "origin"},
		"another place":                   {func(r *tlog.Receipt) { r.Index++ }, "index"},
		"a negative place":                {func(r *tlog.Receipt) { r.Index = -1 }, "index"},
		"the leaf of another entry":       {func(r *tlog.Receipt) { r.Leaf, r.Index = l.leaves[4], 4 }, "proof"},
		"a leaf that is none":             {func(r *tlog.Receipt) { r.Leaf = make([]byte, tlog.LeafSize) }, "leaf"},
		"another caller":                  {func(r *tlog.Receipt) { r.Header = bytes.Replace(r.Header, []byte("Dana"), []byte("Dora"), 1) }, "header"},
		"a header that is no JSON":        {func(r *tlog.Receipt) { r.Header = []byte("{") }, "header"},
		"another salt":                    {func(r *tlog.Receipt) { r.Salt[0]++ }, "header"},
		"another body":                    {func(r *tlog.Receipt) { r.BodyHash[0]++ }, "header"},
		"a shorter proof":                 {func(r *tlog.Receipt) { r.Proof = r.Proof[1:] }, "proof"},
		"a longer proof":                  {func(r *tlog.Receipt) { r.Proof = append(r.Proof, tlog.Hash{}) }, "proof"},
		"the checkpoint of a smaller log": {func(r *tlog.Receipt) { r.Checkpoint = l.checkpoint(t, 8) }, "proof"},
		"a checkpoint before the entry":   {func(r *tlog.Receipt) { r.Checkpoint = l.checkpoint(t, 2) }, "proof"},
		"the checkpoint of another log":   {func(r *tlog.Receipt) { r.Checkpoint = foreign }, "checkpoint"},
		"no checkpoint":                   {func(r *tlog.Receipt) { r.Checkpoint = nil }, "checkpoint"},
	} {
		r := l.receipt(t, 3, 9)
		c.spoil(&r)
		_, err := r.Verify(l.verifier, nil)
		fault, ok := errors.AsType[*tlog.Fault](err)
		if !ok || fault.Member != c.member {
			t.Errorf("%s: %v, want member %s", name, err, c.member)
		}
	}
}

// A district that signs nonsense is caught too: header and leaf must agree.
func TestHeaderAndLeafMustAgreeEvenWhenTheLogSignedThem(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*tlog.Header){
		"origin":             func(h *tlog.Header) { h.Origin = "other.example/hallpass" },
		"event":              func(h *tlog.Header) { h.Event = tlog.QueryDenied },
		"decision":           func(h *tlog.Header) { h.Decision = tlog.Deny },
		"policy":             func(h *tlog.Header) { h.Policy = strings.Repeat("0", 64) },
		"policy left out":    func(h *tlog.Header) { h.Policy = "" },
		"policy in capitals": func(h *tlog.Header) { h.Policy = strings.ToUpper(h.Policy) },
	} {
		l := newLog(t, 1)
		header, err := tlog.ParseHeader(l.entries[0].Header)
		if err != nil {
			t.Fatal(err)
		}
		leaf := l.entries[0].Leaf
		spoil(&header)
		leaf.Index = 1
		l.append(t, seal(t, header, map[string]any{}, leaf))
		if _, err := l.receipt(t, 1, 2).Verify(l.verifier, nil); !errors.Is(err, tlog.ErrEntry) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheAnswerMustBeTheBytesThatWereSent(t *testing.T) {
	t.Parallel()
	l := newLog(t, 9)
	r := l.receipt(t, 3, 9)
	for _, data := range []string{"", `{"rows":[1,2]}`, answerData + "\n", strings.Replace(answerData, "2", "3", 1)} {
		_, err := r.Verify(l.verifier, []byte(data))
		if fault, ok := errors.AsType[*tlog.Fault](err); !ok || fault.File != "answer" {
			t.Errorf("%q: %v", data, err)
		}
	}
	leaf := tlog.Leaf{Time: l.entries[0].Leaf.Time, Event: tlog.QueryDenied, Decision: tlog.Deny}
	none := newLog(t, 0)
	none.append(t, seal(t, tlog.Header{Origin: origin, Event: tlog.QueryDenied, Decision: tlog.Deny}, map[string]any{}, leaf))
	if _, err := none.receipt(t, 0, 1).Verify(none.verifier, []byte("{}")); err == nil {
		t.Error("bytes verify against an entry that records none")
	}
}

func TestReceiptsInAnotherFormAreRefused(t *testing.T) {
	t.Parallel()
	l := newLog(t, 1)
	good := string(marshalReceipt(t, l.receipt(t, 0, 1)))
	for name, text := range map[string]string{
		"nothing":                         "",
		"null":                            "null",
		"a list":                          "[]",
		"an empty object":                 "{}",
		"an unknown member":               strings.Replace(good, `{`, `{"note":"x",`, 1),
		"a member twice":                  strings.Replace(good, `{`, `{"index":0,`, 1),
		"a member in capitals":            strings.Replace(good, `"index"`, `"Index"`, 1),
		"more after it":                   good + "{}",
		"no proof":                        strings.Replace(good, `"proof":[]`, `"proof":null`, 1),
		"no index":                        strings.Replace(good, `"index":0`, `"index":null`, 1),
		"an index as a text":              strings.Replace(good, `"index":0`, `"index":"0"`, 1),
		"an unknown member of the header": strings.Replace(good, `"header":{`, `"header":{"admin":true,`, 1),
		"over four megabytes":             good + strings.Repeat(" ", 4<<20),
	} {
		_, err := verify(l, []byte(text), nil)
		if _, ok := errors.AsType[*tlog.Fault](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := verify(l, []byte(good), nil); err != nil {
		t.Error(err)
	}
}

func TestALaterCheckpointMustContinueTheReceipts(t *testing.T) {
	t.Parallel()
	l, fork := newLog(t, 20), newLog(t, 12)
	for i := 12; i < 20; i++ {
		e := testEntry(t, i)
		e.Leaf.Rev++
		fork.append(t, e)
	}
	earlier, err := l.verifier.Open(l.checkpoint(t, 15))
	if err != nil {
		t.Fatal(err)
	}
	prove := func(l *testLog, size int64) tlog.Continuation {
		proof, err := tlog.ProveConsistency(size, 15, l)
		if err != nil {
			t.Fatal(err)
		}
		return tlog.Continuation{Checkpoint: l.checkpoint(t, size), Consistency: proof}
	}
	for name, c := range map[string]struct {
		newer tlog.Continuation
		want  bool
	}{
		"a later tree":               {prove(l, 20), true},
		"the same tree":              {tlog.Continuation{Checkpoint: l.checkpoint(t, 15)}, true},
		"a later tree without proof": {tlog.Continuation{Checkpoint: l.checkpoint(t, 20)}, false},
		"a smaller tree":             {tlog.Continuation{Checkpoint: l.checkpoint(t, 14)}, false},
		"another tree of one size":   {tlog.Continuation{Checkpoint: fork.checkpoint(t, 15)}, false},
		"a later tree of a fork":     {prove(fork, 20), false},
		"the proof of another tree":  {tlog.Continuation{Checkpoint: l.checkpoint(t, 20), Consistency: prove(l, 19).Consistency}, false},
		"a proof where none belongs": {tlog.Continuation{Checkpoint: l.checkpoint(t, 15), Consistency: []tlog.Hash{{}}}, false},
		"an unsigned later tree":     {tlog.Continuation{Checkpoint: []byte("x")}, false},
	} {
		text, err := c.newer.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := tlog.ParseContinuation(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Verify(l.verifier, earlier); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	bare, err := tlog.ParseContinuation(l.checkpoint(t, 15))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare.Verify(l.verifier, earlier); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"{", `{"x":1}`, `{"checkpoint":"","consistency":["AA"]}`, "{" + strings.Repeat(" ", 5<<20)} {
		if _, err := tlog.ParseContinuation([]byte(text)); err == nil {
			t.Errorf("%.20q passes", text)
		}
	}
}

func TestAnAnswerIsSplitByteForByte(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, data, receipt string
		ok                  bool
	}{
		"as it came":           {`{"data":{ "a" : [1.0, "\u003c"] },"receipt":{"x":1}}`, `{ "a" : [1.0, "\u003c"] }`, `{"x":1}`, true},
		"white space around":   {" {\n\"receipt\" : 1 , \"data\" : \"d\" }\n", `"d"`, "1", true},
		"other members":        {`{"meta":[],"data":null,"receipt":{},"z":0}`, "null", "{}", true},
		"an escaped name":      {`{"d\u0061ta":1,"receipt":2}`, "1", "2", true},
		"no receipt":           {`{"data":1}`, "", "", false},
		"no data":              {`{"receipt":1}`, "", "", false},
		"data twice":           {`{"data":1,"data":2,"receipt":3}`, "", "", false},
		"data deeper down":     {`{"x":{"data":1,"receipt":2}}`, "", "", false},
		"more after it":        {`{"data":1,"receipt":2} 3`, "", "", false},
		"cut":                  {`{"data":1,"receipt":2`, "", "", false},
		"a list":               {`[1]`, "", "", false},
		"comma separated rows": {"a,b\n1,2\n", "", "", false},
		"nothing":              {"", "", "", false},
	} {
		data, receipt, ok := tlog.SplitAnswer([]byte(c.text))
		if ok != c.ok || ok && (string(data) != c.data || string(receipt) != c.receipt) {
			t.Errorf("%s: %q %q %v", name, data, receipt, ok)
		}
	}
}

func BenchmarkReceipt(b *testing.B) {
	l := newLog(b, 5000)
	checkpoint := l.checkpoint(b, 5000)
	b.ReportAllocs()
	for b.Loop() {
		proof, err := tlog.ProveInclusion(5000, 1234, l)
		if err != nil {
			b.Fatal(err)
		}
		r, err := tlog.NewReceipt(origin, l.entries[1234], proof, checkpoint)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.MarshalJSON(); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParseReceipt(f *testing.F) {
	l := newLog(f, 9)
	f.Add(marshalReceipt(f, l.receipt(f, 3, 9)))
	f.Add([]byte(`{"data":1,"receipt":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		tlog.SplitAnswer(b)
		p, err := verify(l, b, nil)
		if err == nil && p.Leaf != l.entries[p.Leaf.Index].Leaf {
			t.Fatal("a receipt shows what the log does not hold")
		}
	})
}
