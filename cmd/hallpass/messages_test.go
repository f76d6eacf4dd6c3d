package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/broker/post"
)

// secrets writes a password and the secret of a gateway into the console's folder.
func (c *console) secrets(t *testing.T) {
	t.Helper()
	for name, text := range map[string]string{
		"password": "correct horse\n", "secret": "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n", "short": "whsec_AAAA\n",
	} {
		if err := os.WriteFile(filepath.Join(c.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(c.folder, "open"), []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(c.folder, "open"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTheSettingsSayHowMessagesLeave(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.secrets(t)
	mail := mailing{host: "mail.lakeview.example", from: "records@lakeview.example", tls: "starttls", phone: demoPhone}
	for name, one := range map[string]struct {
		mailing       mailing
		mail, gateway bool
	}{
		"nothing":  {mailing{tls: "starttls"}, false, false},
		"mail":     {mail, true, false},
		"a user":   {mailing{host: mail.host, from: mail.from, tls: "tls", user: "u", passwordFile: "password", phone: demoPhone}, true, false},
		"calls":    {mailing{url: "https://messages.lakeview.example/", secretFile: "secret", phone: demoPhone}, false, true},
		"both":     {mailing{host: mail.host, from: mail.from, url: "http://127.0.0.1:9/", secretFile: "secret", private: true, phone: demoPhone}, true, true},
		"no TLS":   {mailing{host: "127.0.0.1", from: mail.from, tls: "none", phone: demoPhone}, true, false},
		"own port": {mailing{host: mail.host, port: 2525, from: mail.from, phone: demoPhone}, true, false},
	} {
		carrier, err := c.carrier(one.mailing)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		routes, _ := carrier.(post.Routes)
		if (carrier != nil) != (one.mail || one.gateway) || (routes.Mail != nil) != one.mail || (routes.Gateway != nil) != one.gateway {
			t.Errorf("%s: the carriers are %+v", name, carrier)
		}
	}
	folder, err := c.carrier(mailing{folder: "sent", tls: "starttls", phone: demoPhone})
	if err != nil || folder != broker.Carrier(post.Folder{Dir: filepath.Join(c.folder, "sent")}) {
		t.Errorf("a folder: %+v, %v", folder, err)
	}
	if info, err := os.Stat(filepath.Join(c.folder, "sent")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v (%v)", info, err)
	}
}

func TestSettingsOfMessagesThatDoNotFitAreErrorsOfTheCommandLine(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.secrets(t)
	c.district(t, "lakeview")
	serve := []string{"serve", "--dir", "lakeview", "--listen", "127.0.0.1:0", "--ops-listen", "", "--phone", demoPhone}
	mail := []string{"--smtp-host", "mail.lakeview.example", "--smtp-from", "records@lakeview.example"}
	for _, wrong := range []struct {
		flags []string
		said  string
	}{
		{[]string{"--smtp-from", "a@x.example"}, "need its --smtp-host"},
		{mail[:2], "needs the sender"},
		{append(mail[:3:3], "Lakeview"), "no e-mail address"},
		{append(mail[:4:4], "--smtp-user", "u"), "go together"},
		{append(mail[:4:4], "--smtp-user", "u", "--smtp-password-file", "open"), "chmod 600"},
		{append(mail[:4:4], "--smtp-user", "u", "--smtp-password-file", "absent"), "no such file"},
		{append(mail[:4:4], "--smtp-tls", "none"), "this machine only"},
		{append(mail[:4:4], "--smtp-tls", "maybe"), "starttls, tls or none"},
		{append(mail[:4:4], "--smtp-port", "70000"), "port"},
		{append(mail[:4:4], "--messages-dir", "sent"), "instead of"},
		{[]string{"--webhook-url", "https://messages.lakeview.example/"}, "go together"},
		{[]string{"--webhook-url", "http://messages.lakeview.example/", "--webhook-secret-file", "secret"}, "https://"},
		{[]string{"--webhook-url", "https://messages.lakeview.example/", "--webhook-secret-file", "short"}, "24 to 64 random bytes"},
		{[]string{"--webhook-allow-private"}, "is about a --webhook-url"},
	} {
		c.wants(t, exitUsage, wrong.said, slices.Concat(serve, wrong.flags)...)
	}
	c.wants(t, exitUsage, "--phone", slices.Concat(serve[:len(serve)-2], mail)...)
}

func TestEverySettingOfServeMayStandInItsFile(t *testing.T) {
	t.Parallel()
	serve := newConsole(t).serveCommand()
	for _, name := range settingsOfServe() {
		if serve.Flags().Lookup(name) == nil {
			t.Errorf("%s is no flag of serve", name)
		}
	}
	for _, found := range regexp.MustCompile(`(?m)^ +--([a-z-]+)`).FindAllStringSubmatch(serve.Flags().FlagUsages(), -1) {
		if name := found[1]; name != "config" && !slices.Contains(settingsOfServe(), name) {
			t.Errorf("%s may not stand in the file", name)
		}
	}
}

func TestMessagesAreListedAndExported(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	dir := c.district(t, "lakeview")
	c.wants(t, exitDone, "MESSAGE", "messages", "list", "--dir", dir)
	c.wants(t, exitDone, `"carrier"`, "messages", "list", "--dir", dir, "--output", "json")
	c.wants(t, exitRejected, "state is unknown", "messages", "list", "--dir", dir, "--state", "lost")
	c.wants(t, exitUsage, `"out" not set`, "messages", "export", "--dir", dir)
	c.wants(t, exitUsage, "--phone", "messages", "export", "--dir", dir, "--out", "messages.csv")
	b := opened(t, dir)
	words := func(broker.MessageKind, string, map[string]string) (subject, text string, err error) {
		return "s", "t", nil
	}
	c.out.Reset()
	if err := c.exportMessages(t.Context(), b, words, "messages.csv"); err != nil || !strings.Contains(c.out.String(), "Nothing waits") {
		t.Errorf("%v: %s", err, c.out.String())
	}
	if _, err := os.Stat(filepath.Join(c.folder, "messages.csv")); !os.IsNotExist(err) {
		t.Errorf("an empty file was left: %v", err)
	}
}
