package post

import (
	"net/netip"
	"testing"
)

func TestOnlyAddressesOfTheInternetAreCalledUnlessTheDistrictAllowsMore(t *testing.T) {
	t.Parallel()
	type admitted struct{ usual, private, here bool }
	for address, want := range map[string]admitted{
		"8.8.8.8":                {true, true, false},
		"2606:4700::1111":        {true, true, false},
		"::ffff:8.8.8.8":         {true, true, false},
		"10.1.2.3":               {false, true, false},
		"172.16.0.1":             {false, true, false},
		"192.168.1.1":            {false, true, false},
		"::ffff:192.168.1.1":     {false, true, false},
		"fd00::1":                {false, true, false},
		"100.64.0.1":             {false, true, false},
		"127.0.0.1":              {false, true, true},
		"127.8.8.8":              {false, true, true},
		"::1":                    {false, true, true},
		"::ffff:127.0.0.1":       {false, true, true},
		"169.254.169.254":        {}, // where clouds keep a machine's own secrets
		"::ffff:169.254.169.254": {},
		"fe80::1":                {},
		"fe80::1%eth0":           {},
		"0.0.0.0":                {},
		"::":                     {},
		"224.0.0.1":              {},
		"ff02::1":                {},
		"255.255.255.255":        {},
		"64:ff9b::7f00:1":        {false, true, false},
		"2002:7f00:1::":          {false, true, false},
		"198.18.0.1":             {false, true, false},
	} {
		a := netip.MustParseAddr(address)
		got := admitted{admits{}.address(a), admits{private: true}.address(a), admits{loopback: true}.address(a)}
		if got != want {
			t.Errorf("%s: %+v, want %+v", address, got, want)
		}
	}
}
