"""Where the time goes is said whole: stages and the rest make up the sum; steps that were not taken are reckoned."""

from __future__ import annotations

import numpy as np
import pytest

from answerprint.metrics.stages import Spent, drawn_clip, spend, stage_table
from answerprint.pipeline.restore_clip import ClipSettings
from answerprint.temporal.options import MethodOptions, per_frame
from temporal.models import small_backend


def test_stages_and_the_rest_make_up_the_sum_with_the_longest_first() -> None:
    ways = [
        Spent("one", 2, 1.0, {"flow": 0.2, "network": 0.5}),
        Spent("other", 4, 1.0, {"network": 0.2, "warp": 0.4}),
    ]
    heading, *rows = stage_table(ways)
    assert heading == ["ms/frame", "one", "other"]
    assert [row[0] for row in rows] == ["network", "flow", "warp", "rest", "all"]
    for column in (1, 2):
        values = [float(row[column]) for row in rows]
        assert sum(values[:-1]) == pytest.approx(values[-1])


def test_steps_that_were_not_taken_are_reckoned_from_what_is_repeated() -> None:
    spent = Spent("one", 2, 10.0, {"flow": 2.0, "network": 6.0, "decode latents": 1.0})
    assert spent.at_steps(4, 4) == spent.seconds_per_frame == 5.0
    assert spent.at_steps(4, 8) == (3.0 + 2 * 7.0) / 2


def test_the_drawn_clip_moves_and_is_the_same_again() -> None:
    clip, again = drawn_clip(3, 40, 24), drawn_clip(3, 40, 24)
    assert [frame.picture.shape for frame in clip] == [(24, 40, 3)] * 3
    assert all(np.array_equal(a.picture, b.picture) for a, b in zip(clip, again, strict=True))
    assert np.array_equal(clip[0].picture[1:, 2:], clip[1].picture[:-1, :-2])
    assert float(clip[0].picture.std()) > 0.05


def test_a_real_restoration_is_measured_in_its_stages() -> None:
    clip, method = drawn_clip(5, 32, 24), MethodOptions(chunk=3)
    backend = small_backend()
    spent, pictures = spend("consistent", clip, backend, ClipSettings(method))
    alone, _ = spend("per frame", clip, backend, ClipSettings(per_frame(method)))
    assert (spent.frames, len(pictures)) == (5, 5)
    assert {"network", "flow", "warp", "encode", "decode latents"} <= set(spent.stages)
    assert 0 < sum(spent.stages.values()) <= spent.seconds
    assert alone.stages["warp"] < spent.stages["warp"]
