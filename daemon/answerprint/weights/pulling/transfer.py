"""One HTTP response: a file from a given byte on, with the standard library's http.client.

All connections are made here, and everything that a server controls is limited here: redirects, header, length, time.
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
    """The transfer was interrupted; it can be retried."""


class StaleError(TransferError):
    """The data on disk cannot be the beginning of the file."""


class GoneError(Exception):
    """This source does not have the file, or must not be used; retrying is useless."""


@dataclass(frozen=True, slots=True)
class TransferTimeouts:
    """Timeouts for a server."""

    silence_seconds: float = 30.0
    """Longest time without a byte."""
    window_seconds: float = 60.0
    """At least `window_bytes` must arrive in every such period."""
    window_bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class Route:
    """How to connect. proxy: as `ModelSettings.proxy`. private: an origin chosen by the user, which may be private."""

    proxy: str = ""
    private: tuple[str, str, int] | None = None
    timeouts: TransferTimeouts = TransferTimeouts()
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response. start: offset of its first byte in the file. total: bytes of the whole file, None if unknown."""

    start: int
    total: int | None
    validator: str
    """A strong ETag, or empty: the same one later means the same bytes."""
    blocks: Iterator[bytes]


@contextmanager
def open_answer(address: str, start: int, validator: str, route: Route) -> Iterator[HttpResponse]:
    """Request a file from byte `start` on if `validator` still matches, else from its beginning.

    Raises TransferError, GoneError, and ModelError for an address that is not allowed.
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
    raise GoneError("too many redirects")


def _read_head(response: http.client.HTTPResponse, start: int, validator: str, route: Route) -> HttpResponse:
    headers = response.headers
    if headers.get("Content-Encoding", "identity") != "identity":
        raise GoneError("it sends the file compressed, against the request")
    etag = headers.get("ETag", "")
    strong = etag if etag.startswith('"') and len(etag) <= 256 else ""
    if response.status == 206 and start:
        content_range = _RANGE.fullmatch(headers.get("Content-Range", ""))
        if content_range is None or int(content_range[1]) != start or (validator and strong != validator):
            raise GoneError("its partial response does not match the request")
        return HttpResponse(start, int(content_range[3]), strong, _blocks(response, route))
    if response.status == 200:
        return HttpResponse(0, response.length, strong, _blocks(response, route))
    if response.status in _PASSING:
        raise TransferError(f"HTTP {response.status} {response.reason[:60]}")
    if response.status == 416:
        raise StaleError("its file is shorter than the part on disk")
    raise GoneError(f"HTTP {response.status} {response.reason[:60]}")


def _blocks(response: http.client.HTTPResponse, route: Route) -> Iterator[bytes]:
    started, received = route.clock(), 0
    while block := _read(response):
        yield block
        received += len(block)
        if route.clock() - started >= route.timeouts.window_seconds:
            if received < route.timeouts.window_bytes:
                raise TransferError("the transfer is too slow")
            started, received = route.clock(), 0
    if response.length:  # bytes still missing
        raise TransferError("the connection was interrupted")


def _read(response: http.client.HTTPResponse) -> bytes:
    """Raises TransferError for every network error, which separates them from disk errors."""
    try:
        return response.read1(_BLOCK_BYTES)
    except TimeoutError as error:
        raise TransferError("the transfer timed out") from error
    except (OSError, http.client.HTTPException) as error:
        raise TransferError("the connection was interrupted") from error


def _connect(parts: SplitResult, route: Route) -> http.client.HTTPConnection:
    scheme, host, port = origin(parts)
    seconds = route.timeouts.silence_seconds
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
            # Checks the connected address: a second DNS lookup could give another one.
            check_public_peer(parts, secure.sock.getpeername()[0])
        except BaseException:
            secure.close()
            raise
    return secure


_Connection = TypeVar("_Connection", bound=http.client.HTTPConnection)


def _reach(connection: _Connection) -> _Connection:
    """Connect. Raises what http.client raises, and TransferError if the network is unreachable."""
    try:
        connection.connect()
    except (TimeoutError, ConnectionError, ssl.SSLError, socket.gaierror):
        connection.close()
        raise
    except OSError as error:  # no route, a proxy that refuses
        connection.close()
        raise TransferError(f"could not reach {connection.host} ({error.strerror or error})") from error
    return connection


def _proxy(parts: SplitResult, route: Route) -> SplitResult | None:
    text = route.proxy or getproxies().get("https", "")
    if not text or is_loopback(parts) or proxy_bypass(str(parts.hostname)):
        return None
    proxy = urlsplit(text if "://" in text else f"http://{text}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise InputError(f"Invalid proxy {text}.", "Use an http URL, such as http://proxy.studio:3128.")
    return proxy


@contextmanager
def _translated(parts: SplitResult, route: Route) -> Iterator[None]:
    """Translate errors. Measured: OSError (including ssl and timeouts), HTTPException, ValueError for bad headers."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        # Inspecting proxies in studios sign certificates themselves.
        reason = f"the certificate of {parts.hostname} is not trusted"
        raise GoneError(f"{reason}; for an inspecting proxy, set SSL_CERT_FILE to its certificates") from error
    except TimeoutError as error:
        raise TransferError("the connection timed out") from error
    except socket.gaierror as error:
        raise TransferError(f"could not resolve {_reached(parts, route)}") from error
    except (ConnectionError, ssl.SSLError) as error:
        raise TransferError(f"the connection to {_reached(parts, route)} failed ({error})") from error
    except http.client.HTTPException as error:
        raise GoneError(f"invalid HTTP response ({type(error).__name__})") from error


def _reached(parts: SplitResult, route: Route) -> str:
    """The first host to connect to."""
    proxy = _proxy(parts, route) if parts.scheme == "https" else None
    return str(parts.hostname) if proxy is None else f"the proxy {proxy.hostname}:{proxy.port or 3128}"
