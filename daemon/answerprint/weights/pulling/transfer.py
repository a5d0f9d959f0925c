"""One answer of one server, over the standard library's http.client: a file from some byte on.

Every connection is made here, and everything a server can say is bounded here: redirects, header, length, time.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from answerprint import __version__
from answerprint.errors import InputError
from answerprint.weights.pulling.address import check_address, check_public_peer, is_loopback, origin, redirected

__all__ = ["GoneError", "HttpResponse", "Route", "StaleError", "TransferError", "TransferTimeouts", "open_answer"]

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")
_BLOCK_BYTES = 1 << 18


class TransferError(Exception):
    """The transfer broke off; it may be tried again."""


class StaleError(TransferError):
    """What is here already cannot be the beginning of the file."""


class GoneError(Exception):
    """This source does not have the file, or may not be used for it: trying again is of no use."""


@dataclass(frozen=True, slots=True)
class TransferTimeouts:
    """How long a server is waited for."""

    silence_seconds: float = 30.0
    """Without a byte."""
    window_seconds: float = 60.0
    """In every such span `window_bytes` must come: a server that trickles is one that is silent."""
    window_bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class Route:
    """How servers are reached. proxy: as `ModelSettings.proxy`. private: an origin that the user named themselves."""

    proxy: str = ""
    private: tuple[str, str, int] | None = None
    patience: TransferTimeouts = TransferTimeouts()
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What a server sends. start: its first byte in the file. total: bytes of the whole file, None where unsaid."""

    start: int
    total: int | None
    validator: str
    """A strong ETag, or the empty text: the same one later means the same bytes."""
    blocks: Iterator[bytes]


@contextmanager
def open_answer(address: str, start: int, validator: str, route: Route) -> Iterator[HttpResponse]:
    """Ask for a file from byte `start` on, if it is still the one that `validator` is of; else from its beginning.

    Raises TransferError, GoneError, and ModelError for an address that may not be fetched.
    """
    parts = check_address(address)
    headers = {"User-Agent": f"answerprint/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    with _translated(parts, route):
        for _ in range(_MOST_REDIRECTS + 1):
            connection = _connect(parts, route)
            try:
                target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
                connection.request("GET", target, headers=headers)
                response = connection.getresponse()
                if response.status not in _REDIRECTS:
                    yield _read_head(response, start, validator, route)
                    return
                parts = redirected(parts, response.headers.get("Location", ""))
            finally:
                connection.close()
    raise GoneError("it redirects without end")


def _read_head(response: http.client.HTTPResponse, start: int, validator: str, route: Route) -> HttpResponse:
    headers = response.headers
    if headers.get("Content-Encoding", "identity") != "identity":
        raise GoneError("it sends the file packed, though asked not to")
    etag = headers.get("ETag", "")
    strong = etag if etag.startswith('"') and len(etag) <= 256 else ""
    if response.status == 206 and start:
        said = _RANGE.fullmatch(headers.get("Content-Range", ""))
        if said is None or int(said[1]) != start or (validator and strong != validator):
            raise GoneError("it goes on with something else than was asked for")
        return HttpResponse(start, int(said[3]), strong, _blocks(response, route))
    if response.status == 200:
        return HttpResponse(0, response.length, strong, _blocks(response, route))
    if response.status in _PASSING:
        raise TransferError(f"it answers {response.status} {response.reason[:60]}")
    if response.status == 416:
        raise StaleError("its file is shorter than what was here already")
    raise GoneError(f"it answers {response.status} {response.reason[:60]}")


def _blocks(response: http.client.HTTPResponse, route: Route) -> Iterator[bytes]:
    begun, received = route.clock(), 0
    while block := _read(response):
        yield block
        received += len(block)
        if route.clock() - begun >= route.patience.window_seconds:
            if received < route.patience.window_bytes:
                raise TransferError("it sends next to nothing")
            begun, received = route.clock(), 0
    if response.length:  # what was still to come
        raise TransferError("it broke off in the middle")


def _read(response: http.client.HTTPResponse) -> bytes:
    """Raises TransferError for every error of the network, so that those of the disk stay apart from them."""
    try:
        return response.read1(_BLOCK_BYTES)
    except TimeoutError as error:
        raise TransferError("it fell silent") from error
    except (OSError, http.client.HTTPException) as error:
        raise TransferError("it broke off in the middle") from error


def _connect(parts: SplitResult, route: Route) -> http.client.HTTPConnection:
    scheme, host, port = origin(parts)
    seconds = route.patience.silence_seconds
    if scheme == "http":
        return _reach(http.client.HTTPConnection(host, port, timeout=seconds))
    context = ssl.create_default_context()
    proxy = _proxy(parts, route)
    if proxy is not None:
        tunnel = http.client.HTTPSConnection(str(proxy.hostname), proxy.port or 3128, timeout=seconds, context=context)
        tunnel.set_tunnel(host, port)
        return _reach(tunnel)
    secure = _reach(http.client.HTTPSConnection(host, port, timeout=seconds, context=context))
    if origin(parts) != route.private:
        try:
            # Of the connection itself: a name could lead elsewhere when it is looked up a second time.
            check_public_peer(parts, secure.sock.getpeername()[0])
        except BaseException:
            secure.close()
            raise
    return secure


_Connection = TypeVar("_Connection", bound=http.client.HTTPConnection)


def _reach(connection: _Connection) -> _Connection:
    """Connect. Raises what http.client raises, and TransferError for a network that is not there."""
    try:
        connection.connect()
    except (TimeoutError, ConnectionError, ssl.SSLError, socket.gaierror):
        connection.close()
        raise
    except OSError as error:  # no route, a proxy that refuses
        connection.close()
        raise TransferError(f"{connection.host} is not reached ({error.strerror or error})") from error
    return connection


def _proxy(parts: SplitResult, route: Route) -> SplitResult | None:
    text = route.proxy or getproxies().get("https", "")
    if not text or is_loopback(parts) or proxy_bypass(str(parts.hostname)):
        return None
    proxy = urlsplit(text if "://" in text else f"http://{text}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise InputError(
            f"The proxy {text} cannot be used.", "Give one such as http://proxy.studio:3128; https goes through it."
        )
    return proxy


@contextmanager
def _translated(parts: SplitResult, route: Route) -> Iterator[None]:
    """Measured of http.client: OSError with ssl's errors and timeouts, HTTPException, and ValueError of bad headers."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        # Studios' proxies that read along sign for every name themselves.
        told = f"{parts.hostname} cannot prove that it is {parts.hostname}"
        raise GoneError(f"{told}; where a proxy signs for it, name its certificates with SSL_CERT_FILE") from error
    except TimeoutError as error:
        raise TransferError("it does not answer") from error
    except socket.gaierror as error:
        raise TransferError(f"{_reached(parts, route)} is not found") from error
    except (ConnectionError, ssl.SSLError) as error:
        raise TransferError(f"the connection to {_reached(parts, route)} failed ({error})") from error
    except http.client.HTTPException as error:
        raise GoneError(f"it does not speak HTTP properly ({type(error).__name__})") from error


def _reached(parts: SplitResult, route: Route) -> str:
    """The machine that is spoken to first."""
    proxy = _proxy(parts, route) if parts.scheme == "https" else None
    return str(parts.hostname) if proxy is None else f"the proxy {proxy.hostname}:{proxy.port or 3128}"
