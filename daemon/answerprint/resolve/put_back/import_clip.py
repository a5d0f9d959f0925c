"""Imports a restored file into a bin of ours: once, as one clip of the right length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from answerprint.frames.sequence import SequencePattern, find_sequence, same_media
from answerprint.resolve.api import Folder, MediaPool, MediaPoolItem, pipelined
from answerprint.resolve.bridge.bridge import BridgeValue
from answerprint.resolve.conform.readback import frame_count
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.placement import BIN_NAME

__all__ = ["Imported", "bin_names", "find_bin", "import_one", "make_bin", "remove_stills"]


@dataclass(frozen=True, slots=True)
class Imported:
    """A new clip, its attributes, and how many clips are in its bin now."""

    clip: MediaPoolItem
    id: str
    properties: Mapping[str, str]
    there: int


def bin_names(timeline_name: str) -> list[str]:
    """Names of the nested bins, outermost first, for clips of a timeline; "" for no timeline."""
    return [BIN_NAME, timeline_name] if timeline_name else [BIN_NAME]


def find_bin(pool: MediaPool, names: list[str]) -> tuple[Folder, list[str]]:
    """The innermost of the nested bins that exists, and the names of those that are missing below it."""
    folder = pool.root()
    for depth, name in enumerate(names):
        found = next((each for each in folder.folders() if each.name() == name), None)
        if found is None:
            return folder, names[depth:]
        folder = found
    return folder, []


def make_bin(pool: MediaPool, names: list[str]) -> Folder:
    """The innermost of the nested bins, created with those above it if missing. Raises ResolveError."""
    folder, missing = find_bin(pool, names)
    for name in missing:
        made = pool.add_folder(folder, name)
        if made is None:
            raise ResolveError(
                f"Resolve could not create bin {name}.",
                "Check that the project is not read-only and its media pool not locked.",
            )
        folder = made
    return folder


def import_one(
    pool: MediaPool, open_bin: Callable[[], Folder], path: str, frames: int, old: Callable[[str], bool]
) -> Imported:
    """Import a file, or a sequence by its pattern, into a bin as one clip of that many frames.

    open_bin: opens the bin. old: whether the clip with an id was there before. Raises ResolveError if Resolve makes
    anything else of the file, which is then deleted again.
    """
    problem = f"Resolve could not import {path}."
    for form in _forms(path):
        folder = open_bin()
        before = folder.clips()
        returned = pool.import_media(form)
        with pipelined(returned, ("GetUniqueId",), ("GetClipProperty",)):
            after = folder.clips()
            found = _as_asked(returned, len(after) - len(before), len(after), path, frames, old)
        if found is not None:
            return found
        # What is in the bin counts: the call may return nothing, or clips in other bins.
        old_ids = {clip.id() for clip in before}
        clips = [clip for clip in after if clip.id() not in old_ids]
        if not clips:
            problem = f"Resolve could not import {path}."
            if returned:
                pool.move_clips(returned, folder)
                clips = [clip for clip in folder.clips() if clip.id() not in old_ids]
        if len(clips) == 1:
            properties = clips[0].properties()
            if frame_count(properties) == frames:
                return Imported(clips[0], clips[0].id(), properties, len(before) + 1)
            problem = f"Resolve found {frame_count(properties)} frames in {path} instead of {frames}."
        elif clips:
            problem = f"Resolve made {len(clips)} clips of {path} instead of one."
        if clips and not pool.delete_clips(clips):
            raise ResolveError(problem, f"Empty the bin {folder.name()} by hand, then try again.")
    raise ResolveError(
        problem,
        "Check that the file can be read and the project changed; for a sequence, turn off Show Individual Frames in"
        " the Media page's menu. Then use Bring Back Finished.",
    )


def _as_asked(
    returned: list[MediaPoolItem], more: int, there: int, path: str, frames: int, old: Callable[[str], bool]
) -> Imported | None:
    """The clip that Resolve returned, if it is certainly the new one; this saves reading every clip in the bin."""
    if len(returned) != 1 or more != 1:
        return None
    id_, properties = returned[0].id(), returned[0].properties()
    sure = id_ and not old(id_) and same_media(properties.get("File Path", ""), path)
    return Imported(returned[0], id_, properties, there) if sure and frame_count(properties) == frames else None


def remove_stills(pool: MediaPool, folder: Folder, path: str) -> None:
    """Delete single pictures of a sequence from a bin of ours: an interrupted import may have left them."""
    pattern = SequencePattern.parse(Path(path))
    if pattern is None:
        return
    stills = [clip for clip in folder.clips() if _is_picture_of(pattern, Path(clip.property("File Path")))]
    if stills:
        pool.delete_clips(stills)


def _is_picture_of(pattern: SequencePattern, file: Path) -> bool:
    return file.parent == pattern.folder and pattern.number_of(file.name) is not None


def _forms(path: str) -> list[list[str] | list[Mapping[str, BridgeValue]]]:
    """Ways to name a file; for a sequence the documented one, then one that works where that fails."""
    pattern = SequencePattern.parse(Path(path))
    if pattern is None:
        return [[path]]
    found = find_sequence(Path(path))
    last = found.first + len(found.files) - 1
    by_number: list[Mapping[str, BridgeValue]] = [{"FilePath": path, "StartIndex": found.first, "EndIndex": last}]
    return [by_number, [str(found.files[0])]]
