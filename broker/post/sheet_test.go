package post_test

import (
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/post"
)

func TestNoCellOfASheetIsAFormula(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	s, err := post.NewSheet(&text)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Write([]broker.Parcel{
		{ID: "msg_1", Kind: "code", Email: "=cmd@x.example", Phone: "+1 (608) 555-0142", Language: "en", Subject: "-1", Text: "a, \"b\"\nc"},
		{ID: "msg_2", Kind: "code", Email: "＝x", Phone: "+1+cmd|' /C calc'!A0", Language: "@x", Subject: "\t=1", Text: "\r=1"},
		{ID: "msg_3", Kind: "code", Email: "a@x.example", Phone: "608.555.0142"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
	want := [][]string{
		{"id", "kind", "email", "phone", "language", "subject", "text"},
		{"msg_1", "code", "'=cmd@x.example", "+16085550142", "en", "'-1", "a, \"b\"\nc"},
		{"msg_2", "code", "'＝x", "'+1+cmd|' /C calc'!A0", "'@x", "'\t=1", "'\r=1"},
		{"msg_3", "code", "a@x.example", "6085550142", "", "", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
}

// full is a disk with no room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestASheetThatCannotBeWrittenSaysSo(t *testing.T) {
	t.Parallel()
	if _, err := post.NewSheet(full{}); err == nil {
		t.Error("nothing was written, and nobody was told")
	}
}
