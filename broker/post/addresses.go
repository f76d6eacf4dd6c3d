package post

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// errAddress refuses to connect to an address.
var errAddress = errors.New("the address of the gateway is not one of the internet's; allow private addresses if it stands in the district's own network")

// closed are networks in which no gateway of the internet stands, beside those that
// netip knows (IANA IPv4 and IPv6 Special-Purpose Address Registries).
var closed = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // shared by providers
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), // documentation
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), // these hold IPv4 addresses
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

// public reports whether an address is one of the internet's.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, net := range closed {
		if net.Contains(a) {
			return false
		}
	}
	return true
}

// admits says to which addresses a caller of a URL may connect. What the name resolves
// to is known only when it connects, so it is asked then.
type admits struct {
	private  bool // the district allows its own networks
	loopback bool // the URL names this machine
}

func (m admits) address(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case m.loopback:
		return a.IsLoopback()
	case m.private:
		return a.IsGlobalUnicast() || a.IsLoopback()
	}
	return public(a)
}

// control is called by the dialer with each address before it connects.
func (m admits) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !m.address(to.Addr()) {
		return errAddress
	}
	return nil
}

// isLoopback reports whether the host of a URL or of a setting is this machine.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
