"""The restored file in place of the source's, wherever the clip is used: the last resort, and only frame for frame."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from answerprint.frames.sequence import SequencePattern, find_sequence, names_a_sequence
from answerprint.resolve.api import MediaPoolItem, TimelineItem
from answerprint.resolve.conform.readback import first_number, frame_count
from answerprint.resolve.errors import NoAnswerError
from answerprint.resolve.put_back import placement
from answerprint.resolve.put_back.locate import find_target
from answerprint.resolve.put_back.media_pool_clip import CARRIED, carry_over, same_rate, write_metadata
from answerprint.resolve.put_back.outcome import PlacementError, Report
from answerprint.resolve.put_back.task import PutBackTask
from answerprint.resolve.put_back.track_cache import same_media

__all__ = ["put_in_place", "put_source_back"]

_KEPT = ("File Path", "Frames", "Start", "FPS", *CARRIED)
_NUMBERING = ("Start", "Frames")
_BRACKET = re.compile(r"\[(\d+)-\d+\](?=[^\[\]]*$)")


def put_in_place(work: PutBackTask) -> None:
    """Replace the file of the source's clip. Raises PlacementError, with the clip as it was."""
    clip = _source_clip(work)
    id_, now = clip.id(), _read(clip)
    if not same_media(now.get("File Path", ""), work.path):
        if now.get("File Path") and work.record.doing != "replace":
            _check(work, now)
        with work.step("replace", clip=id_, replaced=_kept(now)):
            _give(clip, work.path)
            work.known.changed(id_)
        after = _read(clip)
        if not same_media(after.get("File Path", ""), work.path) or not _same_numbering(now, after):
            if not put_source_back(clip, work.record.replaced, work.steps):
                raise NoAnswerError("ReplaceClip")  # and the record keeps what the clip was
            work.note(replaced={}, clip="", doing="")
            raise PlacementError("Resolve numbers the frames of the restored file otherwise than those of the source.")
        work.known.clips.add(clip, id_, work.path, work.record.job)
        now = after
    work.learn(doing="", clip=id_)
    write_metadata(work, clip)
    # With the file go the attributes that the user gave the clip; where the job says nothing, they stay.
    kept = {name: value for name, value in work.record.replaced.items() if name in CARRIED}
    carry_over(clip, now, replace(work.place, attributes={**kept, **work.place.attributes}), work.steps)
    work.steps.say("replace", f"{work.place.name} has the restored file now, wherever it is used.")


def put_source_back(clip: MediaPoolItem, kept: Mapping[str, str], steps: Report) -> bool:
    """Give a clip its own file and attributes again, with a warning for each that is lost; whether it has the file."""
    path = kept.get("File Path", "")
    if not same_media(clip.property("File Path"), path):
        _give(clip, path)
    now = clip.properties()
    for name in CARRIED:
        if name in kept and now.get(name, "") != kept[name]:
            clip.set_property(name, kept[name])
    now = clip.properties()
    for name in CARRIED:
        if name in kept and now.get(name, "") != kept[name]:
            steps.warn("attribute", f"{name} of {clip.name()} was {kept[name]} and is lost: set it by hand.")
    ours = clip.notes()
    if ours.get(placement.JOB):
        clip.set_notes({name: "" for name in ours if name.startswith("Answerprint.")})
    return same_media(clip.property("File Path"), path)


def _source_clip(work: PutBackTask) -> MediaPoolItem:
    place = work.place
    item: TimelineItem | None = find_target(work.known, place).item if place.item else None
    clip = item.clip() if item is not None else work.known.clips.with_id(place.clip)
    if clip is None or (place.clip and clip.id() != place.clip):
        raise PlacementError(f"The source's clip {place.name} is no longer where it was.")
    return clip


def _read(clip: MediaPoolItem) -> dict[str, str]:
    """Its properties. Raises NoAnswerError where it has none: Resolve has quit, and that says nothing of the clip."""
    if found := clip.properties():
        return found
    raise NoAnswerError("GetClipProperty")


def _check(work: PutBackTask, now: Mapping[str, str]) -> None:
    """Whether every frame of the source has its restored one under the same number."""
    frames, first, place = frame_count(now), first_number(now), work.place
    if place.restored_first != 0 or work.frames < frames:
        raise PlacementError(
            f"Only frames {place.restored_first} to {place.restored_stop - 1} of {frames} were restored.",
            "To replace a clip, restore all of it.",
        )
    if not same_rate(now.get("FPS", ""), place.rate):
        raise PlacementError(f"{place.name} runs at {now.get('FPS')} frames per second now.")
    path = Path(work.path)
    number = find_sequence(path).first if names_a_sequence(path) and not path.is_file() else 0
    sequence = bool(_BRACKET.search(now.get("File Path", "")))
    if number != (first if sequence else 0) or (first and not sequence):
        raise PlacementError(f"The frames of {place.name} are numbered otherwise than those of the restored file.")


def _same_numbering(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    return all(before.get(name) == after.get(name) for name in _NUMBERING)


def _kept(now: Mapping[str, str]) -> dict[str, str]:
    return {name: now[name] for name in _KEPT if name in now}


def _give(clip: MediaPoolItem, path: str) -> None:
    """Replace a clip's file. What Resolve takes for a sequence is not documented: its first picture, or its numbers."""
    for form in _forms(path):
        clip.replace(form)
        if same_media(clip.property("File Path"), path):
            return


def _forms(path: str) -> list[str]:
    if bracket := _BRACKET.search(path):
        return [f"{path[: bracket.start()]}{bracket[1]}{path[bracket.end() :]}", path]
    if not names_a_sequence(Path(path)) or Path(path).is_file():
        return [path]
    files = find_sequence(Path(path)).files
    pattern = SequencePattern.parse(Path(path))
    if pattern is None:  # a folder
        return [str(files[0])]
    first, last = (
        file.name[len(pattern.prefix) : len(file.name) - len(pattern.suffix)] for file in (files[0], files[-1])
    )
    return [str(files[0]), str(pattern.folder / f"{pattern.prefix}[{first}-{last}]{pattern.suffix}")]
