package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
	_ "time/tzdata" // a district's time zone must not depend on the machine

	"github.com/go-json-experiment/json"

	"github.com/hallpass-edu/hallpass/broker/seal"
	"github.com/hallpass-edu/hallpass/broker/store"
	"github.com/hallpass-edu/hallpass/broker/store/bolt"
	"github.com/hallpass-edu/hallpass/broker/tlog"
	"github.com/hallpass-edu/hallpass/broker/token"
)

// Settings are what a district is created with and keeps.
type Settings struct {
	Name      string    `json:"name"`
	Host      string    `json:"host"`      // the service's own host name, such as data.lakeview.example
	Origin    string    `json:"origin"`    // names the log; ends in /simulated for a simulated district
	TimeZone  string    `json:"time_zone"` // IANA
	Simulated time.Time `json:"simulated,omitzero"`
	CreatedAt time.Time `json:"created_at"`
}

// Issuer is the issuer and the audience of the district's tokens.
func (s Settings) Issuer() string { return "https://" + s.Origin }

// IsSimulated reports whether the district's clock is set by hand.
func (s Settings) IsSimulated() bool { return !s.Simulated.IsZero() }

// Files of a district's directory.
const (
	fileStore       = "store.db"
	fileKeys        = "keys.db"
	dirKeys         = "keys"
	fileDistrictKey = "district.key"
	fileLogKey      = "log.key"
	fileLogPublic   = "log.pub"
	fileTokenKey    = "token.key"
	// AdminSocket is where a serving process takes the other commands.
	AdminSocket = "admin.sock"
)

// LogKeyPath is where a district's public log key lies, for hallpass-verify.
func LogKeyPath(dir string) string { return filepath.Join(dir, dirKeys, fileLogPublic) }

// ErrNoDistrict says that a directory holds no district.
var ErrNoDistrict = errors.New("there is no district here; make one with hallpass init")

// Init makes a district's directory: store, key file and keys. It is built
// beside dir and renamed, so that dir is either absent or whole. It refuses
// a dir that exists and is not empty.
func Init(ctx context.Context, dir string, s Settings) (err error) {
	if err := s.check(); err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty; give a directory that does not exist yet", dir)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return err
	}
	building, err := os.MkdirTemp(filepath.Dir(dir), ".hallpass-init-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(building)
	if err := furnish(ctx, building, s); err != nil {
		return err
	}
	if err := begin(ctx, building, s); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(building, dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func (s *Settings) check() (err error) {
	if s.Name == "" || s.CreatedAt.IsZero() {
		return errors.New("a district needs a name and the time at which it is made")
	}
	if s.TimeZone == "" || s.TimeZone == "Local" {
		return errors.New("a district needs its IANA time zone, such as America/Chicago")
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil {
		return errors.New("the time zone is not in the IANA list; give one such as America/Chicago")
	}
	if s.IsSimulated() && s.CreatedAt.After(s.Simulated) {
		s.CreatedAt = s.Simulated // its time never goes back behind its first entry
	}
	s.Origin, err = tlog.Origin(s.Host, s.IsSimulated())
	return err
}

func furnish(ctx context.Context, dir string, s Settings) error {
	if err := os.Mkdir(filepath.Join(dir, dirKeys), 0o700); err != nil {
		return err
	}
	if err := makeKeys(dir, s); err != nil {
		return err
	}
	path := filepath.Join(dir, fileStore)
	if err := bolt.Create(path); err != nil {
		return err
	}
	engine, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return err
	}
	st, err := store.Open(engine, store.Options{Journals: journals()})
	if err != nil {
		return err
	}
	defer st.Close()
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = st.Update(ctx, store.LaneOfficer, func(tx store.Tx) error {
		return tx.Put(colHead, key(headSettings), raw)
	})
	return err
}

// begin writes the first entry of the district's log.
func begin(ctx context.Context, dir string, s Settings) error {
	b, err := Open(ctx, dir, Options{Clock: func() time.Time { return s.CreatedAt }, bare: true})
	if err != nil {
		return err
	}
	a := act{event: tlog.DistrictCreated, lane: store.LaneOfficer, caller: Caller{Subject: "hallpass"}, request: s}
	_, err = b.perform(ctx, a, func(store.Tx, moment) (outcome, error) { return outcome{}, nil })
	return errors.Join(err, b.Close())
}

func makeKeys(dir string, s Settings) error {
	district := make([]byte, seal.KeyLength)
	rand.Read(district)
	keys := filepath.Join(dir, dirKeys)
	if err := seal.WriteKeyFile(filepath.Join(keys, fileDistrictKey), district); err != nil {
		return err
	}
	vault, err := seal.CreateVault(filepath.Join(dir, fileKeys), district)
	if err != nil {
		return err
	}
	defer vault.Close()
	if err := vault.NewKeys(districtKey); err != nil {
		return err
	}
	secret, public, err := tlog.GenerateKey(s.Origin)
	if err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(keys, fileLogKey), []byte(secret+"\n")); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(keys, fileLogPublic), []byte(public+"\n")); err != nil {
		return err
	}
	tokens, err := token.GenerateKey()
	if err != nil {
		return err
	}
	text, err := token.MarshalKey(tokens)
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(keys, fileTokenKey), text)
}
