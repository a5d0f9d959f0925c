"""What we restored is known wherever it lies, and stands for the clip that it was made from.

An item is ours by its marker, a clip by what we keep with it or by its file; what a file says of itself is asked later,
when it is looked at (`MediaInfo.restored`). Without this, a second run over a timeline restores its restorations.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from answerprint.errors import InputError
from answerprint.frames.sequence import plain_path, same_media
from answerprint.resolve.api import Timeline
from answerprint.resolve.conform.facts import ClipFacts, ItemFacts, Refusal
from answerprint.resolve.conform.query import FactsQuery
from answerprint.resolve.conform.selection import Chosen, Selection, SelectionRule, trimmed_span
from answerprint.resolve.put_back import placement
from answerprint.resolve.put_back.ledger import LedgerRecord
from answerprint.resolve.put_back.placement import Placement

__all__ = ["LEFT_OUT", "NOTHING", "OwnClip", "OwnClips", "is_named", "why_made_here", "without_own_clips"]

LEFT_OUT = "restored before"
"""How those are called that were left out because they are ours."""


@dataclass(frozen=True, slots=True)
class OwnClip:
    """A file that was restored for a place. unit: the job, or the whole that it is a part of."""

    unit: str
    path: str
    place: Placement | None


class OwnClips:
    """Of the open project."""

    def __init__(self, records: Iterable[LedgerRecord] = (), made: Iterable[OwnClip] = ()) -> None:
        """records: of the ledger. made: by the daemon's jobs."""
        self._records = {record.job: record for record in records}
        self._made = {each.unit: each for each in made}
        self._files: dict[str, str] = {}
        self._patterns: list[tuple[str, str]] = []
        for job, path in (
            *((record.job, record.path) for record in self._records.values()),
            *((each.unit, each.path) for each in self._made.values()),
        ):
            if "%" in path:
                self._patterns.append((path, job))
            self._files.setdefault(plain_path(path), job)

    def job_of(self, clip: ClipFacts) -> str | None:
        """The job whose restored file a clip has; None for another's clip."""
        if job := clip.notes.get(placement.JOB, ""):
            return job
        path = clip.path
        if not path:
            return None
        if "[" in path:  # as Resolve writes a sequence
            found = next((job for pattern, job in self._patterns if same_media(path, pattern)), None)
            if found is not None:
                return found
        return self._files.get(plain_path(path))

    def origin(self, item: ItemFacts, job: str) -> tuple[str, str]:
        """The timeline and the item, by their ids, that an item of ours was laid over; "" where that is not known."""
        if (record := self._records.get(job)) is not None:
            return record.timeline, record.place_item
        place = _place(item.clip)
        if place is None or item.clip is None or item.clip.notes.get(placement.JOB) != job:
            place = self._made[job].place if job in self._made else None
        return ("", "") if place is None else (place.timeline, place.item)


NOTHING = OwnClips()
"""Of a project of which nothing is known."""


def is_named(choice: SelectionRule) -> bool:
    """Whether each clip was pointed at, not only swept up with others."""
    return choice.by in ("selected", "playhead")


def why_made_here(name: str) -> Refusal:
    """Why a clip of ours, whose source is not to be had, is not restored once more."""
    return Refusal(
        "restored",
        f"{name} was restored already: it is a file of Answerprint's own.",
        "Choose the clip that it was made from. To restore the file once more all the same: answerprint restore FILE.",
    )


