package edfi

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/hallpass-edu/hallpass/broker/civil"
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// A step is one file of an export in JSON, at its place in the order in which
// they are read.
type step struct {
	path     string
	resource *resource
	old      bool // it is called by the name that Contact had before
	replay   bool
	deletes  bool
	rundate  string
}

// planOf orders the files: those that are whole first, then those of each
// rundate, upserts before deletes. sound is false where a file's place cannot
// be told.
func planOf(names []string, report *ingest.Report) (plan []step, sound bool) {
	sound = true
	for _, file := range names {
		switch strings.ToLower(path.Ext(file)) {
		case ".json", ".jsonl", ".ndjson":
		default:
			continue
		}
		s, ok := stepOf(file)
		if s.resource == nil {
			report.Note(ingest.Place{File: path.Base(file)}, "", ingest.IgnoredFile, "")
			continue
		}
		if !ok {
			report.Note(ingest.Place{File: path.Base(file)}, "rundate", ingest.BadDate, "")
			sound = false
			continue
		}
		plan = append(plan, s)
	}
	slices.SortStableFunc(plan, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.rundate, b.rundate), flagOrder(a.deletes, b.deletes), cmp.Compare(a.path, b.path))
	})
	return plan, sound
}

func flagOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// stepOf reads what the folders and the name of a file say of it; ok is false
// where its rundate is no day.
func stepOf(file string) (s step, ok bool) {
	s.path, ok = file, true
	parts := strings.Split(file, "/")
	base := strings.TrimSuffix(parts[len(parts)-1], path.Ext(file))
	parts[len(parts)-1] = base
	for _, part := range parts {
		small := strings.ToLower(part)
		if day, found := strings.CutPrefix(small, "rundate="); found {
			_, err := civil.Parse(day)
			s.rundate, ok = day, ok && err == nil
			s.replay = true
		}
		if small == "upserts" || small == "incremental" {
			s.replay = true
		}
		if small == "deletes" || small == "delete" {
			s.replay, s.deletes = true, true
		}
	}
	for _, suffix := range []string{"_deletes", "-deletes", ".deletes"} {
		if cut, found := strings.CutSuffix(strings.ToLower(base), suffix); found {
			s.replay, s.deletes = true, true
			parts[len(parts)-1] = cut
		}
	}
	for _, part := range slices.Backward(parts) {
		if s.resource = resourceIn(part); s.resource != nil {
			s.old = strings.Contains(strings.ToLower(part), "parent")
			break
		}
	}
	return s, ok
}

// resourceIn finds the resource that a name of a file, a folder or a member
// says, in one or many, with or without the prefix of the standard and a
// number of the part; nil where it says none.
func resourceIn(name string) *resource {
	letters := strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, strings.ToLower(name))
	letters = strings.TrimPrefix(letters, "edfi")
	for _, one := range singulars(letters) {
		if r := resourceNamed(one); r != nil {
			return r
		}
		if strings.HasSuffix(one, "descriptor") {
			return resourceOf(descriptors)
		}
	}
	return nil
}

func singulars(name string) []string {
	list := []string{name}
	if one, found := strings.CutSuffix(name, "s"); found {
		list = append(list, one)
	}
	if one, found := strings.CutSuffix(name, "ies"); found {
		list = append(list, one+"y")
	}
	return list
}

// descriptorKind is what a descriptor is of, such as "term": by its namespace,
// else by the name of its file.
func descriptorKind(namespace, file string) string {
	last := strings.ToLower(namespace[strings.LastIndex(namespace, "/")+1:])
	if what, found := strings.CutSuffix(last, "descriptor"); found {
		return what
	}
	if what, _, found := strings.Cut(strings.ToLower(file), "descriptor"); found {
		return what[strings.LastIndexAny(what, "-_. ")+1:]
	}
	return ""
}
