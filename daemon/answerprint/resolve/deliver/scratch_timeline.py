"""A timeline of our own that shows only what is to be rendered.

For the source it is a new one, with the clip's own rate and size, so that each of its frames is rendered once and
nothing is scaled. For what is seen it is a copy of the user's timeline with all other video tracks switched off: to
render their own timeline with switched tracks would change it, and a crash would leave it so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from answerprint.errors import InputError
from answerprint.frames.timecode import Timecode
from answerprint.resolve.api import MediaPoolItem, Project, Timeline, TimelineItem
from answerprint.resolve.bridge.bridge import Value
from answerprint.resolve.conform.rates import is_drop, rate, resolution, whole
from answerprint.resolve.deliver.order import RenderOrder
from answerprint.resolve.deliver.user_state import UserState
from answerprint.resolve.errors import ResolveError

__all__ = ["ScratchTimeline", "scratch_for"]

_TRIES = 3
_NUMBERS = re.compile(r"\[\d+-\d+\][^/\\]*$")


@dataclass(frozen=True, slots=True)
class ScratchTimeline:
    """first: record frame to begin with; offset: the same from the start of the timeline; whole: it is all there is.

    source: what the first rendered frame is: a frame of the source, or the record frame.
    """

    timeline: Timeline
    rate: Fraction
    size: tuple[int, int]
    start_timecode: str
    frames: int
    first: int
    offset: int
    whole: bool
    source: int


def scratch_for(
    project: Project, timeline: Timeline, item: TimelineItem, order: RenderOrder, kept: UserState
) -> ScratchTimeline:
    """Make it, and open it. Raises ResolveError, InputError when it cannot show what is wanted."""
    if order.form == "seen":
        return _seen(project, timeline, item, kept)
    clip = item.clip()
    if clip is None:
        raise InputError(
            f"{item.name()} has no source: it is a title, generator or adjustment clip.", "Render it as it is seen."
        )
    return _source(project, clip, timeline, order, kept)


def _source(
    project: Project, clip: MediaPoolItem, timeline: Timeline, order: RenderOrder, kept: UserState
) -> ScratchTimeline:
    wanted = order.stop - order.first
    if wanted < 1:
        raise InputError(f"No frame of {clip.name()} is asked for.")
    facts = clip.properties()
    pace = rate(facts.get("FPS", ""))
    size = resolution(facts["Resolution"]) if facts.get("Resolution") else _size(timeline)
    if facts.get("PAR", "Square") not in ("", "Square"):
        raise InputError(
            f"{clip.name()} has pixels that are not square ({facts['PAR']}): Resolve would scale it.",
            "Set its pixel aspect ratio to Square in the clip's attributes, and set it back when it is rendered.",
        )
    number = whole(facts.get("Start", "")) or 0
    base = number if _is_sequence(facts) else 0  # pictures count from the number in their names
    drop = is_drop(facts.get("Start TC", "")) or facts.get("Drop frame") == "1"
    start = base + order.first
    label = _label(facts, pace, drop, start - number)
    first, last = start, start + wanted - 1
    for _ in range(_TRIES):
        made = _empty(project, kept, pace, size, label, drop)
        placed = _append(project, made, clip, first, last, order.sound)
        left, frames = placed.left_offset(precise=True), placed.duration()
        if left is None or frames is None:
            raise ResolveError(f"Resolve does not put {clip.name()} onto a timeline.", "Look whether it is online.")
        # What the end means, and where it begins, differs between versions: it is measured and made up for.
        early, short = start - number - round(left), wanted - round(frames)
        if not early and not short:
            begin = made.start()
            return ScratchTimeline(made, pace, size, made.start_timecode(), wanted, begin, 0, True, order.first)
        _delete(project, made)
        first, last = first + early, last + early + short
    raise ResolveError(
        f"Resolve does not put frames {order.first} to {order.stop - 1} of {clip.name()} onto a timeline.",
        "Render them in Resolve, and restore the file.",
    )


def _seen(project: Project, timeline: Timeline, item: TimelineItem, kept: UserState) -> ScratchTimeline:
    track, start, duration = item.track(), item.start(), item.duration()
    if track is None or track[0] != "video" or start is None or duration is None:
        raise ResolveError(
            f"Resolve does not say where {item.name()} lies.", "Restore another clip, or update Resolve."
        )
    if timeline.found("DuplicateTimeline", kept.scratch) is None:
        raise ResolveError("Resolve does not copy the timeline.", "Look at Resolve: a dialog may be open.")
    made = _named(project, kept.scratch)
    _open(project, made)
    same = [each for each in made.items(track[1]) if (each.start(), each.duration()) == (start, duration)]
    if len(same) != 1:
        raise ResolveError(f"The copy of the timeline does not show {item.name()}.", "Try again.")
    for number in range(1, made.tracks() + 1):
        if number != track[1] and not made.done("SetTrackEnable", "video", number, False):
            raise ResolveError("Resolve does not switch off the other tracks of a copy.", "Try again.")
    pace = _rate(made)
    begin = made.start()
    drop = is_drop(made.start_timecode(), made.setting("timelineFrameRate"))
    head = Timecode.parse(made.start_timecode(), pace)
    label = Timecode(head.frames, pace, drop).shifted(round(start) - begin)
    return ScratchTimeline(
        made, pace, _size(made), str(label), round(duration), round(start), round(start) - begin, False, round(start)
    )


def _empty(
    project: Project, kept: UserState, pace: Fraction, size: tuple[int, int], label: str, drop: bool
) -> Timeline:
    """A new timeline with the rate and size of the clip, open."""
    if project.pool().found("CreateEmptyTimeline", kept.scratch) is None:
        raise ResolveError("Resolve makes no new timeline.", "Look at Resolve: a dialog may be open.")
    made = _named(project, kept.scratch)
    _open(project, made)
    # One by one and in this order: the rate only while it is empty, the label after the rate.
    for name, value in (
        ("useCustomSettings", "1"),
        ("timelineResolutionWidth", str(size[0])),
        ("timelineResolutionHeight", str(size[1])),
    ):
        _set(made, name, value)
    if _rate(made) != pace or _drops(made) != drop:
        _set(made, "timelineFrameRate", _written(pace, drop))
    if _rate(made) != pace or _size(made) != size:
        raise ResolveError(
            f"Resolve makes no timeline of {size[0]}x{size[1]} at {float(pace):.5g} frames per second for the clip.",
            "Render it on a timeline of its own in Resolve, and restore the file.",
        )
    if label and made.start_timecode() != label:
        made.done("SetStartTimecode", label)
    return made


def _append(project: Project, made: Timeline, clip: MediaPoolItem, first: int, last: int, sound: bool) -> TimelineItem:
    entry: dict[str, Value] = {
        "mediaPoolItem": clip.remote,
        "startFrame": first,
        "endFrame": last,
        "recordFrame": made.start(),
    }
    if not sound:
        entry["mediaType"] = 1
    project.pool().append([entry])
    placed = made.items(1)  # what comes back may be hollow
    if len(placed) != 1:
        raise ResolveError(f"Resolve does not put {clip.name()} onto a timeline.", "Look whether it is online.")
    return placed[0]


def _delete(project: Project, made: Timeline) -> None:
    if not project.pool().delete_timelines([made]):
        raise ResolveError("Resolve does not delete a timeline of ours.", "Look at Resolve: a dialog may be open.")


def _named(project: Project, name: str) -> Timeline:
    found = next((each for each in project.timelines() if each.name() == name), None)
    if found is None:
        raise ResolveError("Resolve makes no new timeline.", "Look at Resolve: a dialog may be open.")
    return found


def _open(project: Project, made: Timeline) -> None:
    name = made.name()
    if project.timeline().name() != name:
        project.open_timeline(made)
    if project.timeline().name() != name:
        raise ResolveError("Resolve does not open a timeline of ours.", "Look at Resolve: a dialog may be open.")


def _set(timeline: Timeline, name: str, value: str) -> bool:
    if timeline.offers("SetSetting"):
        return timeline.done("SetSetting", name, value)
    return timeline.done("SetSettings", {name: value})  # 21.1 and later


def _rate(timeline: Timeline) -> Fraction:
    return rate(timeline.setting("timelineFrameRate"))


def _drops(timeline: Timeline) -> bool:
    return is_drop(timeline.start_timecode(), timeline.setting("timelineFrameRate"))


def _size(timeline: Timeline) -> tuple[int, int]:
    return resolution("x".join(timeline.setting(f"timelineResolution{each}") for each in ("Width", "Height")))


def _written(pace: Fraction, drop: bool) -> str:
    number = str(pace) if pace.denominator == 1 else f"{float(pace):.3f}".rstrip("0")
    return f"{number} DF" if drop else number


def _label(facts: dict[str, str], pace: Fraction, drop: bool, frames: int) -> str:
    """Timecode of the first frame that is rendered, "" where the clip has none."""
    text = facts.get("Start TC", "")
    if not text:
        return ""
    begin = Timecode.parse(text, pace)
    return str(Timecode(begin.frames, pace, begin.drop or drop).shifted(frames))


def _is_sequence(facts: dict[str, str]) -> bool:
    return _NUMBERS.search(facts.get("File Path", "")) is not None
