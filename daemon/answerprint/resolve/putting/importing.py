"""A restored file into the media pool: once, into a bin of ours, as one clip of the right length."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...frames.sequence import SequencePattern, find_sequence
from ..api import Clip, Folder, MediaPool
from ..errors import ResolveError
from ..link.bridge import Value
from .names import BIN
from .readback import frame_count

__all__ = ["bin_names", "find_bin", "import_one", "make_bin", "remove_stills"]


def bin_names(timeline_name: str) -> list[str]:
    """Names of the bins, outermost first, that a clip of that timeline goes to; "" for none."""
    return [BIN, timeline_name] if timeline_name else [BIN]


def find_bin(pool: MediaPool, names: list[str]) -> tuple[Folder, list[str]]:
    """The innermost of the nested bins that is there, and the names of those that are missing below it."""
    folder = pool.root()
    for depth, name in enumerate(names):
        found = next((each for each in folder.folders() if each.name() == name), None)
        if found is None:
            return folder, names[depth:]
        folder = found
    return folder, []


def make_bin(pool: MediaPool, names: list[str]) -> Folder:
    """The innermost of the nested bins; those that are missing are made. Raises ResolveError."""
    folder, missing = find_bin(pool, names)
    for name in missing:
        made = pool.add_folder(folder, name)
        if made is None:
            raise ResolveError(
                f"Resolve makes no bin {name}.", "Look whether the project is read-only, or its media pool locked."
            )
        folder = made
    return folder


def import_one(pool: MediaPool, folder: Folder, path: str, frames: int) -> Clip:
    """Import a file, or a sequence by its pattern, into a bin as one clip of so many frames.

    Raises ResolveError when Resolve makes anything else of it, which is then taken out again.
    """
    problem = f"Resolve imports nothing from {path}."
    for form in _forms(path):
        if not pool.open_folder(folder):
            raise ResolveError(f"Resolve does not open the bin {folder.name()}.", "Close open dialogs, and try again.")
        before = {clip.id() for clip in folder.clips()}
        answered = pool.import_media(form)
        # What lies in the bin afterwards counts: the answer may be empty, or name clips that are elsewhere.
        clips = [clip for clip in folder.clips() if clip.id() not in before]
        if not clips:
            problem = f"Resolve imports nothing from {path}."
            if answered:
                pool.move_clips(answered, folder)
                clips = [clip for clip in folder.clips() if clip.id() not in before]
        if len(clips) == 1 and frame_count(clips[0]) == frames:
            return clips[0]
        if clips:
            problem = (
                f"Resolve makes {len(clips)} clips of {path} instead of one."
                if len(clips) > 1
                else f"Resolve finds {frame_count(clips[0])} frames in {path} instead of {frames}."
            )
            if not pool.delete_clips(clips):
                raise ResolveError(problem, f"Remove what is in the bin {folder.name()} by hand, then try again.")
    raise ResolveError(
        problem,
        "Look whether the file can be read and the project be changed; for pictures, switch off Show Individual Frames"
        " in the Media page's menu. Then use Bring Back Finished.",
    )


def remove_stills(pool: MediaPool, folder: Folder, path: str) -> None:
    """Take single pictures of a sequence out of a bin of ours: what an import that was cut off may have left."""
    pattern = SequencePattern.parse(Path(path))
    if pattern is None:
        return
    stills = [clip for clip in folder.clips() if _is_picture_of(pattern, Path(clip.property("File Path")))]
    if stills:
        pool.delete_clips(stills)


def _is_picture_of(pattern: SequencePattern, file: Path) -> bool:
    return file.parent == pattern.folder and pattern.number_of(file.name) is not None


def _forms(path: str) -> list[list[str] | list[Mapping[str, Value]]]:
    """Ways to name a file; for a sequence the documented one, then the one that works where that is broken."""
    pattern = SequencePattern.parse(Path(path))
    if pattern is None:
        return [[path]]
    found = find_sequence(Path(path))
    last = found.first + len(found.files) - 1
    by_number: list[Mapping[str, Value]] = [{"FilePath": path, "StartIndex": found.first, "EndIndex": last}]
    return [by_number, [str(found.files[0])]]
