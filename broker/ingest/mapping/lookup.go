package mapping

import (
	"github.com/hallpass-edu/hallpass/broker/ingest"
)

// lookup reads a table of keys once; nil where a file of it is unusable. A key
// that stands for two texts stands for none.
func (e *export) lookup(l *lookup) map[string]string {
	if m, there := e.lookups[l]; there {
		return m
	}
	e.lookups[l] = nil
	found := map[string]string{}
	for _, name := range e.match(l.source) {
		t := e.open(l.source, name)
		if t == nil {
			return nil
		}
		key, ok := t.find(l.key)
		value, alsoOK := t.find(l.value)
		if !ok || !alsoOK {
			t.rows.close()
			return nil
		}
		t.each(func(cells []string, line int) bool {
			l.enter(found, get(cells, key), get(cells, value), t, line)
			return true
		})
	}
	e.lookups[l] = found
	return found
}

func (l *lookup) enter(found map[string]string, key, value string, t *table, line int) {
	if key == "" {
		return
	}
	if was, twice := found[key]; twice && was != value {
		t.note(ingest.Place{File: t.file, Row: line}, l.key.String(), ingest.DuplicateID, "")
		return
	}
	found[key] = value
}
