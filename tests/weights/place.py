"""A user's model folder, a model that is known in it, and a file beside it that nothing may touch."""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from answerprint.weights.importing.child import Fit, convert_in_child
from answerprint.weights.published_models import KnownFile, KnownModel, Licence
from answerprint.weights.pulling.download import Download
from answerprint.weights.pulling.pull import PullOptions, PullProgress, pull
from answerprint.weights.pulling.transfer import Route, TransferTimeouts
from answerprint.weights.settings import ModelSettings
from weights.server import FileServer

__all__ = ["INDEX", "NAME", "Place", "anything", "convert", "converting", "known", "sha256", "tensors"]

NAME = "stranger"
INDEX = json.dumps({"_class_name": "LDMSuperResolutionPipeline"}).encode()
_LICENCE = Licence("MIT", "MIT License", "https://spdx.org/licenses/MIT", "Do what you like.")
_VICTIM = b"precious"
_YES = PullOptions(accept_licence=True)


def converting(kind: str) -> list[str]:
    """The start of the command line of the converting child."""
    assert kind == "convert"
    return [sys.executable, "-P", "-m", "answerprint.weights.importing.convert"]


def anything(*ignored: object, **also: object) -> None:
    """In place of the check whether files make a model: the weights of most tests make none."""


convert = partial(convert_in_child, child_command=converting)


def tensors(name: str = "a", data: bytes = b"\0" * 4096) -> bytes:
    """A .safetensors file with one tensor."""
    header = json.dumps({name: {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}).encode()
    return struct.pack("<Q", len(header)) + header + data


def sha256(data: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def known(files: Sequence[KnownFile], name: str = NAME) -> KnownModel:
    """A known model of the family ldm_sr."""
    return KnownModel(name, "ldm_sr", "1", 4, "of the tests", _LICENCE, tuple(files))


@dataclass(slots=True)
class Place:
    """models: the user's folder. victim: a file beside it."""

    folder: Path
    server: FileServer
    settings: ModelSettings = field(default_factory=ModelSettings)
    steps: list[PullProgress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.models.mkdir(parents=True, exist_ok=True)
        self.victim.write_bytes(_VICTIM)

    @property
    def models(self) -> Path:
        return self.folder / "home" / "models"

    @property
    def final(self) -> Path:
        return self.models / NAME

    @property
    def victim(self) -> Path:
        return self.folder / "home" / "victim.txt"

    def unharmed(self) -> bool:
        """Whether nothing outside was touched, and no model appeared."""
        beside = {path.name for path in (self.folder / "home").iterdir()}
        return self.victim.read_bytes() == _VICTIM and not self.final.exists() and beside == {"models", "victim.txt"}

    def file(self, name: str, data: bytes, *, hashed: bool = True, **more: Any) -> KnownFile:  # noqa: ANN401
        """A known file that the server has."""
        address = self.server.put(more.pop("path", name), data, **more.pop("served", {}))
        facts: Mapping[str, Any] = {"size": len(data), "sha256": sha256(data)} if hashed else {}
        return KnownFile(name, (address,), **{**facts, **more})

    def index(self) -> KnownFile:
        """The file that every model of the tests begins with."""
        return self.file("model_index.json", INDEX)

    def pull(
        self,
        *files: KnownFile,
        wishes: PullOptions = _YES,
        cancelled: threading.Event | None = None,
        on_progress: Callable[[PullProgress], None] | None = None,
        rounds: int = 3,
        fit: Fit = anything,
    ) -> Path:
        """Pull a model of these files with little patience."""
        route = Route(timeouts=TransferTimeouts(silence_seconds=0.5, window_seconds=0.4, window_bytes=1000))
        return pull(
            known(files), self.models, self.settings, wishes, on_progress=on_progress or self.steps.append,
            cancelled=cancelled, download=Download(route, rounds=rounds, backoff_seconds=0.01), convert=convert,
            fit=fit,
        )  # fmt: skip
