"""Which addresses are public, against the registries of IANA."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.webhooks.addresses import is_public, literal_address

PRIVATE = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
    *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *("::/128", "::1/128", "::/96", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16"),
    *("fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
]
V4 = [network for network in map(ipaddress.ip_network, PRIVATE) if network.version == 4]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]


@given(st.sampled_from(PRIVATE), st.data())
def test_no_address_of_a_private_network_is_public(network: str, data: st.DataObject) -> None:
    address = data.draw(st.ip_addresses(network=network))
    assert not is_public(str(address))
    assert literal_address(str(address)) == str(address)


@given(st.ip_addresses(v=4))
def test_address_within_another_counts_for_it(address: ipaddress.IPv4Address) -> None:
    public = is_public(str(address))
    assert is_public(f"::ffff:{address}") == public
    assert is_public(str(ipaddress.IPv6Address(f"64:ff9b::{address}"))) == public
    if any(address in network for network in V4):
        assert not public


@pytest.mark.parametrize("address", [*PUBLIC, "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f000001", "2130706433", "fe80::1%eth0", "2606::1%1"]
)
def test_what_is_no_plain_address_is_not_public(text: str) -> None:
    assert not is_public(text)
