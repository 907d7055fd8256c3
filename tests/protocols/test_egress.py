"""A20: where steps may connect."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_kit.errors import DefinitionError, EgressError
from orchestra_kit.model import Egress
from orchestra_kit.protocols.egress import EgressGuard, ResolutionError, special_kind


def guard(*allow, public=True):
    return EgressGuard(Egress(allow=allow, allow_public=public))


_HOSTS = """
    127.0.0.1 127.8.9.1 localhost 0.0.0.0 10.0.0.1 172.16.0.1
    192.168.1.1 169.254.169.254 169.254.1.1 100.64.0.1 100.100.100.200 168.63.129.16
    192.0.2.1 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 127.0.0.1.
    ::1 [::1] :: fe80::1 fe80::1%eth0 fc00::1
    fd00:ec2::254 ff02::1 fec0::1 2001:db8::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1
    ::ffff:169.254.169.254 ::ffff:7f00:1 ::127.0.0.1 ::169.254.169.254 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe
    64:ff9b:1::808:808 2002:7f00:1:: 2002:a9fe:a9fe::1 2002:808:808::1 2001:0:808:808::1 2130706433
    017700000001 0177.0.0.1 0x7f000001 0x7f.0.0.1 127.1 127.0.1
    0 1.2.3.4.5 example.0x7f
"""
REFUSED = _HOSTS.split()


@pytest.mark.parametrize("host", REFUSED)
def test_a20_special_addresses_in_any_dress_are_refused(host):
    with pytest.raises(EgressError):
        guard().resolve(host, 80)


@pytest.mark.parametrize("host", ["１２７.0.0.1", "ⓛocalhost", "127。0。0。1"])
def test_a20_full_width_spellings_are_refused(host):
    with pytest.raises((EgressError, ResolutionError)):
        guard().resolve(host, 80)


@pytest.mark.parametrize("host", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_allowed_unless_they_must_be_listed(host):
    assert guard().resolve(host, 443)
    with pytest.raises(EgressError, match="must be listed"):
        guard(public=False).resolve(host, 443)


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        ("127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("127.0.0.1:8080", "127.0.0.1", 8081, False),
        ("10.0.0.0/8", "10.200.1.1", 80, True),
        ("10.0.0.0/8", "11.0.0.1", 80, True),  # public anyway
        ("10.0.0.0/8", "192.168.0.1", 80, False),
        ("[::1]:80", "::1", 80, True),
        ("[::1]:80", "::1", 81, False),
        ("::1", "[::1]", 81, True),
        ("fc00::/7", "fd00::5", 80, True),
        ("127.0.0.1", "::ffff:127.0.0.1", 80, True),
        ("127.0.0.0/8", "64:ff9b::7f00:1", 80, True),
        ("localhost", "LOCALHOST.", 80, True),
        ("localhost:90", "localhost", 91, False),
        ("169.254.169.254", "169.254.169.254", 80, True),
        ("127.0.0.1", "2130706433", 80, False),
    ],
)
def test_the_allow_list_names_hosts_ports_and_networks(entry, host, port, allowed):
    if allowed:
        assert guard(entry).resolve(host, port)
    else:
        with pytest.raises(EgressError):
            guard(entry).resolve(host, port)


@pytest.mark.parametrize("entry", ["http://x", "a/b", "host:port", "*", "*.", "x:99999", "user@host", ""])
def test_an_entry_that_cannot_be_read_is_a_definition_error(entry):
    with pytest.raises(DefinitionError, match=r"egress\.allow"):
        guard(entry)


def answers(monkeypatch, *addresses):
    """Let every name resolve to these addresses; the list of questions comes back."""
    asked: list[str] = []

    def getaddrinfo(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a20_a_name_that_resolves_inside_is_refused(monkeypatch):
    answers(monkeypatch, "10.0.0.7")
    with pytest.raises(EgressError, match=r"10\.0\.0\.7 is a private address"):
        guard().resolve("intranet.example", 80)
    assert guard("intranet.example").resolve("intranet.example", 80) == ["10.0.0.7"]
    assert guard("*.example").resolve("intranet.example", 80) == ["10.0.0.7"]
    with pytest.raises(EgressError):
        guard("*.example").resolve("example", 80)
    with pytest.raises(EgressError):
        guard("*.example").resolve("badexample", 80)


def test_a20_only_the_allowed_ones_of_several_addresses_are_used(monkeypatch):
    answers(monkeypatch, "10.0.0.7", "8.8.8.8", "127.0.0.1")
    assert guard().resolve("mixed.example", 80) == ["8.8.8.8"]


def test_a20_a_listed_name_does_not_open_link_local_or_metadata_addresses(monkeypatch):
    """The owner of a name may point it anywhere: credentials of the machine are never reached by name."""
    answers(monkeypatch, "169.254.169.254")
    with pytest.raises(EgressError, match="metadata"):
        guard("api.example").resolve("api.example", 80)


def test_a_name_is_asked_for_once_per_connection(monkeypatch):
    asked = answers(monkeypatch, "8.8.8.8")
    guard().resolve("a.example", 80)
    assert asked == ["a.example"]


def test_a_name_server_that_never_answers_is_left_in_time(monkeypatch):
    import threading

    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [release.wait(30)][:0])
    with pytest.raises(ResolutionError, match="in time"):
        guard().resolve("slow.example", 80, timeout=0.05)
    release.set()


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_and_its_ipv6_dresses_are_judged_alike(address):
    import ipaddress

    mapped = ipaddress.ip_address(f"::ffff:{address}")
    nat64 = ipaddress.ip_address(int(ipaddress.ip_address("64:ff9b::")) | int(address))
    plain = special_kind(address)
    assert (special_kind(mapped) is None) == (plain is None)
    assert (special_kind(nat64) is None) == (plain is None)
    sixtofour = ipaddress.ip_address((0x2002 << 112) | (int(address) << 80))
    assert special_kind(sixtofour) is not None
