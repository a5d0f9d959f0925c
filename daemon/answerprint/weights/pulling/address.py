"""What may be fetched from where: https, and http from this machine alone.

A redirect may lead to another public machine over https, never to http and never into a private network: an address
that was trusted must not become a way to what only this machine can reach.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urljoin, urlsplit

from answerprint.errors import ModelError

__all__ = ["check_address", "check_public_peer", "is_loopback", "origin", "redirected"]

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}
_REMEDY = "Use an https address."


def check_address(address: str) -> SplitResult:
    """The parts of an address that may be fetched. Raises ModelError for any other."""
    if not address.isascii() or any(c <= " " or c == "\x7f" for c in address):
        raise ModelError(f"{address!r} is not an address.", _REMEDY)
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        raise ModelError(f"{address!r} is not an address.", _REMEDY) from error
    if parts.username is not None or parts.password is not None:
        raise ModelError("An address with a name and a password in it is not used: it would be shown.", _REMEDY)
    if not parts.hostname or parts.scheme not in _PORTS:
        raise ModelError(f"{address} is not an address of the web.", _REMEDY)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL_NAMES):
        return parts
    raise ModelError(f"{address} is not fetched: anyone on the way could change what it holds.", _REMEDY)


def origin(parts: SplitResult) -> tuple[str, str, int]:
    """Scheme, name and port: what one server answers for."""
    return parts.scheme, str(parts.hostname), parts.port or _PORTS[parts.scheme]


def redirected(parts: SplitResult, location: str) -> SplitResult:
    """Where a redirect leads. Raises ModelError where it may not lead."""
    to = check_address(urljoin(parts.geturl(), location))
    if origin(to) == origin(parts):
        return to
    if to.scheme != "https" or _is_private_literal(str(to.hostname)):
        raise ModelError(
            f"{parts.hostname} sends the download on to {to.hostname}, which is not a public https address.",
            "Use another source, or a mirror: --mirror URL.",
        )
    return to


def is_loopback(parts: SplitResult) -> bool:
    """Whether it names this machine."""
    return parts.hostname in _LOCAL_NAMES


def check_public_peer(parts: SplitResult, peer: str) -> None:
    """Raise ModelError for a name that led into a private network: the machine itself is looked at, not its name."""
    if not is_loopback(parts) and not ipaddress.ip_address(peer.partition("%")[0]).is_global:
        raise ModelError(
            f"{parts.hostname} leads to {peer}, which is not a public address.",
            "Check the network's name server; a mirror of your own is named with --mirror URL.",
        )


def _is_private_literal(host: str) -> bool:
    if host in _LOCAL_NAMES or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
