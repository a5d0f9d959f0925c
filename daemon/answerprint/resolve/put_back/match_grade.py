"""Copies the look of the original to the item above it: grade, inspector, framing."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from answerprint.resolve.api import Timeline, TimelineItem, pipelined
from answerprint.resolve.bridge.bridge import BridgeValue
from answerprint.resolve.put_back.outcome import Report

__all__ = ["clip_size", "copy_look", "framing_zoom"]

_SCALING, _CROP, _FIT = "Scaling", 1, 2  # SCALE_CROP, SCALE_FIT
_PROJECT_CROP = "centerCrop"
# In pixels of the picture, whose size changed; all others are relative to the frame, or not lengths.
_LENGTHS = frozenset({"CropLeft", "CropRight", "CropTop", "CropBottom", "CropSoftness"})
_ZOOMS = ("ZoomX", "ZoomY")
_SAME = 1e-6


def copy_look(
    original: TimelineItem,
    new: TimelineItem,
    timeline: Timeline,
    source: Mapping[str, str],
    clip: Mapping[str, str],
    report: Report,
) -> None:
    """Copy grade and inspector values from the original to the new item, and warn of what could not be copied.

    source, clip: attributes of the clips of the two.
    """
    if not original.copy_grades([new]):
        report.warn("grade", "The grade could not be copied. Use Copy Grade in Resolve.")
    else:
        report.info("grade", "Copied the grade of the original.")
    with pipelined([original, new], (new.properties_call,)), pipelined([original], ("GetFusionCompCount",)):
        comps, theirs, ours = original.fusion_comps(), original.properties(), new.properties()
    if comps:
        report.warn("fusion", "The original has a Fusion composition, which only Resolve itself can copy.")
    before, after = clip_size(source), clip_size(clip)
    wanted: dict[str, str] = {name: value for name, value in theirs.items() if ours.get(name) != value}
    if before != after:
        wanted |= _framed(theirs, before, timeline)
        if cropped := sorted(name for name in wanted if name in _LENGTHS):
            for name in cropped:
                del wanted[name]
            report.warn("crop", f"{', '.join(cropped)} of the original count pixels of another size. Set them by hand.")
    for name, value in wanted.items():
        new.set_property(name, _typed(value))
    if wanted:
        now = new.properties()
        for name, value in wanted.items():
            if not _equal(now.get(name, ""), value):
                report.warn("inspector", f"{name} stays {now.get(name) or 'empty'} instead of {value}.")


def clip_size(clip: Mapping[str, str]) -> tuple[int, int] | None:
    """Width and height, px, from a clip's attributes; None if they do not say."""
    width, _, height = clip.get("Resolution", "").partition("x")
    return (int(width), int(height)) if width.isdecimal() and height.isdecimal() else None


def framing_zoom(size: tuple[int, int], frame: tuple[int, int]) -> Fraction:
    """The zoom, relative to a picture fitted into the frame, at which a pixel of it is a pixel of the frame."""
    return max(Fraction(size[0], frame[0]), Fraction(size[1], frame[1]))


def _framed(theirs: dict[str, str], size: tuple[int, int] | None, timeline: Timeline) -> dict[str, str]:
    """If a source is shown pixel by pixel, only the middle of a larger picture would show: fit and zoom it instead."""
    scaling = theirs.get(_SCALING, "0").partition(".")[0]
    cropped = scaling == str(_CROP) or (
        scaling == "0" and timeline.setting("timelineInputResMismatchBehavior") == _PROJECT_CROP
    )
    frame = tuple(timeline.setting(f"timelineResolution{side}") for side in ("Width", "Height"))
    if not cropped or size is None or not all(each.isdecimal() and int(each) for each in frame):
        return {}
    zoom = framing_zoom(size, (int(frame[0]), int(frame[1])))
    return {_SCALING: str(_FIT)} | {name: str(float(zoom * Fraction(theirs.get(name, "1")))) for name in _ZOOMS}


def _typed(value: str) -> BridgeValue:
    """A value of the type that Resolve expects, from its text."""
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


def _equal(one: str, other: str) -> bool:
    try:
        return abs(float(one) - float(other)) < _SAME
    except ValueError:
        return one == other
