"""Mode `replace`: the clip of the source gets the restored file, wherever it is used; only frame for frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from answerprint.frames.sequence import BracketRange, SequencePattern, find_sequence, names_a_sequence, same_media
from answerprint.resolve.api import MediaPoolItem, TimelineItem
from answerprint.resolve.conform.readback import first_number, frame_count
from answerprint.resolve.errors import NoAnswerError
from answerprint.resolve.put_back import placement
from answerprint.resolve.put_back.locate import find_target
from answerprint.resolve.put_back.media_pool_clip import COPIED_ATTRIBUTES, copy_attributes, same_rate, write_metadata
from answerprint.resolve.put_back.outcome import PlacementError, Report
from answerprint.resolve.put_back.project_cache import Clips
from answerprint.resolve.put_back.task import PutBackTask, UndoTask

__all__ = ["has_restored_file", "replace_file", "undo_replace"]

_KEPT = ("File Path", "Frames", "Start", "FPS", *COPIED_ATTRIBUTES)
_NUMBERING = ("Start", "Frames")


def replace_file(task: PutBackTask) -> None:
    """Replace the file of the source's clip. Raises PlacementError, with the clip as it was."""
    clip = _source_clip(task)
    id_, now = clip.id(), _properties(clip)
    if not same_media(now.get("File Path", ""), task.path):
        if now.get("File Path") and task.record.doing != "replace":
            _check(task, now)
        with task.step("replace", clip=id_, replaced=_kept(now)):
            _set_file(clip, task.path)
            task.cache.changed(id_)
        after = _properties(clip)
        if not same_media(after.get("File Path", ""), task.path) or not _same_numbering(now, after):
            if not _revert_file(clip, task.record.replaced, task.report):
                raise NoAnswerError("ReplaceClip")  # the record still says what the clip was
            task.save(replaced={}, clip="", doing="")
            raise PlacementError(
                "Resolve numbers the frames of the restored file differently from those of the source."
            )
        task.cache.clips.add(clip, id_, task.path, task.record.job)
        now = after
    task.update(doing="", clip=id_)
    write_metadata(task, clip)
    # Replacing the file drops the attributes that the user gave the clip; keep those that the job does not set.
    kept = {name: value for name, value in task.record.replaced.items() if name in COPIED_ATTRIBUTES}
    copy_attributes(clip, now, replace(task.place, attributes={**kept, **task.place.attributes}), task.report)
    task.report.info("replace", f"{task.place.name} has the restored file now, wherever it is used.")


def has_restored_file(task: PutBackTask) -> bool:
    """Whether the clip still has the restored file."""
    clip = task.clip()
    return clip is not None and same_media(clip.property("File Path"), task.path)


def undo_replace(task: UndoTask) -> None:
    """Give the clip its former file and attributes again. Raises ResolveError."""
    record, report = task.record, task.report
    if not record.replaced:
        return
    clip = Clips(task.project.pool()).with_id(record.clip)
    file = "" if clip is None else clip.property("File Path")
    # An interrupted undo may have given it the file already, and not yet the attributes.
    if clip is None or not any(same_media(file, each) for each in (record.path, record.replaced["File Path"])):
        report.warn("replace", "The clip has another file by now; it is left as it is.")
    elif _revert_file(clip, record.replaced, report):
        report.info("replace", f"The clip has its former file again: {record.replaced.get('File Path')}")
    else:
        raise task.not_removed(f"the restored file from the clip {clip.name()}")


def _revert_file(clip: MediaPoolItem, kept: Mapping[str, str], report: Report) -> bool:
    """Give a clip its former file and attributes, and warn of each that is lost; whether it has the file."""
    path = kept.get("File Path", "")
    if not same_media(clip.property("File Path"), path):
        _set_file(clip, path)
    now = clip.properties()
    for name in COPIED_ATTRIBUTES:
        if name in kept and now.get(name, "") != kept[name]:
            clip.set_property(name, kept[name])
    now = clip.properties()
    for name in COPIED_ATTRIBUTES:
        if name in kept and now.get(name, "") != kept[name]:
            report.warn("attribute", f"{name} of {clip.name()} was {kept[name]} and is lost. Set it by hand.")
    notes = clip.notes()
    if notes.get(placement.JOB):
        clip.set_notes({name: "" for name in notes if name.startswith("Answerprint.")})
    return same_media(clip.property("File Path"), path)


def _source_clip(task: PutBackTask) -> MediaPoolItem:
    place = task.place
    item: TimelineItem | None = find_target(task.cache, place).item if place.item else None
    clip = item.clip() if item is not None else task.cache.clips.with_id(place.clip)
    if clip is None or (place.clip and clip.id() != place.clip):
        raise PlacementError(f"The source clip {place.name} is no longer where it was.")
    return clip


def _properties(clip: MediaPoolItem) -> dict[str, str]:
    """Clip attributes. Raises NoAnswerError if there are none: then Resolve has quit, and the clip may be fine."""
    if found := clip.properties():
        return found
    raise NoAnswerError("GetClipProperty")


def _check(task: PutBackTask, now: Mapping[str, str]) -> None:
    """Raise PlacementError unless every frame of the source was restored under its own number."""
    frames, first, place = frame_count(now), first_number(now), task.place
    if place.restored_first != 0 or task.frames < frames:
        raise PlacementError(
            f"Only frames {place.restored_first} to {place.restored_stop - 1} of {frames} were restored.",
            "To replace a clip, restore all of it.",
        )
    if not same_rate(now.get("FPS", ""), place.rate):
        raise PlacementError(f"{place.name} runs at {now.get('FPS')} frames per second now.")
    path = Path(task.path)
    number = find_sequence(path).first if names_a_sequence(path) and not path.is_file() else 0
    sequence = BracketRange.parse(now.get("File Path", "")) is not None
    if number != (first if sequence else 0) or (first and not sequence):
        raise PlacementError(f"The frames of {place.name} are numbered differently from those of the restored file.")


def _same_numbering(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    return all(before.get(name) == after.get(name) for name in _NUMBERING)


def _kept(now: Mapping[str, str]) -> dict[str, str]:
    return {name: now[name] for name in _KEPT if name in now}


def _set_file(clip: MediaPoolItem, path: str) -> None:
    """Replace a clip's file. How to name a sequence is not documented: by its first picture, or by its range."""
    for form in _forms(path):
        clip.replace(form)
        if same_media(clip.property("File Path"), path):
            return


def _forms(path: str) -> list[str]:
    if bracket := BracketRange.parse(path):
        return [str(bracket.ends[0]), path]
    if not names_a_sequence(Path(path)) or Path(path).is_file():
        return [path]
    found = find_sequence(Path(path))
    files = found.files
    pattern = SequencePattern.parse(Path(path))
    if pattern is None:  # a folder
        return [str(files[0])]
    return [str(files[0]), str(BracketRange(pattern, found.first, found.first + len(files) - 1).path)]
