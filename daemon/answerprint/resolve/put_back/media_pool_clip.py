"""The restored clip in the media pool: brought in once, with the source's attributes and its own provenance.

What a clip of the media pool is to be taken for: carried over from the source, and read back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from answerprint.resolve.api import MediaPoolItem, pipelined
from answerprint.resolve.conform.readback import frame_count
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back import placement
from answerprint.resolve.put_back.import_clip import bin_names, import_one, remove_stills
from answerprint.resolve.put_back.outcome import Report
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.put_back.task import PutBackTask

__all__ = [
    "CARRIED",
    "ImportedClip",
    "carry_over",
    "import_restored",
    "provenance",
    "rate_text",
    "same_rate",
    "wanted",
    "write_metadata",
]

CARRIED = (
    "PAR",
    "Data Level",
    "Input Color Space",
    "Input Gamma",
    "IDT",
    "Alpha mode",
    "Field Dominance",
    "Reel Name",
    "Clip Name",
)
"""Attributes that a restored clip takes over, as Resolve names them; the rate comes first of all."""

_RATE_TOLERANCE = Fraction(1, 100)  # 23.976 and 24 are further apart, 23.98 and 24000/1001 are not


def wanted(place: Placement) -> dict[str, str]:
    """Attributes that a place's restored clip should have, in the order in which to set them."""
    asked = {name: place.attributes[name] for name in CARRIED if place.attributes.get(name)}
    # The source's own field order says nothing of what came out: restored pictures are whole.
    return {**asked, "Field Dominance": "Progressive"}


def carry_over(clip: MediaPoolItem, now: Mapping[str, str], place: Placement, steps: Report) -> Mapping[str, str]:
    """Set rate, attributes and metadata, and read them back: a warning for each that is not so afterwards.

    now: what the clip says of itself. Returns what it says afterwards; without the place's rate, no frame can be where
    it belongs.
    """
    asked = wanted(place)
    # Some values, once set by a script, cannot be set back by one: what is right already stays untouched.
    changes = {name: value for name, value in asked.items() if now.get(name, "") != value}
    if not same_rate(now.get("FPS", ""), place.rate):
        changes = {"FPS": rate_text(place.rate), **changes}
    metadata = {name: value for name, value in place.metadata.items() if value}
    if metadata:
        clip.set_metadata(metadata)
    if changes:
        with pipelined([clip], *(("SetClipProperty", *change) for change in changes.items()), ("GetClipProperty",)):
            for name, value in changes.items():
                clip.set_property(name, value)
            now = clip.properties()
    _read_back(asked, now, steps)
    if metadata:
        kept = clip.metadata()
        for name, value in metadata.items():
            if kept.get(name, "") != value:
                steps.warn("metadata", f"The metadata {name} could not be set to {value}.")
    if not same_rate(rate := now.get("FPS", ""), place.rate):
        steps.warn("rate", f"Resolve plays the clip at {rate} frames per second instead of {rate_text(place.rate)}.")
    return now


def _read_back(asked: Mapping[str, str], now: Mapping[str, str], steps: Report) -> None:
    wrong = {name: now.get(name, "") for name, value in asked.items() if now.get(name, "") != value}
    for name, value in wrong.items():
        why = "; the project derives reel names itself" if name == "Reel Name" else ""
        steps.warn("attribute", f"{name} stays {value or 'empty'} instead of {asked[name]}{why}.")
    if right := [name for name in asked if name not in wrong]:
        steps.say("attributes", f"As in the source: {', '.join(right)}.")


def rate_text(rate: Fraction) -> str:
    """A rate in Resolve's writing: 25, 23.976."""
    return str(rate.numerator) if rate.denominator == 1 else f"{float(rate):.3f}".rstrip("0").rstrip(".")


def same_rate(text: str, rate: Fraction) -> bool:
    """Whether what Resolve says, such as 23.976, is that rate."""
    try:
        return abs(Fraction(text) - rate) < _RATE_TOLERANCE
    except (ValueError, ZeroDivisionError):
        return False


@dataclass(frozen=True, slots=True)
class ImportedClip:
    """The clip in the pool, and what it says of itself."""

    clip: MediaPoolItem
    id: str
    properties: Mapping[str, str]


def import_restored(work: PutBackTask) -> ImportedClip:
    """The clip, which is in the pool exactly once."""
    known, record = work.known, work.record
    found = known.clips.of_job(record.job, work.path)
    if found is None:
        brought = _import(work)
    else:
        brought = ImportedClip(found, found.id(), found.properties())
        if (there := frame_count(brought.properties)) != work.frames:
            raise ResolveError(
                f"The clip {found.name()} in the project has {there} frames, the restored one {work.frames}.",
                "Remove that clip from the media pool, then use Bring Back Finished.",
            )
        work.steps.say("pool", "The clip is in the media pool already.")
    work.learn(clip=brought.id)
    write_metadata(work, brought.clip)
    return replace(brought, properties=carry_over(brought.clip, brought.properties, work.place, work.steps))


def _import(work: PutBackTask) -> ImportedClip:
    known, record = work.known, work.record
    path = bin_names(work.place.timeline_name)
    missing = known.missing_bins(path)
    made = tuple("/".join(path[: depth + 1]) for depth in range(len(path) - len(missing), len(path)))
    again = record.doing == "import"
    bins = tuple(dict.fromkeys((*record.bins, *made)))
    # With it goes where it is going to be laid, if nobody moves the original: then that step needs no word of its own.
    with work.step("import", imported=True, bins=bins, record=work.place.record):
        if again:
            remove_stills(known.pool, known.open_bin(path), work.path)
        new = import_one(known.pool, lambda: known.open_bin(path), work.path, work.frames, known.clips.added)
    known.counted(path, new.there)
    known.clips.add(new.clip, new.id, work.path, record.job)
    work.new = True
    work.steps.say("pool", f"Imported into the bin {'/'.join(path)}.")
    return ImportedClip(new.clip, new.id, new.properties)


def provenance(work: PutBackTask) -> dict[str, str]:
    """What is kept with the clip."""
    place, origin = work.place, work.asked.origin or {}
    return {
        placement.JOB: work.record.job,
        placement.SOURCE: f"{origin.get('source') or place.name} [{place.restored_first}:{place.restored_stop}]",
        placement.MODEL: origin.get("model", ""),
        placement.VERSION: origin.get("version", ""),
        placement.ITEM: place.item,
        placement.TIMELINE: place.timeline_name,
        placement.PLACE: json.dumps(place.to_editor(), sort_keys=True),
    }


def write_metadata(work: PutBackTask, clip: MediaPoolItem) -> None:
    """Keep with the clip what it was made from."""
    said = provenance(work)
    kept = {} if work.new else clip.notes()
    if all(kept.get(name, "") == value for name, value in said.items()):
        return
    with pipelined([clip], ("SetThirdPartyMetadata", said), ("GetThirdPartyMetadata",)):
        clip.set_notes(said)
        kept = clip.notes()
    if kept.get(placement.JOB) != work.record.job:
        work.steps.warn("provenance", "What the clip was made from could not be kept with it.")
