package tlog_test

import (
	"errors"
	"os"
	"testing"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func TestCanonicalJSONFollowsTheCases(t *testing.T) {
	t.Parallel()
	var cases []struct{ Name, In, Out string }
	text, err := os.ReadFile("testdata/canonical.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatal(err)
	}
	for _, c := range cases {
		got, err := tlog.Canonicalize([]byte(c.In))
		if c.Out == "refused" {
			if !errors.Is(err, tlog.ErrCanonical) {
				t.Errorf("%s: %q, %v", c.Name, got, err)
			}
			continue
		}
		if err != nil || string(got) != c.Out {
			t.Errorf("%s: %q, %v, want %q", c.Name, got, err, c.Out)
		}
	}
}

func TestCanonicalValuesDoNotDependOnTheOrderOfAMap(t *testing.T) {
	t.Parallel()
	for range 20 {
		b, err := tlog.Canonical(map[string]any{"b": 1, "a": []string{"é", "<"}, "c": nil})
		if err != nil || string(b) != `{"a":["é","<"],"b":1,"c":null}` {
			t.Fatalf("%s %v", b, err)
		}
	}
	if _, err := tlog.Canonical(uint64(1 << 60)); !errors.Is(err, tlog.ErrCanonical) {
		t.Error("an integer that RFC 8785 would round passes")
	}
	if _, err := tlog.Canonical(func() {}); !errors.Is(err, tlog.ErrCanonical) {
		t.Error("a function has a canonical form")
	}
}

func TestACanonicalValueIsTheCanonicalFormOfItsJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := map[string]any{
			"text":   rapid.SliceOf(rapid.StringMatching(`[0-9a-fé"<]{0,40}`)).Draw(t, "text"),
			"number": int64(1)<<rapid.IntRange(0, 62).Draw(t, "bits") + rapid.Int64Range(-9, 9).Draw(t, "more"),
			"share":  rapid.Float64().Draw(t, "share"),
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		want, wantErr := tlog.Canonicalize(b)
		got, gotErr := tlog.Canonical(v)
		if string(got) != string(want) || (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("%q %v, want %q %v", got, gotErr, want, wantErr)
		}
	})
}

func TestAHeaderIsWrittenInItsCanonicalForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.Just(""), rapid.String())
		h := tlog.Header{
			Origin: text.Draw(t, "origin"), Event: tlog.Event(text.Draw(t, "event")), Decision: tlog.Decision(text.Draw(t, "decision")),
			Caller:  tlog.Caller{Role: text.Draw(t, "role"), Subject: text.Draw(t, "subject"), Partner: text.Draw(t, "partner")},
			Request: text.Draw(t, "request"), Agreement: text.Draw(t, "agreement"), AgreementVersion: rapid.IntRange(0, 1<<54).Draw(t, "version"),
			Clause: text.Draw(t, "clause"), Reasons: rapid.OneOf(rapid.Just([]string(nil)), rapid.SliceOf(text)).Draw(t, "reasons"),
			Policy: text.Draw(t, "policy"), DataSHA256: text.Draw(t, "data"),
		}
		got, gotErr := h.Canonical()
		want, wantErr := tlog.Canonical(h)
		if h.AgreementVersion >= 1<<53 {
			wantErr = tlog.ErrCanonical // also where a double happens to keep it
		}
		if !errors.Is(gotErr, wantErr) && (gotErr == nil) != (wantErr == nil) || gotErr == nil && string(got) != string(want) {
			t.Fatalf("%q %v, want %q %v", got, gotErr, want, wantErr)
		}
	})
	if _, err := (tlog.Header{Origin: "\xff"}).Canonical(); !errors.Is(err, tlog.ErrCanonical) {
		t.Error("a text that is not UTF-8 has a canonical form:", err)
	}
}

func FuzzCanonicalize(f *testing.F) {
	f.Add([]byte(`{"b":1e3,"a":[0.1,-0,"\u00e9"]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		once, err := tlog.Canonicalize(in)
		if err != nil {
			return
		}
		if twice, err := tlog.Canonicalize(once); err != nil || string(twice) != string(once) {
			t.Fatalf("%q becomes %q: %v", once, twice, err)
		}
	})
}
