package pages_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hallpass-edu/hallpass/broker/pages"
)

func letterValues() map[string]string {
	return map[string]string{
		"district": "Lakeview Schools", "phone": "(414) 555-0142", "partners": "Riverside Mentoring\nCity Library\nMusic for All",
		"partner": "Riverside Mentoring", "link": "https://lakeview.example/i/made-up-secret", "code": "481516",
		"number": "K7Q4-MX2R", "date": "2027-02-14", "child": "Maya",
	}
}

// letters are every message, by kind and whom it goes to.
func letters() map[string]map[string]string {
	return map[string]map[string]string{
		"invitation": {}, "code": {}, "link": {}, "receipt": {}, "saved": {}, "yearly_reminder": {},
		"birthday_soon guardian": {"to": "guardian"}, "birthday_soon student": {"to": "student"},
	}
}

func TestLettersSayWhatTheyMustInEveryLanguage(t *testing.T) {
	t.Parallel()
	kinds := map[pages.LetterKind]bool{}
	for name, extra := range letters() {
		kind := pages.LetterKind(strings.Fields(name)[0])
		kinds[kind] = true
		v := letterValues()
		for k, text := range extra {
			v[k] = text
		}
		for _, lang := range languages() {
			subject, text, err := pages.Letter(kind, lang, v)
			noError(t, err)
			if subject == "" || strings.ContainsAny(subject, "\r\n") || strings.Contains(text+subject, "{{") || strings.Contains(text+subject, "<no value>") {
				t.Errorf("%s in %s: %q, %q", name, lang, subject, text)
			}
			if strings.Contains(subject+text, "Maya") {
				t.Errorf("%s in %s names the child", name, lang)
			}
			if link := v["link"]; strings.Contains(text, link) && !strings.Contains(text, "\n"+link+"\n") {
				t.Errorf("%s in %s: the link does not stand on a line of its own: %q", name, lang, text)
			}
			if g := grade(strings.ReplaceAll(text, v["link"], "")); lang == "en" && g > 6 {
				t.Errorf("%s reads at grade %.1f: %s", name, g, text)
			}
		}
	}
	for _, kind := range pages.LetterKinds() {
		if !kinds[kind] {
			t.Errorf("%s is not looked at", kind)
		}
	}
}

func TestALetterNamesEveryOrganizationOnce(t *testing.T) {
	t.Parallel()
	_, text, err := pages.Letter(pages.LetterInvitation, "es", letterValues())
	noError(t, err)
	if !strings.Contains(text, "Riverside Mentoring, City Library y Music for All") {
		t.Errorf("says %q", text)
	}
}

func TestALetterWithoutItsValuesIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, extra := range letters() {
		kind := pages.LetterKind(strings.Fields(name)[0])
		full := letterValues()
		for k, text := range extra {
			full[k] = text
		}
		_, whole, err := pages.Letter(kind, "en", full)
		noError(t, err)
		for missing := range full {
			part := map[string]string{}
			for k, text := range full {
				if k != missing {
					part[k] = text
				}
			}
			subject, text, err := pages.Letter(kind, "en", part)
			if err == nil && text != whole {
				t.Errorf("%s without %s is written: %s", name, missing, text)
			}
			if err != nil && (subject != "" || text != "") {
				t.Errorf("%s without %s is written in part", name, missing)
			}
		}
	}
}

func TestALetterRefusesWhatItCannotWrite(t *testing.T) {
	t.Parallel()
	v := letterValues()
	if _, _, err := pages.Letter("advert", "en", v); !errors.Is(err, pages.ErrLetter) {
		t.Errorf("an unknown kind: %v", err)
	}
	if _, _, err := pages.Letter(pages.LetterBirthdaySoon, "en", v); !errors.Is(err, pages.ErrLetter) {
		t.Errorf("to nobody: %v", err)
	}
	if _, _, err := pages.Letter(pages.LetterCode, "fr", v); !errors.Is(err, pages.ErrLanguage) {
		t.Errorf("French: %v", err)
	}
	for key, value := range map[string]string{"district": "Lakeview\nBcc: everybody", "link": "https://a.example\r\nhttps://b.example", "partners": " \n "} {
		bad := letterValues()
		bad[key] = value
		if _, _, err := pages.Letter(pages.LetterInvitation, "en", bad); !errors.Is(err, pages.ErrLetterValue) || strings.Contains(err.Error(), value) {
			t.Errorf("%s %q: %v", key, value, err)
		}
	}
	bad := letterValues()
	bad["to"], bad["date"] = "student", "soon"
	if _, _, err := pages.Letter(pages.LetterBirthdaySoon, "en", bad); !errors.Is(err, pages.ErrLetterValue) {
		t.Errorf("a day that is none: %v", err)
	}
}
