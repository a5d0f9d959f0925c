"""What is said of frames that are damaged in the source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from answerprint.frames import DamagePolicy
from answerprint.store.receipts import ChunkReceipt
from answerprint.text import counted, listed

__all__ = ["DAMAGED_KEY", "damage_words", "damaged_runs", "number_words"]

DAMAGED_KEY = "damaged"
"""Of a chunk's recipe: its damaged frames, if it has any."""

_DONE = {
    DamagePolicy.KEEP: "restored as far as it can be decoded; without a picture, the frame before is repeated",
    DamagePolicy.HOLD: "replaced by the last good frame",
}


def damage_words(damaged: Sequence[int], policy: DamagePolicy) -> str:
    """A warning about damaged frames."""
    which = f"{counted(len(damaged), 'frame')} of the source {'is' if len(damaged) == 1 else 'are'} damaged or missing"
    return f"{which}: {listed(damaged)} ({_DONE.get(policy, 'not read')})."


def number_words(frames: Sequence[int]) -> str:
    """A warning about frames of a source with values that are not numbers."""
    which = f"{counted(len(frames), 'frame')} of the source: {listed(frames)}"
    return f"Values that are not numbers were read as black, and infinite ones as 65504, in {which}."


def damaged_runs(receipts: Iterable[ChunkReceipt]) -> list[tuple[int, int]]:
    """The damaged frames of a job's chunks, each run as its first frame and the one after its last."""
    runs: list[tuple[int, int]] = []
    for frame in sorted({int(each) for receipt in receipts for each in receipt.recipe.get(DAMAGED_KEY, ())}):
        if runs and runs[-1][1] == frame:
            runs[-1] = (runs[-1][0], frame + 1)
        else:
            runs.append((frame, frame + 1))
    return runs
