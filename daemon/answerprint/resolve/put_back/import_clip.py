"""A restored file into the media pool: once, into a bin of ours, as one clip of the right length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from answerprint.frames.sequence import SequencePattern, find_sequence
from answerprint.resolve.api import Folder, MediaPool, MediaPoolItem, pipelined
from answerprint.resolve.bridge.bridge import Value
from answerprint.resolve.conform.readback import frame_count
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.placement import BIN
from answerprint.resolve.put_back.track_cache import same_media

__all__ = ["Imported", "bin_names", "find_bin", "import_one", "make_bin", "remove_stills"]


@dataclass(frozen=True, slots=True)
class Imported:
    """A new clip, what it says of itself, and how many clips are in its bin now."""

    clip: MediaPoolItem
    id: str
    properties: Mapping[str, str]
    there: int


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


def import_one(
    pool: MediaPool, open_bin: Callable[[], Folder], path: str, frames: int, old: Callable[[str], bool]
) -> Imported:
    """Import a file, or a sequence by its pattern, into a bin as one clip of so many frames.

    open_bin: opens it. old: whether a clip of that id is not new. Raises ResolveError when Resolve makes anything else
    of it, which is then taken out again.
    """
    problem = f"Resolve imports nothing from {path}."
    for form in _forms(path):
        folder = open_bin()
        before = folder.clips()
        answered = pool.import_media(form)
        with pipelined(answered, ("GetUniqueId",), ("GetClipProperty",)):
            after = folder.clips()
            found = _as_asked(answered, len(after) - len(before), len(after), path, frames, old)
        if found is not None:
            return found
        # What lies in the bin now counts: the answer may be empty, or name clips that are elsewhere.
        known = {clip.id() for clip in before}
        clips = [clip for clip in after if clip.id() not in known]
        if not clips:
            problem = f"Resolve imports nothing from {path}."
            if answered:
                pool.move_clips(answered, folder)
                clips = [clip for clip in folder.clips() if clip.id() not in known]
        if len(clips) == 1:
            properties = clips[0].properties()
            if frame_count(properties) == frames:
                return Imported(clips[0], clips[0].id(), properties, len(before) + 1)
            problem = f"Resolve finds {frame_count(properties)} frames in {path} instead of {frames}."
        elif clips:
            problem = f"Resolve makes {len(clips)} clips of {path} instead of one."
        if clips and not pool.delete_clips(clips):
            raise ResolveError(problem, f"Remove what is in the bin {folder.name()} by hand, then try again.")
    raise ResolveError(
        problem,
        "Look whether the file can be read and the project be changed; for pictures, switch off Show Individual Frames"
        " in the Media page's menu. Then use Bring Back Finished.",
    )


def _as_asked(
    answered: list[MediaPoolItem], more: int, there: int, path: str, frames: int, old: Callable[[str], bool]
) -> Imported | None:
    """What was answered, if that and the bin leave no doubt: so that not every clip in the bin has to be asked."""
    if len(answered) != 1 or more != 1:
        return None
    id_, properties = answered[0].id(), answered[0].properties()
    sure = id_ and not old(id_) and same_media(properties.get("File Path", ""), path)
    return Imported(answered[0], id_, properties, there) if sure and frame_count(properties) == frames else None


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
