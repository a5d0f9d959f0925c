"""The restored clip in the media pool: brought in once, with the source's attributes and its own provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..api import Clip, ahead
from ..errors import ResolveError
from . import names
from .attributes import carry_over
from .importing import bin_names, import_one, remove_stills
from .readback import frame_count
from .work import Work

__all__ = ["Brought", "bring_in", "provenance", "remember"]


@dataclass(frozen=True, slots=True)
class Brought:
    """The clip in the pool, and what it says of itself."""

    clip: Clip
    id: str
    properties: Mapping[str, str]


def bring_in(work: Work) -> Brought:
    """The clip, which is in the pool exactly once."""
    known, record = work.known, work.record
    found = known.clips.of_job(record.job, work.path)
    if found is None:
        brought = _import(work)
    else:
        brought = Brought(found, found.id(), found.properties())
        if (there := frame_count(brought.properties)) != work.frames:
            raise ResolveError(
                f"The clip {found.name()} in the project has {there} frames, the restored one {work.frames}.",
                "Remove that clip from the media pool, then use Bring Back Finished.",
            )
        work.steps.say("pool", "The clip is in the media pool already.")
    work.learn(clip=brought.id)
    remember(work, brought.clip)
    return replace(brought, properties=carry_over(brought.clip, brought.properties, work.place, work.steps))


def _import(work: Work) -> Brought:
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
    return Brought(new.clip, new.id, new.properties)


def provenance(work: Work) -> dict[str, str]:
    """What is kept with the clip."""
    place, origin = work.place, work.asked.origin or {}
    return {
        names.JOB: work.record.job,
        names.SOURCE: f"{origin.get('source') or place.name} [{place.restored_first}:{place.restored_stop}]",
        names.MODEL: origin.get("model", ""),
        names.VERSION: origin.get("version", ""),
        names.ITEM: place.item,
        names.TIMELINE: place.timeline_name,
        names.PLACE: json.dumps(place.to_editor(), sort_keys=True),
    }


def remember(work: Work, clip: Clip) -> None:
    """Keep with the clip what it was made from."""
    said = provenance(work)
    kept = {} if work.new else clip.notes()
    if all(kept.get(name, "") == value for name, value in said.items()):
        return
    with ahead([clip], ("SetThirdPartyMetadata", said), ("GetThirdPartyMetadata",)):
        clip.set_notes(said)
        kept = clip.notes()
    if kept.get(names.JOB) != work.record.job:
        work.steps.warn("provenance", "What the clip was made from could not be kept with it.")
