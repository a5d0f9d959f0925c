"""What a clip of the media pool is to be taken for: carried over from the source, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ..api import Clip, ahead
from .outcome import Steps
from .place import Place

__all__ = ["CARRIED", "carry_over", "rate_text", "same_rate", "wanted"]

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


def wanted(place: Place) -> dict[str, str]:
    """Attributes that a place's restored clip should have, in the order in which to set them."""
    asked = {name: place.attributes[name] for name in CARRIED if place.attributes.get(name)}
    # The source's own field order says nothing of what came out: restored pictures are whole.
    return {**asked, "Field Dominance": "Progressive"}


def carry_over(clip: Clip, now: Mapping[str, str], place: Place, steps: Steps) -> Mapping[str, str]:
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
        with ahead([clip], *(("SetClipProperty", *change) for change in changes.items()), ("GetClipProperty",)):
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


def _read_back(asked: Mapping[str, str], now: Mapping[str, str], steps: Steps) -> None:
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
