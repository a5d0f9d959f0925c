"""Finds out whether a clip is interlaced: by the flags of its frames, and by whether their pictures are combed.

Flags are often wrong: captures of tape are interlaced without one, and film on a broadcast tape has one for nothing.
So a few dozen frames are looked at, in runs spread over the clip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

from av.video.frame import VideoFrame

from answerprint.errors import MediaError
from answerprint.frames.clip import ClipInfo, FieldOrder
from answerprint.media.boundary import reading
from answerprint.media.bwdif import flagged_order
from answerprint.media.combing import Brightness, brightness, combing
from answerprint.media.fields import may_have_fields
from answerprint.media.pulldown import CYCLE
from answerprint.media.reader import read_from

__all__ = ["find_fields", "found_fields", "remember_fields"]

_RUNS, _RUN = 5, 12
_RUNS_OF_STILLS, _RUN_OF_STILLS = 3, 6
"""Fewer, because each picture is a file, and larger."""
_LONGEST = 3
"""Times a run's frames that are decoded for it at most."""
_ENOUGH = 4
"""Frames that must tell before their pictures overrule the flags."""
_FEW, _MOST = 0.1, 0.75
_AGREED = 0.8
_TELECINED, _CLOSE = Fraction(30000, 1001), Fraction(1, 200)
# Frames of a run that must tell; combed ones among them; and how many may not fit the pattern of pulldown.
_TOLD, _LEAST_COMBED, _WRONG = 7, 3, 0.12
_LEAST_ALONE = 10
"""Combed frames that must tell if no whole one does: so many do not fit by chance."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A frame that was looked at. flag: as `flagged_order` says. combed: as `combing` says. between: both frames
    next to it were seen."""

    index: int
    flag: FieldOrder
    combed: FieldOrder | None
    between: bool


def find_fields(info: ClipInfo) -> ClipInfo:
    """Return the clip with its `field_order` and `fields_found`, of which a probe knows only the first frame's flag.

    Decodes about 60 frames at most, once per file: the answer is kept. Raises MediaError if none can be read.
    """
    if not may_have_fields(info):
        return info
    path = info.files[0] if info.files else info.path
    with reading(path):
        status = path.stat()
    key = (path, status.st_size, status.st_mtime_ns, info.frames)
    if key not in _KNOWN:
        seen = list(_looked_at(info))
        pulldown = _pulldown(seen) if abs(info.rate / _TELECINED - 1) < _CLOSE else None
        order, found = _order(seen)
        mostly = _mostly(seen) if order is FieldOrder.MIXED else FieldOrder.PROGRESSIVE
        _keep(key, pulldown or {"field_order": order, "fields_found": found, "mostly": mostly})
    return replace(info, **_KNOWN[key])


_Key = tuple[Path, int, int, int]

_MOST_KNOWN = 256
_KNOWN: dict[_Key, dict[str, Any]] = {}
"""What was found of a file of that size and time of change: a daemon's children ask several times in a job."""


def _keep(key: _Key, found: dict[str, Any]) -> None:
    if len(_KNOWN) >= _MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN[key] = found


def found_fields(info: ClipInfo) -> list[Any] | None:
    """What `find_fields` found of the clip's file, for `remember_fields` of another process; None if it did not look.

    Ready for JSON.
    """
    path = info.files[0] if info.files else info.path
    key = next((key for key in reversed(_KNOWN) if key[0] == path), None)
    return None if key is None else [str(path), *key[1:], _KNOWN[key]]


def remember_fields(record: object) -> None:
    """Spare this process from looking at a file that is as it was. Anything that is not a record is ignored."""
    try:
        path, size, time_ns, frames, found = record  # type: ignore[misc]  # not by a process of this version
        known = {name: _AS_FOUND[name](value) for name, value in found.items()}  # type: ignore[has-type]
        _keep((Path(path), int(size), int(time_ns), int(frames)), known)  # type: ignore[has-type]
    except (AttributeError, KeyError, TypeError, ValueError):
        pass


_AS_FOUND: dict[str, Callable[[Any], object]] = {
    "field_order": FieldOrder,
    "mostly": FieldOrder,
    "fields_found": str,
    "telecined": bool,
}


def _pulldown(seen: list[_Seen]) -> dict[str, Any] | None:
    """The properties of film that was made video at 30 frames: two adjoining frames of each five are combed."""
    told = [each for each in seen if each.between and each.combed is not None]
    runs: list[list[_Seen]] = []
    for each in told:
        if not runs or each.index - runs[-1][-1].index > CYCLE:
            runs.append([])
        runs[-1].append(each)
    runs = [run for run in runs if len(run) >= _TOLD]
    if not runs or not all(_fits_pulldown(run, _all_between(seen, run)) for run in runs):
        return None
    votes = Counter(each.combed for each in told if each.combed is not FieldOrder.PROGRESSIVE)
    first = max(votes, key=lambda order: votes[order])
    if first is None or votes[first] < _AGREED * votes.total():
        return None
    about = f"{votes.total()} of {len(seen)} frames looked at are combed, in its pattern"
    found = f"Film with 3:2 pulldown ({about}{_named(first)})"
    return {"field_order": first, "fields_found": found, "telecined": True}


