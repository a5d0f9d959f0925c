"""Where the program keeps its files: one folder, moved as a whole by `ANSWERPRINT_HOME`.

Paths only: nothing is created here. The standard library only, so that every process can ask.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from answerprint.errors import InputError

__all__ = [
    "config_file",
    "flow_cache_folder",
    "home",
    "logs_folder",
    "models_folder",
    "own_folders",
    "run_folder",
    "scratch_folder",
    "state_folder",
]

_NAME = "answerprint"


def home(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Absolute path of the folder; it need not exist.

    Without `ANSWERPRINT_HOME` it is the platform's place for a user's application data: LOCALAPPDATA on Windows,
    Application Support on macOS, XDG_DATA_HOME elsewhere. Raises InputError when the user has no home folder at all.
    """
    environ = os.environ if environ is None else environ
    named = environ.get("ANSWERPRINT_HOME", "")
    try:
        if named:
            return Path(named).expanduser().absolute()
        if platform == "win32":
            base = _absolute(environ.get("LOCALAPPDATA", "")) or Path.home() / "AppData" / "Local"
            return base / _NAME
        if platform == "darwin":
            return Path.home() / "Library" / "Application Support" / _NAME
        return (_absolute(environ.get("XDG_DATA_HOME", "")) or Path.home() / ".local" / "share") / _NAME
    except RuntimeError as error:  # what pathlib raises when there is no home folder
        raise InputError("There is no home folder to keep files in.", "Set ANSWERPRINT_HOME to a folder.") from error


def _absolute(text: str) -> Path | None:
    """The XDG specification says that relative paths are to be ignored; so are empty ones."""
    return Path(text) if text and Path(text).is_absolute() else None


def models_folder() -> Path:
    """The user's models, one folder each."""
    return home() / "models"


def flow_cache_folder() -> Path:
    """Optical flow that was computed before."""
    return home() / "cache" / "flow"


def state_folder() -> Path:
    """The journal of jobs."""
    return home() / "state"


def scratch_folder() -> Path:
    """Finished chunks of jobs that are not done, one folder a job; the configuration may name another place."""
    return home() / "scratch"


def config_file() -> Path:
    """The user's settings of the daemon; it need not exist."""
    return home() / "config.toml"


def run_folder() -> Path:
    """Sockets and lock files of running processes."""
    return home() / "run"


def logs_folder() -> Path:
    """Log files."""
    return home() / "logs"


def own_folders() -> tuple[Path, ...]:
    """The folders in which the program makes and removes files as it likes: nothing of anybody else belongs there."""
    return (
        state_folder(), scratch_folder(), run_folder(), models_folder(), flow_cache_folder().parent, logs_folder(),
    )  # fmt: skip
