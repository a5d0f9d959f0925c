"""Resolve's scripting module, as it looks from a script; standard library only.

Its objects behave as the real ones: every attribute can be read, what does not exist is None, dir() tells the truth.
"""

import json
import os
import socket
import threading
from typing import Any


class Link:
    """A conversation with the running program: one question, one answer, both lines of JSON."""

    def __init__(self, address: str) -> None:
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)))
        self._lines = self._socket.makefile("rb")
        self._lock = threading.Lock()

    def ask(self, question: Any) -> Any:  # noqa: ANN401 - JSON
        with self._lock:
            try:
                self._socket.sendall(json.dumps(question).encode("utf-8") + b"\n")
                line = self._lines.readline()
            except OSError:
                line = b""
        return json.loads(line.decode("utf-8")) if line else {"value": None}


class Remote:
    """An object that lives in Resolve."""

    def __init__(self, link: Any, number: int, kind: str) -> None:  # noqa: ANN401 - a link, or what stands for one
        self.__dict__.update(_link=link, _number=number, _kind=kind)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method, a value or None
        if name.startswith("__"):
            raise AttributeError(name)
        found = self._link.ask({"attribute": [self._number, name]})
        if found.get("method"):
            return lambda *arguments: self._call(name, arguments)
        return decode(self._link, found.get("value"))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)

    def __dir__(self) -> Any:  # noqa: ANN401 - a list of names
        return self._link.ask({"names": self._number}).get("value") or []

    def __repr__(self) -> str:
        return "<Remote {}>".format(self.__dict__["_kind"])

    def _call(self, name: str, arguments: Any) -> Any:  # noqa: ANN401 - what Resolve answers
        answer = self._link.ask({"call": [self._number, name, [encode(each) for each in arguments]]})
        return decode(self._link, answer.get("value"))


def encode(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Remote):
        return {"ref": value.__dict__["_number"], "kind": value.__dict__["_kind"]}
    if isinstance(value, dict):
        return {"map": [[encode(key), encode(each)] for key, each in value.items()]}
    if isinstance(value, (list, tuple)):
        return [encode(each) for each in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"Resolve cannot take {value!r}")


def decode(link: Any, value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [decode(link, each) for each in value]
    if isinstance(value, dict):
        if "ref" in value:
            return Remote(link, value["ref"], value["kind"])
        return {decode(link, key): decode(link, each) for key, each in value["map"]}
    return value


def scriptapp(name: str, inside: str = "") -> Any:  # noqa: ANN401 - an object of Resolve's, or None
    """The program that runs, or None. inside: what lets a script of Resolve's own menu in."""
    address = os.environ.get("FAKE_RESOLVE")
    if not address:
        return None
    try:
        link = Link(address)
    except OSError:
        return None
    return decode(link, link.ask({"application": name, "inside": inside}).get("value"))
