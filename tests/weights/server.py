"""A real HTTP server on this machine that keeps its promises, or breaks them in one way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

__all__ = ["FileServer", "Handler", "Served"]

Misbehaviour = Callable[["Handler", "Served"], None]


@dataclass(slots=True)
class Served:
    """A file of the server."""

    data: bytes
    etag: str = '"1"'
    ranges: bool = True
    instead: Misbehaviour | None = None
    """What happens in place of an answer."""
    once: bool = False
    """It happens the first time only."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: clients that hang up are what the tests are about."""


@dataclass(slots=True)
class FileServer:
    """Serves `files` by path until the block ends; `asked` has what was asked for: path and Range."""

    files: dict[str, Served] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        outer: FileServer = self

        class Bound(Handler):
            served = outer

        self._server = _Server(("127.0.0.1", 0), Bound)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *ignored: object) -> None:
        self.ended.set()
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Without a slash at its end."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    def put(self, path: str, data: bytes, **more: object) -> str:
        """Serve a file; returns its address."""
        self.files[path] = Served(data, **more)  # type: ignore[arg-type]
        return f"{self.address}/{path}"


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    served: FileServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """As RFC 9110 says of Range and If-Range."""
        path = self.path.lstrip("/")
        self.served.asked.append((path, self.headers.get("Range", "")))
        file = self.served.files.get(path)
        if file is None:
            self.send_error(404)
            return
        if file.instead is not None:
            instead = file.instead
            if file.once:
                file.instead = None
            instead(self, file)
            return
        self.answer(file)

    def answer(self, file: Served, most: int | None = None) -> None:
        """Send the file, or the rest of it; most: break off after so many bytes."""
        start = self.start_of(file)
        data = file.data[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(file.data) - 1}/{len(file.data)}")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", file.etag)
        self.end_headers()
        self.wfile.write(data if most is None else data[:most])
        self.wfile.flush()
        if most is not None:
            self.close_connection = True

    def start_of(self, file: Served) -> int:
        """The first byte to send."""
        asked = self.headers.get("Range", "")
        if not asked or not file.ranges or self.headers.get("If-Range", file.etag) != file.etag:
            return 0
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal is the test runner's."""


def breaking_after(count: int) -> Misbehaviour:
    """The connection ends after so many bytes."""
    return lambda handler, file: handler.answer(file, count)


def redirecting(to: str) -> Misbehaviour:
    """The answer is a redirect."""

    def instead(handler: Handler, file: Served) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return instead


def silent(handler: Handler, file: Served) -> None:
    """Nothing is ever answered."""
    handler.served.ended.wait(30)
    handler.close_connection = True


def trickling(handler: Handler, file: Served) -> None:
    """A byte now and then, as long as anyone listens."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(file.data)))
    handler.end_headers()
    try:
        for number in range(len(file.data)):
            handler.wfile.write(file.data[number : number + 1])
            handler.wfile.flush()
            if handler.served.ended.wait(0.05):
                return
    except OSError:
        handler.close_connection = True


def endless(handler: Handler, file: Served) -> None:
    """More than was promised, in chunks that promise nothing."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    try:
        while not handler.served.ended.is_set():
            handler.wfile.write(b"10000\r\n" + b"\0" * 0x10000 + b"\r\n")
    except OSError:
        handler.close_connection = True
