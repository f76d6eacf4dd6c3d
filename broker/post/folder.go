package post

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hallpass-edu/hallpass/broker"
)

// Folder writes each message into a file of its own (mode 0600), named for its id, so
// that a second attempt replaces the first. It is for demonstrations and tests.
type Folder struct{ Dir string }

// Carry writes the file, whole or not at all.
func (f Folder) Carry(_ context.Context, p broker.Parcel) error {
	to := p.Email
	if to == "" {
		to = p.Phone
	}
	head := strings.NewReplacer("\r", " ", "\n", " ")
	text := fmt.Sprintf("To: %s\nSubject: %s\nLanguage: %s\nKind: %s\n\n%s\n",
		head.Replace(to), head.Replace(p.Subject), head.Replace(p.Language), p.Kind, p.Text)
	return replaceFile(filepath.Join(f.Dir, p.ID+".txt"), text)
}

func replaceFile(path, text string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // of mode 0600
	if err != nil {
		return fmt.Errorf("writing a message: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("writing a message: %w", err), os.Remove(f.Name()))
		}
	}()
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
