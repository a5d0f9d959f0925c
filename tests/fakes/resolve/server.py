"""Answers other processes, and the bridge of this one: every call of Resolve's API passes here."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from typing import Any

from fakes.resolve.app import Resolve
from fakes.resolve.calls import Node, offered, perform
from fakes.resolve.constants import CONSTANTS
from fakes.resolve.world import World

__all__ = ["Server"]

_BLOCKING = frozenset({"ProjectManager.SaveProject", "Resolve.Quit"})


class Server:
    """gate: called with Class.Method before and after each call; may block, or make Resolve quit."""

    def __init__(self, world: World, application: Callable[[], Resolve], gate: Callable[[str, str], None]) -> None:
        self._world, self._application, self._gate = world, application, gate
        self._objects: dict[int, tuple[int, Node]] = {}
        self._socket: socket.socket | None = None
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.password = world.new_id()
        self.seconds = 0.0
        """Processor time that calls took here: a real one takes its own for them."""

    # The wire

    def start(self) -> str:
        """Listen; returns the address."""
        if self._socket is None:
            self._socket = socket.create_server(("127.0.0.1", 0))
            self._begin(self._accept, self._socket)
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def close(self) -> None:
        """Let nobody in any more, and end all conversations."""
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept() on Linux
            except OSError:
                with socket.create_connection(self._socket.getsockname()):
                    pass
            self._socket.close()
            self._socket = None
        for each in self._connections:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._threads.clear()

    def _begin(self, work: Callable[[socket.socket], None], what: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(what,), name="fake Resolve", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._begin(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            try:
                for line in lines:
                    connection.sendall(json.dumps(self.ask(json.loads(line))).encode() + b"\n")
            except OSError:
                return

    # The answers

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one question."""
        try:
            return self._answer(question)
        except Exception as error:  # noqa: BLE001 - a mistake of the fake's has to fail the test, not hang it
            self._world.violated(f"the fake broke at {question}: {type(error).__name__}: {error}")
            return {"value": None}

    def _answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        if "application" in question:
            return {"value": self._enter(question)}
        if "names" in question:
            node = self._find(question["names"])
            return {"value": [] if node is None else sorted(self._names(node))}
        if "attribute" in question:
            return self._attribute(*question["attribute"])
        return {"value": self._call(*question["call"])}

    def _enter(self, question: Mapping[str, Any]) -> object:
        world = self._world
        inside = question.get("inside") == self.password
        if not world.running or (world.free and not inside):
            return None
        application = self._application()
        names: dict[str, Node] = {"Resolve": application, "Fusion": application.fusion}
        return self._encode(names.get(str(question["application"])))

    def _names(self, node: Node) -> list[str]:
        extra = list(CONSTANTS) if isinstance(node, Resolve) else []
        return [*offered(node), *extra]

    def _attribute(self, number: int, name: str) -> dict[str, Any]:
        node = self._find(number)
        if node is None:
            return {"method": True}  # calls on what is lost give nothing
        if name in offered(node):
            return {"method": True}
        if isinstance(node, Resolve) and name in CONSTANTS:
            return {"value": CONSTANTS[name]}
        if node.kind == "Fusion" and name == "UIManager":
            if self._world.free and self._world.version >= (19, 1):
                self._world.modal = self._world.quirks.modal_lock
                return {"value": None}
            # The toolkit itself is where its windows are: in the script's own process.
            return {"value": True if self._world.people else None}
        self._world.violated(f"{node.kind} has no {name} in {'.'.join(map(str, self._world.version))}")
        return {"value": None}

    def _call(self, number: int, name: str, arguments: list[object]) -> object:
        world = self._world
        node = self._find(number)
        if node is None or name not in offered(node):
            self._gate("before", "")
            return None
        what = f"{node.kind}.{name}"
        session = world.session
        with world.lock:
            world.calls.append(what)
        self._gate("before", what)
        if world.session != session or not world.running:
            return None
        with nullcontext() if what in _BLOCKING else world.lock:
            began = time.thread_time()
            answer = self._encode(perform(node, name, [self._decode(each) for each in arguments]))
            self.seconds += time.thread_time() - began
        self._gate("after", what)
        return answer if world.session == session and world.running else None

    def _find(self, number: int) -> Node | None:
        session, node = self._objects.get(number, (0, None))
        return node if session == self._world.session and self._world.running else None

    def _encode(self, value: Any) -> object:  # noqa: ANN401 - whatever a call answers
        if isinstance(value, Node):
            number = len(self._objects) + 1
            self._objects[number] = (self._world.session, value)
            return {"ref": number, "kind": value.kind}
        if isinstance(value, dict):
            return {"map": [[self._encode(key), self._encode(each)] for key, each in value.items()]}
        if isinstance(value, (list, tuple)):
            return [self._encode(each) for each in value]
        return value

    def _decode(self, value: Any) -> Any:  # noqa: ANN401 - whatever is sent
        if isinstance(value, list):
            return [self._decode(each) for each in value]
        if isinstance(value, dict):
            if "ref" in value:
                return self._find(value["ref"])
            return {self._decode(key): self._decode(each) for key, each in value["map"]}
        return value
