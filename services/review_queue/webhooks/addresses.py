"""Which IP addresses are public (pure)."""

import ipaddress

# RFC 6052: an IPv4 address that an IPv6-only network reaches through a translator.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


def literal_address(host: str) -> str | None:
    """Return `host` when it is an address by itself; None when it is a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def is_public(address: str) -> bool:
    """Say whether `address` is public: not private, loopback, link-local, shared or reserved.

    An IPv4 address within an IPv6 one counts for it; tunnels (6to4, Teredo) are not public, since
    another party chooses where they end.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = _within(found)
        if inner is None:
            tunnel = found.sixtofour is not None or found.teredo is not None
            scoped = found.scope_id is not None
            return found in _GLOBAL_UNICAST and found.is_global and not tunnel and not scoped
        found = inner
    return found.is_global and not found.is_multicast and not found.is_reserved


def _within(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None
