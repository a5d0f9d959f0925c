"""The bridge's own program in a thread of this process."""

from __future__ import annotations

import importlib.util
import json
import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from answerprint.resolve.bridge.bridge import Bridge
from fakes.resolve.server import Server

__all__ = ["InProcessBridge", "load"]

_HERE = Path(__file__).resolve().parent
_BRIDGE = _HERE.parents[2] / "resolve_scripts" / "answerprint_bridge.py"
_MODULE = _HERE / "api" / "Modules" / "DaVinciResolveScript.py"


class _Link:
    """What the module needs of a connection, without one; goes through JSON all the same."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def ask(self, question: Any) -> Any:  # noqa: ANN401 - JSON
        return json.loads(json.dumps(self._server.ask(json.loads(json.dumps(question)))))


class InProcessBridge:
    """Attached like a menu script. bridge: the client's side."""

    def __init__(self, server: Server) -> None:
        module, program = load(_MODULE), load(_BRIDGE)
        link = _Link(server)
        answer = link.ask({"application": "Resolve", "inside": server.password})
        root = module.decode(link, answer["value"])
        self._ours, self._theirs = socket.socketpair()
        self._reading, self._writing = self._theirs.makefile("rb"), self._theirs.makefile("wb")
        self._answers, self._requests = self._ours.makefile("rb"), self._ours.makefile("wb", buffering=0)
        self._thread = threading.Thread(target=self._serve, args=(program, root), name="bridge program", daemon=True)
        self._thread.start()
        self.bridge = Bridge(self._answers, self._requests)  # type: ignore[arg-type]
        try:
            self.bridge.hello()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the conversation."""
        for each in (self._ours, self._theirs):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        for file in (self._reading, self._writing, self._answers, self._requests):
            with suppress(OSError, ValueError):
                file.close()
        self._ours.close()
        self._theirs.close()

    def _serve(self, program: ModuleType, root: object) -> None:
        with suppress(OSError, ValueError):  # the other side is gone
            program.serve(root, self._reading, self._writing)


def load(path: Path) -> ModuleType:
    """A module by its file, new each time."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
