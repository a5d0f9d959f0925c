"""Where restored files lie and what they are called: beside their source, and never under a name that is taken."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from answerprint.errors import InputError
from answerprint.frames.codecs import codec_named

__all__ = ["FOLDER", "Taken", "folder_for", "restored_path"]

FOLDER = "Restored"
_UNFIT = re.compile(r"[^\w.,+()@-]+")  # what some system refuses in a name, or a shell takes for something else
_LONGEST = 120  # characters of a name, leaving room for version and suffix on every file system
_MOST_VERSIONS = 99_999


class Taken(set[str]):
    """Paths that nothing else may get, such as outputs of jobs that have not written them yet.

    Remembers which version of each name came last: a long list uses one file in thousands of pieces, and to begin
    with the first version for each of them would take hours.
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        """paths: to begin with."""
        super().__init__(paths)
        self.versions: dict[str, int] = {}


def folder_for(source: Path, project: str, wanted: Path | None = None) -> Path:
    """The folder for what is restored of a source, made if need be.

    wanted: the one that was asked for. Otherwise `Restored` beside the source, or where that cannot be written to (a
    card, a read-only share) one for the project in the user's folder of films. Raises InputError when none can be had.
    """
    places = [wanted] if wanted else [source.parent / FOLDER, _films() / "Answerprint" / _fit(project)]
    for place in places:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(place, os.W_OK):
            return place
    raise InputError(f"{places[-1]} cannot be written to.", "Name another folder with --folder.")


def restored_path(folder: Path, name: str, taken: Collection[str], codec: str = "") -> Path:
    """A path for a restored clip: `<name>_restored_v01.mov`, the first version that is on no disk and in no queue.

    codec: of the file, "" for ProRes. Pictures get a folder of their own, which is made, and a pattern in it. taken:
    outputs of jobs that have not written them yet; with `Taken`, many names are found as fast as one. Raises
    InputError when there is no name left, no such codec, or no folder can be made for pictures.
    """
    info = codec_named(codec)
    stem, suffix = _fit(Path(name).stem), info.suffixes[0]
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
    raise InputError(f"{folder} holds {_MOST_VERSIONS} versions of {stem}.", "Clear it, or name another --folder.")


def _make(folder: Path) -> None:
    try:
        folder.mkdir()
    except OSError as error:
        raise InputError(
            f"{folder} cannot be made ({error.strerror}).", "Name another folder with --folder."
        ) from error


def _fit(name: str) -> str:
    return _UNFIT.sub("_", name).strip("_. ")[:_LONGEST] or "clip"


def _films(platform: str = sys.platform) -> Path:
    return Path.home() / ("Movies" if platform == "darwin" else "Videos")
