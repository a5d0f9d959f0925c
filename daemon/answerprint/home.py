"""The folder with all files of the program; `ANSWERPRINT_HOME` moves it.

Only paths: nothing is created here. Standard library only, so that every process can import it.
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
    "frame_cache_folder",
    "home",
    "logs_folder",
    "models_folder",
    "own_folders",
    "presets_folder",
    "run_folder",
    "scratch_folder",
    "state_folder",
]

_NAME = "answerprint"


def home(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Absolute path of the home folder; it need not exist.

    The default is the platform's folder for application data: LOCALAPPDATA on Windows, Application Support on macOS,
    XDG_DATA_HOME elsewhere. Raises InputError if the user has no home folder.
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
    except RuntimeError as error:  # pathlib raises it if there is no home folder
        raise InputError("This user has no home folder.", "Set ANSWERPRINT_HOME to a folder.") from error


def _absolute(text: str) -> Path | None:
    """The path, if it is absolute: the XDG specification says to ignore relative ones."""
    return Path(text) if text and Path(text).is_absolute() else None


def models_folder() -> Path:
    """Installed models, one folder each."""
    return home() / "models"


def flow_cache_folder() -> Path:
    """The cache of optical flow."""
    return home() / "cache" / "flow"


def frame_cache_folder() -> Path:
    """The cache of restored frames that the OpenFX node shows."""
    return home() / "cache" / "frames"


def state_folder() -> Path:
    """The journal of jobs."""
    return home() / "state"


def scratch_folder() -> Path:
    """Finished chunks of unfinished jobs, one folder per job; config.toml may set another folder."""
    return home() / "scratch"


def config_file() -> Path:
    """The settings of the daemon; it need not exist."""
    return home() / "config.toml"


def presets_folder() -> Path:
    """The user's presets, one file each."""
    return home() / "presets"


def run_folder() -> Path:
    """Sockets and lock files of running processes."""
    return home() / "run"


def logs_folder() -> Path:
    """Log files."""
    return home() / "logs"


def own_folders() -> tuple[Path, ...]:
    """The folders in which the program creates and deletes files freely; no other files belong there."""
    return (
        state_folder(), scratch_folder(), run_folder(), models_folder(), flow_cache_folder().parent, logs_folder(),
        presets_folder(),
    )  # fmt: skip
