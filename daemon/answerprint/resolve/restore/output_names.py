"""Folders and names of restored files: beside their source, and never a name that is in use."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from answerprint.errors import InputError
from answerprint.frames.codec_choice import codec_by_kind
from answerprint.text import shortened

__all__ = ["FOLDER", "Taken", "folder_for", "restored_path"]

FOLDER = "Restored"
_UNFIT = re.compile(r"[^\w.,+()@-]+")  # what some system refuses in a name, or a shell interprets
_LONGEST = 120  # characters of a name, leaving room for version and suffix on every file system
_LONGEST_BYTES = 200  # of the 255 that file systems take
_MOST_VERSIONS = 99_999


class Taken(set[str]):
    """Paths that are reserved, such as outputs of queued jobs.

    Remembers the last version of each name: a long list uses one file in thousands of pieces, and a search from
    version 1 for each would take hours.
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        """paths: to begin with."""
        super().__init__(paths)
        self.versions: dict[str, int] = {}


def folder_for(source: Path, project: str, wanted: Path | None = None) -> Path:
    """The folder for files restored from a source, created if missing.

    wanted: the user's choice. Otherwise `Restored` beside the source, or if that is not writable (a card, a read-only
    share) a folder for the project in the user's folder of films. Raises InputError if none is writable.
    """
    places = [wanted] if wanted else [source.parent / FOLDER, _films() / "Answerprint" / _fit(project)]
    for place in places:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(place, os.W_OK):
            return place
    raise InputError(f"{places[-1]} is not writable.", "Choose another folder with --folder.")


def restored_path(folder: Path, name: str, taken: Collection[str], codec: str = "", coding: str = "") -> Path:
    """A path for a restored clip: `<name>_restored_v01.mov`, the first version that neither exists nor is in `taken`.

    codec: of the file, "" for ProRes. coding: what the source holds, for a codec of its kind. An image sequence gets a
    new folder of its own, and a pattern in it. taken: outputs of queued jobs; with `Taken`, many names are found as
    fast as one. Raises InputError if no name is left, there is no such codec, or the folder cannot be created.
    """
    info, suffix = codec_by_kind(codec, coding, Path(name).suffix)
    stem = _fit(Path(name).stem)
    base = str(folder / f"{stem}_restored_v")
    versions = taken.versions if isinstance(taken, Taken) else {}
    for version in range(versions.get(base, 1), _MOST_VERSIONS + 1):
        place = f"{base}{version:02d}"
        picture = f"{place}/{stem}_restored_v{version:02d}.%06d{suffix}"
        path = Path(picture if info.is_sequence else f"{place}{suffix}")
        if str(path) in taken or os.path.lexists(place if info.is_sequence else path):
            continue
        if info.is_sequence:
            _make(Path(place))
        versions[base] = version
        return path
    raise InputError(f"{folder} holds {_MOST_VERSIONS} versions of {stem}.", "Clear it, or choose another --folder.")


def _make(folder: Path) -> None:
    try:
        folder.mkdir()
    except OSError as error:
        raise InputError(
            f"Could not create {folder} ({error.strerror}).", "Choose another folder with --folder."
        ) from error


def _fit(name: str) -> str:
    return shortened(_UNFIT.sub("_", name).strip("_. ")[:_LONGEST], _LONGEST_BYTES) or "clip"


def _films(platform: str = sys.platform) -> Path:
    return Path.home() / ("Movies" if platform == "darwin" else "Videos")
