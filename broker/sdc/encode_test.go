package sdc_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hallpass-edu/hallpass/broker/sdc"
)

func TestAHistoryReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		_, h, err := sdc.PlanBatch(nil, makeWorld(seed).candidates)
		if err != nil {
			t.Fatal(err)
		}
		b := encoded(t, h)
		back, err := sdc.DecodeHistory([]byte(b))
		if err != nil {
			t.Fatal(err)
		}
		if len(back) != len(h) || encoded(t, back) != b {
			t.Fatalf("world %d came back otherwise", seed)
		}
		for i := range h {
			if !h[i].Set.Equals(back[i].Set) {
				t.Fatalf("world %d: set %d came back otherwise", seed, i)
			}
		}
	}
}

func TestASetIsWrittenOnceHoweverOftenItIsPublished(t *testing.T) {
	t.Parallel()
	members := roaring.New()
	members.AddRange(0, 10_000)
	once := sdc.History{{Indicator: "a", Role: sdc.RoleWhole, Set: members}}
	many := slices.Clone(once)
	for _, indicator := range []string{"b", "c", "d"} {
		many = append(many, sdc.PublishedSet{Indicator: indicator, Role: sdc.RoleWhole, Set: members.Clone()})
	}
	if one, four := len(encoded(t, once)), len(encoded(t, many)); four > one+1000 {
		t.Errorf("one set takes %d bytes, and four times the same %d", one, four)
	}
}

func TestTheLargestOrdinalIsKept(t *testing.T) {
	t.Parallel()
	h := sdc.History{{Role: sdc.RoleWhole, Set: roaring.BitmapOf(0, 1, 1<<32-1)}}
	back, err := sdc.DecodeHistory([]byte(encoded(t, h)))
	if err != nil || !back[0].Set.Equals(h[0].Set) {
		t.Errorf("got %v, %v", back, err)
	}
}

func TestADamagedHistoryIsRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		``, `[]`, `{"published":[{"role":"cohort","set":0}]}`, `{"sets":[""],"published":[{"role":"cohort","set":-1}]}`,
		`{"sets":[""],"published":[{"role":"cohort","floor":-1}]}`, `{"sets":[""],"published":[{"role":"other"}]}`,
		`{"sets":["AA=="]}`, `{"sets":["gA=="]}`, `{"sets":["gYCAgBAB"]}`,
	} {
		if _, err := sdc.DecodeHistory([]byte(bad)); !errors.Is(err, sdc.ErrHistory) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzDecodeHistory(f *testing.F) {
	f.Add([]byte(`{"sets":["AQEB"],"published":[{"agreement":"A","indicator":"i","family":"f","row":{"school":"S"},"role":"cohort","floor":10,"set":0}]}`))
	f.Add([]byte(`{"sets":["gYCAgBAB"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := sdc.DecodeHistory(b)
		if err != nil {
			return
		}
		again, err := sdc.EncodeHistory(h)
		if err != nil {
			t.Fatal(err)
		}
		back, err := sdc.DecodeHistory(again)
		if err != nil || len(back) != len(h) {
			t.Fatalf("what was written is refused: %v", err)
		}
	})
}