def _all_between(seen: list[_Seen], run: list[_Seen]) -> int:
    """How many frames were looked at from the first of a run to its last, those that do not tell among them."""
    return sum(run[0].index <= each.index <= run[-1].index for each in seen)


def _fits_pulldown(run: list[_Seen], looked_at: int) -> bool:
    """Whether combed frames are where pulldown has them; fine detail may hide that the others are whole."""
    combed = [each.combed is not FieldOrder.PROGRESSIVE for each in run]
    for phase in range(CYCLE):
        expected = [(each.index - phase) % CYCLE < 2 for each in run]
        wrong = sum(one is not other for one, other in zip(combed, expected, strict=True))
        alone = all(combed)
        enough = _LEAST_ALONE if alone else _LEAST_COMBED
        if wrong <= len(run) * _WRONG and sum(combed) >= enough and not (alone and 2 * len(run) > looked_at):
            return True
    return False


def _order(seen: list[_Seen]) -> tuple[FieldOrder, str]:
    """Which frames are to be deinterlaced, and what was found, in words: "" for plain frames."""
    flags = Counter(each.flag for each in seen)
    flagged = len(seen) - flags.pop(FieldOrder.PROGRESSIVE, 0)
    votes = Counter(each.combed for each in seen if each.combed is not None)
    whole = votes.pop(FieldOrder.PROGRESSIVE, 0)
    combed = votes.total()
    first = max(votes, key=lambda order: votes[order]) if combed else None
    agreed = first is not None and votes[first] >= _AGREED * combed
    share = combed / max(1, combed + whole)
    looked = f"of {len(seen)} frames looked at"
    if combed + whole < _ENOUGH:  # nothing moves
        if 0 < flagged < len(seen):
            return FieldOrder.MIXED, f"Partly interlaced ({flagged} {looked} are flagged so)"
        if flagged:
            return FieldOrder.PER_FRAME, "Interlaced, as its frames are flagged"
        return FieldOrder.PROGRESSIVE, ""
    if share >= _MOST and flagged == len(seen):
        if not agreed or first is None or flags[first] == flagged:
            return FieldOrder.PER_FRAME, f"Interlaced ({combed} {looked} are combed{_named(first if agreed else None)})"
        return first, f"Interlaced{_named(first)}, though flagged otherwise ({combed} {looked} are combed)"
    if share >= _MOST and flagged == 0 and agreed and first is not None:
        return first, f"Interlaced without a flag for it ({combed} {looked} are combed{_named(first)})"
    if share <= _FEW and (combed < _ENOUGH or not flagged):
        note = f"Flagged as interlaced, but its frames are whole ({combed} {looked} are combed)"
        return FieldOrder.PROGRESSIVE, note if flagged else ""
    if not flagged and (combed < _ENOUGH or not agreed):
        return FieldOrder.PROGRESSIVE, ""
    return FieldOrder.MIXED, f"Partly interlaced ({combed} {looked} are combed, {flagged} are flagged so)"


def _mostly(seen: list[_Seen]) -> FieldOrder:
    """What most frames are whose pictures tell."""
    votes = Counter(each.combed for each in seen if each.combed is not None)
    most = max(votes, key=lambda order: votes[order], default=None)
    return most or FieldOrder.PROGRESSIVE


def _named(order: FieldOrder | None) -> str:
    return {FieldOrder.TOP_FIRST: ", top field first", FieldOrder.BOTTOM_FIRST: ", bottom field first"}.get(
        order or FieldOrder.PROGRESSIVE, ""
    )


def _looked_at(info: ClipInfo) -> Iterator[_Seen]:
    runs, length = (_RUNS_OF_STILLS, _RUN_OF_STILLS) if info.files else (_RUNS, _RUN)
    if info.frames <= runs * length:
        runs, length = 1, info.frames
    elif info.first_pts is None and not info.files:
        runs = 1  # reading cannot begin anywhere else
    last = -1
    for run in range(runs):
        start = run * (info.frames - length) // max(1, runs - 1)
        frames: list[tuple[int, VideoFrame]] = []
        try:
            # Reading begins at a key frame, which may be the one of the run before.
            for index, frame in islice(read_from(info, start), _LONGEST * length):
                if index > last:
                    frames.append((index, frame))
                if len(frames) == length:
                    break
        except MediaError:
            if run == 0 and not frames:
                raise
        last = max([last, *(index for index, _ in frames)])
        yield from _seen(frames)


def _seen(frames: list[tuple[int, VideoFrame]]) -> Iterator[_Seen]:
    pictures: dict[int, Brightness] = {index: brightness(frame) for index, frame in frames}
    for index, frame in frames:
        before, after = pictures.get(index - 1), pictures.get(index + 1)
        combed = combing(before, pictures[index], after)
        yield _Seen(index, flagged_order(frame), combed, before is not None and after is not None)
