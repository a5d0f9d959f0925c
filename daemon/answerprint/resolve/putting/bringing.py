"""The restored clip in the media pool: brought in once, with the source's attributes and its own provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..api import Clip
from ..errors import ResolveError
from . import names
from .attributes import carry_over
from .importing import bin_names, find_bin, import_one, make_bin, remove_stills
from .looking import clip_of
from .readback import frame_count
from .work import Work

__all__ = ["bring_in", "provenance", "remember"]


def bring_in(work: Work, origin: Mapping[str, str]) -> tuple[Clip, bool]:
    """The clip, which is in the pool exactly once, and whether its rate allows to put it onto a timeline."""
    found = clip_of(work.pool, work.record.job, work.path)
    if found is None:
        clip = _import(work)
    else:
        clip = found[0]
        if (there := frame_count(clip)) != work.frames:
            raise ResolveError(
                f"The clip {clip.name()} in the project has {there} frames, the restored one {work.frames}.",
                "Remove that clip from the media pool, then use Bring Back Finished.",
            )
        work.steps.say("pool", "The clip is in the media pool already.")
    if work.record.doing == "import":
        work.note(doing="")
    work.note(clip=clip.id())
    remember(work, clip, origin)
    return clip, carry_over(clip, work.place, work.steps)


def _import(work: Work) -> Clip:
    path = bin_names(work.place.timeline_name)
    _, missing = find_bin(work.pool, path)
    made = tuple("/".join(path[: depth + 1]) for depth in range(len(path) - len(missing), len(path)))
    again = work.record.doing == "import"
    bins = tuple(dict.fromkeys((*work.record.bins, *made)))
    with work.step("import", imported=True, bins=bins):
        folder = make_bin(work.pool, path)
        if again:
            remove_stills(work.pool, folder, work.path)
        clip = import_one(work.pool, folder, work.path, work.frames)
    work.new = True
    work.steps.say("pool", f"Imported into the bin {'/'.join(path)}.")
    return clip


def provenance(work: Work, origin: Mapping[str, str]) -> dict[str, str]:
    """What is kept with the clip. origin: source, model and version, as far as they are known."""
    place = work.place
    return {
        names.JOB: work.record.job,
        names.SOURCE: f"{origin.get('source') or place.name} [{place.restored_first}:{place.restored_stop}]",
        names.MODEL: origin.get("model", ""),
        names.VERSION: origin.get("version", ""),
        names.ITEM: place.item,
        names.TIMELINE: place.timeline_name,
        names.PLACE: json.dumps(place.to_editor(), sort_keys=True),
    }


def remember(work: Work, clip: Clip, origin: Mapping[str, str]) -> None:
    """Keep with the clip what it was made from."""
    said = provenance(work, origin)
    kept = clip.notes()
    if all(kept.get(name, "") == value for name, value in said.items()):
        return
    clip.set_notes(said)
    if clip.notes().get(names.JOB) != work.record.job:
        work.steps.warn("provenance", "What the clip was made from could not be kept with it.")
