"""Allowed download addresses: https, and http from this machine only.

A redirect may lead to another public host over https, never to http or into a private network: a trusted address must
not give access to hosts that only this machine can reach (SSRF).
"""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urljoin, urlsplit

from answerprint.errors import ModelError

__all__ = ["check_address", "check_public_peer", "is_loopback", "origin", "redirected"]

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}
_REMEDY = "Use an https URL."


def check_address(address: str) -> SplitResult:
    """Parse an allowed address. Raises ModelError for any other."""
    if not address.isascii() or any(c <= " " or c == "\x7f" for c in address):
        raise ModelError(f"{address!r} is not a valid URL.", _REMEDY)
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        raise ModelError(f"{address!r} is not a valid URL.", _REMEDY) from error
    if parts.username is not None or parts.password is not None:
        raise ModelError("URLs with a user name or password are not supported: they would be displayed.", _REMEDY)
    if not parts.hostname or parts.scheme not in _PORTS:
        raise ModelError(f"{address} is not an http or https URL.", _REMEDY)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL_NAMES):
        return parts
    raise ModelError(f"{address} is not encrypted: the file could be changed on the way.", _REMEDY)


def origin(parts: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port."""
    return parts.scheme, str(parts.hostname), parts.port or _PORTS[parts.scheme]


def redirected(parts: SplitResult, location: str) -> SplitResult:
    """The target of a redirect. Raises ModelError if it is not allowed."""
    to = check_address(urljoin(parts.geturl(), location))
    if origin(to) == origin(parts):
        return to
    if to.scheme != "https" or _is_private_literal(str(to.hostname)):
        raise ModelError(
            f"{parts.hostname} redirects to {to.hostname}, which is not a public https address.",
            "Use another source, or a mirror: --mirror URL.",
        )
    return to


def is_loopback(parts: SplitResult) -> bool:
    """Whether the host is this machine."""
    return parts.hostname in _LOCAL_NAMES


def check_public_peer(parts: SplitResult, peer: str) -> None:
    """Raise ModelError if the connected peer is in a private network, whatever the host name."""
    if not is_loopback(parts) and not ipaddress.ip_address(peer.partition("%")[0]).is_global:
        raise ModelError(
            f"{parts.hostname} resolves to {peer}, which is not a public address.",
            "Check the DNS server. For a mirror of your own use --mirror URL.",
        )


def _is_private_literal(host: str) -> bool:
    if host in _LOCAL_NAMES or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
