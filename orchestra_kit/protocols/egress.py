"""Where a step may connect: every address is checked at the moment of connecting, and that address is connected to.

A name is resolved once; what it resolved to is checked and used, so a second answer of the name server (DNS rebinding)
changes nothing. Loopback, private, link-local, metadata and other special addresses, in any IPv6 dress, are refused
unless the environment's allow list names them.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from orchestra_kit.errors import DefinitionError, EgressError
from orchestra_kit.model import Egress

Address = IPv4Address | IPv6Address
_NUMERIC_LABEL = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)\Z")
# Cloud metadata services that live on addresses which look public or merely private.
_METADATA = frozenset(
    ipaddress.ip_address(text) for text in ("169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.IPv6Network("::/96")

_ARTICLES = {"unspecified": "an"}


class ResolutionError(Exception):
    """A host name that resolves to nothing, or not in time."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of the allow list."""

    host: str | None = None
    domain: str | None = None
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None


class EgressGuard:
    """The egress policy of one environment."""

    def __init__(self, policy: Egress) -> None:
        self._policy = policy
        self._entries = tuple(_read_entry(text) for text in policy.allow if not text.startswith("unix:"))
        self._sockets = tuple(text.removeprefix("unix:") for text in policy.allow if text.startswith("unix:"))

    def resolve(self, host: str, port: int, *, timeout: float | None = None) -> list[str]:
        """Return the addresses of `host` that may be connected to, in order; raise EgressError when there is none,
        ResolutionError when the name has no address."""
        name = plain_host(host)
        found = _literal(name)
        addresses = [found] if found is not None else _look_up(name, port, timeout)
        allowed = [address for address in addresses if self._refusal(name, port, address) is None]
        if not allowed:
            reason = self._refusal(name, port, addresses[0])
            raise EgressError(
                f"{host}:{port} is not allowed: {reason}.",
                hint=f"Add '{name}' or its address to egress.allow of the environment to permit it.",
            )
        return [str(address) for address in allowed]

    def allows_socket(self, path: str) -> bool:
        """True when a Unix socket at `path` lies in a folder that a `unix:/folder` entry names."""
        return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in self._sockets)

    def _refusal(self, name: str, port: int, address: Address) -> str | None:
        """Return why `address`, to which `name` resolved, is refused; None when it is allowed."""
        kind = special_kind(address)
        if self._named_by_address(address, port):
            return None
        if kind in ("link-local", "metadata"):
            # A name does not say which address is meant, and these hand out credentials: the address must be listed.
            return f"{address} is {_ARTICLES.get(kind, 'a')} {kind} address"
        if self._named_by_host(name, port):
            return None
        if kind is not None:
            return f"{address} is {_ARTICLES.get(kind, 'a')} {kind} address"
        return None if self._policy.allow_public else f"public addresses such as {address} must be listed"

    def _named_by_address(self, address: Address, port: int) -> bool:
        dressed = {address, *_embedded(address)}
        return any(
            entry.network is not None
            and entry.port in (None, port)
            and any(form.version == entry.network.version and form in entry.network for form in dressed)
            for entry in self._entries
        )

    def _named_by_host(self, name: str, port: int) -> bool:
        return any(
            entry.port in (None, port)
            and (entry.host == name or (entry.domain is not None and name.endswith(entry.domain)))
            for entry in self._entries
            if entry.network is None
        )


@lru_cache(maxsize=256)
def guard_for(policy: Egress) -> EgressGuard:
    """Return the guard of a policy; raise DefinitionError for an allow list that cannot be read."""
    return EgressGuard(policy)


def plain_host(host: str) -> str:
    """Return the host in lower case without brackets and final dot; raise EgressError for numbers in disguise."""
    name = host.strip().strip("[]").rstrip(".").lower()
    if not name:
        raise EgressError("the host is empty.")
    if ":" not in name and _NUMERIC_LABEL.match(name.rsplit(".", 1)[-1]) and _literal(name) is None:
        raise EgressError(
            f"host '{host}' is a number in disguise (decimal, octal, hexadecimal or short form).",
            hint="Write an IPv4 address as four decimal numbers.",
        )
    return name


def special_kind(address: Address) -> str | None:
    """Return what makes an address special (`loopback`, `private`, `link-local`, `metadata`, ...); None for a public one."""
    if address in _METADATA:
        return "metadata"
    inner = _embedded(address)
    if inner:
        kinds = [kind for kind in map(special_kind, inner) if kind is not None]
        if kinds:
            return kinds[0]
        if isinstance(address, IPv6Address) and (address.sixtofour or address.teredo):
            return "tunnel"
    if address.is_unspecified:
        return "unspecified"
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    if isinstance(address, IPv6Address) and (address in _NAT64_LOCAL or address.is_site_local):
        return "private"
    if inner:
        return None
    return None if address.is_global else "private"


def _embedded(address: Address) -> list[IPv4Address]:
    """Return the IPv4 addresses an IPv6 address carries: mapped, compatible, NAT64, 6to4 and Teredo."""
    if isinstance(address, IPv4Address):
        return []
    found: list[IPv4Address] = []
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address in _NAT64 or address in _NAT64_LOCAL:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if address in _COMPATIBLE and int(address) > 1:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    return found


def _literal(name: str) -> Address | None:
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _look_up(name: str, port: int, timeout: float | None) -> list[Address]:
    """Return the addresses of a name. The system resolver knows no deadline, so it gets a thread that may be left."""
    answer: list[list[Address] | Exception] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
            found = [ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in rows]
            answer.append(list(dict.fromkeys(found)))
        except (OSError, UnicodeError, ValueError) as exc:
            answer.append(exc)

    thread = threading.Thread(target=ask, name="orchestra-resolve", daemon=True)
    thread.start()
    thread.join(timeout)
    if not answer:
        raise ResolutionError(f"the name '{name}' did not resolve in time")
    found = answer[0]
    if isinstance(found, Exception) or not found:
        raise ResolutionError(f"the name '{name}' has no address")
    return found


def _read_entry(text: str) -> _Entry:
    entry = text.strip().lower()
    network = _network(entry)
    if network is not None:
        return _Entry(network=network)
    host, port = entry, None
    if entry.startswith("[") and "]" in entry:
        host, _, rest = entry[1:].partition("]")
        port = _port(rest.removeprefix(":"), text) if rest else None
    elif entry.count(":") == 1:
        host, _, digits = entry.partition(":")
        port = _port(digits, text)
    network = _network(host)
    if network is not None:
        return _Entry(network=network, port=port)
    if host.startswith("*.") and len(host) > 2 and "*" not in host[1:]:
        return _Entry(domain=host[1:], port=port)
    if not host or any(sign in host for sign in "*/@ ?#") or ":" in host:
        raise DefinitionError(
            f"egress.allow: '{text}' is not a host, host:port, *.domain, address or CIDR.",
            hint="Write it without scheme and path, for example 'localhost:8080'.",
        )
    return _Entry(host=host.rstrip("."), port=port)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _port(digits: str, entry: str) -> int:
    if digits.isascii() and digits.isdigit() and 0 < int(digits) < 65536:
        return int(digits)
    raise DefinitionError(f"egress.allow: '{entry}' has no valid port.")
