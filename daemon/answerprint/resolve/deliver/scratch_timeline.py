"""A scratch timeline that shows only what is rendered.

For the source it is a new timeline with the clip's rate and size, so that each frame is rendered once and nothing is
scaled. For the graded picture it is a copy of the user's timeline with all other video tracks disabled: disabling
tracks of the user's own timeline would change it, and a crash would leave it changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from answerprint.errors import InputError
from answerprint.frames.sequence import BracketRange
from answerprint.frames.timecode import Timecode
from answerprint.resolve.api import MediaPoolItem, Project, Timeline, TimelineItem
from answerprint.resolve.bridge.bridge import BridgeValue
from answerprint.resolve.conform.rates import is_drop, rate, resolution, whole
from answerprint.resolve.deliver.order import RenderOrder
from answerprint.resolve.deliver.user_state import UserState
from answerprint.resolve.errors import ResolveError

__all__ = ["ScratchTimeline", "scratch_for"]

_TRIES = 3
_DIALOG = "Check Resolve: a dialog may be open."


@dataclass(frozen=True, slots=True)
class ScratchTimeline:
    """first: first record frame to render. offset: the same, counted from the timeline's start. whole: render all of
    it.

    source: the source frame of the first rendered frame, or its record frame for the graded picture.
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
    """Create and open the scratch timeline. Raises ResolveError, InputError if it cannot show what the order wants."""
    if order.form == "seen":
        return _seen(project, timeline, item, kept)
    clip = item.clip()
    if clip is None:
        raise InputError(
            f"{item.name()} has no source: it is a title, generator or adjustment clip.",
            "Restore its graded picture (--graded).",
        )
    return _source(project, clip, timeline, order, kept)


def _source(
    project: Project, clip: MediaPoolItem, timeline: Timeline, order: RenderOrder, kept: UserState
) -> ScratchTimeline:
    wanted = order.stop - order.first
    if wanted < 1:
        raise InputError(f"The order has no frame of {clip.name()}.")
    facts = clip.properties()
    frame_rate = rate(facts.get("FPS", ""))
    size = resolution(facts["Resolution"]) if facts.get("Resolution") else _size(timeline)
    if facts.get("PAR", "Square") not in ("", "Square"):
        raise InputError(
            f"{clip.name()} has non-square pixels ({facts['PAR']}): Resolve would scale it.",
            "Set its pixel aspect ratio to Square in the clip's attributes, and set it back after the render.",
        )
    number = whole(facts.get("Start", "")) or 0
    base = number if _is_sequence(facts) else 0  # a sequence counts from the number in its first file name
    drop = is_drop(facts.get("Start TC", "")) or facts.get("Drop frame") == "1"
    start = base + order.first
    label = _label(facts, frame_rate, drop, start - number)
    first, last = start, start + wanted - 1
    for _ in range(_TRIES):
        made = _empty(project, kept, frame_rate, size, label, drop)
        placed = _append(project, made, clip, first, last, order.sound)
        left, frames = placed.left_offset(precise=True), placed.duration()
        if left is None or frames is None:
            raise ResolveError(f"Resolve did not append {clip.name()} to a timeline.", "Check that it is online.")
        # Versions differ in where the item begins and in what the end means: measure both, and correct them.
        early, short = start - number - round(left), wanted - round(frames)
        if not early and not short:
            begin = made.start()
            return ScratchTimeline(made, frame_rate, size, made.start_timecode(), wanted, begin, 0, True, order.first)
        _delete(project, made)
        first, last = first + early, last + early + short
    raise ResolveError(
        f"Resolve did not append frames {order.first} to {order.stop - 1} of {clip.name()} to a timeline.",
        "Render them in Resolve, and restore the file.",
    )


