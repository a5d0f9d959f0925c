"""A new item looks as the one that it is laid over: grade, inspector, framing."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from answerprint.resolve.api import Timeline, TimelineItem, pipelined
from answerprint.resolve.bridge.bridge import Value
from answerprint.resolve.put_back.outcome import Report

__all__ = ["clip_size", "copy_look", "framing_zoom"]

_SCALING, _CROP, _FIT = "Scaling", 1, 2  # SCALE_CROP, SCALE_FIT
_PROJECT_CROP = "centerCrop"
# In pixels of the picture, whose size is another one now; all else is relative to the frame, or no length at all.
_LENGTHS = frozenset({"CropLeft", "CropRight", "CropTop", "CropBottom", "CropSoftness"})
_ZOOMS = ("ZoomX", "ZoomY")
_SAME = 1e-6


def copy_look(
    original: TimelineItem,
    new: TimelineItem,
    timeline: Timeline,
    source: Mapping[str, str],
    clip: Mapping[str, str],
    steps: Report,
) -> None:
    """Give the new item the grade and the inspector's values of the original; a warning for what stays different.

    source, clip: attributes of the clips that the two are made of.
    """
    if not original.copy_grades([new]):
        steps.warn("grade", "The grade could not be copied: use Copy Grade in Resolve.")
    else:
        steps.say("grade", "The grade is that of the original.")
    with pipelined([original, new], (new.properties_call,)), pipelined([original], ("GetFusionCompCount",)):
        comps, theirs, ours = original.fusion_comps(), original.properties(), new.properties()
    if comps:
        steps.warn("fusion", "The original has a Fusion composition, which only Resolve itself can copy.")
    before, after = clip_size(source), clip_size(clip)
    asked: dict[str, str] = {name: value for name, value in theirs.items() if ours.get(name) != value}
    if before != after:
        asked |= _framed(theirs, before, timeline)
        if cropped := sorted(name for name in asked if name in _LENGTHS):
            for name in cropped:
                del asked[name]
            steps.warn("crop", f"{', '.join(cropped)} of the original count pixels of another size: set them by hand.")
    for name, value in asked.items():
        new.set_property(name, _typed(value))
    if asked:
        now = new.properties()
        for name, value in asked.items():
            if not _alike(now.get(name, ""), value):
                steps.warn("inspector", f"{name} stays {now.get(name) or 'empty'} instead of {value}.")


def clip_size(clip: Mapping[str, str]) -> tuple[int, int] | None:
    """Width and height, px, as a clip's attributes say them."""
    width, _, height = clip.get("Resolution", "").partition("x")
    return (int(width), int(height)) if width.isdecimal() and height.isdecimal() else None


def framing_zoom(size: tuple[int, int], frame: tuple[int, int]) -> Fraction:
    """The zoom, relative to a picture fitted into the frame, at which one of its pixels is one of the frame."""
    return max(Fraction(size[0], frame[0]), Fraction(size[1], frame[1]))


def _framed(theirs: dict[str, str], size: tuple[int, int] | None, timeline: Timeline) -> dict[str, str]:
    """Where a source is shown pixel by pixel, a larger picture would show its middle only: fit it, and zoom instead."""
    scaling = theirs.get(_SCALING, "0").partition(".")[0]
    cropped = scaling == str(_CROP) or (
        scaling == "0" and timeline.setting("timelineInputResMismatchBehavior") == _PROJECT_CROP
    )
    frame = tuple(timeline.setting(f"timelineResolution{side}") for side in ("Width", "Height"))
    if not cropped or size is None or not all(each.isdecimal() and int(each) for each in frame):
        return {}
    zoom = framing_zoom(size, (int(frame[0]), int(frame[1])))
    return {_SCALING: str(_FIT)} | {name: str(float(zoom * Fraction(theirs.get(name, "1")))) for name in _ZOOMS}


def _typed(value: str) -> Value:
    """Resolve wants a value of the type that it says, which is lost in text."""
    if value in ("True", "False"):
        return value == "True"
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value


def _alike(one: str, other: str) -> bool:
    try:
        return abs(float(one) - float(other)) < _SAME
    except ValueError:
        return one == other
