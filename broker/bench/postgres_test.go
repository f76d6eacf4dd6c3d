package bench_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

const postgresRemedy = "install it: apt-get install postgresql; its programs are looked for in PATH, in /usr/lib/postgresql and in HALLPASS_BENCH_POSTGRES"

// postgres is a server of its own, reached by a socket in its folder, with
// everything that makes it durable left on.
type postgres struct {
	conn *pgx.Conn
	pid  int // of the process that works for the connection
}

// startPostgres makes a cluster and starts it; both end with the test. It
// returns nil and what to do where PostgreSQL is missing.
func startPostgres(t testing.TB) (pg *postgres, remedy string) {
	t.Helper()
	programs := postgresPrograms()
	if programs == "" {
		return nil, postgresRemedy
	}
	owner, ok := unprivileged()
	if !ok {
		return nil, "PostgreSQL does not run as root: run the bench as another user, or install setpriv"
	}
	dir, err := os.MkdirTemp("", "hallpass-bench-pg-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := owner.give(dir); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	initdb := owner.command(t.Context(), filepath.Join(programs, "initdb"), "--pgdata", data, "--username", "bench", "--auth", "trust", "--encoding", "UTF8", "--no-locale")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	// Large enough that no checkpoint of the log's size falls into a round.
	runWithTest(t, owner.command(t.Context(), filepath.Join(programs, "postgres"), "-D", data, "-k", dir,
		"-c", "listen_addresses=", "-c", "shared_buffers=512MB", "-c", "max_wal_size=8GB"))
	pg = &postgres{}
	await(t, func() (err error) {
		pg.conn, err = pgx.Connect(t.Context(), "user=bench dbname=postgres host="+dir)
		return err
	})
	t.Cleanup(func() { pg.conn.Close(context.Background()) })
	pg.pid = int(pg.conn.PgConn().PID())
	pg.do(t, "CREATE TABLE attendance (student_id text NOT NULL, school_id text NOT NULL, date date NOT NULL, code text NOT NULL)")
	return pg, ""
}

func postgresPrograms() string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(dirs)
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, dir := range append([]string{os.Getenv("HALLPASS_BENCH_POSTGRES")}, dirs...) {
		if dir == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir
		}
	}
	return ""
}

// account is the user as whom a server runs: this one or, for root, another.
type account struct{ name string }

// unprivileged finds the account for a server that refuses to be root's.
func unprivileged() (account, bool) {
	if os.Getuid() != 0 {
		return account{}, true
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		return account{}, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		if _, err := user.Lookup(name); err == nil {
			return account{name}, true
		}
	}
	return account{}, false
}

func (a account) command(ctx context.Context, args ...string) *exec.Cmd {
	if a.name != "" {
		args = append([]string{"setpriv", "--reuid", a.name, "--clear-groups", "--"}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = os.TempDir()
	return cmd
}

// give lets the account own a folder.
func (a account) give(dir string) error {
	if a.name == "" {
		return nil
	}
	out, err := exec.Command("chown", a.name, dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (pg *postgres) do(t testing.TB, sql string) {
	t.Helper()
	if _, err := pg.conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// copy loads a file into the emptied table. Only COPY counts, which is
// durable when it returns.
func (pg *postgres) copy(t testing.TB, path string, rows int) side {
	t.Helper()
	pg.do(t, "TRUNCATE attendance")
	pg.do(t, "CHECKPOINT")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := timed(rows, func() {
		tag, err := pg.conn.PgConn().CopyFrom(t.Context(), f, "COPY attendance FROM STDIN (FORMAT csv, HEADER)")
		if err != nil || tag.RowsAffected() != int64(rows) {
			t.Fatalf("COPY took %d rows of %d, error %v", tag.RowsAffected(), rows, err)
		}
	}, pg.pid)
	s.figure = s.wall.Seconds()
	return s
}
