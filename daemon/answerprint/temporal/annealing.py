"""The merge ratio at each step (paper, Eq. 8)."""

from __future__ import annotations

import math

from answerprint.temporal.options import MethodOptions, stage_steps

__all__ = ["merge_ratio"]


def merge_ratio(options: MethodOptions, i: int, steps: int) -> float:
    """r_i = r_end + (r - r_end) cos(pi/2 clamp(delta (i - i_beg) / (i_end - i_beg), 0, 1)); 0 outside the stage.

    i_end is the last step of the stage, so that the ratio reaches r_end within it.
    """
    stage = stage_steps(options.merge_stage, steps)
    if not options.merge or i not in stage:
        return 0.0
    s = options.merge_delta * (i - stage.start) / max(len(stage) - 1, 1)
    falloff = math.cos(math.pi / 2 * min(max(s, 0.0), 1.0))
    return options.merge_ratio_end + (options.merge_ratio - options.merge_ratio_end) * falloff