def _seen(project: Project, timeline: Timeline, item: TimelineItem, kept: UserState) -> ScratchTimeline:
    track, start, duration = item.track(), item.start(), item.duration()
    if track is None or track[0] != "video" or start is None or duration is None:
        raise ResolveError(f"Resolve did not return the track and position of {item.name()}.", "Update Resolve.")
    if timeline.found("DuplicateTimeline", kept.scratch) is None:
        raise ResolveError("Resolve did not duplicate the timeline.", _DIALOG)
    made = _named(project, kept.scratch)
    _open(project, made)
    same = [each for each in made.items(track[1]) if (each.start(), each.duration()) == (start, duration)]
    if len(same) != 1:
        raise ResolveError(f"The copy of the timeline does not hold {item.name()}.", "Try again.")
    for number in range(1, made.tracks() + 1):
        if number != track[1] and not made.done("SetTrackEnable", "video", number, False):
            raise ResolveError("Resolve did not disable the other tracks of the copy.", "Try again.")
    frame_rate = _rate(made)
    begin = made.start()
    drop = is_drop(made.start_timecode(), made.setting("timelineFrameRate"))
    head = Timecode.parse(made.start_timecode(), frame_rate)
    label = Timecode(head.frames, frame_rate, drop).shifted(round(start) - begin)
    return ScratchTimeline(
        made,
        frame_rate,
        _size(made),
        str(label),
        round(duration),
        round(start),
        round(start) - begin,
        False,
        round(start),
    )


def _empty(
    project: Project, kept: UserState, frame_rate: Fraction, size: tuple[int, int], label: str, drop: bool
) -> Timeline:
    """Create and open a timeline with the rate and size of the clip."""
    if project.pool().found("CreateEmptyTimeline", kept.scratch) is None:
        raise ResolveError("Resolve did not create a timeline.", _DIALOG)
    made = _named(project, kept.scratch)
    _open(project, made)
    # One by one and in this order: the rate only while the timeline is empty, the timecode after the rate.
    for name, value in (
        ("useCustomSettings", "1"),
        ("timelineResolutionWidth", str(size[0])),
        ("timelineResolutionHeight", str(size[1])),
    ):
        _set(made, name, value)
    if _rate(made) != frame_rate or _drops(made) != drop:
        _set(made, "timelineFrameRate", _written(frame_rate, drop))
    if _rate(made) != frame_rate or _size(made) != size:
        raise ResolveError(
            f"Resolve did not create a timeline of {size[0]}x{size[1]} at {float(frame_rate):.5g} frames per second.",
            "Render the clip on a timeline of its own in Resolve, and restore the file.",
        )
    if label and made.start_timecode() != label:
        made.done("SetStartTimecode", label)
    return made


def _append(project: Project, made: Timeline, clip: MediaPoolItem, first: int, last: int, sound: bool) -> TimelineItem:
    entry: dict[str, BridgeValue] = {
        "mediaPoolItem": clip.remote,
        "startFrame": first,
        "endFrame": last,
        "recordFrame": made.start(),
    }
    if not sound:
        entry["mediaType"] = 1
    project.pool().append([entry])
    placed = made.items(1)  # the returned item may be hollow
    if len(placed) != 1:
        raise ResolveError(f"Resolve did not append {clip.name()} to a timeline.", "Check that it is online.")
    return placed[0]


def _delete(project: Project, made: Timeline) -> None:
    if not project.pool().delete_timelines([made]):
        raise ResolveError(f"Resolve did not delete the timeline {made.name()}.", _DIALOG)


def _named(project: Project, name: str) -> Timeline:
    found = next((each for each in project.timelines() if each.name() == name), None)
    if found is None:
        raise ResolveError("Resolve did not create a timeline.", _DIALOG)
    return found


def _open(project: Project, made: Timeline) -> None:
    name = made.name()
    if project.timeline().name() != name:
        project.open_timeline(made)
    if project.timeline().name() != name:
        raise ResolveError(f"Resolve did not open the timeline {name}.", _DIALOG)


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


def _written(frame_rate: Fraction, drop: bool) -> str:
    number = str(frame_rate) if frame_rate.denominator == 1 else f"{float(frame_rate):.3f}".rstrip("0")
    return f"{number} DF" if drop else number


def _label(facts: dict[str, str], frame_rate: Fraction, drop: bool, frames: int) -> str:
    """Timecode of the first rendered frame, "" if the clip has none."""
    text = facts.get("Start TC", "")
    if not text:
        return ""
    begin = Timecode.parse(text, frame_rate)
    return str(Timecode(begin.frames, frame_rate, begin.drop or drop).shifted(frames))


def _is_sequence(facts: dict[str, str]) -> bool:
    return BracketRange.parse(facts.get("File Path", "")) is not None
