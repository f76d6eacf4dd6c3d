package tlog_test

import (
	"errors"
	"fmt"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

func commitments(n int, salt [32]byte) [][32]byte {
	var list [][32]byte
	for i := range n {
		list = append(list, tlog.SubjectCommitment(fmt.Append(nil, "audit key of ", i), salt, tlog.QueryReleased))
	}
	return list
}

func TestEachSubjectCanBeShownWithoutTheOthers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n, places := rapid.IntRange(0, 20).Draw(rt, "subjects"), rapid.IntRange(0, 40).Draw(rt, "places")
		list := commitments(n, [32]byte{1})
		tree, err := tlog.NewSubjectTree(list, [32]byte{2}, places)
		if err != nil {
			rt.Fatal(err)
		}
		leaf := tlog.Leaf{Subjects: tree.Size(), SubjectRoot: tree.Root()}
		if max(n, places) == 0 {
			if tree.Size() != 0 || tree.Root() != [32]byte{} {
				rt.Fatal("an empty tree has a root")
			}
			return
		}
		if int(tree.Size()) < max(n, places) || bits.OnesCount32(tree.Size()) != 1 || int(tree.Size()) >= 2*max(n, places) {
			rt.Fatalf("%d places for %d subjects, at least %d", tree.Size(), n, places)
		}
		for i, c := range list {
			place, path, err := tree.Path(c)
			if err != nil {
				rt.Fatal(err)
			}
			if err := tlog.CheckSubject(leaf, c, place, path); err != nil {
				rt.Fatal(err)
			}
			if n > 1 && tlog.CheckSubject(leaf, list[(i+1)%n], place, path) == nil {
				rt.Fatal("the path of one subject shows another")
			}
		}
		if _, _, err := tree.Path([32]byte{9}); !errors.Is(err, tlog.ErrSubject) {
			rt.Fatal("a stranger has a path")
		}
	})
}

func TestTheSizeOfASubjectTreeDoesNotTellHowManyMatched(t *testing.T) {
	t.Parallel()
	roots := map[[32]byte]bool{}
	for matched := range 31 {
		tree, err := tlog.NewSubjectTree(commitments(matched, [32]byte{1}), [32]byte{2}, 30)
		if err != nil || tree.Size() != 32 || tree.Root() == [32]byte{} {
			t.Fatalf("%d matched of 30 rows: %d places, %v", matched, tree.Size(), err)
		}
		roots[tree.Root()] = true
	}
	if len(roots) != 31 {
		t.Error("two sets of subjects have one root")
	}
}

func TestCommitmentsOfOneStudentCannotBeLinked(t *testing.T) {
	t.Parallel()
	key, salt := []byte("audit key"), [32]byte{1}
	seen := map[[32]byte]bool{}
	for _, c := range [][32]byte{
		tlog.SubjectCommitment(key, salt, tlog.QueryReleased), tlog.SubjectCommitment(key, [32]byte{2}, tlog.QueryReleased),
		tlog.SubjectCommitment(key, salt, tlog.ConsentGranted), tlog.SubjectCommitment([]byte("another"), salt, tlog.QueryReleased),
	} {
		if seen[c] {
			t.Error("two entries share a commitment")
		}
		seen[c] = true
	}
}

func TestTheOrderOfSubjectsDoesNotShowInTheTree(t *testing.T) {
	t.Parallel()
	list := commitments(9, [32]byte{1})
	want, err := tlog.NewSubjectTree(list, [32]byte{2}, 0)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		got, err := tlog.NewSubjectTree(rapid.Permutation(list).Draw(rt, "order"), [32]byte{2}, 0)
		if err != nil || got.Root() != want.Root() {
			rt.Fatal("the order of the subjects shows in the root")
		}
	})
}

func TestTooManySubjectsAreRefused(t *testing.T) {
	t.Parallel()
	for _, places := range []int{-1, tlog.MaxSubjects + 1} {
		if _, err := tlog.NewSubjectTree(nil, [32]byte{}, places); !errors.Is(err, tlog.ErrSubject) {
			t.Errorf("%d places: %v", places, err)
		}
	}
}

func BenchmarkSubjectTree300(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tlog.NewSubjectTree(commitments(300, [32]byte{1}), [32]byte{2}, 400); err != nil {
			b.Fatal(err)
		}
	}
}
