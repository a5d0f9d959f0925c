"""The size in which a clip is restored for a timeline."""

from __future__ import annotations

from fractions import Fraction

from ...errors import InputError

__all__ = ["LARGEST_SCALE", "frame_size"]

LARGEST_SCALE = Fraction(4)
"""What the models that are shipped can do."""


def frame_size(
    source: tuple[int, int],
    timeline: tuple[int, int],
    *,
    aspect: Fraction = Fraction(1),
    timeline_aspect: Fraction = Fraction(1),
    scale: Fraction | None = None,
    size: tuple[int, int] | None = None,
    largest: Fraction = LARGEST_SCALE,
) -> tuple[int, int]:
    """Width and height in px for a source of `source` px: as large as the timeline shows it, both even.

    The source is fitted inside the timeline's frame, as its pixels' aspect has it, which the restored clip keeps. It is
    never made smaller than it is, since the item may be zoomed into, nor larger than the model can. scale, size: what
    was asked for instead. Raises InputError for what the model cannot do.
    """
    if size is not None:
        wanted = max(Fraction(size[0], source[0]), Fraction(size[1], source[1]))
        if wanted > largest:
            raise InputError(_TOO_LARGE.format(f"{size[0]}x{size[1]}", float(wanted), float(largest)), "Ask for less.")
        return size
    if scale is not None:
        if not 0 < scale <= largest:
            raise InputError(_TOO_LARGE.format(f"--scale {scale}", float(scale), float(largest)), "Ask for less.")
        factor = scale
    else:
        width = timeline[0] * timeline_aspect / (source[0] * aspect)
        factor = min(largest, max(Fraction(1), min(width, Fraction(timeline[1], source[1]))))
    return _even(source[0] * factor), _even(source[1] * factor)


_TOO_LARGE = "{} is {:.3g} times the source, and the model can do {:.3g}."


def _even(side: Fraction) -> int:
    return max(2, 2 * round(side / 2))
