"""How clips are restored and put back, and the last settings of each project."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from answerprint.errors import InputError
from answerprint.frames.codecs import DEFAULT_CODEC
from answerprint.resolve.put_back.modes import MODES, POOL
from answerprint.store import atomic

__all__ = ["RestoreSettings", "last_settings", "recall_settings", "remember_settings"]

DEFAULT_HANDLES = 24
_MOST_HANDLES = 10_000


@dataclass(frozen=True, slots=True)
class RestoreSettings:
    """What a person chose. handles: source frames before and after. settings: fields of a RestoreRequest.

    folder: for the restored files, "" for beside the sources. codec: "" for ProRes 4444. disable: hide the original
    where the restored one lies above it. audio: whether restored files have the source's sound, as one that replaces
    the source's own file always has. sidecar: whether a file beside each says how it was made. priority, not_before: of
    the jobs.
    """

    put: str = POOL
    handles: int = DEFAULT_HANDLES
    folder: str = ""
    codec: str = DEFAULT_CODEC
    disable: bool = False
    audio: bool = True
    sidecar: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 0
    not_before: float | None = None

    def __post_init__(self) -> None:
        """Raise InputError for an invalid value."""
        if self.put not in MODES:
            raise InputError(f"Clips cannot be put back as {self.put!r}.", f"Choose one of {', '.join(MODES)}.")
        if not 0 <= self.handles <= _MOST_HANDLES:
            raise InputError(f"--handles cannot be {self.handles}.", f"Give 0 to {_MOST_HANDLES} frames.")


def recall_settings(folder: Path, project: str) -> RestoreSettings:
    """The last settings of a project; the defaults if none are kept, or they cannot be read."""
    return _read(_file(folder, project))


def _read(file: Path) -> RestoreSettings:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        known = {name: kept[name] for name in _KEPT if name in kept}
        if not isinstance(known.get("settings", {}), dict):
            return RestoreSettings()
        return RestoreSettings(**known)
    except (OSError, ValueError, TypeError, InputError):
        return RestoreSettings()


def last_settings(folder: Path) -> RestoreSettings:
    """The settings of the project that kept some last; the defaults if none did."""
    try:
        files = [(file.stat().st_mtime_ns, file) for file in folder.glob("wishes-*.json")]
    except OSError:
        return RestoreSettings()
    return _read(max(files)[1]) if files else RestoreSettings()


def remember_settings(folder: Path, project: str, preferences: RestoreSettings) -> None:
    """Keep settings for the next time, without priority and start time. Raises OSError."""
    data = {name: value for name, value in asdict(preferences).items() if name in _KEPT}
    file = _file(folder, project)
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(file, json.dumps(data, indent=1, sort_keys=True).encode(), overwrite=True)


_KEPT = ("put", "handles", "folder", "codec", "disable", "audio", "sidecar", "settings")


def _file(folder: Path, project: str) -> Path:
    # Ids are Resolve's, and may hold anything.
    return folder / f"wishes-{hashlib.sha256(project.encode()).hexdigest()[:16]}.json"
