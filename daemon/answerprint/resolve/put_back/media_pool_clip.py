"""Mode `pool`: the restored clip in the media pool, once, with the source's attributes and its own provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from answerprint.resolve.api import MediaPoolItem, pipelined
from answerprint.resolve.conform.readback import frame_count
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back import placement
from answerprint.resolve.put_back.import_clip import bin_names, import_one, remove_stills
from answerprint.resolve.put_back.outcome import PlacementError, Report
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.put_back.task import ImportedClip, PutBackTask

__all__ = [
    "COPIED_ATTRIBUTES",
    "copy_attributes",
    "import_at_rate",
    "import_restored",
    "in_media_pool",
    "provenance",
    "rate_text",
    "same_rate",
    "wanted_attributes",
    "write_metadata",
]

COPIED_ATTRIBUTES = (
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
"""Attributes to copy from the source, by Resolve's names; the rate is set before them."""

_RATE_TOLERANCE = Fraction(1, 100)  # 23.976 and 24 are further apart, 23.98 and 24000/1001 are not


def wanted_attributes(place: Placement) -> dict[str, str]:
    """Attributes that the restored clip should have, in the order in which to set them."""
    attributes = {name: place.attributes[name] for name in COPIED_ATTRIBUTES if place.attributes.get(name)}
    # Whatever the source is, the restored frames are not interlaced.
    return {**attributes, "Field Dominance": "Progressive"}


def copy_attributes(clip: MediaPoolItem, now: Mapping[str, str], place: Placement, report: Report) -> Mapping[str, str]:
    """Set rate, attributes and metadata, read them back, and warn of each that Resolve did not take.

    now: the clip's attributes. Returns them as they are afterwards. At another rate than the place's, no frame can be
    where it belongs.
    """
    wanted = wanted_attributes(place)
    # Scripts cannot set back some values that a script has set, so values that are right already stay untouched.
    changes = {name: value for name, value in wanted.items() if now.get(name, "") != value}
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
    _read_back(wanted, now, report)
    if metadata:
        kept = clip.metadata()
        for name, value in metadata.items():
            if kept.get(name, "") != value:
                report.warn("metadata", f"The metadata {name} could not be set to {value}.")
    if not same_rate(rate := now.get("FPS", ""), place.rate):
        report.warn("rate", f"Resolve plays the clip at {rate} frames per second instead of {rate_text(place.rate)}.")
    return now


def _read_back(wanted: Mapping[str, str], now: Mapping[str, str], report: Report) -> None:
    wrong = {name: now.get(name, "") for name, value in wanted.items() if now.get(name, "") != value}
    for name, value in wrong.items():
        why = "; the project derives reel names itself" if name == "Reel Name" else ""
        report.warn("attribute", f"{name} stays {value or 'empty'} instead of {wanted[name]}{why}.")
    if right := [name for name in wanted if name not in wrong]:
        report.info("attributes", f"As in the source: {', '.join(right)}.")


def rate_text(rate: Fraction) -> str:
    """A rate as Resolve writes it: 25, 23.976."""
    return str(rate.numerator) if rate.denominator == 1 else f"{float(rate):.3f}".rstrip("0").rstrip(".")


def same_rate(text: str, rate: Fraction) -> bool:
    """Whether a text of Resolve's, such as 23.976, is that rate."""
    try:
        return abs(Fraction(text) - rate) < _RATE_TOLERANCE
    except (ValueError, ZeroDivisionError):
        return False


def import_restored(task: PutBackTask) -> ImportedClip:
    """The restored clip, which is in the media pool exactly once. Idempotent. Raises ResolveError."""
    if task.imported is not None:
        return task.imported
    found = task.clip()
    if found is None:
        imported = _import(task)
    else:
        imported = ImportedClip(found, found.id(), found.properties())
        if (there := frame_count(imported.properties)) != task.frames:
            raise ResolveError(
                f"The clip {found.name()} in the project has {there} frames, the restored one {task.frames}.",
                "Remove that clip from the media pool, then use Bring Back Finished.",
            )
        task.report.info("pool", "The clip is in the media pool already.")
    task.update(clip=imported.id)
    write_metadata(task, imported.clip)
    now = copy_attributes(imported.clip, imported.properties, task.place, task.report)
    task.imported = replace(imported, properties=now)
    return task.imported


def import_at_rate(task: PutBackTask) -> ImportedClip:
    """The restored clip, for a timeline. Raises PlacementError if Resolve plays it at another rate than the source."""
    imported = import_restored(task)
    if not same_rate(imported.properties.get("FPS", ""), task.place.rate):
        raise PlacementError("At that rate no frame would be where it belongs.")
    return imported


def in_media_pool(task: PutBackTask) -> bool:
    """Whether the clip is in the media pool."""
    return task.clip() is not None


def _import(task: PutBackTask) -> ImportedClip:
    cache, record = task.cache, task.record
    path = bin_names(task.place.timeline_name)
    missing = cache.missing_bins(path)
    added = tuple("/".join(path[: depth + 1]) for depth in range(len(path) - len(missing), len(path)))
    interrupted = record.doing == "import"
    bins = tuple(dict.fromkeys((*record.bins, *added)))
    # The record frame is where the item will go, unless the original was moved: that saves writing a step for it.
    with task.step("import", imported=True, bins=bins, record=task.place.record):
        if interrupted:
            remove_stills(cache.pool, cache.open_bin(path), task.path)
        new = import_one(cache.pool, lambda: cache.open_bin(path), task.path, task.frames, cache.clips.added)
    cache.counted(path, new.there)
    cache.clips.add(new.clip, new.id, task.path, record.job)
    task.new = True
    task.report.info("pool", f"Imported into the bin {'/'.join(path)}.")
    return ImportedClip(new.clip, new.id, new.properties)


def provenance(task: PutBackTask) -> dict[str, str]:
    """Third-party metadata that says what the clip was made from."""
    place, origin = task.place, task.options.origin or {}
    return {
        placement.JOB: task.record.job,
        placement.SOURCE: f"{origin.get('source') or place.name} [{place.restored_first}:{place.restored_stop}]",
        placement.MODEL: origin.get("model", ""),
        placement.VERSION: origin.get("version", ""),
        placement.ITEM: place.item,
        placement.TIMELINE: place.timeline_name,
        placement.PLACE: json.dumps(place.to_editor(), sort_keys=True),
    }


def write_metadata(task: PutBackTask, clip: MediaPoolItem) -> None:
    """Write the provenance into the clip, and warn if Resolve did not take it."""
    wanted = provenance(task)
    kept = {} if task.new else clip.notes()
    if all(kept.get(name, "") == value for name, value in wanted.items()):
        return
    with pipelined([clip], ("SetThirdPartyMetadata", wanted), ("GetThirdPartyMetadata",)):
        clip.set_notes(wanted)
        kept = clip.notes()
    if kept.get(placement.JOB) != task.record.job:
        task.report.warn("provenance", "Resolve did not keep what the clip was made from.")
