"""Whether the pictures of a range come evenly enough to be restored as frames, and what to say if a few do not."""

from __future__ import annotations

from answerprint.errors import MediaError
from answerprint.frames.cadence import stored_range
from answerprint.frames.clip import ClipInfo, DamagePolicy
from answerprint.frames.frame import FrameRange
from answerprint.frames.grid import FrameGrid
from answerprint.text import counted, listed

__all__ = ["check_spacing", "spacing_notices"]

# Beyond one in so many pictures, or this number in a short range, the rate is variable.
_SHARE = 10
_FEW = 3
_HELD_SECONDS = 2  # that may be held beside as many frames as there are pictures


def check_spacing(info: ClipInfo, frames: FrameRange) -> None:
    """Raise MediaError, with the figures, if the pictures of a range have no constant rate.

    So it does if some are lost, and damage is not to be restored.
    """
    grid, frames = info.grid, stored_range(info, frames)
    if grid is None:
        return
    held, shifted = _held(grid, frames), _shifted(grid, frames)
    lost = [each for run in held if run.stop < grid.frames and not grid.stated for each in range(run.start, run.stop)]
    if lost and info.damaged is DamagePolicy.FAIL:
        raise MediaError(
            f"{info.path} has no picture for {counted(len(lost), 'frame')}: {listed(lost)}.",
            "Copy it again, or use --damaged keep, which repeats the frame before.",
        )
    still = sum(map(len, held))
    odd = len(shifted) + (0 if grid.stated else _breaks(held, frames))
    rate = info.file_rate or (info.stored or info).rate
    pictures = len(frames) - still + sum(1 for each in grid.crowded if each in frames)
    if odd <= max(_FEW, pictures // _SHARE) and (grid.stated or still <= pictures + _HELD_SECONDS * rate):
        return
    places = sorted([*(run.start for run in held), *shifted])
    raise MediaError(
        f"{info.path} has a variable frame rate: at {rate} frames per second, its frames {frames} would hold"
        f" {counted(pictures, 'picture')}, with {counted(odd, 'irregularity', 'irregularities')}"
        f" (at {listed(places)}).",
        f"Convert it to a constant frame rate first, or restore an even part: --range {_longest(grid, frames)}.",
    )


def spacing_notices(info: ClipInfo, frames: FrameRange) -> tuple[str, ...]:
    """Return what the user should know of the spacing of a range that can be restored."""
    frames = stored_range(info, frames)
    if info.grid is None:
        return ()
    notices = []
    if still := [each for run in _held(info.grid, frames) for each in range(run.start, run.stop)]:
        have, repeat = ("has", "repeats") if len(still) == 1 else ("have", "repeat")
        notices.append(
            f"{counted(len(still), 'frame')} of the source {have} no picture and {repeat} the one before, so that"
            f" numbers and sound stay in place: {listed(still)}."
        )
    crowded = [each for each in info.grid.crowded if each in frames]
    if moved := sorted(each for each in info.grid.moved.values() if each in frames):
        notices.append(f"Pictures whose times are between two frames count as frames {listed(moved)}.")
    if crowded:
        notices.append(f"The source has more than one picture for frames {listed(crowded)}; one of each is restored.")
    return tuple(notices)


def _held(grid: FrameGrid, frames: FrameRange) -> list[FrameRange]:
    """The parts of held runs that lie in a range."""
    return [
        FrameRange(max(run.start, frames.start), min(run.stop, frames.stop))
        for run in grid.held
        if run.start < frames.stop and frames.start < run.stop
    ]


def _breaks(held: list[FrameRange], frames: FrameRange) -> int:
    """How often the pictures leave their rhythm: one frame left out is one break, half of all frames is none."""
    rhythms: list[int] = []

    def add(step: int) -> None:
        if not rhythms or rhythms[-1] != step:
            rhythms.append(step)

    at = frames.start
    for run in held:
        if run.start - 1 > at:
            add(1)
        add(len(run) + 1)
        at = run.stop
    if frames.stop - 1 > at:
        add(1)
    return len(rhythms) // 2


def _shifted(grid: FrameGrid, frames: FrameRange) -> list[int]:
    return [each for each in (*grid.moved.values(), *grid.crowded) if each in frames]


def _longest(grid: FrameGrid, frames: FrameRange) -> FrameRange:
    """The longest part of a range in which each frame has its picture at its time."""
    breaks = sorted(
        [
            *((run.start, run.stop) for run in _held(grid, frames)),
            *((each, each + 1) for each in _shifted(grid, frames)),
            (frames.stop, frames.stop),
        ]
    )
    best, start = FrameRange(frames.start, frames.start), frames.start
    for at, after in breaks:
        if at - start > len(best):
            best = FrameRange(start, at)
        start = max(start, after)
    return best