def without_own_clips(
    selection: Selection, choice: SelectionRule, timeline: Timeline | None, asking: FactsQuery, ours: OwnClips
) -> tuple[Selection, list[tuple[ItemFacts, Refusal]]]:
    """The selection with the source of each clip of ours in its place, each once.

    Also those of ours that were pointed at and whose source is not on the timeline, with the reason; others of the kind
    are left out.
    """
    left_out = Counter(selection.left_out)
    refused: list[tuple[ItemFacts, Refusal]] = []
    sources = _Sources(selection, timeline, asking)
    chosen: dict[str, Chosen] = {}
    own: list[tuple[ItemFacts, str]] = []
    for each in selection.items:
        job = each.item.job or (None if each.item.clip is None else ours.job_of(each.item.clip))
        if job is None:
            chosen.setdefault(each.item.id or str(len(chosen)), each)
        else:
            own.append((each.item, job))
    for item, job in own:
        source = sources.of(item, ours.origin(item, job))
        if source is not None and (source.job or (source.clip is not None and ours.job_of(source.clip) is not None)):
            source = None  # it shows a restored take, or has the restored file itself
        part = None if source is None or selection.span is None else trimmed_span(source, *selection.span)
        if source is None or (part is not None and part[0] >= part[1]):
            if is_named(choice):
                refused.append((item, _why(item, job)))
            else:
                left_out[LEFT_OUT] += 1
        elif source.id in chosen:
            left_out[LEFT_OUT] += 1
        else:
            chosen[source.id] = Chosen(source, part)
            if not source.enabled and left_out.get("disabled"):
                left_out["disabled"] -= 1  # it was hidden below its restoration
    clips = tuple(clip for clip in selection.clips if ours.job_of(clip) is None)
    left_out[LEFT_OUT] += len(selection.clips) - len(clips)
    items = sorted(chosen.values(), key=lambda each: (each.item.track, each.item.start or 0))
    told = {what: count for what, count in left_out.items() if count}
    return replace(selection, items=tuple(items), clips=clips, left_out=told), refused


class _Sources:
    """Items of the timeline that others were made from; all of it is read only when one is asked for."""

    def __init__(self, selection: Selection, timeline: Timeline | None, asking: FactsQuery) -> None:
        self._timeline, self._asking = timeline, asking
        self._known = {each.item.id: each.item for each in selection.items}
        self._all: list[ItemFacts] | None = None

    def of(self, item: ItemFacts, origin: tuple[str, str]) -> ItemFacts | None:
        """The item below one of ours, that it was made from; None where it is gone, or lies elsewhere by now."""
        if self._timeline is None:
            return None
        place = _place(item.clip)
        timeline, id_ = origin
        if id_ == item.id:
            return None
        if timeline == self._timeline.id() and id_ in self._known and _overlap(item, self._known[id_]):
            return self._known[id_]
        below = [each for each in self._items() if each.track < item.track and _overlap(item, each)]
        found = next((each for each in below if each.id == id_), None)
        if found is None and place is not None:  # Resolve gives an item another id where it is cut or pasted
            found = next((each for each in reversed(below) if each.clip and each.clip.id == place.clip), None)
        return found

    def _items(self) -> list[ItemFacts]:
        if self._all is None:
            timeline = self._timeline
            tracks = range(1, timeline.tracks() + 1) if timeline is not None else ()
            there = [(track, item) for track in tracks for item in timeline.items(track)] if timeline else []
            self._all = self._asking.items(there)
        return self._all


def _why(item: ItemFacts, job: str) -> Refusal:
    place = _place(item.clip)
    undo = f"answerprint resolve undo {job}"
    if place is not None and item.clip is not None and place.clip == item.clip.id:
        return Refusal("restored", f"{item.name} has its restored file already.", f"For its own file: {undo}.")
    if place is not None and place.item == item.id:
        return Refusal(
            "restored",
            f"{item.name} shows its restored take already.",
            f"To restore it anew, show the source's take; or take the restored one out: {undo}.",
        )
    return why_made_here(item.name)


def _place(clip: ClipFacts | None) -> Placement | None:
    """What we keep of where a clip of ours belongs."""
    text = "" if clip is None else clip.notes.get(placement.PLACE, "")
    try:
        said = json.loads(text) if text else None
        return Placement.from_editor(said) if isinstance(said, dict) else None
    except (ValueError, InputError):
        return None


def _overlap(one: ItemFacts, other: ItemFacts) -> bool:
    if one.start is None or one.end is None or other.start is None or other.end is None:
        return False
    return one.start < other.end and other.start < one.end
